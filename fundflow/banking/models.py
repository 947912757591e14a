"""The bank accounts of a grant, each as it was entered, checked and used; who looked at one; and screenings.

Nothing is overwritten: another account is another row. Of an account only its country and last characters are readable.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model
from fundflow.workflow.accounts import ENTERED


class BankAccount(Identified, Model):
    """An account that a city gave for one grant.

    ``entered``; ``called`` once finance made sure through a second channel of an account that takes another's place,
    and a second person has to agree; ``verified``: in force from `usable_from` on, until a later one is. ``frozen`` by
    an objection; ``refused`` by the fund, ``withdrawn`` by the city, ``replaced`` by another entry before it was in
    force.
    """

    __tablename__ = "bank_accounts"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    number: Mapped[int]
    """The first account of the application is 1, every later one is one more."""
    status: Mapped[str] = mapped_column(default=ENTERED)
    replaces_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("bank_accounts.id"))
    """The account in force whose place it would take; then it needs a second person and a cooling-off period."""
    country: Mapped[str] = mapped_column(sa.String(2))
    tail: Mapped[str] = mapped_column(sa.String(8))
    """The last characters of its number: all that pages show."""
    key: Mapped[str] = mapped_column(sa.String(16))
    """The name of the key that `sealed` is kept under."""
    sealed: Mapped[str]
    """Holder, number, bank and contact, encrypted for this row alone."""
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))

    call: Mapped[str | None]
    """Number, where it was found and who was spoken to, encrypted like the account."""
    called_at: Mapped[datetime | None]
    called_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """The second person of the fund, for an account that takes another's place."""
    usable_from: Mapped[datetime | None]

    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """Who objected, refused, withdrew or entered another."""
    why: Mapped[str | None]

    __table_args__ = (
        sa.UniqueConstraint("application_id", "number"),
        sa.CheckConstraint(
            "status IN ('entered', 'called', 'verified', 'frozen', 'refused', 'withdrawn', 'replaced')", name="status"
        ),
        sa.CheckConstraint("(called_by IS NULL) = (called_at IS NULL)", name="called"),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed"),
        sa.CheckConstraint("called_by <> entered_by", name="second_person"),
        sa.CheckConstraint("confirmed_by <> entered_by AND confirmed_by <> called_by", name="third_person"),
        sa.CheckConstraint("status <> 'called' OR called_by IS NOT NULL", name="called_by"),
        sa.CheckConstraint(
            "status <> 'verified' OR (called_by IS NOT NULL AND usable_from IS NOT NULL"
            " AND (replaces_id IS NULL OR confirmed_by IS NOT NULL))",
            name="verified",
        ),
        sa.CheckConstraint(
            "status IN ('entered', 'called', 'verified') OR (ended_at IS NOT NULL AND ended_by IS NOT NULL)",
            name="ended",
        ),
        sa.Index(
            "ix_bank_accounts_waiting",
            "application_id",
            unique=True,
            sqlite_where=sa.text("status IN ('entered', 'called', 'frozen')"),
            postgresql_where=sa.text("status IN ('entered', 'called', 'frozen')"),
        ),
    )


class BankLook(Identified, Model):
    """That somebody had an account shown in full; appended, never changed."""

    __tablename__ = "bank_looks"

    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("bank_accounts.id"))
    looked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    reason: Mapped[str]

    __table_args__ = (sa.Index("ix_bank_looks_account", "account_id"),)


class Screening(Identified, Model):
    """A look into the lists of sanctions for one name: what was searched, where, and what came of it.

    ``clear``; ``false_hit``, somebody else of that name; ``true_hit``, which holds every payment.
    """

    __tablename__ = "screenings"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    subject: Mapped[str]
    name: Mapped[str]
    """As it was searched for."""
    account_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("bank_accounts.id"))
    """The account whose bank it was."""
    list_name: Mapped[str] = mapped_column(sa.String(200))
    list_day: Mapped[date | None]
    """The state of the list."""
    result: Mapped[str]
    note: Mapped[str]
    """Why a hit is a false one, or what was found."""
    screened_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    used_seq: Mapped[int | None]
    """The event that ordered or made a payment on the strength of it; it serves none after that."""

    __table_args__ = (
        sa.CheckConstraint("subject IN ('city', 'signatory', 'bank')", name="subject"),
        sa.CheckConstraint("result IN ('clear', 'false_hit', 'true_hit')", name="result"),
        sa.CheckConstraint("result = 'clear' OR note <> ''", name="note"),
        sa.CheckConstraint("(subject = 'bank') = (account_id IS NOT NULL)", name="account"),
        sa.Index("ix_screenings_application", "application_id", "created_at"),
    )
