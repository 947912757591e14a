"""A workflow under a scenario as plain numbers and tuples: what the simulation runs on, and what another process gets.

Everything that can be looked up once is looked up here; states, timers, desks and reviews are told by their place in a
list, and -1 stands for none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from fundflow.simulation.assumptions import Effort, Rush, Scenario, Sheets, Staff, Stay
from fundflow.simulation.days import DAY, Days
from fundflow.simulation.distributions import Distribution, Fixed
from fundflow.simulation.paths import is_known, reached
from fundflow.simulation.stays import editors, started_by
from fundflow.workflow import definition
from fundflow.workflow.calendars import WorkingDays
from fundflow.workflow.definition import SYSTEM, Workflow
from fundflow.workflow.durations import Duration, at_wall
from fundflow.workflow.expressions import Expression

NONE = -1


@dataclass(frozen=True, slots=True)
class Work:
    """Days of waiting (counted back from timer `before`, where there is one), then hours at a desk."""

    desk: int = NONE
    days: Distribution | None = None
    hours: Distribution | None = None
    before: int = NONE

    @property
    def is_nothing(self) -> bool:
        return self.days is None and self.hours is None


NOTHING = Work()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A transition from one state: what must be there first (`needs`, `signs`, a review), its own step, its effects."""

    id: str
    share: float
    target: int = NONE
    outcome: str | None = None
    waits: bool = False
    """Only a timer starts it."""
    needs: tuple[Work, ...] = ()
    signs: tuple[Work, ...] = ()
    in_order: bool = False
    choosing: Work | None = None
    """Reviewers must be chosen first, where that is not part of the review itself."""
    review: int = NONE
    step: Work = NOTHING
    money: tuple[str, ...] = ()
    takes_money: bool = False
    limit: int = 0
    """How many times it can happen to one application; 0 for any number."""
    deadline: int = NONE
    is_decision: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """When it is due after entering its state: an hour of the simulation, a length, or a number of days to be drawn."""

    id: str
    at: float | None = None
    after: Duration | None = None
    drawn: Distribution | None = None
    grace: Duration | None = None
    end_of_day: bool = False
    then: Mapping[int, Way]
    """What it starts, by state; empty where it only tells that something is late."""
    is_sla: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state with its ways out and timers."""

    id: str
    ways: tuple[Way, ...] = ()
    timers: tuple[int, ...] = ()
    limit: Duration | None = None
    is_final: bool = False
    is_failure: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """The people of a role. Reviewers each have a pile of their own; all others take the next piece of one pile."""

    role: str
    people: int
    hours: float
    is_personal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review with what its sheets take."""

    id: str
    desk: int
    count: int
    reserve: int
    quorum: int
    share: float
    choosing: Work
    sheet: Work
    conflict: float
    picks_fewest: bool
    waits_for_all: bool
    due: Duration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """All of it."""

    workflow: str
    scenario: str
    calendar: WorkingDays
    opens: datetime
    closes: float
    """The hour at which the round closes."""
    until: float
    into: int
    initial: int
    count: int | None
    per_day: float | None
    rush: Rush | None
    amount: Distribution
    budget: float | None
    states: tuple[State, ...]
    timers: tuple[Timer, ...]
    desks: tuple[Desk, ...]
    reviews: tuple[Review, ...]
    hours: tuple[float, ...] | None = None
    """When applications come, where that is known; else they are drawn."""


def compiled(workflow: Workflow, scenario: Scenario) -> Model:
    """The model of a scenario that was read for this very workflow."""
    return _Compiling(workflow, scenario).model()


