"""What workflows may ask and do about money: the fact `ledger`, the effect `ledger`, and the budget of a new round.

Both take the lock on the round, so two approvals never count the same money; an operation nobody knows is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from fundflow.errors import Refused
from fundflow.ledger import book, funding, hooks, queries, service
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import EffectContext, asks, effect, fact, foresight, on_round_published
from fundflow.money import Money
from fundflow.prepared import Question

Operation = Callable[[Application, Money | None, int], Money]

OPERATIONS: dict[str, Operation] = {
    "reserve": service.reserve,
    "commit": service.commit,
    "order": service.order,
    "pay": service.pay,
    "fail": service.fail,
    "return": service.come_back,
    "refund": service.refund,
    "release": service.release,
    "close": service.close,
    "exchange_loss": service.lose,
    "exchange_gain": service.gain,
}
SAID_BY_INPUT = frozenset({"pay", "return", "refund"})
"""What is known only when it has happened: whoever tells of it may say how much it was."""


class UnknownLedgerOperation(Refused):
    """This workflow asks for “{operation}”, which no ledger can do."""

    status = 500


@foresight
def foresee_balances(applications: Sequence[Application], wanted: frozenset[str]) -> None:
    """The balances of all of them, where a condition reads them or an effect moves them."""
    if "ledger" in wanted:
        book.open_for(applications)


@fact("ledger", locks="rounds")
def ledger_facts(application: Application) -> Mapping[str, Any]:
    """`available` is the round's; all else is this application's own.

    `committed` is all that was promised, paid or not; `undisbursed` what of it is not paid, `unordered` what is not
    even ordered at the bank.
    """
    held = queries.standing(application)
    return {
        "available": held.available,
        "reserved": held.reserved,
        "committed": held.committed + held.ordered + held.paid,
        "ordered": held.ordered,
        "paid": held.paid,
        "disbursed": held.paid,
        "undisbursed": held.undisbursed,
        "unordered": held.committed,
    }


@asks("ledger")
def holdings_asked(application: Application, _name: str, _actor: Actor) -> Question:
    """The balances."""
    return queries.holdings_asked(application)


@effect("ledger", locks="rounds")
def move(ctx: EffectContext, asked: Any) -> Mapping[str, Any] | None:
    """Move money by one of the operations of `OPERATIONS`, then tell the features that asked for it.

    The amount is the effect's expression; for a payment, a return and a refund the input's `amount`, where it asks one.
    Nothing moves where the effect's `if` does not hold.
    """
    if asked.when is not None and ctx.evaluate(asked.when) is not True:
        return None
    run = OPERATIONS.get(asked.ledger)
    if run is None:
        raise UnknownLedgerOperation(operation=asked.ledger)
    amount = ctx.evaluate(asked.amount) if asked.amount is not None else None
    if asked.ledger in SAID_BY_INPUT:
        amount = ctx.input.get("amount") or amount
    moved = run(ctx.application, amount, ctx.event_seq)
    hooks.moved(asked.ledger, ctx, moved)
    return {"ledger": asked.ledger, "amount": moved}


@on_round_published
def _give_budget(round_id: UUID, _budget: Money) -> None:
    funding.give_budget(round_id)
