"""The proof of the ledger from zero: every entry added up anew, and compared with all that rests on it.

It trusts no trigger and no balance. What it finds wrong it says in a sentence each; it changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.ledger import checks
from fundflow.ledger.models import HOLDERS, DonorLine, Instruction, LedgerBalance, LedgerEntry
from fundflow.ledger.statements import ACCOUNTS
from fundflow.lifecycle import audit
from fundflow.lifecycle.models import Application
from fundflow.money import Money, exponent
from fundflow.rounds import plans
from fundflow.rounds.models import Round

PAIRS = {
    "appropriation": {("donor", "unallocated")},
    "restitution": {("unallocated", "returned")},
    "allocation": {("unallocated", "available")},
    "withdrawal": {("available", "unallocated")},
    "reservation": {("available", "reserved")},
    "commitment": {("available", "committed"), ("reserved", "committed")},
    "order": {("committed", "ordered")},
    "payment": {("ordered", "paid"), ("committed", "paid")},
    "failure": {("ordered", "committed")},
    "return": {("paid", "committed")},
    "refund": {("paid", "available")},
    "release": {("reserved", "available"), ("committed", "available")},
    "exchange_loss": {("available", "exchange")},
    "exchange_gain": {("exchange", "available")},
}
"""Which account an entry of each kind may leave, and which it reaches."""
MAY_BE_BELOW_ZERO = ("donor", "exchange")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was counted, and every place where the ledger does not hold."""

    entries: int
    accounts: int
    faults: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not self.faults

    @property
    def summary(self) -> str:
        told = "the ledger holds" if self.is_whole else f"{len(self.faults)} places where the ledger does not hold"
        return f"{self.entries} entries added up to {self.accounts} accounts: {told}"


def verify(*, with_events: bool = True) -> Proof:
    """Add everything up, as it stands at one moment; without a look at the events where the trail's proof has that."""
    with audit.one_moment() as connection:
        entries = connection.execute(sa.select(*LedgerEntry.__table__.c).order_by(LedgerEntry.created_at)).all()
        held = _added_up(entries)
        faults = [
            *_entries(connection, entries),
            *_reversals(entries),
            *_balances(connection, held),
            *_below_zero(held),
            *_rounds(connection, held),
            *_instructions(connection, entries),
        ]
        if with_events:
            faults += [str(each) for each in checks.ledger(connection, sa.true(), False)]
    return Proof(len(entries), len(held), tuple(faults))


Held = dict[tuple[UUID, UUID, str], int]


def _added_up(entries: Any) -> Held:
    held: Counter[tuple[UUID, UUID, str]] = Counter()
    for each in entries:
        for account, sign in ((each.credit, -1), (each.debit, 1)):
            of = getattr(each, HOLDERS.get(account, "line_id")) or each.line_id
            held[of, each.line_id, account] += sign * each.minor
    return dict(held)


def _entries(connection: Connection, entries: Any) -> Iterator[str]:
    """Each entry by itself: its amount, its accounts, its currency, its round and its application."""
    lines = {row.id: row for row in connection.execute(sa.select(*DonorLine.__table__.c))}
    round_columns = sa.select(Round.id, Round.window_id, Round.currency)
    rounds = {row.id: row for row in connection.execute(round_columns)}
    applications = {row.id: row.round_id for row in connection.execute(sa.select(Application.id, Application.round_id))}
    currencies = dict(plans.currencies())
    for each in entries:
        says = f"entry {each.id} ({each.kind})"
        line = lines.get(each.line_id)
        if line is None:
            yield f"{says} belongs to no line."
            continue
        if each.minor <= 0:
            yield f"{says} moves {each.minor} minor units."
        if each.currency not in currencies or each.currency != line.currency:
            yield f"{says} is in {each.currency}, its line “{line.name}” in {line.currency}."
        if each.kind != "reversal" and (each.credit, each.debit) not in PAIRS.get(each.kind, ()):
            yield f"{says} moves from {each.credit} to {each.debit}."
        round_ = rounds.get(each.round_id)
        if each.round_id is not None and (
            round_ is None or round_.window_id != line.window_id or round_.currency != each.currency
        ):
            yield f"{says} is of a round that its line “{line.name}” does not serve."
        if each.application_id is not None and applications.get(each.application_id) != each.round_id:
            yield f"{says} is of an application of another round."


