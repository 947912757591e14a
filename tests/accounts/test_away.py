"""The page on which somebody is asked to stand in: what it says back, whom it tells, and who can end it."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import Delegation, User
from fundflow.db import db
from tests import factories as make
from tests.accounts.post import letters
from tests.people import sign_in


@pytest.fixture
def giver(app: Flask) -> User:
    return make.a_person("Ines Manager", groups=[make.MANAGERS], timezone="Europe/Paris")


@pytest.fixture
def taker(app: Flask) -> User:
    return make.a_person("Tarek Taker", email="tarek@fund.example", groups=[make.REVIEWERS])


def typed(client: FlaskClient, **more: str) -> dict[str, str]:
    """What a person enters on the page, with the key it came with."""
    key = re.search(r'name="key"[^>]*value="([^"]+)"', client.get("/account/away").text)
    assert key is not None
    day = clock.now().date()
    return {
        "key": key[1],
        "email": "tarek@fund.example",
        "group": "",
        "round_id": "",
        "first_day": day.isoformat(),
        "last_day": (day + timedelta(days=7)).isoformat(),
        "reason": "Parental leave",
        **more,
    }


def sign_in_by(client: FlaskClient, person_id: UUID) -> None:
    """Sign in whoever has this id, and leave no transaction open that a request would wait for."""
    sign_in(client, db.session.get_one(User, person_id))
    db.session.rollback()


def count() -> int:
    found = db.session.scalar(sa.select(sa.func.count(Delegation.id)).where(Delegation.revoked_at.is_(None))) or 0
    db.session.rollback()
    return found


def test_somebody_is_asked_told_and_shown_it(client: FlaskClient, giver: User, taker: User) -> None:
    taker_id, admin = taker.id, make.a_person(groups=[make.ADMINISTRATORS]).id
    sign_in(client, giver)
    assert "Nobody stands in for you." in client.get("/account").text
    form = typed(client)
    for _click in range(2):
        assert client.post("/account/away", data=form).status_code == 303
    assert count() == 1
    assert "Tarek Taker stands in for you" in client.get("/account").text
    letter = letters("tarek@fund.example")[0]
    assert (letter.template, letter.subject) == ("security/standing_in", "You stand in for Ines Manager")
    assert "Parental leave" in letter.text
    sign_in_by(client, taker_id)
    assert "You stand in for Ines Manager" in client.get("/account").text
    sign_in_by(client, admin)
    assert "Tarek Taker stands in for Ines Manager" in client.get("/people").text


def test_reason_is_kept_without_what_no_database_keeps(client: FlaskClient, giver: User, taker: User) -> None:
    sign_in(client, giver)
    assert client.post("/account/away", data=typed(client, reason="Parental\x00 leave")).status_code == 303
    assert letters("tarek@fund.example")[0].text.count("Parental leave") == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"email": "nobody@elsewhere.example"}, "is not in any group of the fund"),
        ({"email": "not an address"}, "e-mail address"),
        ({"group": "finance"}, "Not a valid choice"),
        ({"last_day": "2020-01-01"}, "The last day must be neither over nor before the first"),
        ({"last_day": "soon"}, "Not a valid date value"),
        ({"reason": " "}, "Say why"),
        ({"reason": "\u200b"}, "Say why"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client: FlaskClient, giver: User, taker: User, wrong: dict[str, str], says: str
) -> None:
    sign_in(client, giver)
    page = client.post("/account/away", data=typed(client) | wrong)
    assert page.status_code == 422
    assert says in page.text
    kept = {"email": "tarek@fund.example", "reason": "Parental leave"} | wrong
    assert kept["email"] in page.text
    assert kept["reason"] in page.text
    assert count() == 0


def test_giver_taker_and_administrators_can_end_it_and_nobody_else(
    client: FlaskClient, giver: User, taker: User
) -> None:
    people = {"giver": giver.id, "taker": taker.id, "admin": make.a_person(groups=[make.ADMINISTRATORS]).id}
    stranger = make.a_person(groups=[make.MANAGERS]).id
    for person in people.values():
        sign_in_by(client, people["giver"])
        assert client.post("/account/away", data=typed(client)).status_code == 303
        made = db.session.scalars(sa.select(Delegation.id).where(Delegation.revoked_at.is_(None))).one()
        db.session.rollback()
        sign_in_by(client, stranger)
        assert client.post(f"/account/away/{made}/end").status_code == 404
        sign_in_by(client, person)
        assert client.post(f"/account/away/{made}/end").status_code == 303
        assert count() == 0
        assert client.post(f"/account/away/{made}/end").status_code == 409


def test_who_belongs_to_no_group_finds_no_such_page(client: FlaskClient) -> None:
    sign_in(client, make.a_person())
    assert client.get("/account/away").status_code == 403
    assert "While you are away" not in client.get("/account").text
