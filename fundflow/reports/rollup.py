"""Indicators added up over many grants, each figure by a definition that leaves nothing to be counted twice.

- Of each grant counts its plan, and of its reports only the latest that was accepted: reports tell figures since the
  beginning, so earlier ones are contained in it.
- Only measures of the catalogue are added up. What is in free words, and what is a share, is listed and never summed.
- Several lines of one grant that count people under one measure may count the same people: the largest of them counts.
  Lines that count things are added up.
- A grant without an accepted report stands where it began: its baseline is its actual figure.
- Progress is (actual - baseline) / (target - baseline) of the sums.
- A group, such as women, is told of so many people: those of the lines that answer it.

Sums are exact decimals; nothing is rounded but where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fundflow.reports.tables import GROUPS, Line

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Report:
    """The indicators of one report; of two reports of a grant the one with the higher `order` is the later."""

    order: Any
    lines: tuple[Line, ...]
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class Promised:
    """What one grant promised and what its reports say."""

    grant: Any
    plan: tuple[Line, ...]
    reports: tuple[Report, ...] = ()

    @property
    def latest(self) -> Report | None:
        """The report that counts."""
        return max((each for each in self.reports if each.is_accepted), key=lambda each: each.order, default=None)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one grant. `actual` is None while no accepted report tells it."""

    measure: str | None
    words: str
    baseline: Decimal
    target: Decimal | None
    actual: Decimal | None
    groups: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def progress(self) -> Decimal | None:
        """The part of the way from the baseline to the target; None where there is no way or nothing is told yet."""
        return None if self.actual is None or self.target is None else part(self.baseline, self.target, self.actual)


@dataclass(frozen=True, slots=True)
class Group:
    """So many of those people whose line tells of this group."""

    count: Decimal
    among: Decimal


@dataclass(frozen=True, slots=True)
class Sum:
    """One measure over many grants."""

    measure: str
    grants: int
    """That promise it or report it."""
    reported: int
    """Of them with an accepted report that tells it."""
    baseline: Decimal
    target: Decimal
    actual: Decimal
    groups: Mapping[str, Group] = field(default_factory=dict)

    @property
    def progress(self) -> Decimal | None:
        return part(self.baseline, self.target, self.actual)


def part(baseline: Decimal, target: Decimal, actual: Decimal) -> Decimal | None:
    """The part of the way from the baseline to the target; None where they are the same."""
    return (actual - baseline) / (target - baseline) if target != baseline else None


def figures(promised: Promised) -> tuple[Figure, ...]:
    """Every indicator of a grant: its plan in order, then what its latest accepted report tells beside it."""
    latest = promised.latest
    planned, told = _by_key(promised.plan), _by_key(latest.lines if latest else ())
    return tuple(_figure(planned.get(key, []), told.get(key, [])) for key in dict.fromkeys([*planned, *told]))


def _by_key(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.key, []).append(line)
    return found


def _figure(plan: Sequence[Line], told: Sequence[Line]) -> Figure:
    """What is promised stands in the plan; a report only says it where the plan does not know the measure."""
    first = (plan or told)[0]
    said = plan or told
    counted = [line for line in told if line.actual is not None]
    if first.counts_people and counted:
        counted = [max(counted, key=lambda line: line.actual or _NONE)]
    return Figure(
        measure=first.measure,
        words=first.words,
        baseline=_together(first, [line.baseline or _NONE for line in said]),
        target=_together(first, [line.target or _NONE for line in said]) if plan else None,
        actual=sum((line.actual or _NONE for line in counted), _NONE) if counted else None,
        groups=_groups(counted) if first.counts_people else {},
    )


def _together(line: Line, values: Sequence[Decimal]) -> Decimal:
    """People of several lines may be the same; things are not."""
    return max(values) if line.counts_people else sum(values, _NONE)


def _groups(lines: Sequence[Line]) -> dict[str, Decimal]:
    return {name: line.groups[name] for line in lines for name in GROUPS if name in line.groups}


def rolled_up(grants: Iterable[Promised]) -> tuple[Sum, ...]:
    """Every measure of the catalogue that may be added up, in the order in which it is met."""
    found: dict[str, list[Figure]] = {}
    for grant in grants:
        for figure in figures(grant):
            if figure.measure is not None and Line(figure.measure, "").is_comparable:
                found.setdefault(figure.measure, []).append(figure)
    return tuple(_sum(measure, each) for measure, each in found.items())


def _sum(measure: str, each: Sequence[Figure]) -> Sum:
    told = [figure for figure in each if figure.actual is not None]
    groups = {}
    for name in GROUPS:
        split = [figure for figure in told if name in figure.groups]
        if split:
            groups[name] = Group(
                sum((figure.groups[name] for figure in split), _NONE),
                sum((figure.actual or _NONE for figure in split), _NONE),
            )
    return Sum(
        measure=measure,
        grants=len(each),
        reported=len(told),
        baseline=sum((figure.baseline for figure in each), _NONE),
        target=sum((figure.baseline if figure.target is None else figure.target for figure in each), _NONE),
        actual=sum((figure.baseline if figure.actual is None else figure.actual for figure in each), _NONE),
        groups=groups,
    )
