"""What `fundflow verify` asks of orders and payments: that each is what the event that made it tells."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.lifecycle.breaks import Break, check
from fundflow.lifecycle.models import Application, Event
from fundflow.payments.models import Payment
from fundflow.payments.order_models import PaymentOrder


@check
def orders_and_payments(connection: Connection, chosen: sa.ColumnElement[bool], files: bool) -> Iterator[Break]:
    """The amount and the child of each order, and the amount of each payment, stand in its event.

    An event that let several children take a step tells only which; it is left out here.
    """
    for model, operation in ((PaymentOrder, "order"), (Payment, "pay")):
        of_child = sa.null() if model is Payment else PaymentOrder.kind + ":" + PaymentOrder.child_key
        rows = connection.execute(
            sa.select(Application.number, Event.seq, Event.body, Event.subject, model.minor, of_child.label("child"))
            .join(model, model.application_id == Application.id)
            .outerjoin(Event, sa.and_(Event.application_id == Application.id, Event.seq == model.event_seq))
            .where(chosen)
            .order_by(Application.number, model.event_seq)
            .execution_options(yield_per=500)
        )
        for number, seq, body, subject, minor, child in rows:
            effects = (body or {}).get("effects", ())
            if any("each" in effect for effect in effects):
                continue
            told = [effect["amount"]["minor"] for effect in effects if effect.get("ledger") == operation]
            if told != [minor] or (child is not None and child != (subject or ":")):
                yield Break(number, seq, f"the {operation} of {minor} minor units is not what event {seq} tells of.")
