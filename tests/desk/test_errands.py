"""Home tells each person what an application collects and waits for from them, whatever the number of applications."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.lifecycle import acts
from tests import factories as make
from tests.desk.contract import People, a_contract, a_workflow, do_task, press_child, print_documents, sign, some_people
from tests.desk.counting import queries_of
from tests.people import sign_in


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


def tasks_of(client: FlaskClient, person: User) -> str:
    """The list of tasks on a person's home page."""
    sign_in(client, person)
    text = client.get("/home").text
    return text.partition('<ul class="tasks">')[2].partition("</ul>")[0]


def test_checks_wait_for_those_who_do_them_until_they_are_done(client: FlaskClient, people: People) -> None:
    application = a_contract("checks", people)
    assert "Do the check: Sanctions screening" in tasks_of(client, people.compliance)
    assert "Do the check: Bank account verified" in tasks_of(client, people.finance)
    assert tasks_of(client, people.director) == ""
    do_task(application, "sanctions", "clear", people.compliance)
    assert "Do the check" not in tasks_of(client, people.compliance)
    assert f"/applications/{application.id}#checklist" in tasks_of(client, people.finance)


def test_signature_waits_for_whose_turn_it_is_with_its_date(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    found = tasks_of(client, people.signatory)
    assert "Read and sign: Grant agreement" in found
    assert "Due in" in found
    assert tasks_of(client, people.director) == ""
    sign(application, "city", people.signatory)
    assert "Read and sign" not in tasks_of(client, people.signatory)
    assert f"/applications/{application.id}/sign/fund" in tasks_of(client, people.director)


def test_who_is_not_asked_is_told_whose_signature_or_check_is_waited_for(client: FlaskClient, people: People) -> None:
    application = a_contract("checks", people)
    assign(application.id, people, make.revision_of(application))
    sign_in(client, people.manager)
    assert "Waits for: Compliance, Finance" in client.get("/home").text
    do_task(application, "sanctions", "clear", people.compliance)
    assert "Waits for: Finance" in client.get("/home").text
    do_task(application, "bank_verified", "done", people.finance)
    print_documents(application)
    assert "Waits for: City signatory" in client.get("/home").text
    sign(application, "city", people.signatory)
    assert "Waits for: Director" in client.get("/home").text


def test_tranche_waits_for_the_next_who_can_lead_it_on(client: FlaskClient, people: People) -> None:
    application = a_contract("active", people)
    found = tasks_of(client, people.applicant)
    assert "Tranche 1: Ask for payment" in found
    assert "Tranche 2" not in found  # its turn comes later
    assert tasks_of(client, people.finance) == ""
    press_child(application, "tranche.request", "1", people.applicant)
    assert tasks_of(client, people.applicant) == ""
    found = tasks_of(client, people.finance)
    assert "Tranche 1: Pay" in found
    assert "€6,000.00" in found
    assert f"/applications/{application.id}/tranche/1/pay" in found


def test_step_that_waits_for_tranches_is_nobodys_task_yet(client: FlaskClient, people: People) -> None:
    application = a_contract("active", people)
    assign(application.id, people, make.revision_of(application))
    assert "Close" not in tasks_of(client, people.manager)
    for nr in ("1", "2"):
        press_child(application, "tranche.request", nr, people.applicant)
        press_child(application, "tranche.pay", nr, people.finance, input={"reference": f"TR-{nr}"})
    assert ">Close</a>" in tasks_of(client, people.manager)


def assign(application_id: object, people: People, revision: int) -> None:
    """Put the manager in charge."""
    actor = make.acting(people.manager)
    with transaction():
        acts.assign(
            application_id,  # type: ignore[arg-type]
            "officer",
            people.manager.id,
            actor=actor,
            key=f"assign:{application_id}",
            revision=revision,
        )


def test_somebody_is_to_be_put_in_charge_once_it_is_sent(client: FlaskClient, people: People) -> None:
    draft = a_contract("draft", people)
    sent = a_contract("sent", some_people())
    found = tasks_of(client, people.manager)
    assert "Choose: Programme officer" in found
    assert str(sent.id) in found
    assert str(draft.id) not in found
    assign(sent.id, people, make.revision_of(sent))
    assert "Choose: Programme officer" not in tasks_of(client, people.manager)


def test_city_is_not_told_of_a_check_behind_closed_doors(client: FlaskClient, people: People) -> None:
    a_contract("talk", people)
    assert tasks_of(client, people.applicant) == ""
    assert "Do the check: Talked it over" in tasks_of(client, people.manager)


def test_home_costs_as_many_queries_for_three_as_for_one(client: FlaskClient, people: People) -> None:
    round_ = make.a_round(workflow=a_workflow())
    a_contract("active", people, round_=round_)
    sign_in(client, people.finance)
    with_one = queries_of(client, "/home")
    for _each in range(2):
        a_contract("active", some_people(), round_=db.session.merge(round_))
    assert queries_of(client, "/home") == with_one
