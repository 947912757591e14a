"""The statements of a command: lock the application, take the key, then write what happened.

On PostgreSQL each of the two is one statement (`postgres`), for every statement is a journey to the server; on SQLite
they are written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from orjson import Fragment
from sqlalchemy.orm import ClassManager, Session
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from fundflow import clock
from fundflow.db import db, inserting, json_text
from fundflow.jobs import service as outbox
from fundflow.jobs.service import Wanted
from fundflow.lifecycle import postgres
from fundflow.lifecycle.models import Application, Child, Command, Counter, Event
from fundflow.lifecycle.record import Link
from fundflow.lifecycle.refusals import Stale

LONGEST_KEY = 200
_MOVED = ("state", "outcome", "state_since", "revision", "head", "last_event_at", "submitted_at")
_MOVE = (
    sa.update(Application)
    .where(Application.id == sa.bindparam("id_"), Application.revision == sa.bindparam("revision_"))
    .values({name: sa.bindparam(name) for name in _MOVED})
)
_ADD_EVENT = sa.insert(Event)
_COLUMNS = tuple(column.key for column in Application.__table__.c)
_IDENTITY = sa.inspect(Application).identity_key_from_primary_key
_MANAGER: ClassManager[Application] = sa.inspect(Application).class_manager
_READ = sa.select(*Application.__table__.c).where(Application.id == sa.bindparam("id"))


class Claim(NamedTuple):
    """The application under its lock, the present instant, and whether the key was free and is now taken."""

    application: Application
    now: datetime
    is_first: bool
    groups: frozenset[str] | None = None
    """The groups of the fund that the actor is in for the application's round, where they were read along."""


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Undo the transaction when the block fails, so that a caller who goes on cannot commit half a command."""
    session = db.session
    session.info["kept"] = []
    try:
        yield
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("kept", None)


@sa.event.listens_for(Session, "loaded_as_persistent")
def _keep(session: Session, instance: object) -> None:
    """Hold what is loaded during a command, so that providers who need the same round or city read it once."""
    kept = session.info.get("kept")
    if kept is not None:
        kept.append(instance)


def check_key(key: str) -> None:
    """Refuse a key that could not tell one command from another."""
    if not key or len(key) > LONGEST_KEY:
        raise ValueError(f"A command needs a key of 1 to {LONGEST_KEY} characters.")


def claim(application_id: UUID, key: str, transition: str, actor_id: UUID | None) -> Claim | None:
    """Lock the application, read it anew, and register a command for it under its key; None where there is none.

    Whoever just uses the same key, or just changes the same application, is waited for. The instant is read after the
    application was locked.
    """
    session = db.session
    connection, now = session.connection(), clock.now()
    if connection.dialect.name == "postgresql":
        values = {"id": application_id, "key": key, "transition": transition, "actor_id": actor_id, "now": now}
        if is_moved := clock.is_moved():
            values["instant"] = now
        row = postgres.claiming(is_moved=is_moved).first(connection, values)
        if row is None:
            return None
        *columns, instant, is_first, groups = row
        return Claim(_held(session, columns), instant, is_first == 1, None if groups is None else frozenset(groups))
    found = connection.execute(_READ, {"id": application_id}).first()
    if found is None:
        return None
    application = _held(session, found)
    return Claim(application, now, take_key(key, application.id, transition, actor_id, application.revision + 1))


def _held(session: Session, row: Iterable[Any]) -> Application:
    """The application as the session holds it, saying what this row says."""
    values = dict(zip(_COLUMNS, row, strict=True))
    identity = _IDENTITY((values["id"],))
    held: Application | None = session.identity_map.get(identity)
    if held is None:
        held = _MANAGER.new_instance()
        # Put where they are kept: set one by one, each would first be noted as a change and then forgotten again.
        held.__dict__.update(values)
        state = instance_state(held)
        state.key, state.session_id = identity, session.hash_key
        session.identity_map.add(state)
        session.info["kept"].append(held)
    else:
        show(held, **values)
    return held


def take_key(key: str, application_id: UUID, transition: str, actor_id: UUID | None, event_seq: int) -> bool:
    """Register a command under its key; False when the key was taken before. Waits for whoever is just taking it."""
    taken = db.session.connection().execute(
        inserting(Command).on_conflict_do_nothing(index_elements=["key"]).returning(Command.key),
        {
            "key": key,
            "application_id": application_id,
            "transition": transition,
            "actor_id": actor_id,
            "event_seq": event_seq,
        },
    )
    return taken.first() is not None


def record(
    application: Application, values: Mapping[str, Any], link: Link, prev: str, wanted: Sequence[Wanted]
) -> None:
    """Set the state and all that changes only with it, append the event and ask for the work it causes.

    Where somebody else changed the application meanwhile, which its lock forbids, nothing is written: Stale on SQLite,
    on PostgreSQL an error of the database with whatever comes next or the commit. Inside `gathering` it is noted down.
    """
    moved = {"id_": application.id, "revision_": link.seq - 1, **values}
    event = _event(link, prev, values["head"])
    if (gathered := _gathered.get()) is not None:
        gathered.append(_Noted(moved, event, link, wanted))
        if len(gathered) == _TOLD_AT_ONCE:
            _record_all(gathered)
            gathered.clear()
        return
    db.session.flush()
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        noted = {f"event_{name}": value for name, value in event.items()}
        noted["event_body"], noted["event_payload"] = link.body_text, link.payload_text
        # Nobody can have changed an application that is locked, so nobody waits to hear it before the commit.
        postgres.recording(min(len(wanted), 2)).later(connection, {**moved, **noted, **_asked(wanted)})
        outbox.noticed(wanted)
        return
    done = connection.execute(_MOVE, moved).rowcount
    connection.execute(_ADD_EVENT, event)
    outbox.write(wanted)
    if done != 1:
        raise Stale()


def _asked(wanted: Sequence[Wanted]) -> dict[str, Any]:
    """These jobs as `postgres.recording` takes them."""
    if len(wanted) == 1:
        (row,) = outbox.rows(wanted)
        return {f"job_{name}": json_text(value) if name == "payload" else value for name, value in row.items()}
    return {"jobs": json_text(outbox.rows(wanted))} if wanted else {}


class _Noted(NamedTuple):
    """One change that is still to be written."""

    moved: Mapping[str, Any]
    event: Mapping[str, Any]
    link: Link
    wanted: Sequence[Wanted]

    def as_hashed(self) -> Mapping[str, Any]:
        """The event for a JSON text, its own JSON as it was hashed."""
        body, payload = self.link.body_text, self.link.payload_text
        return {
            **self.event,
            "body": None if body is None else Fragment(body),
            "payload": None if payload is None else Fragment(payload),
        }


_TOLD_AT_ONCE = 20
"""So many are sent while the next are being decided: the server writes them meanwhile."""
_gathered: ContextVar[list[_Noted] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering() -> Iterator[None]:
    """Note down what is recorded in the block, of each application once, and write many at a time, the rest at its end.

    Where one of them was changed meanwhile it fails as `record` does; the caller undoes everything when it fails.
    """
    noted: list[_Noted] = []
    token = _gathered.set(noted)
    try:
        yield
    finally:
        _gathered.reset(token)
    _record_all(noted)


def _record_all(noted: Sequence[_Noted]) -> None:
    if not noted:
        return
    db.session.flush()
    moves, wanted = [each.moved for each in noted], [job for each in noted for job in each.wanted]
    connection = db.session.connection()
    if connection.dialect.name != "postgresql":
        done = sum(connection.execute(_MOVE, move).rowcount for move in moves)
        connection.execute(_ADD_EVENT, [each.event for each in noted])
        outbox.write(wanted)
        if done != len(noted):
            raise Stale()
        return
    given = {
        "many": len(noted),
        "moves": json_text(moves),
        "events": json_text([each.as_hashed() for each in noted]),
        "jobs": json_text(outbox.rows(wanted)),
    }
    postgres.RECORD_ALL.later(connection, given, at_once=True)
    outbox.noticed(wanted)


def claim_all(asked: Mapping[UUID, tuple[str, str]], actor_id: UUID | None) -> dict[UUID, Claim]:
    """What `claim` does, for many applications by one statement: key and transition of each, by its id.

    They are locked in the order of their ids, so that two who claim many wait for each other and never for ever.
    """
    session, now = db.session, clock.now()
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        found = {
            application_id: claim(application_id, key, transition, actor_id)
            for application_id, (key, transition) in sorted(asked.items())
        }
        return {application_id: one for application_id, one in found.items() if one is not None}
    rows = [{"asked_id": each, "key": key, "transition": name} for each, (key, name) in asked.items()]
    values: dict[str, Any] = {"asked": json_text(rows), "actor_id": actor_id, "now": now}
    if is_moved := clock.is_moved():
        values["instant"] = now
    claims = {}
    for *columns, instant, is_first, groups in postgres.claiming_all(is_moved=is_moved).all(connection, values):
        application = _held(session, columns)
        known = None if groups is None else frozenset(groups)
        claims[application.id] = Claim(application, instant, is_first, known)
    return claims


def give_back(keys: Sequence[str]) -> None:
    """Free the keys of commands that were refused, as undoing a single command does."""
    if keys:
        db.session.execute(sa.delete(Command).where(Command.key.in_(keys)).execution_options(synchronize_session=False))


def show(application: Application, **values: Any) -> None:
    """Let the object in the session say what the row will say, without marking it as changed."""
    state = instance_state(application)
    if state.expired_attributes or state.committed_state:
        for name, value in values.items():
            set_committed_value(application, name, value)
    else:
        # Nothing is pending that these values would have to overrule, so they only need to be put where they are kept.
        state.dict.update(values)


def move_child(child: Child, state: str, now: datetime) -> None:
    """Set a child's state. Its application is locked, and carries the event."""
    child.state, child.state_since = state, now


def add_event(link: Link, prev: str, hash_: str) -> None:
    """Append an event to its chain."""
    db.session.connection().execute(_ADD_EVENT, _event(link, prev, hash_))


def _event(link: Link, prev: str, hash_: str) -> dict[str, Any]:
    return {
        "application_id": link.application_id,
        "seq": link.seq,
        "at": link.at,
        "actor_id": link.actor_id,
        "acting_for": link.acting_for,
        "transition": link.transition,
        "subject": link.subject,
        "from_state": link.from_state,
        "to_state": link.to_state,
        "outcome": link.outcome,
        "definition_sha": link.definition_sha,
        "body": link.body,
        "payload": link.payload,
        "salt": link.salt,
        "payload_digest": link.payload_digest,
        "prev": prev,
        "hash": hash_,
    }


def next_number(prefix: str) -> int:
    """The next number under a prefix, without gaps; whoever asks next waits until this transaction ends."""
    number: int = (
        db.session.connection()
        .execute(
            inserting(Counter)
            .values(name=prefix, value=1)
            .on_conflict_do_update(index_elements=["name"], set_={"value": Counter.value + 1})
            .returning(Counter.value)
        )
        .scalar_one()
    )
    return number
