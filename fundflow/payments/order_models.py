"""The fund's own accounts, the orders to its bank, the files they go out in, and what the bank says of them.

An order is made by the workflow's own step alone; what a bank said is kept as it was said, with what became of it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model
from fundflow.money import Money

CLEARED, SENT, ACCEPTED, PART_BOOKED = UNDER_WAY = ("cleared", "sent", "accepted", "part_booked")
"""An order of which the bank may still move money."""
BOOKED, FAILED, RETURNED = "booked", "failed", "returned"

DONE, NOTHING, LOOK = "done", "nothing", "look"
"""What became of something the bank said: it was applied; there was nothing to do; somebody has to look at it."""

_OPEN_LINE = sa.text("is_open")
_UNDER_WAY = sa.text("status IN ('cleared', 'sent', 'accepted', 'part_booked')")
_DONE = sa.text("result = 'done'")


class PayingAccount(Identified, Model):
    """An account that the fund pays from: in one currency, for one window or for all; in force once a second person
    confirmed it. Of its number only the last characters are readable."""

    __tablename__ = "paying_accounts"

    window_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("windows.id"))
    currency: Mapped[str] = mapped_column(sa.String(3))
    country: Mapped[str] = mapped_column(sa.String(2))
    tail: Mapped[str] = mapped_column(sa.String(8))
    charges: Mapped[str] = mapped_column(sa.String(4), default="SHAR")
    """Who bears the banks' charges, as payment files say it."""
    key: Mapped[str] = mapped_column(sa.String(16))
    sealed: Mapped[str]
    """Holder, number and bank, encrypted for this row alone."""
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    confirmed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    confirmed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("confirmed_by <> entered_by", name="two_people"),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed"),
        sa.CheckConstraint("(closed_by IS NULL) = (closed_at IS NULL)", name="closed"),
        sa.CheckConstraint("charges IN ('SHAR', 'DEBT', 'CRED')", name="charges"),
    )


class PaymentBatch(Identified, Model):
    """Payments that one person chose and a second one releases; then ordered one by one and written into one file."""

    __tablename__ = "payment_batches"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    """The press of a button that made it: the same press again makes no second one."""
    message_id: Mapped[str] = mapped_column(sa.String(35), unique=True)
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("paying_accounts.id"))
    currency: Mapped[str] = mapped_column(sa.String(3))
    execute_on: Mapped[date]
    prepared_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    released_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    released_at: Mapped[datetime | None]
    discarded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    discarded_at: Mapped[datetime | None]
    written_at: Mapped[datetime | None]
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    """The digest of the file; none was written where no payment could be ordered."""
    count: Mapped[int | None]
    minor: Mapped[int | None]
    sent_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("released_by <> prepared_by", name="two_people"),
        sa.CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name="released"),
        sa.CheckConstraint("(discarded_by IS NULL) = (discarded_at IS NULL)", name="discarded"),
        sa.CheckConstraint("released_by IS NULL OR discarded_by IS NULL", name="one_answer"),
        sa.CheckConstraint("written_at IS NULL OR released_at IS NOT NULL", name="written"),
        sa.CheckConstraint("sha256 IS NULL OR (written_at IS NOT NULL AND count > 0 AND minor > 0)", name="file"),
        sa.CheckConstraint("(sent_by IS NULL) = (sent_at IS NULL)", name="sent"),
        sa.CheckConstraint("sent_at IS NULL OR sha256 IS NOT NULL", name="sent_file"),
    )

    @property
    def sum(self) -> Money | None:
        return None if self.minor is None else Money(self.minor, self.currency)


class BatchLine(Model):
    """One payment of a batch: a step of a child that orders money, and what came of it."""

    __tablename__ = "batch_lines"

    batch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("payment_batches.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    kind: Mapped[str]
    child_key: Mapped[str]
    transition: Mapped[str]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))
    revision: Mapped[int]
    """Of the application, as the person saw it who last decided on the batch."""
    is_open: Mapped[bool] = mapped_column(default=True)
    order_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payment_orders.id"))
    refusal: Mapped[str | None]
    """Why it was not ordered, in words."""

    __table_args__ = (
        sa.CheckConstraint("minor > 0", name="minor"),
        sa.CheckConstraint("NOT is_open OR (order_id IS NULL AND refusal IS NULL)", name="open"),
        sa.Index(
            "ix_batch_lines_open", "application_id", "kind", "child_key", unique=True,
            sqlite_where=_OPEN_LINE, postgresql_where=_OPEN_LINE,
        ),
    )  # fmt: skip

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


