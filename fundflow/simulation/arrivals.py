"""When applications come: over all days of the round, and a share of them in the rush before it closes."""

from __future__ import annotations

from random import Random

from fundflow.simulation.days import DAY
from fundflow.simulation.model import Model

_LARGE = 5_000


def hours_of_arrival(model: Model, random: Random) -> list[float]:
    """In order; the rush is the last days before closing, or all of them where the round is shorter."""
    if model.hours is not None:
        return list(model.hours)
    count = model.count
    if count is None:
        count = poisson((model.per_day or 0.0) * model.closes / DAY, random)
    rush_from, share = model.closes, 0.0
    if model.rush is not None:
        rush_from, share = max(0.0, model.closes - model.rush.days * DAY), model.rush.share
    found = []
    for _ in range(count):
        in_rush = share > 0 and random.random() < share
        begins, ends = (rush_from, model.closes) if in_rush else (0.0, rush_from or model.closes)
        found.append(begins + random.random() * (ends - begins))
    return sorted(found)


def poisson(mean: float, random: Random) -> int:
    """How many happen where so many do on average: the number of exponential steps, of a large mean its normal."""
    if mean > _LARGE:
        return max(0, round(random.gauss(mean, mean**0.5)))
    found, left = -1, mean
    while left >= 0:
        found += 1
        left -= random.expovariate(1.0)
    return found
