"""What a run moves and what it writes down: applications, desks with their piles, and counts by state and review.

Times are hours of the simulation; areas are numbers times hours, so that an average over time is an area by its span.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from fundflow.simulation.model import NONE, Way


class Case:
    """One application on its way."""

    __slots__ = (
        "amount", "came", "due", "entered", "held", "is_decided", "jobs", "late", "limit", "needed", "number",
        "outcome", "paid", "reviewed", "sent", "sheets", "signed", "spent", "state", "used", "visit", "waiting", "way",
    )  # fmt: skip

    def __init__(self, number: int, amount: float) -> None:
        self.number, self.amount = number, amount
        self.state = self.visit = NONE
        self.waiting = self.signed = self.needed = self.sheets = 0
        self.came = self.entered = self.limit = self.held = self.paid = self.reviewed = 0.0
        self.sent: float | None = None
        self.is_decided = False
        self.outcome: str | None = None
        self.way: Way | None = None
        self.due: dict[int, float] = {}
        self.used: dict[str, int] = {}
        self.spent: dict[int, float] = {}
        """Hours of working days spent so far under each timer that stands still elsewhere."""
        self.late: set[int] = set()
        """Those of them that were counted as late already."""
        self.jobs: list[Job] = []


@dataclass
class Paper:
    """One sheet of a review, for whoever wants to know all of them: by whom, when asked for, when sent."""

    review: str
    application: int
    reviewer: int
    asked: float
    sent: float | None = None
    is_recused: bool = False


class Job:
    """One piece of work for one visit of an application: first it may be waited for, then it lies on a desk's pile."""

    __slots__ = ("case", "desk", "hours", "is_waiting", "sheet", "visit", "what")

    def __init__(self, case: Case, what: int, hours: float, desk: Desk | None, sheet: Paper | None = None) -> None:
        self.case, self.visit, self.what, self.hours, self.desk = case, case.visit, what, hours, desk
        self.sheet = sheet
        self.is_waiting = False


class Desk:
    """One pile and the people who take from it; what it was asked and what it did."""

    __slots__ = (
        "a_day", "area", "asked", "assigned", "ended", "first", "free", "last", "most", "people", "pile", "since",
        "waiting", "worked",
    )  # fmt: skip

    def __init__(self, people: int, a_day: float) -> None:
        self.people = self.free = people
        self.a_day = a_day
        self.pile: deque[Job] = deque()
        self.waiting = self.most = self.assigned = 0
        self.area = self.since = self.asked = self.worked = self.ended = 0.0
        self.first: float | None = None
        self.last = 0.0

    def count(self, now: float, change: int) -> None:
        self.area += self.waiting * (now - self.since)
        self.since = now
        self.waiting += change
        self.most = max(self.most, self.waiting)


@dataclass
class StateLog:
    """What was seen of one state: the hours of every stay that ended, and how many were there over time."""

    stays: list[float] = field(default_factory=list)
    came: int = 0
    here: int = 0
    most: int = 0
    area: float = 0.0
    since: float = 0.0
    first: float | None = None
    limit_kept: int = 0
    limit_missed: int = 0


@dataclass
class ReviewLog:
    """What was seen of one review."""

    turnarounds: list[float] = field(default_factory=list)
    late: int = 0
    recused: int = 0
    short: int = 0
    """Applications for which too few reviewers were left for a quorum."""


@dataclass
class Log:
    """Everything that one run left behind."""

    states: list[StateLog]
    desks: list[list[Desk]]
    reviews: list[ReviewLog]
    timers: list[list[int]]
    """For each timer that only tells: how many stays ended in time, and how many were late."""
    samples: list[Sequence[int]]
    """Every `SAMPLE_DAYS` days: how many applications are in each state, then how many pieces wait for each desk."""
    cases: list[Case] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)
    awarded: float = 0.0
    released: float = 0.0
    awards: int = 0
    unfunded: int = 0
    """How many times an award had to be left for want of money."""
    endless: int = 0
    ended_at: float = 0.0
    papers: list[Paper] | None = None
    passes: list[tuple[int, str, int, float]] | None = None
    """Where they were asked for: application, transition (empty for its arrival), new state or -1, and the hour."""
