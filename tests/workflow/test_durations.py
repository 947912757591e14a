"""Lengths of time move wall clocks by days and instants by hours."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fundflow.workflow.calendars import WorkingDays
from fundflow.workflow.durations import Duration, at_wall, end_of_day, may_outlast

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> datetime:
    return at_wall(datetime.fromisoformat(text), PARIS)


def after(start: str, length: str) -> datetime:
    duration = Duration.parse(length)
    assert duration is not None
    return duration.after(at(start), PARIS)


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("2026-10-20T12:00", "5 days", "2026-10-25T12:00"),
        ("2026-10-24T12:00", "1 day", "2026-10-25T12:00"),
        ("2026-01-31T09:00", "1 month", "2026-02-28T09:00"),
        ("2028-02-29T09:00", "12 months", "2029-02-28T09:00"),
        ("2026-12-15T09:00", "2 years", "2028-12-15T09:00"),
        ("2026-11-23T09:00", "2 weeks", "2026-12-07T09:00"),
    ],
)
def test_days_and_months_keep_the_hour_on_the_wall(start: str, length: str, end: str) -> None:
    assert after(start, length) == at(end)


def test_hours_are_hours_also_where_the_clock_changes() -> None:
    assert (after("2026-10-24T12:00", "24 hours") - at("2026-10-24T12:00")).total_seconds() == 24 * 3600
    assert (after("2026-10-24T12:00", "1 day") - at("2026-10-24T12:00")).total_seconds() == 25 * 3600


def test_a_wall_time_that_is_skipped_moves_forward_and_one_shown_twice_is_the_later() -> None:
    assert at("2026-03-29T02:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert at("2026-10-25T02:30") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_before_is_the_way_back() -> None:
    week = Duration.parse("7 days")
    assert week is not None
    assert week.before(at("2026-10-27T17:00"), PARIS) == at("2026-10-20T17:00")


def test_a_day_ends_with_its_last_second_in_the_zone() -> None:
    assert end_of_day(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), PARIS) == at("2026-11-24T23:59:59")


NOT_LENGTHS = (
    "|14|days|14days|0 days|-1 days|1.5 days|P1D|0 working days|5 workingdays|working days|14 Days|99999 days".split(
        "|"
    )
)


@pytest.mark.parametrize("text", NOT_LENGTHS)
def test_what_is_no_length_of_time_is_not_read_as_one(text: str) -> None:
    assert Duration.parse(text) is None


def test_working_days_skip_weekends_and_holidays_and_keep_the_hour() -> None:
    length = Duration.parse("5 working days")
    assert length is not None
    french = WorkingDays(country="FR")
    # 14 July 2026, a Tuesday, is a holiday: Thursday to the Thursday after, and one day more.
    assert length.after(at("2026-07-09T12:00"), PARIS, french) == at("2026-07-17T12:00")
    assert length.before(at("2026-07-17T12:00"), PARIS, french) == at("2026-07-09T12:00")
    # The clocks go back in the night to 25 October 2026, and noon is noon.
    assert length.after(at("2026-10-20T12:00"), PARIS, french) == at("2026-10-27T12:00")


def test_working_days_cannot_be_counted_without_a_calendar() -> None:
    length = Duration.parse("1 working day")
    assert length is not None
    with pytest.raises(ValueError, match="only by a calendar"):
        length.after(at("2026-07-09T12:00"), PARIS)
    assert Duration.parse("1 working day", working=False) is None


def test_many_times_a_length_is_counted_from_its_beginning() -> None:
    month = Duration.parse("1 month")
    assert month is not None
    assert [month.times(n).after(at("2026-01-31T09:00"), PARIS) for n in (1, 2, 3)] == [
        at("2026-02-28T09:00"),
        at("2026-03-31T09:00"),
        at("2026-04-30T09:00"),
    ]


def test_a_length_may_end_after_the_holidays_that_are_known() -> None:
    days, calendar = Duration.parse("20 working days"), Duration.parse("20 days")
    assert days is not None
    assert calendar is not None
    japan = WorkingDays(country="JP")
    assert may_outlast(days, japan, at("2099-12-20T12:00"), PARIS)
    assert not may_outlast(days, japan, at("2099-11-20T12:00"), PARIS)
    assert not may_outlast(calendar, japan, at("2099-12-20T12:00"), PARIS)
    assert not may_outlast(days, WorkingDays(), at("2099-12-20T12:00"), PARIS)
