"""The pages of reviews, driven through the web: what each person gets, and what bad requests answer."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from fundflow.accounts.models import TeamMember, User
from fundflow.db import db
from tests.people import a_person, sign_in
from tests.reviews.committee import FULL, Scene, in_days, place_of


def page(client: FlaskClient, path: str, person: User | None = None, status: int = 200) -> str:
    if person is not None:
        sign_in(client, person)
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def words(html: str) -> str:
    """What a person reads, without the markup."""
    main = html.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_a_whole_review_from_the_request_to_the_sent_sheet(client: FlaskClient) -> None:
    scene = Scene(title="A house for newcomers")
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    committee = f"/applications/{scene.application.id}/reviewers"
    assert "Rosa Reader" in page(client, committee, scene.manager)
    asked = client.post(committee, data={"people": [str(rosa.id), str(ravi.id)], "due": in_days(5)})
    assert asked.status_code == 303
    assert "2 reviewers were asked by mail." in page(client, committee)

    place = place_of(scene.application.id, rosa)
    queue = words(page(client, "/reviews", rosa))
    assert "Declare first (1)" in queue
    assert "A house for newcomers" in queue
    assert "Lund" not in queue
    declare = words(page(client, f"/reviews/{place.id}"))
    assert "A house for newcomers" in declare
    assert "Lund" not in declare and scene.application.number not in declare
    page(client, f"/applications/{scene.application.id}", status=404)

    shown = client.post(f"/reviews/{place.id}/declare", data={"answer": "none"})
    assert shown.status_code == 200
    assert place_of(scene.application.id, rosa).conflict is None
    done = client.post(f"/reviews/{place.id}/declare", data={"answer": "none", "confirmed": "none"})
    assert done.status_code == 303
    sheet = page(client, f"/reviews/{place.id}")
    assert "Rooms for forty families." in sheet
    assert "Lund" in sheet and "Some" not in words(sheet).partition("Your score sheet")[0]

    saved = client.post(f"/reviews/{place.id}", data={**FULL, "revision": "0"})
    assert saved.status_code == 303
    assert "7.20 of 10" in words(page(client, f"/reviews/{place.id}"))
    to_check = client.post(f"/reviews/{place.id}", data={**FULL, "revision": "1", "send": "yes"})
    assert to_check.location.endswith(f"/reviews/{place.id}/send")
    assert "7.20 of 10" in words(page(client, f"/reviews/{place.id}/send"))
    sent = client.post(f"/reviews/{place.id}/send", data={"revision": "2"})
    assert sent.status_code == 303
    twice = client.post(f"/reviews/{place.id}/send", data={"revision": "2"})
    assert twice.status_code == 303
    assert "already sent; nothing was changed" in page(client, f"/reviews/{place.id}")
    assert "1 of 1 reviews sent" in words(page(client, "/reviews"))

    managed = words(page(client, committee, scene.manager))
    assert "Quorum not met yet: 1 sent, 2 needed" in managed
    assert "7.20" in managed
    assert "Well argued." in page(client, f"/reviews/{place.id}")


def test_addresses_that_were_guessed_are_not_found(client: FlaskClient) -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    (place,) = scene.ready(rosa)
    stranger = a_person("stranger@elsewhere.example")
    for person in (ravi, scene.applicant, stranger):
        for path in (
            f"/reviews/{place.id}",
            f"/reviews/{place.id}/send",
            f"/reviews/{place.id}/declare",
            f"/applications/{scene.application.id}/reviewers",
            f"/applications/{scene.application.id}/reviewers/{place.id}/withdraw",
            f"/applications/{uuid4()}/reviewers",
            f"/reviews/{uuid4()}",
        ):
            page(client, path, person, 404)
        for path in (
            f"/reviews/{place.id}",
            f"/reviews/{place.id}/autosave",
            f"/reviews/{place.id}/send",
            f"/applications/{scene.application.id}/reviewers",
            f"/applications/{scene.application.id}/reviewers/remind",
            f"/applications/{scene.application.id}/reviewers/{place.id}/withdraw",
        ):
            assert client.post(path, data={"reason": "x", "due": in_days(2)}).status_code == 404


def test_everybody_who_is_not_signed_in_is_sent_to_sign_in(client: FlaskClient) -> None:
    scene = Scene()
    for path in ("/reviews", f"/reviews/{uuid4()}", f"/applications/{scene.application.id}/reviewers"):
        answer = client.get(path)
        assert (answer.status_code, "sign-in" in answer.location) == (303, True)


def test_a_conflict_needs_a_reason_and_closes_every_page_of_the_case(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)
    sign_in(client, rosa)
    empty = client.post(f"/reviews/{place.id}/declare", data={"answer": "conflict", "reason": "  "})
    assert empty.status_code == 422
    assert "Say in a few words" in empty.text
    assert client.post(f"/reviews/{place.id}/declare", data={}).status_code == 422
    both = {"answer": "conflict", "reason": "My sister works there"}
    assert "My sister works there" in client.post(f"/reviews/{place.id}/declare", data=both).text
    other = client.post(f"/reviews/{place.id}/declare", data={**both, "confirmed": "none"})
    assert other.status_code == 200
    done = client.post(f"/reviews/{place.id}/declare", data={**both, "confirmed": "conflict"})
    assert done.location == "/reviews"
    for path in (f"/reviews/{place.id}", f"/reviews/{place.id}/declare", f"/applications/{scene.application.id}"):
        page(client, path, status=404)
    assert client.post(f"/reviews/{place.id}/declare", data={**both, "confirmed": "conflict"}).status_code == 404
    assert "My sister works there" in page(client, f"/applications/{scene.application.id}/reviewers", scene.manager)


def test_declaring_twice_changes_nothing_and_the_other_answer_is_refused(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    sign_in(client, rosa)
    path = f"/reviews/{place.id}/declare"
    assert client.get(path).status_code == 303
    assert client.post(path, data={"answer": "none", "confirmed": "none"}).status_code == 303
    answer = client.post(path, data={"answer": "conflict", "reason": "After all", "confirmed": "conflict"})
    assert answer.status_code == 409
    assert "already answered" in answer.text


def test_a_reviewer_of_the_own_city_is_refused_with_a_sentence_and_shown_with_the_reason(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    db.session.add(TeamMember(city_id=scene.city.id, user_id=rosa.id, duty="signatory"))
    db.session.commit()
    path = f"/applications/{scene.application.id}/reviewers"
    shown = page(client, path, scene.manager)
    assert f'value="{rosa.id}"' not in shown
    assert "Rosa Reader is on the team of Lund" in shown
    refused = client.post(path, data={"people": [str(rosa.id)], "due": in_days(5)})
    assert refused.status_code == 409
    assert "Rosa Reader is on the team of Lund, which sent this application." in refused.text


def test_what_was_chosen_and_typed_stays_when_asking_is_refused(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    sign_in(client, scene.manager)
    answer = client.post(
        f"/applications/{scene.application.id}/reviewers", data={"people": [str(rosa.id)], "due": "2020-01-01T09:00"}
    )
    assert answer.status_code == 422
    assert "has already passed" in answer.text
    assert 'value="2020-01-01T09:00"' in answer.text
    assert re.search(rf'value="{rosa.id}"[^>]* checked', answer.text)
    odd = client.post(f"/applications/{scene.application.id}/reviewers", data={"people": ["no id"], "due": in_days(3)})
    assert odd.status_code == 422
    assert "Choose at least one reviewer." in odd.text


def test_a_request_made_after_the_decision_is_refused_in_words(client: FlaskClient) -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    for place, person in zip(scene.ready(rosa, ravi), (rosa, ravi), strict=True):
        scene.score(place, person)
    scene.fire("approve")
    path = f"/applications/{scene.application.id}/reviewers"
    assert "not under review now" in page(client, path, scene.manager)
    late = client.post(path, data={"people": [str(scene.reviewer("New One").id)], "due": in_days(5)})
    assert late.status_code == 409
    assert "not under review now" in late.text


def test_a_stale_sheet_shows_both_versions_and_loses_neither(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    sign_in(client, rosa)
    client.post(f"/reviews/{place.id}", data={"impact": "3", "impact_why": "First tab", "revision": "0"})
    stale = client.post(f"/reviews/{place.id}", data={"impact": "9", "impact_why": "Second tab", "revision": "0"})
    assert stale.status_code == 409
    assert "First tab" in stale.text and "Second tab" in stale.text
    assert 'name="revision" value="1"' in stale.text
    assert place_of(scene.application.id, rosa).data["impact_why"] == "First tab"


def test_autosave_answers_with_revision_and_total_and_tells_a_stale_save(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    sign_in(client, rosa)
    headers = {"Accept": "application/json"}
    first = client.post(f"/reviews/{place.id}/autosave", data={"impact": "8", "revision": "0"}, headers=headers)
    assert first.json is not None
    assert (first.json["revision"], first.json["scored"], first.json["is_complete"]) == (1, 1, False)
    second = client.post(f"/reviews/{place.id}/autosave", data={**FULL, "revision": "1"}, headers=headers)
    assert second.json is not None
    assert (second.json["total"], second.json["is_complete"]) == ("7.20", True)
    stale = client.post(f"/reviews/{place.id}/autosave", data={"impact": "1", "revision": "0"}, headers=headers)
    assert stale.status_code == 409
    assert stale.json is not None
    assert stale.json["url"] == f"/reviews/{place.id}"


@pytest.mark.parametrize("score", ["11", "-1", "5.5", "NaN", "1e9", "' OR 1=1"])
def test_a_score_outside_its_scale_is_never_sent(client: FlaskClient, score: str) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    sign_in(client, rosa)
    client.post(f"/reviews/{place.id}", data={**FULL, "impact": score, "revision": "0"})
    assert "not finished" in page(client, f"/reviews/{place.id}/send")
    assert client.post(f"/reviews/{place.id}/send", data={"revision": "1"}).status_code == 422
    assert not place_of(scene.application.id, rosa).is_sent


def test_others_scores_stay_off_the_page_until_ones_own_is_sent(client: FlaskClient) -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    mine, theirs = scene.ready(rosa, ravi)
    scene.score(theirs, ravi, {**FULL, "impact_why": "The other opinion."})
    assert "The other opinion." not in page(client, f"/reviews/{mine.id}", rosa)
    page(client, f"/reviews/{theirs.id}", status=404)
    scene.score(mine, rosa)
    assert "The other opinion." in page(client, f"/reviews/{mine.id}")
    assert "The other opinion." in page(client, f"/reviews/{theirs.id}")


def test_taking_a_request_back_asks_why_and_reminding_says_how_many(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)
    base = f"/applications/{scene.application.id}/reviewers"
    sign_in(client, scene.manager)
    assert client.post(f"{base}/remind").status_code == 303
    assert "1 reviewer was reminded." in page(client, base)
    client.post(f"{base}/remind")
    assert "Nobody was written to" in page(client, base)
    page(client, f"{base}/{place.id}/withdraw")
    assert client.post(f"{base}/{place.id}/withdraw", data={"reason": " "}).status_code == 422
    assert client.post(f"{base}/{place.id}/withdraw", data={"reason": "On leave"}).status_code == 303
    shown = page(client, base)
    assert "Withdrawn" in shown and "On leave" in shown
    page(client, f"{base}/{place.id}/withdraw", status=404)


def test_reading_never_writes(client: FlaskClient) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    before = place_of(scene.application.id, rosa).revision
    for path in ("/reviews", f"/reviews/{place.id}", f"/reviews/{place.id}/send"):
        page(client, path, rosa)
    assert not db.session.dirty and not db.session.new
    assert place_of(scene.application.id, rosa).revision == before
