"""A scenario: everything about a round that the workflow file does not say, and that a simulation must assume.

Who works how many hours, how long each step takes, which way applications leave a state, how many come and when. It is
made by reading a file or by `default`, so every name in it exists in its workflow and every share adds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fundflow.simulation.distributions import Distribution, Fixed
from fundflow.workflow.durations import Duration

NO_MONEY = Fixed(0.0)
THREE_YEARS = Duration(months=36, text="36 months")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What one step takes: first waiting for `days`, then `hours` of work of one person of `by`.

    With `before`, the days are counted back from when that timer is due. Whoever has no staff has no queue.
    """

    by: str | None = None
    days: Distribution | None = None
    hours: Distribution | None = None
    before: str | None = None

    @property
    def is_nothing(self) -> bool:
        return self.days is None and self.hours is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out of a state: the share of applications that take it, and what it takes."""

    share: float
    effort: Effort = Effort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What happens in a state: the ways out by transition, and what its tasks, forms and signatures take."""

    ways: Mapping[str, Way] = field(default_factory=dict)
    tasks: Mapping[str, Effort] = field(default_factory=dict)
    forms: Mapping[str, Effort] = field(default_factory=dict)
    signatures: Mapping[str, Effort] = field(default_factory=dict)
    limit: Duration | None = None
    """How long applications should stay at most; the share that stays longer is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """How a review is done: choosing the reviewers, writing a sheet, and how many have a conflict of interest."""

    choosing: Effort = Effort()
    sheet: Effort = Effort()
    conflict: float = 0.0
    picks: str = "fewest"
    """Who is asked: those who were asked for the fewest so far, or anybody (`random`)."""
    waits_for: str = "quorum"
    """What the step after the review waits for: the quorum of the file, or `all` sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """The people of a role. With `same_as`, they are those of another role, and do the work of both."""

    people: int = 1
    hours: float = 6.0
    """Hours each gives to this fund on a working day."""
    same_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """Such a share of the applications comes in the last days before closing, evenly."""

    share: float
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """How many applications come, and where they begin: exactly `count`, or `per_day` on average, at random."""

    into: str
    count: int | None = None
    per_day: float | None = None
    rush: Rush | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The round: its days (`closes` is its last one), its budget, and what applications ask for, in whole money."""

    opens: date
    closes: date
    budget: float | None = None
    amount: Distribution = NO_MONEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All assumptions about one round under one workflow."""

    id: str
    title: str
    workflow: str
    opening: Opening
    arrivals: Arrivals
    staff: Mapping[str, Staff] = field(default_factory=dict)
    states: Mapping[str, Stay] = field(default_factory=dict)
    reviews: Mapping[str, Sheets] = field(default_factory=dict)
    timers: Mapping[str, Distribution] = field(default_factory=dict)
    """Timers whose moment only an application knows: so many days after entering their state."""
    until: Duration = THREE_YEARS
    """How long after the opening the simulation looks."""
    note: str = ""
    """Where the figures come from."""
