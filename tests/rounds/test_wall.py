"""Wall times become instants, and what a zone skips is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fundflow.rounds.wall import NoSuchZone, NotAWallTime, SkippedWallTime, happens_twice, instant_of, wall_of, zones


def test_wall_time_is_read_on_the_clock_of_its_zone() -> None:
    assert instant_of("2027-03-31T17:00", "America/New_York") == datetime(2027, 3, 31, 21, tzinfo=UTC)
    assert instant_of("2027-01-31T17:00", "Asia/Kathmandu") == datetime(2027, 1, 31, 11, 15, tzinfo=UTC)


def test_time_that_the_clocks_skip_is_refused_with_the_times_around_it() -> None:
    with pytest.raises(SkippedWallTime) as refusal:
        instant_of("2027-03-28T02:30", "Europe/Paris")
    assert "2027-03-28 01:59" in str(refusal.value)
    assert "2027-03-28 03:00" in str(refusal.value)


def test_half_an_hour_that_lord_howe_skips_is_refused_too() -> None:
    with pytest.raises(SkippedWallTime, match="2026-10-04 02:30"):
        instant_of("2026-10-04T02:15", "Australia/Lord_Howe")


def test_day_that_samoa_never_had_is_refused() -> None:
    with pytest.raises(SkippedWallTime, match="2011-12-31 00:00"):
        instant_of("2011-12-30T10:00", "Pacific/Apia")


def test_of_a_time_that_happens_twice_the_later_one_counts() -> None:
    assert instant_of("2027-10-31T02:30", "Europe/Paris") == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert happens_twice("2027-10-31T02:30", "Europe/Paris")
    assert not happens_twice("2027-10-31T03:30", "Europe/Paris")


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-02-30T10:00", "2027-03-31", "0001-01-01T00:00", "9999-12-31T23:59"]
)
def test_what_is_no_date_and_time_is_refused(text: str) -> None:
    with pytest.raises(NotAWallTime):
        instant_of(text, "UTC")


def test_a_zone_is_one_of_the_list() -> None:
    with pytest.raises(NoSuchZone):
        instant_of("2027-01-01T00:00", "Mars/Olympus")
    assert "Africa/Banjul" in zones()
    assert "UTC" in zones()


def test_typed_time_is_kept_in_one_way() -> None:
    assert wall_of(" 2027-3-1 5:00 ") == "2027-03-01T05:00"
