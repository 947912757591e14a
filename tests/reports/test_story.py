"""The reports of a large grant over four years: opened by the calendar, chased, returned, counted, and followed up."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock, documents
from fundflow import story_gcf as story
from fundflow.accounts.models import City
from fundflow.applications import queries as applications
from fundflow.awards.models import Document
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.jobs.models import Job
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import audit, children
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import ReasonMissing
from fundflow.lifecycle.sweeping import sweep
from fundflow.money import Money
from fundflow.reports import portfolio
from fundflow.reports.overview import Overview, overview
from fundflow.story import months_after
from tests import factories as make
from tests.awards.large import PROJECT, LargeGrant
from tests.people import sign_in


@pytest.fixture(scope="module", autouse=True)
def _press_ends() -> Iterator[None]:
    yield
    documents.press.close()


def at(day: date) -> datetime:
    """The first minutes of that day on the fund's clock: what is told of the end of the day before is told now."""
    return datetime.combine(day, time(0, 10), ZoneInfo("America/New_York"))


def on(day: date) -> AbstractContextManager[None]:
    """Let it be that day."""
    return clock.standing_at(at(day))


def swept() -> None:
    while sweep():
        pass


def states(grant: LargeGrant, kind: str = "report") -> dict[str, str]:
    db.session.rollback()
    return {row.key: row.state for row in children.rows_of(grant.application.id, kind)}


def mails(grant: LargeGrant, prefix: str) -> list[tuple[str, str]]:
    """The messages of that name queued so far, with whom they go to, in order."""
    db.session.rollback()
    query = sa.select(Job.payload).where(Job.kind == "mail.send").order_by(Job.created_at, Job.id)
    told = [(payload["template"], payload["email"]) for payload in db.session.scalars(query)]
    return [each for each in told if each[0].startswith(prefix)]


def now_of(grant: LargeGrant) -> Application:
    db.session.rollback()
    return db.session.get_one(Application, grant.application.id, populate_existing=True)


def seen(grant: LargeGrant) -> Overview:
    db.session.rollback()
    return overview(portfolio.grants_of(make.acting(grant.manager), portfolio.Choice(), clock.now()))


def dollars(amount: str) -> Money:
    return Money.of(amount, "USD")


def refused(step: Callable[[], Any], match: str) -> None:
    with pytest.raises(Refused, match=match):
        step()
    db.session.rollback()


