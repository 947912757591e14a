"""The facts that a decision reads, loaded from the features that provide them, each at most once.

Loads only what is named, takes the lock that a fact declares before reading it when a command asks, and refuses a fact
that nobody provides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db, read
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import children, collected, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Child, Event, Override, Timer
from fundflow.prepared import Prepared, Question
from fundflow.workflow.decide import Situation, acting_for
from fundflow.workflow.definition import SYSTEM, Workflow
from fundflow.workflow.expressions import Expression
from fundflow.workflow.forms import OwnForm

_rounds = sa.table("rounds", sa.column("id", sa.Uuid))
_ROUND_LOCK = Prepared(
    sa.select(_rounds.c.id).where(_rounds.c.id == sa.bindparam("round_id")).with_for_update(key_share=True),
    is_steady=True,
)
_ACTED = (
    sa.select(Event.transition, Event.subject, Event.actor_id, Event.acting_for, Override.approved_by, sa.func.count())
    .outerjoin(Override, sa.and_(Override.application_id == Event.application_id, Override.event_seq == Event.seq))
    .where(Event.application_id == sa.bindparam("application_id"))
    .group_by(Event.transition, Event.subject, Event.actor_id, Event.acting_for, Override.approved_by)
)
"""Everyone who stands behind an event: who did it, for whom, and who approved it where it was overridden."""
_TIMERS = (
    sa.select(Timer.name, Timer.subject, Timer.due_at)
    .where(Timer.application_id == sa.bindparam("application_id"), Timer.status.in_(("armed", "fired")))
    .order_by(Timer.generation)
)


_OF_CHILD = ("self", "siblings", "parent", "timers", "forms")
"""What is known of a child, and is something else of another."""


class UnknownFact(Refused):
    """The rules ask for “{fact}”, which this installation does not know, so nothing was done."""

    status = 500


class Facts:
    """What is known of one application at one instant, for one command or one page.

    With `locking`, a fact or effect that declares a lock has it taken first, after the application's own.
    """

    def __init__(
        self,
        application: Application,
        workflow: Workflow,
        actor: Actor,
        now: datetime,
        *,
        locking: bool,
        input: Mapping[str, Any] | None = None,
        groups: frozenset[str] | None = None,
    ) -> None:
        self.application, self.workflow, self.actor, self.now = application, workflow, actor, now
        self.locking = locking
        self._groups = groups
        self.input: Mapping[str, Any] = input or {}
        self.roles: frozenset[str] = frozenset()
        self.stands_in: Mapping[str, UUID] = {}
        """Of the roles, those that the actor holds only for somebody else."""
        self.is_overridden = False
        self.reason: str | None = None
        self.child: Child | None = None
        """The child that the command is about."""
        self._is_locked = False
        self._children: dict[str, dict[str, dict[str, Any]]] = {}
        self._happened: Sequence[Sequence[Any]] | None = None
        self._acted: dict[str, frozenset[str]] | None = None
        self._fired: dict[str, int] = {}
        self._known: dict[str, Any] = {"input": self.input, "now": now, "today": today(now, workflow)}

    @property
    def subject(self) -> str:
        """The child that the command is about, as its timers and events name it; empty for the application."""
        return "" if self.child is None else f"{self.child.kind}:{self.child.key}"

    @property
    def state(self) -> str:
        """Where whatever the command is about stands: the child, or the application."""
        return self.application.state if self.child is None else self.child.state

    def look_at(self, kind: str, key: str) -> None:
        """Let the command be about one child; NotFound where there is none."""
        rows = children.rows_of(self.application.id, kind)
        child = next((row for row in rows if row.key == key), None)
        if child is None or kind not in self.workflow.children:
            raise NotFound()
        self.look_at_row(child, rows)

    @contextmanager
    def about(self, child: Child, rows: Sequence[Child]) -> Iterator[None]:
        """Let what is done in the block be about this child, and then about what it was about before."""
        before = {root: self._known[root] for root in _OF_CHILD if root in self._known}
        state = self.child, self._acted, self._fired
        self.look_at_row(child, rows)
        try:
            yield
        finally:
            self.child, self._acted, self._fired = state
            for root in _OF_CHILD:
                self._known.pop(root, None)
            self._known.update(before)

    def look_at_row(self, child: Child, rows: Iterable[Child]) -> None:
        """Let the command be about this child among all those of its kind. What was done to another counts no more."""
        records = self._records_of(child.kind, list(rows))
        self.child, self._acted, self._fired = child, None, {}
        # Its own timers and forms are others than those of whatever was looked at before.
        self._known.pop("timers", None)
        self._known.pop("forms", None)
        self._known["self"] = records[child.key]
        self._known["siblings"] = tuple(record for each, record in records.items() if each != child.key)
        self._known["parent"] = {"state": self.application.state}

    def _records_of(self, kind: str, rows: list[Child]) -> dict[str, dict[str, Any]]:
        """The children of a kind by their keys. A page reads them once; a command may change them."""
        known = None if self.locking else self._children.get(kind)
        if known is None or len(known) != len(rows):
            told = children.records_of(self.workflow, self.application, rows)
            known = {row.key: record for row, record in zip(rows, told, strict=True)}
            self._children[kind] = known
        return known

    def put(self, root: str, value: Mapping[str, Any]) -> None:
        """Make known what the command itself found out."""
        self._known[root] = value

    def foresee(self, happened: Sequence[tuple[Any, ...]]) -> None:
        """Take who did what from rows such as `_ACTED` gives, where they were read for many applications at once."""
        self._happened = happened

    def forget(self, root: str) -> None:
        """Have a root read again when it is next asked for: what it stands for was changed by this command."""
        first, _, name = root.partition(".")
        if name:
            self._known.get(first, {}).pop(name, None)
        else:
            self._known.pop(first, None)

    def take_roles(self, among: Iterable[str] | None = None) -> None:
        """Read which of these roles (of all, by default) the actor holds, and for whom they stand in."""
        held = holding(self.application, self.workflow, self.actor, among, self._groups)
        self.roles = frozenset(held)
        self.stands_in = {role: giver for role, giver in held.items() if giver is not None}

    def acting_for(self, used: Iterable[str]) -> UUID | None:
        """Whose role the actor uses who acts in one of these; None where one of them is their own."""
        found = acting_for(used, self.situation(self.now))
        return None if found is None else UUID(found)

    def lock(self, table: str | None) -> None:
        """Take the lock that a provider declares, once, for a command."""
        if table is None or not self.locking or self._is_locked:
            return
        lock_round(self.application.round_id)
        self._is_locked = True

    def load(self, roots: Iterable[str]) -> None:
        """Make these roots known, those that lock first."""
        missing = [root for root in sorted(roots) if not self._has(root)]
        for root in missing:
            provider = registry.facts.get(root.partition(".")[0])
            if provider is not None:
                self.lock(provider.locks)
        for root in missing:
            self._load(root)

    def _has(self, root: str) -> bool:
        first, _, name = root.partition(".")
        if first in registry.NAMED_FACTS or first == "children":
            return name in self._known.get(first, ())
        if first == "acted":
            return self._acted is not None
        return first in self._known or first in ("actor", "self", "siblings", "parent")

    def _load(self, root: str) -> None:
        first, _, name = root.partition(".")
        if first == "acted":
            self._load_acted()
        elif first == "timers":
            self._known["timers"] = self._timers()
        elif first == "tasks":
            self._known["tasks"] = collected.results(self.application.id, self.workflow)
        elif first == "signatures":
            self._known["signatures"] = collected.signed(self.application)
        elif first == "children":
            self._known.setdefault("children", {})[name] = children.records(self.workflow, self.application, name)
        elif (provider := registry.facts.get(first)) is None:
            raise UnknownFact(fact=root)
        elif first in registry.NAMED_FACTS:
            if not name:
                raise UnknownFact(fact=root)
            asked = name
            if self.child is not None and name in self.workflow.own_forms:
                asked = str(OwnForm(self.child.kind, self.child.key, name))
            self._known.setdefault(first, {})[name] = provider.run(self.application, asked)
        else:
            self._known[first] = provider.run(self.application)

    def _load_acted(self) -> None:
        happened = self._happened
        if happened is None:
            happened = db.session.connection().execute(_ACTED, {"application_id": self.application.id}).all()
            self._happened = happened
        acted: dict[str, set[str]] = {}
        fired: dict[str, int] = {}
        # What was done to a child counts for that child alone.
        of_child = self.subject or None
        for transition, subject, *people, times in happened:
            if of_child is not None and "." in transition and subject != of_child:
                continue
            fired[transition] = fired.get(transition, 0) + times
            acted.setdefault(transition, set()).update(str(person) for person in people if person is not None)
        self._fired = fired
        self._acted = {transition: frozenset(people) for transition, people in acted.items()}

    def _timers(self) -> dict[str, dict[str, Any]]:
        """When each timer is due: the latest generation, running or fired; None where none is or it was cancelled.

        Of the application, and of the child that the command is about.
        """
        rows = db.session.connection().execute(_TIMERS, {"application_id": self.application.id})
        due: dict[str, dict[str, Any]] = {name: {"due_at": None} for name in self.workflow.timers}
        for name, subject, due_at in rows:
            if not subject or subject == self.subject:
                due[name] = {"due_at": due_at.astimezone(self.workflow.zone)}
        return due

    def situation(self, received_at: datetime) -> Situation:
        """The situation as far as it is loaded."""
        return Situation(
            state=self.state,
            now=self.now,
            received_at=received_at,
            actor=None if self.actor.id is None else str(self.actor.id),
            roles=self.roles,
            facts=self._env(),
            acted=self._acted or {},
            fired=self._fired,
            has_ended=self.application.outcome is not None,
            stands_in={role: str(giver) for role, giver in self.stands_in.items()},
            overridden=self.is_overridden,
        )

    def unanswered(self, expression: Expression) -> list[str]:
        """The required answers that an expression reads and that are not there yet, after loading what it reads."""
        self.load(expression.roots)
        return expression.unanswered(self._env())

    def evaluate(self, expression: Expression) -> Any:
        """The value of a compiled expression, after loading what it reads."""
        self.load(expression.roots)
        return expression.evaluate(self._env())

    def already(self, root: str) -> Mapping[str, Any] | None:
        """What is known of a root, as far as it was loaded; None where it was not."""
        return self._known.get(root)

    def known(self, root: str) -> Mapping[str, Any]:
        """What is known of a root, after loading it; empty where there is none."""
        self.load([root])
        return self._known.get(root) or {}

    def _env(self) -> dict[str, Any]:
        who = {"id": None if self.actor.id is None else str(self.actor.id), "roles": tuple(sorted(self.roles))}
        return {**self._known, "actor": who}


def lock_round(round_id: UUID) -> None:
    """Wait for whoever else counts on what this round has left. SQLite's writer holds everything already."""
    if db.session.connection().dialect.name == "postgresql":
        statement, values = lock_asked(round_id)
        read(statement, **values)


