"""What an application's events add up to, compared with the rows that say where it stands.

State is a column, not a fold over the events: this is the check that both tell the same. It knows only what events
say for good, so it works after an erasure too, and it reads no workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.lifecycle.models import Application, Child, Signature, TaskResult

TASK, SIGN, ASSIGN, MIGRATED = "task", "sign", "assign", "migrated"
Beside = dict[str, list[Any]]


class Rows:
    """The rows beside an application in several tables, read in its order, one application's at a time."""

    def __init__(self, streams: dict[str, Any]) -> None:
        self._groups = {name: groupby(rows, key=lambda row: row.application_id) for name, rows in streams.items()}
        self._next = {name: self._taken(name) for name in self._groups}

    def _taken(self, name: str) -> tuple[UUID, list[Any]] | None:
        found = next(self._groups[name], None)
        return None if found is None else (found[0], list(found[1]))

    def of(self, application_id: UUID) -> Beside:
        """This application's rows, by table; applications are asked for in order."""
        own: Beside = {}
        for name, waiting in self._next.items():
            if waiting is not None and waiting[0] == application_id:
                own[name] = waiting[1]
                self._next[name] = self._taken(name)
            else:
                own[name] = []
        return own


def rows_beside(connection: Connection, chosen: sa.ColumnElement[bool]) -> Rows:
    """The children, task results and signatures of the chosen applications."""
    return Rows(
        {
            model.__tablename__: connection.execute(
                sa.select(*model.__table__.c)
                .join(Application, Application.id == model.application_id)
                .where(chosen)
                .order_by(model.application_id)
                .execution_options(yield_per=1000)
            )
            for model in (Child, TaskResult, Signature)
        }
    )


