"""A fitted scenario against what then happened: the applications that came first predict those that came later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from fundflow.simulation.days import DAY
from fundflow.simulation.estimates import survival_quantile
from fundflow.simulation.figures import Figure, quantile
from fundflow.simulation.fitted import fitted
from fundflow.simulation.history import History
from fundflow.simulation.model import compiled
from fundflow.simulation.run import days_of, once
from fundflow.simulation.tables import in_columns
from fundflow.workflow.definition import Workflow

FIRST, LEAST = 0.7, 5
"""The share of applications that is fitted, and the least number of stays that is set against a prediction."""


@dataclass(frozen=True, slots=True)
class Line:
    """One state: how long half and nine of ten stayed, as predicted and as it was, in days."""

    state: str
    stays: int
    half: Figure
    nine: Figure
    was_half: float
    was_nine: float | None
    """None where fewer than nine of ten have left."""
    within: float
    """The share of the stays that ended within the predicted time for nine of ten."""

    @property
    def held(self) -> list[bool]:
        """Whether each of the actual figures lies between what 95 of 100 simulated rounds came to."""
        pairs = [(self.half, self.was_half), (self.nine, self.was_nine)]
        return [figure.low - 1e-9 <= was <= figure.high + 1e-9 for figure, was in pairs if was is not None]


@dataclass(frozen=True, slots=True)
class BackTest:
    """Every state that enough later applications came to."""

    fitted: int
    held_out: int
    runs: int
    lines: tuple[Line, ...]

    @property
    def held(self) -> tuple[int, int]:
        """How many of the actual figures lie in their interval, of how many."""
        all_ = [each for line in self.lines for each in line.held]
        return sum(all_), len(all_)

    @property
    def error(self) -> float | None:
        """By how much the predicted time for nine of ten was off, as a share, on average over the states."""
        off = [abs(line.nine.mean - line.was_nine) / line.was_nine for line in self.lines if line.was_nine]
        return sum(off) / len(off) if off else None


def backtest(workflow: Workflow, history: History, runs: int = 100, seed: int = 1) -> BackTest | None:
    """Fit to those that came first, simulate those that came later from when they came, and compare.

    None where there are too few applications to part them. What was still open counts as lasting at least so long.
    """
    before, after = history.split(FIRST)
    arrivals = [at for at, _ in after.arrivals]
    if len(before.arrivals) < LEAST or len(arrivals) < LEAST:
        return None
    model = compiled(workflow, fitted(workflow, before))
    # Nobody else is on the people's desks, and money that is short is no part of how long things take.
    model = replace(model, hours=tuple(max(0.0, at) for at in arrivals), budget=None)
    days, seen = days_of(model), []
    for number in range(runs):
        log = once(model, Random(f"{seed}/{number}"), days)  # noqa: S311 - chance, not secrecy
        seen.append([[stay / DAY for stay in state.stays] for state in log.states])
    lines = []
    for number, state in enumerate(model.states):
        line = _line(after, state.id, [run[number] for run in seen])
        if line is not None:
            lines.append(line)
    return BackTest(len(before.arrivals), len(arrivals), runs, tuple(lines))


def _line(after: History, state: str, runs: Sequence[Sequence[float]]) -> Line | None:
    actual = [replace(each, length=each.length / DAY) for each in after.lastings().get(state, [])]
    ended = [each.length for each in actual if each.end is not None]
    stays = [run for run in runs if run]
    was_half = survival_quantile(actual, 0.5)
    if len(ended) < LEAST or not stays or was_half is None:
        return None
    half = Figure.of([quantile(run, 0.5) for run in stays])
    nine = Figure.of([quantile(run, 0.9) for run in stays])
    within = sum(length <= nine.mean for length in ended) / len(ended)
    return Line(state, len(actual), half, nine, was_half, survival_quantile(actual, 0.9), within)


def told(found: BackTest | None) -> str:
    """The back-test as a person reads it, in days; its last line is the figure."""
    if found is None:
        return "back-test: too few applications to predict some from the others"
    head = ("state", "stays", "half was", "predicted", "nine of ten was", "predicted", "within it")
    lines = [head]
    for line in found.lines:
        lines.append(
            (
                line.state,
                str(line.stays),
                f"{line.was_half:.1f}",
                _between(line.half),
                "not yet" if line.was_nine is None else f"{line.was_nine:.1f}",
                _between(line.nine),
                f"{line.within:.0%}",
            )
        )
    held, of = found.held
    off = "" if found.error is None else f"; nine of ten: off by {found.error:.0%} on average"
    return "\n".join(
        [
            f"back-test: the first {found.fitted} applications predict the other {found.held_out}; in days",
            *in_columns(lines),
            f"{held} of {of} actual figures lie between what 95 of 100 runs predict{off}",
        ]
    )


def _between(figure: Figure) -> str:
    return f"{figure.mean:.1f} ({figure.low:.1f}-{figure.high:.1f})"
