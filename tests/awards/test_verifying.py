"""What anyone is told about a document: genuine, replaced, expired, changed or not known, and never what it says."""

from __future__ import annotations

import io
import time
import zlib
from dataclasses import replace
from datetime import timedelta

import pikepdf
import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock, documents, storage
from fundflow.app import create_app
from fundflow.awards.verifying import Verdict, by_code, by_file
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.documents import codes
from fundflow.jobs import worker
from fundflow.lifecycle.models import Application
from tests.desk.contract import People, a_contract, record, some_people


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


@pytest.fixture
def issued(app: Flask, people: People) -> tuple[Application, bytes]:
    """An application with a printed and sealed agreement, and that file."""
    application = a_contract("signing", people)
    worker.drain()
    return application, storage.get(record(application).sha256 or "")


def test_whoever_holds_a_document_learns_that_it_is_genuine_and_nothing_else(
    client: FlaskClient, issued: tuple[Application, bytes]
) -> None:
    application, file = issued
    document = record(application)
    address = codes.address("", document.facts_sha256)
    shown = [client.get(address), client.get(f"/verify/{document.sha256}")]
    shown += [client.post("/verify", data={"code": f" {document.facts_sha256[:32].upper()} "})]
    shown += [client.post("/verify", data={"file": (io.BytesIO(file), "agreement.pdf")})]
    for answer in shown:
        assert answer.status_code == 200
        assert "This document is genuine." in answer.text and "Grant agreement" in answer.text
        for said in (application.title or "", "10,000", application.number, "Signatory"):
            assert said not in answer.text
        assert answer.headers["X-Robots-Tag"] == "noindex"
    page = documents.html("grant_agreement", document.facts, "en")
    assert (
        f"<title>Code to check this document at {codes.address(document.facts['site'], document.facts_sha256)}" in page
    )


def test_what_was_changed_guessed_or_never_issued_is_told_so(
    client: FlaskClient, issued: tuple[Application, bytes]
) -> None:
    application, file = issued
    digest = record(application).facts_sha256
    flipped = bytearray(file)
    flipped[len(file) // 2] ^= 1
    assert by_file(bytes(flipped)).verdict is Verdict.TAMPERED
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(file)) as opened:  # another program opened it and saved it again, without the seal
        del opened.Root["/AcroForm"]
        del opened.pages[-1]["/Annots"]
        opened.save(saved)
    assert by_file(saved.getvalue()).verdict is Verdict.TAMPERED
    for unknown in (b"", b"%PDF-1.7", b"no file of ours", bytes(2000)):
        assert by_file(unknown).verdict is Verdict.UNKNOWN
    wrong = digest[:31] + ("0" if digest[31] != "0" else "1")
    for code in ("", "x", digest[:31], wrong, digest[:-1] + "g", "%" * 32, "0" * 64):
        assert by_code(code) == by_code("f" * 64)
    assert client.post("/verify", data={"code": " "}).status_code == 422


def test_a_small_file_that_unpacks_to_millions_of_entries_keeps_nobody_busy(app: Flask) -> None:
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\1\0\0\0\x10\0\0" * 150_000) for _ in range(48)) + packer.flush()
    body = b"%PDF-1.7\n%/ByteRange\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    table = b"<</Type/XRef/Size 4/W[1 4 2]/Root 1 0 R/Index[0 7200000]/Filter/FlateDecode/Length %d>>" % len(rows)
    file = body + b"3 0 obj\n%s\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, rows, len(body))
    began = time.process_time()
    assert by_file(file).verdict is Verdict.UNKNOWN
    assert documents.verify(file).state is documents.SealState.ALTERED
    assert time.process_time() - began < 3, "reading all of it takes some twenty seconds"


def test_later_version_is_told_only_where_the_city_itself_may_know_of_it(issued: tuple[Application, bytes]) -> None:
    application, file = issued
    first = record(application)
    second = type(first)(
        application_id=application.id,
        kind=first.kind,
        language="en",
        event_seq=first.event_seq + 1,
        template_sha256=first.template_sha256,
        facts={**first.facts, "months": 3},
        facts_sha256="c" * 64,
    )
    digest = first.facts_sha256
    with transaction():
        db.session.add(second)
    assert by_code(digest).verdict is Verdict.VALID  # it is not printed yet
    assert by_code("c" * 64).verdict is Verdict.UNKNOWN
    with transaction():
        second = db.session.merge(second)
        second.rendered_at, second.sha256, second.size = clock.now(), "d" * 64, 1
    assert by_code(digest).verdict is by_file(file).verdict is Verdict.REPLACED
    with transaction():  # the committee talks about it again, which its city is not shown
        db.session.get_one(Application, application.id).state = "talk"
    assert by_code(digest).verdict is by_file(file).verdict is Verdict.VALID


def test_seal_of_a_certificate_that_is_over_is_told_so(issued: tuple[Application, bytes]) -> None:
    _application, file = issued
    with clock.shifted(timedelta(days=365 * 30)):
        assert by_file(file).verdict is Verdict.EXPIRED


def test_the_page_is_asked_only_so_often(app: Flask, settings: Settings) -> None:
    client = create_app(replace(settings, rate_limits=True)).test_client()
    answers = [client.get("/verify/" + "0" * 32).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
