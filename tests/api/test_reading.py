"""What programs are told: what the pages show their person, disguised where those disguise, and described exactly."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel

from fundflow import clock
from fundflow.api import schemas
from fundflow.api.operations import OPERATIONS
from fundflow.db import db, transaction
from fundflow.lifecycle.queries import history
from tests import factories as make
from tests.api.programs import Program
from tests.desk.contract import a_contract, some_people
from tests.desk.test_masks import SECRETS, Scene
from tests.people import sign_in

SCHEMA = Path(__file__).parents[2].parent / "shared" / "standards" / "rfc9457" / "problem.schema.json"


@pytest.fixture
def scene(app: Flask, client: FlaskClient) -> Scene:
    return Scene(client)


def told(program: Program, scene: Scene) -> list[tuple[int, Any, str | None]]:
    """Everything that a program can read of both applications."""
    found = []
    with clock.standing_at(scene.sent_at + timedelta(days=3)):
        for application in (scene.application, scene.other):
            for path in ("", "/decisions"):
                answer = program.get(f"/applications/{application.id}{path}")
                found.append((answer.status_code, answer.get_json(), answer.headers.get("ETag")))
    return found


def test_a_hidden_move_changes_nothing_that_the_citys_program_reads(app: Flask, scene: Scene) -> None:
    city, fund = Program.of(app, scene.applicant), Program.of(app, scene.manager)
    before, fund_before = told(city, scene), told(fund, scene)
    assert all(status == 200 for status, _, _ in before)
    scene.press("open_committee", reason="The panel meets on Monday.")
    assert told(city, scene) == before
    scene.press("remind", 2.2, reason="Hurry up.")
    scene.press("reopen", 2.4)
    scene.press("open_committee", 2.6, reason="Again.")
    assert told(city, scene) == before
    assert not [each for each in SECRETS if each in json.dumps(told(city, scene))]
    assert told(fund, scene) != fund_before
    assert "Secret committee" in json.dumps(told(fund, scene))


def test_a_revision_from_before_a_hidden_move_still_serves_the_city(app: Flask, scene: Scene) -> None:
    """One that had become stale would tell that something happened."""
    city = Program.of(app, scene.applicant)
    revision = city.show(scene.application)["revision"]
    scene.press("open_committee", 0, reason="Monday.")
    path = f"/applications/{scene.application.id}/transitions/withdraw"
    assert city.post(path, {"confirm": True}, revision=revision + 1).status_code == 412
    done = city.post(path, {"confirm": True}, key="w", revision=revision)
    assert done.status_code == 200
    assert not [each for each in SECRETS if each in done.text]
    again = city.post(path, {"confirm": True}, key="w", revision=revision)
    assert again.get_json() | {"replayed": False, "says": ""} == done.get_json() | {"says": ""}
    assert history(scene.application.id)[-1].transition == "withdraw"


def test_a_refusal_tells_the_city_no_hidden_state(app: Flask, scene: Scene) -> None:
    city = Program.of(app, scene.applicant)
    path = f"/applications/{scene.application.id}/transitions/send"
    revision = city.show(scene.application)["revision"]
    before = city.post(path, revision=revision).get_json()
    scene.press("open_committee", 0, reason="Monday.")
    after = city.post(path, revision=revision).get_json()
    assert before["clauses"] == after["clauses"] and before["detail"] == after["detail"]
    assert "Desk screening" in after["detail"]


def test_the_application_is_told_as_its_page_shows_it(app: Flask) -> None:
    people = some_people()
    application = a_contract("active", people)
    city, finance = (
        Program.of(app, people.applicant).show(application),
        Program.of(app, people.finance).show(application),
    )
    assert city["number"] == application.number and city["state"] == {"id": "active", "label": "Under way"}
    assert [(each["id"], each["may_edit"]) for each in city["forms"]] == [("ask", False), ("bank", False)]
    assert [each["id"] for each in finance["forms"]] == ["bank"]
    assert [(each["label"], each["is_at"]) for each in city["phases"]] == [
        ("Application", "done"),
        ("Contract", "done"),
        ("Work", "current"),
    ]
    client = app.test_client()
    sign_in(client, people.applicant)
    for page in (city["page"], city["city"]["page"], city["round"]["page"], city["forms"][0]["page"]):
        assert client.get(urlsplit(page).path).status_code == 200, page


def test_answers_are_in_the_persons_language(app: Flask) -> None:
    cast = make.a_cast()
    cast.manager = make.a_person(groups=[make.MANAGERS], language="fr")
    application = make.an_application(state="review", cast=cast)
    program = Program.of(app, cast.manager)
    decisions = program.decisions(application)["transitions"]
    approve = next(each for each in decisions if each["id"] == "approve")
    workflow = make.a_workflow()
    assert approve["label"] == workflow.transitions["approve"].label.in_("fr") != "Approve"
    assert "fr" in workflow.transitions["approve"].label


def test_a_city_is_told_the_figures_of_a_refusal_only_as_far_as_its_sentence_says(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="draft", cast=cast)
    submit = next(
        each for each in Program.of(app, cast.applicant).decisions(application)["transitions"] if each["id"] == "submit"
    )
    assert submit["allowed"] is False
    assert all(each["values"] == {} and each["sentence"] is None for each in submit["clauses"] if each["holds"])
    assert any(each["values"] for each in submit["clauses"] if not each["holds"])


def test_a_member_of_the_fund_is_told_the_figures_of_every_clause(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="scored", cast=cast)
    program = Program.of(app, cast.manager)
    approve = next(each for each in program.decisions(application)["transitions"] if each["id"] == "approve")
    assert approve["allowed"] is True
    quorum = next(each for each in approve["clauses"] if each["kind"] == "quorum")
    assert quorum == {
        "kind": "quorum",
        "holds": True,
        "sentence": None,
        "values": {"submitted": 3, "assigned": 3, "needed": quorum["values"]["needed"]},
    }


def test_the_etag_is_what_if_match_takes(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="scored", cast=cast)
    program = Program.of(app, cast.manager)
    etag = program.get(f"/applications/{application.id}").headers["ETag"]
    answer = program.post(f"/applications/{application.id}/transitions/decline", {"reason": "No."}, revision=etag)
    assert answer.status_code == 200


def model_of(schema: dict[str, str]) -> type[BaseModel]:
    found: type[BaseModel] = getattr(schemas, schema["$ref"].rpartition("/")[2])
    return found


def test_every_described_operation_answers_as_described(app: Flask) -> None:
    """Each is sent once as it should be and once without a token; every answer is one of the described models."""
    people = some_people()
    contract = a_contract("active", people)
    checks, stopped = a_contract("checks", people), a_contract("checks", people)
    sent = {
        "read_application": (people.manager, contract, {}, None),
        "read_decisions": (people.manager, contract, {}, None),
        "take_step": (people.manager, stopped, {"transition": "stop"}, {"reason": "No."}),
        "take_child_step": (people.applicant, contract, {"kind": "tranche", "key": "1", "transition": "request"}, {}),
        "do_act": (people.finance, checks, {"act": "task", "subject": "bank_verified"}, {"value": "done"}),
    }
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    described = {
        operation["operationId"]: (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert set(described) == {each.name for each in OPERATIONS} == set(sent)
    for name in sorted(sent):
        person, application, arguments, said = sent[name]
        method, path, operation = described[name]
        program = Program.of(app, person)
        address = path.format(application_id=application.id, **arguments).removeprefix("/api/v1")
        assert {each["name"] for each in operation["parameters"] if each["in"] == "path"} == {
            "application_id",
            *arguments,
        }
        for known in (False, True):
            if not known:
                stranger = Program(program.client, "none")
                answer = stranger.get(address) if method == "get" else stranger.post(address, said)
                assert answer.status_code == 401
            elif method == "get":
                answer = program.get(address)
            else:
                answer = program.post(address, said, revision=program.show(application)["revision"])
            assert answer.status_code == (200 if known else 401), (name, answer.text)
            content = operation["responses"][str(answer.status_code)]["content"]
            assert list(content) == [answer.mimetype]
            model_of(content[answer.mimetype]["schema"]).model_validate_json(answer.data)


def test_every_address_of_the_api_is_described(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    served = {
        (method.lower(), rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint != "api.openapi"
    }
    assert len(served) == sum(len(item) for item in document["paths"].values())
    assert "#/$defs/" not in json.dumps(document)
    known = set(document["components"]["schemas"])
    assert {each.rpartition("/")[2] for each in _references(document)} <= known


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for one in value.values() for each in _references(one)]
    return [each for one in value for each in _references(one)] if isinstance(value, list) else []


def every_problem(app: Flask) -> dict[int, dict[str, Any]]:
    """A problem document of each status that a program can meet."""
    people = some_people()
    application = a_contract("talk", people)
    program, reader = Program.of(app, people.manager), Program.of(app, people.manager, may_act=False)
    revision = program.show(application)["revision"]
    award = f"/applications/{application.id}/transitions/award"
    answers = [
        program.post(award, revision="x"),
        Program(program.client, "none").get(f"/applications/{application.id}"),
        reader.post(award, revision=revision),
        program.get("/nothing"),
        program.post(f"/applications/{application.id}/decisions"),
        program.post(award, revision=revision),
        program.post(award, revision=revision + 1),
        program.post(award, revision=revision, data=b"x" * 70_000, content_type="application/json"),
        program.post(award, revision=revision, data=b"{}", content_type="text/plain"),
        program.post(award, {"reason": 1}, revision=revision),
        program.post(award, key=None),
    ]
    for answer in answers:
        assert answer.mimetype == "application/problem+json", answer.text
        assert answer.get_json()["status"] == answer.status_code
        assert answer.get_json()["instance"] == f"urn:fundflow:request:{answer.headers['X-Request-Id']}"
        schemas.Problem.model_validate_json(answer.data)
    return {answer.status_code: answer.get_json() for answer in answers}


def test_every_failure_is_a_problem_document(app: Flask) -> None:
    found = every_problem(app)
    assert sorted(found) == [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428]
    assert len({each["type"] for each in found.values()}) == len(found)
    for each in found.values():
        assert each["title"] and each["detail"]


@pytest.mark.skipif(not SCHEMA.exists(), reason="the standards are not beside the project")
def test_problem_documents_keep_to_the_schema_of_the_standard(app: Flask) -> None:
    schema = json.loads(SCHEMA.read_text())
    kinds: dict[str, Any] = {"string": str, "integer": int}
    for document in every_problem(app).values():
        assert isinstance(document, dict)
        assert set(schema["properties"]) <= set(document)
        for name, rule in schema["properties"].items():
            value = document[name]
            assert isinstance(value, kinds[rule["type"]]), name
            assert rule.get("minimum", value) <= value <= rule.get("maximum", value)
            if rule.get("format") == "uri-reference":
                assert urlsplit(value).scheme == "urn" and value.isascii() and " " not in value


def test_what_breaks_is_told_by_a_number_and_never_by_its_cause(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """An application whose rules nobody has any more."""
    cast = make.a_cast()
    application = make.an_application(state="review", cast=cast)
    program = Program.of(app, cast.manager)
    app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=False)
    with transaction():
        application = db.session.merge(application)
        application.state = "nowhere"
    answer = program.get(f"/applications/{application.id}")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.get_json()["reference"] in capsys.readouterr().err
    assert "nowhere" not in answer.text
