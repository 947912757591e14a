"""Tranches on an application's page: the table, what each person can do with them, and the page of a step."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.ledger import queries as payments
from fundflow.lifecycle import children, commands
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests.desk.contract import People, a_contract, a_workflow, events_of, press_child, some_people
from tests.desk.counting import queries_of
from tests.people import sign_in


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


@pytest.fixture
def application(people: People) -> Application:
    return a_contract("active", people)


def shown(client: FlaskClient, person: User, application: Application) -> str:
    sign_in(client, person)
    return client.get(f"/applications/{application.id}").text


def fields(client: FlaskClient, address: str) -> dict[str, str]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status
    return dict(re.findall(r'name="(key|revision)"[^>]*value="([^"]*)"', answer.text))


def states(application: Application) -> dict[str, str]:
    db.session.rollback()
    return {row.key: row.state for row in children.rows_of(application.id, "tranche")}


def test_city_asks_and_finance_pays(client: FlaskClient, people: People, application: Application) -> None:
    text = shown(client, people.applicant, application)
    assert "€6,000.00" in text
    assert "Planned in all" in text
    assert "€10,000.00" in text
    assert "Tranche 1: City team: “Ask for payment” leads to “Requested”." in text
    assert "Not yet: Ask for payment" in text
    assert "Earlier tranches come first." in text
    address = f"/applications/{application.id}/tranche"
    answer = client.post(f"{address}/1/request", data=fields(client, f"{address}/1/request"))
    assert answer.status_code == 303
    assert states(application) == {"1": "requested", "2": "planned"}
    sign_in(client, people.finance)
    page = client.get(f"{address}/1/pay").text
    assert "Tranche 1: Pay" in page
    assert "Tranche 1 then stands at “Paid”." in page
    data = {**fields(client, f"{address}/1/pay"), "input_reference": "TR-1"}
    assert [client.post(f"{address}/1/pay", data=data).status_code for _ in range(2)] == [303, 303]
    assert payments.balance(application.round_id).paid.minor == 600_000
    assert events_of(application.id)[-2:] == [("tranche.request", "tranche:1"), ("tranche.pay", "tranche:1")]
    text = shown(client, people.applicant, application)
    assert "Tranche 1: Paid" in text
    assert "Fin Finance" not in text


def test_refused_step_tells_why_and_keeps_what_was_typed(
    client: FlaskClient, people: People, application: Application
) -> None:
    press_child(application, "tranche.request", "1", people.applicant)
    address = f"/applications/{application.id}/tranche/1"
    sign_in(client, people.manager)
    data = fields(client, f"{address}/refuse")
    for nothing in ("", "  \u200b "):
        answer = client.post(f"{address}/refuse", data={**data, "reason": nothing})
        assert answer.status_code == 422
        assert "Say why: this step needs a reason." in answer.text
    answer = client.post(f"{address}/refuse", data={**data, "reason": "x" * 4001})
    assert answer.status_code == 422
    assert "“Reason” is too long" in answer.text
    press_child(application, "tranche.drop", "2", people.manager, reason="Not needed.")
    answer = client.post(f"{address}/refuse", data={**data, "reason": "The receipts are missing."})
    assert answer.status_code == 409
    assert "The receipts are missing." in answer.text
    assert states(application) == {"1": "requested", "2": "dropped"}


def test_who_may_not_see_tranches_finds_no_page_of_them(
    client: FlaskClient, people: People, application: Application
) -> None:
    address = f"/applications/{application.id}/tranche"
    for person in (people.compliance, people.director, people.manager, make.a_person()):
        sign_in(client, person)
        assert client.get(f"{address}/1/request").status_code == 404, person.name
        assert client.post(f"{address}/1/request").status_code == 404, person.name
    sign_in(client, people.applicant)
    assert client.get(f"{address}/1/pay").status_code == 404
    assert client.get(f"{address}/9/request").status_code == 404
    assert client.get(f"{address}/1/requests").status_code == 404
    assert client.get(f"/applications/{application.id}/loan/1/request").status_code == 404


def test_signatory_is_told_nothing_of_a_payment(client: FlaskClient, people: People) -> None:
    # Whoever is on the team is also an applicant here; only another role's cell leaves tranches out.
    workflow = a_workflow(
        ("applicant: {is: team, label", "applicant: {is: team, duty: focal_point, label"),
    )
    application = a_contract("active", people, round_=make.a_round(workflow=workflow))
    press_child(application, "tranche.request", "1", people.applicant)
    assert "Tranche" not in shown(client, people.signatory, application)
    assert "Tranche 1: Requested" in shown(client, people.applicant, application)


def test_decisions_agree_with_what_is_accepted(people: People, application: Application) -> None:
    found = {
        row.key: {each.transition: each.allowed for each in decisions}
        for row, decisions in commands.available_children(application, make.acting(people.applicant))
    }
    assert found == {"1": {"tranche.request": True}, "2": {"tranche.request": False}}
    with pytest.raises(commands.NotAllowed, match="Earlier tranches come first"):
        press_child(application, "tranche.request", "2", people.applicant)
    db.session.rollback()
    assert commands.available_children(application, make.acting(people.compliance)) == []


def test_four_tranches_cost_as_many_queries_as_two(client: FlaskClient, people: People) -> None:
    few = f"/applications/{a_contract('active', people).id}"
    rows = [
        {"_id": str(nr), "nr": str(nr), "amount": {"minor": 250_000, "currency": "EUR"}, "due": f"2027-0{nr}-01"}
        for nr in range(1, 5)
    ]
    others = some_people()
    many = f"/applications/{a_contract('active', others, plan=rows).id}"
    sign_in(client, people.applicant)
    with_two = queries_of(client, few)
    sign_in(client, db.session.merge(others.applicant))
    assert queries_of(client, many) == with_two
