"""A budget against what was spent: line by line, exact to the smallest unit.

A report's line belongs to the plan's line of the same item and kind; a line that the plan does not have was planned
with nothing. Compares only amounts of one currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fundflow.money import Money
from fundflow.reports.tables import Cost


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the budget beside what it took. `spent` is None where no report says."""

    item: str
    kind: str | None
    planned: Money
    spent: Money | None
    why: str = ""

    @property
    def left(self) -> Money:
        """What the line still has; below nothing where more was spent than planned."""
        return self.planned - (self.spent or Money.zero(self.planned.currency))

    @property
    def share(self) -> Decimal | None:
        """The part of the line that is spent; None where nothing was planned or told."""
        return None if self.spent is None or not self.planned else Decimal(self.spent.minor) / self.planned.minor


@dataclass(frozen=True, slots=True)
class Spending:
    """All lines, and their sums."""

    lines: tuple[Compared, ...]
    planned: Money
    spent: Money

    @property
    def left(self) -> Money:
        return self.planned - self.spent

    @property
    def share(self) -> Decimal | None:
        return Decimal(self.spent.minor) / self.planned.minor if self.planned else None


def compared(plan: Sequence[Cost], report: Sequence[Cost], currency: str) -> Spending:
    """The plan's lines in order, then those that only the report has. Lines of one name are one line."""
    zero = Money.zero(currency)
    found: dict[tuple[str, str | None], Compared] = {}
    for cost in plan:
        before = found.get(_key(cost))
        planned = cost.planned + (before.planned if before else zero)
        found[_key(cost)] = Compared(before.item if before else cost.item, cost.kind, planned, None)
    for cost in report:
        before = found.get(_key(cost))
        planned = before.planned if before else zero if plan else cost.planned
        told = [each for each in (before.spent if before else None, cost.spent) if each is not None]
        why = "\n".join(filter(None, (before.why if before else "", cost.why)))
        found[_key(cost)] = Compared(
            before.item if before else cost.item, cost.kind, planned, sum(told, zero) if told else None, why
        )
    lines = tuple(found.values())
    return Spending(
        lines,
        sum((line.planned for line in lines), zero),
        sum((line.spent for line in lines if line.spent is not None), zero),
    )


def _key(cost: Cost) -> tuple[str, str | None]:
    return " ".join(cost.item.casefold().split()), cost.kind
