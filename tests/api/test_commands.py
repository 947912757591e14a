"""Commands of programs: the same decisions as the buttons', each once, and every way not to happen told apart."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.api.models import ApiCall
from fundflow.db import db
from fundflow.lifecycle import commands
from fundflow.lifecycle.models import Event, TaskResult
from tests import factories as make
from tests.api.programs import Program
from tests.conftest import ON_POSTGRES
from tests.desk.contract import People, a_contract, events_of, print_documents, record, some_people
from tests.reviews.test_discussions import Stage, written_to


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


def names(application_id: object) -> list[str]:
    db.session.rollback()
    query = sa.select(Event.transition).where(Event.application_id == application_id).order_by(Event.seq)
    return list(db.session.scalars(query))


def test_a_step_is_taken_and_answered_with_where_it_led(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    shown = program.show(application)
    assert (shown["state"], shown["outcome"]) == ({"id": "sent", "label": "With the fund"}, None)
    answer = program.post(f"/applications/{application.id}/transitions/consider", revision=shown["revision"])
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    assert told == {
        "event": shown["revision"] + 1,
        "state": {"id": "talk", "label": "Behind closed doors"},
        "outcome": None,
        "revision": shown["revision"] + 1,
        "replayed": False,
        "says": "Done: Consider.",
    }
    assert names(application.id)[-1] == "consider"


def test_a_call_whose_answer_was_lost_is_sent_again_and_happens_once(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    revision, path = program.show(application)["revision"], f"/applications/{application.id}/transitions/consider"
    first = program.post(path, key="call-1", revision=revision).get_json()
    again = program.post(path, key="call-1", revision=revision)
    assert again.status_code == 200
    told = again.get_json()
    assert told["replayed"] is True and told["event"] == first["event"] and told["state"] == first["state"]
    assert told["says"] == "This was done already when it was first sent; nothing was done again."
    assert names(application.id).count("consider") == 1


def test_a_quoted_key_is_the_same_key(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    revision, path = program.show(application)["revision"], f"/applications/{application.id}/transitions/consider"
    assert program.post(path, key="call-1", revision=revision).get_json()["replayed"] is False
    assert program.post(path, key='"call-1"', revision=revision).get_json()["replayed"] is True


def test_one_key_is_for_one_thing(app: Flask, people: People) -> None:
    """Another step, another application, another body: each is told that the key was used, and none happens."""
    application, other = a_contract("sent", people), a_contract("sent", people)
    program = Program.of(app, people.manager)
    revision = program.show(application)["revision"]
    path = f"/applications/{application.id}/transitions/stop"
    assert program.post(path, {"reason": "No money."}, key="k", revision=revision).status_code == 200
    for where, said in (
        (path, {"reason": "Another reason."}),
        (f"/applications/{application.id}/transitions/consider", {"reason": "No money."}),
        (f"/applications/{other.id}/transitions/stop", {"reason": "No money."}),
    ):
        answer = program.post(where, said, key="k", revision=revision)
        assert (answer.status_code, answer.get_json()["type"]) == (422, "urn:fundflow:problem:key-reused"), where
    assert names(other.id)[-1] == "send"
    again = program.post(path, {"reason": "No money."}, key="k", revision=revision)
    assert again.get_json()["replayed"] is True


def test_two_people_with_the_same_key_are_two_calls(app: Flask, people: People) -> None:
    application, other = a_contract("sent", people), a_contract("sent", people)
    second = make.a_person(groups=["fund-managers"])
    for person, which in ((people.manager, application), (second, other)):
        program = Program.of(app, person)
        revision = program.show(which)["revision"]
        answer = program.post(f"/applications/{which.id}/transitions/consider", key="same", revision=revision)
        assert answer.get_json()["replayed"] is False


def test_the_key_itself_is_kept_nowhere(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    program.post(
        f"/applications/{application.id}/transitions/consider",
        key="a-very-own-key",
        revision=program.show(application)["revision"],
    )
    row = db.session.scalars(sa.select(ApiCall)).one()
    event = db.session.scalars(sa.select(Event).order_by(Event.seq.desc()).limit(1)).one()
    assert len(row.key) == len(row.fingerprint) == 64
    assert "a-very-own-key" not in str(event.payload) + str(event.body)


def test_of_two_clients_with_one_revision_one_is_told_that_it_is_stale(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    first, second = Program.of(app, people.manager), Program.of(app, make.a_person(groups=["fund-managers"]))
    revision = first.show(application)["revision"]
    assert second.show(application)["revision"] == revision
    assert first.post(f"/applications/{application.id}/transitions/consider", revision=revision).status_code == 200
    late = second.post(f"/applications/{application.id}/transitions/stop", {"reason": "No."}, revision=revision)
    assert (late.status_code, late.get_json()["type"]) == (412, "urn:fundflow:problem:stale")
    assert late.get_json()["detail"].startswith("This changed since you opened it.")
    assert names(application.id)[-1] == "consider"


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite lets one write at a time")
def test_many_at_once_with_one_revision(app: Flask, people: People) -> None:
    """Of four programs that press at the same moment exactly one is heard; the others are stale."""
    application = a_contract("sent", people)
    programs = [Program.of(app, make.a_person(groups=["fund-managers"])) for _ in range(4)]
    revision, application_id = programs[0].show(application)["revision"], application.id
    statuses: list[int] = []
    gate = threading.Barrier(len(programs))

    def press(program: Program) -> None:
        gate.wait()
        headers = {
            "Authorization": f"Bearer {program.secret}",
            "Idempotency-Key": str(uuid4()),
            "If-Match": f'"{revision}"',
        }
        path = f"/api/v1/applications/{application_id}/transitions/consider"
        statuses.append(app.test_client(use_cookies=False).post(path, json={}, headers=headers).status_code)

    threads = [threading.Thread(target=press, args=(program,)) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412]
    assert names(application_id).count("consider") == 1


def test_what_the_decision_refuses_is_refused_with_its_clauses(app: Flask, people: People) -> None:
    application = a_contract("talk", people)
    program = Program.of(app, people.manager)
    told = program.decisions(application)
    award = next(each for each in told["transitions"] if each["id"] == "award")
    failing = [clause for clause in award["clauses"] if not clause["holds"]]
    assert award["allowed"] is False and [clause["kind"] for clause in failing] == ["tasks"]
    answer = program.post(f"/applications/{application.id}/transitions/award", revision=told["revision"])
    assert (answer.status_code, answer.get_json()["type"]) == (409, "urn:fundflow:problem:not-allowed")
    assert [each for each in answer.get_json()["clauses"] if not each["holds"]] == failing
    assert answer.get_json()["detail"] == failing[0]["sentence"]
    assert failing[0]["values"]["missing"] == ["Talked it over"]


def test_what_a_decision_allows_happens_and_what_it_refuses_does_not(app: Flask, people: People) -> None:
    """For everybody and in every state: the list and the door never disagree."""
    for state in ("draft", "sent", "talk", "signing", "active"):
        application = a_contract(state, people)
        for person in (people.applicant, people.manager, people.finance):
            program = Program.of(app, person)
            if program.get(f"/applications/{application.id}").status_code == 404:
                continue
            told = program.decisions(application)
            for each in told["transitions"]:
                said = {"reason": "Because."} if each["asks"]["reason"] else {}
                if each["allowed"]:
                    continue
                answer = program.post(each["call"].partition("/api/v1")[2], said, revision=told["revision"])
                assert answer.status_code == 409, (state, each["id"], answer.text)
            allowed = next((each for each in told["transitions"] if each["allowed"]), None)
            if allowed is not None:
                answer = program.post(
                    allowed["call"].partition("/api/v1")[2], {"reason": "Because."}, revision=told["revision"]
                )
                assert answer.status_code == 200, (state, allowed["id"], answer.text)
                break


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"key": None}, 428, "key-missing"),
        ({"revision": None}, 428, "revision-missing"),
        ({"revision": "*"}, 428, "revision-missing"),
        ({"revision": "4"}, 400, "malformed"),
        ({"revision": 'W/"4"'}, 400, "malformed"),
        ({"revision": '"4", "5"'}, 400, "malformed"),
        ({"key": "two words"}, 400, "malformed"),
        ({"key": "k" * 101}, 400, "malformed"),
        ({"revision": 0}, 412, "stale"),
        ({"revision": 999_999_999}, 412, "stale"),
    ],
)
def test_headers_are_needed_and_read_exactly(
    app: Flask, people: People, headers: dict[str, str | None], status: int, name: str
) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    given = {"revision": program.show(application)["revision"], **headers}
    answer = program.post(f"/applications/{application.id}/transitions/consider", **given)
    assert (answer.status_code, answer.get_json()["type"]) == (status, f"urn:fundflow:problem:{name}")
    assert answer.mimetype == "application/problem+json"
    assert names(application.id)[-1] == "send"


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"", "application/json", 400),
        (b'{"reason": "a", "reason": "b"}', "application/json", 400),
        (b'{"reason": NaN}', "application/json", 400),
        (b'{"reason": "\\u0000"}', "application/json", 400),
        (b'{"reason": "\\ud800"}', "application/json", 400),
        (b'{"reason": "\xff"}', "application/json", 400),
        (b"[" * 20_000, "application/json", 400),
        (b'{"value": ' + b"9" * 5_000 + b"}", "application/json", 400),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', "application/json", 413),
        (b'{"reasn": "x"}', "application/json", 422),
        (b'{"reason": 4}', "application/json", 422),
        (b'{"confirm": "yes"}', "application/json", 422),
        (b'{"input": []}', "application/json", 422),
        (b'{"input": {"amount": 1.5}}', "application/json", 422),
        (b'{"input": {"amount": {"minor": -5, "currency": "EUR"}}}', "application/json", 422),
    ],
)
def test_a_body_that_cannot_be_read_is_told_so(
    app: Flask, people: People, body: bytes, type_: str, status: int
) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    revision = program.show(application)["revision"]
    path = f"/applications/{application.id}/transitions/consider"
    answer = program.post(path, revision=revision, data=body, content_type=type_)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert bool(answer.get_json().get("fields")) == (status == 422)
    assert names(application.id)[-1] == "send"


def test_a_missing_reason_is_named_at_its_field(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    answer = program.post(
        f"/applications/{application.id}/transitions/stop", revision=program.show(application)["revision"]
    )
    assert answer.status_code == 422
    assert answer.get_json()["fields"] == {"reason": "Say why: this step needs a reason."}


def test_amounts_are_read_without_a_language_and_each_field_is_told(app: Flask) -> None:
    """The same text is the same amount for everybody: what reads differently in French is refused."""
    cast = make.a_cast()
    cast.finance = make.a_person(groups=[make.FINANCE], language="fr")
    application = make.an_application(state="approved", cast=cast)
    program = Program.of(app, cast.finance)
    told = program.decisions(application)
    step = next(each for each in told["transitions"] if each["id"] == "disburse")
    assert {each["name"]: each["type"] for each in step["asks"]["input"]} == {
        "reference": "text",
        "paid_on": "date",
        "amount": "money",
    }
    path = f"/applications/{application.id}/transitions/disburse"
    good = {"reference": "T-1", "paid_on": "2026-11-20", "amount": "10000.00"}
    for wrong in ("10,000.00", "10 000", "1e4", "-5", "١٠٠٠٠", "10000.001", 10_000):
        answer = program.post(path, {"input": {**good, "amount": wrong}}, revision=told["revision"])
        assert (answer.status_code, list(answer.get_json()["fields"])) == (422, ["input.amount"]), wrong
    answer = program.post(path, {"input": {"paid_on": "20.11.2026", "amount": "10000"}}, revision=told["revision"])
    assert set(answer.get_json()["fields"]) == {"input.reference", "input.paid_on"}
    answer = program.post(path, {"input": {**good, "more": "x"}}, revision=told["revision"])
    assert set(answer.get_json()["fields"]) == {"input.more"}
    whole = {"minor": 1_000_000, "currency": application.currency}
    done = program.post(path, {"input": {**good, "amount": whole}}, revision=told["revision"])
    assert done.status_code == 200, done.text
    assert commands.available(application, make.acting(cast.finance)) == []


def test_what_must_be_confirmed_is(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="review", cast=cast)
    program = Program.of(app, cast.applicant)
    told = program.decisions(application)
    step = next(each for each in told["transitions"] if each["id"] == "withdraw")
    assert step["asks"]["confirm"] is True
    path = f"/applications/{application.id}/transitions/withdraw"
    refused = program.post(path, revision=told["revision"])
    assert (refused.status_code, set(refused.get_json()["fields"])) == (422, {"confirm"})
    done = program.post(path, {"confirm": True}, revision=told["revision"])
    assert done.get_json()["outcome"]["id"] == "withdrawn"
    over = program.post(path, {"confirm": True}, revision=done.get_json()["revision"])
    assert (over.status_code, over.get_json()["type"]) == (409, "urn:fundflow:problem:ended")
    assert program.decisions(application)["transitions"] == []


def test_a_task_is_ticked_and_taken_back(app: Flask, people: People) -> None:
    application = a_contract("checks", people)
    program = Program.of(app, people.compliance)
    told = program.decisions(application)
    act = next(each for each in told["acts"] if each["id"] == "task.sanctions")
    assert [each["value"] for each in act["asks"]["value"]["choices"]] == ["clear", "hit"]
    path = f"/applications/{application.id}/acts/task/sanctions"
    missing = program.post(path, revision=told["revision"])
    assert (missing.status_code, set(missing.get_json()["fields"])) == (422, {"value"})
    wrong = program.post(path, {"value": "maybe"}, revision=told["revision"])
    assert (wrong.status_code, [c["kind"] for c in wrong.get_json()["clauses"] if not c["holds"]]) == (409, ["value"])
    done = program.post(path, {"value": "hit"}, key="t", revision=told["revision"])
    assert done.status_code == 200, done.text
    assert program.post(path, {"value": "hit"}, key="t", revision=told["revision"]).get_json()["replayed"] is True
    back = program.post(path, {"value": None}, revision=done.get_json()["revision"])
    assert back.status_code == 200
    db.session.rollback()
    assert db.session.get(TaskResult, (application.id, "sanctions")) is None


def test_a_program_is_told_what_is_signed_but_cannot_sign(app: Flask, people: People) -> None:
    application = a_contract("ready", people)
    program = Program.of(app, people.signatory)
    told = program.decisions(application)
    act = next(each for each in told["acts"] if each["id"] == "sign.city")
    digest = next(each for each in act["asks"]["input"] if each["name"] == "sha256")["choices"][0]["value"]
    assert digest == record(application).sha256
    path = f"/applications/{application.id}/acts/sign/city"
    said = {"input": {"name": "Sira Signatory", "sha256": digest}, "confirm": True}
    proof = next(each for each in act["clauses"] if each["kind"] == "proof")
    assert (act["allowed"], proof["holds"]) == (False, False)
    nameless = program.post(path, {**said, "input": {"sha256": digest}}, revision=told["revision"])
    assert (nameless.status_code, set(nameless.get_json()["fields"])) == (422, {"input.name"})
    assert program.post(path, {**said, "confirm": False}, revision=told["revision"]).status_code == 422
    refused = program.post(path, said, revision=told["revision"])
    assert (refused.status_code, refused.get_json()["detail"]) == (403, proof["sentence"])
    assert ("sign", "city") not in events_of(application.id)


def test_somebody_is_put_in_charge(app: Flask, people: People) -> None:
    application = a_contract("sent", people)
    program = Program.of(app, people.manager)
    told = program.decisions(application)
    act = next(each for each in told["acts"] if each["id"] == "assign.officer")
    person = str(people.manager.id)
    assert person in [each["value"] for each in act["asks"]["value"]["choices"]]
    path = f"/applications/{application.id}/acts/assign/officer"
    for wrong in ("nobody", str(people.applicant.id)):
        answer = program.post(path, {"value": wrong}, revision=told["revision"])
        assert (answer.status_code, set(answer.get_json()["fields"])) == (422, {"value"})
    assert program.post(path, {"value": person}, revision=told["revision"]).status_code == 200


def test_a_tranche_is_asked_for_and_paid(app: Flask, people: People) -> None:
    application = a_contract("active", people)
    city, finance = Program.of(app, people.applicant), Program.of(app, people.finance)
    told = city.decisions(application)
    tranche = told["children"][0]
    assert (tranche["kind"]["id"], tranche["key"], tranche["state"]["id"]) == ("tranche", "1", "planned")
    assert tranche["values"]["amount"] == {"minor": 600_000, "currency": "EUR"}
    ask = tranche["decisions"][0]
    assert ask["allowed"] is True and told["children"][1]["decisions"][0]["allowed"] is False
    assert city.post(ask["call"].partition("/api/v1")[2], revision=told["revision"]).status_code == 200
    told = finance.decisions(application)
    pay = told["children"][0]["decisions"][0]
    assert pay["id"] == "tranche.pay" and pay["asks"]["input"][0]["name"] == "reference"
    path = f"/applications/{application.id}/children/tranche/1/pay"
    missing = finance.post(path, revision=told["revision"])
    assert set(missing.get_json()["fields"]) == {"input.reference"}
    done = finance.post(path, {"input": {"reference": "T-1"}}, revision=told["revision"])
    assert done.get_json()["state"]["id"] == "active"
    assert finance.decisions(application)["children"][0]["state"]["id"] == "paid"
    refused = city.post(
        f"/applications/{application.id}/children/tranche/1/request", revision=city.show(application)["revision"]
    )
    assert refused.status_code == 409


def test_what_is_not_ones_own_is_not_there(app: Flask, people: People) -> None:
    application = a_contract("active", people)
    revision = make.revision_of(application)
    stranger, finance = Program.of(app, make.a_person()), Program.of(app, people.finance)
    at = f"/applications/{application.id}"
    seen = [stranger.get(at), stranger.get(f"{at}/decisions"), stranger.get(f"/applications/{uuid4()}")]
    seen += [stranger.post(f"{at}/transitions/close", revision=revision)]
    for path in (
        "transitions/close",
        "transitions/contract",
        "transitions/nothing",
        "children/tranche/1/drop",
        "children/tranche/9/pay",
        "children/nothing/1/pay",
        "children/tranche/1/nothing",
        "acts/task/talked",
        "acts/task/nothing",
        "acts/sign/city",
        "acts/nothing/city",
        "acts/discuss/nothing",
        "acts/assign/officer",
    ):
        seen.append(finance.post(f"{at}/{path}", {"value": None}, revision=revision))
    assert [answer.status_code for answer in seen] == [404] * len(seen)
    details = {(each.get_json()["type"], each.get_json()["detail"]) for each in seen}
    assert details == {("urn:fundflow:problem:not-found", "There is nothing here that you may see.")}
    assert make.revision_of(application) == revision


def test_a_step_is_told_with_its_deadline(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="complete", cast=cast)
    told = Program.of(app, cast.applicant).decisions(application)
    step = next(each for each in told["transitions"] if each["id"] == "submit")
    assert step["deadline"] is not None and step["allowed"] is True


def test_the_document_of_an_agreement_is_printed_before_it_is_offered(app: Flask, people: People) -> None:
    application = a_contract("signing", people)
    program = Program.of(app, people.signatory)
    act = next(each for each in program.decisions(application)["acts"] if each["id"] == "sign.city")
    assert act["allowed"] is False and act["asks"]["input"][1]["choices"] == []
    print_documents(application)
    act = next(each for each in program.decisions(application)["acts"] if each["id"] == "sign.city")
    assert [c["kind"] for c in act["clauses"] if not c["holds"]] == ["proof"]
    assert len(act["asks"]["input"][1]["choices"]) == 1


def test_a_discussion_is_recorded_with_its_minutes(app: Flask) -> None:
    stage = Stage()
    db.session.commit()
    chair, manager = Program.of(app, stage.chair), Program.of(app, stage.manager)
    told = chair.decisions(stage.application)
    act = next(each for each in told["acts"] if each["id"] == "discuss.panel")
    assert (act["allowed"], act["asks"]["reason"]) == (True, True)
    path = f"/applications/{stage.application.id}/acts/discuss/panel"
    silent = chair.post(path, revision=told["revision"])
    assert (silent.status_code, set(silent.get_json()["fields"])) == (422, {"reason"})
    assert manager.post(path, {"reason": "Said."}, revision=told["revision"]).status_code == 404
    assert chair.post(path, {"reason": "Said."}, revision=told["revision"]).status_code == 200
    assert ("discuss", "panel") in events_of(stage.application.id)
    assert written_to("review_discussed") == {stage.rosa.email, stage.ravi.email}
