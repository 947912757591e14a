"""The record as a log of what happened, case by case, as programs for process mining read it.

People are told by their ids alone; no reason, no input and no other words of theirs are in it. Record keeping (an
erasure, a deadline given back) is no part of the process and left out. It reads one moment, some events at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application, Child, Event
from fundflow.lifecycle.outages import OUTAGE
from fundflow.lifecycle.record import ERASED, STARTED
from fundflow.money import Money
from fundflow.workflow import access
from fundflow.workflow.definition import Workflow
from fundflow.workflow.net import activity

RECORD_KEEPING = frozenset({ERASED, OUTAGE, "bank", "screening"})
"""Also what is kept of bank accounts and of searches for their holders: conditions read it, and no state does."""
INNER = frozenset({"task", "assign", "discuss"})
"""Acts of the fund among itself: left out of a log for a role that the state is hidden from."""


Cause = Literal["person", "override", "timer", "automatic", "system"]


@dataclass(frozen=True, slots=True)
class Move:
    """A step of one child."""

    kind: str
    key: str
    activity: str
    source: str | None
    """Where it stood, where the event says so; an effect only says where it put it."""
    target: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one application."""

    seq: int
    at: datetime
    activity: str
    actor: UUID | None
    acting_for: UUID | None
    roles: tuple[str, ...]
    source: str | None
    target: str | None
    outcome: str | None
    cause: Cause
    """Whether somebody did it, two administrators against its conditions, the calendar, or what happened before it."""
    timer: str | None
    subject: str | None
    money: tuple[tuple[str, Money], ...]
    moves: tuple[Move, ...]
    reviews: tuple[str, ...]
    """Reviews that it opened, closed or was about."""

    @property
    def when(self) -> str:
        """The instant in UTC, to the microsecond: the same event in two places says the same."""
        return self.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    @property
    def resource(self) -> str:
        return "system" if self.actor is None else str(self.actor)


@dataclass(frozen=True, slots=True)
class Case:
    """One application, before its entries are read."""

    id: UUID
    number: str
    round_id: UUID
    workflow: Workflow
    outcome: str | None


def cases(
    connection: Connection, chosen: sa.ColumnElement[bool], role: str | None = None
) -> Iterator[tuple[Case, Iterator[Entry]]]:
    """Each chosen application with its entries in their order; they must be taken before the next application is.

    With a role, nothing that would tell it a state that is hidden from it, and the states as they are shown.
    """
    rows = connection.execute(
        sa.select(
            *Event.__table__.c,
            Application.number.label("its_number"),
            Application.round_id.label("its_round"),
            Application.outcome.label("its_outcome"),
            Application.definition_sha.label("its_definition"),
        )
        .join(Application, Application.id == Event.application_id)
        .where(chosen)
        .order_by(Application.number, Event.application_id, Event.seq)
        .execution_options(yield_per=1000)
    )
    for application_id, group in groupby(rows, key=lambda row: row.application_id):
        events = iter(group)
        first = next(events)
        workflow = definitions.get(first.its_definition)
        case = Case(application_id, first.its_number, first.its_round, workflow, first.its_outcome)
        yield case, _entries(chain((first,), events), role)


def ended(connection: Connection) -> sa.ColumnElement[bool]:
    """The applications that have come to an end, by an outcome or in a final state of their rules."""
    ways: list[sa.ColumnElement[bool]] = [Application.outcome.is_not(None)]
    for (sha,) in connection.execute(sa.select(Application.definition_sha).distinct()):
        finals = [state.id for state in definitions.get(sha).states.values() if state.is_final]
        ways.append(sa.and_(Application.definition_sha == sha, Application.state.in_(finals)))
    return sa.or_(*ways)


