"""What happened in a round, as a simulation counts it: visits to states and sheets of reviews, in hours.

Hours count from midnight of the opening day on the clock of the workflow's zone. What is not over has no end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from fundflow.simulation.estimates import Lasting


@dataclass(frozen=True, slots=True)
class Visit:
    """One application in one state, from coming to leaving; `way` is the transition that led out.

    One that left by no transition of the workflow, as by a migration, was seen until then and did not end.
    """

    application: int
    state: str
    came: float
    left: float | None
    way: str | None

    def lasting(self, until: float) -> Lasting:
        """How long it lasted, or lasts until now."""
        return Lasting((until if self.left is None else self.left) - self.came, self.way)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One reviewer's place: when it was given, and when the sheet was sent, or the place ended without one."""

    review: str
    application: int
    reviewer: int
    asked: float
    sent: float | None = None
    ended: float | None = None
    is_recused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One round until `until`, when it was looked at."""

    name: str
    opens: date
    closes: date
    closing: float
    """The hour of the closing."""
    budget: float | None
    until: float
    amounts: tuple[float, ...]
    visits: tuple[Visit, ...]
    sheets: tuple[Sheet, ...]

    @property
    def arrivals(self) -> list[tuple[float, int]]:
        """When each application came, with its number, in order."""
        first: dict[int, float] = {}
        for visit in self.visits:
            first[visit.application] = min(visit.came, first.get(visit.application, visit.came))
        return sorted((at, number) for number, at in first.items())

    def of_state(self, state: str) -> list[Visit]:
        """The visits to a state."""
        return [visit for visit in self.visits if visit.state == state]

    def lastings(self) -> dict[str, list[Lasting]]:
        """How long every visit lasted or lasts, by state."""
        found: dict[str, list[Lasting]] = defaultdict(list)
        for visit in self.visits:
            found[visit.state].append(visit.lasting(self.until))
        return dict(found)

    def only(self, applications: Collection[int]) -> History:
        """The history of these applications alone."""
        return replace(
            self,
            visits=tuple(visit for visit in self.visits if visit.application in applications),
            sheets=tuple(sheet for sheet in self.sheets if sheet.application in applications),
        )

    def split(self, share: float) -> tuple[History, History]:
        """The applications that came first, this share of them, and those that came later."""
        order = [number for _, number in self.arrivals]
        cut = round(len(order) * share)
        return self.only(set(order[:cut])), self.only(set(order[cut:]))
