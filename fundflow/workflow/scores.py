"""The figures of a review: one sheet's weighted total, and what the sheets say together; all in exact decimals.

Refuses to guess: an unfinished sheet has no total to send, and without a sent sheet there is no score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil
from typing import Any

FAR = Decimal(2)
"""Reviewers who differ by more points than this on one criterion should talk."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One scored field: its part of the total, and the best score there is."""

    field: str
    weight: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True)
class Total:
    """A sheet's total on the review's scale: `value` is None while one of the `criteria` has no score."""

    value: Decimal | None
    scored: int
    criteria: int
    maximum: Decimal

    @property
    def is_complete(self) -> bool:
        return self.value is not None


def total(criteria: Sequence[Criterion], data: Mapping[str, Any], scale: Decimal) -> Total:
    """Weighted mean of score / maximum, times the top of the scale, half-even to two places.

    A score outside 0 to its maximum counts as missing.
    """
    given = [(each, score) for each in criteria if (score := figure(data.get(each.field), each.maximum)) is not None]
    value = None
    weights = sum((Fraction(each.weight) for each in criteria), Fraction())
    if weights and len(given) == len(criteria):
        sum_ = sum(
            (Fraction(each.weight) * Fraction(score) / Fraction(each.maximum) for each, score in given), Fraction()
        )
        value = places(sum_ / weights * Fraction(scale))
    return Total(value, len(given), len(criteria), scale)


def mean(totals: Sequence[Decimal]) -> Decimal | None:
    """The mean of the totals as they are shown, half-even to two places; None without any."""
    return places(sum(map(Fraction, totals), Fraction()) / len(totals)) if totals else None


def median(totals: Sequence[Decimal]) -> Decimal | None:
    """The middle total, or the mean of the two in the middle."""
    ordered = sorted(totals)
    half = len(ordered) // 2
    return mean(ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1])


def lowest(totals: Sequence[Decimal]) -> Decimal | None:
    return min(totals, default=None)


def trimmed_mean(totals: Sequence[Decimal]) -> Decimal | None:
    """The mean without one highest and one lowest total; with fewer than three there is nothing to drop."""
    return mean(sorted(totals)[1:-1] if len(totals) > 2 else totals)


AGGREGATES = {"mean": mean, "median": median, "trimmed_mean": trimmed_mean, "min": lowest}


def spread(totals: Sequence[Decimal]) -> Decimal | None:
    """Highest less lowest; None with fewer than two totals, for one reviewer cannot disagree."""
    return max(totals) - min(totals) if len(totals) > 1 else None


@dataclass(frozen=True, slots=True)
class Apart:
    """How far the sent sheets lie apart on one criterion, on its own scale."""

    field: str
    lowest: Decimal
    highest: Decimal

    @property
    def spread(self) -> Decimal:
        return self.highest - self.lowest

    @property
    def is_far(self) -> bool:
        return self.spread > FAR


def apart(criteria: Sequence[Criterion], sheets: Sequence[Mapping[str, Any]]) -> list[Apart]:
    """Every criterion that two or more sheets score, in their order."""
    found = []
    for each in criteria:
        given = [score for data in sheets if (score := figure(data.get(each.field), each.maximum)) is not None]
        if len(given) > 1:
            found.append(Apart(each.field, min(given), max(given)))
    return found


def needed(count: int, share: Decimal | None, assigned: int, recused: int) -> int:
    """How many sheets a quorum takes: the count, or the share of those who are not recused, whichever is more.

    A recusal can lower what the share asks for, never the count.
    """
    return max(count, ceil(Fraction(share) * max(assigned - recused, 0)) if share is not None else 0)


def places(value: Fraction) -> Decimal:
    """Half-even to two places, exactly."""
    hundredths = value * 100
    whole, rest = divmod(hundredths.numerator, hundredths.denominator)
    twice = 2 * rest
    if twice > hundredths.denominator or (twice == hundredths.denominator and whole % 2):
        whole += 1
    return Decimal(whole).scaleb(-2)


def figure(value: Any, maximum: Decimal) -> Decimal | None:
    """A score as a sheet holds it; None where it is missing or outside 0 to its maximum."""
    if value is None or isinstance(value, bool | float):
        return None
    try:
        score = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return score if score.is_finite() and 0 <= score <= maximum else None
