"""What workflows may ask and do about money: the fact `ledger`, the effect `ledger`, and the budget of a new round.

Both take the lock on the round, so two approvals never count the same money; an operation nobody knows is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fundflow.errors import Refused
from fundflow.ledger import hooks, queries, service
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import EffectContext, effect, fact, on_round_published
from fundflow.money import Money


class UnknownLedgerOperation(Refused):
    """This workflow asks for “{operation}”, which no ledger can do."""

    status = 500


@fact("ledger", locks="rounds")
def ledger_facts(application: Application) -> Mapping[str, Any]:
    """`available` is the round's; `reserved`, `committed`, `paid` and `undisbursed` are this application's own."""
    held = queries.standing(application)
    return {
        "available": held.available,
        "reserved": held.reserved,
        "committed": held.committed + held.paid,
        "paid": held.paid,
        "disbursed": held.paid,
        "undisbursed": held.undisbursed,
    }


@effect("ledger", locks="rounds")
def move(ctx: EffectContext, asked: Any) -> Mapping[str, Any]:
    """commit, pay, release, reserve or close. The amount is the effect's expression, or for a payment the input's."""
    amount = ctx.evaluate(asked.amount) if asked.amount is not None else None
    moved: Money
    match asked.ledger:
        case "commit":
            moved = service.commit(ctx.application, amount, ctx.event_seq)
        case "reserve":
            moved = service.reserve(ctx.application, amount, ctx.event_seq)
        case "release":
            moved = service.release(ctx.application, amount, ctx.event_seq)
        case "close":
            moved = service.close(ctx.application, ctx.event_seq)
        case "pay":
            moved = service.pay(ctx.application, ctx.input.get("amount") or amount, ctx.event_seq)
        case other:
            raise UnknownLedgerOperation(operation=other)
    hooks.moved(asked.ledger, ctx, moved)
    return {"ledger": asked.ledger, "amount": moved}


@on_round_published
def _give_budget(round_id: UUID, _budget: Money) -> None:
    service.appropriate(round_id)
