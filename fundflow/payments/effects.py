"""What payments add to what the ledger moves: the order to the bank, and a row for each payment with its day."""

from __future__ import annotations

from fundflow.ledger import hooks as ledger
from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money
from fundflow.payments import orders, service


@ledger.on("pay")
def record(ctx: EffectContext, amount: Money) -> None:
    """The payment that was made, as the person who fired the transition knows it."""
    service.record(
        ctx.application,
        amount,
        ctx.event_seq,
        reference=ctx.input.get("reference") or str(ctx.key("payment")),
        paid_on=ctx.input.get("paid_on"),
        recorded_by=ctx.actor.id,
        now=ctx.now,
    )
    orders.paid(ctx, amount)


ledger.on("order")(orders.ordered)
ledger.on("fail")(orders.failed)
ledger.on("return")(orders.returned)
