"""Deadlines under many sweeping processes, clocks that jump and step back, and submits at the very second."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock
from fundflow.accounts.models import City, TeamMember, User
from fundflow.applications import service as applications
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.lifecycle import audit, commands, sweeping
from fundflow.lifecycle.models import Application, Brake, Command, Event, Timer
from fundflow.rounds.models import Round
from tests import factories as make
from tests import processes
from tests.conftest import ON_POSTGRES
from tests.lifecycle.toys import a_toy_round

SWEEPERS, DRAFTS = 6, 500
many_processes = pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database serves one process")
GRACE = timedelta(minutes=15)

SWEEP = """
from dataclasses import replace
from datetime import timedelta
from fundflow import clock
from fundflow.lifecycle import sweeping
app.extensions["settings"] = replace(app.extensions["settings"], brake={brake})
begin()
for seconds, times in {phases}:
    done = 0
    with clock.shifted(timedelta(seconds=seconds)):
        for _ in range(times):
            done += sweeping.sweep()
    print(done)
"""
"""A process that sweeps so many times with its clock so far ahead, then with another, and says what it did in each."""


def a_full_round(count: int, closes_at: datetime) -> tuple[Round, User]:
    """A round with so many drafts of one person's cities, a city for each, started in one transaction."""
    round_ = a_toy_round(closes_at=closes_at)
    focal = make.a_person()
    with transaction():
        more = {"country": "KE", "kind": "city", "population": 250_000, "languages": ["en"], "created_by": focal.id}
        cities = [City(id=uuid4(), name=f"City {n}", **more) for n in range(count)]
        db.session.add_all(cities)
        db.session.flush()
        db.session.add_all(TeamMember(city_id=each.id, user_id=focal.id, duty="focal_point") for each in cities)
    actor = make.acting(focal)
    with transaction():
        for city in cities:
            applications.start(round_, city, actor)
    return round_, focal


def happened() -> Counter[str]:
    """How often each transition stands in the record."""
    db.session.rollback()
    counted = db.session.execute(sa.select(Event.transition, sa.func.count()).group_by(Event.transition)).all()
    db.session.rollback()
    return Counter(dict(counted))


@many_processes
@pytest.mark.usefixtures("app")
def test_six_sweepers_and_a_clock_two_hours_ahead_let_every_draft_lapse_exactly_once(settings: Settings) -> None:
    """Each has the right time first, then a clock two hours past the deadline, then one that was set back."""
    a_full_round(DRAFTS, clock.now() + timedelta(hours=1))
    body = SWEEP.format(brake=100_000, phases=[(0, 2), (7200, 10), (-7200, 2)])
    said = [list(map(int, each.split())) for each in processes.run_all(settings, [body] * SWEEPERS)]
    now, ahead, back = (sum(column) for column in zip(*said, strict=True))
    assert (now, ahead, back) == (0, DRAFTS, 0)
    assert happened() == {"started": DRAFTS, "lapse": DRAFTS}
    keys = db.session.scalars(sa.select(Command.key).where(Command.transition == "lapse")).all()
    assert len(set(keys)) == DRAFTS
    assert all(key.endswith(":closing:1") for key in keys)
    ended = sa.select(sa.func.count()).where(Application.outcome == "lapsed")
    assert db.session.scalar(ended) == DRAFTS
    assert db.session.scalar(sa.select(sa.func.count()).where(Timer.status == "fired")) == DRAFTS
    assert audit.verify().is_whole


@many_processes
@pytest.mark.usefixtures("app")
def test_a_clock_two_hours_ahead_ends_nobody_where_the_brake_holds(settings: Settings) -> None:
    """Three sweepers see more ends than the setting allows: they put one brake on, and nothing lapses."""
    a_full_round(21, clock.now() + timedelta(hours=1))
    said = processes.run_all(settings, [SWEEP.format(brake=20, phases=[(7200, 3)])] * 3)
    assert [int(each) for each in said] == [0, 0, 0]
    assert happened() == {"started": 21}
    assert db.session.execute(sa.select(Brake.number, Brake.count)).all() == [(1, 21)]


SUBMIT = """
from datetime import UTC, datetime, timedelta
from fundflow import clock
from fundflow.accounts.queries import actor_for
from fundflow.errors import Refused
from fundflow.lifecycle import commands
actor = actor_for(UUID({focal!r}))
ids = [UUID(each) for each in {ids!r}]
db.session.rollback()
begin()
sent = 0
with clock.shifted(timedelta(seconds={ahead})):
    for application_id in ids:
        try:
            with transaction():
                commands.fire(application_id, "send", actor=actor, key=f"send:{{application_id}}", revision=1)
            sent += 1
        except Refused:
            pass
print(sent)
"""
SWEEP_ON = """
from datetime import UTC, datetime, timedelta
from fundflow import clock
from fundflow.lifecycle import sweeping
begin()
with clock.shifted(timedelta(seconds={ahead})):
    for _ in range(20):
        sweeping.sweep()
        time.sleep(0.05)
print(0)
"""


@many_processes
@pytest.mark.usefixtures("app")
def test_submits_against_sweepers_at_the_very_second_are_sent_or_lapse_and_never_both(settings: Settings) -> None:
    round_, focal = a_full_round(0, clock.now() + timedelta(hours=1))
    ids = []
    for _ in range(60):
        application = make.started(round_, make.a_city(focal_point=focal), focal)
        make.fill(application, "ask", focal)
        ids.append(application.id)
    last = round_.closes_at + GRACE
    # Each clock is so far ahead that the end of the grace comes 300 ms after all processes began, and runs on.
    ahead = f"(datetime.fromisoformat({last.isoformat()!r}) - datetime.now(UTC)).total_seconds() - 0.3"
    sends = [SUBMIT.format(focal=str(focal.id), ids=[str(each) for each in ids[n::3]], ahead=ahead) for n in range(3)]
    bodies = [*sends, *[SWEEP_ON.format(ahead=ahead)] * 3]
    said = [int(each) for each in processes.run_all(settings, bodies)]
    with clock.standing_at(last + timedelta(hours=2)):
        while sweeping.sweep():
            pass
    counted = happened()
    assert counted["send"] == sum(said[:3])
    assert counted["send"] + counted["lapse"] == 60
    by_application = db.session.execute(
        sa.select(Event.application_id, sa.func.count())
        .where(Event.transition.in_(("send", "lapse")))
        .group_by(Event.application_id)
    ).all()
    assert {times for _, times in by_application} == {1}
    # Nothing was sent that the database received after the grace.
    received = [
        datetime.fromisoformat(body["received_at"])
        for body in db.session.scalars(sa.select(Event.body).where(Event.transition == "send"))
    ]
    assert all(each <= last for each in received)
    assert audit.verify().is_whole


def test_after_two_days_without_any_sweep_a_late_submit_is_refused_all_the_same(app: Flask) -> None:
    round_, focal = a_full_round(3, clock.now() + timedelta(hours=1))
    ids: list[UUID] = list(db.session.scalars(sa.select(Application.id).where(Application.round_id == round_.id)))
    db.session.rollback()
    for each in ids:
        make.fill(db.session.get_one(Application, each), "ask", focal)
    with clock.shifted(timedelta(days=2)):
        for each in ids:
            with pytest.raises(commands.NotAllowed, match="deadline"), transaction():
                commands.fire(each, "send", actor=make.acting(focal), key=str(uuid4()), revision=1)
        assert happened() == {"started": 3}
        assert sweeping.sweep() == 3
        assert sweeping.sweep() == 0
    assert happened() == {"started": 3, "lapse": 3}
