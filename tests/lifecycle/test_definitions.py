"""Definitions: what is pinned is what mails and documents say ever after, and a text that was touched is found."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from fundflow import documents, mail
from fundflow.awards.models import Document
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit, definitions
from fundflow.lifecycle.definitions import AlteredDefinition, MissingTemplate
from fundflow.lifecycle.models import Application, Definition
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from tests import factories as make
from tests.lifecycle.toys import a_toy_workflow

pytestmark = pytest.mark.usefixtures("app")


def reworded(**texts: str) -> Workflow:
    """The small grant with other texts in some of its mails and documents, by path."""
    workflow = make.a_workflow()
    templates = {**workflow.templates, **texts}
    assert templates.keys() == workflow.templates.keys(), "these are not texts of the workflow"
    return replace(workflow, templates=templates, sha256=loader.digest(workflow.files, templates))


def letters(application: Application, template: str) -> list[EmailMessage]:
    """What the queued messages of this template say."""
    payloads = [dict(job.payload) for job in db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))]
    db.session.rollback()
    return [mail.compose(each, current_app.extensions["settings"]) for each in payloads if each["template"] == template]


def test_pinned_are_the_texts_of_every_mail_and_document_with_what_they_are_built_on() -> None:
    templates = make.a_workflow().templates
    named = {
        *("received", "new_application", "sent_back", "approved", "ready_to_pay", "declined", "paid", "report_thanks"),
        *("report_received", "withdrawn", "cancelled", "lapsed", "report_missing", "closing_soon", "report_soon"),
        "report_late",
    }
    assert {path[5:-4] for path in templates if path.startswith("mail/") and path.endswith(".txt")} == named | {
        "_layout"
    }
    agreement = ("css", "html", "ar.html", "en.html", "fr.html")
    reasons = ("en.html", "fr.html")
    assert {path[11:] for path in templates if path.startswith("agreements/")} == {
        *(f"grant_agreement.{end}" for end in agreement),
        *(f"statement_of_reasons.{end}" for end in reasons),
        *("letter.html", "letter.css", "_letter.html", "_check.html", "_parts.html"),
    }
    assert "mail/approved.fr.json" in templates and "mail/_layout.fr.json" in templates


def test_digest_changes_with_one_letter_of_any_text() -> None:
    workflow = make.a_workflow()
    assert loader.digest(workflow.files, workflow.templates) == workflow.sha256
    for path in workflow.templates:
        changed = {**workflow.templates, path: workflow.templates[path] + "\n"}
        assert loader.digest(workflow.files, changed) != workflow.sha256
    assert loader.digest({**workflow.files, **workflow.templates}) != workflow.sha256


def test_mail_of_an_application_is_written_from_the_texts_its_round_pinned() -> None:
    old = "Subject: Your proposal came in\n\n{% trans trimmed %}It is ours now.{% endtrans %}\n"
    french = '[["It is ours now.", null, "Elle est chez nous."]]'
    round_ = make.a_round(workflow=reworded(**{"mail/received.txt": old, "mail/received.fr.json": french}))
    for language, words in (("en", "It is ours now."), ("fr", "Elle est chez nous.")):
        cast = make.a_cast()
        cast.applicant = make.a_person(language=language)
        application = make.an_application(round_, state="review", cast=cast)
        letter = letters(application, "received")[-1 if language == "fr" else 0]
        assert letter["Subject"] == "Your proposal came in"
        body = letter.get_body(("plain",))
        assert body is not None and words in body.get_content()
    # The round beside it was pinned with the texts as they are on the disk.
    beside = make.an_application(make.a_round(), state="review")
    assert letters(beside, "received")[-1]["Subject"] != "Your proposal came in"
    assert worker.drain() > 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job).where(Job.done_at.is_(None))) == 0


def test_messages_that_belong_to_no_workflow_are_written_from_the_disk() -> None:
    with transaction():
        mail.queue("security/known", make.acting(make.a_person()), {}, "k")
    [payload] = db.session.scalars(sa.select(Job.payload).where(Job.kind == "mail.send")).all()
    assert payload["definition"] is None


def test_document_is_printed_from_the_pinned_words_and_style() -> None:
    workflow = make.a_workflow()
    path, style = "agreements/grant_agreement.en.html", "agreements/grant_agreement.css"
    texts = {
        path: workflow.templates[path].replace("Grant Agreement", "Convention of old"),
        style: workflow.templates[style] + "\nbody { letter-spacing: 1px }\n",
    }
    application = make.an_application(make.a_round(workflow=reworded(**texts)), state="approved")
    worker.drain()
    found = db.session.scalars(
        sa.select(Document).where(Document.application_id == application.id, Document.language == "en")
    ).one()
    pinned = definitions.templates_of(application.definition_sha)
    assert found.template_sha256 == documents.template_sha256(pinned) != documents.template_sha256(workflow.templates)
    said = found.facts
    assert "Convention of old" in documents.html("grant_agreement", said, "en", pinned)
    assert "Convention of old" not in documents.html("grant_agreement", said, "en")

    def printed(texts: Mapping[str, str]) -> str:
        return hashlib.sha256(documents.render("grant_agreement", said, "en", texts, to_be_sealed=True)).hexdigest()

    assert printed(pinned) == found.printed_sha256
    assert printed({**pinned, style: workflow.templates[style]}) != found.printed_sha256


def test_text_of_a_mail_that_was_touched_in_the_database_is_found_and_never_sent(app: Flask) -> None:
    round_ = make.a_round(workflow=reworded(**{"mail/received.txt": "Subject: Come\n\nIn time.\n"}))
    application = make.an_application(round_, state="complete")
    assert audit.verify().is_whole
    definition = db.session.get_one(Definition, round_.definition_sha)
    with transaction():
        definition.templates = {**definition.templates, "mail/received.txt": "Subject: Pay\n\nSend money.\n"}
    definitions._loaded.clear()
    with pytest.raises(AlteredDefinition):
        definitions.get(application.definition_sha)
    db.session.rollback()
    assert ["altered" in each.says for each in audit.verify().breaks] == [True]


def test_workflow_that_names_a_mail_or_document_that_does_not_exist_is_not_pinned() -> None:
    for change in (
        ("remind_with: closing_soon", "remind_with: closing_son"),
        ("overdue_with: report_late", "overdue_with: report_lat"),
        ("do: [{ledger: release}]", "do: [{document: diploma}]"),
        ("reason: required}", "reason: required, do: [{notify: sorry, to: applicant}]}"),
    ):
        with pytest.raises(MissingTemplate) as refused:
            definitions.pin(a_toy_workflow(change))
        assert refused.value.facts["template"] in ("closing_son", "report_lat", "diploma", "sorry")
        assert "toy-grant names the message or document “" in str(refused.value)
        db.session.rollback()
