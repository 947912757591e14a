"""Drain the outbox: take a job under a lease, do it, and mark it done in one transaction with what it wrote.

A worker that dies loses nothing: its lease runs out and another takes the job over. Refuses to mark a job done when
its lease went to somebody else meanwhile; then everything it left uncommitted is undone.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from secrets import SystemRandom, token_hex
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask, current_app

from fundflow.db import begin_reading, db, instant
from fundflow.jobs import service
from fundflow.jobs.models import Job

LEASE = timedelta(seconds=60)
"""How long a silent worker keeps a job; a living one renews it at a third of this."""
POLL_SECONDS = 0.5
MAX_ATTEMPTS = 12
NOT_YET = timedelta(minutes=5)
"""How soon a job comes again that only waits for something to be put right."""
FIRST_DELAY, DELAY_FACTOR, LONGEST_DELAY = 10.0, 2.5, 12 * 3600.0

log = logging.getLogger(__name__)
_chance = SystemRandom()
_periodic: list[tuple[Callable[[], Any], float]] = []


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker holds; `lease` is the mark that it, and nobody else, does."""

    id: UUID
    key: str
    kind: str
    payload: dict[str, Any]
    attempts: int
    lease: str


def periodic(run: Callable[[], Any], seconds: float) -> None:
    """Have every worker call `run` about every so many seconds, in an application context of its own.

    Several workers call it at the same time, so it must be safe against that.
    """
    if all(known is not run for known, _ in _periodic):
        _periodic.append((run, seconds))


def run_once(lease: timedelta = LEASE) -> bool:
    """Do one due job in the present application context; False when none is due. Failures are kept, not raised.

    Whatever the session was reading is ended first, so that the job starts outside any transaction.
    """
    db.session.rollback()
    job = _claim(lease)
    if job is None:
        return False
    _perform(job, lease)
    return True


def drain(limit: int = 10_000) -> int:
    """Do every job that is due now, also those that these jobs ask for; how many were tried."""
    tried = 0
    while tried < limit and run_once():
        tried += 1
    return tried


def run(stop: threading.Event, app: Flask | None = None, lease: timedelta = LEASE) -> None:
    """Work until `stop` is set. Outlives a database that goes away: it waits, at most half a minute, and goes on."""
    app = app or current_app._get_current_object()  # type: ignore[attr-defined]
    due = dict.fromkeys(range(len(_periodic)), 0.0)
    troubles = 0
    while not stop.is_set():
        try:
            _run_periodic(app, due)
            with app.app_context():
                busy = run_once(lease)
            troubles = 0
        except Exception:
            troubles += 1
            log.exception("The worker could not reach its jobs; it tries again.")
            stop.wait(min(2.0**troubles, 30.0))
            continue
        if not busy:
            service.wake.wait(POLL_SECONDS)
            service.wake.clear()


def _run_periodic(app: Flask, due: dict[int, float]) -> None:
    for number, (task, seconds) in enumerate(_periodic):
        if time.monotonic() < due.get(number, 0.0):
            continue
        due[number] = time.monotonic() + seconds
        with app.app_context():
            try:
                task()
            except Exception:
                log.exception("A periodic task failed; it runs again in %s seconds.", seconds)
            finally:
                db.session.rollback()


def _due() -> sa.ColumnElement[bool]:
    now = instant()
    return sa.and_(
        Job.done_at.is_(None),
        Job.dead_at.is_(None),
        Job.run_at <= now,
        sa.or_(Job.lease_until.is_(None), Job.lease_until <= now),
    )


