"""The fund's days as hours since the first one, so that working time is found by looking it up.

An hour of the simulation is an hour of the clock on the wall of the workflow's zone; that the clocks are moved twice a
year is passed over. What a working day is and how lengths are counted is the workflow's own calendar.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from fundflow.workflow.calendars import WorkingDays
from fundflow.workflow.durations import Duration

DAY = 24.0
BEGINS = 9.0
"""The hour at which people begin, unless they work so long that they must begin earlier."""
_LAST_SECOND = 24 - 1 / 3600


@dataclass
class Days:
    """Hours since midnight of `first`. `worked` grows as far as it is asked for."""

    first: date
    calendar: WorkingDays
    worked: list[bool] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    """How many working days lie before each day."""
    workdays: list[int] = field(default_factory=list)
    """The working days, by their number."""

    def hour_of(self, wall: datetime) -> float:
        """The hour of a wall time."""
        return (wall - datetime.combine(self.first, time())) / timedelta(hours=1)

    def wall_of(self, hour: float) -> datetime:
        """The wall time of an hour."""
        return datetime.combine(self.first, time()) + timedelta(hours=hour)

    def done(self, begun: float, hours: float, a_day: float) -> float:
        """When so many hours of work are done that somebody begins then, who works `a_day` hours each working day."""
        opens = min(BEGINS, DAY - a_day)
        day = int(begun // DAY)
        self._until(day)
        into = min(max(begun - day * DAY - opens, 0.0), a_day) if self.worked[day] else 0.0
        whole, rest = divmod(self.before[day] * a_day + into + hours, a_day)
        number = int(whole)
        if rest <= 1e-9 and hours > 0 and number:
            number, rest = number - 1, a_day  # done at the end of a day, not at the beginning of the next one
        while number >= len(self.workdays):
            self._until(len(self.worked) + 60)
        return max(self.workdays[number] * DAY + opens + rest, begun)

    def capacity(self, begun: float, ended: float, a_day: float) -> float:
        """How many hours one person works from one hour to another."""
        return self._worked_by(ended, a_day) - self._worked_by(begun, a_day)

    def later(self, hour: float, length: Duration) -> float:
        """So long after an hour, as the workflow counts it."""
        if length.working_days:
            day = int(hour // DAY)
            self._until(day)
            into = hour - day * DAY
            number = self.before[day]
            if not self.worked[day]:
                number, into = number - 1, _LAST_SECOND
            number += length.working_days
            while number >= len(self.workdays):
                self._until(len(self.worked) + 60)
            # Before the first day there is none that was worked; the day itself is then the nearest there is.
            hour = (self.workdays[number] if number >= 0 else day) * DAY + into
        if length.months:
            wall = self.wall_of(hour)
            year, month = divmod(wall.year * 12 + wall.month - 1 + length.months, 12)
            day_of = min(wall.day, monthrange(year, month + 1)[1])
            hour = self.hour_of(wall.replace(year=year, month=month + 1, day=day_of))
        return hour + length.days * DAY + length.minutes / 60

    def worked_time(self, begun: float, ended: float) -> float:
        """How many hours of working days lie between, whole days of twenty-four hours."""
        return self.capacity(begun, ended, DAY)

    def _worked_by(self, hour: float, a_day: float) -> float:
        opens = min(BEGINS, DAY - a_day)
        day = int(hour // DAY)
        self._until(day)
        into = min(max(hour - day * DAY - opens, 0.0), a_day) if self.worked[day] else 0.0
        return self.before[day] * a_day + into

    def _until(self, day: int) -> None:
        worked = self.worked
        while len(worked) <= day:
            number = len(worked)
            is_worked = self.calendar.is_worked(self.first + timedelta(days=number))
            self.before.append(len(self.workdays))
            worked.append(is_worked)
            if is_worked:
                self.workdays.append(number)
