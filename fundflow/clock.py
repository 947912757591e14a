"""The only reader of the wall clock.

Everything else asks `now()`, so a test can stand at any instant and a deadline is decided by one clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

_frozen: datetime | None = None
_offset = timedelta(0)


def now() -> datetime:
    """The present instant, aware and in UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC) + _offset


@cache
def zones() -> frozenset[str]:
    """The names of all time zones. Kept: asking the library reads hundreds of files each time."""
    return frozenset(available_timezones())


def is_moved() -> bool:
    """True while a test holds or shifts this clock: then it alone counts, also where a database has its own."""
    return _frozen is not None or bool(_offset)


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Hold the clock at an aware instant inside the block; blocks nest."""
    global _frozen
    if instant.tzinfo is None:
        raise ValueError("The clock stands only at an aware instant; give it a time zone.")
    before, _frozen = _frozen, instant.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Let the clock run on, but `by` later (or earlier, when negative), inside the block; blocks add up."""
    global _offset
    before, _offset = _offset, _offset + by
    try:
        yield
    finally:
        _offset = before