def _claim(lease: timedelta) -> Claimed | None:
    """Take the job that has waited longest. Its lease is committed before anything is done."""
    if db.engine.dialect.name == "sqlite":
        # Looking costs no write lock; only a job that is there is worth one.
        begin_reading()
        nothing = db.session.execute(sa.select(Job.id).where(_due()).limit(1)).first() is None
        db.session.rollback()
        if nothing:
            return None
    mark = f"{socket.gethostname()}:{os.getpid()}:{token_hex(6)}"
    longest_waiting = (
        sa.select(Job.id).where(_due()).order_by(Job.run_at, Job.id).limit(1).with_for_update(skip_locked=True)
    )
    row = db.session.execute(
        sa.update(Job)
        .where(Job.id == longest_waiting.scalar_subquery())
        .values(leased_by=mark, lease_until=instant(lease), attempts=Job.attempts + 1)
        .returning(Job.id, Job.key, Job.kind, Job.payload, Job.attempts)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.commit()
    return Claimed(row.id, row.key, row.kind, row.payload, row.attempts, mark) if row else None


def _perform(job: Claimed, lease: timedelta) -> None:
    try:
        if job.attempts > MAX_ATTEMPTS:
            raise service.GiveUp("Every worker that took this job ended before it was done.")
        run = service.handlers.get(job.kind)
        if run is None:
            raise LookupError(f"No part of this installation does jobs of kind “{job.kind}”.")
        with _renewing(job, lease):
            run(job.payload)
            db.session.flush()
            if not _mark(job, done_at=instant(), last_error=None):
                db.session.rollback()
                log.warning("Job %s was taken over while it was being done; nothing of it is kept.", job.key)
            db.session.commit()
    except Exception as problem:
        db.session.rollback()
        _failed(job, problem)


def _failed(job: Claimed, problem: Exception) -> None:
    kind = type(problem).__name__
    # NUL and half characters cannot be kept by every database.
    text = f"{kind}: {problem}"[:2000].replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(problem, service.NotYet):
        log.warning("Job %s (%s) waits: %s", job.key, job.kind, problem)
        _mark(job, run_at=instant(NOT_YET), attempts=1, last_error=text)
    elif isinstance(problem, service.GiveUp) or job.attempts >= MAX_ATTEMPTS:
        # Why, the dead letter says: a message may name an address or quote what a person typed, which no log keeps.
        log.error("Job %s (%s) is given up after %s attempts: %s", job.key, job.kind, job.attempts, kind)
        _mark(job, dead_at=instant(), last_error=text)
    else:
        log.warning("Job %s (%s) failed, attempt %s: %s", job.key, job.kind, job.attempts, kind)
        _mark(job, run_at=instant(timedelta(seconds=delay(job.attempts))), last_error=text)
    db.session.commit()


def delay(attempts: int) -> float:
    """Seconds to wait after so many failures: growing, capped, and spread by chance so that not all return at once."""
    grown = min(FIRST_DELAY * DELAY_FACTOR ** (attempts - 1), LONGEST_DELAY)
    return grown * _chance.uniform(0.75, 1.25)


def _mark(job: Claimed, **values: Any) -> bool:
    """Set these values and give the lease back, if it is still this worker's."""
    changed = db.session.execute(
        sa.update(Job)
        .where(Job.id == job.id, Job.leased_by == job.lease)
        .values(leased_by=None, lease_until=None, **values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    ).first()
    return changed is not None


@contextmanager
def _renewing(job: Claimed, lease: timedelta) -> Iterator[None]:
    """Keep the lease alive from a second thread while the block runs."""
    engine, app = db.engine, current_app._get_current_object()  # type: ignore[attr-defined]
    finished = threading.Event()

    def renew() -> None:
        while not finished.wait(lease.total_seconds() / 3):
            try:
                with app.app_context(), engine.begin() as connection:
                    connection.execute(
                        sa.update(Job)
                        .where(Job.id == job.id, Job.leased_by == job.lease)
                        .values(lease_until=instant(lease))
                    )
            except sa.exc.SQLAlchemyError:
                log.warning("The lease of job %s could not be renewed.", job.key, exc_info=True)

    thread = threading.Thread(target=renew, name=f"lease of {job.key}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
