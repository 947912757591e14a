"""`fundflow why` and `fundflow export-schema`: the same decision as everywhere, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from fundflow import asking
from fundflow.cli import main
from fundflow.config import ROOT
from fundflow.lifecycle import commands
from fundflow.workflow import format, source
from tests import factories as make
from tests.desk.contract import People, a_contract, do_task, press_child, some_people


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


def test_decision_is_that_of_the_button(people: People) -> None:
    application = a_contract("sent", people)
    [button, _stop] = commands.available(application, make.acting(people.manager))
    assert asking.why(application.number, "consider", people.manager.email) == button
    assert asking.why(str(application.id).upper(), "consider", people.manager.email.upper()).allowed


def test_every_clause_is_told_with_its_values(people: People) -> None:
    application = a_contract("talk", people)
    lines = list(asking.told(asking.why(application.number, "award", people.manager.email)))
    assert lines[0] == "refused"
    assert (
        "  FAILS  tasks: Still to be done: Talked it over.  [missing = Talked it over, tasks = Talked it over]" in lines
    )
    do_task(application, "talked", "done", people.manager)
    assert next(iter(asking.told(asking.why(application.number, "award", people.manager.email)))) == "allowed"
    refused = asking.why(application.number, "award", people.applicant.email)
    assert [clause["kind"] for clause in asking.as_json(refused)["clauses"] if not clause["holds"]] == ["role"]


def test_children_and_acts_are_asked_about_too(people: People) -> None:
    application = a_contract("ready", people)
    assert asking.why(application.number, "sign:city", people.signatory.email).allowed
    assert not asking.why(application.number, "sign:fund", people.director.email).allowed
    assert not asking.why(application.number, "task:sanctions", people.compliance.email).allowed
    assert asking.why(application.number, "begin", "system").allowed is False
    under_way = a_contract("active", some_people())
    person = people.finance.email
    assert not asking.why(under_way.number, "tranche.pay:1", person).allowed
    applicant = make.acting(people.finance)
    assert applicant.email == person


def test_tranche_that_was_asked_for_can_be_paid(people: People) -> None:
    application = a_contract("active", people)
    press_child(application, "tranche.request", "1", people.applicant)
    decision = asking.why(application.number, "tranche.pay:1", people.finance.email)
    assert decision.allowed
    assert "self.amount = 6000.00 EUR" in "\n".join(asking.told(decision))


@pytest.mark.parametrize(
    ("number", "step", "person", "says"),
    [
        ("{number}x", "consider", "{manager}", "there is no application"),
        ("{number}", "consyder", "{manager}", "contract-grant has no step 'consyder'; did you mean 'consider'?"),
        ("{number}", "task:sanction", "{manager}", "contract-grant has no task 'sanction'; did you mean 'sanctions'?"),
        ("{number}", "sign:citty", "{manager}", "contract-grant has no sign 'citty'; did you mean 'city'?"),
        ("{number}", "tranche.pay:9", "{manager}", "has no tranche '9'; write the step and the key: tranche.pay:1"),
        ("{number}", "consider", "x{manager}", "there is no person"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(people: People, number: str, step: str, person: str, says: str) -> None:
    application = a_contract("sent", people)
    names = {"number": application.number, "manager": people.manager.email}
    with pytest.raises(asking.Unknown) as told:
        asking.why(number.format(**names), step, person.format(**names))
    assert says in str(told.value)
    if "no application" in says or "no person" in says:
        assert "did you mean" in str(told.value)


@pytest.mark.parametrize("kind", ["workflow", "form"])
def test_shipped_files_have_the_shape_that_editors_are_told(kind: str) -> None:
    answer = CliRunner().invoke(main, ["export-schema", kind])
    schema = json.loads(answer.output)
    part = format.Workflow if kind == "workflow" else format.Form
    assert schema == json.loads(json.dumps(format.json_schema(part)))
    files = (ROOT / "workflows").glob("*.yaml") if kind == "workflow" else (ROOT / "workflows/forms").glob("*.yaml")
    seen: list[Path] = sorted(files)
    assert seen
    for file in seen:
        written = source.read(file.name, file.read_text(encoding="utf-8")).data
        part.model_validate(written)
        assert set(written) <= set(schema["properties"]), file
        assert set(schema["required"]) <= set(written), file


def test_a_condition_that_fails_is_taken_apart_into_what_should_hold(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(make.a_round(), state="scored", cast=cast, score=3)
    decision, because = asking.answer(application.number, "approve", cast.manager.email)
    lines = list(asking.told(decision, "en", because))
    assert [line for line in lines if "not so" in line] == [
        "           not so: the score of “panel” is at least 6 (reviews.panel.score = 3)"
    ]
