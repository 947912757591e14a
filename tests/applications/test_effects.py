"""What workflows read of applications and cause in them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import sqlalchemy as sa

from fundflow.applications import effects, queries
from fundflow.applications.models import SentAnswers
from fundflow.db import canonical_json, db
from fundflow.jobs.models import Job
from fundflow.lifecycle.models import Event
from fundflow.money import Money
from tests import factories as make
from tests.applications.scene import a_scene, kept
from tests.lifecycle.toys import ASK, TOY, a_toy, a_toy_round

pytestmark = pytest.mark.usefixtures("app")


def mails(template: str) -> list[dict[str, Any]]:
    db.session.rollback()
    jobs = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))
    return [job.payload for job in jobs if job.payload["template"] == template]


def test_answers_are_facts_with_their_types() -> None:
    scene = a_scene()
    facts = effects.application_facts(scene.draft)
    assert facts["requested"] is None and facts["country"] == "SL" and facts["state"] == "draft"
    make.fill(scene.draft, "proposal", scene.ana, requested=12_000, people_expected="40")
    facts = effects.application_facts(scene.draft)
    assert facts["requested"] == Money(1_200_000, "EUR") and facts["people_expected"] == 40
    assert facts["starts_on"].isoformat() == "2027-01-15" and facts["id"] == str(scene.draft_id)


def test_a_form_says_what_is_missing_and_when_it_is_complete() -> None:
    scene = a_scene()
    found = effects.form_facts(scene.draft, "proposal")
    assert not found["complete"] and found["missing"][0].in_("en") == "Title of the project"
    make.fill(scene.draft, "proposal", scene.ana)
    assert effects.form_facts(scene.draft, "proposal") == {"complete": True, "missing": []}


def test_an_unreadable_amount_keeps_a_form_from_being_complete() -> None:
    scene = a_scene()
    make.fill(scene.draft, "proposal", scene.ana, cofinance={"raw": "a lot"})
    assert not effects.form_facts(scene.draft, "proposal")["complete"]


def test_what_was_sent_is_kept_word_for_word_under_a_digest_in_the_event() -> None:
    cast = make.a_cast()
    application = make.an_application(state="review", cast=cast)
    sent = queries.sent_answers(application.id, "proposal")
    assert sent is not None
    now = kept(application.id)
    assert {name: each for name, each in sent.data.items() if name != "_files"} == now
    assert list(sent.data["_files"]) == now["letter"]
    assert sent.sha256 == hashlib.sha256(canonical_json(sent.data).encode()).hexdigest()
    event = db.session.get_one(Event, (application.id, sent.event_seq))
    assert event.transition == "submit" and {"sent": {"proposal": sent.sha256}} in event.body["notes"]
    make.press(application, "send_back", cast.manager, reason="Please say more.")
    make.press(application, "submit", cast.applicant)
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SentAnswers)) == 2


def test_everyone_of_a_role_is_told_once_and_with_their_own_facts() -> None:
    scene = a_scene()
    manager = make.a_person("Mia", groups=[make.MANAGERS])
    make.fill(scene.draft, "proposal", scene.ana, title="Homes", requested=9_000)
    make.press(scene.draft, "submit", scene.ana)
    told = mails("received")
    assert {each["email"] for each in told} == {scene.ana.email, scene.ben.email} and len(told) == 2
    facts = told[0]["facts"]
    assert (facts["title"], facts["city"], facts["by"]) == ("Homes", "Freetown", "Ana Silva")
    assert facts["requested"] == {"minor": 900_000, "currency": "EUR"}
    assert facts["link"] == f"/applications/{scene.draft_id}"
    assert [each["email"] for each in mails("new_application")] == [manager.email]


def test_mail_tells_the_amount_only_to_those_who_may_read_the_form_that_asks_for_it() -> None:
    cast = make.a_cast()
    decline = "decline: {from: sent, end: declined, by: manager, reason: required"
    told = (f"{decline}}}", f"{decline}, do: [{{notify: declined, to: [applicant, finance]}}]}}")
    application = a_toy(a_toy_round(told), applicant=cast.applicant, state="sent")
    make.press(application, "decline", cast.manager, reason="Too late.")
    amounts = {each["email"]: each["facts"]["requested"] for each in mails("declined")}
    # Finance sees nothing of an application before it is granted.
    assert amounts == {cast.applicant.email: {"minor": 1_000_000, "currency": "EUR"}, cast.finance.email: None}


def test_nobody_is_told_of_a_step_that_looks_to_them_as_if_nothing_had_happened() -> None:
    cast = make.a_cast()
    masked = ("  granted: {view:", "  granted: {shown_as: {applicant: sent}, view:")
    text = TOY.replace(*masked).replace(
        "    do: [{ledger: commit, amount: application.requested}]",
        "    do: [{ledger: commit, amount: application.requested}, {notify: approved, to: [applicant, manager]}]",
    )
    application = a_toy(
        make.a_round(workflow=make.a_workflow_from(text, ask=ASK)), applicant=cast.applicant, state="sent"
    )
    make.press(application, "grant", cast.manager)
    assert [each["email"] for each in mails("approved")] == [cast.manager.email]
    make.press(application, "cancel", cast.manager, reason="No longer needed.")
    assert application.outcome == "cancelled"


def test_mail_names_the_moment_that_begins_with_the_event() -> None:
    cast = make.a_cast()
    application = make.an_application(state="review", cast=cast)
    make.press(application, "send_back", cast.manager, reason="Please say more.")
    round_ = queries.round_of(application)
    due = {each["facts"]["due_at"] for each in mails("sent_back")}
    assert due == {round_.closes_at.isoformat()}
