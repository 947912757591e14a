"""What follows from something that the bank says about an order: pure, so that what is shown before is what happens.

Fails towards people: whatever does not fit exactly, in reference, currency or amount, is for somebody to look at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from fundflow.money import Money
from fundflow.payments.iso20022.reading import PENDING
from fundflow.payments.order_models import BOOKED as IS_BOOKED
from fundflow.payments.order_models import FAILED, PART_BOOKED, UNDER_WAY
from fundflow.payments.order_models import RETURNED as CAME_BACK

ACCEPT, PAY, PART, FAIL, RETURN, NOTHING, LOOK = "accept", "pay", "part", "fail", "return", "nothing", "look"
"""What is done about it; `nothing` and `look` change nothing."""

OPERATION = {PAY: "pay", FAIL: "fail", RETURN: "return"}
"""By what operation of the ledger the workflow's own step is found that does it."""


class Saying(Protocol):
    """What the bank says, as it is kept."""

    @property
    def what(self) -> str: ...
    @property
    def end_to_end_id(self) -> str | None: ...
    @property
    def amount(self) -> Money | None: ...
    @property
    def ordered(self) -> Money | None: ...
    @property
    def fee(self) -> Money | None: ...
    @property
    def reason(self) -> str: ...


class Ordered(Protocol):
    """An order as it stands."""

    @property
    def status(self) -> str: ...
    @property
    def amount(self) -> Money: ...
    @property
    def booked(self) -> Money: ...
    @property
    def left(self) -> Money: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done, for how much of the order, and the sentence that says so: a code with its facts."""

    action: str
    code: str
    amount: Money | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def judge(said: Saying, order: Ordered | None, *, similar: str = "") -> Verdict:
    """What follows. `similar` is an order's end-to-end id that looks like the unknown one."""
    if order is None:
        return _unknown(said, similar)
    match said.what:
        case "accepted" | "pending":
            return _status(said, order)
        case "rejected":
            return _rejected(order)
        case "booked":
            return _booked(said, order)
        case "returned":
            return _returned(said, order)
    return Verdict(LOOK, "moved_otherwise")


def _unknown(said: Saying, similar: str) -> Verdict:
    if said.end_to_end_id is None:
        # The account is used for other things as well: what names no payment is somebody else's business.
        return Verdict(NOTHING, "not_ours")
    if similar:
        return Verdict(LOOK, "altered_reference", facts={"reference": said.end_to_end_id, "similar": similar})
    return Verdict(LOOK, "unknown_reference", facts={"reference": said.end_to_end_id})


def _status(said: Saying, order: Ordered) -> Verdict:
    if order.status not in UNDER_WAY:
        return Verdict(NOTHING, "known_already")
    if said.what == PENDING:
        return Verdict(NOTHING, "pending")
    return (
        Verdict(NOTHING, "known_already") if order.status in ("accepted", PART_BOOKED) else Verdict(ACCEPT, "accepted")
    )


def _rejected(order: Ordered) -> Verdict:
    if order.status == FAILED:
        return Verdict(NOTHING, "known_already")
    if order.status not in UNDER_WAY or order.status == PART_BOOKED:
        return Verdict(LOOK, "rejected_though_booked")
    return Verdict(FAIL, "failed", order.amount)


def _booked(said: Saying, order: Ordered) -> Verdict:
    if order.status == IS_BOOKED:
        return Verdict(LOOK, "booked_twice")
    if order.status == FAILED:
        return Verdict(LOOK, "booked_though_failed")
    if order.status == CAME_BACK:
        return Verdict(LOOK, "booked_again")
    amount = moved(said, order.amount)
    if amount is None:
        return Verdict(LOOK, "wrong_currency", facts=_both(said, order))
    if amount.minor <= 0:
        return Verdict(LOOK, "no_amount")
    if amount > order.left:
        return Verdict(LOOK, "too_much", facts={"amount": _kept(amount), "left": _kept(order.left)})
    if amount < order.left:
        return Verdict(PART, "part", amount, {"amount": _kept(amount), "left": _kept(order.left - amount)})
    return Verdict(PAY, "paid" if not order.booked else "paid_in_parts", order.amount)


def _returned(said: Saying, order: Ordered) -> Verdict:
    if order.status == CAME_BACK:
        return Verdict(LOOK, "returned_twice")
    if order.status != IS_BOOKED:
        return Verdict(LOOK, "returned_unpaid")
    amount = moved(said, order.amount)
    if amount is None:
        return Verdict(LOOK, "wrong_currency", facts=_both(said, order))
    if amount != order.amount:
        return Verdict(LOOK, "returned_in_part", facts={"amount": _kept(amount), "paid": _kept(order.amount)})
    return Verdict(RETURN, "returned", amount)


def moved(said: Saying, ordered: Money) -> Money | None:
    """How much of the order moved, in the order's currency; None where the bank says nothing in that currency.

    Where charges are part of what left the account, they are taken off if then exactly the order remains.
    """
    amount = said.amount
    if amount is not None and amount.currency == ordered.currency:
        fee = said.fee
        if fee is not None and fee.currency == ordered.currency and amount - fee == ordered:
            return ordered
        return amount
    if said.ordered is not None and said.ordered.currency == ordered.currency:
        return said.ordered
    return None


def _both(said: Saying, order: Ordered) -> dict[str, Any]:
    return {"amount": None if said.amount is None else _kept(said.amount), "ordered": _kept(order.amount)}


def _kept(amount: Money) -> dict[str, Any]:
    return {"minor": amount.minor, "currency": amount.currency}
