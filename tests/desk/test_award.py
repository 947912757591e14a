"""The page of a grant and the versions of its plan: exact money, one list of its life, and nobody told too much."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow import story_gcf as story
from fundflow.accounts.models import User
from fundflow.applications.queries import application_for
from fundflow.awards import versions
from fundflow.awards.models import Document
from fundflow.db import db, transaction
from fundflow.desk.award import Award, award_of
from fundflow.desk.plan import differences
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from tests import factories as make
from tests.awards.large import PROJECT, LargeGrant
from tests.desk.counting import queries_of
from tests.desk.test_masks import Scene
from tests.people import sign_in


def dollars(amount: str) -> Money:
    return Money.of(amount, "USD")


def award_as(grant: LargeGrant, app: Flask, who: object) -> Award:
    db.session.rollback()
    with app.test_request_context():
        actor = make.acting(who)  # type: ignore[arg-type]
        return award_of(actor, application_for(actor, grant.application.id), clock.now())


def test_every_cent_is_somewhere_after_a_payment_a_return_and_a_refund(app: Flask, client: FlaskClient) -> None:
    grant = LargeGrant("active")
    whole = sum((grant.part(nr) for nr in (2, 3)), grant.part(1))
    grant.pay(1)
    grant.press("tranche.come_back", grant.finance, of="1", reason="The account was closed.")
    money = award_as(grant, app, grant.finance).money
    assert (money.awarded, money.paid, money.committed, money.refunded) == (whole, dollars("0"), whole, dollars("0"))
    grant.bank.screen(grant.compliance)
    grant.press("tranche.order", grant.finance, of="1")
    assert award_as(grant, app, grant.finance).money.ordered == grant.part(1)
    given = {"reference": "TR-1b", "paid_on": grant.today.isoformat(), "amount": grant.part(1)}
    grant.press("tranche.pay", grant.finance, of="1", input=given)
    grant.press("report.waive", grant.officer, of="1", reason="The visit told us enough.")
    grant.pay(2)
    grant.press("start_reporting", grant.officer)
    spent = grant.part(1) + grant.part(2) - dollars("0.01")
    grant.write("final_report", grant.focal, story.final_report(PROJECT, spent))
    grant.press("send_report", grant.focal)
    grant.press("tranche.drop", grant.officer, of="3")
    grant.give_back("0.01")
    page = award_as(grant, app, grant.finance)
    money, (share,) = page.money, page.shares
    assert (money.awarded, money.released, money.refunded) == (whole, grant.part(3), dollars("0.01"))
    assert money.paid == grant.part(1) + grant.part(2) - dollars("0.01")
    assert money.to_pay == dollars("0")
    assert money.paid + money.refunded + money.released + money.to_pay == whole == share.awarded
    names = {each.title: each.standing for each in page.milestones}
    assert {names["Payment 1"], names["Payment 2"], names["Awarded"]} == {"done"}
    assert names["Payment 3"] == names["Progress report 1"] == "dropped"
    assert [each.day for each in page.milestones] == sorted(each.day for each in page.milestones)
    city = award_as(grant, app, grant.focal)
    assert (city.money, city.shares) == (money, [])
    sign_in(client, grant.finance)
    assert "Own funds" in client.get(f"/applications/{grant.application.id}/award").text
    sign_in(client, grant.focal)
    assert "Own funds" not in client.get(f"/applications/{grant.application.id}/award").text


def test_what_is_late_is_marked_and_each_sees_only_what_their_cell_allows(app: Flask, client: FlaskClient) -> None:
    grant = LargeGrant("active")
    address = f"/applications/{grant.application.id}"
    with clock.shifted(timedelta(days=150)):
        page = award_as(grant, app, grant.auditor)
        assert [each.title for each in page.late] == ["Payment 1"]
        assert {"The project begins", "The project ends", "Final report"} <= {each.title for each in page.milestones}
    counts = []
    for person in (grant.focal, grant.finance, grant.auditor, grant.director):
        sign_in(client, db.session.merge(person))
        text = client.get(f"{address}/award").text
        assert "Payment 1" in text
        assert ("evidence.zip" in text) == (person is grant.auditor)
        counts.append(queries_of(client, f"{address}/award") - queries_of(client, address))
    assert counts == [AWARD_BESIDE_THE_APPLICATION] * 4
    assert f"{address}/award" in client.get(address).text
    # Who reviewed it, and who is of another city, has no such page, nor the plan.
    for person in (grant.members[0], grant.compliance, make.a_person()):
        sign_in(client, db.session.merge(person))
        assert {client.get(f"{address}/{page}").status_code for page in ("award", "plan")} == {404}
    versions_say_what_changed(client, db.session.merge(grant.application), db.session.merge(grant.focal))
    early = LargeGrant("committee")
    sign_in(client, early.focal)
    for name, words in (("award", "There is no grant here yet."), ("plan", "There is no version of the plan yet")):
        answer = client.get(f"/applications/{early.application.id}/{name}")
        assert answer.status_code == 404
        assert words in answer.text


AWARD_BESIDE_THE_APPLICATION = 2
"""The children and the sums of the ledger: as many queries for one payment as for thirty."""


def test_a_grant_that_is_disguised_is_none_for_its_city(app: Flask, client: FlaskClient) -> None:
    scene = Scene(client)
    path = f"/applications/{scene.application.id}/award"
    scene.press("open_committee", reason="Monday.")
    before = scene.page(scene.applicant, path)
    assert before[0] == 404
    scene.press("grant", 2.5)
    status, text, _ = scene.page(scene.applicant, path)
    assert status == 200
    assert "Secret committee" not in text
    assert "Monday." not in text


def versions_say_what_changed(client: FlaskClient, application: Application, city: User) -> None:
    first = db.session.scalars(versions._made(application, "en")).one()
    facts = {**first.facts, "ends_on": "2030-01-31"}
    budget = first.facts["budget"]
    rows = [list(row) for row in budget["rows"]]
    at = next(n for n, column in enumerate(budget["columns"]) if column["kind"] == "money")
    rows[0][at] = {**rows[0][at], "minor": rows[0][at]["minor"] * 11 // 10}
    facts["budget"] = {**budget, "rows": rows[:-1]}
    with transaction():
        db.session.add(_second(first, facts, application))
    sign_in(client, city)
    address = f"/applications/{application.id}/plan"
    text = re.sub(r"\s+", " ", client.get(address).text)
    assert "Version 2" in text and "End of the project" in text and "31 January 2030" in text
    assert "+10%" in text and "Dropped" in text
    assert client.get(f"{address}?from=1&to=2").text.count("+10%") == 1
    assert client.get(f"{address}?from=1&to=3").status_code == 404
    assert "Grant, time, budget, payments and tables are the same." in client.get(f"{address}?from=2&to=2").text
    lines = differences(versions.changes(first.facts, facts))
    assert sum(line.is_gone for line in lines) >= 1


def _second(first: Document, facts: dict[str, object], application: Application) -> Document:
    columns = ("kind", "language", "template_sha256", "facts_sha256", "rendered_at", "sha256", "size")
    kept = {name: getattr(first, name) for name in columns}
    return Document(application_id=application.id, event_seq=first.event_seq + 1, facts=facts, **kept)
