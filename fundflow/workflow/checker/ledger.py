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
    """What is reserved and what is committed; `amount` is the expression by which it last became so."""

    reserved: Held = "none"
    committed: Held = "none"
    amount: str = ""

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
            wrong = "FF174" if purse.committed == "some" else None
            yield Purse("none", "some", amount), wrong
            if purse.reserved != "none" and not same(step, effect, purse.amount):
                yield Purse("rest", "some", amount), wrong
        case "pay":
            wrong = "FF175" if purse.committed == "none" else None
            if wrong or same(step, effect, purse.amount):
                yield replace(purse, committed="none"), wrong
            else:
                yield replace(purse, committed="rest"), None
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
            yield EMPTY, None
        case _:
            yield purse, None
