"""Tokens: made and revoked on one's own page, shown once, and the only way into the API."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts import erasing
from fundflow.accounts.models import GroupMember, User
from fundflow.api.models import AccessToken
from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import db, transaction
from tests import factories as make
from tests.api.programs import Program, a_token, token_row
from tests.people import sign_in


@pytest.fixture
def cast(app: Flask) -> make.Cast:
    return make.a_cast()


def typed(client: FlaskClient, **more: str) -> dict[str, str]:
    key = re.search(r'name="key"[^>]*value="([^"]+)"', client.get("/account/tokens").text)
    assert key is not None
    day = clock.now().date() + timedelta(days=30)
    return {"key": key[1], "name": "Sheet of the board", "may": "read", "last_day": day.isoformat(), **more}


def secret_on(text: str) -> str | None:
    found = re.search(r"fundflow_[A-Za-z0-9_-]{43}", text)
    return found[0] if found else None


def count() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count(AccessToken.id))) or 0


def test_a_token_is_shown_once_and_only_its_digest_is_kept(app: Flask, client: FlaskClient, cast: make.Cast) -> None:
    sign_in(client, cast.manager)
    answer = client.post("/account/tokens", data=typed(client))
    secret = secret_on(answer.text)
    assert answer.status_code == 200 and secret is not None
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Sheet of the board" in answer.text
    page = client.get("/account/tokens").text
    assert secret_on(page) is None and "Never used." in page
    row = db.session.execute(sa.select(AccessToken.__table__)).one()
    assert secret not in str(row) and secret.removeprefix("fundflow_") not in str(row)
    application = make.an_application(state="review")
    program = Program(app.test_client(use_cookies=False), secret)
    assert program.show(application)["number"] == application.number
    assert "Last used:" in client.get("/account/tokens").text


def test_a_second_press_makes_no_second_token_and_shows_nothing(client: FlaskClient, cast: make.Cast) -> None:
    sign_in(client, cast.manager)
    form = typed(client)
    assert client.post("/account/tokens", data=form).status_code == 200
    again = client.post("/account/tokens", data=form)
    assert again.status_code == 422 and secret_on(again.text) is None
    assert "it is shown only once" in again.text
    assert count() == 1


@pytest.mark.parametrize(("days", "status"), [(0, 422), (-1, 422), (1, 200), (366, 200), (368, 422)])
def test_a_token_ends_within_a_year(client: FlaskClient, cast: make.Cast, days: int, status: int) -> None:
    sign_in(client, cast.manager)
    day = clock.now().date() + timedelta(days=days)
    answer = client.post("/account/tokens", data=typed(client, last_day=day.isoformat()))
    assert answer.status_code == status
    assert count() == (status == 200)
    if status == 200:
        row = db.session.scalars(sa.select(AccessToken)).one()
        assert row.expires_at <= clock.now() + timedelta(days=366)


def test_what_was_typed_wrongly_is_kept(client: FlaskClient, cast: make.Cast) -> None:
    sign_in(client, cast.manager)
    answer = client.post("/account/tokens", data=typed(client, name="My sheet", may=""))
    assert answer.status_code == 422 and 'value="My sheet"' in answer.text
    assert count() == 0


def test_nobody_revokes_the_token_of_another(app: Flask, client: FlaskClient, cast: make.Cast) -> None:
    token_id, secret = a_token(cast.manager)
    application = make.an_application(state="review")
    program = Program(app.test_client(use_cookies=False), secret)
    sign_in(client, cast.finance)
    assert client.post(f"/account/tokens/{token_id}/revoke").status_code == 404
    assert "Test program" not in client.get("/account/tokens").text
    assert program.get(f"/applications/{application.id}").status_code == 200
    sign_in(client, db.session.merge(cast.manager))
    assert client.post(f"/account/tokens/{token_id}/revoke").status_code == 303
    answer = program.get(f"/applications/{application.id}")
    assert (answer.status_code, answer.get_json()["type"]) == (401, "urn:fundflow:problem:unknown-caller")
    assert "“Test program” no longer opens anything." in client.get("/account/tokens").text
    assert "Test program" not in client.get("/account/tokens").text


def test_a_token_ends_with_its_last_day(app: Flask, cast: make.Cast) -> None:
    application = make.an_application(state="review")
    token_id, secret = a_token(cast.manager, days=2)
    program = Program(app.test_client(use_cookies=False), secret)
    ends = token_row(token_id).expires_at
    with clock.standing_at(ends - timedelta(seconds=1)):
        assert program.get(f"/applications/{application.id}").status_code == 200
    with clock.standing_at(ends):
        answer = program.get(f"/applications/{application.id}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="fundflow", error="invalid_token"'


def test_a_token_ends_with_the_account(app: Flask, cast: make.Cast) -> None:
    application = make.an_application(state="review")
    program = Program.of(app, cast.manager)
    with transaction():
        db.session.execute(sa.update(User).where(User.id == cast.manager.id).values(active=False))
    assert program.get(f"/applications/{application.id}").status_code == 401


def test_erasing_a_person_erases_their_tokens(app: Flask, cast: make.Cast) -> None:
    a_token(cast.manager)
    kept, _secret = a_token(cast.finance)
    with transaction():
        erasing.erase_person(cast.manager.id, key="erase", reason="Asked for it")
    assert list(db.session.scalars(sa.select(AccessToken.id))) == [kept]


def test_rights_are_those_of_the_person_now(app: Flask, cast: make.Cast) -> None:
    application = make.an_application(state="review", cast=cast)
    stranger = make.a_person()
    program = Program.of(app, stranger)
    assert program.get(f"/applications/{application.id}").status_code == 404
    with transaction():
        db.session.add(GroupMember(user_id=stranger.id, group=make.MANAGERS, round_id=None))
    assert program.get(f"/applications/{application.id}").status_code == 200


def test_a_reading_token_only_reads(app: Flask, cast: make.Cast) -> None:
    application = make.an_application(state="review", cast=cast)
    program = Program.of(app, cast.manager, may_act=False)
    told = program.decisions(application)
    assert told["transitions"]
    answer = program.post(
        f"/applications/{application.id}/transitions/decline", {"reason": "No."}, revision=told["revision"]
    )
    assert (answer.status_code, answer.get_json()["type"]) == (403, "urn:fundflow:problem:forbidden")
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
    assert make.revision_of(application) == told["revision"]


def test_sessions_open_no_api_and_tokens_no_page(app: Flask, client: FlaskClient, cast: make.Cast) -> None:
    application = make.an_application(state="review", cast=cast)
    path = f"/api/v1/applications/{application.id}"
    sign_in(client, cast.manager)
    assert client.get(f"/applications/{application.id}").status_code == 200
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="fundflow"'
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": f'"{make.revision_of(application)}"'}
    db.session.rollback()
    posted = client.post(f"{path}/transitions/decline", json={"reason": "Forged."}, headers=headers)
    assert posted.status_code == 401
    _token, secret = a_token(cast.manager)
    bearer = {"Authorization": f"Bearer {secret}"}
    plain = app.test_client(use_cookies=False)
    assert plain.get(f"/applications/{application.id}", headers=bearer).status_code == 303
    assert plain.get("/account/tokens", headers=bearer).status_code == 303
    assert plain.get(path, headers=bearer).status_code == 200
    assert "Set-Cookie" not in plain.get(path, headers=bearer).headers


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer fundflow_wrong",
        "Bearer other",
        "Bearer " + "x" * 5_000,
        "nonsense",
    ],
)
def test_whoever_shows_no_token_is_not_known(app: Flask, cast: make.Cast, sent: str) -> None:
    application = make.an_application(state="review", cast=cast)
    client = app.test_client(use_cookies=False)
    answer = client.get(f"/api/v1/applications/{application.id}", headers={"Authorization": sent} if sent else {})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="fundflow"')
    assert application.number not in answer.text


def test_csrf_protection_does_not_stand_in_a_programs_way(app: Flask, cast: make.Cast) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    application = make.an_application(state="scored", cast=cast)
    program = Program.of(app, cast.manager)
    answer = program.post(
        f"/applications/{application.id}/transitions/decline",
        {"reason": "No."},
        revision=program.show(application)["revision"],
    )
    assert answer.status_code == 200, answer.text


def test_a_token_can_be_used_so_often_and_others_go_on(app: Flask, settings: Settings, cast: make.Cast) -> None:
    limited = create_app(replace(settings, rate_limits=True))
    limited.config.update(TESTING=True)
    application = make.an_application(state="review", cast=cast)
    first, second = a_token(cast.manager)[1], a_token(cast.finance)[1]
    db.session.close()
    client, path = limited.test_client(use_cookies=False), f"/api/v1/applications/{application.id}"

    def ask(secret: str) -> int:
        return client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code

    statuses = [ask(first) for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    stopped = client.get(path, headers={"Authorization": f"Bearer {first}"})
    assert stopped.get_json()["type"] == "urn:fundflow:problem:too-many"
    assert int(stopped.headers["Retry-After"]) > 0
    assert ask(second) == 200
    assert [ask("fundflow_guess") for _ in range(61)] == [401] * 60 + [429]
    assert ask(second) == 200


def test_logs_name_no_person_and_no_token(app: Flask, cast: make.Cast, capsys: pytest.CaptureFixture[str]) -> None:
    application = make.an_application(state="review", cast=cast)
    program = Program.of(app, cast.manager)
    program.show(application)
    revision = program.decisions(application)["revision"]
    path = f"/applications/{application.id}/transitions/decline"
    program.post(path, {"reason": "Mrs Secret told us."}, key="own-key-1", revision=revision + 5)
    program.post(path, {"reason": "Mrs Secret told us."}, key="own-key-1", revision=revision)
    Program(program.client, "fundflow_wrong-secret").get(f"/applications/{application.id}")
    said = capsys.readouterr()
    log = said.out + said.err
    assert "/api/v1/applications/<uuid:application_id>" in log
    for secret in (program.secret, "wrong-secret", "Secret", "own-key-1", cast.manager.email, cast.manager.name):
        assert secret not in log
    assert str(application.id) not in log
