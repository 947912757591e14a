"""The statements of a command: lock the application, take the key, then write what happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from fundflow.db import db, inserting, instant
from fundflow.lifecycle.models import Application, Command, Counter, Event
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


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Undo the transaction when the block fails, so that a caller who goes on cannot commit half a command."""
    try:
        yield
    except BaseException:
        db.session.rollback()
        raise


def check_key(key: str) -> None:
    """Refuse a key that could not tell one command from another."""
    if not key or len(key) > LONGEST_KEY:
        raise ValueError(f"A command needs a key of 1 to {LONGEST_KEY} characters.")


def lock(application_id: UUID) -> tuple[Application, datetime] | None:
    """The application's row, locked and read anew, and the present instant; None where there is none."""
    row = db.session.execute(
        sa.select(Application, instant())
        .where(Application.id == application_id)
        .with_for_update(of=Application)
        .execution_options(populate_existing=True)
    ).first()
    return None if row is None else (row[0], row[1])


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


def move(application: Application, **values: Any) -> None:
    """Set the state and all that changes only with it; Stale when somebody else did meanwhile."""
    done = db.session.connection().execute(
        _MOVE, {"id_": application.id, "revision_": values["revision"] - 1, **values}
    )
    if done.rowcount != 1:
        raise Stale()


def show(application: Application, **values: Any) -> None:
    """Let the object in the session say what the row will say, without marking it as changed."""
    for name, value in values.items():
        set_committed_value(application, name, value)


def add_event(link: Link, prev: str, hash_: str) -> None:
    """Append an event to its chain."""
    db.session.connection().execute(
        _ADD_EVENT,
        {
            "application_id": link.application_id,
            "seq": link.seq,
            "at": link.at,
            "actor_id": link.actor_id,
            "transition": link.transition,
            "from_state": link.from_state,
            "to_state": link.to_state,
            "outcome": link.outcome,
            "definition_sha": link.definition_sha,
            "reason": link.reason,
            "body": link.body,
            "prev": prev,
            "hash": hash_,
        },
    )


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
