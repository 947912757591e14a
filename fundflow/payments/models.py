"""The payments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model
from fundflow.money import Money


class Payment(Identified, Model):
    """Money sent to a city, as finance recorded it."""

    __tablename__ = "payments"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    event_seq: Mapped[int]
    reference: Mapped[str] = mapped_column(sa.String(140))
    paid_on: Mapped[date]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    order_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payment_orders.id"))
    rate: Mapped[Decimal | None]
    """At which the bank exchanged it, as the bank writes it."""
    fee_minor: Mapped[int | None]
    fee_currency: Mapped[str | None] = mapped_column(sa.String(3))
    """What the bank took for it, beside the amount."""

    __table_args__ = (
        sa.UniqueConstraint("application_id", "event_seq"),
        sa.CheckConstraint("minor > 0", name="minor"),
        sa.CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="fee"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)

    @property
    def fee(self) -> Money | None:
        return None if self.fee_minor is None or self.fee_currency is None else Money(self.fee_minor, self.fee_currency)
