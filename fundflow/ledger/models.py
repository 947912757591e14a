"""Donors, their lines, the entries that move the lines' money, and the balances that the database keeps of them.

The rules of the entries stand in `constraints`: the database itself refuses what breaks them.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model
from fundflow.ledger import constraints
from fundflow.money import Money


class Donor(Identified, Model):
    """Who gives the money."""

    __tablename__ = "donors"

    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))


class DonorPerson(Identified, Model):
    """That a person may see what this donor's money does."""

    __tablename__ = "donor_people"

    donor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("donors.id"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    added_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (sa.UniqueConstraint("donor_id", "user_id"), sa.Index("ix_donor_people_user", "user_id"))


class DonorLine(Identified, Model):
    """One donor's money in a window, in one currency. The line of `is_own` has no donor: it is the fund's own money.

    `position` is the order in which awards draw on the lines of a window; after `ends_on` a line gives rounds no more.
    """

    __tablename__ = "donor_lines"

    window_id: Mapped[UUID] = mapped_column(sa.ForeignKey("windows.id"))
    donor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("donors.id"))
    is_own: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(sa.String(200))
    reference: Mapped[str] = mapped_column(sa.String(140), default="")
    currency: Mapped[str] = mapped_column(sa.String(3))
    position: Mapped[int] = mapped_column(default=0)
    ends_on: Mapped[date | None]
    created_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (
        sa.CheckConstraint("is_own = (donor_id IS NULL)", name="donor"),
        sa.CheckConstraint("length(currency) = 3", name="currency"),
        sa.UniqueConstraint("window_id", "currency", "name"),
        sa.Index(
            "uq_donor_lines_own",
            "window_id",
            "currency",
            unique=True,
            postgresql_where=sa.text("is_own"),
            sqlite_where=sa.text("is_own"),
        ),
    )


