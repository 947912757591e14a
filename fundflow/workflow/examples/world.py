"""One application in memory with everything around it that rules may look at: people, answers, money, committee, time.

Every part is replaced, never changed in place, so a copy is cheap and a refused step is undone by going back to one.
What it says of facts and roles is what the features say of them from the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from fundflow.money import Money
from fundflow.workflow.decide import Situation
from fundflow.workflow.definition import SYSTEM, Workflow
from fundflow.workflow.examples import banking
from fundflow.workflow.examples.account import Account
from fundflow.workflow.examples.statement import Given, Person
from fundflow.workflow.forms import OwnForm
from fundflow.workflow.machine import Compiled
from fundflow.workflow.plans import Plan, plan_of, plans_of

TICK = timedelta(microseconds=1)
DONE = "done"
FOCAL_POINT = "focal_point"


@dataclass(frozen=True, slots=True)
class Member:
    """A person as the records have them: duties on the city's team, groups of the fund, ties to the city."""

    name: str
    duties: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    conflicts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the application's chain; `actor` is None for the system."""

    transition: str
    actor: str | None
    subject: str | None
    from_state: str | None
    to_state: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message to everybody who holds one of the roles and may be told."""

    template: str
    role: str
    people: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """A child, with what it is by itself; what it answers stands with all answers, under its own name."""

    key: str
    fields: Mapping[str, Any]
    state: str


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a committee; `conflict` is None until it is declared, then "none" or "declared"."""

    person: str
    generation: int
    conflict: str | None = None
    score: Any = None
    is_closed: bool = False
    due: str = ""
    """The wall time that is proposed when somebody is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A timer of one generation; see `lifecycle.models.Timer`, whose columns it has."""

    name: str
    subject: str = ""
    generation: int
    status: str
    created_at: datetime
    due_at: datetime
    act_at: datetime
    next_at: datetime | None
    reminded: tuple[str, ...] = ()
    repeats: int = 0
    retry_at: datetime | None = None
    tried_revision: int | None = None
    remaining: int | None = None
    has_paused: bool = False


