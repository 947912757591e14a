"""Making an account, confirming it, signing in and out, and what strangers cannot learn from any of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fundflow.accounts import queries, refusals, service
from fundflow.accounts.models import User
from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import db
from tests.accounts.post import last_letter, letters
from tests.people import PASSWORD, a_person

EMAIL = "ada@lund.example"


def sign_up(client: FlaskClient, **changed: str) -> TestResponse:
    return client.post("/sign-up", data={"name": "Ada Ek", "email": EMAIL, "password": PASSWORD} | changed)


def log_in(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD, **more: str) -> TestResponse:
    return client.post("/sign-in", data={"email": email, "password": password} | more)


def plain(page: str) -> str:
    """The page without its tokens, which differ each time."""
    return re.sub(r'(content|value)="[\w.-]{60,}"', "", page)


def person(email: str = EMAIL) -> User:
    found = queries.person_by_email(email)
    assert found is not None
    db.session.expunge(found)
    db.session.rollback()
    return found


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


@pytest.fixture
def registered(app: Flask) -> User:
    user = service.register_person(EMAIL, "Ada Ek", PASSWORD)
    db.session.commit()
    return user


def test_a_person_signs_up_confirms_and_signs_in(client: FlaskClient) -> None:
    answer = sign_up(client)
    assert (answer.status_code, answer.location) == (303, "/sign-up/sent")
    assert "Look into your mail" in client.get("/sign-up/sent").text
    refused = log_in(client)
    assert refused.status_code == 422
    assert "not confirmed yet" in refused.text

    letter = last_letter(EMAIL)
    assert letter.subject == "Confirm your e-mail address"
    page = client.get(letter.path)
    assert page.status_code == 200
    assert person().confirmed_at is None, "following the link alone changes nothing"
    assert client.post(letter.path).status_code == 303
    assert person().confirmed_at is not None

    answer = log_in(client)
    assert (answer.status_code, answer.location) == (303, "/signed-in")
    assert client.get("/signed-in").location == "/home"
    page = client.get("/account")
    assert "Ada Ek" in page.text
    assert client.post("/sign-out").status_code == 303
    assert not is_signed_in(client)


def test_the_password_is_kept_as_argon2_only(registered: User) -> None:
    assert registered.password is not None
    assert registered.password.startswith("$argon2id$")


def test_the_address_is_kept_in_lower_case_and_found_in_any(client: FlaskClient) -> None:
    sign_up(client, email="Ada@Lund.Example")
    assert person("ADA@LUND.EXAMPLE").email == EMAIL


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("k3-short", "10 characters or more"),
        ("aaaaaaaaaaaa", "too few different"),
        ("password1234", "first things anybody would try"),
        ("ada lund 123", "first things anybody would try"),
        ("9" * 5 + "12345678", "first things anybody would try"),
        ("a1b2c3d4e5" * 30, "200 characters or fewer"),
    ],
)
def test_a_weak_password_is_refused_and_what_was_typed_stays(client: FlaskClient, password: str, says: str) -> None:
    page = sign_up(client, password=password)
    assert page.status_code == 422
    assert says in page.text
    assert 'value="Ada Ek"' in page.text
    assert password not in page.text
    assert queries.person_by_email(EMAIL) is None
    db.session.rollback()


@pytest.mark.parametrize("email", ["", "ada", "ada@", "ada@lund", "ada@@lund.example", "a b@lund.example", "x" * 300])
def test_what_is_no_address_is_refused(client: FlaskClient, email: str) -> None:
    page = sign_up(client, email=email)
    assert page.status_code == 422
    assert not letters(email)


def test_a_name_is_asked_for(client: FlaskClient) -> None:
    page = sign_up(client, name="   ")
    assert page.status_code == 422
    assert "Write your name." in page.text


def test_a_second_account_for_an_address_looks_the_same_and_tells_only_its_owner(
    client: FlaskClient, registered: User
) -> None:
    known, unknown = sign_up(client), sign_up(client, email="new@lund.example")
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    letter = last_letter(EMAIL)
    assert letter.subject == "You have an account already"
    assert "/reset-password/" in letter.path
    assert person().name == "Ada Ek"


def test_an_unconfirmed_account_is_told_how_to_confirm(client: FlaskClient) -> None:
    sign_up(client)
    sign_up(client, name="Somebody Else")
    assert "/confirm/" in last_letter(EMAIL).path
    assert person().name == "Ada Ek"


def test_wrong_password_and_unknown_address_are_told_alike(client: FlaskClient, registered: User) -> None:
    wrong = log_in(client, password="something else entirely")
    unknown = log_in(client, email="nobody@lund.example")
    assert wrong.status_code == unknown.status_code == 422
    assert "The address or the password is not right." in wrong.text
    assert plain(wrong.text).replace(EMAIL, "") == plain(unknown.text).replace("nobody@lund.example", "")
    assert not is_signed_in(client)


def test_a_closed_account_does_not_open(client: FlaskClient, registered: User) -> None:
    registered.active = False
    db.session.commit()
    assert log_in(client).status_code == 422
    registered.active = True
    db.session.commit()
    log_in(client)
    assert is_signed_in(client)
    registered.active = False
    db.session.commit()
    assert not is_signed_in(client), "closing an account ends its sessions"


@pytest.mark.parametrize(
    ("wish", "leads_to"),
    [
        ("/account", "/account"),
        ("/cities/new?next=%2Frounds", "/cities/new?next=%2Frounds"),
        ("https://evil.example/", "/signed-in"),
        ("//evil.example/", "/signed-in"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("\t//evil.example", "/signed-in"),
        ("javascript:alert(1)", "/signed-in"),
        ("http:evil.example", "/signed-in"),
    ],
)
def test_signing_in_never_leads_off_the_site(client: FlaskClient, registered: User, wish: str, leads_to: str) -> None:
    answer = log_in(client, next=wish)
    assert answer.status_code == 303
    assert answer.location == leads_to


def test_the_page_that_asked_for_it_is_returned_to(client: FlaskClient, registered: User) -> None:
    asked = client.get("/cities/new?next=/rounds")
    assert asked.status_code == 303
    assert asked.location == "/sign-in?next=/cities/new?next%3D/rounds"
    page = client.get(asked.location)
    assert 'name="next" value="/cities/new?next=/rounds"' in page.text


@pytest.mark.parametrize("token", ["x", "WyIxIl0.bad.sig", "…"])
def test_a_made_up_confirmation_link_confirms_nothing(client: FlaskClient, token: str) -> None:
    assert client.post(f"/confirm/{token}").status_code == 303
    assert client.get("/confirm").status_code == 200


def test_a_confirmation_link_expires(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_up(client)
    link = last_letter(EMAIL).path
    later = datetime.now(UTC) + timedelta(days=8)
    monkeypatch.setattr("itsdangerous.timed.time.time", later.timestamp)
    client.post(link)
    assert person().confirmed_at is None


def test_asking_for_the_link_again_says_the_same_to_everybody(client: FlaskClient) -> None:
    sign_up(client)
    mine = client.post("/confirm", data={"email": EMAIL})
    nobodys = client.post("/confirm", data={"email": "nobody@lund.example"})
    assert (mine.status_code, mine.location) == (nobodys.status_code, nobodys.location) == (303, "/sign-up/sent")
    assert [letter.template for letter in letters(EMAIL)] == ["security/welcome", "security/confirm"]
    assert not letters("nobody@lund.example")


def test_a_forgotten_password_is_replaced_once_and_ends_every_session(client: FlaskClient, registered: User) -> None:
    log_in(client)
    assert is_signed_in(client)
    other = client.application.test_client()
    mine = other.post("/reset-password", data={"email": EMAIL})
    nobodys = other.post("/reset-password", data={"email": "nobody@lund.example"})
    assert (mine.status_code, mine.location) == (nobodys.status_code, nobodys.location) == (303, "/sign-up/sent")
    assert not letters("nobody@lund.example")
    link = last_letter(EMAIL).path
    new = "seven green umbrellas"
    weak = other.post(link, data={"password": "password123", "password_confirm": "password123"})
    assert weak.status_code == 422
    differing = other.post(link, data={"password": new, "password_confirm": "seven green umbrella"})
    assert differing.status_code == 422
    assert other.post(link, data={"password": new, "password_confirm": new}).status_code == 303
    assert not is_signed_in(client), "the session from before the change is over"
    assert last_letter(EMAIL).subject == "Your password was changed"
    assert other.get(link).status_code in (302, 303), "the link worked once"
    assert log_in(other).status_code == 422
    assert log_in(other, password=new).status_code == 303


def test_changing_the_password_asks_for_the_old_one_and_keeps_only_this_session(
    client: FlaskClient, registered: User
) -> None:
    elsewhere = client.application.test_client()
    log_in(client)
    log_in(elsewhere)
    new = "seven green umbrellas"
    wrong = client.post("/account/password", data={"password": "no", "new_password": new, "new_password_confirm": new})
    assert wrong.status_code == 422
    done = client.post(
        "/account/password", data={"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    )
    assert (done.status_code, done.location) == (303, "/account")
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_remembering_outlives_the_browser_and_ends_with_the_password(client: FlaskClient, registered: User) -> None:
    log_in(client, remember="y")
    client.delete_cookie("session")
    assert is_signed_in(client)
    client.delete_cookie("session")
    registered.fs_uniquifier = "changed-with-the-password"
    db.session.commit()
    assert not is_signed_in(client)


def test_cookies_cannot_be_read_by_scripts_or_sent_by_other_sites(client: FlaskClient, registered: User) -> None:
    answer = log_in(client, remember="y")
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} >= {"session", "remember"}
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_no_token_in_an_address_or_a_header_signs_anybody_in(client: FlaskClient, registered: User) -> None:
    token = registered.get_auth_token()
    assert client.get(f"/account?auth_token={token!s}").status_code == 303
    assert client.get("/account", headers={"Authentication-Token": str(token)}).status_code == 303


def test_signing_in_is_not_offered_as_an_api(client: FlaskClient, registered: User) -> None:
    answer = client.post("/sign-in?include_auth_token", json={"email": EMAIL, "password": PASSWORD})
    assert "authentication_token" not in answer.text


def test_reading_needs_no_write_lock_and_signing_in_does_not_hold_it(client: FlaskClient, registered: User) -> None:
    log_in(client)
    client.post("/sign-out")
    with db.engine.connect() as writer, writer.begin():
        writer.exec_driver_sql("UPDATE cities SET name = name")
        assert log_in(client).status_code == 303
        assert is_signed_in(client)


def test_an_account_made_for_somebody_is_refused_twice(app: Flask, registered: User) -> None:
    with pytest.raises(refusals.AddressTaken):
        service.register_person("ADA@lund.example", "Again", PASSWORD)
    with pytest.raises(refusals.NoSuchAddress):
        service.register_person("ada", "Nobody", PASSWORD)
    db.session.rollback()


def test_limits_stop_guessing_but_not_other_accounts(app: Flask, settings: Settings) -> None:
    limited = create_app(replace(settings, rate_limits=True))
    limited.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    limited.extensions["security"].pwd_context.update(argon2__rounds=1, argon2__memory_cost=64)
    a_person(EMAIL)
    client = limited.test_client()
    statuses = [log_in(client).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    page = log_in(client)
    assert "too many attempts" in page.text.lower()
    assert log_in(client, email="other@lund.example").status_code == 422


def test_the_readers_language_and_zone_become_the_accounts(client: FlaskClient) -> None:
    client.post("/preferences", data={"language": "fr", "zone": "Europe/Paris"})
    sign_up(client)
    assert (person().language, person().timezone) == ("fr", "Europe/Paris")


def test_the_librarys_messages_come_in_french(client: FlaskClient, registered: User) -> None:
    client.post("/reset-password", data={"email": EMAIL})
    client.post("/preferences", data={"language": "fr"})
    link = last_letter(EMAIL).path
    page = client.post(link, data={"password": "seven green umbrellas", "password_confirm": "other"})
    assert page.status_code == 422
    assert "Les mots de passe ne correspondent pas" in page.text
    assert "Passwords do not match" not in page.text


def test_an_endless_password_is_wrong_and_no_failure(client: FlaskClient, registered: User) -> None:
    assert log_in(client, password="x" * 100_000).status_code == 422
    assert log_in(client, password=PASSWORD + "x" * 300).status_code == 422


def test_no_address_reads_json_in_place_of_a_form(client: FlaskClient) -> None:
    for body in (b"[" * 50_000, b"null", b'"text"', b'{"email": [1]}'):
        assert client.post("/sign-in", data=body, content_type="application/json").status_code == 415
