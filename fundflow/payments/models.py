"""The payments."""

from __future__ import annotations

from datetime import date
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

    __table_args__ = (
        sa.UniqueConstraint("application_id", "event_seq"),
        sa.CheckConstraint("minor > 0", name="minor"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)
