"""What timers do beyond reminding: working days, repetition, escalation, refusals, pauses, and dates that move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.lifecycle import audit, definitions, queries, situation, sweeping, timers
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application, Timer
from tests import factories as make
from tests.lifecycle.schedules import Told, a_case, kept, listening, paris, steps, sweep_at, write

pytestmark = pytest.mark.usefixtures("app")

# A Tuesday; Friday 1 and Friday 8 May are holidays in France.
START = paris("2026-04-28T10:00")


@pytest.fixture(autouse=True)
def at_start() -> Iterator[None]:
    with clock.standing_at(START):
        yield


@pytest.fixture
def told() -> Iterator[Told]:
    with listening() as said:
        yield said


def generations(application: Application, name: str) -> list[tuple[int, str]]:
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Timer.generation, Timer.status)
        .where(Timer.application_id == application.id, Timer.name == name)
        .order_by(Timer.generation)
    ).all()
    db.session.rollback()
    return [(generation, status) for generation, status in rows]


def test_working_days_skip_the_holidays_of_the_country() -> None:
    application, _, _ = a_case()
    timer = kept(application, "check_sla")
    # Wednesday, Thursday, Monday, Tuesday, Wednesday.
    assert timer.due_at == paris("2026-05-06T10:00")
    assert timer.next_at == paris("2026-05-05T10:00")


def test_a_reminder_in_working_days_goes_out_on_a_working_day(told: Told) -> None:
    with clock.standing_at(paris("2026-05-04T10:00")):
        application, _, _ = a_case()
    # Due on Tuesday 12 May; the working day before is Monday, the one before that Thursday.
    assert kept(application, "check_sla").due_at == paris("2026-05-12T10:00")
    assert sweep_at(paris("2026-05-11T09:59:59")) == 0
    assert sweep_at(paris("2026-05-11T10:00")) == 1
    assert told == [("review_reminder", "check_sla:1:1-working-day")]


def test_five_days_are_days_of_the_calendar_on_the_clock_of_the_workflow() -> None:
    with clock.standing_at(paris("2026-10-20T12:00")):
        application, _, _ = a_case(("after: 5 working days", "after: 5 days"))
    assert kept(application, "check_sla").due_at == paris("2026-10-25T12:00")
    assert kept(application, "check_sla").wall == "2026-10-25T12:00:00"


def test_those_above_are_told_once_when_it_is_late_for_so_long(told: Told) -> None:
    application, _, _ = a_case()
    assert sweep_at(paris("2026-05-06T10:00")) == 1
    assert told == [("report_late", "check_sla:1:overdue")]
    # Two working days later: Thursday 7, then Monday 11, for Friday 8 is a holiday.
    assert sweep_at(paris("2026-05-11T09:59")) == 0
    assert sweep_at(paris("2026-05-11T10:00")) == 1
    assert told[1:] == [("report_missing", "check_sla:1:escalated")]
    assert sweep_at(paris("2026-06-11T10:00")) == 0
    assert kept(application, "check_sla").next_at is None


def test_those_above_are_told_late_rather_than_never(told: Told) -> None:
    a_case()
    sweep_at(paris("2026-05-29T10:00"))
    sweep_at(paris("2026-05-29T10:01"))
    assert [template for template, _ in told] == ["report_late", "report_missing"]


def test_whoever_acts_in_time_spares_those_above(told: Told) -> None:
    application, _, manager = a_case()
    sweep_at(paris("2026-05-06T10:00"))
    with clock.standing_at(paris("2026-05-07T10:00")):
        make.press(application, "accept", manager)
    assert sweep_at(paris("2026-06-11T10:00")) == 0
    assert len(told) == 1


def a_late_report() -> Application:
    application, applicant, manager = a_case(state="active")
    write(application, applicant, spent="1")
    make.press(application, "start_reporting", manager)
    return application


def test_a_late_notice_is_repeated_until_the_timer_ends(told: Told) -> None:
    application = a_late_report()
    due = kept(application, "report_due").due_at
    assert due == paris("2026-07-28T10:00")
    for days in (0, 13, 14, 27, 28):
        sweep_at(due + timedelta(days=days))
    assert [what for _, what in told] == ["report_due:1:overdue", "report_due:1:overdue-1", "report_due:1:overdue-2"]
    with clock.standing_at(due + timedelta(days=30)):
        make.press(application, "close", make.a_person(groups=[make.MANAGERS]))
    assert sweep_at(due + timedelta(days=42)) == 0
    assert len(told) == 3


def test_repetitions_that_were_missed_are_passed_over(told: Told) -> None:
    application = a_late_report()
    due = kept(application, "report_due").due_at
    assert sweep_at(due + timedelta(days=50)) == 1
    assert sweep_at(due + timedelta(days=50, seconds=5)) == 1
    assert [what for _, what in told] == ["report_due:1:overdue"]
    assert sweep_at(due + timedelta(days=50, seconds=10)) == 0
    assert sweep_at(due + timedelta(days=56)) == 1
    assert told[1:] == [("report_late", "report_due:1:overdue-4")]


def a_blocked_case(told: Told) -> tuple[Application, object, object]:
    application, applicant, manager = a_case(state="active")
    write(application, applicant, end_date="2026-06-30")
    assert sweep_at(paris("2026-06-30T23:59:59")) == 1
    assert told == [("timer_blocked", "project_end:1:blocked")]
    return application, applicant, manager


def test_what_is_refused_on_the_day_is_told_and_tried_again_every_day(told: Told) -> None:
    application, applicant, _ = a_blocked_case(told)
    timer = kept(application, "project_end")
    assert (timer.status, timer.blocked) == ("fired", "Some tranches are still open.")
    day = paris("2026-06-30T23:59:59")
    assert sweep_at(day + timedelta(hours=23)) == 0
    assert sweep_at(day + timedelta(days=1)) == 1
    assert sweep_at(day + timedelta(days=1, seconds=5)) == 0
    assert len(told) == 1
    with clock.standing_at(day + timedelta(days=1, hours=1)):
        # A saved answer is no command: the next try is tomorrow's.
        write(application, applicant, end_date="2026-06-30", spent="3")  # type: ignore[arg-type]
    assert sweep_at(day + timedelta(days=1, hours=2)) == 0
    assert sweep_at(day + timedelta(days=2)) == 1
    assert steps(application)[-1] == "start_reporting"
    assert kept(application, "project_end").blocked is None
    assert sweep_at(day + timedelta(days=3)) == 0
    assert steps(application).count("start_reporting") == 1


def test_what_was_refused_goes_through_as_soon_as_something_changes_that(told: Told) -> None:
    application, applicant, manager = a_blocked_case(told)
    day = paris("2026-06-30T23:59:59")
    with clock.standing_at(day + timedelta(hours=1)):
        make.press(application, "remark", manager)  # type: ignore[arg-type]
        assert sweeping.sweep() == 1
        assert sweeping.sweep() == 0
    assert steps(application)[-1] == "remark"
    with clock.standing_at(day + timedelta(hours=2)):
        write(application, applicant, end_date="2026-06-30", spent="3")  # type: ignore[arg-type]
        make.press(application, "remark", manager)  # type: ignore[arg-type]
        assert sweeping.sweep() == 1
    db.session.rollback()
    last = queries.history(application.id)[-1]
    assert (last.transition, last.body["key"]) == ("start_reporting", f"timer:{application.id}:project_end:1")
    assert last.actor_id is None
    assert audit.verify().is_whole


def test_who_leaves_the_state_takes_what_was_refused_with_them(told: Told) -> None:
    application, applicant, manager = a_blocked_case(told)
    with clock.standing_at(paris("2026-07-01T09:00")):
        write(application, applicant, end_date="2026-06-30", spent="3")  # type: ignore[arg-type]
        make.press(application, "start_reporting", manager)  # type: ignore[arg-type]
    assert sweep_at(paris("2026-07-03T09:00")) == 0
    assert steps(application).count("start_reporting") == 1


def test_a_service_time_stands_still_while_the_application_is_elsewhere() -> None:
    application, applicant, manager = a_case()
    with clock.standing_at(paris("2026-04-29T15:00")):
        make.press(application, "ask_back", manager)
    timer = kept(application, "check_sla")
    # Of five days: nine hours of Wednesday, Thursday, Monday, Tuesday, and ten hours of the Wednesday after.
    assert (timer.status, timer.remaining) == ("paused", (9 + 3 * 24 + 10) * 3600)
    assert sweep_at(paris("2026-05-20T15:00")) == 0
    with clock.standing_at(paris("2026-05-18T09:00")):
        make.press(application, "answer", applicant)
    timer = kept(application, "check_sla")
    assert (timer.status, timer.generation, timer.remaining) == ("armed", 1, None)
    # Fifteen hours of Monday, Tuesday, Wednesday, Thursday, and four hours of Friday.
    assert timer.due_at == paris("2026-05-22T04:00")
    assert timer.next_at == paris("2026-05-21T04:00")


def test_the_account_of_a_service_time_adds_up() -> None:
    application, applicant, manager = a_case()
    with clock.standing_at(paris("2026-04-29T15:00")):
        make.press(application, "ask_back", manager)
    lines = timers.account_of(application, "check_sla")
    assert [line.kind for line in lines] == ["started", "paused", "left"]
    assert lines[-1].length == timedelta(hours=91)
    with clock.standing_at(paris("2026-05-05T09:00")):
        make.press(application, "answer", applicant)
    lines = timers.account_of(application, "check_sla", "fr")
    assert [line.kind for line in lines] == ["started", "paused", "holiday", "due"]
    assert (lines[0].at, lines[1].at, lines[1].until) == (
        START,
        paris("2026-04-29T15:00"),
        paris("2026-05-05T09:00"),
    )
    # The first of May fell into the pause.
    assert (lines[2].day, lines[2].name) == (date(2026, 5, 8), "Fête de la Victoire")
    assert lines[-1].at == paris("2026-05-12T04:00")
    assert timers.account_of(application, "report_due") == []


def test_a_service_time_that_is_over_is_over_and_its_lateness_stands_still_too(told: Told) -> None:
    application, applicant, manager = a_case()
    sweep_at(paris("2026-05-06T10:00"))
    with clock.standing_at(paris("2026-05-07T10:00")):  # late for one working day
        make.press(application, "ask_back", manager)
    assert sweep_at(paris("2026-05-25T10:00")) == 0
    with clock.standing_at(paris("2026-05-26T10:00")):
        make.press(application, "answer", applicant)
    timer = kept(application, "check_sla")
    assert (timer.status, timer.due_at) == ("fired", paris("2026-05-06T10:00"))
    assert sweep_at(paris("2026-05-27T09:59")) == 0
    assert sweep_at(paris("2026-05-27T10:00")) == 1
    assert [what for _, what in told] == ["check_sla:1:overdue", "check_sla:1:escalated"]


def test_calendar_days_stand_still_by_the_clock_on_the_wall() -> None:
    with clock.standing_at(paris("2026-10-20T12:00")):
        application, applicant, manager = a_case(("after: 5 working days", "after: 5 days"))
    with clock.standing_at(paris("2026-10-21T12:00")):
        make.press(application, "ask_back", manager)
    with clock.standing_at(paris("2026-10-24T09:00")):
        make.press(application, "answer", applicant)
    assert kept(application, "check_sla").due_at == paris("2026-10-28T09:00")


def test_an_application_that_ends_elsewhere_ends_its_paused_timers() -> None:
    application, applicant, manager = a_case()
    make.press(application, "ask_back", manager)
    make.press(application, "withdraw", applicant)
    assert generations(application, "check_sla") == [(1, "cancelled")]


def test_a_date_that_a_step_sets_moves_its_timer_as_a_new_generation() -> None:
    application, applicant, manager = a_case(state="active")
    assert generations(application, "project_end") == []
    write(application, applicant, end_date="2026-06-30")
    assert kept(application, "project_end").due_at == paris("2026-06-30T23:59:59")
    make.press(application, "extend", manager, input={"new_end": "2026-12-31"})
    assert generations(application, "project_end") == [(1, "cancelled"), (2, "armed")]
    assert kept(application, "project_end").due_at == paris("2026-12-31T23:59:59")
    assert sweep_at(paris("2026-06-30T23:59:59")) == 0


def test_a_date_that_is_saved_moves_its_timer_and_one_that_is_emptied_ends_it() -> None:
    application, applicant, _ = a_case(state="active")
    write(application, applicant, end_date="2026-06-30")
    write(application, applicant, end_date="2026-06-30", spent="1")
    assert generations(application, "project_end") == [(1, "armed")]
    write(application, applicant, end_date="2026-07-31", spent="1")
    write(application, applicant, spent="1")
    assert generations(application, "project_end") == [(1, "cancelled"), (2, "cancelled")]
    write(application, applicant, end_date="2026-08-31", spent="1")
    assert generations(application, "project_end")[-1] == (3, "armed")


def test_a_date_that_moves_after_the_end_begins_again_only_for_what_is_to_come(told: Told) -> None:
    application, applicant, _ = a_blocked_case(told)
    with clock.standing_at(paris("2026-07-02T09:00")):
        write(application, applicant, end_date="2026-07-01")  # type: ignore[arg-type]
        assert generations(application, "project_end") == [(1, "fired")]
        write(application, applicant, end_date="2026-07-31")  # type: ignore[arg-type]
    assert generations(application, "project_end") == [(1, "fired"), (2, "armed")]
    assert sweep_at(paris("2026-07-05T09:00")) == 0


def test_a_timer_can_be_started_anew() -> None:
    application = a_late_report()
    later = START + timedelta(days=10)
    with clock.standing_at(later), transaction():
        application = queries.locked(application.id)
        workflow = definitions.get(application.definition_sha)
        facts = situation.Facts(application, workflow, SYSTEM, later, locking=True)
        timers.rearm(facts, "report_due")
        timers.rearm(facts, "report_due")
        timers.rearm(facts, "check_sla")
    assert generations(application, "report_due") == [(1, "cancelled"), (2, "armed")]
    assert kept(application, "report_due").due_at == paris("2026-08-08T10:00")
    # It stands still since the check was left, and begins with nothing but a return to it.
    assert generations(application, "check_sla") == [(1, "paused")]


def test_the_wall_time_is_the_truth_when_a_zone_gets_other_rules() -> None:
    application = a_late_report()
    due = kept(application, "report_due").due_at
    with transaction():  # as an older database of zones would have reckoned
        db.session.execute(sa.update(Timer).where(Timer.name == "report_due").values(due_at=due - timedelta(hours=1)))
    assert timers.refresh() == 1
    assert kept(application, "report_due").due_at == due
    assert timers.refresh() == 0
    with transaction():
        db.session.execute(
            sa.update(Timer)
            .where(Timer.name == "report_due")
            .values(due_at=due - timedelta(hours=1), next_at=due - timedelta(hours=1))
        )
    assert sweep_at(due - timedelta(hours=1)) == 1
    assert kept(application, "report_due").status == "armed"
    assert kept(application, "report_due").due_at == due


def test_a_holiday_that_is_new_makes_a_time_longer_and_one_struck_off_never_shorter() -> None:
    application, _, _ = a_case()
    due = kept(application, "check_sla").due_at
    for other, then in ((timedelta(days=1), due), (timedelta(days=-1), due + timedelta(days=1))):
        with transaction():  # as a calendar without 1 May, or with one day more, would have reckoned
            wall = (due - other).astimezone(START.tzinfo).strftime("%Y-%m-%dT%H:%M:%S")
            db.session.execute(sa.update(Timer).where(Timer.name == "check_sla").values(due_at=due - other, wall=wall))
        timers.refresh()
        assert kept(application, "check_sla").due_at == then
