"""Lengths of time as people write them, and adding them to an instant in a zone.

Refuses what is not whole days, weeks, months or years, or hours and minutes. Days and longer move the wall clock, so
five days after noon is noon also where the clock changed in between; hours and minutes are exact.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_UNITS = {"minute": 1, "hour": 60}
_PATTERN = re.compile(r"([1-9][0-9]{0,3}) (minute|hour|day|week|month|year)s?")


@dataclass(frozen=True, slots=True)
class Duration:
    """So many months, days and minutes; at most one of them is not zero in a file."""

    months: int = 0
    days: int = 0
    minutes: int = 0
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Duration | None:
        """``14 days``, ``1 week``, ``12 months``, ``2 years``, ``36 hours``, ``15 minutes``; None for anything else."""
        found = _PATTERN.fullmatch(text)
        if found is None:
            return None
        count, unit = int(found[1]), found[2]
        if unit in _UNITS:
            return cls(minutes=count * _UNITS[unit], text=text)
        if unit in ("month", "year"):
            return cls(months=count * (12 if unit == "year" else 1), text=text)
        return cls(days=count * (7 if unit == "week" else 1), text=text)

    def after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """This long after an aware instant, in UTC."""
        return self._moved(instant, zone, 1)

    def before(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """This long before an aware instant, in UTC."""
        return self._moved(instant, zone, -1)

    def _moved(self, instant: datetime, zone: ZoneInfo, sign: int) -> datetime:
        if not self.months and not self.days:
            return instant.astimezone(UTC) + sign * timedelta(minutes=self.minutes)
        wall = instant.astimezone(zone).replace(tzinfo=None)
        if self.months:
            year, month = divmod(wall.year * 12 + wall.month - 1 + sign * self.months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            wall = wall.replace(year=year, month=month + 1, day=min(wall.day, last))
        return at_wall(wall + sign * timedelta(days=self.days), zone) + sign * timedelta(minutes=self.minutes)

    def __str__(self) -> str:
        return self.text or f"{self.months} months {self.days} days {self.minutes} minutes"


def at_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which clocks in the zone show `wall`.

    A time that the clocks skip is moved forward by the gap; of one that they show twice the later is taken, in favour
    of whoever has the deadline.
    """
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) != wall:
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return late


def end_of_day(instant: datetime, zone: ZoneInfo) -> datetime:
    """The last second of the instant's day in the zone, in UTC."""
    wall = instant.astimezone(zone).replace(hour=23, minute=59, second=59, microsecond=0, tzinfo=None)
    return at_wall(wall, zone)
