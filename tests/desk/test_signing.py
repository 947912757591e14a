"""Signing in the browser: the document first, in order, bound to one file, by those who are asked."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Application, Signature
from tests.desk.contract import People, a_contract, events_of, print_documents, record, sign, some_people
from tests.people import sign_in


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


def sign_page(client: FlaskClient, person: User, application: Application, party: str) -> tuple[str, dict[str, str]]:
    """The page's text and its hidden fields."""
    sign_in(client, person)
    text = client.get(f"/applications/{application.id}/sign/{party}").text
    return text, dict(re.findall(r'name="(key|revision|sha256)"[^>]*value="([^"]*)"', text))


def signatures(application: Application) -> dict[str, Signature]:
    db.session.rollback()
    rows = db.session.scalars(sa.select(Signature).where(Signature.application_id == application.id))
    return {row.party: row for row in rows}


def test_document_is_waited_for_then_read_then_signed_in_order(client: FlaskClient, people: People) -> None:
    application = a_contract("signing", people)
    text, _fields = sign_page(client, people.signatory, application, "city")
    assert "still being prepared" in text
    assert "The document to be signed is not ready yet." in text
    assert 'name="name"' not in text
    print_documents(application)
    english = record(application)
    text, _fields = sign_page(client, people.director, application, "fund")
    assert "Before you, this must be signed by: City signatory." in text
    text, fields = sign_page(client, people.signatory, application, "city")
    assert f"/documents/{english.id}" in text
    assert "It exists in 2 languages. The text in English is the one that is signed and that counts" in text
    assert fields["sha256"] == english.sha256
    data = {**fields, "name": "  Sira   Signatory ", "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/city", data=data).status_code == 303
    kept = signatures(application)["city"]
    assert (kept.name, kept.sha256, kept.signed_by) == ("Sira Signatory", english.sha256, people.signatory.id)
    text, fields = sign_page(client, people.director, application, "fund")
    data = {**fields, "name": "Dira Director", "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/fund", data=data).status_code == 303
    assert events_of(application.id)[-3:] == [("sign", "city"), ("sign", "fund"), ("begin", None)]


def test_application_page_says_who_signed_and_what_then_happens(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    sign_in(client, people.applicant)
    text = client.get(f"/applications/{application.id}").text
    assert "City signatory signs “Grant agreement”." in text
    assert "Then Director signs “Grant agreement”." in text
    assert "As soon as everyone has signed, it goes on to “Under way” by itself." in text
    assert "/sign/city" not in text  # the focal point may not
    sign(application, "city", people.signatory)
    text = client.get(f"/applications/{application.id}").text
    assert "Signed as “Sira Signatory”" in text
    assert "Still to sign: Director." in text
    sign(application, "fund", people.director)
    text = client.get(f"/applications/{application.id}").text
    assert "Signed: City signatory" in text
    assert "Signed: Director" in text


def test_document_that_changed_since_the_page_was_opened_is_refused(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    with transaction():
        record(application).sha256 = "ef" * 32
    data = {**fields, "name": "Sira Signatory", "confirm": "y"}
    answer = client.post(f"/applications/{application.id}/sign/city", data=data)
    assert answer.status_code == 409
    assert "The document changed since you opened this page." in answer.text
    assert 'value="Sira Signatory"' in answer.text
    assert signatures(application) == {}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"name": "", "confirm": "y"}, "Type your name to sign."),
        ({"name": "   ", "confirm": "y"}, "Type your name to sign."),
        ({"name": " \u200b\u202e", "confirm": "y"}, "Type your name to sign."),
        ({"name": "Sira\x00S", "confirm": "y"}, "Type your name to sign."),
        ({"name": "Sira"}, "Tick this box to show that you have read it."),
    ],
)
def test_name_and_confirmation_are_asked_for(
    client: FlaskClient, people: People, typed: dict[str, str], says: str
) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    answer = client.post(f"/applications/{application.id}/sign/city", data={**fields, **typed})
    assert answer.status_code == 422
    assert says in answer.text
    assert signatures(application) == {}


def test_two_clicks_are_one_signature_and_an_old_page_none(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {**fields, "name": "Sira Signatory", "confirm": "y"}
    address = f"/applications/{application.id}/sign/city"
    assert [client.post(address, data=data).status_code for _ in range(2)] == [303, 303]
    assert [act for act, _subject in events_of(application.id)].count("sign") == 1
    answer = client.post(address, data={**data, "key": "another"})
    assert answer.status_code == 409
    assert 'value="Sira Signatory"' in answer.text


def test_only_who_is_asked_finds_the_page(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    for person in (people.applicant, people.manager, people.director):
        sign_in(client, person)
        assert client.get(f"/applications/{application.id}/sign/city").status_code == 404, person.name
        assert client.post(f"/applications/{application.id}/sign/city").status_code == 404, person.name
    sign_in(client, people.signatory)
    assert client.get(f"/applications/{application.id}/sign/mayor").status_code == 404


def test_english_text_is_the_one_of_record_and_no_older_one_stands_in(app: Flask, people: People) -> None:
    application = a_contract("ready", people)
    assert registry.paper_of(application, "agreement") == record(application).sha256
    assert registry.paper_of(application, "letter") is None
    with transaction():
        document = record(application)
        document.sha256 = document.rendered_at = document.size = None
    assert registry.paper_of(application, "agreement") is None


def test_all_that_is_missing_for_a_signature_is_said_at_once(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    text = client.post(f"/applications/{application.id}/sign/city", data={**fields, "name": ""}).text
    assert "Type your name to sign." in text
    assert "sign it for those I represent: Tick this box to show that you have read it." in text


def test_signature_under_another_name_shows_whose_account_gave_it(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {**fields, "name": "Somebody Else", "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/city", data=data).status_code == 303
    text = " ".join(client.get(f"/applications/{application.id}").text.split())
    assert "Signed as “Somebody Else”, Sira Signatory," in text


def test_signature_without_the_revision_of_a_page_is_refused(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {"key": fields["key"], "sha256": fields["sha256"], "name": "Sira Signatory", "confirm": "y"}
    answer = client.post(f"/applications/{application.id}/sign/city", data=data)
    assert answer.status_code == 409
    assert "This changed since you opened it." in answer.text
    assert signatures(application) == {}
