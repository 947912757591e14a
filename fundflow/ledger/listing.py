"""Entries as lines of a list: each with the application and the city it belongs to, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import City
from fundflow.db import db
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle.models import Application


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry of the ledger; an appropriation belongs to no application."""

    entry: LedgerEntry
    number: str | None
    city: str | None


def entries_of(round_id: UUID) -> list[EntryLine]:
    """Every entry of a round, the first first."""
    query = (
        sa.select(LedgerEntry, Application.number, City.name)
        .outerjoin(Application, Application.id == LedgerEntry.application_id)
        .outerjoin(City, City.id == Application.city_id)
        .where(LedgerEntry.round_id == round_id)
        .order_by(LedgerEntry.created_at, LedgerEntry.id)
    )
    return [EntryLine(*row) for row in db.session.execute(query)]
