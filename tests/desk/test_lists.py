"""The pipeline with its sums and filters, the export, the jobs, the money and the check of the record."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.jobs.models import Job
from fundflow.lifecycle import anchors
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round
from tests import factories
from tests.desk.contract import a_contract, some_people
from tests.desk.counting import queries_of
from tests.people import sign_in, sign_out


def an_applicant(
    round_: Round, name: str, state: str, requested: int, cast: factories.Cast, country: str = "KE"
) -> Application:
    person = factories.a_person()
    city = factories.a_city(name, country=country, focal_point=person)
    mine = factories.Cast(person, cast.manager, cast.finance, cast.reviewers)
    return factories.an_application(round_, state=state, cast=mine, city=city, requested=requested)


@pytest.fixture
def manager(app: Flask, client: FlaskClient) -> FlaskClient:
    """A browser in which a manager of every round is signed in, with some applications in two rounds."""
    cast = factories.a_cast()
    euro, dollar = factories.a_round(), factories.a_round(currency="USD")
    an_applicant(euro, "Lund", "complete", 40_000, cast, "SE")
    an_applicant(euro, "Kanifing", "review", 10_000, cast, "GM")
    an_applicant(euro, "Koboko", "review", 20_000, cast, "UG")
    an_applicant(dollar, "Manta", "review", 30_000, cast, "EC")
    an_applicant(euro, "Torino", "reported", 5_000, cast, "IT")
    ended = an_applicant(euro, "Arua", "scored", 7_000, cast, "UG")
    factories.press(ended, "decline", cast.manager, reason="No.")
    sign_in(client, cast.manager)
    return client


def listed(client: FlaskClient, arguments: str = "") -> list[str]:
    """The cities of the export, in its order."""
    return [row["City"] for row in exported(client, arguments)]


def exported(client: FlaskClient, arguments: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/board.csv{arguments}")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_pipeline_adds_up_exactly_by_state_and_currency(manager: FlaskClient) -> None:
    text = " ".join(manager.get("/board").text.split())
    assert "€30,000.00, US$30,000.00" in text
    assert "€5,000.00" in text
    assert "40,000" not in text  # what was not sent yet is nobody's business
    assert "Declined" in text


def test_filters_narrow_the_list_and_the_export_alike(manager: FlaskClient) -> None:
    slugs = {row.currency: row.slug for row in db.session.scalars(sa.select(Round))}
    assert listed(manager, f"?round={slugs['USD']}") == ["Manta"]
    assert sorted(listed(manager, "?state=review")) == ["Kanifing", "Koboko", "Manta"]
    assert listed(manager, "?state=reported") == ["Torino"]
    assert listed(manager, "?state=ended:declined") == ["Arua"]
    assert sorted(listed(manager, "?country=UG")) == ["Arua", "Koboko"]
    assert listed(manager, "?country=UG&state=review") == ["Koboko"]
    assert listed(manager, "?q=kani") == ["Kanifing"]
    assert listed(manager, "?q=Project of Torino") == ["Torino"]
    assert listed(manager, "?q=SG-2026-0002") == ["Kanifing"] or clock.now().year != 2026
    assert listed(manager, "?q=100%25") == []
    assert listed(manager, "?state=nonsense&round=nothing") == []
    text = manager.get("/board?q=nothing-at-all").text
    assert "Nothing matches" in text


def test_title_of_what_was_not_sent_is_neither_shown_nor_found(manager: FlaskClient) -> None:
    assert listed(manager, "?q=Project of Lund") == []
    row = next(row for row in exported(manager) if row["City"] == "Lund")
    assert (row["Title"], row["Requested"]) == ("", "")
    assert "Project of Lund" not in manager.get("/board").text


def test_orders(manager: FlaskClient) -> None:
    assert listed(manager, "?sort=city") == ["Arua", "Kanifing", "Koboko", "Lund", "Manta", "Torino"]
    assert listed(manager, "?sort=amount")[:2] == ["Manta", "Koboko"]
    assert listed(manager, "?sort=newest")[0] == "Arua"
    assert listed(manager, "?sort=waiting")[0] == "Lund"
    assert sorted(listed(manager, "?sort='; drop table rounds")) == sorted(listed(manager))


def test_export_defuses_formulas(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    an_applicant(factories.a_round(), "=cmd|' /C calc'!A0", "review", 10_000, cast)
    sign_in(client, cast.manager)
    assert listed(client) == ["'=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("arguments", ["?after=nonsense", "?after=W10", "?after=%00", "?q=%00&round=%00&country=%00"])
def test_address_that_nobody_wrote_does_no_harm(manager: FlaskClient, arguments: str) -> None:
    assert manager.get(f"/board{arguments}").status_code in (200, 404)


def test_pages_follow_one_another_without_gap_or_repetition(app: Flask, client: FlaskClient) -> None:
    cast, round_ = factories.a_cast(), factories.a_round()
    focal = factories.a_person()
    for n in range(53):
        factories.started(round_, factories.a_city(f"City {n:02}", focal_point=focal), focal)
    sign_in(client, cast.manager)
    first = client.get("/board?sort=city").text
    place = first.split("after=")[1].split('"')[0]
    second = client.get(f"/board?sort=city&after={place}").text
    shown = [n for n in range(53) if f"City {n:02}<" in first]
    rest = [n for n in range(53) if f"City {n:02}<" in second]
    assert (shown, rest) == (list(range(50)), [50, 51, 52])
    assert "after=" not in second.split("Back to the first page")[1]


def test_finance_and_auditors_read_the_pipeline_and_others_do_not(app: Flask, client: FlaskClient) -> None:
    factories.an_application(state="review")
    for group, status in (("finance", 200), ("auditors", 200), ("reviewers", 403), ("administrators", 403)):
        sign_in(client, factories.a_person(groups=[group]))
        assert client.get("/board").status_code == status
        assert client.get("/money").status_code == status
    sign_in(client, factories.a_cast().applicant)
    assert client.get("/board.csv").status_code == 403


def test_manager_of_one_round_counts_and_exports_only_that_one(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    mine, other = factories.a_round(), factories.a_round()
    an_applicant(mine, "Lund", "review", 10_000, cast)
    an_applicant(other, "Koboko", "review", 20_000, cast, "UG")
    sign_in(client, factories.a_person(groups=[("fund-managers", mine)]))
    text = client.get("/board").text
    assert listed(client) == ["Lund"]
    assert "20,000" not in text
    assert "Koboko" not in text
    assert "Uganda" not in text
    assert other.title not in text
    assert listed(client, f"?round={other.slug}") == []
    assert client.get(f"/money/{other.slug}").status_code == 404
    assert client.get(f"/money/{other.slug}.csv").status_code == 404
    assert other.title not in client.get("/money").text


@pytest.mark.parametrize("count", [1, 3, 30])
def test_pipeline_and_money_take_the_same_queries_whatever_they_hold(
    app: Flask, client: FlaskClient, count: int
) -> None:
    round_, cast = factories.a_round(budget=1_000_000), factories.a_cast()
    for n in range(count):
        an_applicant(round_, f"City {n}", "review", 10_000, cast)
    person = cast.manager.id
    sign_in(client, db.session.get_one(User, person))
    slug = round_.slug
    found = {path: queries_of(client, path) for path in ("/board", "/board.csv", "/money", f"/money/{slug}", "/rounds")}
    assert list(found.values()) == [5, 2, 2, 4, 3]


def test_money_shows_the_budget_to_the_cent(app: Flask, client: FlaskClient) -> None:
    cast, round_ = factories.a_cast(), factories.a_round()
    an_applicant(round_, "Lund", "approved", 10_000, cast)
    an_applicant(round_, "Koboko", "disbursed", 20_000, cast)
    sign_in(client, cast.finance)
    for path in ("/money", f"/money/{round_.slug}"):
        text = client.get(path).text
        for amount in ("€100,000.00", "€70,000.00", "€20,000.00", "€10,000.00"):
            assert amount in text
    rows = list(csv.reader(io.StringIO(client.get(f"/money/{round_.slug}.csv").text.removeprefix("\ufeff"))))
    assert [row[1] for row in rows[1:]] == ["Allocation to a round", "Commitment", "Commitment", "Payment"]
    assert [row[4] for row in rows[1:]] == ["100000.00", "10000.00", "20000.00", "20000.00"]


def test_administrator_gives_a_dead_letter_new_attempts(app: Flask, client: FlaskClient) -> None:
    with transaction():
        job = Job(key="mail:1", kind="mail.send", payload={}, attempts=12, dead_at=clock.now(), last_error="refused")
        db.session.add(job)
    sign_in(client, factories.a_person(groups=["administrators"]))
    text = client.get("/admin/jobs").text
    assert "mail:1" in text
    assert "refused" in text
    assert client.post(f"/admin/jobs/{job.id}/retry").status_code == 303
    db.session.expire_all()
    assert job.dead_at is None
    assert client.post(f"/admin/jobs/{job.id}/retry").status_code == 404
    assert client.post(f"/admin/jobs/{UUID(int=1)}/retry").status_code == 404


def test_auditor_checks_the_record_and_is_shown_where_it_breaks(app: Flask, client: FlaskClient) -> None:
    application = factories.an_application(state="review")
    sign_in(client, factories.a_person(groups=["auditors"]))
    assert application.head in client.get("/audit").text
    assert "The record is whole: 2 events of 1 applications were checked." in client.get("/audit?check=1").text
    with transaction():
        db.session.execute(sa.text("UPDATE events SET subject = 'forged' WHERE seq = 2"))
    text = client.get("/audit?check=1").text
    assert "does not hold" in text
    assert application.number in text


def test_auditor_takes_the_record_home_and_reads_the_last_anchors(app: Flask, client: FlaskClient) -> None:
    mine = factories.a_round()
    application, other = factories.an_application(mine, state="review"), factories.an_application()
    sign_in(client, factories.a_person(groups=["auditors"]))
    assert "No anchor yet" in client.get("/audit").text
    anchor = anchors.make()
    assert anchor is not None and anchor.root in client.get("/audit").text
    for query, numbers in (
        ("", {application.number, other.number}),
        (f"?round={mine.id}", {application.number}),
        (f"?application={other.number}", {other.number}),
    ):
        answer = client.get(f"/audit.zip{query}")
        assert answer.mimetype == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.data)) as whole:
            rows = [json.loads(line) for line in whole.read("applications.jsonl").splitlines()]
            assert {row["number"] for row in rows} == numbers
            assert "verify.py" in whole.namelist()
    for nothing in ("?application=XX-1", f"?round={UUID(int=1)}", "?round=none"):
        assert client.get(f"/audit.zip{nothing}").status_code == 404
    sign_out(client)
    sign_in(client, factories.a_person(groups=[("auditors", factories.a_round())]))
    assert client.get(f"/audit.zip?application={other.number}").status_code == 404


def test_auditor_of_one_round_checks_only_that_one(app: Flask, client: FlaskClient) -> None:
    mine, other = factories.a_round(), factories.a_round()
    factories.an_application(mine, state="review")
    hidden = factories.an_application(other, state="review")
    sign_in(client, factories.a_person(groups=[("auditors", mine)]))
    text = client.get("/audit?check=1").text
    assert "2 events of 1 applications" in text
    assert hidden.number not in text


def test_board_groups_states_by_phase_and_filters_by_one_over_several_workflows(
    app: Flask, client: FlaskClient
) -> None:
    people = some_people()
    contract = a_contract("checks", people)
    sent = a_contract("sent", some_people())
    small = factories.an_application(state="review")
    sign_in(client, people.manager)
    text = client.get("/board").text
    assert "Contract grant: Application" in text
    assert "Contract grant: Contract" in text
    assert "state=contract-grant/sent" in text or "state=sent" in text
    found = client.get("/board?phase=contract-grant/contract").text
    assert contract.number in found
    assert sent.number not in found
    assert small.number not in found
    export = client.get("/board.csv?phase=contract-grant/contract").text
    assert contract.number in export
    assert sent.number not in export
    assert "Nothing matches" in client.get("/board?phase=contract-grant/nowhere").text
    assert "Nothing matches" in client.get("/board?phase=nowhere").text


def test_board_tells_states_of_two_workflows_apart_that_have_the_same_id(app: Flask, client: FlaskClient) -> None:
    people = some_people()
    contract, small = a_contract("draft", people), factories.an_application()
    sign_in(client, people.manager)
    found = client.get("/board?state=contract-grant/draft").text
    assert contract.number in found
    assert small.number not in found
    every = client.get("/board?state=draft").text
    assert contract.number in every
    assert small.number in every
