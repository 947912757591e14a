"""Wall times: the date and hour on a clock in a named zone, which is what a closing time really is.

The instant follows from them. Refuses a wall time that its zone skips; where the clocks go back over it, the later of
its two instants counts, in the applicant's favour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from fundflow import clock
from fundflow.errors import Refused

WALL = "%Y-%m-%dT%H:%M"


class NotAWallTime(Refused):
    """“{text}” is not a date and time. Write it like 2027-03-31 17:00."""

    status = 422


class SkippedWallTime(Refused):
    """{wall} does not exist in {zone}: the clocks go forward over it that day. Choose a time up to {before}
    or from {after}.
    """

    status = 422


class NoSuchZone(Refused):
    """“{zone}” is not a time zone. Choose one from the list, for example Europe/Paris."""

    status = 422


@cache
def zones() -> tuple[str, ...]:
    """The names a person may choose from: places and UTC, without the old aliases."""
    places = (zone for zone in clock.zones() if "/" in zone and not zone.startswith("Etc/"))
    return (*sorted(places), "UTC")


def instant_of(wall: str, zone: str) -> datetime:
    """The instant of a wall time in a zone: the later one where it happens twice; SkippedWallTime where never."""
    local = _read(wall).replace(tzinfo=_zone(zone), fold=1)
    instant = local.astimezone(UTC)
    if instant.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        # A gap: read with the offset of after, the wall time lands before it; with the offset of before, after it.
        shift = local.utcoffset() - local.replace(fold=0).utcoffset()  # type: ignore[operator]
        before, after = _edges(local, abs(shift))
        raise SkippedWallTime(wall=_plain(local), zone=zone, before=_plain(before), after=_plain(after))
    return instant


def happens_twice(wall: str, zone: str) -> bool:
    """Whether the clocks go back over this wall time, so that it names two instants; the later one counts."""
    local = _read(wall).replace(tzinfo=_zone(zone))
    first, second = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    return second > first


def wall_of(text: str) -> str:
    """A typed date and time in the one way it is kept, `2027-03-31T17:00`, or NotAWallTime."""
    return _read(text).strftime(WALL)


def _read(text: str) -> datetime:
    try:
        local = datetime.strptime(text.strip().replace(" ", "T", 1), WALL)  # noqa: DTZ007 - the zone is applied after
    except ValueError:
        raise NotAWallTime(text=text) from None
    if not 2000 <= local.year < 2200:
        raise NotAWallTime(text=text)
    return local


def _zone(name: str) -> ZoneInfo:
    if name not in clock.zones():
        raise NoSuchZone(zone=name)
    return ZoneInfo(name)


def _edges(local: datetime, width: timedelta) -> tuple[datetime, datetime]:
    """The last minute before and the first after the gap that `local` falls into."""
    step, after = timedelta(minutes=1), local
    while after.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != after.replace(tzinfo=None):
        after += step
    return after - width - step, after


def _plain(local: datetime) -> str:
    return local.strftime("%Y-%m-%d %H:%M")
