"""The countersigned agreement: the facts that were signed, with the signatures and their certificate."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pikepdf
import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image, ImageDraw

from fundflow import documents, storage
from fundflow.awards import marks
from fundflow.awards.models import Document
from fundflow.awards.verifying import Verdict, by_code, by_file
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.lifecycle import acts, audit
from fundflow.lifecycle.models import Application, Event
from fundflow.lifecycle.signing import Mark
from tests import factories as make
from tests import papers
from tests.desk.contract import a_contract, a_workflow, press_child, record, sign, some_people

COUNTERSIGNED = ("when: [{signed: all}]}", "when: [{signed: all}], do: [{document: countersigned_agreement}]}")


def a_mark() -> Mark:
    sheet = Image.new("RGB", (600, 200), "white")
    ImageDraw.Draw(sheet).line([(20, 150), (200, 30), (380, 160), (580, 60)], fill="black", width=6)
    out = io.BytesIO()
    sheet.save(out, "JPEG")
    return marks.from_upload(io.BytesIO(out.getvalue()))


def printed(application: Application, kind: str) -> list[Document]:
    db.session.rollback()
    wanted = sa.select(Document).where(Document.application_id == application.id, Document.kind == kind)
    return list(db.session.scalars(wanted))


def test_both_signatures_and_their_certificate_are_printed_sealed_and_told_to_the_chain(app: Flask) -> None:
    people = some_people()
    application = a_contract("signing", people, round_=make.a_round(workflow=a_workflow(COUNTERSIGNED)))
    worker.drain()
    signed = record(application)
    assert [each.language for each in printed(application, "agreement")] == ["en"]  # what its workflow speaks
    actor, revision = make.acting(people.signatory), make.revision_of(application)
    command: Any = {"actor": actor, "revision": revision, "key": f"test:{uuid4()}", "mark": a_mark()}
    with transaction():
        proof = make.proof(people.signatory)
        acts.sign(application.id, "city", name="Sira S.", sha256=signed.sha256 or "", proof=proof, **command)
    assert printed(application, "countersigned_agreement") == []
    sign(application, "fund", people.director)
    worker.drain()
    [made] = printed(application, "countersigned_agreement")
    file = storage.get(made.sha256 or "")
    assert papers.failures(file) == []
    assert documents.verify(file).is_valid
    with pikepdf.open(io.BytesIO(file)) as opened:
        facts = json.loads(opened.attachments[documents.FACTS].get_file().read_bytes())
    assert facts["signed"]["sha256"] == signed.sha256
    assert {name: facts[name] for name in signed.facts} == signed.facts
    city, fund = facts["signed_by"]
    assert (city["name"], city["account"], city["made"], city["method"]) == (
        "Sira S.",
        "Sira Signatory",
        "uploaded",
        "password",
    )
    assert (fund["side"], fund["role"], fund["made"], fund["image"]) == ("fund", "Director", "typed", "")
    found = by_code(made.facts_sha256)
    assert (found.verdict, found.kind, found.signatures) == (Verdict.VALID, "countersigned_agreement", 2)
    assert by_file(storage.get(signed.sha256 or "")).verdict is Verdict.VALID  # both stay
    press_child(application, "tranche.request", "1", people.applicant)
    event = db.session.scalars(sa.select(Event).order_by(Event.at.desc(), Event.seq.desc())).first()
    told = [each for note in event.body["notes"] for each in note.get("documents", ())] if event else []
    assert [each["sha256"] for each in told if each["document"] == "countersigned_agreement"] == [made.sha256]
    assert audit.verify(application.id, files=True).is_whole


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_certificate_is_archivable_and_accessible_in_every_language(language: str) -> None:
    mark = marks.cleaned(_ink())
    person = {"account": "سمير بن علي", "at": "2026-11-26T07:44:12+00:00", "zone": "Africa/Tunis", "method": "passkey"}
    person |= {"proven_at": "2026-11-26T07:43:02+00:00", "address": "203.0.113.7", "agent": "Firefox, Linux"}
    signed_by = [
        {**person, "side": "city", "role": "Mayor", "name": "Élodie", "made": "drawn", "image": "e" * 64, "event": 7},
        {**person, "side": "fund", "role": "مدير", "name": "سمير", "made": "typed", "image": "", "event": 8},
    ]
    facts = papers.facts(signed={"sha256": "ab" * 32, "facts_sha256": "cd" * 32, "event": 4}, signed_by=signed_by)
    images = {"e" * 64: mark}
    file = documents.render("countersigned_agreement", facts, language, images=images, to_be_sealed=True)
    assert papers.failures(file) == []


def _ink() -> io.BytesIO:
    sheet = Image.new("L", (300, 100), 255)
    ImageDraw.Draw(sheet).line([(10, 80), (150, 10), (290, 90)], fill=0, width=5)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return io.BytesIO(out.getvalue())
