"""The administrators' page of deadlines, and what people see of a step that could not happen by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.lifecycle import brakes
from fundflow.lifecycle.models import Brake
from tests import factories as make
from tests.lifecycle.schedules import a_case, a_clockwork, kept, paris, steps, sweep_at, write
from tests.people import sign_in

START = paris("2026-04-28T10:00")
CLOSES = paris("2026-05-12T12:00")
END = CLOSES + timedelta(minutes=15)
SPAN = {"begun": "2026-05-12T07:00", "ended": "2026-05-12T11:00"}  # by the clock of UTC


@pytest.fixture(autouse=True)
def at_start(app: Flask) -> Iterator[None]:
    with clock.standing_at(START):
        yield


@pytest.fixture
def administrator(client: FlaskClient) -> FlaskClient:
    """A browser in which an administrator is signed in."""
    sign_in(client, make.a_person("Ada", groups=[make.ADMINISTRATORS]))
    return client


def test_the_brake_is_shown_with_what_waits_and_let_go_with_a_reason(administrator: FlaskClient) -> None:
    round_ = make.a_round(workflow=a_clockwork(), opens_at=START - timedelta(days=1), closes_at=CLOSES)
    application, _, _ = a_case(round_=round_, state="draft")
    with transaction():
        db.session.add(Brake(number=1, since=END, count=240))
    with clock.standing_at(END):
        assert "Deadlines wait for you" in administrator.get("/home").text
        page = administrator.get("/admin/timers").text
        assert "The brake is on" in page
        assert round_.title in page
        assert "Lapse" in page
        refused = administrator.post("/admin/timers/brakes/1/release", data={"reason": " "})
        assert refused.status_code == 422
        assert "Say why" in refused.text
        assert administrator.post("/admin/timers/brakes/1/release", data={"reason": "It closed."}).status_code == 303
        again = administrator.post("/admin/timers/brakes/1/release", data={"reason": "It closed."})
        assert again.status_code == 409
        page = administrator.get("/admin/timers").text
        assert "Nothing is held back" in page
        assert "It closed." in page
        assert "Ada" in page
    assert sweep_at(END) == 1
    assert steps(application)[-1] == "lapse"


def test_an_outage_is_looked_at_before_it_moves_anything(administrator: FlaskClient) -> None:
    round_ = make.a_round(workflow=a_clockwork(), opens_at=START - timedelta(days=1), closes_at=CLOSES)
    application, _, _ = a_case(round_=round_, state="draft")
    with clock.standing_at(paris("2026-05-12T13:00")):
        first = administrator.post("/admin/timers/outages", data={**SPAN, "why": "No power."})
        assert first.status_code == 200
        assert "This moves 1 deadlines of 1 applications" in first.text
        assert "No power." in first.text
        assert kept(application, "closing").due_at == CLOSES
        second = administrator.post("/admin/timers/outages", data={**SPAN, "why": "No power.", "sure": "yes"})
        assert second.status_code == 303
        assert kept(application, "closing").due_at == CLOSES + timedelta(hours=4)
        assert (
            administrator.post("/admin/timers/outages", data={**SPAN, "why": "No power.", "sure": "yes"}).status_code
            == 303
        )
        assert kept(application, "closing").due_at == CLOSES + timedelta(hours=4)
        assert "No power." in administrator.get("/admin/timers").text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"begun": "yesterday"}, "is not a date and time"),
        ({"why": ""}, "Say why"),
        ({"why": " \u200b "}, "Say why"),
        ({"ended": "2026-05-12T06:00"}, "An outage ends after it begins"),
        ({"ended": "2026-05-13T06:00"}, "once it is over"),
    ],
)
def test_an_outage_that_cannot_be_is_refused_with_what_was_typed(
    administrator: FlaskClient, change: dict[str, str], says: str
) -> None:
    with clock.standing_at(paris("2026-05-12T13:00")):
        answer = administrator.post("/admin/timers/outages", data={**SPAN, "why": "No power.", **change})
    assert answer.status_code == 422
    assert says in answer.text
    assert change.get("begun", SPAN["begun"]) in answer.text


def test_a_step_that_could_not_happen_by_itself_waits_for_whoever_can_mend_that(client: FlaskClient) -> None:
    application, applicant, manager = a_case(state="active")
    write(application, applicant, end_date="2026-06-30")
    sweep_at(paris("2026-06-30T23:59:59"))
    with clock.standing_at(paris("2026-07-01T09:00")):
        sign_in(client, manager)
        home = client.get("/home").text
        assert "Could not happen by itself: Start reporting" in home
        assert "Some tranches are still open." in home
        page = client.get(f"/applications/{application.id}").text
        assert "Could not happen by itself: Start reporting" in page
        sign_in(client, applicant)
        assert "Could not happen by itself" not in client.get(f"/applications/{application.id}").text


def test_the_page_says_how_a_service_time_was_counted(client: FlaskClient) -> None:
    application, applicant, manager = a_case()
    with clock.standing_at(paris("2026-04-29T15:00")):
        make.press(application, "ask_back", manager)
    with clock.standing_at(paris("2026-05-05T09:00")):
        make.press(application, "answer", applicant)
        sign_in(client, manager)
        page = client.get(f"/applications/{application.id}").text
    assert "Stood still from" in page
    assert "Not counted: 8 May 2026" in page


def test_nobody_is_asked_while_nothing_is_held_back(administrator: FlaskClient) -> None:
    assert brakes.standing() is None
    assert "Deadlines wait for you" not in administrator.get("/home").text


def test_a_reason_that_no_database_keeps_whole_is_kept_without_what_it_cannot_keep(administrator: FlaskClient) -> None:
    with clock.standing_at(paris("2026-05-12T13:00")):
        told = {**SPAN, "why": "No\x00 power.", "sure": "yes"}
        assert administrator.post("/admin/timers/outages", data=told).status_code == 303
        assert "No power." in administrator.get("/admin/timers").text
