"""The studio's pages as a browser without scripts meets them, and the requests that no page of ours would make."""

from __future__ import annotations

import io
import re
import zipfile
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Definition, Publication
from fundflow.studio import queries, service
from tests import factories as make
from tests.desk.counting import queries_of
from tests.people import sign_in
from tests.studio.scene import COUNT, MAIN, Scene, a_scene

FOUND = re.compile(r'name="(?P<name>key|digest|revision)" (?:type="hidden" )?value="(?P<value>[^"]*)"')


def browser(app: Flask, person: User) -> FlaskClient:
    client = app.test_client()
    sign_in(client, person)
    return client


def hidden(page: TestResponse) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    return {found["name"]: found["value"] for found in FOUND.finditer(page.text)}


def ticked(page: TestResponse) -> list[str]:
    """The warnings that a page of proposing asks to accept."""
    return re.findall(r'name="accept" value="([0-9a-f]+)"', page.text)


def address(scene: Scene, part: str = "") -> str:
    return f"/studio/drafts/{scene.draft.id}{part}"


def proposed(app: Flask, scene: Scene, **more: str) -> TestResponse:
    client = browser(app, scene.first)
    page = client.get(address(scene, "/propose"))
    given = {**hidden(page), "reason": "Larger.", "accept": ticked(page), **more}
    return client.post(address(scene, "/propose"), data=given)


def waiting() -> list[Publication]:
    db.session.rollback()
    return queries.waiting()


def test_from_a_version_to_a_draft_to_two_people_to_a_round(app: Flask) -> None:
    scene = a_scene(1)
    first, second = browser(app, scene.first), browser(app, scene.second)
    page = first.get("/studio/workflows/small-grant")
    begun = first.post("/studio/drafts", data={**hidden(page), "version": scene.round.definition_sha})
    assert begun.status_code == 303
    editor = first.get(begun.location)
    assert "Nothing to mend." in editor.text
    draft = next(each for each in queries.open_drafts() if each.id != scene.draft.id)
    text = str(draft.files[MAIN]).replace(*COUNT)
    saved = first.post(begun.location, data={"file": MAIN, "text": text, "revision": hidden(editor)["revision"]})
    assert saved.status_code == 200
    page = first.get(f"{begun.location}/propose")
    assert "The number of reviewers of “Panel scores” is 5; it was 3." in page.text
    assert "1 would move" in page.text
    given = {**hidden(page), "reason": "The committee is larger."}
    unaccepted = first.post(f"{begun.location}/propose", data=given)
    assert unaccepted.status_code == 422 and "nobody accepted these warnings" in unaccepted.text
    answer = first.post(f"{begun.location}/propose", data={**given, "accept": ticked(page)})
    assert answer.status_code == 303
    page = second.get(answer.location)
    assert "The committee is larger." in page.text
    published = second.post(answer.location, data={**hidden(page), "answer": "publish"})
    assert published.status_code == 303
    version = second.get(published.location)
    assert "Proposed by Ines Duarte, published by Omar Bello" in version.text
    sha256 = published.location.rpartition("/")[2]
    # A new round can choose it, by its digest.
    assert f'value="{sha256}">Small grant (version 2)' in first.get("/manage/rounds/new").text
    # The round that runs takes it by two people, and its application moves.
    address_of = f"/studio/rounds/{scene.round.slug}"
    page = first.get(f"{address_of}?version={sha256}")
    wish = first.post(address_of, data={**hidden(page), "version": sha256, "reason": "For this round too."})
    assert wish.status_code == 303
    assert address_of in second.get("/home").text and address_of not in first.get("/home").text
    again = first.post(address_of, data={**hidden(page), "version": sha256, "reason": "For this round too."})
    assert again.status_code == 409 and "another manager or director" in again.text
    page = second.get(f"{address_of}?version={sha256}")
    moved = second.post(address_of, data={**hidden(page), "version": sha256})
    assert moved.status_code == 303
    assert "1 applications moved" in second.get(moved.location).text
    # And back: each application to where its event says that it came from.
    before = scene.round.definition_sha
    db.session.rollback()
    page = first.get(f"{address_of}?version={before}")
    assert "back to what it was" in page.text and "1 would move" in page.text
    first.post(address_of, data={**hidden(page), "version": before, "reason": "It was too much."})
    page = second.get(f"{address_of}?version={before}")
    back = second.post(address_of, data={**hidden(page), "version": before})
    assert back.status_code == 303, back.text
    # The test's own session holds on to what it read; the next request of a browser has a session of its own.
    db.session.expunge_all()
    assert "version 1" in second.get(address_of).text