class World:
    """Where everything stands. `copy()` before a step is what a refusal goes back to."""

    def __init__(self, machine: Compiled, given: Given, people: Iterable[Person]) -> None:
        self.machine = machine
        self.workflow: Workflow = machine.workflow
        self.now = given.now or default_now(self.workflow)
        currency = self.workflow.currency
        zero = Money.zero(currency)
        budget = given.budget or Money.of(10_000_000, currency)
        self.round: Mapping[str, Any] = {
            "title": given.title or "Round",
            "floor": given.floor or Money.of(1, currency),
            "cap": given.cap or Money.of(1_000_000, currency),
            "budget": budget,
            "opens_at": given.opens_at or self.now - timedelta(days=1),
            "closes_at": given.closes_at or self.now + timedelta(days=60),
            "zone": given.zone or self.workflow.timezone,
            "countries": given.countries or (),
        }
        self.city, self.country = given.city or "City", given.country or "KE"
        self.members: dict[str, Member] = {}
        self.join(people)
        self.state, self.outcome, self.revision = self.workflow.initial, None, 1
        self.last_event_at = self.now
        self.submitted_at: datetime | None = None
        self.officer: str | None = None
        self.answers: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, str] = {}
        self.signed: frozenset[tuple[str, str]] = frozenset()
        self.children: dict[str, tuple[Row, ...]] = {}
        self.account = Account(budget - (given.taken or zero), zero, zero, zero, zero)
        self.seats: dict[str, tuple[Seat, ...]] = {}
        self.standing_by: dict[str, tuple[Seat, ...]] = {}
        self.timers: tuple[Running, ...] = ()
        self.events: tuple[Happened, ...] = (Happened("started", None, None, None, self.state),)
        self.messages: tuple[Message, ...] = ()
        self.documents: tuple[str, ...] = ()
        self.entries: tuple[banking.Entry, ...] = ()
        self.searches: tuple[banking.Search, ...] = ()

    state: str
    outcome: str | None

    def copy(self) -> World:
        """The same, to go on from without changing this one."""
        other = copy(self)
        for name in ("members", "answers", "tasks", "children", "seats", "standing_by"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    def restore(self, before: World) -> None:
        """Be as the copy was."""
        self.__dict__.update(before.copy().__dict__)

    def join(self, people: Iterable[Person]) -> None:
        """Put people where their roles are given: on the city's team, in groups, among those who may be asked."""
        for person in people:
            self.members[person.name] = member_of(person, self.workflow)

    @property
    def moment(self) -> datetime:
        """The present, later than everything that happened before."""
        return max(self.now, self.last_event_at + TICK)

    @property
    def has_ended(self) -> bool:
        return self.outcome is not None

    def plan(self, review: str) -> Plan:
        return plan_of(self.workflow, review)

    @property
    def plans(self) -> list[Plan]:
        return plans_of(self.workflow)

    # -- who ------------------------------------------------------------------------------------------------------

    def holds(self, who: str, role_id: str) -> bool:
        """Whether somebody has a role by what the records say, whatever keeps roles apart."""
        role, member = self.workflow.roles.get(role_id), self.members.get(who)
        if role is None or member is None:
            return False
        match role.kind:
            case "team":
                return bool(member.duties) and role.duty in (None, *member.duties)
            case "group":
                return role.group in member.groups
            case "field":
                return self.officer == who and (role.group is None or role.group in member.groups)
            case _:
                return not member.duties and self._has_seat(who, role.review or "")

    def roles(self, who: str | None) -> frozenset[str]:
        """The roles somebody may use now: none that `never_also` keeps from what else they hold. None is the system."""
        if who is None:
            return frozenset({SYSTEM})
        held = {role for role in self.workflow.roles if self.holds(who, role)}
        return frozenset(role for role in held if not self.workflow.roles[role].never_also & held)

    def people(self, role: str) -> list[str]:
        """Everybody who has a role, for messages."""
        return [name for name in self.members if self.holds(name, role)]

    def _has_seat(self, who: str, review: str) -> bool:
        if review not in self.workflow.reviews:
            return False
        entered = self.entered(self.workflow.reviews[review].state)
        seats = self.seats.get(review, ())
        return any(s.person == who and s.conflict == "none" and s.generation == entered for s in seats)

    def entered(self, state: str) -> int:
        """How often the application has come to a state from another."""
        return sum(each.to_state == state and each.subject is None and each.from_state != state for each in self.events)

    def generation(self, review: str) -> int:
        """Which time of a review counts now."""
        plan = self.plan(review)
        return plan.generation(self, self.entered(plan.state))

    # -- what -----------------------------------------------------------------------------------------------------

    def situation(self, who: str | None, look: Look) -> Situation:
        """What a decision about somebody's step may look at."""
        child = look.child
        return Situation(
            state=self.state if child is None else child.state,
            now=self.moment,
            received_at=self.moment,
            actor=who,
            roles=self.roles(who) if look.roles is None else look.roles,
            facts=look.facts(self),
            acted=look.acted(self),
            fired=look.fired(self),
            has_ended=self.has_ended and not look.even_ended,
        )

    def application(self) -> dict[str, Any]:
        """``application`` as expressions read it."""
        return {
            **self.workflow.application_values(self.answers, self.workflow.currency),
            "id": "example",
            "number": "EXAMPLE-1",
            "state": self.state,
            "outcome": self.outcome,
            "currency": self.workflow.currency,
            "city": self.city,
            "country": self.country,
            "submitted_at": self.submitted_at,
            "officer": self.officer,
        }

    def ledger(self) -> dict[str, Money]:
        """``ledger`` as expressions read it."""
        held = self.account
        return {
            "available": held.available,
            "reserved": held.reserved,
            "committed": held.committed + held.ordered + held.paid,
            "ordered": held.ordered,
            "paid": held.paid,
            "disbursed": held.paid,
            "undisbursed": held.committed + held.ordered,
            "unordered": held.committed,
        }

    def records(self, kind: str) -> tuple[dict[str, Any], ...]:
        """The children of a kind as expressions read them."""
        return tuple(self.record(kind, row) for row in self.children.get(kind, ()))

    def record(self, kind: str, row: Row) -> dict[str, Any]:
        """A child as expressions read it: also what it answered, of what is asked of it."""
        values: dict[str, Any] = {}
        for name in self.workflow.children[kind].forms:
            form = self.workflow.forms[name]
            asked = form.asked_of(own(row)) if form.is_conditional else form
            data = self.answers.get(str(OwnForm(kind, row.key, name)), {})
            values |= form.values({each: data[each] for each in asked.fields if each in data}, self.workflow.currency)
        return {**values, **own(row)}

    def child(self, subject: str) -> Row | None:
        """The child that a timer or an event is about, as it stands now."""
        kind, _, key = subject.partition(":")
        return next((row for row in self.children.get(kind, ()) if row.key == key), None)

    def due(self, subject: str = "") -> dict[str, dict[str, Any]]:
        """When each timer is due: the latest generation, running or fired; None where none is.

        Of the application, and of the child of that name.
        """
        found: dict[str, dict[str, Any]] = {name: {"due_at": None} for name in self.workflow.timers}
        for row in self.timers:
            if row.subject not in ("", subject):
                continue
            if row.status in ("armed", "fired") and row.name in found:
                found[row.name] = {"due_at": row.due_at.astimezone(self.workflow.zone)}
        return found


@dataclass
class Look:
    """What one command is about, and the facts it reads: those of `roots`, each worked out once."""

    roots: frozenset[str]
    child: Row | None = None
    kind: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    roles: frozenset[str] | None = None
    even_ended: bool = False
    document: bool | None = None

    def facts(self, world: World) -> dict[str, Any]:
        found: dict[str, Any] = {"input": self.input}
        for root in self.roots:
            first, _, name = root.partition(".")
            match first:
                case "application":
                    found["application"] = world.application()
                case "round":
                    found["round"] = world.round
                case "ledger":
                    found["ledger"] = world.ledger()
                case "bank":
                    found["bank"] = banking.facts(world)
                case "screening":
                    found["screening"] = banking.screening(world)
                case "reviews":
                    found.setdefault("reviews", {})[name] = _figures(world, name)
                case "forms":
                    found.setdefault("forms", {})[name] = self._form(world, name)
                case "timers":
                    found["timers"] = world.due(self._of_child or "")
                case "tasks":
                    found["tasks"] = _results(world)
                case "signatures":
                    found["signatures"] = {party: True for state, party in world.signed if state == world.state}
                case "children":
                    found.setdefault("children", {})[name] = world.records(name)
        if self.document is not None:
            found["document"] = {"is_ready": self.document}
        if self.child is not None:
            rows = world.children.get(self.kind, ())
            found["self"] = world.record(self.kind, self.child)
            found["siblings"] = tuple(world.record(self.kind, row) for row in rows if row.key != self.child.key)
            found["parent"] = {"state": world.state}
        return found

    def _form(self, world: World, name: str) -> dict[str, Any]:
        form, kept = world.workflow.forms[name], name
        if self.child is not None and name in world.workflow.own_forms:
            form, kept = form.asked_of(own(self.child)), str(OwnForm(self.kind, self.child.key, name))
        missing = form.check(world.answers.get(kept, {}), world.workflow.currency)
        labels = {each.field: each.label for each in missing}
        return {"complete": not missing, "missing": list(labels.values())}

    @cached_property
    def _of_child(self) -> str | None:
        return None if self.child is None else f"{self.kind}:{self.child.key}"

    def _events(self, world: World) -> Iterable[Happened]:
        """What was done to another child counts for that one alone."""
        subject = self._of_child
        return [e for e in world.events if subject is None or "." not in e.transition or e.subject == subject]

    def acted(self, world: World) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for event in self._events(world):
            found.setdefault(event.transition, set()).update({event.actor} - {None})  # type: ignore[arg-type]
        return {transition: frozenset(people) for transition, people in found.items()}

    def fired(self, world: World) -> dict[str, int]:
        found: dict[str, int] = {}
        for event in self._events(world):
            found[event.transition] = found.get(event.transition, 0) + 1
        return found


def own(row: Row) -> dict[str, Any]:
    """What a child is by itself."""
    return {**row.fields, "key": row.key, "state": row.state}


def _results(world: World) -> dict[str, Any]:
    found = world.tasks
    return {
        name: found.get(name) if task.values else found.get(name) == DONE for name, task in world.workflow.tasks.items()
    }


def _figures(world: World, review: str) -> dict[str, Any]:
    from fundflow.workflow.examples.panels import figures

    return figures(world, review)


def member_of(person: Person, workflow: Workflow) -> Member:
    """Where the roles that a person is given put them; roles that the workflow does not have put them nowhere."""
    duties, groups = set[str](), set[str]()
    for name in person.roles:
        role = workflow.roles.get(name)
        if role is None:
            continue
        if role.kind == "team":
            duties.add(role.duty or FOCAL_POINT)
        elif role.kind == "panel":
            review = workflow.reviews.get(role.review or "")
            groups |= {review.group} if review is not None and review.group else set()
        elif role.group:
            groups.add(role.group)
    return Member(person.name, frozenset(duties), frozenset(groups), person.conflicts)


def default_now(workflow: Workflow) -> datetime:
    """A Monday morning on the workflow's clock, for examples that do not say when they begin."""
    return datetime(2027, 1, 4, 9, tzinfo=workflow.zone)
