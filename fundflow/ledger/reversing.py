"""Taking back what was booked wrong: by exact opposites, never by changing an entry.

What moved together goes back together: all entries of the same event and kind, on every line. Refuses a correction of
a correction, a second one, and one that would leave an account below zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.ledger import refusals
from fundflow.ledger.models import HOLDERS, DonorLine, Instruction, LedgerBalance, LedgerEntry
from fundflow.money import Money


def holder(entry: LedgerEntry, account: str) -> UUID:
    """Whose account one side of an entry is."""
    found: UUID = getattr(entry, HOLDERS[account])
    return found


def together(entry_id: UUID) -> Sequence[LedgerEntry]:
    """The entries that moved along with this one, itself among them; NotFound where there is none."""
    entry = db.session.get(LedgerEntry, entry_id)
    if entry is None:
        raise NotFound()
    if entry.event_seq is None:
        return [entry]
    return db.session.scalars(
        sa.select(LedgerEntry)
        .where(
            LedgerEntry.application_id == entry.application_id,
            LedgerEntry.event_seq == entry.event_seq,
            LedgerEntry.kind == entry.kind,
        )
        .order_by(LedgerEntry.created_at, LedgerEntry.id)
    ).all()


def check(entries: Sequence[LedgerEntry], *, by: UUID | None = None) -> None:
    """Refuse to take these back where that cannot be; an instruction other than `by` that waits stands in the way."""
    if any(each.reversal_of is not None for each in entries):
        raise refusals.IsAReversal()
    ids = [each.id for each in entries]
    waiting = sa.select(Instruction.id).where(
        Instruction.entry_id.in_(ids), Instruction.refused_by.is_(None), Instruction.id != by if by else sa.true()
    )
    reversed_ = sa.select(LedgerEntry.id).where(LedgerEntry.reversal_of.in_(ids))
    if db.session.scalar(waiting.limit(1)) or db.session.scalar(reversed_.limit(1)):
        raise refusals.ReversedAlready()
    taken: Counter[tuple[UUID, UUID, str]] = Counter()
    for each in entries:
        taken[holder(each, each.debit), each.line_id, each.debit] += each.minor
        taken[holder(each, each.credit), each.line_id, each.credit] -= each.minor
    for (of, line_id, account), minor in taken.items():
        found = db.session.get(LedgerBalance, (of, line_id, account), populate_existing=True)
        held = found.minor if found else 0
        if minor > held and account not in ("donor", "exchange"):
            currency = entries[0].currency
            raise refusals.WouldFallShort(
                account=account,
                line=db.session.get_one(DonorLine, line_id).name,
                held=Money(held, currency),
                amount=Money(minor, currency),
            )


def reverse(instruction: Instruction) -> None:
    """Append the opposites; whoever calls holds the round's lock."""
    assert instruction.entry_id is not None  # noqa: S101 - a CHECK of the table says so
    entries = together(instruction.entry_id)
    lines = sorted({each.line_id for each in entries})
    db.session.execute(sa.select(DonorLine.id).where(DonorLine.id.in_(lines)).order_by(DonorLine.id).with_for_update())
    check(entries, by=instruction.id)
    db.session.execute(
        sa.insert(LedgerEntry),
        [
            {
                "id": uuid4(),
                "created_at": clock.now(),
                "line_id": each.line_id,
                "round_id": each.round_id,
                "application_id": each.application_id,
                "event_seq": None,
                "instruction_id": instruction.id,
                "reversal_of": each.id,
                "kind": "reversal",
                "credit": each.debit,
                "debit": each.credit,
                "minor": each.minor,
                "currency": each.currency,
            }
            for each in entries
        ],
    )
