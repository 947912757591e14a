"""The Global Cities Fund from its first note to its last letter: what each step leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock, documents
from fundflow import story_gcf as story
from fundflow.awards.models import Document
from fundflow.db import db
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.ledger import queries as payments
from fundflow.lifecycle import audit, commands, timers
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.money import Money
from tests import factories as make
from tests.awards.large import LargeGrant


@pytest.fixture(scope="module", autouse=True)
def _press_ends() -> Iterator[None]:
    yield
    documents.press.close()


def now_of(grant: LargeGrant) -> Application:
    db.session.rollback()
    found = db.session.get_one(Application, grant.application.id, populate_existing=True)
    db.session.rollback()
    return found


def papers_of(grant: LargeGrant) -> dict[str, Document]:
    """The English documents by kind."""
    db.session.rollback()
    query = sa.select(Document).where(Document.application_id == grant.application.id, Document.language == "en")
    found = {each.kind: each for each in db.session.scalars(query, execution_options={"populate_existing": True})}
    db.session.rollback()
    return found


def told(grant: LargeGrant) -> set[tuple[str, str]]:
    """Every message queued so far, with the address it goes to."""
    db.session.rollback()
    jobs = db.session.scalars(sa.select(Job.payload).where(Job.kind == "mail.send"))
    return {(payload["template"], payload["email"]) for payload in jobs}


def dollars(amount: str) -> Money:
    return Money.of(amount, "USD")


def test_whole_grant_leaves_letters_payments_and_a_chain_that_holds(app: Flask) -> None:
    grant = LargeGrant("closed")
    application = now_of(grant)
    assert (application.state, application.outcome) == ("closed", None)
    held = payments.standing(application)
    assert (held.paid, held.committed, held.reserved) == (dollars("418750"), dollars("0"), dollars("0"))
    assert held.available == dollars("581250")
    papers = papers_of(grant)
    kinds = {"award_letter", "statement_of_reasons", "agreement", "countersigned_agreement", "closing_letter"}
    assert set(papers) == kinds
    worker.drain()
    assert all(each.is_ready for each in papers_of(grant).values())
    assert audit.verify(application.id).is_whole
    mails = told(grant)
    for template, person in [
        ("concept_received", grant.focal),
        ("new_concept", grant.manager),
        ("concept_to_review", grant.officer),
        ("invited", grant.focal),
        ("awarded", grant.focal),
        ("please_sign", grant.mayor),
        ("announced", grant.focal),
        ("tranche_to_pay", grant.finance),
        ("grant_closed", grant.focal),
    ]:
        assert (template, person.email) in mails, template
    assert ("concept_to_review", grant.manager.email) not in mails, "only the officer in charge is told"


def test_letters_print_the_recommendation_but_neither_scores_nor_bank_data(app: Flask) -> None:
    grant = LargeGrant("signature")
    papers = papers_of(grant)
    award = documents.html("award_letter", papers["award_letter"].facts, "en")
    assert "One partner has not confirmed yet" in award
    assert "The second partner confirms in writing." in award
    agreement = documents.html("grant_agreement", papers["agreement"].facts, "en")
    assert "The Fund pays the Grant in 3 payments (tranches)" in agreement
    assert "Three quarters of the first payment are spent" in agreement
    assert papers["agreement"].facts["fund"]["signatory"] == "Noor Haddad"
    assert papers["agreement"].facts["city"]["signatory"] in ("Awa Ndoye", "Amara Diallo")
    *progress, report = papers["agreement"].facts["reports"]
    assert [each["name"] for each in progress] == ["Progress report 1", "Progress report 2"]
    assert papers["agreement"].facts["starts_on"] < progress[0]["due_on"] < progress[1]["due_on"] < report["due_on"]
    assert report["name"] == "Final report"
    assert report["due_on"] > papers["agreement"].facts["ends_on"]
    for text in (award, agreement):
        for hidden in ("DEMO", "Invented Municipal Bank", "with your own figures", "committee finds", "grounds"):
            assert hidden not in text or (hidden == "committee finds" and text is award), hidden


def test_applicant_sees_one_state_while_the_committee_has_it_and_the_feedback_from_the_invitation_on(
    app: Flask,
) -> None:
    grant = LargeGrant("screening")
    focal = make.acting(grant.focal)
    seen = []
    for step in ("committee", "decision"):
        seen.append(commands.cell_of(now_of(grant), focal))
        getattr(grant, f"to_{step}")()
    seen.append(commands.cell_of(now_of(grant), focal))
    assert len(set(seen)) == 1
    assert seen[0].view == {"concept", "feedback", "proposal"}
    buttons = {decision.transition for decision in commands.available(now_of(grant), focal)}
    assert buttons == {"withdraw"}


def test_amount_of_the_note_stands_in_lists_and_begins_the_proposal(app: Flask) -> None:
    grant = LargeGrant("invited")
    application = now_of(grant)
    assert application.requested_minor == 42_000_000
    assert application.title.startswith("From the quay to a trade")


def test_termination_drops_what_is_not_paid_and_gives_the_money_back(app: Flask) -> None:
    grant = LargeGrant("active")
    grant.pay(1)
    grant.press("suspend", grant.officer, reason="The team was dissolved.")
    with pytest.raises(NotAllowed, match="not under way"):
        grant.press("tranche.request", grant.focal, of="2")
    grant.press("terminate", grant.director, reason="The city has stopped the project.")
    application = now_of(grant)
    assert application.outcome == "terminated"
    held = payments.standing(application)
    assert (held.paid, held.committed) == (dollars("168000"), dollars("0"))
    assert held.available == dollars("832000")
    assert papers_of(grant)["termination_letter"].facts["paid"]["minor"] == 16_800_000


def test_reserve_list_can_still_be_awarded(app: Flask) -> None:
    grant = LargeGrant("decision")
    grant.write("decision", grant.chair, story.recommendation("reserve", clock.now().date()))
    grant.press("place_on_reserve", grant.director)
    assert ("reserve_list", grant.focal.email) in told(grant)
    grant.press("award", grant.director)
    assert now_of(grant).state == "due_diligence"
    assert payments.standing(now_of(grant)).reserved == dollars("420000")


def test_conditions_of_payments_stand_without_their_numbers_and_days_as_the_language_writes_them(app: Flask) -> None:
    grant = LargeGrant("signature")
    query = sa.select(Document).where(Document.kind == "agreement", Document.application_id == grant.application.id)
    facts = {each.language: each.facts for each in db.session.scalars(query)}
    assert facts["en"]["payments"][0]["condition"] == "The agreement is signed and announced"
    [first, *_] = facts["fr"]["tables"][0]["rows"]
    assert first[-1].startswith("1er ")
    assert facts["en"]["tables"][0]["rows"][0][-1].startswith("1 ")


def test_reserve_list_ends_by_itself_and_both_sides_are_told(app: Flask) -> None:
    grant = LargeGrant("decision")
    grant.write("decision", grant.chair, story.recommendation("reserve", clock.now().date()))
    grant.press("place_on_reserve", grant.director)
    [timer] = [name for name, _ in timers.due(now_of(grant))]
    assert timer == "reserve_ends"
    make.press(grant.application, "end_reserve", SYSTEM)
    assert now_of(grant).outcome == "reserve_ended"
    assert {("reserve_ended", grant.focal.email), ("reserve_ended", grant.officer.email)} <= told(grant)


@pytest.mark.parametrize(
    ("transition", "state"), [("keep_for_later", "kept_for_later"), ("decline_concept", "not_invited")]
)
def test_every_note_gets_its_feedback_also_where_the_answer_is_no(app: Flask, transition: str, state: str) -> None:
    grant = LargeGrant("concept_review")
    focal = make.acting(grant.focal)
    with pytest.raises(NotAllowed, match="Feedback"):
        grant.press(transition, grant.officer)
    grant.write("feedback", grant.officer, dict(story.FEEDBACK["declined"]))
    assert "feedback" not in commands.cell_of(now_of(grant), focal).view
    grant.press(transition, grant.officer)
    assert now_of(grant).state == state
    assert {"concept", "feedback"} <= commands.cell_of(now_of(grant), focal).view


def test_scores_far_apart_are_talked_over_before_the_review_is_closed(app: Flask) -> None:
    grant = LargeGrant("committee")
    with pytest.raises(NotAllowed, match="points apart"):
        grant.to_decision("apart")
    grant.discuss("The second member had read the first budget; we read the new one together.")
    grant.press("close_review", grant.chair)
    assert now_of(grant).state == "decision"


def test_adverse_finding_ends_an_award_and_frees_its_money(app: Flask) -> None:
    grant = LargeGrant("due_diligence")
    with pytest.raises(NotAllowed, match="no adverse finding"):
        grant.press("fail_checks", grant.director, reason="Too early.")
    grant.task("sanctions", "hit", grant.compliance)
    grant.press("fail_checks", grant.director, reason="A match that was confirmed.")
    held = payments.standing(now_of(grant))
    assert (held.reserved, held.available) == (dollars("0"), dollars("1000000"))
    assert papers_of(grant)["rejection_letter"].facts["reason"] == "A match that was confirmed."
