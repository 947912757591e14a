"""Lengths of time as people write them, and adding them to an instant in a zone.

Refuses what is not whole days, weeks, months or years, working days, or hours and minutes. Days and longer move the
wall clock, so five days after noon is noon also where the clock changed in between; hours and minutes are exact. Which
days are worked, a calendar says.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fundflow.workflow.calendars import WorkingDays

_UNITS = {"minute": 1, "hour": 60}
_PATTERN = re.compile(r"([1-9][0-9]{0,3}) (minute|hour|day|working day|week|month|year)s?")


@dataclass(frozen=True, slots=True)
class Duration:
    """So many months, days, minutes or working days; at most one of them is not zero in a file."""

    months: int = 0
    days: int = 0
    minutes: int = 0
    text: str = ""
    working_days: int = 0

    @classmethod
    def parse(cls, text: str, *, working: bool = True) -> Duration | None:
        """``14 days``, ``5 working days``, ``1 week``, ``12 months``, ``2 years``, ``36 hours``, ``15 minutes``.

        None for anything else, and for working days where they are not `working`: an expression has no calendar.
        """
        found = _PATTERN.fullmatch(text)
        if found is None:
            return None
        count, unit = int(found[1]), found[2]
        if unit == "working day":
            return cls(working_days=count, text=text) if working else None
        if unit in _UNITS:
            return cls(minutes=count * _UNITS[unit], text=text)
        if unit in ("month", "year"):
            return cls(months=count * (12 if unit == "year" else 1), text=text)
        return cls(days=count * (7 if unit == "week" else 1), text=text)

    def after(self, instant: datetime, zone: ZoneInfo, calendar: WorkingDays | None = None) -> datetime:
        """This long after an aware instant, in UTC. Working days need a calendar: ValueError without one."""
        return self._moved(instant, zone, calendar, 1)

    def before(self, instant: datetime, zone: ZoneInfo, calendar: WorkingDays | None = None) -> datetime:
        """This long before an aware instant, in UTC. Working days need a calendar: ValueError without one."""
        return self._moved(instant, zone, calendar, -1)

    def times(self, count: int) -> Duration:
        """So many times this length."""
        return Duration(
            months=self.months * count,
            days=self.days * count,
            minutes=self.minutes * count,
            working_days=self.working_days * count,
        )

    @property
    def is_exact(self) -> bool:
        """Hours and minutes, which no clock and no calendar stretches."""
        return not (self.months or self.days or self.working_days)

    def _moved(self, instant: datetime, zone: ZoneInfo, calendar: WorkingDays | None, sign: int) -> datetime:
        if self.is_exact:
            return instant.astimezone(UTC) + sign * timedelta(minutes=self.minutes)
        wall = instant.astimezone(zone).replace(tzinfo=None)
        if self.working_days:
            if calendar is None:
                raise ValueError("Working days can be counted only by a calendar.")
            move = calendar.after if sign > 0 else calendar.before
            wall = move(wall, self.working_days)
        if self.months:
            year, month = divmod(wall.year * 12 + wall.month - 1 + sign * self.months, 12)
            last = monthrange(year, month + 1)[1]
            wall = wall.replace(year=year, month=month + 1, day=min(wall.day, last))
        return at_wall(wall + sign * timedelta(days=self.days), zone) + sign * timedelta(minutes=self.minutes)

    def __str__(self) -> str:
        parts = f"{self.months} months {self.days} days {self.minutes} minutes"
        return self.text or (f"{parts} {self.working_days} working days" if self.working_days else parts)


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


def may_outlast(length: Duration, calendar: WorkingDays, begins_by: datetime, zone: ZoneInfo) -> bool:
    """Whether this length, begun at the latest then, may end after the last year whose holidays are known."""
    known = calendar.last_year
    if known is None or not length.working_days:
        return False
    return length.after(begins_by, zone, calendar).astimezone(zone).year > known
