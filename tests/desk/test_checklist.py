"""The checklist on an application's page: who sees it, who ticks it, and what comes of it, told and kept."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow.accounts.models import User
from fundflow.lifecycle.models import Application
from fundflow.story_gcf import FEEDBACK
from tests import factories as make
from tests.awards.large import LargeGrant
from tests.desk.contract import People, a_contract, do_task, events_of, some_people
from tests.people import sign_in


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


@pytest.fixture
def application(people: People) -> Application:
    return a_contract("checks", people)


def shown(client: FlaskClient, person: User, application: Application) -> str:
    sign_in(client, person)
    answer = client.get(f"/applications/{application.id}")
    assert answer.status_code == 200
    return answer.text


def hidden(text: str, task: str) -> dict[str, str]:
    """The hidden fields of a task's form."""
    form = re.search(rf'action="[^"]*/tasks/{task}".*?</form>', text, re.DOTALL)
    assert form, f"there is no form for {task}"
    return dict(re.findall(r'name="(key|revision)" value="([^"]*)"', form[0]))


def test_each_does_their_own_check_and_the_last_one_leads_on(
    client: FlaskClient, people: People, application: Application
) -> None:
    address = f"/applications/{application.id}/tasks"
    text = shown(client, people.compliance, application)
    assert "To be done by: Compliance" in text
    assert "Bank account verified" in text  # read, but not to be done by them
    assert "/tasks/bank_verified" not in text
    answer = client.post(f"{address}/sanctions", data={**hidden(text, "sanctions"), "value": "clear"})
    assert answer.status_code == 303
    text = shown(client, people.finance, application)
    assert "Cora Compliance," in text
    assert ">Clear</span>" in text
    assert "Still to be done: Bank account verified." in text
    client.post(f"{address}/bank_verified", data={**hidden(text, "bank_verified"), "value": "done"})
    assert events_of(application.id)[-3:] == [
        ("task", "sanctions"),
        ("task", "bank_verified"),
        ("contract", None),
    ]
    text = shown(client, people.manager, application)
    assert "by itself, as soon as it could" in text
    assert "Checked: Sanctions screening: Clear" in text
    assert "Checklist of “Due diligence”" in text  # the results stay readable


def test_result_is_taken_back(client: FlaskClient, people: People, application: Application) -> None:
    do_task(application, "sanctions", "hit", people.compliance)
    text = shown(client, people.compliance, application)
    data = {**hidden(text, "sanctions"), "take_back": "yes"}
    assert client.post(f"/applications/{application.id}/tasks/sanctions", data=data).status_code == 303
    text = shown(client, people.compliance, application)
    assert "Taken back: Sanctions screening" in text
    assert 'value="hit"' in text  # open again


def test_two_clicks_are_one_event(client: FlaskClient, people: People, application: Application) -> None:
    data = {**hidden(shown(client, people.compliance, application), "sanctions"), "value": "clear"}
    address = f"/applications/{application.id}/tasks/sanctions"
    before = len(events_of(application.id))
    assert client.post(address, data=data).status_code == 303
    assert client.post(address, data=data).status_code == 303
    assert len(events_of(application.id)) == before + 1


def test_old_page_is_refused_in_words(client: FlaskClient, people: People, application: Application) -> None:
    data = {**hidden(shown(client, people.compliance, application), "sanctions"), "value": "clear"}
    do_task(application, "bank_verified", "done", people.finance)
    answer = client.post(f"/applications/{application.id}/tasks/sanctions", data=data)
    assert answer.status_code == 409
    assert "Something needs correcting" in answer.text
    assert "sanctions" not in {subject for _act, subject in events_of(application.id)}


@pytest.mark.parametrize("value", ["perhaps", "", "done"])
def test_result_that_is_none_of_the_values_is_refused(
    client: FlaskClient, people: People, application: Application, value: str
) -> None:
    data = {**hidden(shown(client, people.compliance, application), "sanctions"), "value": value}
    answer = client.post(f"/applications/{application.id}/tasks/sanctions", data=data)
    assert answer.status_code in (409, 422)
    assert "Choose" in answer.text


def test_who_has_no_part_in_it_finds_no_such_page(
    client: FlaskClient, people: People, application: Application
) -> None:
    for person in (people.applicant, people.director, people.finance):
        sign_in(client, person)
        answer = client.post(f"/applications/{application.id}/tasks/sanctions", data={"value": "clear"})
        assert answer.status_code == 404, person.name
    sign_in(client, people.compliance)
    assert client.post(f"/applications/{application.id}/tasks/sanktions", data={"value": "clear"}).status_code == 404


def test_city_is_told_neither_of_checks_nor_of_talks(
    client: FlaskClient, people: People, application: Application
) -> None:
    do_task(application, "sanctions", "hit", people.compliance)
    text = shown(client, people.applicant, application)
    for secret in ("Sanctions", "Talked it over", "Behind closed doors", "Cora", "Checklist"):
        assert secret not in text, secret
    assert "Due diligence" in text


def test_masked_state_shows_the_city_the_same_page_before_and_within(client: FlaskClient, people: People) -> None:
    application = a_contract("sent", people)
    before = shown(client, people.applicant, application)
    make.press(application, "consider", people.manager)
    do_task(application, "talked", "done", people.manager)
    within = shown(client, people.applicant, application)

    def without_keys(text: str) -> str:
        text = re.sub(r'title="[^"]*"', "", text)
        return re.sub(r'(name="(csrf_token|key)" value|nonce)="[^"]*"', "", text)

    assert without_keys(before) == without_keys(within)


def test_page_of_many_states_shows_phases_and_the_states_of_the_present_one(
    client: FlaskClient, people: People, application: Application
) -> None:
    text = shown(client, people.manager, application)
    path = text.partition('<ol class="steps">')[2].partition("</p>")[0]
    assert [each in path for each in ("Application", "Contract", "Work", "Due diligence", "Out for signature")] == [
        True
    ] * 5
    assert "With the fund" not in path
    assert "Under way" not in path
    assert path.count('aria-current="step"') == 2  # the phase, and the state in it


def test_manager_is_led_to_choose_who_is_in_charge(
    client: FlaskClient, people: People, application: Application
) -> None:
    text = shown(client, people.manager, application)
    assert "Choose: Programme officer" in text
    assert "Choose: Programme officer" not in shown(client, people.compliance, application)


@pytest.mark.parametrize("value", ["", "nonsense", "\x00", "x" * 100_000])
def test_what_is_no_result_of_a_check_is_told_so(
    client: FlaskClient, people: People, application: Application, value: str
) -> None:
    text = shown(client, people.finance, application)
    before = events_of(application.id)
    answer = client.post(
        f"/applications/{application.id}/tasks/bank_verified", data={**hidden(text, "bank_verified"), "value": value}
    )
    assert answer.status_code == 422
    assert "Choose a result for “Bank account verified”." in answer.text
    assert events_of(application.id) == before


def test_nothing_lies_ahead_of_an_application_that_is_kept_for_a_later_round(app: Flask, client: FlaskClient) -> None:
    grant = LargeGrant("concept_review")
    grant.write("feedback", grant.officer, dict(FEEDBACK["kept_for_later"]))
    grant.press("keep_for_later", grant.officer)
    sign_in(client, grant.focal)
    text = client.get(f"/applications/{grant.application.id}").text
    assert "Kept for a later round" in text
    assert "Checks and signatures" not in text
