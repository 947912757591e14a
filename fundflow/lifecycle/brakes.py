"""The brake: when so many timers would start transitions within one minute that something must be wrong.

A clock that jumps, or a deadline typed wrongly, would end hundreds of applications for ever. From the setting's number
on, no timer starts anything until a person lets them go on; reminders and people's own commands go on meanwhile. What
was counted is counted by the database, over all sweepers. Refuses to be released without a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from fundflow.db import UtcDateTime, db, inserting, instant, present
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import inputs, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Brake, Timer

SPAN = timedelta(minutes=1)
PAGE = "/admin/timers"


class ReleasedAlready(Refused):
    """The deadlines were let go on already, at {at}."""


class NoReason(Refused):
    """Say why: it is kept with your name."""

    status = 422


def most() -> int:
    """How many transitions timers may start within a minute."""
    return int(current_app.extensions["settings"].brake)


def standing() -> Brake | None:
    """The brake that is on now, if one is."""
    return db.session.scalars(
        sa.select(Brake).where(Brake.released_at.is_(None)).execution_options(populate_existing=True)
    ).first()


def is_on() -> bool:
    """Whether timers may start nothing now."""
    return db.session.execute(sa.select(Brake.number).where(Brake.released_at.is_(None)).limit(1)).first() is not None


def is_waiting() -> sa.ColumnElement[bool]:
    """Timers that would start their transition now, as a clause; those that a person let go on are among them."""
    return sa.and_(Timer.starts.is_not(None), Timer.status == "armed", Timer.act_at <= instant())


def waiting() -> int:
    """How many transitions timers would start now, with those they started within the last minute.

    What was due when a brake was last released does not count: a person has said that it may go on.
    """
    now = instant()
    released = sa.select(sa.func.max(Brake.released_at)).where(Brake.released_at <= now).scalar_subquery()
    is_new = sa.or_(released.is_(None), Timer.act_at > released)
    has_acted = sa.and_(Timer.acted_at > instant(-SPAN), Timer.acted_at <= now)
    counted = sa.select(sa.func.count()).select_from(Timer).where(is_new, sa.or_(is_waiting(), has_acted))
    return int(db.session.execute(counted).scalar_one())


def pull(count: int) -> Brake | None:
    """Put the brake on in the present transaction and tell the administrators; None where somebody else just did."""
    since = present()
    # One statement: it sees the brake that somebody else just put on, or it wants the same number and gets nothing.
    number = sa.select(sa.func.coalesce(sa.func.max(Brake.number), 0) + 1).scalar_subquery()
    wanted = sa.select(number, sa.literal(since, UtcDateTime), sa.literal(count, sa.Integer)).where(
        sa.not_(sa.exists().where(Brake.released_at.is_(None)))
    )
    taken = db.session.execute(
        inserting(Brake)
        .from_select(["number", "since", "count"], wanted, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["number"])
        .returning(Brake.number)
    ).scalar()
    if taken is None:
        return None
    registry.raise_alarm("brake", f"brake:{taken}", {"count": count, "since": since, "link": PAGE})
    return db.session.get(Brake, taken)


def release(number: int, reason: str | None, actor: Actor) -> Brake:
    """Let the timers go on that wait behind this brake; the reason and the person are kept with it."""
    given = inputs.line(reason)
    if not given:
        raise NoReason
    brake = db.session.scalars(
        sa.select(Brake).where(Brake.number == number).with_for_update().execution_options(populate_existing=True)
    ).first()
    if brake is None:
        raise NotFound
    if brake.released_at is not None:
        raise ReleasedAlready(at=brake.released_at)
    brake.released_at, brake.released_by, brake.reason = present(), actor.id, given
    db.session.flush()
    return brake


def past(limit: int = 20) -> Sequence[Brake]:
    """The brakes that were released, the latest first."""
    return db.session.scalars(
        sa.select(Brake).where(Brake.released_at.is_not(None)).order_by(Brake.number.desc()).limit(limit)
    ).all()
