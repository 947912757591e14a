"""Numbers and distributions of a scenario file, each refused with its sentence where it cannot be."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from fundflow.simulation import format
from fundflow.simulation.distributions import (
    Distribution,
    Exponential,
    Fixed,
    LogNormal,
    Observed,
    Triangular,
    plain,
)
from fundflow.workflow.reader import Place

LONGEST, LARGEST, MOST = 36_500, 10**13, 20_000
"""The most days or hours that anything takes, the largest amount, and the most values that may be listed."""
TOLERANCE = 0.001
"""So much may shares miss 1 by, for people write 0.33."""

_KINDS = (("mean",), ("median", "p90"), ("low", "mode", "high"), ("values",))


def number(place: Place, lowest: float, highest: float, unit: str = "") -> float | None:
    """A number within bounds."""
    found = place.decimal()
    if found is None:
        return None
    value = float(found)
    name = place.path[-1]
    if value < lowest:
        least = "cannot be negative" if lowest == 0 else f"needs to be at least {_shown(lowest)}"
        place.error("SC104", f"'{name}' {least}{unit and f' ({unit})'}; it is {found}")
        return None
    if value > highest:
        place.error("SC104", f"'{name}' can be at most {_shown(highest)}{unit and f' {unit}'}; it is {found}")
        return None
    return value


def share(place: Place) -> float | None:
    """A share from 0 to 1."""
    found = place.decimal()
    if found is None:
        return None
    if not 0 <= found <= 1:
        hint = f"; write {plain(float(found) / 100)} for {found} %" if 1 < found <= 100 else ""
        place.error("SC103", f"a share lies between 0 and 1, not {found}{hint}")
        return None
    return float(found)


def day(place: Place) -> date | None:
    """A date as 2027-01-11."""
    text = place.value if isinstance(place.value, str) else ""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            found = date.fromisoformat(text)
        except ValueError:
            found = None
        if found is not None and 1990 <= found.year <= 2200:
            return found
    place.error("SC105", f"'{place.path[-1]}' needs a date such as 2027-01-11, not '{place.value}'")
    return None


def distribution(place: Place, highest: float = LONGEST, unit: str = "") -> Distribution | None:
    """A number for what is always the same, or the figures of a distribution."""
    if not isinstance(place.value, dict):
        value = number(place, 0, highest, unit)
        return None if value is None else Fixed(value)
    found = place.settings(format.Distribution, what=f"'{place.path[-1]}'")
    given = [kind for kind in _KINDS if any(name in found for name in kind)]
    if len(given) != 1:
        if found or not place.value:
            place.error(
                "SC106",
                f"'{place.path[-1]}' is a number or one of {{mean}}, {{median, p90}}, {{low, mode, high}}, {{values}}",
                key=True,
            )
        return None
    if "shares" in found and given[0] != ("values",):
        found["shares"].error("SC106", "shares belong to values", key=True)
        return None
    if absent := [name for name in given[0] if name not in found]:
        place.error("SC106", f"'{place.path[-1]}' needs '{absent[0]}' beside '{next(iter(found))}'", key=True)
        return None
    if given[0] == ("values",):
        return _observed(found, highest, unit)
    figures = {name: number(found[name], 0, highest, unit) for name in given[0]}
    return _of(place, found, figures)


def _of(place: Place, found: dict[str, Place], figures: dict[str, float | None]) -> Distribution | None:
    values = [value for value in figures.values() if value is not None]
    if len(values) < len(figures):
        return None
    match tuple(figures):
        case ("mean",):
            if values[0] > 0:
                return Exponential(values[0])
            found["mean"].error("SC104", "a mean of 0 is no distribution; write 0 alone for what takes no time")
        case ("median", "p90"):
            median, p90 = values
            if median <= 0:
                found["median"].error("SC104", "a median must be above 0; write 0 alone for what takes no time")
            elif p90 < median:
                found["p90"].error("SC106", f"nine of ten cannot lie below {plain(p90)} when half lie above")
            else:
                return LogNormal(median, p90) if p90 > median else Fixed(median)
        case _:
            low, mode, high = values
            if low <= mode <= high:
                return Triangular(low, mode, high) if low < high else Fixed(low)
            place.error("SC106", f"low, mode and high must rise; they are {', '.join(map(_shown, values))}", key=True)
    return None


def _observed(found: dict[str, Place], highest: float, unit: str) -> Distribution | None:
    items = found["values"].items()
    if not items or len(items) > MOST:
        if isinstance(found["values"].value, list):
            found["values"].error("SC106", f"values lists at least one number and at most {MOST:,}")
        return None
    values = [number(item, 0, highest, unit) for item in items]
    shares: list[float | None] | None = None
    if "shares" in found:
        shares = [share(item) for item in found["shares"].items()]
        if len(shares) != len(values):
            found["shares"].error("SC106", f"there are {len(values)} values and {len(shares)} shares")
            return None
    good = [value for value in values if value is not None]
    weights = None if shares is None else [each for each in shares if each is not None]
    if len(good) < len(values) or (weights is not None and len(weights) < len(values)):
        return None
    if weights is not None and abs(sum(weights) - 1) > TOLERANCE:
        found["shares"].error("SC103", f"these shares add up to {_shown(sum(weights))}, not 1")
        return None
    return Observed.of(good, weights)


def _shown(value: float) -> str:
    return f"{plain(value):,}"


def replaced(path: tuple[Any, ...]) -> bool:
    """Whether a scenario that is based on another gives this whole, and not only what differs in it."""
    return path[-1] in ("days", "hours", "amount", "rush") or (len(path) == 2 and path[0] == "timers")
