"""What surrounds every page."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, url_for

from fundflow.db import db, make_database_file
from fundflow.lifecycle.actor import ANONYMOUS, Actor
from fundflow.web import gate, reader, shell
from fundflow.web.gate import public
from tests.web.conftest import build


def _token(page: str) -> str:
    return page.split('name="csrf-token" content="')[1].split('"', maxsplit=1)[0]


def test_every_answer_carries_the_strict_headers(bare: Flask) -> None:
    for address in ("/keep", "/nothing", "/broken", "/static/css/fundflow.css"):
        bare.config["PROPAGATE_EXCEPTIONS"] = False
        with bare.test_client().get(address) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers


def test_production_asks_browsers_for_https_only(tmp_path: Path) -> None:
    app = build(tmp_path, mode="production", base_url="https://fund.example")
    client = app.test_client()
    assert "max-age=31536000" in client.get("/keep").headers["Strict-Transport-Security"]
    assert client.get("/dev/components").status_code == 404


def test_static_files_are_kept_for_ever_under_the_digest_of_their_content(bare: Flask) -> None:
    with bare.test_request_context():
        address = url_for("static", filename="css/fundflow.css")
    assert "?v=" in address
    client = bare.test_client()
    with client.get(address) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    with client.get("/static/css/fundflow.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_browser_is_answered_in_a_language_it_asks_for(bare: Flask) -> None:
    client = bare.test_client()
    assert '<html lang="fr"' in client.get("/keep", headers={"Accept-Language": "fr-CA, en;q=0.5"}).text
    assert '<html lang="en"' in client.get("/keep", headers={"Accept-Language": "ja"}).text


def test_a_chosen_language_stays_and_leads_back_to_the_page(bare: Flask) -> None:
    client = bare.test_client()
    token = _token(client.get("/keep").text)
    answer = client.post("/preferences", data={"language": "fr", "next": "/keep?page=2", "csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/keep?page=2")
    assert '<html lang="fr"' in client.get("/keep").text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""]
)
def test_preferences_never_lead_to_another_site(bare: Flask, elsewhere: str) -> None:
    client = bare.test_client()
    token = _token(client.get("/keep").text)
    answer = client.post("/preferences", data={"language": "fr", "next": elsewhere, "csrf_token": token})
    assert answer.location == "/"


def test_unknown_languages_and_zones_are_not_kept(bare: Flask) -> None:
    client = bare.test_client()
    token = _token(client.get("/keep").text)
    answer = client.post("/preferences", data={"language": "xx", "zone": "Mars/Olympus", "csrf_token": token})
    assert not any(cookie.startswith(("language=", "zone=")) for cookie in answer.headers.getlist("Set-Cookie"))


def test_times_are_shown_in_the_zone_the_browser_named(bare: Flask) -> None:
    client = bare.test_client()
    token = _token(client.get("/keep").text)
    kept = client.post(
        "/preferences", data={"zone": "Asia/Kathmandu", "csrf_token": token}, headers={"Accept": "application/json"}
    )
    assert kept.status_code == 204
    assert "Kathmandu, UTC+5:45" in client.get("/keep").text


def test_navigation_shows_only_what_the_person_may_open(bare: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_nav", {})
    shell.nav_item("For all", "keep", lambda _actor: True, order=2)
    shell.nav_item("For staff", "full", lambda actor: actor.is_in("finance"), order=1)
    shell.nav_item("Not built", "payments.index", lambda _actor: True)
    shell.nav_item("Inside", "lost", lambda _actor: True, order=3, within="full")
    page = bare.test_client().get("/keep").text
    assert "For all" in page
    assert 'aria-current="page"' in page
    assert "For staff" not in page
    assert "Not built" not in page
    with bare.test_request_context("/keep"):
        staff = Actor(id=None, name="Ana", groups=frozenset({("finance", None)}))
        assert [each["label"] for each in shell._navigation(staff)] == ["For staff", "For all"]
        # Whoever does not see the section finds what is inside it in the first row.
        assert [each["label"] for each in shell._navigation(ANONYMOUS)] == ["For all", "Inside"]


def test_the_request_log_names_the_route_and_never_the_address(bare: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    bare.test_client().get("/keep?token=opens-an-account")
    logged = capsys.readouterr().err
    assert "route='/keep'" in logged
    assert "opens-an-account" not in logged
    assert "127.0.0.1" not in logged


def test_reading_a_page_never_waits_for_somebody_who_saves(bare: Flask) -> None:
    @public
    def look() -> str:
        return str(db.session.scalar(sa.text("SELECT count(*) FROM notes")))

    bare.add_url_rule("/look", "look", look)
    gate.seal(bare)
    with bare.app_context():
        make_database_file(reader.settings().database)
        engine = db.engine
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (words TEXT)"))
    with engine.begin() as writer:  # takes the write lock, and holds it while the page is read
        writer.execute(sa.text("INSERT INTO notes VALUES ('being written')"))
        began = time.perf_counter()
        assert bare.test_client().get("/look").text == "0"
        assert time.perf_counter() - began < 5  # the lock would have been waited for longer
    assert bare.test_client().get("/look").text == "1"
