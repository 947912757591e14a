"""What `fundflow verify` asks of the ledger: that it moved what the events say they moved, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle.breaks import Break, check
from fundflow.lifecycle.models import Application, Event

_moved = (
    sa.select(LedgerEntry.application_id, LedgerEntry.event_seq, sa.func.sum(LedgerEntry.minor).label("minor"))
    .where(LedgerEntry.application_id.is_not(None), LedgerEntry.event_seq.is_not(None))
    .group_by(LedgerEntry.application_id, LedgerEntry.event_seq)
    .subquery()
)


@check
def ledger(connection: Connection, chosen: sa.ColumnElement[bool], files: bool) -> Iterator[Break]:
    """The entries of each event add up to its ledger effects.

    An event that let several children take a step tells only which; its money is left out here.
    """
    rows = connection.execute(
        sa.select(Application.number, Event.seq, Event.body, _moved.c.minor)
        .join(Event, Event.application_id == Application.id)
        .outerjoin(_moved, sa.and_(_moved.c.application_id == Event.application_id, _moved.c.event_seq == Event.seq))
        .where(chosen)
        .order_by(Application.number, Event.seq)
        .execution_options(yield_per=1000)
    )
    for number, seq, body, minor in rows:
        effects = body.get("effects", ())
        if any("each" in effect or "renew" in effect for effect in effects):
            continue
        told = sum(effect["amount"]["minor"] for effect in effects if effect.get("amount") and "ledger" in effect)
        if int(minor or 0) != told:
            yield Break(
                number, seq, f"the ledger moved {minor or 0} minor units by event {seq}, which tells of {told}."
            )
