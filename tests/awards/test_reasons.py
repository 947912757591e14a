"""The statement of reasons: what it tells the city, and what it keeps to the fund."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pypdf
import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock, storage
from fundflow import story_gcf as story
from fundflow.awards.models import Document
from fundflow.awards.queries import document_for
from fundflow.db import db
from fundflow.jobs import worker
from fundflow.lifecycle import sweeping
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import NotAllowed
from tests import factories as make
from tests.awards.large import LargeGrant


def statements(grant: LargeGrant) -> dict[str, Document]:
    """The newest statement by language."""
    db.session.rollback()
    query = sa.select(Document).where(
        Document.application_id == grant.application.id, Document.kind == "statement_of_reasons"
    )
    return {each.language: each for each in db.session.scalars(query.order_by(Document.event_seq))}


def printed(document: Document) -> str:
    assert document.sha256 is not None
    pages = pypdf.PdfReader(BytesIO(storage.get(document.sha256))).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_a_city_reads_why_it_was_not_selected_by_which_rules_and_until_when_it_can_appeal(app: Flask) -> None:
    grant = LargeGrant("committee")
    grant.to_decision("reject")
    told = story.recommendation("reject", clock.now().date()) | {"decision_reasons": "A <b>real</b> need & a team."}
    grant.write("decision", grant.chair, told)
    with pytest.raises(NotAllowed):
        grant.press("award", grant.director)
    grant.press("not_select", grant.director, reason="The plan does not say what will change.")
    facts = statements(grant)["en"].facts
    assert facts["kind"] == "reject"
    rules = {rule["says"]: rule["met"] for rule in facts["rules"]}
    assert [met for says, met in rules.items() if "critical" in says] == [False]
    assert [met for says, met in rules.items() if "at least 7" in says] == [False]
    [review] = facts["scores"]
    assert (review["sheets"], review["scale"]) == (3, "10")
    assert [each["score"] for each in review["criteria"]] == ["4.00", "4.33", "4.00"]
    assert facts["appeal"]["until"] == (grant.today + timedelta(days=30)).isoformat()
    worker.drain()
    focal = make.acting(grant.focal)
    english, french = (printed(document_for(focal, statements(grant)[each].id)[0]) for each in ("en", "fr"))
    for sentence in (
        "A <b>real</b> need & a team.",
        "The plan says what will be bought",
        "The plan does not say what will change.",
        "You can appeal until",
    ):
        assert sentence in english
    assert "Vous pouvez former un recours jusqu’au" in french
    for text in (english, french):
        for member in grant.members:
            assert member.name not in text and member.email not in text
        for hidden in ("The need is shown with figures", "second partner should confirm", "1,000,000", "580,000"):
            assert hidden not in text


def test_the_answer_to_an_appeal_has_its_own_statement_and_comes_from_somebody_else(app: Flask) -> None:
    grant = LargeGrant("committee")
    grant.to_decision("reject")
    grant.write("decision", grant.chair, story.recommendation("reject", clock.now().date()))
    grant.press("not_select", grant.director, reason="No.")
    appeal = {"appeal_on": "facts", "appeal_grounds": "We did ask those concerned: see page 4."}
    grant.write("appeal", grant.focal, appeal)
    grant.press("appeal", grant.focal)
    with pytest.raises(NotAllowed, match="only by"):
        grant.press("dismiss_appeal", grant.director, reason="No.")
    grant.press("uphold_appeal", grant.compliance, reason="Page 4 says so.")
    facts = statements(grant)["en"].facts
    assert (facts["kind"], facts["reason"], facts["step"]) == ("other", "Page 4 says so.", "Uphold the appeal")
    assert not facts["findings"], "what the chair writes anew is not the city's to read yet"


def test_an_appeal_past_its_window_is_refused_and_the_decision_becomes_final(app: Flask) -> None:
    grant = LargeGrant("committee")
    grant.to_decision("reject")
    grant.write("decision", grant.chair, story.recommendation("reject", clock.now().date()))
    grant.press("not_select", grant.director, reason="No.")
    grant.write("appeal", grant.focal, {"appeal_on": "facts", "appeal_grounds": "Page 4."})
    with clock.shifted(timedelta(days=32)):
        with pytest.raises(NotAllowed, match="passed"):
            grant.press("appeal", grant.focal)
        sweeping.sweep()
    db.session.rollback()
    assert db.session.get_one(Application, grant.application.id, populate_existing=True).outcome == "not_selected"
