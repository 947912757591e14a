"""The pages of rounds, for the public and for managers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.lifecycle.actor import SYSTEM
from fundflow.rounds import process, queries, service
from fundflow.rounds.models import Round
from tests import factories
from tests.people import sign_in
from tests.rounds.plans import a_draft

TYPED = {
    "title": "Climate 2027",
    "slug": "",
    "window": "new",
    "new_window": "Climate",
    "theme": "Heat",
    "summary": "For cities that prepare.",
    "text": "What is funded.",
    "zone": "Africa/Banjul",
    "opens": "2027-01-01T09:00",
    "closes": "2027-03-31T17:00",
    "currency": "EUR",
    "floor": "1,000.50",
    "cap": "50 000",
    "budget": "100000",
    "workflow": "small-grant",
}


@pytest.fixture
def manager(app: Flask, client: FlaskClient) -> FlaskClient:
    """A browser in which a manager of every round is signed in."""
    sign_in(client, factories.a_person(groups=["fund-managers"]))
    return client


def a_published() -> Round:
    with clock.standing_at(datetime(2026, 12, 1, tzinfo=UTC)), transaction():
        return service.publish(a_draft(), actor=SYSTEM)


def test_visitor_reads_the_terms_every_question_and_how_it_is_decided(app: Flask, client: FlaskClient) -> None:
    round_ = a_published()
    client.set_cookie("zone", "Asia/Manila")
    with clock.standing_at(datetime(2027, 2, 1, tzinfo=UTC)):
        page = client.get(f"/rounds/{round_.slug}").text
    assert "€5,000.00 to €50,000.00" in page
    assert "31 March 2027, 17:00 (Paris, UTC+2)" in page
    assert "31 March 2027, 23:00" in page  # on the reader's own clock
    assert "<strong>Closes in " in page
    assert "Letter of the mayor" in page
    assert "What would you tell another city?" in page
    assert "Fund manager: “Approve the grant” leads to “Approved”." in page
    assert page.count("<svg xmlns") >= 2 and "flow--wide" in page and "flow--tall" in page
    assert "Every step of the workflow" in page and "commits money" in page
    assert ">Apply<" in page


def test_every_deadline_of_a_process_is_told_with_its_length(app: Flask) -> None:
    with app.test_request_context():
        steps = process.steps(factories.a_workflow("global-cities-fund"), "en")
    lines = [line for step in steps for line in step.lines]
    assert "Eligibility check due: after 10 working days." in lines and "Final report due: after 3 months." in lines
    assert not [line for line in lines if line.endswith("after .")]


def test_closed_round_takes_no_more_applications(app: Flask, client: FlaskClient) -> None:
    round_ = a_published()
    with clock.standing_at(datetime(2027, 5, 1, tzinfo=UTC)):
        assert ">Apply<" not in client.get(f"/rounds/{round_.slug}").text
        assert round_.title in client.get("/rounds").text


def test_draft_does_not_exist_for_visitors(app: Flask, client: FlaskClient) -> None:
    with transaction():
        round_ = a_draft()
    assert client.get(f"/rounds/{round_.slug}").status_code == 404
    assert client.get("/rounds/%00").status_code == 404
    assert round_.title not in client.get("/rounds").text


def test_manager_writes_a_round_and_publishes_it(manager: FlaskClient) -> None:
    with clock.standing_at(datetime(2026, 12, 1, tzinfo=UTC)):
        answer = manager.post("/manage/rounds/new", data=TYPED)
        assert answer.status_code == 303, answer.text
        round_ = queries.round_for(factories.acting(factories.a_person(groups=["auditors"])), "climate-2027")
        assert str(round_.floor) == "1000.50 EUR"
        assert round_.window.name == "Climate"
        assert "This is your preview" in manager.get("/manage/rounds/climate-2027").text
        answer = manager.post("/manage/rounds/climate-2027/publish", data={"revision": str(round_.revision)})
        assert answer.headers["Location"] == "/rounds/climate-2027"
    db.session.expire_all()
    assert round_.status == "published"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"floor": "1e9"}, "is not an amount of money"),
        ({"cap": "-1"}, "is not an amount of money"),
        ({"budget": "NaN"}, "is not an amount of money"),
        ({"budget": "100.001"}, "at most 2 decimal places"),
        ({"closes": "2027-02-30T17:00"}, "is not a date and time"),
        ({"closes": ""}, "is not a date and time"),
        ({"zone": "Mars/Olympus"}, "is not a time zone"),
        ({"currency": "EURO"}, "is not a currency code"),
        ({"workflow": "../../etc/passwd"}, "is not a workflow"),
        ({"window": "nonsense"}, "Not a valid choice"),
        ({"title": ""}, "Give the round a title."),
        ({"new_window": ""}, "Choose a window, or name a new one."),
    ],
)
def test_what_cannot_be_read_is_told_and_kept(manager: FlaskClient, changes: dict[str, str], says: str) -> None:
    answer = manager.post("/manage/rounds/new", data={**TYPED, **changes})
    assert answer.status_code == 422
    assert says in answer.text
    assert "For cities that prepare." in answer.text
    for typed in changes.values():
        if typed and says != "Not a valid choice":
            assert typed in answer.text
    assert db.session.query(Round).count() == 0


def test_second_manager_is_shown_what_the_first_saved_and_loses_nothing(manager: FlaskClient) -> None:
    with transaction():
        round_ = a_draft()
    typed = {**TYPED, "slug": round_.slug, "window": str(round_.window_id), "revision": str(round_.revision)}
    with transaction():
        round_.summary = "Saved by the first."
    answer = manager.post(f"/manage/rounds/{round_.slug}/edit", data=typed)
    assert answer.status_code == 409
    assert "Saved by the first." in answer.text
    assert "For cities that prepare." in answer.text
    again = {**typed, "revision": str(round_.revision)}
    assert f'value="{round_.revision}"' in answer.text
    assert manager.post(f"/manage/rounds/{round_.slug}/edit", data=again).status_code == 303


def test_published_round_asks_only_for_what_may_still_change(manager: FlaskClient) -> None:
    round_ = a_published()
    page = manager.get(f"/manage/rounds/{round_.slug}/edit").text
    assert 'name="closes"' in page
    assert 'name="budget"' not in page
    sent = {**TYPED, "title": "Better title", "closes": "2027-03-01T17:00", "revision": str(round_.revision)}
    answer = manager.post(f"/manage/rounds/{round_.slug}/edit", data=sent)
    assert answer.status_code == 422
    assert "never earlier" in answer.text
    answer = manager.post(f"/manage/rounds/{round_.slug}/edit", data={**sent, "closes": "2027-04-30T17:00"})
    assert answer.status_code == 303
    db.session.expire_all()
    assert (round_.title, round_.closes_wall, round_.budget_minor) == ("Better title", "2027-04-30T17:00", 10_000_000)


def test_copy_opens_for_editing(manager: FlaskClient) -> None:
    round_ = a_published()
    answer = manager.post(f"/manage/rounds/{round_.slug}/clone")
    assert answer.headers["Location"] == "/manage/rounds/small-2027-2/edit"
    assert 'value="2028-03-29T17:00"' in manager.get(answer.headers["Location"]).text


def test_publishing_what_somebody_just_changed_is_refused(manager: FlaskClient) -> None:
    with transaction():
        round_ = a_draft()
    answer = manager.post(f"/manage/rounds/{round_.slug}/publish", data={"revision": "99"})
    assert answer.status_code == 409
    assert "Somebody else changed this round" in answer.text
    assert round_.status == "draft"


def test_manager_of_one_round_is_not_offered_new_ones(app: Flask, client: FlaskClient) -> None:
    with transaction():
        mine, other = a_draft(slug="mine"), a_draft(slug="other")
    sign_in(client, factories.a_person(groups=[("fund-managers", mine)]))
    assert client.get("/manage/rounds/mine").status_code == 200
    assert client.get("/manage/rounds/other").status_code == 404
    assert client.post("/manage/rounds/other/publish", data={"revision": "1"}).status_code == 404
    assert client.get("/manage/rounds/new").status_code == 403
    assert client.post("/manage/rounds/mine/clone").status_code == 403
    assert other.status == "draft"


def test_time_that_happens_twice_is_explained(app: Flask, client: FlaskClient) -> None:
    with clock.standing_at(datetime(2026, 12, 1, tzinfo=UTC)), transaction():
        round_ = service.publish(a_draft(closes_wall="2027-10-31T02:30"), actor=SYSTEM)
        page = client.get(f"/rounds/{round_.slug}").text
    assert "the later one counts" in page
    assert "31 October 2027, 02:30 (Paris, UTC+1)" in page
