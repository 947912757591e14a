"""The pages of the account, of screenings and of a payment: what each side reads, and that nothing typed is lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.banking import queries as bank_queries
from fundflow.banking.payee import payee_of
from fundflow.db import db
from tests import factories as make
from tests.awards.large import LargeGrant
from tests.banking.accounts import FIRST, OTHER, account
from tests.desk.counting import queries_of
from tests.people import sign_in

TYPED = {
    "holder": "City of Saint-Amary",
    "country": "SN",
    "bank_name": "Invented Municipal Bank",
    "number": "SN42 SN01 0000 0000 0000 0123 4568",
    "contact_name": "Fatou Sarr",
    "contact_email": "accounts@saint-amary.example",
    "contact_phone": "+221 33 000 00 01",
}


def fields(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(key|seen)"[^>]*value="([^"]*)"', text))


def open_as(client: FlaskClient, person: User, address: str) -> str:
    sign_in(client, person)
    answer = client.get(address)
    assert answer.status_code == 200, answer.status
    return answer.text


def test_city_enters_finance_calls_and_nobody_reads_the_number(app: Flask, client: FlaskClient) -> None:
    grant = LargeGrant("due_diligence")
    base = f"/applications/{grant.application.id}"
    address = f"{base}/bank"
    assert "Not entered yet" in open_as(client, grant.focal, base)
    typed = {**TYPED, **fields(open_as(client, grant.focal, f"{address}/enter"))}
    answer = client.post(f"{address}/enter", data=typed)
    assert answer.status_code == 422
    assert "its check digits do not fit" in answer.text
    assert "SN42 SN01 0000 0000 0000 0123 4568" in answer.text, "nothing typed is lost"
    typed["number"] = FIRST
    assert [client.post(f"{address}/enter", data=typed).status_code for _ in range(2)] == [303, 303], "a double click"
    db.session.rollback()
    assert len(bank_queries.accounts_of(grant.application.id)) == 1
    for reader_ in (grant.focal, grant.mayor, grant.officer, grant.auditor, grant.finance):
        text = open_as(client, reader_, address)
        assert "SN •••• 4567" in text
        assert FIRST[6:-4] not in text.replace(" ", "")
    assert "Saint-Amary" in open_as(client, grant.finance, "/money/accounts")
    call = {
        **fields(open_as(client, grant.finance, f"{address}/1/call")),
        "phone": "+221 33 999 99 99",
        "source": "The city's website",
        "spoken_to": "",
        "called_at": f"{clock.now():%Y-%m-%dT%H:%M}",
    }
    answer = client.post(f"{address}/1/call", data=call)
    assert answer.status_code == 422
    assert "+221 33 999 99 99" in answer.text
    call["spoken_to"] = "The head of finance"
    assert client.post(f"{address}/1/call", data=call).status_code == 303
    db.session.rollback()
    assert payee_of(grant.application.id) is not None
    text = open_as(client, grant.focal, address)
    assert "Verified" in text
    assert "The head of finance" not in text, "what the fund noted of the call stays with the fund"
    assert client.post(f"{address}/1/look", data={"reason": "Curious"}).status_code == 404
    sign_in(client, grant.finance)
    assert client.post(f"{address}/1/look", data={"reason": ""}).status_code == 422
    shown = client.post(f"{address}/1/look", data={"reason": "To pay"})
    assert FIRST in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert "To pay" in open_as(client, grant.auditor, address)


def test_a_payment_waits_for_its_account_and_both_sides_read_why(app: Flask, client: FlaskClient) -> None:
    grant = LargeGrant("active")
    second = make.a_person(groups=[make.FINANCE])
    payment = f"/applications/{grant.application.id}/payments/tranche/1"
    bank = f"/applications/{grant.application.id}/bank"
    grant.press("tranche.request", grant.focal, of="1")
    grant.press("tranche.verify", grant.officer, of="1")
    grant.press("tranche.approve", grant.finance, of="1")
    grant.bank.enter(grant.mayor, account(OTHER))
    grant.bank.call(2, grant.finance)
    text = open_as(client, grant.focal, payment)
    assert "account is not verified" in text
    assert "Needs 2 approvals: 1 given" in text
    assert "Director of the fund: “Approve as the director” is next." in text
    assert "checks before a payment are not finished" in text
    assert "lists of sanctions" not in text, "the city is not told what is searched or found"
    assert "With the fund" in text
    text = open_as(client, grant.finance, payment)
    assert "in the lists of sanctions" in text
    sign_in(client, second)
    step = fields(client.get(bank).text)
    assert client.post(f"{bank}/2/confirm", data=step).status_code == 303
    grant.press("tranche.approve_finally", grant.director, of="1")
    grant.bank.screen(grant.compliance)
    text = open_as(client, grant.finance, payment)
    assert "Another bank account cools off until" in text
    with pytest.raises(Exception, match="cools off"):
        grant.press("tranche.order", grant.finance, of="1")
    step = fields(open_as(client, grant.focal, bank))
    stale = {**step, "seen": "2:entered"}
    assert client.post(f"{bank}/2/object", data=stale).status_code == 409
    assert client.post(f"{bank}/2/object", data=step).status_code == 303
    assert "Objected to" in open_as(client, grant.focal, bank)
    sign_in(client, grant.finance)
    assert client.post(f"{bank}/2/refuse", data={**fields(client.get(bank).text), "reason": ""}).status_code == 422
    refused = client.post(f"{bank}/2/refuse", data={**fields(client.get(bank).text), "reason": "Not asked for."})
    assert refused.status_code == 303
    with clock.shifted(timedelta(minutes=1)):
        grant.bank.screen(grant.compliance)
        grant.press("tranche.order", grant.finance, of="1")
    assert "It is with the bank." in open_as(client, grant.focal, payment)


def test_the_pages_ask_as_often_for_many_accounts_as_for_one(app: Flask, client: FlaskClient) -> None:
    one, many = (LargeGrant("due_diligence") for _ in range(2))
    one.bank.enter(one.focal)
    for name in ("Modou Fall", "Fatou Ba", "Awa Sy"):
        many.bank.enter(many.focal, account(contact_name=name))
    pages = [f"/applications/{grant.application.id}/bank" for grant in (one, many)]
    sign_in(client, one.finance)
    assert [queries_of(client, page) for page in ("/money/accounts", *pages)] == [1, 16, 16]
