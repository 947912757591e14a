"""What the ledger says: balances of lines, rounds and single applications, and entries.

The figures are read from the balances that the database keeps with every entry; `verifying` adds them up anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db, read
from fundflow.errors import NotFound
from fundflow.ledger import book
from fundflow.ledger.models import AwardLine, Donor, DonorLine, LedgerBalance, LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.prepared import Prepared, Question
from fundflow.rounds.models import Round

ROUND_ACCOUNTS = ("available", "reserved", "committed", "ordered", "paid", "exchange")
OWN_ACCOUNTS = ("reserved", "committed", "ordered", "paid")


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a round's budget stands; `budget` is the sum of all the others, always.

    `committed` is neither ordered nor paid yet; `exchanged` is what exchange has cost, below zero where it gained.
    """

    budget: Money
    available: Money
    reserved: Money
    committed: Money
    ordered: Money
    paid: Money
    exchanged: Money

    @classmethod
    def of(cls, currency: str, held: dict[str, int]) -> Balance:
        """From what stands in each account."""
        parts = [Money(held.get(account, 0), currency) for account in ROUND_ACCOUNTS]
        return cls(sum(parts[1:], parts[0]), *parts)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one application holds of its round's money; `undisbursed` is committed and not yet paid, ordered or not."""

    available: Money
    reserved: Money
    committed: Money
    ordered: Money
    paid: Money

    @property
    def undisbursed(self) -> Money:
        return self.committed + self.ordered


@dataclass(frozen=True, slots=True)
class Holdings:
    """What stands in the round's account and in the application's own, by account and line, in the lines' order."""

    currency: str
    by_account: dict[str, dict[UUID, int]]

    def of(self, account: str) -> dict[UUID, int]:
        return self.by_account.get(account, {})

    def total(self, account: str) -> Money:
        return Money(sum(self.of(account).values()), self.currency)

    @property
    def standing(self) -> Standing:
        return Standing(*(self.total(account) for account in ("available", *OWN_ACCOUNTS)))


def balance(round_id: UUID) -> Balance:
    """The balance of one round; NotFound where there is none."""
    found = balances([round_id])
    if round_id not in found:
        raise NotFound()
    return found[round_id]


def balances(round_ids: Iterable[UUID]) -> dict[UUID, Balance]:
    """The balances of many rounds in one query; a round without entries has zeros in its own currency."""
    rows = db.session.execute(
        sa.select(Round.id, Round.currency, LedgerBalance.account, _whole(sa.func.sum(LedgerBalance.minor)))
        .join(LedgerBalance, LedgerBalance.round_id == Round.id, isouter=True)
        .where(Round.id.in_(list(round_ids)))
        .group_by(Round.id, Round.currency, LedgerBalance.account)
    )
    held: dict[tuple[UUID, str], dict[str, int]] = {}
    for round_id, currency, account, minor in rows:
        held.setdefault((round_id, currency), {})[account] = int(minor or 0)
    return {round_id: Balance.of(currency, accounts) for (round_id, currency), accounts in held.items()}


def standing(application: Application) -> Standing:
    """What is available in the application's round, and what the application itself holds."""
    return holdings(application).standing


def refunded(application: Application) -> Money:
    """What the city gave back of what it was paid, and nobody took back as booked wrong."""
    back = sa.orm.aliased(LedgerEntry)
    given_back = sa.select(_whole(sa.func.sum(LedgerEntry.minor))).where(
        LedgerEntry.application_id == application.id,
        LedgerEntry.kind == "refund",
        ~sa.exists().where(back.reversal_of == LedgerEntry.id),
    )
    return Money(int(db.session.scalar(given_back) or 0), application.currency)


def holdings(application: Application) -> Holdings:
    """The same by line: the one read of the hot path, a handful of rows by their key."""
    known = book.kept()
    if known is not None and known.covers(application.id):
        return Holdings(application.currency, known.of(application.id, application.round_id))
    statement, values = holdings_asked(application)
    rows = read(statement, **values)
    found: dict[str, dict[UUID, int]] = {}
    for line_id, account, minor in rows:
        found.setdefault(account, {})[line_id] = minor
    return Holdings(application.currency, found)


