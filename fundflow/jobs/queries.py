"""What the outbox holds: waiting, running and dead jobs, for the administrator's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db
from fundflow.jobs.models import Job


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs wait for their time, are being done, wait after a failure, or were given up."""

    waiting: int
    running: int
    failing: int
    dead: int


def dead(limit: int = 100) -> Sequence[Job]:
    """The dead letters, the latest first."""
    return db.session.scalars(
        sa.select(Job).where(Job.dead_at.is_not(None)).order_by(Job.dead_at.desc(), Job.id).limit(limit)
    ).all()


def open_jobs(limit: int = 100) -> Sequence[Job]:
    """Jobs neither done nor dead, the next one first."""
    return db.session.scalars(
        sa.select(Job).where(Job.done_at.is_(None), Job.dead_at.is_(None)).order_by(Job.run_at, Job.id).limit(limit)
    ).all()


def counts() -> Counts:
    """How full the outbox is now."""
    now = clock.now()
    is_open = sa.and_(Job.done_at.is_(None), Job.dead_at.is_(None))
    is_leased = sa.and_(is_open, Job.lease_until > now)
    row = db.session.execute(
        sa.select(
            sa.func.count().filter(is_open, Job.attempts == 0, sa.not_(sa.func.coalesce(Job.lease_until > now, False))),
            sa.func.count().filter(is_leased),
            sa.func.count().filter(is_open, Job.attempts > 0, sa.not_(sa.func.coalesce(Job.lease_until > now, False))),
            sa.func.count().filter(Job.dead_at.is_not(None)),
        ).where(Job.done_at.is_(None))
    ).one()
    return Counts(*row)
