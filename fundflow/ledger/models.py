"""The entries of the ledger."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model
from fundflow.money import Money


class LedgerEntry(Identified, Model):
    """Money moved from one account of a round to another: appended, never changed or deleted.

    `credit` is the account it leaves, `debit` the one it reaches. Accounts: ``budget`` (where appropriations come
    from), ``available``, ``reserved``, ``committed``, ``ordered``, ``paid``, ``exchange``.
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
        sa.CheckConstraint(
            "(kind = 'appropriation' AND credit = 'budget' AND debit = 'available')"
            " OR (kind = 'reservation' AND credit = 'available' AND debit = 'reserved')"
            " OR (kind = 'commitment' AND credit IN ('available', 'reserved') AND debit = 'committed')"
            " OR (kind = 'order' AND credit = 'committed' AND debit = 'ordered')"
            " OR (kind = 'payment' AND credit IN ('ordered', 'committed') AND debit = 'paid')"
            " OR (kind = 'failure' AND credit = 'ordered' AND debit = 'committed')"
            " OR (kind = 'return' AND credit = 'paid' AND debit = 'committed')"
            " OR (kind = 'refund' AND credit = 'paid' AND debit = 'available')"
            " OR (kind = 'exchange_loss' AND credit = 'available' AND debit = 'exchange')"
            " OR (kind = 'exchange_gain' AND credit = 'exchange' AND debit = 'available')"
            " OR (kind = 'release' AND credit IN ('reserved', 'committed') AND debit = 'available')",
            name="accounts",
        ),
        sa.CheckConstraint("(kind = 'appropriation') = (application_id IS NULL)", name="application"),
        sa.CheckConstraint("(application_id IS NULL) = (event_seq IS NULL)", name="event"),
        sa.Index("ix_ledger_entries_round", "round_id"),
        sa.Index("ix_ledger_entries_application", "application_id"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)