class Replay:
    """The fold over one application's events: where it and its children stand, and what was collected on the way.

    A migration to another version of the rules may rename states, tasks and parties, so what was collected before one
    is not held against the rows.
    """

    def __init__(self, row: Any, beside: Beside) -> None:
        self._row, self._beside = row, beside
        self._now: dict[str, Any] = {"state": None, "outcome": None, "revision": 0, "submitted_at": None}
        self._initial: str | None = None
        self._migrated = 0
        self._children: dict[tuple[str, str], str] = {}
        self._tasks: dict[str, tuple[str, Any]] = {}
        """By task: the state it was done in, and its row as its event would have it."""
        self._signatures: dict[tuple[str, str], Any] = {}

    def after(self, event: Any) -> Iterator[str]:
        """Take the next event; a sentence for each way in which it cannot follow those before."""
        now = self._now
        if event.from_state != now["state"]:
            yield f"event {event.seq} leaves “{event.from_state}”, but it stood in “{now['state']}”."
        if now["outcome"] is not None and event.outcome != now["outcome"]:
            yield f"event {event.seq} ({event.transition}) happened after it had ended as “{now['outcome']}”."
        body = event.body
        if event.seq == 1:
            self._initial = event.to_state
            if body.get("number") != self._row.its_number:
                yield f"it was started as {body.get('number')}."
        if event.transition == MIGRATED:
            self._migrated = event.seq
            self._initial = None
            for kind, keys in body.get("migration", {}).get("children", {}).items():
                self._children |= {(kind, key): states[1] for key, states in keys.items()}
        now["definition_sha"] = body.get("definition", event.definition_sha)
        moves = event.to_state != event.from_state
        if moves and event.transition != MIGRATED:
            # A migration only gives the place another name: it stands there as long as before.
            now["state_since"] = event.at
        if moves and event.to_state is not None:
            self._enter(event)
        if moves and event.transition == MIGRATED:
            left, came = event.from_state, event.to_state
            self._signatures = {
                (came if state == left else state, party): row for (state, party), row in self._signatures.items()
            }
        if event.transition == ASSIGN:
            now["officer_id"] = body.get("person")
        yield from self._collect(event, body)
        now["state"] = event.to_state or event.from_state
        now["outcome"] = event.outcome
        now["revision"], now["last_event_at"] = event.seq, event.at

    def _enter(self, event: Any) -> None:
        if event.from_state is not None and event.from_state == self._initial and self._now["submitted_at"] is None:
            self._now["submitted_at"] = event.at
        self._tasks = {name: (state, row) for name, (state, row) in self._tasks.items() if state != event.to_state}
        self._signatures = {key: row for key, row in self._signatures.items() if key[0] != event.to_state}

    def _collect(self, event: Any, body: Any) -> Iterator[str]:
        """What the event did beside the application: a task, a signature, a child that moved or was made."""
        subject = event.subject or ""
        by = {"event_seq": event.seq}
        if event.transition == TASK:
            self._tasks.pop(subject, None)
            if body.get("result") is not None:
                row = {"value": body["result"], **by, "done_by": event.actor_id, "done_at": event.at}
                self._tasks[subject] = (event.from_state, row)
        elif event.transition == SIGN:
            row = {"sha256": body.get("sha256"), **by, "signed_by": event.actor_id, "signed_at": event.at}
            self._signatures[event.from_state, subject] = row
        if "child" in body:
            kind, _, key = subject.partition(":")
            stood = self._children.get((kind, key))
            if stood != body["child"]["from"]:
                yield f"event {event.seq} moves {subject} from “{body['child']['from']}”, but it stood in “{stood}”."
            self._children[kind, key] = body["child"]["to"] or body["child"]["from"]
        for effect in body.get("effects", ()):
            if "children" in effect and effect.get("to") is not None:
                self._children |= {(effect["children"], key): effect["to"] for key in effect["keys"]}
            for key in effect.get("gone", ()):
                self._children[effect["children"], key] = effect["gone_to"]

    def end(self) -> Iterator[str]:
        """A sentence for each row that says something else than the events."""
        now = self._now | {"officer_id": self._now.get("officer_id")}
        if self._migrated:
            now.pop("submitted_at")
        for name, says in _SAYS.items():
            row = getattr(self._row, f"its_{name}")
            if name in now and _plain(row) != _plain(now[name]):
                yield says.format(row=row, events=now[name])
        rows = {(row.kind, row.key): row.state for row in self._beside[Child.__tablename__]}
        for kind, key in sorted(rows.keys() | self._children.keys()):
            row, told = rows.get((kind, key)), self._children.get((kind, key))
            if row != told:
                yield f"{kind} {key} stands in “{row}”, but the events left it in “{told}”."
        results = {row.task: row for row in self._beside[TaskResult.__tablename__]}
        yield from self._compare("the task", results, {name: row for name, (_, row) in self._tasks.items()})
        signed = {(row.state, row.party): row for row in self._beside[Signature.__tablename__]}
        yield from self._compare("the signature of", signed, self._signatures)

    def _compare(self, what: str, rows: dict[Any, Any], told: dict[Any, dict[str, Any]]) -> Iterator[str]:
        for name in sorted(rows.keys() | told.keys()):
            row, events = rows.get(name), told.get(name)
            called = name if isinstance(name, str) else name[1]
            if (row.event_seq if row is not None else told[name]["event_seq"]) < self._migrated:
                continue
            if row is None:
                yield f"{what} {called} is not kept any more, but no event took it back."
            elif events is None:
                yield f"{what} {called} is kept, but no event tells of it."
            elif any(getattr(row, field) != value for field, value in events.items()):
                yield f"{what} {called} is kept otherwise than event {events['event_seq']} tells."


_SAYS = {
    "state": "it stands in “{row}”, but its last event left it in “{events}”.",
    "outcome": "its outcome is “{row}”, but its last event says “{events}”.",
    "revision": "its revision is {row}, but its last event is number {events}.",
    "last_event_at": "its last event is said to be of {row}, but it is of {events}.",
    "state_since": "it stands there since {row}, by its events since {events}.",
    "submitted_at": "it was sent on {row}, by its events on {events}.",
    "officer_id": "{row} is in charge of it, but its events name {events}.",
    "definition_sha": "it goes by the rules {row}, but its last event went by {events}.",
}


ITS = frozenset({"id", "number", "head", *_SAYS})
"""The columns of an application that a replay looks at, each as ``its_…``."""


def _plain(value: Any) -> Any:
    """An id in an event is text."""
    return str(value) if isinstance(value, UUID) else value
