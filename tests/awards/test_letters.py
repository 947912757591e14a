"""The letters of a fund: what they say in each language, what they leave out, and that everyone can read them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from pypdf import PdfReader

from fundflow import documents
from fundflow.awards.kinds import KINDS
from fundflow.awards.models import Document
from fundflow.awards.refusals import NoNewEnd
from fundflow.db import db
from fundflow.documents import MissingFact
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from tests import factories as make
from tests import papers
from tests.sealing import a_site

LETTERS = sorted(KINDS.keys() - {"agreement", "countersigned_agreement"})
SAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "award_letter": {
        "en": ("in confidence", "up to €45,000.50", "Conditions before signing", "In writing.", "1 January 2027 to"),
        "fr": ("à titre confidentiel", "jusqu’à 45 000,50 €", "quarante-cinq mille euros", "du 1er janvier 2027 au"),
    },
    "amendment": {
        "en": (
            "Amendment to grant agreement GA-SG-2026-0007",
            "31 December 2027",
            "30 June 2028",
            "unchanged",
            "Élodie",
        ),
        "fr": ("Avenant à la convention", "31 décembre 2027", "30 juin 2028", "inchangée", "Lieu et date"),
    },
    "plan_amendment": {
        "en": ("agreement GA-SG-2026-0007-2 takes", "End of the project", "31 December 2027", "Payment 2, amount", "–"),
        "fr": ("convention GA-SG-2026-0007-2 remplace", "31 décembre 2027", "Versement 2, montant", "25 000,50 €"),
    },
    "rejection_letter": {
        "en": ("cannot support it", "Two of the partners have <not> confirmed.", "within 30 days"),
        "fr": ("ne peut pas la soutenir", "Two of the partners have <not> confirmed.", "30 jours"),
    },
    "closing_letter": {
        "en": ("Your grant is closed", "€40,000.00", "€39,500.00", "€500.00 was not spent", "861", "seven years"),
        "fr": ("Votre subvention est clôturée", "39 500,00 €", "500,00 € n’ont pas été dépensés", "sept ans"),
    },
    "statement_of_reasons": {
        "en": ("not to select", "The amount is at least", "not met", "8.5 of 10 in all, from 3 members", "1 May 2027"),
        "fr": ("ne pas retenir", "non respectée", "8,5 sur 10 au total, par 3 membres", "1er mai 2027"),
    },
    "termination_letter": {
        "en": ("Termination of grant agreement GA-SG-2026-0007", "<not> confirmed", "€40,000.00", "within 60 days"),
        "fr": ("Résiliation de la convention", "<not> confirmed", "40 000,00 €", "60 jours"),
    },
}


@pytest.fixture(scope="module", autouse=True)
def _press_ends() -> Iterator[None]:
    yield
    documents.press.close()


def text_of(pdf: bytes) -> str:
    text = " ".join(each.extract_text() for each in PdfReader(io.BytesIO(pdf)).pages)
    return re.sub(r"\s+", " ", text).replace("- ", "-")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("letter", LETTERS)
def test_letter_is_archival_accessible_says_what_was_decided_and_is_always_the_same(
    letter: str, language: str, tmp_path: Path
) -> None:
    is_sealed = KINDS[letter].is_sealed
    pdf = documents.render(letter, papers.letter(), language, to_be_sealed=is_sealed)
    assert papers.failures(pdf) == []
    if is_sealed and language == "en":
        with a_site(tmp_path):
            assert papers.failures(documents.seal(pdf).content) == []
    text = text_of(pdf)
    for part in (*SAYS[letter][language], "Ville de Sainte-Émilie-sur-Loire", "XL-SG-2026-0007", "<b>newcomers</b>"):
        assert part in text, part
    if language == "en":  # the other languages differ by words alone
        assert documents.render(letter, papers.letter(), language, to_be_sealed=is_sealed) == pdf
    root: Any = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert root["/Lang"] == language


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("letter", LETTERS)
def test_letter_does_without_what_may_be_unknown(letter: str, language: str) -> None:
    facts = papers.letter(starts_on="", ends_on="", findings=[], spent="", left="", reached=0)
    facts["city"] |= {"signatory": "", "focal_point": "", "is_demo": False}
    facts["fund"]["signatory"] = ""
    text = documents.html(letter, facts, language)
    assert "None" not in text
    assert 'class="demo"' not in text
    assert not re.search(r"<th[^>]*>[^<]*</th>\s*<td></td>", text), "a line of a table is empty"


@pytest.mark.parametrize("name", ["letter", "city", "reason", "application"])
def test_missing_fact_stops_a_letter(name: str) -> None:
    facts = papers.letter()
    del facts[name]
    with pytest.raises(MissingFact):
        documents.html("rejection_letter", facts, "en")


def test_every_document_a_workflow_names_exists_in_all_its_languages() -> None:
    for workflow in definitions.shipped():
        named = {effect.document for step in workflow.every_transition() for effect in step.do if effect.document}
        named |= {state.signatures.document for state in workflow.states.values() if state.signatures}
        assert named, workflow.id
        for kind in named:
            assert set(workflow.languages) <= set(documents.languages(KINDS[kind].template)), (workflow.id, kind)


WORKFLOW = """
format: fundflow/1
workflow: letters
version: 1
title: {en: Letters}
currency: EUR
roles:
  applicant: {is: team}
  officer: {is: group, group: fund-managers}