class Instruction(Identified, Model):
    """A movement that no application causes, as one person asked for it and another one approved or refused it.

    `entry_id` is one of the entries that a reversal takes back: what moved with it goes back with it.
    """

    __tablename__ = "ledger_instructions"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    kind: Mapped[str]
    line_id: Mapped[UUID] = mapped_column(sa.ForeignKey("donor_lines.id"))
    round_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    entry_id: Mapped[UUID | None]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))
    reason: Mapped[str]
    asked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    approved_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    refused_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("minor > 0", name="minor"),
        sa.CheckConstraint(
            "kind IN ('appropriation', 'restitution', 'allocation', 'withdrawal', 'reversal')", name="kind"
        ),
        sa.CheckConstraint("(kind = 'reversal') = (entry_id IS NOT NULL)", name="entry"),
        sa.CheckConstraint("kind NOT IN ('allocation', 'withdrawal') OR round_id IS NOT NULL", name="round"),
        sa.CheckConstraint("approved_by <> asked_by", name="second_person"),
        sa.CheckConstraint("approved_by IS NULL OR refused_by IS NULL", name="one_answer"),
        sa.CheckConstraint("(answered_at IS NULL) = (approved_by IS NULL AND refused_by IS NULL)", name="answered"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


class LedgerEntry(Identified, Model):
    """Money of one line moved from one account to another: appended, never changed or deleted.

    `credit` is the account it leaves, `debit` the one it reaches. Of a line: ``donor`` (where it comes from),
    ``unallocated``, ``returned``; of a round: ``available``, ``exchange``; of an application: ``reserved``,
    ``committed``, ``ordered``, ``paid``.
    """

    __tablename__ = "ledger_entries"

    line_id: Mapped[UUID] = mapped_column(sa.ForeignKey("donor_lines.id"))
    round_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    application_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("applications.id"))
    event_seq: Mapped[int | None]
    instruction_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_instructions.id"))
    reversal_of: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entries.id"), unique=True)
    kind: Mapped[str]
    credit: Mapped[str]
    debit: Mapped[str]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))

    __table_args__ = (
        sa.CheckConstraint("minor > 0", name="minor"),
        sa.CheckConstraint(
            "(kind = 'appropriation' AND credit = 'donor' AND debit = 'unallocated')"
            " OR (kind = 'restitution' AND credit = 'unallocated' AND debit = 'returned')"
            " OR (kind = 'allocation' AND credit = 'unallocated' AND debit = 'available')"
            " OR (kind = 'withdrawal' AND credit = 'available' AND debit = 'unallocated')"
            " OR (kind = 'reservation' AND credit = 'available' AND debit = 'reserved')"
            " OR (kind = 'commitment' AND credit IN ('available', 'reserved') AND debit = 'committed')"
            " OR (kind = 'order' AND credit = 'committed' AND debit = 'ordered')"
            " OR (kind = 'payment' AND credit IN ('ordered', 'committed') AND debit = 'paid')"
            " OR (kind = 'failure' AND credit = 'ordered' AND debit = 'committed')"
            " OR (kind = 'return' AND credit = 'paid' AND debit = 'committed')"
            " OR (kind = 'refund' AND credit = 'paid' AND debit = 'available')"
            " OR (kind = 'release' AND credit IN ('reserved', 'committed') AND debit = 'available')"
            " OR (kind = 'exchange_loss' AND credit = 'available' AND debit = 'exchange')"
            " OR (kind = 'exchange_gain' AND credit = 'exchange' AND debit = 'available')"
            " OR (kind = 'reversal' AND credit <> debit)",
            name="accounts",
        ),
        sa.CheckConstraint("(kind = 'reversal') = (reversal_of IS NOT NULL)", name="reversal"),
        sa.CheckConstraint("kind NOT IN ('reversal', 'restitution') OR instruction_id IS NOT NULL", name="instruction"),
        sa.CheckConstraint(
            "(kind IN ('appropriation', 'restitution') AND round_id IS NULL AND application_id IS NULL)"
            " OR (kind IN ('allocation', 'withdrawal') AND round_id IS NOT NULL AND application_id IS NULL)"
            " OR kind = 'reversal' OR (round_id IS NOT NULL AND application_id IS NOT NULL)",
            name="holders",
        ),
        sa.CheckConstraint("kind = 'reversal' OR (application_id IS NULL) = (event_seq IS NULL)", name="event"),
        sa.Index("ix_ledger_entries_round", "round_id"),
        sa.Index("ix_ledger_entries_application", "application_id"),
        sa.Index("ix_ledger_entries_line", "line_id", "created_at"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


HOLDERS = {
    **dict.fromkeys(("reserved", "committed", "ordered", "paid"), "application_id"),
    **dict.fromkeys(("available", "exchange"), "round_id"),
    **dict.fromkeys(("donor", "unallocated", "returned"), "line_id"),
}
"""Whose account it is."""


class LedgerBalance(Model):
    """What stands in one account of one line: kept by the database with every entry, and changed by nothing else.

    `holder_id` is the line, the round or the application whose account it is.
    """

    __tablename__ = "ledger_balances"

    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    line_id: Mapped[UUID] = mapped_column(sa.ForeignKey("donor_lines.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    round_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    minor: Mapped[int]
    entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entries.id"))
    """The last entry that moved it."""

    __table_args__ = (
        sa.CheckConstraint("minor >= 0 OR account IN ('donor', 'exchange')", name="never_below_zero"),
        sa.Index("ix_ledger_balances_round", "round_id"),
        sa.Index("ix_ledger_balances_line", "line_id"),
    )


class AwardLine(Identified, Model):
    """How much of an award one line is to bear; what is not said here is drawn in the order of the lines."""

    __tablename__ = "award_lines"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    line_id: Mapped[UUID] = mapped_column(sa.ForeignKey("donor_lines.id"))
    minor: Mapped[int]
    set_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (
        sa.UniqueConstraint("application_id", "line_id"),
        sa.CheckConstraint("minor > 0", name="minor"),
    )


sa.event.listen(Model.metadata, "after_create", constraints.put)
