"""Dividing an amount exactly: by largest remainder, never above what each has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Key = TypeVar("Key")


def proportional(amount: int, held: Mapping[Key, int]) -> dict[Key, int]:
    """`amount` taken from the holdings in proportion, to the last unit; the first of equal remainders gets it.

    At most the whole is asked for. No share is above its holding, for ``amount * held / total`` never is, rounded up
    or not (largest remainder method, Hamilton). Shares of nothing are left out.
    """
    total = sum(held.values())
    if not 0 <= amount <= total:
        raise ValueError(f"{amount} cannot be taken from {total}")
    if not total:
        return {}
    shares = {key: amount * own // total for key, own in held.items()}
    left = amount - sum(shares.values())
    for key in sorted(held, key=lambda each: -(amount * held[each] % total))[:left]:
        shares[key] += 1
    return {key: share for key, share in shares.items() if share}


def in_order(amount: int, held: Mapping[Key, int]) -> dict[Key, int]:
    """`amount` taken from the first as far as it goes, then from the next."""
    shares: dict[Key, int] = {}
    for key, own in held.items():
        share = min(own, amount)
        if share > 0:
            shares[key] = share
            amount -= share
    if amount:
        raise ValueError(f"{amount} more than there is")
    return shares
