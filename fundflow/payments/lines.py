"""Entries and payments as lines of a list: each with the application and the city it belongs to, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import City, User
from fundflow.db import db
from fundflow.lifecycle.models import Application
from fundflow.payments.models import LedgerEntry, Payment


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry of the ledger; an appropriation belongs to no application."""

    entry: LedgerEntry
    number: str | None
    city: str | None


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """One payment, and who recorded it."""

    payment: Payment
    number: str
    city: str
    recorded_by: str


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


def payments_of_round(round_id: UUID) -> list[PaymentLine]:
    """Every payment of a round, the first first."""
    query = (
        sa.select(Payment, Application.number, City.name, User.name, User.email)
        .join(Application, Application.id == Payment.application_id)
        .join(City, City.id == Application.city_id)
        .join(User, User.id == Payment.recorded_by)
        .where(Application.round_id == round_id)
        .order_by(Payment.paid_on, Payment.created_at, Payment.id)
    )
    return [
        PaymentLine(payment, number, city, name or email)
        for payment, number, city, name, email in db.session.execute(query)
    ]