def lock_asked(round_id: UUID) -> Question:
    """What `lock_round` asks of PostgreSQL."""
    return _ROUND_LOCK, {"round_id": round_id}


def today(now: datetime, workflow: Workflow) -> date:
    """The date in the workflow's own zone."""
    return now.astimezone(workflow.zone).date()


def held_roles(
    application: Application, workflow: Workflow, actor: Actor, among: Iterable[str] | None = None
) -> frozenset[str]:
    """Which of these roles (of all, by default) the actor holds on this application, by the database as it is now.

    Also those that they hold for somebody else: see `holding`.
    """
    return frozenset(holding(application, workflow, actor, among))


def holding(
    application: Application,
    workflow: Workflow,
    actor: Actor,
    among: Iterable[str] | None = None,
    groups: frozenset[str] | None = None,
) -> dict[str, UUID | None]:
    """The roles that the actor holds, each with the person for whom they hold it: None where it is their own.

    A role whose `never_also` names another that the actor holds too, in whatever way, is not held: who should never
    have both gets the guarded one from nobody, however the memberships came about. `groups` are those that the actor
    is in for the application's round, where that was read already. Whoever stands in for somebody has
    their roles of groups and fields that the giver holds now by themselves, never those of a team or a panel.
    """
    if actor.is_system:
        return {SYSTEM: None}
    if actor.id is None:
        return {}
    own = _Own(application, workflow, actor, groups)
    lenders = []
    if actor.stands_in_for:
        for each in registry.stands_in(actor.id, application):
            lenders.append((each, _Own(application, workflow, Actor(id=each.giver, name=""))))

    def holder(name: str) -> tuple[bool, UUID | None]:
        if own.has(name):
            return True, None
        role = workflow.roles[name]
        for each, giver in lenders:
            is_lent = role.kind in LENT and each.group in (None, role.group)
            if is_lent and giver.has(name) and not giver.has_any(role.never_also):
                return True, each.giver
        return False, None

    found: dict[str, UUID | None] = {}
    for name in workflow.roles if among is None else among:
        if name == SYSTEM:
            continue
        is_held, giver = holder(name)
        if is_held and not any(holder(other)[0] for other in workflow.roles[name].never_also):
            found[name] = giver
    return found


LENT = frozenset({"group", "field"})
"""The kinds of role that somebody else can hold for a person: nobody reviews or speaks for a city for another."""


class _Own:
    """What a person holds by themselves on one application, each role asked of the database once."""

    def __init__(
        self, application: Application, workflow: Workflow, actor: Actor, groups: frozenset[str] | None = None
    ) -> None:
        self._application, self._workflow, self._actor, self._groups = application, workflow, actor, groups
        self._answers: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        if name not in self._answers:
            role = self._workflow.roles.get(name)
            test = registry.role_tests.get(role.kind) if role is not None else None
            if role is not None and self._groups is not None and test in registry.membership_columns:
                self._answers[name] = role.group in self._groups
            else:
                self._answers[name] = test is not None and test(self._application, role, self._actor) is True
        return self._answers[name]

    def has_any(self, names: Iterable[str]) -> bool:
        return any(self.has(name) for name in names)