def test_reports_from_the_first_to_the_year_after(app: Flask, client: FlaskClient) -> None:
    grant = LargeGrant("embargo")
    assert seen(grant).grants == [], "nothing under embargo is in any figure"
    grant.to_active()
    assert states(grant) == {"1": "scheduled", "2": "scheduled"}
    grant.pay(1)

    # The first report opens with the ninth month, filled in from the plan, and is asked for until it comes.
    opens = months_after(grant.starts, 9)
    with on(opens + timedelta(days=1)):
        swept()
        assert states(grant) == {"1": "open", "2": "scheduled"}
        assert {email for _, email in mails(grant, "progress_open")} == {grant.focal.email, grant.mayor.email}
        row = applications.answers_row(grant.application.id, "report:1:periodic_report")
        assert row is not None
        plan = story.full_proposal(PROJECT, "Saint-Amary", grant.starts)
        assert [line["target"] for line in row.data["indicators"]] == [line["target"] for line in plan["indicators"]]
        assert [line["amount"] for line in row.data["costs"]] == [line["amount"] for line in plan["budget"]]
        assert "actual" not in row.data["indicators"][0]
        [(_grant, owed)] = seen(grant).owed
        assert (owed.turn, owed.due) == ("due", opens + timedelta(days=30))
    due = opens + timedelta(days=30)
    for days in (-13, -2, 1, 15, 29, 31):
        with on(due + timedelta(days=days)):
            swept()
    with on(due + timedelta(days=31)):
        assert [template for template, email in mails(grant, "progress_") if email == grant.focal.email] == [
            "progress_open", "progress_soon", "progress_soon", "progress_late", "progress_late", "progress_late",
        ]  # fmt: skip
        assert ("progress_very_late", grant.officer.email) in mails(grant, "progress_very_late")
        assert seen(grant).late == 1
        refused(lambda: grant.press("report.send", grant.focal, of="1"), "is not complete")
        report = story.progress_report(PROJECT, dollars("130000"), 30)
        report["women"] = str(int(report["people_reached"]) - int(report["men"]) + 1)
        grant.write("report:1:periodic_report", grant.focal, report)
        refused(lambda: grant.press("report.send", grant.focal, of="1"), "cannot have more people")
        report["women"] = str(int(report["women"]) - 1)
        grant.write("report:1:periodic_report", grant.focal, report)
        grant.press("report.send", grant.focal, of="1")
        assert seen(grant).people is not None
        assert seen(grant).people.actual == 0, "what is not accepted counts nowhere"  # type: ignore[union-attr]

        # It is returned with remarks, sent again, and accepted: only then does it count.
        with pytest.raises(ReasonMissing):
            grant.press("report.return", grant.officer, of="1")
        db.session.rollback()
        grant.press("report.return", grant.officer, of="1", reason="How many of them are women?")
        assert ("progress_returned", grant.focal.email) in mails(grant, "progress_returned")
        grant.write("report:1:periodic_report", grant.focal, {**report, "people_reached": "400"})
        grant.press("report.send", grant.focal, of="1")
        grant.press("report.accept", grant.officer, of="1")
        found = seen(grant)
        assert (found.people.actual, found.people.target) == (400, 1150)  # type: ignore[union-attr]
        assert (found.purses[0].spent, found.purses[0].unreported) == (dollars("130000"), dollars("38000"))
        address = f"/applications/{grant.application.id}/reports/report:1"
        for person, status in ((grant.focal, 200), (grant.officer, 200), (grant.finance, 200), (grant.compliance, 404)):
            sign_in(client, db.session.merge(person))
            assert client.get(address).status_code == status, person.name

    # The second is done without, for a reason; the project ends; the final report begins with the same plan.
    ends = date.fromisoformat(plan["ends_on"])
    with on(due + timedelta(days=40)):
        grant.pay(2)
        grant.press("report.waive", grant.officer, of="2", reason="The visit in May told us all.")
    with on(ends + timedelta(days=1)):
        swept()
    with on(ends + timedelta(days=40)):
        closed = final_report_and_money_back(grant)
        held = ledger.standing(now_of(grant))

    # After six and twelve months the fund asks; one answer comes, one does not, and nothing of the money moves.
    with on(months_after(closed, 6) + timedelta(days=1)):
        swept()
        assert states(grant, "followup") == {"1": "open", "2": "scheduled"}
        assert ("follow_up_asked", grant.focal.email) in mails(grant, "follow_up")
        grant.write("followup:1:follow_up", grant.focal, story.follow_up())
        grant.press("followup.answer", grant.focal, of="1")
        assert seen(grant).purses[0].further == dollars("180000")
    with on(months_after(closed, 12) + timedelta(days=1)):
        swept()
        assert states(grant, "followup") == {"1": "answered", "2": "open"}
        assert now_of(grant).state == "closed"
    with on(months_after(closed, 12) + timedelta(days=47)):
        swept()
        assert states(grant, "followup") == {"1": "answered", "2": "unanswered"}
        assert now_of(grant).state == "followed_up"
        assert ledger.standing(now_of(grant)) == held
        assert seen(grant).owed == ()
    assert audit.verify(grant.application.id).is_whole

    # In files a name that looks like a formula stays a name.
    db.session.get_one(City, grant.city.id).name = "=1+1"
    db.session.commit()
    sign_in(client, db.session.merge(grant.manager))
    book = zipfile.ZipFile(io.BytesIO(client.get("/portfolio.xlsx").data))
    assert b"<t>=1+1</t>" in book.read("xl/sharedStrings.xml")
    assert not any(b"<f>" in book.read(name) for name in book.namelist())
    assert "'=1+1" in client.get("/portfolio.csv").text


def final_report_and_money_back(grant: LargeGrant) -> date:
    """The last report begins with the plan; what was not spent comes back to the cent before the grant is closed."""
    final = applications.answers_row(grant.application.id, "final_report")
    assert final is not None
    assert len(final.data["results"]) == 4
    spent = dollars("418750.37")
    grant.write("final_report", grant.focal, story.final_report(PROJECT, spent))
    grant.press("send_report", grant.focal)
    grant.pay(3)

    refused(lambda: grant.press("close", grant.officer), "What is left must come back first")
    refused(
        lambda: grant.press("ask_back", grant.officer, input={"amount": dollars("1249.62")}), "exactly the difference"
    )
    grant.press("ask_back", grant.officer, input={"amount": dollars("1249.63")})
    refused(lambda: grant.give_back("1249.64"), "Only the unspent|At most the unspent")
    grant.give_back("1249.62")
    refused(lambda: grant.press("close", grant.officer), "must come back")
    grant.give_back("0.01")
    grant.press("close", grant.officer)
    held = ledger.standing(now_of(grant))
    assert (held.paid, held.committed, held.available) == (spent, dollars("0"), dollars("1000000") - spent)
    letter = db.session.scalars(
        sa.select(Document).where(Document.kind == "closing_letter", Document.language == "en")
    ).one()
    assert [letter.facts[name]["minor"] for name in ("paid", "returned", "spent")] == [42_000_000, 124_963, 41_875_037]
    assert letter.facts["left"] == ""
    found = seen(grant)
    assert found.people.actual == 1230, "the final report replaces the one before"  # type: ignore[union-attr]
    assert (found.go_on, found.asked_after) == (1, 1)
    assert found.purses[0].further == dollars("150000")
    return grant.today
