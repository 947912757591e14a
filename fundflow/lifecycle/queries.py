"""What happened to an application: its events, and the row itself under a lock."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle.models import Application, Event


def id_of(number: str) -> UUID:
    """The id of the application of this number; NotFound where there is none."""
    found = db.session.execute(sa.select(Application.id).where(Application.number == number)).scalar()
    if found is None:
        raise NotFound()
    return found


def history(application_id: UUID) -> Sequence[Event]:
    """Every event of an application, the first first."""
    return db.session.scalars(sa.select(Event).where(Event.application_id == application_id).order_by(Event.seq)).all()


def last_event(application_id: UUID, transition: str) -> Event | None:
    """The latest event of one transition, or None where it never happened."""
    return db.session.scalars(
        sa.select(Event)
        .where(Event.application_id == application_id, Event.transition == transition)
        .order_by(Event.seq.desc())
        .limit(1)
    ).first()


def locked(application_id: UUID) -> Application:
    """The application as it is now, held until the transaction ends, so that no command can pass in between.

    Whoever writes something that guards read (answers, reviews) takes this first; NotFound where there is none.
    """
    found = db.session.scalars(
        sa.select(Application)
        .where(Application.id == application_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound()
    return found
