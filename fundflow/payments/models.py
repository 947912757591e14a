"""The ledger and the payments."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model


class LedgerEntry(Identified, Model):
    """Money moved from one account of a round to another: appended, never changed or deleted.

    Accounts: ``budget`` (where appropriations come from), ``available``, ``committed``, ``paid``.
    """

    __tablename__ = "ledger_entries"

    round_id: Mapped[UUID] = mapped_column(sa.ForeignKey("rounds.id"))
    application_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("applications.id"))
    event_seq: Mapped[int | None]
    kind: Mapped[str]
    credit: Mapped[str]
    debit: Mapped[str]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))

    __table_args__ = (
        sa.CheckConstraint("minor > 0", name="minor"),
        sa.CheckConstraint("credit <> debit", name="accounts"),
        sa.CheckConstraint("kind IN ('appropriation', 'commitment', 'payment', 'release')", name="kind"),
        sa.Index("ix_ledger_entries_round", "round_id"),
        sa.Index("ix_ledger_entries_application", "application_id"),
    )


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