def test_rules_of_other_funds_can_be_begun_from(app: Flask) -> None:
    manager = make.a_person(groups=[make.MANAGERS])
    client = browser(app, manager)
    index = client.get("/studio")
    page = index.text
    other = next(each for each in definitions.of_other_funds() if each.id == "rolling-fund")
    assert "For funds of other kinds" in page and other.title.in_("en") in page
    begun = client.post("/studio/drafts", data={"key": hidden(index)["key"], "version": other.sha256})
    assert begun.status_code == 303
    (draft,) = queries.open_drafts()
    assert {"rolling_fund.yaml", other.examples_file} <= set(draft.files)
    assert "version: 2" in draft.files["rolling_fund.yaml"]
    assert "Nothing to mend" in client.get(begun.location).text
    again = client.get("/studio").text
    assert other.title.in_("en") in again and again.count("Begin a draft") == page.count("Begin a draft") - 1


def test_home_tells_the_second_person_and_nobody_else(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    there = f"/studio/proposals/{wish.id}"
    assert there in browser(app, scene.second).get("/home").text
    assert there not in browser(app, scene.first).get("/home").text
    assert there not in browser(app, make.a_person(groups=[(make.MANAGERS, scene.round)])).get("/home").text
    scene.publish(wish)
    assert there not in browser(app, scene.second).get("/home").text


def test_what_is_written_in_a_workflow_is_never_markup(app: Flask) -> None:
    scene = a_scene()
    evil = "<img src=x onerror=alert(1)>"
    scene.change(
        ("label: {en: Draft, ", f"label: {{en: '{evil}', "), ("title: {en: Small grant, ", f"title: {{en: '{evil}', ")
    )
    wish = scene.propose()
    client = browser(app, scene.first)
    parts = ("", "/diagram", "/diagram?part=1", "/forms", "/changes", "/live", "/examples", "/simulation", "/propose")
    for there in [*(address(scene, part) for part in parts), f"/studio/proposals/{wish.id}", "/studio"]:
        page = client.get(there)
        assert page.status_code == 200 and "<img src=x" not in page.text, there
    assert "&lt;img src=x" in client.get(address(scene, "/diagram")).text


def test_the_check_button_says_what_is_wrong_and_keeps_what_was_typed(app: Flask) -> None:
    scene = a_scene()
    client = browser(app, scene.first)
    text = scene.text().replace("by: officer, group: reviewers", "by: oficer, group: reviewers")
    page = client.post(address(scene), data={"file": MAIN, "text": text, "revision": "x", "check": "1"})
    assert page.status_code == 200
    assert "did you mean &#39;officer&#39;" in page.text
    assert "by: oficer, group: reviewers" in page.text
    assert "oficer" not in scene.text()


def test_saving_over_another_shows_both_texts(app: Flask) -> None:
    scene = a_scene()
    client = browser(app, scene.second)
    seen = hidden(client.get(address(scene)))["revision"]
    mine = scene.text().replace("quorum: 2", "quorum: 3")
    scene.change(COUNT)
    page = client.post(address(scene), data={"file": MAIN, "text": mine, "revision": seen})
    assert page.status_code == 409
    assert "Ines Duarte saved this file while you were writing." in page.text
    assert "<ins>+     quorum: 3</ins>" in page.text and "count: 5" in page.text
    assert "quorum: 2" in scene.text()
    # The page carries the mark of theirs: saving again goes over it knowingly.
    again = client.post(address(scene), data={"file": MAIN, "text": mine, "revision": hidden(page)["revision"]})
    assert again.status_code == 200 and "quorum: 3" in scene.text()


def test_the_scripts_save_and_check_answer_in_json(app: Flask) -> None:
    scene = a_scene()
    first, second = browser(app, scene.first), browser(app, scene.second)
    seen = hidden(first.get(address(scene)))["revision"]
    text = scene.text().replace(*COUNT)
    given = {"file": MAIN, "text": text, "revision": seen}
    saved = first.post(address(scene, "/autosave"), data=given, headers={"Accept": "application/json"})
    assert saved.json is not None and saved.json["revision"] == service.mark_of(text)
    stale = second.post(
        address(scene, "/autosave"), data={**given, "text": "x"}, headers={"Accept": "application/json"}
    )
    assert stale.status_code == 409 and stale.json is not None and "Ines Duarte" in stale.json["detail"]
    told = second.post(address(scene, "/check"), data={**given, "text": "a:\n\tb"}).json
    assert told is not None and not told["loads"] and told["lines"][0]["line"] == 2
    assert told["editors"].startswith("Ines Duarte has this draft open too, since ")


def test_publishing_by_hand_made_requests_is_refused(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = waiting_after(proposed(app, scene))
    there = f"/studio/proposals/{wish.id}"
    first, second = browser(app, scene.first), browser(app, scene.second)
    good = {"answer": "publish", "digest": wish.sha256}
    refused = {
        "the same person": first.post(there, data=good),
        "another digest": second.post(there, data={**good, "digest": "0" * 64}),
        "no digest": second.post(there, data={"answer": "publish"}),
        "no answer": second.post(there, data={"digest": wish.sha256}),
        "an answer that is none": second.post(there, data={**good, "answer": "yes"}),
        "another role": browser(app, make.a_person(groups=["finance"])).post(there, data=good),
        "a manager of one round": browser(app, make.a_person(groups=[(make.MANAGERS, scene.round)])).post(
            there, data=good
        ),
        "nobody": app.test_client().post(there, data=good),
        "another proposal": second.post(f"/studio/proposals/{uuid4()}", data=good),
        "JSON": second.post(there, json=good),
    }
    statuses = {what: answer.status_code for what, answer in refused.items()}
    assert statuses == {
        "the same person": 409,
        "another digest": 409,
        "no digest": 409,
        "no answer": 422,
        "an answer that is none": 422,
        "another role": 403,
        "a manager of one round": 403,
        "nobody": 303,
        "another proposal": 404,
        "JSON": 415,
    }
    db.session.rollback()
    assert db.session.get(Definition, wish.sha256) is None
    assert [each.id for each in waiting()] == [wish.id]


def waiting_after(answer: TestResponse) -> Publication:
    assert answer.status_code == 303, answer.text
    [wish] = waiting()
    return wish


def test_without_a_token_of_the_session_nothing_is_done(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = waiting_after(proposed(app, scene))
    app.config["WTF_CSRF_ENABLED"] = True
    second = browser(app, scene.second)
    for there, data in (
        (f"/studio/proposals/{wish.id}", {"answer": "publish", "digest": wish.sha256}),
        (address(scene), {"file": MAIN, "text": "x", "revision": service.mark_of(scene.text())}),
        (address(scene, "/autosave"), {"file": MAIN, "text": "x", "revision": service.mark_of(scene.text())}),
        (address(scene, "/propose"), {"reason": "x", "digest": service.digest_of(scene.now())}),
        (address(scene, "/discard"), {}),
        (address(scene, "/revisions/1/restore"), {}),
        ("/studio/drafts", {"version": scene.round.definition_sha}),
        (f"/studio/rounds/{scene.round.slug}", {"version": wish.sha256, "digest": scene.round.definition_sha}),
    ):
        assert second.post(there, data=data).status_code == 400, there
    assert [each.id for each in waiting()] == [wish.id]
    assert scene.now().status == "open" and len(queries.open_drafts()) == 1


def test_proposing_by_hand_made_requests_is_refused(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    client = browser(app, scene.first)
    page = client.get(address(scene, "/propose"))
    seen = {**hidden(page), "accept": ticked(page)}
    scene.change(("count: 5", "count: 6"), by=scene.second)
    stale = client.post(address(scene, "/propose"), data={**seen, "reason": "Larger."})
    assert stale.status_code == 409 and "not the text that you looked at" in stale.text
    assert proposed(app, scene, reason=" ").status_code == 422
    assert proposed(app, scene, digest="").status_code == 409
    scene.change(("by: officer, group: reviewers", "by: oficer, group: reviewers"))
    assert proposed(app, scene, digest=service.digest_of(scene.now())).status_code == 422
    assert waiting() == []


def test_a_proposal_sent_twice_is_one(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    client = browser(app, scene.first)
    page = client.get(address(scene, "/propose"))
    given = {**hidden(page), "reason": "Larger.", "accept": ticked(page)}
    one, two = (client.post(address(scene, "/propose"), data=given) for _twice in range(2))
    assert one.status_code == two.status_code == 303 and one.location == two.location
    # The key of a page of somebody else is a key of theirs.
    other = browser(app, scene.second).post(address(scene, "/propose"), data=given)
    assert other.location != one.location


def test_a_round_takes_only_what_two_people_published_or_the_installation_carries(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = waiting_after(proposed(app, scene))
    there = f"/studio/rounds/{scene.round.slug}"
    client = browser(app, scene.second)
    given = {"digest": scene.round.definition_sha, "reason": "Now."}
    assert client.post(there, data={**given, "version": wish.sha256}).status_code == 404
    assert client.post(there, data={**given, "version": "0" * 64}).status_code == 404
    scene.publish(wish)
    assert client.post(there, data={**given, "version": wish.sha256, "digest": "x"}).status_code == 409
    other = make.a_round()
    of_another = browser(app, make.a_person(groups=[(make.MANAGERS, other)]))
    assert of_another.post(there, data={**given, "version": wish.sha256}).status_code == 404
    assert of_another.get(f"/studio/rounds/{other.slug}").status_code == 200


def test_the_files_of_a_version_are_those_of_the_installation(app: Flask) -> None:
    scene = a_scene()
    client = browser(app, scene.first)
    answer = client.get(f"/studio/versions/{scene.round.definition_sha}/files.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    base = queries.definition(scene.round.definition_sha)
    assert found == {
        **{f"workflows/{path}": text for path, text in base.files.items()},
        **{f"templates/{path}": text for path, text in base.templates.items()},
    }
    assert client.get(f"/studio/versions/{'0' * 64}").status_code == 404


@pytest.mark.parametrize(
    ("state", "role", "says"),
    [
        ("draft", "applicant", "This is only a look: what you type here goes nowhere."),
        ("review", "officer", "To read"),
        ("draft", "finance", "They see no form here"),
    ],
)
def test_a_form_is_shown_as_each_role_sees_it(app: Flask, state: str, role: str, says: str) -> None:
    scene = a_scene()
    page = browser(app, scene.first).get(address(scene, f"/forms?state={state}&role={role}"))
    assert page.status_code == 200 and says in page.text
    assert browser(app, scene.first).get(address(scene, "/forms?state=nowhere")).status_code == 404


def test_who_answers_for_a_warning_stands_on_a_line_of_its_own(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    page = browser(app, scene.first).get(address(scene, "/propose")).text
    assert "need it for no score<br><span" in page
    wish = scene.propose()
    assert "need it for no score<br><span" in browser(app, scene.second).get(f"/studio/proposals/{wish.id}").text


def test_every_side_of_a_draft_with_mistakes_says_what_to_mend(app: Flask) -> None:
    scene = a_scene()
    scene.change(("by: officer, group: reviewers", "by: oficer, group: reviewers"))
    client = browser(app, scene.first)
    for part in ("/diagram", "/forms", "/changes", "/live", "/examples", "/simulation", "/propose"):
        page = client.get(address(scene, part))
        assert page.status_code == 200 and "oficer" in page.text, part


def test_the_list_asks_the_database_as_often_whatever_the_number_of_rounds(app: Flask) -> None:
    scene = a_scene()
    client = browser(app, scene.first)
    counts = [queries_of(client, "/studio")]
    for _more in range(3):
        make.a_round()
    counts.append(queries_of(client, "/studio"))
    assert counts == [8, 8]
