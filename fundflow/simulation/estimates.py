"""Durations and shares from what was seen, with what is not over yet: Kaplan-Meier, and for many ends Aalen-Johansen.

What is still open lasted at least so long. Leaving it out would make everything look quicker than it is, and ways that
take long rarer than they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fundflow.simulation.distributions import Observed

MOST_POINTS = 60
"""A distribution is written with at most so many values, each standing for the same share."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long something lasted, and how it ended; `end` is None while it is not over."""

    length: float
    end: str | None


def incidence(seen: Sequence[Lasting]) -> dict[str, list[tuple[float, float]]]:
    """For each end, at which lengths it came and with what share of all (Aalen and Johansen 1978).

    The shares of all ends together are 1 unless the longest is not over; what is missing then is after it.
    """
    ended = sorted({each.length for each in seen if each.end is not None})
    lengths = sorted(each.length for each in seen)
    at: dict[float, Counter[str]] = {length: Counter() for length in ended}
    for each in seen:
        if each.end is not None:
            at[each.length][each.end] += 1
    found: dict[str, list[tuple[float, float]]] = {}
    left, passed = 1.0, 0
    for length in ended:
        while lengths[passed] < length:
            passed += 1
        at_risk = len(lengths) - passed
        for end, count in at[length].items():
            found.setdefault(end, []).append((length, left * count / at_risk))
        left *= 1 - at[length].total() / at_risk
    return found


def survival_quantile(seen: Sequence[Lasting], share: float) -> float | None:
    """The length by which this share is over (Kaplan and Meier 1958); None where too little is over to say."""
    jumps = sorted(jump for each in incidence(seen).values() for jump in each)
    total = 0.0
    for length, jump in jumps:
        total += jump
        if total >= share - 1e-9:
            return length
    return None


def shares(seen: Sequence[Lasting]) -> dict[str, float]:
    """How often each end comes in the end; what is not over is taken to end as what is."""
    totals = {end: sum(jump for _, jump in jumps) for end, jumps in incidence(seen).items()}
    whole = sum(totals.values())
    return {end: total / whole for end, total in totals.items()} if whole else {}


def lengths(seen: Sequence[Lasting], end: str) -> Observed | None:
    """How long it lasts until this end, of those that come to it; None where none has."""
    jumps = incidence(seen).get(end, [])
    total = sum(jump for _, jump in jumps)
    if not jumps or total <= 0:
        return None
    return thinned([length for length, _ in jumps], [jump / total for _, jump in jumps])


def thinned(values: Sequence[float], weights: Sequence[float] | None = None) -> Observed:
    """The distribution by at most `MOST_POINTS` of its quantiles."""
    whole = Observed.of(list(values), None if weights is None else list(weights))
    if len(whole.values) <= MOST_POINTS:
        return whole
    points, total, at = [], 0.0, 0
    for number in range(MOST_POINTS):
        wanted = (number + 0.5) / MOST_POINTS
        while at < len(whole.values) - 1 and total + whole.shares[at] < wanted:
            total += whole.shares[at]
            at += 1
        points.append(whole.values[at])
    return Observed.of(points)
