"""What the ledger says: balances of rounds and of single applications, and entries.

Every figure is summed from the entries when it is asked for; nothing is stored that could disagree with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db, read
from fundflow.errors import NotFound
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.prepared import Prepared
from fundflow.rounds.models import Round


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


def balance(round_id: UUID) -> Balance:
    """The balance of one round; NotFound where there is none."""
    found = balances([round_id])
    if round_id not in found:
        raise NotFound()
    return found[round_id]


def balances(round_ids: Iterable[UUID]) -> dict[UUID, Balance]:
    """The balances of many rounds in one query; a round without entries has zeros in its own currency."""
    accounts = [_held(account) for account in ("available", "reserved", "committed", "ordered", "paid", "exchange")]
    rows = db.session.execute(
        sa.select(Round.id, Round.currency, *accounts)
        .join(LedgerEntry, LedgerEntry.round_id == Round.id, isouter=True)
        .where(Round.id.in_(list(round_ids)))
        .group_by(Round.id, Round.currency)
    )
    found = {}
    for round_id, currency, *held in rows:
        parts = [Money(int(minor), currency) for minor in held]
        found[round_id] = Balance(sum(parts[1:], parts[0]), *parts)
    return found


def standing(application: Application) -> Standing:
    """What is available in the application's round, and what the application itself holds."""
    (row,) = read(_STANDING, application_id=application.id, round_id=application.round_id)
    return Standing(*(Money(int(minor), application.currency) for minor in row))


def refunded(application: Application) -> Money:
    """What the city gave back of what it was paid."""
    given_back = sa.select(sa.cast(sa.func.coalesce(sa.func.sum(LedgerEntry.minor), 0), sa.BigInteger)).where(
        LedgerEntry.application_id == application.id, LedgerEntry.kind == "refund"
    )
    return Money(int(db.session.scalar(given_back) or 0), application.currency)


def _held(account: str, only: sa.ColumnElement[bool] | None = None) -> sa.ColumnElement[int]:
    """What reached an account less what left it. Summed as integers: a sum of big integers is numeric on PostgreSQL."""
    moved = sa.case(
        (LedgerEntry.debit == account, LedgerEntry.minor), (LedgerEntry.credit == account, -LedgerEntry.minor), else_=0
    )
    if only is not None:
        moved = sa.case((only, moved), else_=0)
    return sa.cast(sa.func.coalesce(sa.func.sum(moved), 0), sa.BigInteger)


_OWN = LedgerEntry.application_id == sa.bindparam("application_id")
_STANDING = Prepared(
    sa.select(
        _held("available"), *(_held(account, _OWN) for account in ("reserved", "committed", "ordered", "paid"))
    ).where(LedgerEntry.round_id == sa.bindparam("round_id"))
)


def entries(round_id: UUID) -> Sequence[LedgerEntry]:
    """Every entry of a round, the first first."""
    return db.session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.round_id == round_id).order_by(LedgerEntry.created_at, LedgerEntry.id)
    ).all()
