"""Reading windows and rounds; the only way from an address to a round.

What a person may not see is answered like what does not exist.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pycountry
import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from fundflow import clock
from fundflow.db import db, read
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import Actor
from fundflow.money import Money
from fundflow.prepared import Prepared, Question
from fundflow.rounds import policy
from fundflow.rounds.models import Round, Window

_TERMS = "currency floor_minor cap_minor budget_minor opens_at closes_at title zone countries".split()
_READ_TERMS = Prepared(
    sa.select(*(Round.__table__.c[name] for name in _TERMS)).where(Round.id == sa.bindparam("round_id")), is_steady=True
)
_IDENTITY = sa.inspect(Round).identity_key_from_primary_key


def _rounds() -> sa.Select[Round]:
    return sa.select(Round).options(joinedload(Round.window))


def _one(query: sa.Select[Round], key: UUID | str) -> Round:
    named = Round.id == key if isinstance(key, UUID) else Round.slug == key
    is_writable = isinstance(key, UUID) or "\x00" not in key
    found = db.session.scalar(query.where(named)) if is_writable else None
    if found is None:
        raise NotFound
    return found


def round_for(actor: Actor, key: UUID | str) -> Round:
    """The round of this id or slug, with its window, or NotFound."""
    return _one(_rounds().where(policy.seen_by(actor)), key)


def managed_round_for(actor: Actor, key: UUID | str) -> Round:
    """The round if the actor manages it, or NotFound."""
    return _one(_rounds().where(policy.managed_by(actor)), key)


def money_round_for(actor: Actor, key: UUID | str) -> Round:
    """The round if the actor may read its money, or NotFound."""
    return _one(_rounds().where(policy.money_seen_by(actor)), key)


EVERYWHERE = tuple(sorted(each.alpha_2 for each in pycountry.countries))
"""What a round is open to that names no countries."""


def terms_asked(round_id: UUID) -> Question:
    """What `terms_of` asks."""
    return _READ_TERMS, {"round_id": round_id}


def terms_of(round_id: UUID) -> dict[str, Any]:
    """Floor, cap and budget as money, the opening and closing instants, the title and the zone.

    Whoever has the round in their session already is not made to read it again.
    """
    row: Any = db.session.identity_map.get(_IDENTITY((round_id,)))
    if row is None:
        statement, values = terms_asked(round_id)
        (found,) = read(statement, **values)
        row = SimpleNamespace(**dict(zip(_TERMS, found, strict=True)))
    return {
        "floor": Money(row.floor_minor, row.currency),
        "cap": Money(row.cap_minor, row.currency),
        "budget": Money(row.budget_minor, row.currency),
        "opens_at": row.opens_at,
        "closes_at": row.closes_at,
        "title": row.title,
        "zone": row.zone,
        "countries": tuple(row.countries) or EVERYWHERE,
    }


def open_rounds(at: datetime | None = None) -> list[Round]:
    """Published rounds that take applications at this instant (now), the one that closes first at the top."""
    at = at or clock.now()
    return list(
        db.session.scalars(
            _rounds()
            .where(Round.status == "published", Round.opens_at <= at, Round.closes_at > at)
            .order_by(Round.closes_at, Round.slug)
        )
    )


def upcoming_rounds(at: datetime | None = None) -> list[Round]:
    """Published rounds that have not opened yet, the next one first."""
    at = at or clock.now()
    return list(
        db.session.scalars(
            _rounds().where(Round.status == "published", Round.opens_at > at).order_by(Round.opens_at, Round.slug)
        )
    )


def closed_rounds(at: datetime | None = None, limit: int = 50) -> list[Round]:
    """Published rounds that have closed, the latest first."""
    at = at or clock.now()
    return list(
        db.session.scalars(
            _rounds()
            .where(Round.status == "published", Round.closes_at <= at)
            .order_by(Round.closes_at.desc(), Round.slug)
            .limit(limit)
        )
    )


def managed_rounds(actor: Actor) -> list[Round]:
    """Every round the actor manages, drafts first, then by closing time, the latest first."""
    return list(
        db.session.scalars(
            _rounds().where(policy.managed_by(actor)).order_by(Round.status, Round.closes_at.desc(), Round.slug)
        )
    )


def money_rounds(actor: Actor) -> list[Round]:
    """Published rounds whose money the actor may read, the latest first."""
    return list(
        db.session.scalars(
            _rounds()
            .where(Round.status == "published", policy.money_seen_by(actor))
            .order_by(Round.closes_at.desc(), Round.slug)
        )
    )


def windows() -> list[Window]:
    """Every window, by name."""
    return list(db.session.scalars(sa.select(Window).order_by(Window.name)))


def window(window_id: UUID) -> Window | None:
    """The window, or None."""
    return db.session.get(Window, window_id)


def slug_taken(slug: str, *, by_other_than: UUID | None = None) -> bool:
    """Whether another round has this address already."""
    query = sa.select(sa.exists().where(Round.slug == slug, Round.id != by_other_than if by_other_than else sa.true()))
    return bool(db.session.scalar(query))


def window_named(name: str) -> Window | None:
    """The window of exactly this name, or None."""
    return db.session.scalar(sa.select(Window).where(Window.name == name))
