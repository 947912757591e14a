"""Working days: which days are worked in a country, and moving a wall time by working days.

A working day counts its whole twenty-four hours. Time that begins on a day off begins with the end of the working day
before it, so nobody who starts later is due earlier. Refuses a week without a working day; of years that nobody has
published holidays for (`last_year`), only the days of the week are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any

_DAY = timedelta(days=1)
_LAST_SECOND = time(23, 59, 59)
_FALLBACK = "en_US"


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The days of `week` (0 is Monday) that are no public holiday of `country`, or of its `region`."""

    week: frozenset[int] = frozenset(range(5))
    country: str | None = None
    region: str | None = None

    def __post_init__(self) -> None:
        if not self.week or not self.week <= frozenset(range(7)):
            raise ValueError("A week needs at least one working day, each from 0 for Monday to 6 for Sunday.")

    def is_worked(self, day: date) -> bool:
        """Whether people work on this day."""
        return day.weekday() in self.week and not self.is_holiday(day)

    def is_holiday(self, day: date) -> bool:
        """Whether this day is a public holiday, on whatever day of the week."""
        return self.country is not None and day in _holidays(self.country, self.region, day.year)

    def after(self, wall: datetime, count: int) -> datetime:
        """So many working days after a wall time: the same hour, or the end of the day where it began on a day off."""
        if not self.is_worked(wall.date()):
            wall = datetime.combine(self._next(wall.date(), -1), _LAST_SECOND)
        return self._moved(wall, count)

    def before(self, wall: datetime, count: int) -> datetime:
        """The same hour so many working days before a wall time."""
        return self._moved(wall, -count)

    def time_between(self, start: datetime, end: datetime) -> timedelta:
        """How much of the wall time from `start` to `end` falls on working days; nothing where the end comes first."""
        total, day = timedelta(0), start.date()
        while day <= end.date():
            if self.is_worked(day):
                midnight = datetime.combine(day, time())
                total += max(min(end, midnight + _DAY) - max(start, midnight), timedelta(0))
            day += _DAY
        return total

    def later(self, wall: datetime, length: timedelta) -> datetime:
        """The wall time by which so much time of working days has passed since `wall`; it lies on a working day."""
        day = wall.date()
        if not self.is_worked(day):
            day = self._next(day, 1)
            wall = datetime.combine(day, time())
        left = datetime.combine(day, time()) + _DAY - wall
        while length >= left:
            length -= left
            day = self._next(day, 1)
            wall, left = datetime.combine(day, time()), _DAY
        return wall + length

    def earlier(self, wall: datetime, length: timedelta) -> datetime:
        """The wall time since which so much time of working days has passed until `wall`; it lies on a working day."""
        day = wall.date()
        if not self.is_worked(day):
            day = self._next(day, -1)
            wall = datetime.combine(day, time()) + _DAY
        left = wall - datetime.combine(day, time())
        while length > left:
            length -= left
            day = self._next(day, -1)
            wall, left = datetime.combine(day, time()) + _DAY, _DAY
        return min(wall - length, datetime.combine(day, _LAST_SECOND))

    def holidays(self, first: date, last: date, language: str = "en") -> list[tuple[date, str]]:
        """The public holidays from one day to the other that take away a working day, with their names."""
        if self.country is None:
            return []
        return [
            (day, _names(self.country, self.region, day.year, language).get(day, ""))
            for day in _days(first, last)
            if day.weekday() in self.week and self.is_holiday(day)
        ]

    @property
    def last_year(self) -> int | None:
        """The last year whose holidays are known; None where no country is named and every year is alike."""
        return None if self.country is None else last_year(self.country)

    def _moved(self, wall: datetime, count: int) -> datetime:
        day = wall.date()
        for _ in range(abs(count)):
            day = self._next(day, 1 if count > 0 else -1)
        return datetime.combine(day, wall.time())

    def _next(self, day: date, step: int) -> date:
        day += step * _DAY
        while not self.is_worked(day):
            day += step * _DAY
        return day


@cache
def countries() -> tuple[str, ...]:
    """The countries whose holidays are known, by their two letters."""
    # The library's own list would import every country, which takes a second.
    from holidays.registry import COUNTRIES

    return tuple(sorted(code for names in COUNTRIES.values() for code in names if len(code) == 2))


@cache
def regions(country: str) -> tuple[str, ...]:
    """The regions of a country with holidays of their own: `57`, `971`, … of `FR`."""
    return tuple(_entity(country, None, None).subdivisions)


@cache
def last_year(country: str) -> int:
    """The last year whose holidays are known in this country."""
    return int(_entity(country, None, None).end_year)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY


@lru_cache(maxsize=1024)
def _holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    return frozenset(_entity(country, region, year))


@lru_cache(maxsize=256)
def _names(country: str, region: str | None, year: int, language: str) -> dict[date, str]:
    known = _entity(country, region, None).supported_languages
    spoken = next((each for each in known if each.partition("_")[0] == language.partition("-")[0]), None)
    return dict(_entity(country, region, year, spoken or (_FALLBACK if _FALLBACK in known else None)))


def _entity(country: str, region: str | None, year: int | None, language: str | None = None) -> Any:
    """The library's own table, made anew each time: it fills itself while it is read, which threads must not share."""
    import holidays

    return holidays.country_holidays(country, subdiv=region, years=year, expand=False, language=language)