class _Compiling:
    def __init__(self, workflow: Workflow, scenario: Scenario) -> None:
        self.workflow, self.scenario = workflow, scenario
        self.states = {name: number for number, name in enumerate(workflow.states)}
        self.timers = {name: number for number, name in enumerate(workflow.timers_of())}
        self.reviews = {name: number for number, name in enumerate(workflow.reviews)}
        self.days = Days(scenario.opening.opens, workflow.working_days)
        self.closes = self.days.hour_of(datetime.combine(scenario.opening.closes, time(23, 59, 59)))
        panels = {_desk_role(scenario.staff, review.by) for review in workflow.reviews.values()}
        with_people = {name: staff for name, staff in scenario.staff.items() if staff.same_as is None}
        self.desks = tuple(Desk(name, s.people, s.hours, name in panels) for name, s in with_people.items())
        self.places = {desk.role: number for number, desk in enumerate(self.desks)}

    def model(self) -> Model:
        scenario, workflow = self.scenario, self.workflow
        opens = datetime.combine(scenario.opening.opens, time())
        return Model(
            workflow=workflow.id,
            scenario=scenario.id,
            calendar=workflow.working_days,
            opens=opens,
            closes=self.closes,
            until=max(self.days.later(0.0, scenario.until), self.closes),
            into=self.states[scenario.arrivals.into],
            initial=self.states[workflow.initial],
            count=scenario.arrivals.count,
            per_day=scenario.arrivals.per_day,
            rush=scenario.arrivals.rush,
            amount=scenario.opening.amount,
            budget=scenario.opening.budget,
            states=tuple(self._state(state) for state in workflow.states.values()),
            timers=tuple(self._timer(timer) for timer in workflow.timers_of().values()),
            desks=self.desks,
            reviews=tuple(self._review(review) for review in workflow.reviews.values()),
        )

    def _state(self, state: definition.State) -> State:
        stay = self.scenario.states.get(state.id, Stay())
        timers = [t.id for t in self.workflow.timers.values() if state.id in t.states and self._is_timed(t)]
        return State(
            id=state.id,
            ways=tuple(
                self._way(state, self.workflow.transitions[name], way.share, way.effort, stay)
                for name, way in stay.ways.items()
            ),
            timers=tuple(self.timers[name] for name in timers),
            limit=stay.limit,
            is_final=state.is_final,
            is_failure=state.final == "failure",
        )

    def _is_timed(self, timer: definition.Timer) -> bool:
        return timer.id in self.scenario.timers or is_known(timer)

    def _way(self, state: definition.State, t: definition.Transition, share: float, effort: Effort, stay: Stay) -> Way:
        target = t.destination(state.id)
        by = t.by_from(state.id)
        conditions = t.when
        review, choosing = NONE, None
        for when in conditions:
            if when.kind == "quorum" and self.workflow.reviews[when.name].state == state.id:
                review = self.reviews[when.name]
            if when.kind == "assigned" and self.workflow.reviews[when.name].state != state.id:
                choosing = self._work(self.scenario.reviews.get(when.name, Sheets()).choosing)
        names = [name for when in conditions if when.kind == "tasks" for name in when.names]
        needs = [self._work(stay.tasks[name]) for name in names if name in stay.tasks]
        written = editors(state)
        forms = [when.name for when in conditions if when.kind == "complete"]
        # Whoever takes the step and writes the form does it as one piece of work, unless the scenario says otherwise.
        needs += [self._work(stay.forms[name]) for name in forms if name in written and name in stay.forms]
        # What may be done only once something is overdue waits for that moment.
        overdue = [when.name for when in conditions if when.kind == "overdue"]
        needs += [Work(days=Fixed(0.0), before=self.timers[name]) for name in overdue]
        signed = next((when for when in conditions if when.kind == "signed"), None)
        parties: Collection[str] = ()
        if signed is not None and state.signatures is not None:
            parties = [p for p in state.signatures.parties if not signed.names or p in signed.names]
        money = tuple(effect.ledger for effect in t.do if effect.ledger is not None)
        return Way(
            id=t.id,
            share=share,
            target=NONE if target is None else self.states[target],
            outcome=t.end,
            waits=self._waits(t, state, by, effort),
            needs=tuple(needs),
            signs=tuple(self._work(stay.signatures.get(party, Effort())) for party in parties),
            in_order=state.signatures is not None and state.signatures.in_order,
            choosing=choosing,
            review=review,
            step=self._work(effort),
            money=money,
            takes_money="reserve" in money or "commit" in money,
            limit=t.max or 0,
            deadline=NONE if t.deadline is None else self.timers[t.deadline],
            is_decision=self._is_decision(t, target, by),
        )

    def _waits(self, t: definition.Transition, state: definition.State, by: Collection[str], effort: Effort) -> bool:
        """Whether a timer does it: nobody else may, or nothing says that anybody else takes any time for it."""
        is_started = bool(started_by(self.workflow, t.id, state.id))
        return not t.is_auto and SYSTEM in by and (by == {SYSTEM} or (is_started and effort.is_nothing))

    def _is_decision(self, t: definition.Transition, target: str | None, by: Collection[str]) -> bool:
        """The fund's yes (money is set aside) or no (it ends, or comes to a state that is a failure)."""
        if any(effect.ledger in ("reserve", "commit") for effect in t.do):
            return True
        is_end = target is None or self.workflow.states[target].final == "failure"
        return is_end and any(role != SYSTEM and self.workflow.roles[role].kind != "team" for role in by)

    def _work(self, effort: Effort) -> Work:
        desk = NONE
        if effort.hours is not None and effort.by is not None:
            desk = self.places[_desk_role(self.scenario.staff, effort.by)]
        before = NONE if effort.before is None else self.timers[effort.before]
        return Work(desk, effort.days, effort.hours, before)

    def _timer(self, timer: definition.Timer) -> Timer:
        at: float | None = None
        drawn = self.scenario.timers.get(timer.id)
        if timer.at is not None and drawn is None and is_known(timer):
            at = self._moment(timer.at)
        then = {}
        if timer.then is not None:
            t = self.workflow.transitions[timer.then]
            then = {
                self.states[name]: self._way(self.workflow.states[name], t, 0.0, Effort(), Stay())
                for name in timer.states
            }
        return Timer(
            id=timer.id,
            at=at,
            after=timer.after,
            drawn=drawn,
            grace=timer.grace,
            end_of_day=timer.end_of_day,
            then=then,
            is_sla=timer.is_sla,
        )

    def _moment(self, at: Expression) -> float:
        """The hour of a timer that only looks at the round's days."""
        zone = self.workflow.zone
        opens = at_wall(self.days.wall_of(0.0), zone)
        facts = {"round": {"opens_at": opens, "closes_at": at_wall(self.days.wall_of(self.closes), zone)}}
        value = at.evaluate(facts)
        if isinstance(value, datetime):
            return self.days.hour_of(value.astimezone(zone).replace(tzinfo=None))
        return self.days.hour_of(datetime.combine(value + timedelta(days=1), time()) - timedelta(seconds=1))

    def _review(self, review: definition.Review) -> Review:
        sheets = self.scenario.reviews.get(review.id, Sheets())
        role = _desk_role(self.scenario.staff, review.by)
        elsewhere = any(
            when.kind == "assigned" and when.name == review.id and review.state not in t.sources
            for t in self.workflow.transitions.values()
            for when in t.when
        )
        return Review(
            id=review.id,
            desk=self.places.get(role, NONE),
            count=review.count,
            reserve=review.reserve,
            quorum=review.quorum,
            share=float(review.share or 0),
            choosing=NOTHING if elsewhere else self._work(sheets.choosing),
            sheet=self._work(sheets.sheet),
            conflict=sheets.conflict,
            picks_fewest=sheets.picks == "fewest",
            waits_for_all=sheets.waits_for == "all",
            due=review.due,
        )


def _desk_role(staff: Mapping[str, Staff], role: str) -> str:
    return (staff[role].same_as or role) if role in staff else role


def in_use(workflow: Workflow, scenario: Scenario) -> list[str]:
    """The states that applications can reach, in the order of the workflow."""
    found = reached(workflow, scenario.arrivals.into, scenario.states)
    return [name for name in workflow.states if name in found]


__all__ = ["DAY", "NONE", "NOTHING", "Desk", "Model", "Review", "State", "Timer", "Way", "Work", "compiled", "in_use"]
