"""One-time codes, recovery codes, and proving again that it is oneself before changing what protects the account."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP  # type: ignore[import-untyped]

from fundflow.accounts import service
from fundflow.accounts.models import User
from fundflow.db import db
from tests.accounts.post import last_letter
from tests.people import PASSWORD, sign_in

EMAIL = "ada@lund.example"


@pytest.fixture
def ada(app: Flask) -> User:
    user = service.register_person(EMAIL, "Ada Ek", PASSWORD)
    db.session.commit()
    return user


def log_in(client: FlaskClient) -> str:
    answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 303
    return str(answer.location)


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def switch_on(client: FlaskClient) -> Authenticator:
    """Switch one-time codes on for whoever is signed in; the app that shows them."""
    page = client.post("/account/second-factor", data={"setup": "authenticator"})
    assert page.status_code == 200
    key = re.search(r"Or type this key: <code>([A-Z2-7 -]+)</code>", page.text)
    action = re.search(r'action="(/account/second-factor/[^"]+)"', page.text)
    assert key
    assert action
    wrong = client.post(action[1], data={"code": "000000"})
    assert wrong.location == "/account/second-factor"
    app = Authenticator(key[1], int(time.time()))
    done = client.post(action[1], data={"code": app.code()})
    assert (done.status_code, done.location) == (303, "/account")
    return app


@dataclass(frozen=True)
class Authenticator:
    """An app with a key. It counts from when it was set up, so that a half minute ending meanwhile changes nothing."""

    key: str
    at: int

    def code(self, steps: int = 0) -> str:
        """What it showed when it was set up, or some half minutes later."""
        return str(TOTP(self.key.replace("-", "").replace(" ", "")).generate(self.at + 30 * steps).token)


def test_codes_are_switched_on_asked_for_and_work_once(client: FlaskClient, ada: User) -> None:
    sign_in(client, ada)
    app = switch_on(client)
    assert "switched on" in last_letter(EMAIL).text
    client.post("/sign-out")

    assert log_in(client).startswith("/sign-in/code")
    assert not is_signed_in(client), "the password alone opens nothing"
    assert client.post("/sign-in/code", data={"code": app.code()}).status_code == 422, "used when it was switched on"
    assert not is_signed_in(client)
    answer = client.post("/sign-in/code", data={"code": app.code(1)})
    assert (answer.status_code, answer.location) == (303, "/signed-in")
    assert is_signed_in(client)

    client.post("/sign-out")
    log_in(client)
    assert client.post("/sign-in/code", data={"code": app.code(1)}).status_code == 422, "used for the last sign-in"
    assert client.post("/sign-in/code", data={"code": "abc"}).status_code == 422


def test_a_code_page_without_a_password_before_leads_to_sign_in(client: FlaskClient, ada: User) -> None:
    for path in ("/sign-in/code", "/sign-in/recovery-code", "/sign-in/choose"):
        answer = client.get(path)
        assert answer.status_code in (302, 303)
        assert "/sign-in" in answer.location
        assert client.post(path, data={"code": "123456", "which": "authenticator"}).status_code == 303
    assert not is_signed_in(client)


def test_the_second_step_keeps_the_wish(client: FlaskClient, ada: User) -> None:
    sign_in(client, ada)
    app = switch_on(client)
    client.post("/sign-out")
    answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, "next": "/cities/new"})
    page = client.get(answer.location)
    assert 'name="next" value="/cities/new"' in page.text
    done = client.post("/sign-in/code", data={"code": app.code(1), "next": "/cities/new"})
    assert done.location == "/cities/new"


def test_recovery_codes_replace_the_phone_once_each(client: FlaskClient, ada: User) -> None:
    sign_in(client, ada)
    switch_on(client)
    page = client.post("/account/recovery-codes", data={"generate_new_codes": "y"})
    codes = re.findall(r"<code>([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})</code>", page.text)
    assert len(set(codes)) == 10
    db.session.refresh(ada)
    assert codes[0] not in str(ada.mf_recovery_codes), "kept encrypted"
    db.session.rollback()
    assert codes[0] not in client.get("/account/recovery-codes?show_codes=1").text, "shown once"
    client.post("/sign-out")

    log_in(client)
    assert client.post("/sign-in/recovery-code", data={"code": "0000-0000-0000"}).status_code == 422
    assert client.post("/sign-in/recovery-code", data={"code": codes[0]}).status_code == 303
    assert is_signed_in(client)
    assert "9 codes left" in client.get("/account").text
    client.post("/sign-out")
    log_in(client)
    assert client.post("/sign-in/recovery-code", data={"code": codes[0]}).status_code == 422


def test_codes_are_switched_off_with_a_message(client: FlaskClient, ada: User) -> None:
    sign_in(client, ada)
    switch_on(client)
    assert client.post("/account/second-factor", data={"setup": "disable"}).location == "/account"
    assert "switched off" in last_letter(EMAIL).text
    client.post("/sign-out")
    assert log_in(client) == "/signed-in"


@pytest.mark.parametrize("path", ["/account/second-factor", "/account/recovery-codes", "/account/passkeys"])
def test_an_old_sign_in_must_be_proved_again(client: FlaskClient, ada: User, path: str) -> None:
    sign_in(client, ada)
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - 3600
    answer = client.get(path)
    assert answer.status_code in (302, 303)
    assert answer.location.startswith("/sign-in/again?next=")
    assert client.post("/sign-in/again", data={"password": "no", "next": path}).status_code == 422
    proved = client.post("/sign-in/again", data={"password": PASSWORD, "next": path})
    assert (proved.status_code, proved.location) == (303, path)
    assert client.get(path).status_code == 200


def test_the_account_page_keeps_name_language_and_zone(client: FlaskClient, ada: User) -> None:
    sign_in(client, ada)
    wrong = client.post("/account", data={"name": "", "language": "xx", "timezone": "Mars/Base"})
    assert wrong.status_code == 422
    good = client.post("/account", data={"name": "  Ada   Berg ", "language": "fr", "timezone": "Europe/Stockholm"})
    assert good.status_code == 303
    db.session.refresh(ada)
    assert (ada.name, ada.language, ada.timezone) == ("Ada Berg", "fr", "Europe/Stockholm")
    db.session.rollback()
    assert 'lang="fr"' in client.get("/account").text
