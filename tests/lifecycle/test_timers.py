"""Timers: reminders at their moment and not in bursts, ends exactly once, deadlines that hold without any sweep."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.ledger.service import NotEnoughLeft
from fundflow.lifecycle import commands, queries, registry, sweeping, timers
from fundflow.lifecycle.models import Application, Timer
from fundflow.rounds.models import Round
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round

pytestmark = pytest.mark.usefixtures("app")

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSES = datetime(2026, 4, 1, 10, 0, tzinfo=UTC)
GRACE = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def at_start() -> Iterator[None]:
    with clock.standing_at(START):
        yield


@pytest.fixture
def told() -> Iterator[list[tuple[str, str]]]:
    """What the notifier was asked to say: template, and the key after the application's id."""
    said: list[tuple[str, str]] = []

    def note(application: Application, template: str, roles: Any, key: str, facts: Any) -> None:
        assert facts["due_at"].tzinfo is not None
        said.append((template, key.partition(str(application.id) + ":")[2]))

    before = list(registry.notifiers)
    registry.notifiers[:] = [note]
    yield said
    registry.notifiers[:] = before


def a_draft(**more: Any) -> Application:
    return a_toy(a_toy_round(opens_at=START - timedelta(days=1), closes_at=CLOSES), **more)


def sweep_at(instant: datetime) -> int:
    with clock.standing_at(instant):
        return sweeping.sweep()


def kept(application: Application, name: str = "closing") -> Timer:
    db.session.rollback()
    return db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.name == name)
        .order_by(Timer.generation.desc())
        .execution_options(populate_existing=True)
    ).first()  # type: ignore[return-value]


def last(application: Application) -> str:
    db.session.rollback()
    transition: str = queries.history(application.id)[-1].transition
    db.session.rollback()  # a reader of SQLite that stays holds up every writer
    return transition


def test_a_timer_is_armed_with_the_state_it_runs_in() -> None:
    application = a_draft()
    timer = kept(application)
    assert timer.due_at == CLOSES
    assert timer.act_at == CLOSES + GRACE
    assert (timer.wall, timer.zone) == ("2026-04-01T12:00:00", "Europe/Paris")
    # Reminders go by the wall clock: a week before is the same hour, though the clocks changed in between.
    assert timer.next_at == datetime(2026, 3, 25, 11, 0, tzinfo=UTC)
    assert timers.due(application) == [("closing", CLOSES)]


def test_leaving_the_state_cancels_its_timer_and_coming_back_arms_a_new_one() -> None:
    focal = make.a_person()
    application = a_draft(applicant=focal, state="sent")
    assert kept(application).status == "cancelled"
    assert kept(application, "answer").due_at == START + timedelta(days=10)
    make.press(application, "return", make.a_person(groups=[make.MANAGERS]), reason="More, please.")
    assert (kept(application).generation, kept(application).status) == (2, "armed")
    assert kept(application, "answer").status == "cancelled"


def test_reminders_go_out_at_their_moments_once_each(told: list[tuple[str, str]]) -> None:
    application = a_draft()
    week, day = datetime(2026, 3, 25, 11, tzinfo=UTC), datetime(2026, 3, 31, 10, tzinfo=UTC)
    assert sweep_at(week - timedelta(seconds=1)) == 0
    assert sweep_at(week) == 1
    assert sweep_at(week + timedelta(seconds=5)) == 0
    assert told == [("closing_soon", "closing:1:7-days")]
    assert sweep_at(day + timedelta(minutes=2)) == 1
    assert told == [("closing_soon", "closing:1:7-days"), ("closing_soon", "closing:1:1-day")]
    assert kept(application).next_at == CLOSES + GRACE


def test_reminders_missed_while_nothing_ran_are_passed_over(told: list[tuple[str, str]]) -> None:
    application = a_draft()
    assert sweep_at(CLOSES - timedelta(hours=3)) == 1
    assert told == []
    assert kept(application).reminded == ["7 days", "1 day"]


def test_a_timer_armed_late_does_not_remind_of_what_is_past(told: list[tuple[str, str]]) -> None:
    with clock.standing_at(CLOSES - timedelta(days=3)):
        application = a_draft()
    assert kept(application).reminded == ["7 days"]
    assert sweep_at(CLOSES - timedelta(days=1)) == 1
    assert told == [("closing_soon", "closing:1:1-day")]


def test_at_the_very_second_of_the_end_of_grace_either_the_submit_or_the_lapse_happens() -> None:
    focal = make.a_person()
    in_time, too_late = a_draft(applicant=focal), a_draft()
    with clock.standing_at(CLOSES + GRACE):
        make.press(in_time, "send", focal)
        assert sweeping.sweep() == 1
    assert last(in_time) == "send"
    assert last(too_late) == "lapse"
    assert kept(too_late).status == "fired"
    assert sweep_at(CLOSES + GRACE + timedelta(days=1)) == 0


def test_a_timer_does_not_act_before_its_grace_is_over() -> None:
    application = a_draft()
    sweep_at(CLOSES + GRACE - timedelta(microseconds=1))
    assert last(application) == "started"


def test_a_deadline_holds_though_no_sweep_ran_for_days() -> None:
    focal = make.a_person()
    application = a_draft(applicant=focal)
    with clock.standing_at(CLOSES + timedelta(days=2)):
        with pytest.raises(commands.NotAllowed, match="The deadline passed on 1 April 2026, 12:00"):
            make.press(application, "send", focal)
        assert sweeping.sweep() == 1
    assert last(application) == "lapse"


