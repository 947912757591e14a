"""Working days against the holidays of real countries, spans counted by hand, and laws that every calendar keeps."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundflow.workflow.calendars import WorkingDays, countries, last_year, regions

FRANCE, MOSELLE = WorkingDays(country="FR"), WorkingDays(country="FR", region="57")
AMERICA, JAPAN, NOWHERE = WorkingDays(country="US"), WorkingDays(country="JP"), WorkingDays()
GULF = WorkingDays(week=frozenset({6, 0, 1, 2, 3}), country="KW")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


OFF = [
    (FRANCE, "2026-01-01 2026-04-06 2026-05-01 2026-05-08 2026-05-14 2026-05-25 2026-07-14 2026-11-11 2026-12-25"),
    (MOSELLE, "2026-04-03"),
    (AMERICA, "2026-01-19 2026-02-16 2026-05-25 2026-06-19 2026-07-03 2026-09-07 2026-10-12 2026-11-11 2026-11-26"),
    (JAPAN, "2026-01-12 2026-02-11 2026-02-23 2026-04-29 2026-05-04 2026-05-05 2026-05-06 2026-09-21 2026-09-22"),
]
WORKED = [
    (FRANCE, "2026-04-03 2026-05-26 2026-06-19"),
    (AMERICA, "2026-05-01 2026-05-14 2026-07-14"),
    (JAPAN, "2026-12-25 2026-05-01 2026-07-03"),
    (NOWHERE, "2026-01-01 2026-12-25"),
]


@pytest.mark.parametrize(("calendar", "days"), OFF)
def test_public_holidays_are_off(calendar: WorkingDays, days: str) -> None:
    for day in days.split():
        assert calendar.is_holiday(date.fromisoformat(day)), day
        assert not calendar.is_worked(date.fromisoformat(day)), day


@pytest.mark.parametrize(("calendar", "days"), WORKED)
def test_other_days_of_the_week_are_worked(calendar: WorkingDays, days: str) -> None:
    for day in days.split():
        assert calendar.is_worked(date.fromisoformat(day)), day


def test_working_days_of_a_year_as_counted_by_hand() -> None:
    """261 weekdays in 2026; nine French holidays fall on one of them (All Saints and Assumption on a weekend)."""
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum(map(NOWHERE.is_worked, year)) == 261
    assert sum(map(FRANCE.is_worked, year)) == 252
    assert sum(map(MOSELLE.is_worked, year)) == 251


SPANS = [
    (FRANCE, "2026-05-07T10:00", 1, "2026-05-11T10:00"),  # Victory Day is a Friday
    (FRANCE, "2026-04-30T10:00", 10, "2026-05-19T10:00"),  # two Fridays and a Thursday off
    (FRANCE, "2026-12-23T17:00", 5, "2026-12-31T17:00"),
    (MOSELLE, "2026-04-02T09:00", 2, "2026-04-08T09:00"),  # Good Friday and Easter Monday
    (AMERICA, "2026-11-25T09:00", 2, "2026-11-30T09:00"),  # Thanksgiving
    (JAPAN, "2026-05-01T09:00", 1, "2026-05-07T09:00"),  # the golden week
    (NOWHERE, "2026-05-01T09:00", 20, "2026-05-29T09:00"),
    (GULF, "2026-06-04T09:00", 1, "2026-06-07T09:00"),  # the week ends with Thursday
    (FRANCE, "2026-05-09T15:00", 1, "2026-05-11T23:59:59"),  # begun on a Saturday: Monday is the day
]


@pytest.mark.parametrize(("calendar", "start", "days", "end"), SPANS)
def test_spans_counted_by_hand(calendar: WorkingDays, start: str, days: int, end: str) -> None:
    assert calendar.after(at(start), days) == at(end)


def test_five_working_days_before_a_moment() -> None:
    assert FRANCE.before(at("2026-05-18T12:00"), 5) == at("2026-05-07T12:00")
    assert FRANCE.before(at("2026-05-17T12:00"), 1) == at("2026-05-15T12:00")


def test_time_of_working_days_is_counted_by_the_hour() -> None:
    # From Thursday 15:00 to Tuesday 10:00 with a Friday off: nine hours, Monday, ten hours.
    assert FRANCE.time_between(at("2026-05-07T15:00"), at("2026-05-12T10:00")) == timedelta(hours=9 + 24 + 10)
    assert FRANCE.later(at("2026-05-07T15:00"), timedelta(hours=43)) == at("2026-05-12T10:00")
    assert FRANCE.earlier(at("2026-05-12T10:00"), timedelta(hours=43)) == at("2026-05-07T15:00")
    assert FRANCE.time_between(at("2026-05-12T10:00"), at("2026-05-07T15:00")) == timedelta(0)


def test_holidays_that_took_a_working_day_are_told_by_name() -> None:
    told = FRANCE.holidays(date(2026, 5, 1), date(2026, 8, 31), "fr")
    assert [day.isoformat() for day, _ in told] == [
        "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25", "2026-07-14",
    ]  # fmt: skip
    assert told[0][1] == "Fête du Travail"
    assert FRANCE.holidays(date(2026, 5, 14), date(2026, 5, 14), "sw")[0][1] == "Ascension Day"
    assert NOWHERE.holidays(date(2026, 1, 1), date(2026, 12, 31)) == []


def test_what_is_known_of_countries_is_said() -> None:
    assert "57" in regions("FR")
    assert "FRA" not in countries()
    assert len(countries()) > 200
    assert (last_year("FR"), last_year("JP"), NOWHERE.last_year) == (2100, 2099, None)


@pytest.mark.parametrize("week", [frozenset(), frozenset({7})])
def test_a_week_without_a_working_day_is_refused(week: frozenset[int]) -> None:
    with pytest.raises(ValueError, match="at least one working day"):
        WorkingDays(week=week)


calendars = st.sampled_from([FRANCE, MOSELLE, AMERICA, JAPAN, NOWHERE, GULF])
moments = st.datetimes(at("2024-01-01"), at("2032-01-01")).map(lambda each: each.replace(microsecond=0))
counts = st.integers(1, 60)
lengths = st.integers(0, 60 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(calendars, moments, counts)
def test_adding_never_lands_on_a_day_off_and_takes_exactly_so_many(
    calendar: WorkingDays, start: datetime, count: int
) -> None:
    end = calendar.after(start, count)
    assert calendar.is_worked(end.date())
    passed = [start.date() + timedelta(days=n) for n in range(1, (end.date() - start.date()).days + 1)]
    assert sum(map(calendar.is_worked, passed)) == count


@given(calendars, moments, counts)
def test_adding_and_taking_away_gives_back(calendar: WorkingDays, start: datetime, count: int) -> None:
    end = calendar.after(start, count)
    back = calendar.before(end, count)
    if calendar.is_worked(start.date()):
        assert back == start
    else:
        # Begun on a day off, it counts from the end of the working day before.
        assert back < start
        assert calendar.time_between(back, start) < timedelta(seconds=2)


@given(calendars, moments, moments, counts, counts)
def test_who_starts_later_or_has_more_days_is_never_due_earlier(
    calendar: WorkingDays, one: datetime, other: datetime, few: int, many: int
) -> None:
    first, second = sorted((one, other))
    fewer, more = sorted((few, many))
    assert calendar.after(first, fewer) <= calendar.after(second, fewer)
    assert calendar.after(first, fewer) <= calendar.after(first, more)


@given(calendars, moments, lengths)
def test_time_added_is_the_time_that_passes(calendar: WorkingDays, start: datetime, length: timedelta) -> None:
    end = calendar.later(start, length)
    assert calendar.is_worked(end.date())
    assert calendar.time_between(start, end) == length
    assert calendar.later(calendar.earlier(end, length), length) - end <= timedelta(seconds=1)


@given(calendars, moments, counts)
def test_days_and_hours_agree(calendar: WorkingDays, start: datetime, count: int) -> None:
    if calendar.is_worked(start.date()):
        assert calendar.later(start, timedelta(days=count)) == calendar.after(start, count)
