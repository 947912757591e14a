"""Recording payments: what the ledger moved, with the reference and the day of the bank.

Refuses a payment that nobody recorded, without a reference, or of a day that has not come.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.payments.models import Payment


class NoReference(Refused):
    """A payment needs the reference under which the bank knows it, of at most 140 characters."""

    status = 422


class NotYetPaid(Refused):
    """{paid_on} has not come yet: record a payment when it was made."""

    status = 422


class NobodyPaid(Refused):
    """A payment is recorded by the person who made it, never by the system."""


def record(
    application: Application,
    amount: Money,
    event_seq: int,
    *,
    reference: str | None,
    paid_on: date | None,
    recorded_by: UUID | None,
    now: datetime,
) -> Payment:
    """Keep that this money was sent to the city of an application."""
    reference = " ".join((reference or "").split())
    if not reference or len(reference) > 140:
        raise NoReference()
    paid_on = paid_on or now.date()
    # The date is the bank's, and the bank's day begins up to fourteen hours before the one of UTC.
    if paid_on > (now + timedelta(hours=14)).date():
        raise NotYetPaid(paid_on=paid_on)
    if recorded_by is None:
        raise NobodyPaid()
    payment = Payment(
        application_id=application.id,
        event_seq=event_seq,
        reference=reference,
        paid_on=paid_on,
        minor=amount.minor,
        currency=amount.currency,
        recorded_by=recorded_by,
    )
    db.session.add(payment)
    return payment