def children(connection: Connection, chosen: sa.ColumnElement[bool]) -> Iterator[tuple[UUID, Sequence[Any]]]:
    """The children of the chosen applications, an application at a time, in the order of `cases`."""
    rows = connection.execute(
        sa.select(*Child.__table__.c)
        .join(Application, Application.id == Child.application_id)
        .where(chosen)
        .order_by(Application.number, Child.application_id, Child.kind, Child.position)
        .execution_options(yield_per=1000)
    )
    for application_id, own in groupby(rows, key=lambda row: row.application_id):
        yield application_id, list(own)


def _entries(events: Iterable[Any], role: str | None) -> Iterator[Entry]:
    """What is told, numbered as in the record; for a role without gaps, which would say that something is left out."""
    told = 0
    for row in events:
        workflow = definitions.get(row.definition_sha)
        if row.transition in RECORD_KEEPING or (role is not None and _is_hidden(workflow, row, role)):
            continue
        told += 1
        yield _entry(workflow, row, role, row.seq if role is None else told)


def _is_hidden(workflow: Workflow, row: Any, role: str) -> bool:
    """Between states that look alike to the role, or inside one of them."""
    if row.from_state is None or row.to_state is None:
        return False
    alike = access.alike(workflow, row.from_state, (role,))
    return len(alike) > 1 and row.to_state in alike and (row.to_state != row.from_state or row.transition in INNER)


def _entry(workflow: Workflow, row: Any, role: str | None, number: int) -> Entry:
    body: Mapping[str, Any] = row.body

    def shown(state: str | None) -> str | None:
        return state if state is None or role is None else access.shown_state(workflow, state, (role,))

    cause, timer = _cause(row, body)
    return Entry(
        seq=number,
        at=row.at,
        activity=activity(row.transition, row.subject),
        actor=row.actor_id,
        acting_for=row.acting_for,
        roles=tuple(body.get("roles", ())),
        source=shown(row.from_state),
        target=shown(row.to_state),
        outcome=row.outcome,
        cause=cause,
        timer=timer,
        subject=row.subject,
        money=tuple(_money(body)),
        moves=tuple(_moves(row, body)),
        reviews=tuple(_reviews(workflow, row, shown(row.from_state), shown(row.to_state))),
    )


def _cause(row: Any, body: Mapping[str, Any]) -> tuple[Cause, str | None]:
    """What made it happen, and which timer: the key of a command that a timer gave has its name."""
    made_by, _, rest = str(body.get("key", "")).partition(":")
    if body.get("cause") == "automatic":
        return "automatic", None
    if made_by == "timer" and row.actor_id is None:
        return "timer", rest.split(":")[1]
    if "override" in body:
        return "override", None
    return "person" if row.actor_id is not None else "system", None


def _money(body: Mapping[str, Any]) -> Iterator[tuple[str, Money]]:
    for effect in body.get("effects", ()):
        amount = effect.get("amount")
        if effect.get("ledger") and isinstance(amount, Mapping):
            yield effect["ledger"], Money(amount["minor"], amount["currency"])


def _moves(row: Any, body: Mapping[str, Any]) -> Iterator[Move]:
    """The children that were made or moved: the one that the event is about, and those that its effects name."""
    if "child" in body:
        kind, _, key = (row.subject or "").partition(":")
        source = body["child"]["from"]
        yield Move(kind, key, row.transition, source, body["child"]["to"] or source)
    for effect in body.get("effects", ()):
        kind, to = effect.get("children"), effect.get("to")
        if kind is None or to is None:
            continue
        each = effect.get("each")
        name = STARTED if each is None else each
        done = name if "." in name else f"{kind}.{name}"
        for key in effect["keys"]:
            yield Move(kind, key, done, None, to)
        for key in effect.get("gone", ()):
            yield Move(kind, key, effect["renew"], None, effect["gone_to"])


def _reviews(workflow: Workflow, row: Any, source: str | None, target: str | None) -> Iterator[str]:
    """Those that are told by states as they are shown, so that none gives a hidden state away."""
    for review in workflow.reviews.values():
        enters = target == review.state and source != review.state
        leaves = source == review.state and (target != review.state or row.outcome is not None)
        if enters or leaves or (row.transition == "discuss" and row.subject == review.id):
            yield review.id
