"""Postings for the fund's own bookkeeping: every entry of the ledger in a period, by the fund's account numbers.

The numbers stand in a file that the fund may replace (`chart_of_accounts.yaml` beside the data). Refuses an export in
which an account has no number, rather than leave a hole in the books.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import yaml
from flask import current_app

from fundflow.accounts.models import City
from fundflow.config import Settings
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.ledger.models import DonorLine, LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.payments.models import Payment
from fundflow.rounds.models import Round, Window

CHART = "chart_of_accounts.yaml"
_OWN = Path(__file__).parent / CHART


class ChartUnreadable(Refused):
    """The chart of accounts cannot be read: {why}."""

    status = 500


class AccountMissing(Refused):
    """The chart of accounts has no number for {accounts}. Whoever runs the site adds it to {file}."""

    status = 409


class WrongPeriod(Refused):
    """Choose a first day and a last day that is not before it."""

    status = 422


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the fund's own bookkeeping."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry of the ledger as a posting: what is debited and credited, for how much, and what it belongs to."""

    at: datetime
    id: UUID
    kind: str
    debit: Account
    credit: Account
    amount: Money
    window: str
    line: str
    line_reference: str
    round: str
    number: str
    city: str
    reference: str
    payment: Payment | None

    def cells(self) -> list[Any]:
        """In the order of `HEADER`."""
        paid = self.payment
        return [
            self.at.astimezone(UTC).date(),
            str(self.id),
            self.kind,
            self.debit.number,
            self.debit.name,
            self.credit.number,
            self.credit.name,
            self.amount,
            self.amount.currency,
            self.window,
            self.line,
            self.line_reference,
            self.round,
            self.number,
            self.city,
            self.reference,
            None if paid is None else paid.paid_on,
            None if paid is None else paid.rate,
            None if paid is None else paid.fee,
            None if paid is None else paid.fee_currency,
        ]


HEADER = (
    "date", "posting", "kind", "debit", "debit_name", "credit", "credit_name", "amount", "currency", "window", "line",
    "line_reference", "round", "application", "city", "reference", "paid_on", "exchange_rate", "fee", "fee_currency",
)  # fmt: skip
"""Names of columns that programs read; they are the same in every language."""


def postings(rounds: Sequence[UUID], first: date, last: date, *, of_lines: bool = False) -> Iterator[Posting]:
    """The entries of these rounds from the first day to the last, days in UTC, the first first.

    With `of_lines` also those of donors' lines that belong to no round. Raises AccountMissing before anything is
    written.
    """
    if last < first:
        raise WrongPeriod()
    chart = chart_of_accounts()
    begins, ends = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    of_rounds: sa.ColumnElement[bool] = LedgerEntry.round_id.in_(rounds)
    if of_lines:
        of_rounds = sa.or_(of_rounds, LedgerEntry.round_id.is_(None))
    within = sa.and_(of_rounds, LedgerEntry.created_at >= begins, LedgerEntry.created_at < ends)
    used = db.session.execute(sa.select(LedgerEntry.debit, LedgerEntry.credit).where(within).distinct()).all()
    missing = sorted({account for pair in used for account in pair} - set(chart))
    if missing:
        raise AccountMissing(accounts=", ".join(missing), file=CHART)
    return _postings(within, chart)


def _postings(within: sa.ColumnElement[bool], chart: Mapping[str, Account]) -> Iterator[Posting]:
    rows = db.session.execute(
        sa.select(LedgerEntry, Window.name, DonorLine, Round.title, Application.number, City.name, Payment)
        .join(DonorLine, DonorLine.id == LedgerEntry.line_id)
        .join(Window, Window.id == DonorLine.window_id)
        .outerjoin(Round, Round.id == LedgerEntry.round_id)
        .outerjoin(Application, Application.id == LedgerEntry.application_id)
        .outerjoin(City, City.id == Application.city_id)
        .outerjoin(
            Payment,
            sa.and_(
                Payment.application_id == LedgerEntry.application_id,
                Payment.event_seq == LedgerEntry.event_seq,
                LedgerEntry.kind == "payment",
            ),
        )
        .where(within)
        .order_by(LedgerEntry.created_at, LedgerEntry.id)
        .execution_options(yield_per=500)
    )
    for entry, window, line, round_, number, city, payment in rows:
        yield Posting(
            at=entry.created_at,
            id=entry.id,
            kind=entry.kind,
            debit=chart[entry.debit],
            credit=chart[entry.credit],
            amount=entry.amount,
            window=window,
            line=line.name,
            line_reference=line.reference,
            round=round_ or "",
            number=number or "",
            city=city or "",
            reference="" if payment is None else payment.reference,
            payment=payment,
        )


def chart_of_accounts() -> Mapping[str, Account]:
    """The fund's account number and name for each account of the ledger: its own file, or the one that comes along."""
    settings: Settings = current_app.extensions["settings"]
    own = settings.instance / CHART
    path = own if own.is_file() else _OWN
    return _chart(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _chart(path: Path, _changed: int) -> Mapping[str, Account]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            str(account): Account(str(given["number"]), str(given["name"]))
            for account, given in found["accounts"].items()
        }
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as problem:
        raise ChartUnreadable(why=type(problem).__name__) from problem