def test_a_clock_that_steps_back_fires_nothing_again_and_takes_nothing_back() -> None:
    application = a_draft()
    sweep_at(CLOSES + GRACE)
    assert sweep_at(CLOSES - timedelta(days=1)) == 0
    assert sweep_at(CLOSES + GRACE) == 0
    assert [event.transition for event in queries.history(application.id)] == ["started", "lapse"]


def test_the_lapse_is_an_act_of_the_system_under_the_key_of_the_timer() -> None:
    application = a_draft()
    sweep_at(CLOSES + GRACE)
    db.session.rollback()
    event = queries.history(application.id)[-1]
    assert event.actor_id is None
    assert event.body["key"] == f"timer:{application.id}:closing:1"
    db.session.refresh(application)
    assert application.outcome == "lapsed"


def test_a_round_that_closes_later_moves_every_running_timer() -> None:
    focal = make.a_person()
    application = a_draft(applicant=focal)
    sent = a_toy(db.session.get_one(Round, application.round_id), state="sent")
    later = CLOSES + timedelta(days=7)
    with transaction():
        db.session.get_one(Round, application.round_id).closes_at = later
        assert timers.rearm_round(application.round_id) == 1
    assert kept(application).due_at == later
    assert kept(sent).status == "cancelled"
    sweep_at(CLOSES + GRACE)
    assert last(application) == "started"
    with clock.standing_at(CLOSES + timedelta(days=1)):
        make.press(application, "send", focal)


def test_a_timer_that_follows_the_round_is_told_in_the_rounds_own_zone() -> None:
    application = a_draft()
    round_ = db.session.get_one(Round, application.round_id)
    with transaction():
        round_.zone = "America/New_York"
        assert timers.rearm_round(round_.id) == 1
    timer = kept(application)
    assert (timer.wall, timer.zone, timer.due_at) == ("2026-04-01T06:00:00", "America/New_York", CLOSES)


def test_a_timer_looks_again_at_what_it_aims_at_before_it_acts() -> None:
    """An application that came into the state while the round was being moved was armed with the old moment."""
    application = a_draft()
    with transaction():
        db.session.get_one(Round, application.round_id).closes_at = CLOSES + timedelta(days=7)
    sweep_at(CLOSES + GRACE)
    assert last(application) == "started"
    assert kept(application).due_at == CLOSES + timedelta(days=7)


def test_a_late_notice_is_sent_once(told: list[tuple[str, str]]) -> None:
    application = a_draft(state="sent")
    due = kept(application, "answer").due_at
    told.clear()
    assert sweep_at(due) == 1
    assert sweep_at(due + timedelta(hours=1)) == 0
    assert told == [("report_late", "answer:1:overdue")]
    assert kept(application, "answer").status == "fired"
    assert last(application) == "send"


def test_a_timer_whose_transition_is_refused_says_why_and_does_not_try_for_ever() -> None:
    application = a_draft()

    @registry.entering
    def refuse(ctx: registry.EffectContext) -> None:
        raise NotEnoughLeft(available="nothing", amount="it")

    try:
        assert sweep_at(CLOSES + GRACE) == 1
        assert sweep_at(CLOSES + timedelta(days=1)) == 0
    finally:
        registry.entering_hooks.remove(refuse)
    assert last(application) == "started"
    timer = kept(application)
    assert timer.status == "fired"
    assert timer.blocked == "Only nothing is left in this round, so it cannot be set aside."


def test_one_timer_that_fails_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = a_draft(), a_draft()

    @registry.entering
    def fall(ctx: registry.EffectContext) -> None:
        if ctx.application.id == broken.id:
            raise ZeroDivisionError

    try:
        assert sweep_at(CLOSES + GRACE) == 1
    finally:
        registry.entering_hooks.remove(fall)
    assert last(fine) == "lapse"
    assert last(broken) == "started"
    assert sweep_at(CLOSES + GRACE + timedelta(minutes=6)) == 1
    assert last(broken) == "lapse"


def test_a_time_that_clocks_show_twice_is_the_later_one() -> None:
    """In favour of whoever has the deadline: 25 October 2026, 02:30 in Paris comes twice."""
    after = ("answer: {in: sent, after: 10 days", "answer: {in: sent, after: 7 months")
    with clock.standing_at(datetime(2026, 3, 25, 1, 30, tzinfo=UTC)):
        focal = make.a_person()
        opened = clock.now() - timedelta(days=1)
        application = a_toy(a_toy_round(after, opens_at=opened, closes_at=CLOSES), applicant=focal, state="sent")
    assert kept(application, "answer").wall == "2026-10-25T02:30:00"
    assert kept(application, "answer").due_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_due_at_is_never_earlier_than_the_wall_time_that_was_promised() -> None:
    application = a_draft()
    with transaction():
        db.session.get_one(Round, application.round_id).closes_at = CLOSES
        assert timers.rearm_round(application.round_id) == 0


def test_a_running_worker_sweeps_by_itself(app: Flask) -> None:
    application = a_draft()
    db.session.rollback()
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop, app))
    with clock.standing_at(CLOSES + GRACE):
        thread.start()
        try:
            until = time.monotonic() + 20
            while last(application) != "lapse" and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            stop.set()
            thread.join(10)
    assert last(application) == "lapse"
