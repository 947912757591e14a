"""What a failed request answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.web.conftest import build

JSON = {"Accept": "application/json"}


@pytest.fixture
def live(bare: Flask) -> Flask:
    bare.config["PROPAGATE_EXCEPTIONS"] = False
    return bare


def test_a_refusal_is_its_docstring_with_facts_in_the_readers_way_of_writing(live: Flask) -> None:
    client = live.test_client()
    client.set_cookie("zone", "Africa/Maputo")
    answer = client.get("/full")
    assert answer.status_code == 409
    assert "Only €1,250.50 is left; €2,000.00 was asked for, by 1 March 2027, 14:00 (Maputo, UTC+2)." in answer.text
    assert "second paragraph" not in answer.text


def test_amounts_in_a_refusal_follow_the_language(live: Flask) -> None:
    answer = live.test_client().get("/full", headers={"Accept-Language": "fr"})
    assert "1\u202f250,50\xa0€" in answer.text


def test_scripts_are_answered_with_problem_details(live: Flask) -> None:
    answer = live.test_client().get("/full", headers=JSON)
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json(force=True)["status"] == 409
    assert answer.get_json(force=True)["refusal"] == "RoundFull"
    assert answer.get_json(force=True)["detail"].startswith("Only €1,250.50 is left")


def test_a_refused_decision_lists_every_failing_clause(live: Flask) -> None:
    page = live.test_client().get("/decided").text
    assert "No quorum (en)." in page
    assert "No budget." in page


@pytest.mark.parametrize("address", ["/nothing", "/no/such/address"])
def test_what_is_not_there_and_what_may_not_be_seen_look_the_same(live: Flask, address: str) -> None:
    answer = live.test_client().get(address)
    assert answer.status_code == 404
    assert "There is nothing here that you may see." in answer.text


def test_an_unexpected_error_shows_a_number_and_never_its_cause(
    live: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = live.test_client().get("/broken")
    assert answer.status_code == 500
    assert "amina" not in answer.text
    reference = answer.text.split("<code>")[1].split("</code>")[0]
    assert reference in capsys.readouterr().err


def test_production_logs_where_it_broke_without_what_a_person_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    app = build(tmp_path, mode="production", base_url="https://fund.example")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client().get("/broken")
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "conftest.py" in logged
    assert "amina" not in logged + caplog.text


def test_a_lost_database_is_a_503_with_a_sentence(live: Flask) -> None:
    answer = live.test_client().get("/lost")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "cannot reach its records" in answer.text
    assert "secret" not in answer.text


def test_an_expired_form_offers_again_what_was_written(live: Flask) -> None:
    answer = live.test_client().post(
        "/keep",
        data={"story": "Ours <b>begins</b>", "password": "hidden words", "csrf_token": "old"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 400
    assert "Ours &lt;b&gt;begins" in answer.text
    assert "hidden words" not in answer.text
    assert "Send it again" in answer.text


def test_a_form_of_another_site_is_not_offered_again(live: Flask) -> None:
    answer = live.test_client().post(
        "/keep", data={"amount": "900000"}, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    )
    assert answer.status_code == 400
    assert "900000" not in answer.text
    assert "Send it again" not in answer.text


def test_an_upload_that_is_too_large_names_the_limit(tmp_path: Path) -> None:
    app = build(tmp_path, upload_mb=1)
    app.config["WTF_CSRF_ENABLED"] = False
    answer = app.test_client().post("/keep", data=b"x" * 1_200_000, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.text


def test_a_lost_session_file_still_answers_without_the_frame(live: Flask) -> None:
    answer = live.test_client().post("/no/such/address", headers=JSON)
    assert answer.status_code in (400, 404)
    assert answer.get_json(force=True)["title"]