forms: {plan: plan.yaml, secret: secret.yaml, decision: decision.yaml, report: report.yaml}
states:
  draft: {edit: {applicant: [plan], officer: [secret]}, view: {officer: [plan]}}
  decision: {edit: {officer: [decision]}, view: {applicant: [plan], officer: [plan, secret]}}
  granted: {edit: {applicant: [report]}, view: {applicant: [plan, decision], officer: [plan, decision]}}
  done: {final: success, view: {applicant: [plan, decision, report], officer: [plan]}}
outcomes: {rejected: Rejected, ended: Ended}
transitions:
  send: {from: draft, to: decision, by: applicant}
  reject: {from: decision, end: rejected, by: officer, reason: required, do: [{document: rejection_letter}]}
  award:
    from: decision
    to: granted
    by: officer
    when: [{complete: decision}]
    do: [{ledger: commit, amount: application.requested}, {document: award_letter}]
  extend:
    from: granted
    to: granted
    by: officer
    reason: required
    input: {new_end: date}
    do: [{document: amendment}, {set: application.ends_on, to: input.new_end}]
  renew: {from: granted, to: granted, by: officer, do: [{document: amendment}]}
  pay: {from: granted, to: granted, by: officer, input: {amount: money}, do: [{ledger: pay, amount: input.amount}]}
  close: {from: granted, to: done, by: officer, do: [{document: closing_letter}]}
  terminate: {from: granted, end: ended, by: officer, reason: required, do: [{document: termination_letter}]}