class PaymentOrder(Identified, Model):
    """The bank is told to send money: made when a workflow's step orders it, in the same transaction.

    ``cleared``, ``sent`` with a file, ``accepted`` by the bank, ``part_booked`` or ``booked`` on the account;
    ``failed`` where the bank refused it, ``returned`` where the money came back.
    """

    __tablename__ = "payment_orders"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    event_seq: Mapped[int]
    kind: Mapped[str]
    """Of the child that it pays; empty where the application itself is paid."""
    child_key: Mapped[str]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))
    payee_id: Mapped[UUID | None]
    """The bank account that was in force: its row never changes."""
    end_to_end_id: Mapped[str] = mapped_column(sa.String(35), unique=True)
    status: Mapped[str] = mapped_column(default=CLEARED)
    booked_minor: Mapped[int] = mapped_column(default=0)
    batch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payment_batches.id"))
    reason: Mapped[str] = mapped_column(default="")
    """The bank's own code for what it did last."""
    ordered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (
        sa.UniqueConstraint("application_id", "event_seq"),
        sa.CheckConstraint("minor > 0", name="minor"),
        sa.CheckConstraint("booked_minor BETWEEN 0 AND minor", name="booked_minor"),
        sa.CheckConstraint(
            "status IN ('cleared', 'sent', 'accepted', 'part_booked', 'booked', 'failed', 'returned')", name="status"
        ),
        sa.CheckConstraint("status <> 'booked' OR booked_minor = minor", name="booked"),
        sa.CheckConstraint(
            "status <> 'part_booked' OR (booked_minor > 0 AND booked_minor < minor)", name="part_booked"
        ),
        sa.Index(
            "ix_payment_orders_under_way", "application_id", "kind", "child_key", unique=True,
            sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY,
        ),
        sa.Index("ix_payment_orders_batch", "batch_id"),
    )  # fmt: skip

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)

    @property
    def booked(self) -> Money:
        return Money(self.booked_minor, self.currency)

    @property
    def left(self) -> Money:
        """What the bank has not booked yet."""
        return self.amount - self.booked


class BankFile(Identified, Model):
    """A file of the bank, kept under its digest: the same file is never taken in twice."""

    __tablename__ = "bank_files"

    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    message: Mapped[str] = mapped_column(sa.String(20))
    message_id: Mapped[str] = mapped_column(sa.String(140))
    received_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))


class BankLine(Model):
    """One thing that the bank says about one payment, as it says it, and what became of that.

    `identity` names the saying: what was applied once is not applied again, whichever file says it.
    """

    __tablename__ = "bank_lines"

    file_id: Mapped[UUID] = mapped_column(sa.ForeignKey("bank_files.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    identity: Mapped[str] = mapped_column(sa.String(64))
    what: Mapped[str]
    end_to_end_id: Mapped[str | None] = mapped_column(sa.String(140))
    order_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payment_orders.id"))
    minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    ordered_minor: Mapped[int | None]
    ordered_currency: Mapped[str | None] = mapped_column(sa.String(3))
    fee_minor: Mapped[int | None]
    fee_currency: Mapped[str | None] = mapped_column(sa.String(3))
    rate: Mapped[Decimal | None]
    booked_on: Mapped[date | None]
    reference: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    result: Mapped[str | None]
    code: Mapped[str] = mapped_column(default="")
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The sentence that says what became of it, by its code, with its facts."""
    event_seq: Mapped[int | None]
    applied_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    applied_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    settled_at: Mapped[datetime | None]
    note: Mapped[str | None]
    """What somebody found out who looked at it."""

    __table_args__ = (
        sa.CheckConstraint("what IN ('accepted', 'pending', 'rejected', 'booked', 'returned', 'other')", name="what"),
        sa.CheckConstraint("result IN ('done', 'nothing', 'look')", name="result"),
        sa.CheckConstraint("(result IS NULL) = (applied_at IS NULL)", name="applied"),
        sa.CheckConstraint("(settled_at IS NULL) = (note IS NULL)", name="settled"),
        sa.Index("ix_bank_lines_done", "identity", unique=True, sqlite_where=_DONE, postgresql_where=_DONE),
        sa.Index("ix_bank_lines_order", "order_id"),
        sa.Index("ix_bank_lines_result", "result", "settled_at"),
    )

    @property
    def amount(self) -> Money | None:
        return None if self.minor is None or self.currency is None else Money(self.minor, self.currency)

    @property
    def ordered(self) -> Money | None:
        """What the order was for, where the bank repeats it."""
        if self.ordered_minor is None or self.ordered_currency is None:
            return None
        return Money(self.ordered_minor, self.ordered_currency)

    @property
    def fee(self) -> Money | None:
        return None if self.fee_minor is None or self.fee_currency is None else Money(self.fee_minor, self.fee_currency)
