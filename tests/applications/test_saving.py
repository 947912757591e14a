"""Answers are kept as they are typed, by several colleagues, without ever losing or overwriting any."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from fundflow import clock
from fundflow.applications import queries, service
from fundflow.db import db, transaction
from fundflow.lifecycle.actor import SYSTEM
from tests import factories as make
from tests.applications.scene import JSON, a_scene, as_person, kept, revision, url_of

pytestmark = pytest.mark.usefixtures("app")


def test_a_half_finished_draft_is_kept_with_what_cannot_be_read(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    data = {"revision": "0", "title": "Homes 🏘️ مدينة", "requested": "1e9", "people_expected": "NaN", "theme": "housing"}
    answer = client.post(url_of(scene.draft_id), data=data)
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "“1e9” is not an amount of money" in page and 'value="1e9"' in page and 'value="NaN"' in page
    assert kept(scene.draft_id) == {
        "title": "Homes 🏘️ مدينة",
        "requested": {"raw": "1e9"},
        "people_expected": {"raw": "NaN"},
        "theme": "housing",
    }
    assert (scene.draft.title, scene.draft.requested_minor) == ("Homes 🏘️ مدينة", None)


def test_title_and_amount_follow_the_answers(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    client.post(url_of(scene.draft_id), data={"revision": "0", "title": "Homes", "requested": "12 500,50"})
    db.session.expire_all()
    assert (scene.draft.title, scene.draft.requested_minor) == ("Homes", 1250050)
    client.post(url_of(scene.draft_id), data={"revision": "1", "title": "", "requested": ""})
    db.session.expire_all()
    assert (scene.draft.title, scene.draft.requested_minor) == ("", None)


def test_autosave_answers_with_the_new_revision_and_says_what_it_could_not_read(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    data = {"revision": "0", "title": "Homes", "requested": "-1"}
    answer = client.post(url_of(scene.draft_id, rest="/autosave"), data=data, headers=JSON)
    assert answer.status_code == 200
    said = answer.get_json()
    assert said["revision"] == 1 and list(said["problems"]) == ["requested"] and said["saved_at"].endswith("Z")
    again = client.post(url_of(scene.draft_id, rest="/autosave"), data={**data, "revision": "1"}, headers=JSON)
    assert again.get_json()["revision"] == 1, "the same answers again are no change"


def test_a_stale_autosave_loses_nothing_and_shows_both_versions(app: Flask) -> None:
    scene = a_scene()
    ana, ben = as_person(app, scene.ana), as_person(app, scene.ben)
    ana.post(url_of(scene.draft_id, rest="/autosave"), data={"revision": "0", "title": "Ana's title"}, headers=JSON)
    late = ben.post(
        url_of(scene.draft_id, rest="/autosave"),
        data={"revision": "0", "title": "Ben's title", "need": "We asked."},
        headers=JSON,
    )
    assert late.status_code == 409
    assert late.get_json()["detail"].startswith("Ana Silva saved this form while you were writing.")
    assert late.get_json()["differs"] == {
        "title": {"mine": "Ben's title", "theirs": "Ana's title"},
        "need": {"mine": "We asked.", "theirs": None},
    }
    assert kept(scene.draft_id) == {"title": "Ana's title"} and revision(scene.draft_id) == 1


def test_two_colleagues_choose_field_by_field_what_to_keep(app: Flask) -> None:
    scene = a_scene()
    ana, ben = as_person(app, scene.ana), as_person(app, scene.ben)
    ana.post(url_of(scene.draft_id), data={"revision": "0", "title": "Ana's title", "voice": "They sit at the table."})
    mine = {"revision": "0", "title": "Ben's title", "need": "We asked."}
    late = ben.post(url_of(scene.draft_id), data=mine)
    page = late.text
    assert late.status_code == 409
    for words in ("Ana Silva", "Ben&#39;s title", "Ana&#39;s title", "We asked.", "They sit at the table."):
        assert words in page, words
    assert 'name="revision" value="1"' in page and "data-autosave-url" not in page
    chosen = {**mine, "revision": "1", "choice-title": "mine", "choice-voice": "theirs", "choice-need": "mine"}
    assert ben.post(url_of(scene.draft_id), data=chosen).status_code == 303
    assert kept(scene.draft_id) == {"title": "Ben's title", "voice": "They sit at the table.", "need": "We asked."}


def test_the_side_that_changed_an_answer_is_offered_first(app: Flask) -> None:
    scene = a_scene()
    ana, ben = as_person(app, scene.ana), as_person(app, scene.ben)
    ana.post(url_of(scene.draft_id), data={"revision": "0", "title": "First", "need": "First"})
    page = ben.get(url_of(scene.draft_id)).text
    base = page.partition('name="base" value="')[2].partition('"')[0].replace("&#34;", '"')
    ana.post(url_of(scene.draft_id), data={"revision": "1", "title": "Ana's", "need": "First"})
    late = ben.post(
        url_of(scene.draft_id), data={"revision": "1", "base": base, "title": "First", "need": "Ben's"}
    ).text
    assert 'name="choice-title" value="theirs" checked' in late
    assert 'name="choice-need" value="mine" checked' in late


def test_saving_the_same_answers_from_an_old_page_is_no_conflict(app: Flask) -> None:
    scene = a_scene()
    ana, ben = as_person(app, scene.ana), as_person(app, scene.ben)
    rows = {"revision": "0", "activities-rows": "1", "activities-0-activity": "Ask", "activities-0-_id": "one"}
    ana.post(url_of(scene.draft_id), data=rows)
    assert ben.post(url_of(scene.draft_id), data={**rows, "activities-0-_id": "two"}).status_code == 303
    assert revision(scene.draft_id) == 1


def test_a_page_without_a_revision_never_overwrites(app: Flask) -> None:
    scene = a_scene()
    ana, ben = as_person(app, scene.ana), as_person(app, scene.ben)
    ana.post(url_of(scene.draft_id), data={"revision": "0", "title": "Ana's"})
    for sent in ("", "-1", "9" * 30, "one"):
        assert ben.post(url_of(scene.draft_id), data={"revision": sent, "title": "Ben's"}).status_code == 409
    assert kept(scene.draft_id) == {"title": "Ana's"}


def test_rows_are_added_and_removed_without_scripts(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    rows = {
        "revision": "0",
        "budget-rows": "1",
        "budget-0-item": "Rooms",
        "budget-1-item": "People",
        "add-row": "budget",
    }
    added = client.post(url_of(scene.draft_id), data=rows)
    assert added.location.endswith("?add=budget#budget")
    page = client.get(added.location).text
    assert 'name="budget-2-item"' in page
    removed = {**rows, "revision": "1", "remove-row": "budget-0"}
    del removed["add-row"]
    assert client.post(url_of(scene.draft_id), data=removed).location.endswith("#budget")
    assert [row["item"] for row in kept(scene.draft_id)["budget"]] == ["People"]


def test_a_form_sent_meanwhile_gives_the_typed_words_back(app: Flask) -> None:
    scene = a_scene()
    make.fill(scene.draft, "proposal", scene.ana)
    before = kept(scene.draft_id)
    make.press(scene.draft, "submit", scene.ben)
    client = as_person(app, scene.ana)
    data = {"revision": "1", "summary": "What I was just <writing>", "requested": "12x", "budget-rows": "1"}
    late = client.post(url_of(scene.draft_id), data={**data, "budget-0-item": "Rooms", "budget-0-amount": "5"})
    assert late.status_code == 409
    assert "can no longer be changed" in late.text and "Nothing was saved" in late.text
    assert "What I was just &lt;writing&gt;" in late.text and "12x" in late.text and "Rooms" in late.text
    auto = client.post(url_of(scene.draft_id, rest="/autosave"), data=data, headers=JSON)
    assert auto.status_code == 409 and "can no longer be changed" in auto.get_json()["detail"]
    assert kept(scene.draft_id) == before


def test_after_the_deadline_and_its_grace_nothing_is_saved_but_everything_is_shown(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    closes = scene.round.closes_at
    with clock.standing_at(closes + timedelta(minutes=10)):
        assert client.post(url_of(scene.draft_id), data={"revision": "0", "title": "In time"}).status_code == 303
    with clock.standing_at(closes + timedelta(minutes=16)):
        late = client.post(url_of(scene.draft_id), data={"revision": "1", "title": "Too late"})
        assert late.status_code == 409 and "Too late" in late.text and "the time to send it ended" in late.text
        assert "<form" not in client.get(url_of(scene.draft_id)).text.partition("<main")[2].partition("</main>")[0]
    assert kept(scene.draft_id) == {"title": "In time"}


def test_only_what_the_cell_opens_can_be_reached(app: Flask) -> None:
    scene = a_scene()
    stranger = make.a_person(team_of=make.a_city())
    manager, auditor = make.a_person(groups=[make.MANAGERS]), make.a_person(groups=[make.AUDITORS])
    for person in (stranger, manager, auditor):
        client = as_person(app, person)
        assert client.get(url_of(scene.draft_id)).status_code == 404
        assert client.post(url_of(scene.draft_id), data={"title": "x"}).status_code == 404
        assert client.post(url_of(scene.draft_id, rest="/autosave"), data={"title": "x"}).status_code == 404
        assert client.post(url_of(scene.draft_id, rest="/files/letter")).status_code == 404
    team = as_person(app, scene.ana)
    for form in ("report", "score", "no-such-form", "../proposal"):
        assert team.get(url_of(scene.draft_id, form)).status_code == 404
        assert team.post(url_of(scene.draft_id, form), data={"title": "x"}).status_code in (404, 405)
    assert kept(scene.draft_id) == {}


def test_nothing_but_the_forms_questions_can_be_written(app: Flask) -> None:
    scene = a_scene()
    before = scene.draft.number
    other = make.an_application(scene.round, state="complete")
    foreign = kept(other.id)["letter"]
    client = as_person(app, scene.ana)
    hostile: dict[str, Any] = {
        "revision": "0",
        "title": "Mine",
        "state": "approved",
        "number": "SG-1",
        "requested_minor": "1",
        "currency": "XXX",
        "saved_by": str(scene.ben.id),
        "letter": foreign[0],
        "choice-letter": "theirs",
        "choice-state": "theirs",
    }
    client.post(url_of(scene.draft_id), data=hostile)
    db.session.expire_all()
    assert kept(scene.draft_id) == {"title": "Mine"}
    assert (scene.draft.state, scene.draft.number, scene.draft.currency) == ("draft", before, "EUR")


def test_the_page_lists_what_is_missing_and_then_offers_to_send(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    page = client.get(url_of(scene.draft_id)).text
    assert "Answer “Title of the project”." in page and 'href="#theme-0"' in page and 'href="#letter-box"' in page
    assert f"/applications/{scene.draft_id}/do/submit" not in page
    make.fill(scene.draft, "proposal", scene.ana)
    page = client.get(url_of(scene.draft_id)).text
    assert "Everything this form asks for is there." in page
    assert f"/applications/{scene.draft_id}/do/submit" in page
    assert "Last by Ana Silva" not in page
    assert "Last by Ana Silva" in as_person(app, scene.ben).get(url_of(scene.draft_id)).text


def test_the_deadline_stands_in_its_own_zone_and_the_readers(app: Flask) -> None:
    scene = a_scene(zone="Asia/Manila")
    client = as_person(app, scene.ana)
    client.set_cookie("zone", "America/New_York")
    page = client.get(url_of(scene.draft_id)).text
    assert "29 days left" in page or "30 days left" in page
    assert "Send it by" in page and "your time" in page


def test_the_system_saves_nothing_in_anybodys_name() -> None:
    scene = a_scene()
    with pytest.raises(Exception, match="nothing here that you may see"), transaction():
        service.save(scene.draft, "proposal", {"title": "x"}, None, SYSTEM)
    assert queries.answers_row(scene.draft_id, "proposal") is None
