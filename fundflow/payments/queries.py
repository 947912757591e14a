"""Which payments there are: of one application, and of a round as lines of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import City, User
from fundflow.db import db
from fundflow.lifecycle.models import Application
from fundflow.payments.models import Payment


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """One payment, and who recorded it."""

    payment: Payment
    number: str
    city: str
    recorded_by: str


def payments_of(application_id: UUID) -> Sequence[Payment]:
    """The payments to one application, the first first."""
    return db.session.scalars(
        sa.select(Payment).where(Payment.application_id == application_id).order_by(Payment.event_seq)
    ).all()


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
