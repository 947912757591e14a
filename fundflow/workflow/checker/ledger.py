"""What an application holds of its round's money, as far as paths can tell: nothing, something, or perhaps a rest.

A step with money has one or more results, for an amount that is not plainly all of what is held may leave a rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from fundflow.workflow.definition import Effect, Transition
from fundflow.workflow.expressions.nodes import write

Held = Literal["none", "some", "rest"]
"""Nothing; something for certain; perhaps something, after a part of it went."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What is reserved and what is committed; `amount` is the expression by which it last became so.

    What is ordered at the bank is still committed here; `is_ordered` and `is_paid` say that some of it may be.
    """

    reserved: Held = "none"
    committed: Held = "none"
    amount: str = ""
    is_ordered: bool = False
    is_paid: bool = False

    @property
    def kept(self) -> str | None:
        """What would be lost if the application ended here."""
        for name, held in (("committed", self.committed), ("reserved", self.reserved)):
            if held == "some":
                return f"still {name}"
        for name, held in (("committed", self.committed), ("reserved", self.reserved)):
            if held == "rest":
                return f"perhaps still {name}"
        return None


EMPTY = Purse()
Same = Callable[[Transition, Effect, str], bool]
"""Whether the amount of an effect is surely what is held, given the text of that."""


def moved(purse: Purse, step: Transition, effect: Effect, same: Same) -> Iterator[tuple[Purse, str | None]]:
    """The purse after one effect, in each way it may come out, with the code of what is wrong about it."""
    amount = "" if effect.amount is None else write(effect.amount.node)
    match effect.ledger:
        case "reserve":
            yield replace(purse, reserved="some", amount=amount), None
        case "commit":
            # A part that commits adds to the grant, as an amendment does; the application commits it once.
            adds = purse.committed != "none" and "." in step.id
            wrong = "FF174" if purse.committed == "some" and not adds else None
            after = replace(purse, reserved="none", committed="some", amount="" if adds else amount)
            yield after, wrong
            if purse.reserved != "none" and not same(step, effect, purse.amount):
                yield replace(after, reserved="rest"), wrong
        case "order":
            yield replace(purse, is_ordered=True), "FF175" if purse.committed == "none" else None
        case "fail":
            yield purse, None if purse.is_ordered else "FF175"
        case "return":
            amount = amount if purse.committed == "none" else purse.amount
            yield replace(purse, committed="some", amount=amount), None if purse.is_paid else "FF175"
        case "refund":
            yield purse, None if purse.is_paid else "FF175"
        case "pay":
            wrong = "FF175" if purse.committed == "none" else None
            if wrong or same(step, effect, purse.amount):
                yield replace(purse, committed="none", is_ordered=False, is_paid=True), wrong
            else:
                yield replace(purse, committed="rest", is_paid=True), None
        case "release" if amount and not same(step, effect, purse.amount):
            yield (
                replace(
                    purse,
                    reserved="none" if purse.reserved == "none" else "rest",
                    committed="none" if purse.committed == "none" else "rest",
                ),
                None,
            )
        case "release" | "close":
            yield Purse(is_paid=purse.is_paid), None
        case _:
            yield purse, None
