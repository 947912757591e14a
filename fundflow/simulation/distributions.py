"""How long something takes or how large it is, as a distribution: fixed, exponential, log-normal, triangular, observed.

Nothing here is negative, and every draw comes from the random source that the caller gives, so a seed decides it all.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from random import Random
from typing import Any, TypeVar

Name = TypeVar("Name")

Z90 = 1.2815515655446004
"""How many standard deviations the ninetieth percentile of a normal distribution lies above its middle."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    value: float

    @property
    def mean(self) -> float:
        return self.value

    def draw(self, random: Random) -> float:
        return self.value

    def written(self) -> Any:
        return plain(self.value)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Many short ones and few long ones, with this mean: what is to come does not depend on what has passed."""

    mean: float

    def draw(self, random: Random) -> float:
        return random.expovariate(1 / self.mean)

    def written(self) -> Any:
        return {"mean": plain(self.mean)}


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Half lie below `median` and nine of ten below `p90`: what people who know the work can say of it."""

    median: float
    p90: float

    @property
    def sigma(self) -> float:
        return log(self.p90 / self.median) / Z90

    @property
    def mean(self) -> float:
        return self.median * exp(self.sigma**2 / 2)

    def draw(self, random: Random) -> float:
        return random.lognormvariate(log(self.median), self.sigma)

    def written(self) -> Any:
        return {"median": plain(self.median), "p90": plain(self.p90)}


@dataclass(frozen=True, slots=True)
class Triangular:
    """Between `low` and `high`, most often near `mode`."""

    low: float
    mode: float
    high: float

    @property
    def mean(self) -> float:
        return (self.low + self.mode + self.high) / 3

    def draw(self, random: Random) -> float:
        return random.triangular(self.low, self.high, self.mode)

    def written(self) -> Any:
        return {"low": plain(self.low), "mode": plain(self.mode), "high": plain(self.high)}


@dataclass(frozen=True, slots=True)
class Observed:
    """One of `values`, each with its share; shares add up to 1. Values are in rising order."""

    values: tuple[float, ...]
    shares: tuple[float, ...]
    _up_to: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_up_to", tuple(itertools.accumulate(self.shares)))

    @classmethod
    def of(cls, values: list[float], shares: list[float] | None = None) -> Observed:
        """From values in any order, each counting the same unless shares are given."""
        weights = shares or [1 / len(values)] * len(values)
        pairs = sorted(zip(values, weights, strict=True))
        return cls(tuple(value for value, _ in pairs), tuple(share for _, share in pairs))

    @property
    def mean(self) -> float:
        return sum(value * share for value, share in zip(self.values, self.shares, strict=True))

    def draw(self, random: Random) -> float:
        at = bisect_left(self._up_to, random.random() * self._up_to[-1])
        return self.values[min(at, len(self.values) - 1)]

    def written(self) -> Any:
        if max(self.shares) - min(self.shares) < 1e-9:
            return {"values": [plain(value) for value in self.values]}
        shares = exact(dict(enumerate(self.shares)))
        kept = [number for number, share in shares.items() if share > 0]
        return {"values": [plain(self.values[number]) for number in kept], "shares": [shares[n] for n in kept]}


Distribution = Fixed | Exponential | LogNormal | Triangular | Observed


def plain(value: float) -> int | float:
    """As a person writes it: no more than four places, and no ``.0``."""
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


def exact(shares: Mapping[Name, float]) -> dict[Name, int | float]:
    """Shares rounded for reading, with what rounding lost given to the largest, so that they add up."""
    found = {name: round(share, 4) for name, share in shares.items()}
    if found:
        largest = max(found, key=lambda name: found[name])
        found[largest] = round(found[largest] + 1 - sum(found.values()), 4)
    return {name: plain(share) for name, share in found.items()}
