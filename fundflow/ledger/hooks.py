"""Where higher features add to a movement of the ledger: an order, a payment, a return."""

from __future__ import annotations

from collections.abc import Callable

from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money

Moved = Callable[[EffectContext, Money], None]

_moved: dict[str, list[Moved]] = {}


def on(operation: str) -> Callable[[Moved], Moved]:
    """Run after a workflow's effect moved money by this operation, in the same transaction, with what it moved."""

    def register(run: Moved) -> Moved:
        runs = _moved.setdefault(operation, [])
        if run not in runs:
            runs.append(run)
        return run

    return register


def moved(operation: str, ctx: EffectContext, amount: Money) -> None:
    """Tell every feature that asked for this operation."""
    for run in _moved.get(operation, ()):
        run(ctx, amount)