def holdings_asked(application: Application) -> Question:
    """What `holdings` asks."""
    return _HOLDINGS, {"application_id": application.id, "round_id": application.round_id}


_HOLDINGS = Prepared(
    sa.select(LedgerBalance.line_id, LedgerBalance.account, LedgerBalance.minor)
    .join(DonorLine, DonorLine.id == LedgerBalance.line_id)
    .where(
        LedgerBalance.minor > 0,
        sa.or_(
            LedgerBalance.holder_id == sa.bindparam("application_id"),
            sa.and_(LedgerBalance.holder_id == sa.bindparam("round_id"), LedgerBalance.account == "available"),
        ),
    )
    .order_by(DonorLine.position, DonorLine.created_at, DonorLine.id)
)


def split_of(application_id: UUID) -> dict[UUID, int]:
    """How much of the award each line is to bear, where somebody said so."""
    rows = db.session.execute(
        sa.select(AwardLine.line_id, AwardLine.minor).where(AwardLine.application_id == application_id)
    )
    return {row.line_id: row.minor for row in rows}


def _whole(total: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """A sum of big integers is numeric on PostgreSQL."""
    return sa.cast(sa.func.coalesce(total, 0), sa.BigInteger)


def entries(round_id: UUID) -> Sequence[LedgerEntry]:
    """Every entry of a round, the first first."""
    return db.session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.round_id == round_id).order_by(LedgerEntry.created_at, LedgerEntry.id)
    ).all()


@dataclass(frozen=True, slots=True)
class Share:
    """What one line gave of an award, and where that stands now.

    To the last unit: ``awarded = reserved + committed + ordered + paid + refunded + released``, whatever was sent back,
    dropped or booked wrong and taken back. `paid` is what the city has, less what it gave back.
    """

    line: str
    donor: str
    """Empty for the fund's own money."""
    awarded: Money
    reserved: Money
    committed: Money
    ordered: Money
    paid: Money
    refunded: Money
    released: Money


def shares_of(application: Application) -> list[Share]:
    """The award by line, in the lines' order; one query. Empty where no money was ever put aside for it."""
    origin = sa.orm.aliased(LedgerEntry)
    is_back = LedgerEntry.reversal_of.is_not(None)
    keys = (
        DonorLine.id,
        DonorLine.name,
        DonorLine.position,
        DonorLine.created_at,
        Donor.name,
        sa.func.coalesce(origin.kind, LedgerEntry.kind),
        is_back,
        LedgerEntry.credit,
        LedgerEntry.debit,
    )
    rows = db.session.execute(
        sa.select(*keys, _whole(sa.func.sum(LedgerEntry.minor)))
        .join(DonorLine, DonorLine.id == LedgerEntry.line_id)
        .outerjoin(Donor, Donor.id == DonorLine.donor_id)
        .outerjoin(origin, origin.id == LedgerEntry.reversal_of)
        .where(LedgerEntry.application_id == application.id)
        .group_by(*keys)
        .order_by(DonorLine.position, DonorLine.created_at, DonorLine.id)
    )
    sums: dict[tuple[str, str, UUID], dict[str, int]] = {}
    for line_id, line, _position, _since, donor, kind, is_reversal, credit, debit, minor in rows:
        of = sums.setdefault((line, donor or "", line_id), {})
        of[debit], of[credit] = of.get(debit, 0) + minor, of.get(credit, 0) - minor
        came_from = debit if is_reversal else credit
        what = "awarded" if kind in ("reservation", "commitment") and came_from == "available" else kind
        of[what] = of.get(what, 0) + (-minor if is_reversal else minor)
    names = ("awarded", *OWN_ACCOUNTS, "refund", "release")
    return [
        Share(line, donor, *(Money(of.get(name, 0), application.currency) for name in names))
        for (line, donor, _line_id), of in sums.items()
        if any(of.get(name) for name in names)
    ]