"""
FORMS = {
    "plan": "requested: {type: money, label: Amount, required: true}, starts_on: {type: date, label: Start}, "
    "ends_on: {type: date, label: End}, idea: {type: long_text, label: Idea}",
    "secret": "doubts: {type: long_text, label: Doubts}",
    "decision": "grounds: {type: long_text, label: Reasons, required: true}, "
    "conditions: {type: long_text, label: Conditions}, met_on: {type: date, label: Met on}",
    "report": "spent: {type: money, label: Spent}, people_reached: {type: number, label: People}",
}


class Grant:
    """An application of the workflow above, and its people."""

    def __init__(self, *, is_awarded: bool = True) -> None:
        forms = {
            name: f"title: {name}\nsections: {{all: {{title: All, fields: {{{fields}}}}}}}"
            for name, fields in FORMS.items()
        }
        self.cast = make.a_cast()
        self.manager = self.cast.manager
        round_ = make.a_round(workflow=make.a_workflow_from(WORKFLOW, **forms))
        self.application = make.started(round_, make.a_city(focal_point=self.cast.applicant), self.cast.applicant)
        self.fill(
            "plan", self.cast.applicant, requested=12_000, idea="A house", starts_on="2027-01-01", ends_on="2027-12-31"
        )
        self.fill("secret", self.manager, doubts="Nobody may print this")
        self.press("send", self.cast.applicant)
        self.fill("decision", self.manager, grounds="It is needed.", conditions="A partner.", met_on="2026-11-01")
        if is_awarded:
            self.press("award", self.manager)

    def fill(self, form: str, who: Any, **answers: Any) -> None:
        make.fill(self.application, form, who, **answers)

    def press(self, transition: str, who: Any, **more: Any) -> None:
        make.press(self.application, transition, who, **more)

    def document(self, kind: str, language: str = "en") -> Document:
        return document_of(self.application, kind, language)


def document_of(application: Application, kind: str, language: str) -> Document:
    query = sa.select(Document).where(
        Document.application_id == application.id, Document.kind == kind, Document.language == language
    )
    found = db.session.scalars(query, execution_options={"populate_existing": True}).one()
    db.session.rollback()
    return found


def test_award_letter_prints_what_the_city_may_read_of_the_recommendation_and_nothing_else(app: Flask) -> None:
    grant = Grant()
    document = grant.document("award_letter")
    facts = document.facts
    assert facts["findings"] == [
        {"label": "Reasons", "text": "It is needed."},
        {"label": "Conditions", "text": "A partner."},
    ]
    assert facts["amount"] == papers.money(1_200_000)
    assert (facts["starts_on"], facts["ends_on"]) == ("2027-01-01", "2027-12-31")
    assert facts["letter"]["number"] == f"AL-{grant.application.number}"
    text = documents.html("award_letter", document.facts, "en")
    assert "A partner." in text
    assert "Nobody may print this" not in text
    languages = db.session.scalars(sa.select(Document.language).where(Document.kind == "award_letter")).all()
    assert languages == ["en"], "what the workflow does not speak is not printed"


def test_rejection_letter_carries_the_reason_and_no_word_of_the_recommendation(app: Flask) -> None:
    grant = Grant(is_awarded=False)
    grant.press("reject", grant.manager, reason="  Two partners left.\n")
    document = grant.document("rejection_letter")
    assert document.facts["reason"] == "Two partners left."
    assert document.facts["fund"]["signatory"] == grant.manager.name
    text = documents.html("rejection_letter", document.facts, "en")
    assert "Two partners left." in text
    assert "It is needed." not in text
    assert "Nobody may print this" not in text


def test_amendment_names_the_old_end_and_the_new_one(app: Flask) -> None:
    grant = Grant()
    grant.press("extend", grant.manager, reason="Floods.", input={"new_end": date(2028, 6, 30)})
    facts = grant.document("amendment").facts
    assert (facts["ends_on"], facts["new_end"]) == ("2027-12-31", "2028-06-30")
    assert facts["agreement"] == f"GA-{grant.application.number}"


def test_amendment_without_a_new_end_is_refused(app: Flask) -> None:
    grant = Grant()
    with pytest.raises(NoNewEnd):
        grant.press("renew", grant.manager)


@pytest.mark.parametrize(("spent", "left"), [(9_000, papers.money(100_000)), (10_000, ""), (None, "")])
def test_closing_letter_asks_back_what_was_paid_and_not_spent(app: Flask, spent: int | None, left: Any) -> None:
    grant = Grant()
    grant.press("pay", grant.manager, input={"amount": Money.of(10_000, "EUR")})
    grant.fill("report", grant.cast.applicant, spent=spent, people_reached="310")
    grant.press("close", grant.manager)
    facts = grant.document("closing_letter").facts
    assert facts["paid"] == papers.money(1_000_000)
    assert (facts["left"], facts["returned"], facts["reached"]) == (left, "", 310)


def test_termination_letter_says_what_was_paid(app: Flask) -> None:
    grant = Grant()
    grant.press("pay", grant.manager, input={"amount": Money.of(2_500, "EUR")})
    grant.press("terminate", grant.manager, reason="The mayor stopped it.")
    facts = grant.document("termination_letter").facts
    assert (facts["paid"], facts["amount"]) == (papers.money(250_000), papers.money(1_200_000))
    assert facts["reason"] == "The mayor stopped it."
