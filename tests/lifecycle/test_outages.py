"""Outages give back the time that was lost, once; the brake keeps a mass of applications from ending unasked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from fundflow import clock
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit, brakes, commands, inputs, outages, queries, sweeping, timers
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application, Brake, Outage
from fundflow.rounds.models import Round
from tests import factories as make
from tests.lifecycle.schedules import a_case, a_clockwork, kept, listening, paris, steps, sweep_at

pytestmark = pytest.mark.usefixtures("app")

START = paris("2026-04-28T10:00")
CLOSES = paris("2026-05-12T12:00")
FROM, UNTIL = paris("2026-05-12T09:00"), paris("2026-05-12T13:00")
REASON = "The data centre lost its power."


@pytest.fixture(autouse=True)
def at_start() -> Iterator[None]:
    with clock.standing_at(START):
        yield


def a_round() -> Round:
    return make.a_round(workflow=a_clockwork(), opens_at=START - timedelta(days=1), closes_at=CLOSES)


def a_draft(round_: Round | None = None) -> tuple[Application, Any]:
    application, applicant, _ = a_case(round_=round_ or a_round(), state="draft")
    return application, applicant


def tell(begun: datetime = FROM, ended: datetime = UNTIL, **more: Any) -> Outage:
    with transaction():
        return outages.tell(begun, ended, **{"reason": REASON, "actor": SYSTEM, **more})


def test_a_deadline_within_an_outage_leaves_what_was_left_when_it_began() -> None:
    application, applicant = a_draft()
    with clock.standing_at(UNTIL):
        outage = tell()
        assert (outage.applications, outage.timers) == (1, 1)
        # Three hours were left at nine o'clock, and three hours are left at one o'clock.
        assert kept(application, "closing").due_at == paris("2026-05-12T16:00")
        assert sweeping.sweep() == 0
    with clock.standing_at(paris("2026-05-12T15:59")):
        make.press(application, "send", applicant)
    assert steps(application) == ["started", "outage", "send"]
    assert audit.verify().is_whole


def test_the_event_says_what_moved_and_why() -> None:
    application, _ = a_draft()
    manager = make.acting(make.a_person(groups=[make.ADMINISTRATORS]))
    with clock.standing_at(UNTIL):
        outage = tell(actor=manager)
    event = queries.history(application.id)[-1]
    assert (event.actor_id, event.from_state, event.to_state) == (manager.id, "draft", "draft")
    assert event.body["outage"]["id"] == str(outage.id)
    assert event.body["outage"]["timers"] == [
        {
            "timer": "closing",
            "generation": 1,
            "was": "2026-05-12T10:00:00.000000+00:00",
            "due": "2026-05-12T14:00:00.000000+00:00",
        }
    ]


def test_an_outage_told_twice_or_in_pieces_gives_back_once() -> None:
    application, _ = a_draft()
    with clock.standing_at(UNTIL + timedelta(hours=2)):
        assert tell().timers == 1
        assert tell().timers == 0
        assert tell(FROM - timedelta(hours=1), UNTIL).timers == 1
        assert tell(FROM, UNTIL + timedelta(hours=1)).timers == 1
    assert kept(application, "closing").due_at == CLOSES + timedelta(hours=6)
    assert kept(application, "closing").extended == 6 * 3600
    assert steps(application).count("outage") == 3


def test_what_was_granted_stays_when_the_round_moves_and_when_a_sweep_looks_again() -> None:
    application, _ = a_draft()
    with clock.standing_at(UNTIL):
        tell()
        later = CLOSES + timedelta(days=1)
        with transaction():
            db.session.get_one(Round, application.round_id).closes_at = later
            assert timers.rearm_round(application.round_id) == 1
    assert kept(application, "closing").due_at == later + timedelta(hours=4)


def test_a_timer_that_began_in_an_outage_gets_back_only_its_own_part() -> None:
    with clock.standing_at(FROM + timedelta(hours=2)):
        application, _ = a_draft(a_round())
    with clock.standing_at(UNTIL):
        tell()
    assert kept(application, "closing").due_at == CLOSES + timedelta(hours=2)


def test_what_ended_before_or_has_acted_or_begins_later_is_left_alone() -> None:
    gone, _ = a_draft()
    sweep_at(CLOSES + timedelta(minutes=15))
    sent, _, _ = a_case(state="check")
    with clock.standing_at(UNTIL):
        begun, _, _ = a_case(state="check")
        tell()
    assert steps(gone) == ["started", "lapse"]
    assert steps(begun) == ["started", "send"]
    # Five working days ended on 6 May, before the outage.
    assert steps(sent) == ["started", "send"]


def test_working_days_lose_nothing_by_an_outage_on_a_day_off() -> None:
    application, _, _ = a_case(state="check")
    due = kept(application, "check_sla").due_at
    with clock.standing_at(paris("2026-05-05T12:00")):
        assert tell(paris("2026-05-02T08:00"), paris("2026-05-03T20:00")).timers == 0
        assert tell(paris("2026-05-04T20:00"), paris("2026-05-05T08:00")).timers == 1
    assert kept(application, "check_sla").due_at == due + timedelta(hours=12)


def test_an_outage_needs_a_reason_and_must_be_over() -> None:
    with clock.standing_at(UNTIL):
        with pytest.raises(brakes.NoReason):
            tell(reason=" ")
        with pytest.raises(inputs.TooLong, match="at most 4000 characters"):
            tell(reason="x" * 4001)
        with pytest.raises(outages.NotOver):
            tell(FROM, UNTIL + timedelta(seconds=1))
        with pytest.raises(outages.NoSpan):
            tell(UNTIL, FROM)
    assert outages.past() == []


def test_what_an_outage_would_move_is_told_before() -> None:
    application, _ = a_draft()
    with clock.standing_at(UNTIL):
        moves = outages.preview(FROM, UNTIL)
        assert [(move.timer.name, move.due_at) for move in moves] == [("closing", CLOSES + timedelta(hours=4))]
        db.session.rollback()
    assert kept(application, "closing").due_at == CLOSES


@pytest.fixture
def at_most_two(app: Flask) -> Iterator[None]:
    settings = app.extensions["settings"]
    app.extensions["settings"] = Settings(
        instance=settings.instance, database_url=settings.database_url, secret_key=settings.secret_key, brake=2
    )
    yield
    app.extensions["settings"] = settings


END = CLOSES + timedelta(minutes=15)


@pytest.mark.usefixtures("at_most_two")
def test_more_ends_than_the_setting_allows_wait_for_a_person() -> None:
    administrator = make.a_person(groups=[make.ADMINISTRATORS])
    round_ = a_round()
    drafts = [a_draft(round_)[0] for _ in range(3)]
    assert sweep_at(END) == 0
    assert [steps(each) for each in drafts] == [["started"]] * 3
    brake = brakes.standing()
    assert brake is not None
    assert (brake.number, brake.count) == (1, 3)
    mails = db.session.scalars(sa.select(Job.payload).where(Job.kind == "mail.send")).all()
    assert [mail["email"] for mail in mails if mail["template"] == "brake"] == [administrator.email]
    db.session.rollback()
    assert sweep_at(END + timedelta(seconds=5)) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Brake)) == 1
    db.session.rollback()
    with clock.standing_at(END + timedelta(minutes=10)):
        with pytest.raises(brakes.NoReason), transaction():
            brakes.release(1, " ", make.acting(administrator))
        with transaction():
            brakes.release(1, "The round closed, as it should.", make.acting(administrator))
        assert sweeping.sweep() == 3
    assert [steps(each)[-1] for each in drafts] == ["lapse"] * 3
    with pytest.raises(brakes.ReleasedAlready), transaction():
        brakes.release(1, "Again.", make.acting(administrator))
    kept_ = db.session.get_one(Brake, 1)
    assert (kept_.released_by, kept_.reason) == (administrator.id, "The round closed, as it should.")


@pytest.mark.usefixtures("at_most_two")
def test_as_many_as_the_setting_allows_go_on_unasked_minute_by_minute() -> None:
    round_ = a_round()
    drafts = [a_draft(round_)[0] for _ in range(2)]
    assert sweep_at(END) == 2
    with clock.standing_at(START):
        later = a_round()
        drafts += [a_draft(later)[0]]
    # One more within the same minute is one too many, whoever sweeps; a minute later it is not.
    assert sweep_at(END + timedelta(seconds=30)) == 0
    assert brakes.standing() is not None
    with clock.standing_at(END + timedelta(seconds=40)), transaction():
        brakes.release(1, "Counted.", SYSTEM)
    assert sweep_at(END + timedelta(seconds=45)) == 1
    assert [steps(each)[-1] for each in drafts] == ["lapse"] * 3


@pytest.mark.usefixtures("at_most_two")
def test_the_brake_stops_no_reminder_and_no_person() -> None:
    round_ = a_round()
    for _ in range(3):
        a_draft(round_)
    case, _, manager = a_case(round_=round_, state="check")
    with listening() as told:
        assert sweep_at(END) == 1
    assert [what for _, what in told] == ["check_sla:1:overdue"]
    assert brakes.standing() is not None
    with clock.standing_at(END + timedelta(minutes=1)):
        make.press(case, "accept", manager)
    assert steps(case)[-1] == "accept"


@pytest.mark.usefixtures("at_most_two")
def test_a_clock_that_jumped_and_was_set_right_ends_nobody() -> None:
    round_ = a_round()
    drafts = [a_draft(round_)[0] for _ in range(3)]
    assert sweep_at(END) == 0
    with clock.standing_at(START + timedelta(minutes=1)):  # the clock is right again
        with transaction():
            brakes.release(1, "The clock was wrong.", SYSTEM)
        assert sweeping.sweep() == 0
    assert [steps(each) for each in drafts] == [["started"]] * 3
    # What was let go on then is nothing that is due now: the brake holds again.
    assert sweep_at(END) == 0
    assert brakes.standing() is not None


@pytest.mark.usefixtures("at_most_two")
def test_an_outage_releases_the_brake_that_it_explains() -> None:
    round_ = a_round()
    drafts = [a_draft(round_)[0] for _ in range(3)]
    with clock.standing_at(UNTIL):
        assert sweeping.sweep() == 0
        assert brakes.standing() is not None
        tell()
        assert brakes.standing() is None
        assert sweeping.sweep() == 0
    assert [steps(each) for each in drafts] == [["started", "outage"]] * 3
    assert db.session.get_one(Brake, 1).reason == REASON


def test_the_setting_is_two_hundred_unless_said_otherwise() -> None:
    assert current_app.extensions["settings"].brake == brakes.most() == 200


def test_a_late_submit_is_refused_while_the_brake_is_on() -> None:
    application, applicant = a_draft()
    with transaction():
        db.session.add(Brake(number=1, since=END, count=500))
    with clock.standing_at(END + timedelta(seconds=1)):
        assert sweeping.sweep() == 0
        with pytest.raises(commands.NotAllowed, match="deadline"):
            make.press(application, "send", applicant)
