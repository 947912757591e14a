"""Statements: what stood in the accounts at an instant, what moved since, and what stands at another; any past one.

They are added up from the entries themselves, so that a statement of a past day says what it would have said that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import City
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.ledger.models import Donor, DonorLine, LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds.models import Round, Window

ACCOUNTS = (
    "donor",
    "unallocated",
    "available",
    "reserved",
    "committed",
    "ordered",
    "paid",
    "exchange",
    "returned",
)
Clause = sa.ColumnElement[bool]
ONE_DAY = timedelta(days=1)
HEADER = ("when", "entry", "from", "to", "amount", "currency", "line", "round", "application", "city")


class NotADay(Refused):
    """“{text}” is not a day. Write it like 2027-03-31."""

    status = 422


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of a statement, with the names of what it belongs to."""

    entry: LedgerEntry
    line: str
    round: str | None
    number: str | None
    city: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Of one currency: what stood in each account before, the movements, and what stands after them.

    The account ``donor`` is shown as what was received: its own figure is that, below zero.
    """

    currency: str
    opening: dict[str, Money]
    movements: list[Movement]
    closing: dict[str, Money]

    @property
    def accounts(self) -> list[str]:
        """Those that hold something before or after, in the order in which money goes through them."""
        moved = {each for row in self.movements for each in (row.entry.credit, row.entry.debit)}
        return [each for each in ACCOUNTS if self.opening[each] or self.closing[each] or each in moved]


def of_line(line_id: UUID) -> Clause:
    return LedgerEntry.line_id == line_id


def of_donor(donor_id: UUID) -> Clause:
    return LedgerEntry.line_id.in_(sa.select(DonorLine.id).where(DonorLine.donor_id == donor_id))


def of_window(window_id: UUID) -> Clause:
    return LedgerEntry.line_id.in_(sa.select(DonorLine.id).where(DonorLine.window_id == window_id))


def of_round(round_id: UUID) -> Clause:
    return LedgerEntry.round_id == round_id


def of_application(application_id: UUID) -> Clause:
    return LedgerEntry.application_id == application_id


def statements(of: Clause, until: datetime, since: datetime | None = None) -> list[Statement]:
    """One statement for each currency that the entries have, by currency; `until` and `since` count as before it."""
    totals: dict[str, dict[str, Counter[str]]] = {}
    for name, instant in (("closing", until), ("opening", since)):
        if instant is None:
            continue
        for currency, credit, debit, minor in _sums(of, instant):
            held = totals.setdefault(currency, {"opening": Counter(), "closing": Counter()})[name]
            held[credit] -= minor
            held[debit] += minor
    moved: dict[str, list[Movement]] = {}
    for each in _movements(of, until, since):
        moved.setdefault(each.entry.currency, []).append(each)
    return [
        Statement(
            currency, _shown(held["opening"], currency), moved.get(currency, []), _shown(held["closing"], currency)
        )
        for currency, held in sorted(totals.items())
    ]


def _sums(of: Clause, before: datetime) -> Iterator[tuple[str, str, str, int]]:
    rows = db.session.execute(
        sa.select(LedgerEntry.currency, LedgerEntry.credit, LedgerEntry.debit, sa.func.sum(LedgerEntry.minor))
        .where(of, LedgerEntry.created_at < before)
        .group_by(LedgerEntry.currency, LedgerEntry.credit, LedgerEntry.debit)
    )
    for currency, credit, debit, minor in rows:
        yield currency, credit, debit, int(minor)


def _movements(of: Clause, until: datetime, since: datetime | None) -> list[Movement]:
    query = (
        sa.select(LedgerEntry, DonorLine.name, Round.title, Application.number, City.name)
        .join(DonorLine, DonorLine.id == LedgerEntry.line_id)
        .outerjoin(Round, Round.id == LedgerEntry.round_id)
        .outerjoin(Application, Application.id == LedgerEntry.application_id)
        .outerjoin(City, City.id == Application.city_id)
        .where(of, LedgerEntry.created_at < until)
        .order_by(
            LedgerEntry.created_at,
            LedgerEntry.event_seq,
            sa.case((LedgerEntry.kind == "appropriation", 0), else_=1),
            LedgerEntry.id,
        )
    )
    if since is not None:
        query = query.where(LedgerEntry.created_at >= since)
    return [Movement(*row) for row in db.session.execute(query)]


def _shown(held: Counter[str], currency: str) -> dict[str, Money]:
    return {each: Money(-held[each] if each == "donor" else held[each], currency) for each in ACCOUNTS}


def end_of(day: date) -> datetime:
    """The instant at which a day is over, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + ONE_DAY


def read_day(text: str) -> date:
    """A day as ISO 8601 writes it; NotADay otherwise."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise NotADay(text=text[:40]) from None


def named(kind: str, name: str) -> Clause | None:
    """The entries of the donor, window, round or application of this name; None where there is none."""
    match kind:
        case "donor":
            found = db.session.scalar(sa.select(Donor.id).where(Donor.name == name))
            return None if found is None else of_donor(found)
        case "window":
            found = db.session.scalar(sa.select(Window.id).where(Window.name == name))
            return None if found is None else of_window(found)
        case "round":
            found = db.session.scalar(sa.select(Round.id).where(Round.slug == name))
            return None if found is None else of_round(found)
        case _:
            found = db.session.scalar(sa.select(Application.id).where(Application.number == name))
            return None if found is None else of_application(found)


def rows(statement: Statement) -> list[list[str]]:
    """A statement as rows of text for programs and terminals: opening, movements, closing; in English and UTC."""

    def standing(name: str, held: dict[str, Money]) -> Iterator[list[str]]:
        for account in statement.accounts:
            amount = str(held[account].amount)
            yield ["", name, "", account, amount, statement.currency, "", "", "", ""]

    found = [list(HEADER), *standing("opening", statement.opening)]
    for each in statement.movements:
        entry = each.entry
        when = entry.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        money = [str(entry.amount.amount), entry.currency]
        of = [each.line, each.round or "", each.number or "", each.city or ""]
        found.append([when, entry.kind, entry.credit, entry.debit, *money, *of])
    return [*found, *standing("closing", statement.closing)]