def _reversals(entries: Any) -> Iterator[str]:
    known, seen = {each.id: each for each in entries}, set[UUID]()
    for each in entries:
        if each.kind != "reversal":
            continue
        first = known.get(each.reversal_of)
        same = ("line_id", "round_id", "application_id", "minor", "currency")
        if (
            first is None
            or first.kind == "reversal"
            or (first.credit, first.debit) != (each.debit, each.credit)
            or any(getattr(first, name) != getattr(each, name) for name in same)
        ):
            yield f"entry {each.id} (reversal) is not the exact opposite of an entry."
        elif first.id in seen:
            yield f"entry {first.id} ({first.kind}) was taken back twice."
        seen.add(each.reversal_of)


def _balances(connection: Connection, held: Held) -> Iterator[str]:
    """The balances that the database keeps against those added up here, both ways round."""
    kept = {
        (row.holder_id, row.line_id, row.account): row.minor
        for row in connection.execute(sa.select(*LedgerBalance.__table__.c))
    }
    for key in sorted(kept.keys() | held.keys(), key=str):
        if kept.get(key, 0) != held.get(key, 0):
            of, _line, account = key
            yield (
                f"the account “{account}” of {of} is kept as {kept.get(key, 0)} minor units; "
                f"its entries add up to {held.get(key, 0)}."
            )


def _below_zero(held: Held) -> Iterator[str]:
    for (of, _line, account), minor in held.items():
        if minor < 0 and account not in MAY_BE_BELOW_ZERO:
            yield f"the account “{account}” of {of} stands at {minor} minor units."
        if account not in ACCOUNTS:
            yield f"there is an account “{account}”, which no ledger has."
    total = sum(held.values())
    if total:
        yield f"all accounts together come to {total} minor units instead of nothing."


def _rounds(connection: Connection, held: Held) -> Iterator[str]:
    """What the lines gave a round against the budget it was published with; its parts against that."""
    given: Counter[UUID] = Counter()
    for each in connection.execute(
        sa.select(LedgerEntry.round_id, LedgerEntry.credit, LedgerEntry.debit, LedgerEntry.minor).where(
            LedgerEntry.round_id.is_not(None)
        )
    ):
        given[each.round_id] += each.minor * ((each.credit == "unallocated") - (each.debit == "unallocated"))
    rows = connection.execute(sa.select(Round.id, Round.slug, Round.currency, Round.budget_minor))
    for round_id, slug, currency, budget in rows:
        if given[round_id] > budget:
            told, were = Money(budget, currency), Money(given[round_id], currency)
            yield f"round {slug} has a budget of {told}, and its lines gave it {were} (to {exponent(currency)} places)."
    applications = connection.execute(sa.select(Application.id, Application.round_id))
    rounds = {row.id: row.round_id for row in applications}
    parts: Counter[UUID] = Counter()
    for (of, _line, account), minor in held.items():
        if HOLDERS.get(account) in ("round_id", "application_id"):
            parts[rounds.get(of, of)] += minor
    for round_id in parts.keys() | given.keys():
        if parts[round_id] != given[round_id]:
            yield f"the accounts of round {round_id} come to {parts[round_id]}, its lines gave {given[round_id]}."


def _instructions(connection: Connection, entries: Any) -> Iterator[str]:
    """Every approved instruction moved what it says, and none that was not approved moved anything."""
    moved: Counter[UUID] = Counter()
    for each in entries:
        if each.instruction_id is not None:
            moved[each.instruction_id] += each.minor
    for row in connection.execute(sa.select(*Instruction.__table__.c)):
        told = row.minor if row.approved_by is not None else 0
        if moved[row.id] != told:
            yield f"instruction {row.id} ({row.kind}) moved {moved[row.id]} minor units, and tells of {told}."
        if row.approved_by is not None and row.approved_by == row.asked_by:
            yield f"instruction {row.id} ({row.kind}) was approved by whoever asked for it."
