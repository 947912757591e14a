"""Ask for work inside the change that needs it, and say which function does which kind of work.

Refuses a second handler for a kind and a payload that is not plain JSON; a key that was used before is no second job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fundflow import clock
from fundflow.db import db, inserting
from fundflow.errors import NotFound
from fundflow.jobs.models import Job

Handler = Callable[[dict[str, Any]], None]

handlers: dict[str, Handler] = {}

wake = threading.Event()
"""Set when a transaction that enqueued something has committed, so a worker in this process need not wait to poll."""


class GiveUp(Exception):
    """Raised by a handler when trying again cannot help: the job goes to the dead letters at once."""


class NotYet(Exception):
    """Raised by a handler when nothing is wrong with the job, but something must first be put right by whoever runs the
    site: it comes again every few minutes for as long as that takes, and is never given up.

    Its sentence goes to the log as well, so it names nobody and quotes nothing.
    """


class Wanted(NamedTuple):
    """A job as it was asked for."""

    key: str
    kind: str
    payload: Mapping[str, Any]
    run_at: datetime


_collected: ContextVar[list[Wanted] | None] = ContextVar("collected", default=None)


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Declare the function that does this kind of work.

    It is called with the payload and no open transaction. What it leaves uncommitted in the session is committed
    together with the mark that the job is done, so both happen or neither; a job whose worker died is done again, so
    what it does outside the database must bear being repeated under the job's key.
    """

    def register(run: Handler) -> Handler:
        known = handlers.get(kind)
        if known is not None and known.__module__ != run.__module__:
            raise ValueError(f"Jobs of kind “{kind}” are already done by {known.__module__}.")
        handlers[kind] = run
        return run

    return register


def enqueue(kind: str, payload: Mapping[str, Any], key: str, run_at: datetime | None = None) -> None:
    """Ask, in the present transaction, for a piece of work; `key` names it for ever, and a second asking is ignored."""
    wanted = Wanted(key, kind, payload, run_at or clock.now())
    collecting = _collected.get()
    if collecting is None:
        write([wanted])
    else:
        collecting.append(wanted)


@contextmanager
def collecting() -> Iterator[list[Wanted]]:
    """Hold back what the block enqueues, so that whoever opened it can `write` all of it in one statement."""
    token = _collected.set([])
    try:
        held = _collected.get()
        assert held is not None  # noqa: S101 -- set two lines above
        yield held
    finally:
        _collected.reset(token)


def write(wanted: Sequence[Wanted]) -> None:
    """Add these jobs in the present transaction, leaving out every key that is there already."""
    if wanted:
        db.session.connection().execute(inserting(Job).on_conflict_do_nothing(index_elements=["key"]), rows(wanted))
        noticed(wanted)


def rows(wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    """These jobs as rows of the outbox."""
    now = clock.now()
    return [
        {"id": uuid4(), "created_at": now, "key": w.key, "kind": w.kind, "payload": dict(w.payload), "run_at": w.run_at}
        for w in wanted
    ]


def noticed(wanted: Sequence[Wanted]) -> None:
    """Have the worker of this process woken when these jobs are committed."""
    if wanted:
        db.session.info["enqueued"] = True


def retry(job_id: UUID) -> None:
    """Give a dead letter twelve new attempts, beginning now; NotFound when it is not dead."""
    again = (
        sa.update(Job)
        .where(Job.id == job_id, Job.dead_at.is_not(None))
        .values(dead_at=None, attempts=0, run_at=clock.now(), leased_by=None, lease_until=None)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.execute(again).first() is None:
        raise NotFound()
    db.session.expire_all()
    db.session.info["enqueued"] = True


@sa.event.listens_for(Session, "after_commit")
def _wake(session: Session) -> None:
    if session.info.pop("enqueued", False) and not wake.is_set():
        wake.set()


@sa.event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("enqueued", None)
