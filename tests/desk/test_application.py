"""The page of an application and the steps taken from it: what each may see, and bad input that is told and kept."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fundflow import clock
from fundflow.accounts.models import TeamMember, User
from fundflow.db import db, transaction
from fundflow.lifecycle import commands
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import history
from tests import factories
from tests.people import sign_in


def page(client: FlaskClient, person: User, application: Application) -> TestResponse:
    sign_in(client, person)
    return client.get(f"/applications/{application.id}")


def step(client: FlaskClient, application: Application, name: str) -> tuple[str, dict[str, str]]:
    """The address of a step's page and the hidden fields that it would send back."""
    address = f"/applications/{application.id}/do/{name}"
    text = client.get(address).text
    hidden = {field: re.search(rf'name="{field}"[^>]*value="([^"]*)"', text) for field in ("key", "revision")}
    return address, {field: found[1] for field, found in hidden.items() if found}


def transitions(application: Application) -> list[str]:
    db.session.expire_all()
    return [event.transition for event in history(application.id)]


def test_team_sees_the_way_through_what_is_missing_and_what_comes_next(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    text = page(client, cast.applicant, factories.an_application(cast=cast)).text
    assert 'aria-current="step"' in text
    assert "Not yet: Submit the application" in text
    assert "“Proposal” is not complete" in text
    assert text.count("Not answered yet: Amount requested.") == 1
    assert "City team: “Submit the application” leads to “Under review”." in text
    assert "Closing of the round" in text
    assert "Withdraw the application" in text


def test_other_city_a_stranger_and_a_manager_of_another_round_find_nothing(app: Flask, client: FlaskClient) -> None:
    application = factories.an_application(state="review")
    other_round = factories.a_round()
    outsiders = [
        factories.a_cast().applicant,
        factories.a_person(),
        factories.a_person(groups=[("fund-managers", other_round)]),
        factories.a_person(groups=["reviewers"]),
        factories.a_person(groups=["administrators"]),
    ]
    for person in outsiders:
        assert page(client, person, application).status_code == 404
        assert client.get(f"/applications/{application.id}/do/approve").status_code == 404
        assert client.post(f"/applications/{application.id}/do/approve").status_code == 404
    assert client.get(f"/applications/{UUID(int=1)}").status_code == 404


def test_what_was_not_sent_is_told_to_the_fund_only_by_its_number(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    city = factories.a_city("Kanifing", focal_point=cast.applicant)
    application = factories.an_application(state="complete", cast=cast, city=city, requested=12_345)
    text = page(client, cast.manager, application).text
    assert application.number in text
    assert "Project of Kanifing" not in text
    assert "12,345" not in text
    assert "/forms/proposal" not in text


def test_history_tells_the_city_the_reason_and_not_the_name(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="review", cast=cast)
    factories.press(application, "send_back", cast.manager, reason="The budget lacks staff.")
    text = page(client, cast.applicant, application).text
    assert "Sent back" in text
    assert "The budget lacks staff." in text
    assert cast.manager.name not in text
    assert cast.manager.name in page(client, cast.manager, application).text


def test_reviewer_reads_no_reasons_and_no_scores_of_others(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="review", cast=cast)
    factories.press(application, "send_back", cast.manager, reason="The budget lacks staff.")
    factories.press(application, "submit", cast.applicant)
    factories.scored(application, cast)
    text = page(client, cast.reviewers[0], application).text
    assert "The budget lacks staff." not in text
    assert cast.manager.name not in text
    assert cast.applicant.name not in text
    assert "Score:" not in text


def test_manager_sees_the_reviews_and_may_decide(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    text = page(client, cast.manager, application).text
    assert "Reviews sent: 3, needed: 2." in text
    assert "Score: 8 of 10." in text
    assert f"/applications/{application.id}/do/approve" in text


def test_ended_application_says_how_it_ended_and_offers_nothing(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    factories.press(application, "decline", cast.manager, reason="Outside the theme.")
    text = page(client, cast.applicant, application).text
    assert "Declined" in text
    assert "Outside the theme." in text
    assert "/do/" not in text


def test_step_says_what_it_causes_before_it_is_taken(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    sign_in(client, cast.manager)
    text = client.get(f"/applications/{application.id}/do/approve").text
    assert "The application then stands at “Approved”." in text
    assert "€10,000.00 of the round's budget is committed to this city." in text.replace("&#39;", "'")
    assert "A document is made and kept: agreement." in text
    assert "A message goes to City team." in text
    assert transitions(application)[-1] == "submit"


def test_confirmation_is_asked_for(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    sign_in(client, cast.manager)
    address, hidden = step(client, application, "approve")
    answer = client.post(address, data=hidden)
    assert answer.status_code == 422
    assert "Tick this box" in answer.text
    assert client.post(address, data={**hidden, "confirm": "y"}).status_code == 303
    assert transitions(application)[-1] == "approve"


def test_reason_is_asked_for_and_kept(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    sign_in(client, cast.manager)
    address, hidden = step(client, application, "decline")
    answer = client.post(address, data={**hidden, "reason": "   "})
    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert client.post(address, data={**hidden, "reason": "Outside the theme."}).status_code == 303


def test_double_click_is_one_step(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    sign_in(client, cast.manager)
    address, hidden = step(client, application, "approve")
    answers = [client.post(address, data={**hidden, "confirm": "y"}).status_code for _click in range(2)]
    assert answers == [303, 303]
    assert transitions(application).count("approve") == 1


def test_second_manager_is_told_that_things_have_changed_and_keeps_what_was_typed(
    app: Flask, client: FlaskClient
) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="scored", cast=cast)
    sign_in(client, factories.a_person(groups=["fund-managers"]))
    address, hidden = step(client, application, "decline")
    factories.press(application, "approve", cast.manager)
    answer = client.post(address, data={**hidden, "reason": "Outside the theme."})
    assert answer.status_code == 409
    assert "This changed since you opened it." in answer.text
    assert "no longer possible: the application now stands at “Approved”" in answer.text
    assert "Outside the theme." in answer.text
    assert transitions(application)[-1] == "approve"


def test_deadline_that_passed_while_typing_is_told_in_a_sentence(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="complete", cast=cast)
    sign_in(client, cast.applicant)
    address, hidden = step(client, application, "submit")
    with clock.shifted(timedelta(days=31)):
        answer = client.post(address, data=hidden)
    assert answer.status_code == 409
    assert "The deadline passed on" in answer.text
    assert transitions(application) == ["started"]


def test_payment_is_recorded_exactly_or_told_what_is_wrong(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="approved", cast=cast)
    sign_in(client, cast.finance)
    address, hidden = step(client, application, "disburse")
    today = clock.now().date()
    typed = {**hidden, "input_reference": "TR-77", "input_paid_on": today.isoformat(), "input_amount": "10,000.00"}
    for wrong, status, says in (
        ({"input_amount": "1e4"}, 422, "is not an amount of money"),
        ({"input_amount": "-10000"}, 422, "is not an amount of money"),
        ({"input_amount": "NaN"}, 422, "is not an amount of money"),
        ({"input_amount": "10000.001"}, 422, "decimal places"),
        ({"input_amount": ""}, 422, "Fill in"),
        ({"input_reference": ""}, 422, "Fill in"),
        ({"input_paid_on": "31.12.2026"}, 422, "is not a date"),
        ({"input_paid_on": "0026-11-20"}, 422, "is not a date"),
        ({"input_paid_on": "9999-12-31"}, 422, "is not a date"),
        ({"input_amount": "9999.99"}, 409, "The payment must be exactly €10,000.00; €9,999.99 was entered."),
        ({"input_paid_on": (today + timedelta(days=2)).isoformat()}, 409, "still to come"),
        ({"revision": "0"}, 409, "This changed since you opened it."),
        ({"revision": "x" * 50}, 409, "This changed since you opened it."),
    ):
        answer = client.post(address, data={**typed, **wrong})
        assert (answer.status_code, says in answer.text) == (status, True), (wrong, answer.status_code)
        assert ("TR-77" in answer.text) or "input_reference" in wrong
    assert transitions(application)[-1] == "approve"
    assert client.post(address, data=typed).status_code == 303
    text = client.get(f"/applications/{application.id}").text
    assert "TR-77" in text


def test_whoever_approved_never_pays_and_whoever_pays_never_approves(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="approved", cast=cast)
    sign_in(client, cast.manager)
    assert client.get(f"/applications/{application.id}/do/disburse").status_code == 404
    sign_in(client, cast.finance)
    assert client.get(f"/applications/{application.id}/do/approve").status_code == 404


def test_step_that_no_workflow_has_is_not_found(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(cast=cast)
    sign_in(client, cast.applicant)
    assert client.get(f"/applications/{application.id}/do/explode").status_code == 404
    assert client.get(f"/applications/{application.id}/do/lapse").status_code == 404


def test_key_of_nobody_is_a_new_key(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="complete", cast=cast)
    sign_in(client, cast.applicant)
    address, hidden = step(client, application, "submit")
    assert client.post(address, data={**hidden, "key": "'; drop table events"}).status_code == 303


def test_manager_on_the_applying_team_decides_nothing_about_it(app: Flask) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="review", cast=cast)
    factories.scored(application, cast)
    with transaction():
        db.session.add(TeamMember(city_id=application.city_id, user_id=cast.manager.id, duty="signatory"))
    manager = factories.acting(cast.manager)
    assert commands.roles_of(application, manager) == {"applicant"}
    assert "approve" not in {each.transition for each in commands.available(application, manager)}
