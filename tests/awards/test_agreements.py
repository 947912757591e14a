"""From a decision to an agreement in hand: what is kept when, who may read it, and what a failing machine costs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from fundflow import clock, documents, storage
from fundflow.accounts.models import City
from fundflow.awards import queries, service
from fundflow.awards.models import Document
from fundflow.config import ROOT, Settings
from fundflow.db import db, transaction
from fundflow.documents import MissingFact
from fundflow.errors import NotFound
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.ledger import queries as payments
from fundflow.lifecycle import audit, definitions
from fundflow.lifecycle import queries as lifecycle
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests import people, sealing


@pytest.fixture(scope="module", autouse=True)
def _press_ends():  # type: ignore[no-untyped-def]
    yield
    documents.press.close()


def rows_of(application: Application) -> dict[str, Document]:
    """The documents by language, as the database has them now."""
    db.session.rollback()
    query = sa.select(Document).where(Document.application_id == application.id)
    found = db.session.scalars(query, execution_options={"populate_existing": True}).all()
    db.session.rollback()
    return {document.language: document for document in found}


def render_jobs() -> list[Job]:
    db.session.rollback()
    query = sa.select(Job).where(Job.kind == "document.render").order_by(Job.key)
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


def render_now() -> None:
    """Let every rendering job be due, and do what is due."""
    with transaction():
        due = {"run_at": clock.now() - timedelta(minutes=1), "lease_until": None, "leased_by": None}
        db.session.execute(sa.update(Job).where(Job.done_at.is_(None)).values(**due))
    worker.drain()


def test_decision_keeps_the_facts_and_their_digests_before_anything_is_printed(app: Flask) -> None:
    application = make.an_application(state="approved", requested=12_345)
    found = rows_of(application)
    assert set(found) == {"en", "fr"}
    event = lifecycle.history(application.id)[-1]
    [effect] = [each for each in event.body["effects"] if each["kind"] == "document"]
    texts = definitions.templates_of(application.definition_sha)
    assert effect["template_sha256"] == documents.template_sha256(texts)
    assert effect["facts_sha256"] == {lang: documents.digest(row.facts) for lang, row in found.items()}
    english = found["en"]
    assert not english.is_ready
    assert english.facts["amount"] == {"minor": 1_234_500, "currency": "EUR"}
    assert english.facts["fund"]["signatory"]
    assert english.facts["budget"]["total"] == english.facts["amount"]
    assert [each["count"] for each in english.facts["reports"]] == [12]
    assert found["fr"].facts["reports"][0]["name"] == "Rapport"
    assert {each["label"] for each in english.facts["tables"]} == {"Main activities"}
    assert [job.done_at for job in render_jobs()] == [None, None]


def test_job_prints_keeps_and_marks_and_the_next_event_carries_the_digest(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="approved", cast=cast)
    worker.drain()
    for row in rows_of(application).values():
        assert row.is_ready
        content = storage.get(row.sha256 or "")
        assert (len(content), hashlib.sha256(content).hexdigest()) == (row.size, row.sha256)
        text = re.sub(r"\s+", " ", " ".join(each.extract_text() for each in PdfReader(io.BytesIO(content)).pages))
        assert application.number in text
        assert row.facts_sha256[:16] in text
        assert row.told_seq is None
        assert service.is_sound(row, application)
    french = rows_of(application)["fr"]
    pinned = definitions.templates_of(application.definition_sha)
    again = documents.render("grant_agreement", french.facts, "fr", pinned, to_be_sealed=True)
    assert hashlib.sha256(again).hexdigest() == french.printed_sha256, "the facts no longer give the same bytes"
    sealed = storage.get(french.sha256 or "")
    assert sealed.startswith(again)
    report = documents.verify(sealed)
    assert report.is_valid and report.certificate
    assert (report.sealed_at, report.certificate.sha256) == (french.sealed_at, french.seal_sha256)
    payloads = [dict(job.payload) for job in render_jobs()]
    db.session.rollback()
    for payload in payloads:
        service.render(payload)
        db.session.commit()
    assert rows_of(application)["fr"].rendered_at == french.rendered_at, "printed twice"
    make.pay(application, cast.finance, 10_000)
    event = lifecycle.history(application.id)[-1]
    told = [each for note in event.body["notes"] for each in note.get("documents", [])]
    found = rows_of(application)
    assert {(each["language"], each["sha256"]) for each in told} == {(x, d.sha256) for x, d in found.items()}
    assert {row.told_seq for row in found.values()} == {event.seq}
    assert audit.verify(application.id).is_whole


def test_hole_in_the_facts_stops_the_decision_and_nothing_of_it_is_kept(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="scored", cast=cast)
    with transaction():
        db.session.execute(sa.update(City).where(City.id == application.city_id).values(kind="village"))
    with pytest.raises(MissingFact) as refused:
        make.press(application, "approve", cast.manager)
    assert str(refused.value).startswith("The grant agreement cannot be prepared yet")
    db.session.rollback()
    assert db.session.get_one(Application, application.id, populate_existing=True).state == "review"
    assert rows_of(application) == {}
    assert render_jobs() == []
    assert payments.balance(application.round_id).committed.minor == 0


def test_demo_city_is_said_to_be_invented(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="scored", cast=cast)
    with transaction():
        db.session.execute(sa.update(City).where(City.id == application.city_id).values(is_demo=True))
    make.press(application, "approve", cast.manager)
    row = rows_of(application)["en"]
    assert "This is a demonstration" in documents.html("grant_agreement", row.facts, "en")


def test_markup_in_a_title_stays_text(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="complete", cast=cast)
    make.fill(application, "proposal", cast.applicant, requested=10_000, title="<script>alert(1)</script> & co")
    make.press(application, "submit", cast.applicant)
    make.scored(application, cast)
    make.press(application, "approve", cast.manager)
    row = rows_of(application)["en"]
    page = documents.html("grant_agreement", row.facts, "en")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page
    assert "<script" not in page


def test_documents_are_read_by_the_team_and_by_those_who_see_the_money(app: Flask, client: FlaskClient) -> None:
    cast = make.a_cast()
    round_ = make.a_round()
    application = make.an_application(round_, state="approved", cast=cast)
    document = rows_of(application)["en"]
    auditor, stranger = make.a_person(groups=[make.AUDITORS]), make.a_person()
    elsewhere = make.a_person(groups=[(make.MANAGERS, make.a_round())])
    here = make.a_person(groups=[(make.FINANCE, round_)])
    neighbour = make.a_city().created_by
    people_and_status = [
        (cast.applicant, 202),
        (cast.manager, 202),
        (cast.finance, 202),
        (here, 202),
        (auditor, 202),
        (cast.reviewers[0], 404),
        (elsewhere, 404),
        (stranger, 404),
        (db.session.get_one(type(stranger), neighbour), 404),
    ]
    for person, status in people_and_status:
        actor = make.acting(person)
        assert bool(queries.documents_of(actor, application)) == (status == 202), person.name
        if status == 404:
            with pytest.raises(NotFound):
                queries.document_for(actor, document.id)
        people.sign_in(client, person)
        assert client.get(f"/documents/{document.id}").status_code == status, person.name
    people.sign_out(client)
    assert client.get(f"/documents/{document.id}").status_code in (302, 303, 401)
    people.sign_in(client, cast.manager)
    assert client.get(f"/documents/{UUID(int=1)}").status_code == 404


def test_download_says_it_is_being_prepared_and_then_hands_out_the_file_with_its_tag(
    app: Flask, client: FlaskClient
) -> None:
    cast = make.a_cast()
    application = make.an_application(state="approved", cast=cast)
    address = f"/documents/{rows_of(application)['en'].id}"
    people.sign_in(client, cast.applicant)
    waiting = client.get(address)
    assert waiting.status_code == 202
    assert "being prepared" in waiting.text
    worker.drain()
    given = client.get(address)
    row = rows_of(application)["en"]
    assert given.status_code == 200
    assert given.data == storage.get(row.sha256 or "")
    assert given.mimetype == "application/pdf"
    assert given.headers["Content-Disposition"] == f'attachment; filename="{application.number}-agreement-en.pdf"'
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert given.headers["Cache-Control"] == "private, no-cache"
    assert "sandbox" in given.headers["Content-Security-Policy"]
    assert given.headers["ETag"] == f'"{row.sha256}"'
    again = client.get(address, headers={"If-None-Match": given.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_place_that_cannot_be_written_to_costs_an_attempt_and_the_document_comes_later(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    blocked = settings.instance / "files"
    moved = settings.instance / "files.aside"
    application = make.an_application(state="approved")
    if blocked.exists():
        blocked.rename(moved)
    blocked.write_text("a file where the folder should be")
    worker.drain()
    assert [(job.attempts, job.done_at, job.dead_at) for job in render_jobs()] == [(1, None, None)] * 2
    assert not any(row.is_ready for row in rows_of(application).values())
    blocked.unlink()
    render_now()
    assert all(row.is_ready for row in rows_of(application).values())
    assert len([path for path in blocked.rglob("*") if path.is_file()]) == 2


def test_document_waits_for_a_usable_seal_and_is_never_handed_out_without(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    cast = make.a_cast()
    application = make.an_application(state="approved", cast=cast)
    settings: Settings = app.extensions["settings"]
    old = sealing.pem_at(tmp_path / "old.pem", sealing.issued("Fund", days=(-9, -1)))
    app.extensions["settings"] = replace(settings, seal=str(old))
    for _ in range(2):
        render_now()
    for job in render_jobs():
        assert (job.attempts, job.done_at, job.dead_at) == (1, None, None)
        assert "expired on" in (job.last_error or "")
    assert not any(row.is_ready for row in rows_of(application).values())
    assert [path for path in (settings.instance / "files").rglob("*") if path.is_file()] == []
    people.sign_in(client, cast.applicant)
    assert client.get(f"/documents/{rows_of(application)['en'].id}").status_code == 202
    app.extensions["settings"] = replace(
        settings, seal=str(sealing.pem_at(tmp_path / "new.pem", sealing.issued("Fund")))
    )
    render_now()
    assert all(documents.verify(storage.get(row.sha256 or "")).is_valid for row in rows_of(application).values())


def test_two_workers_print_and_seal_a_document_once(app: Flask) -> None:
    application = make.an_application(state="approved")
    with transaction():
        db.session.execute(sa.delete(Job).where(Job.kind == "mail.send"))

    def work() -> None:
        with app.app_context():
            worker.drain()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(job.attempts, job.done_at is not None) for job in render_jobs()] == [(1, True)] * 2
    assert len([path for path in (Path(app.instance_path) / "files").rglob("*") if path.is_file()]) == 2
    assert all(service.is_sound(row, application) for row in rows_of(application).values())


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for(condition, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)


def test_worker_killed_while_printing_is_followed_by_another_and_nothing_is_doubled(app: Flask) -> None:
    application = make.an_application(state="approved")
    with transaction():
        db.session.execute(sa.delete(Job).where(Job.kind == "mail.send"))
    source = (
        "import threading\nfrom datetime import timedelta\nfrom pathlib import Path\n"
        "from fundflow.app import create_app\nfrom fundflow.config import Settings\nfrom fundflow.jobs import worker\n"
        "if __name__ == '__main__':\n"
        f"    app = create_app({make.processes_settings(app.extensions['settings'])})\n"
        "    worker.run(threading.Event(), app, lease=timedelta(seconds=2))\n"
    )
    script = Path(app.instance_path) / "doomed_worker.py"
    script.write_text(source)
    doomed = subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: len(children_of(doomed.pid)) >= 1)
        printing = children_of(doomed.pid)
        assert any(job.leased_by for job in render_jobs())
    finally:
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.wait()
    wait_for(lambda: not any(is_running(pid) for pid in printing))
    assert not any(row.is_ready for row in rows_of(application).values())
    time.sleep(2.2)
    worker.drain()
    assert all(row.is_ready for row in rows_of(application).values())
    assert [job.done_at is not None for job in render_jobs()] == [True, True]
    files = [path for path in (Path(app.instance_path) / "files").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert timedelta(0) < clock.now() - render_jobs()[0].created_at


def test_list_of_documents_is_one_query(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="approved", cast=cast)
    actor = make.acting(cast.manager)
    db.session.refresh(application)
    counted: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    found = queries.documents_of(actor, application)
    assert [document.language for document in found] == ["en", "fr"]
    assert len([each for each in counted if each.startswith("SELECT")]) == 1
