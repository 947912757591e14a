"""The events of a history add up to every row that goes back to them; a row that says otherwise is found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import storage
from fundflow.applications.models import File, SentAnswers
from fundflow.awards.models import Document
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle import audit, registry
from fundflow.lifecycle.models import Application, Child, Event, Signature, TaskResult
from fundflow.lifecycle.record import Link
from tests import factories as make
from tests.ledger.tampering import unguarded
from tests.lifecycle.estate import Estate, papers_given
from tests.lifecycle.toys import a_toy

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def estate(app: Flask) -> Iterator[Estate]:
    """Tasks done, taken back and done again; reopened, signed, tranches made, one of them paid."""
    before = papers_given()
    estate = Estate()
    estate.checked()
    estate.task("bank", None, estate.manager)
    estate.task("bank", "done", estate.finance)
    estate.press("agree", estate.manager)
    estate.sign("city", estate.mayor)
    estate.press("reopen", estate.manager, reason="The risk has changed.")
    for name, value in (("papers", "done"), ("bank", "done"), ("risk", "low")):
        estate.task(name, value, estate.manager)
    estate.press("agree", estate.manager)
    estate.sign("city", estate.mayor)
    estate.sign("fund", estate.director)
    estate.press("tranche.request", estate.focal, of="1")
    estate.pay("1")
    db.session.rollback()
    yield estate
    registry.papers[:] = before


def breaks(**more: Any) -> str:
    return " ".join(str(found) for found in audit.verify(**more).breaks)


def change(statement: Any) -> None:
    with transaction():
        db.session.execute(statement.execution_options(synchronize_session=False))


def put(model: Any, where: sa.ColumnElement[bool], **values: Any) -> Any:
    return sa.update(model).where(where).values(**values)


def test_a_history_with_everything_in_it_adds_up(estate: Estate) -> None:
    report = audit.verify()
    assert report.is_whole, report.breaks
    estate.press("end", estate.director, reason="The city gave up.")
    assert audit.verify().is_whole, breaks()


def test_rows_that_say_otherwise_than_the_events_are_found(estate: Estate) -> None:
    someone, later = make.a_person().id, datetime.now(UTC) + timedelta(days=1)
    changes: list[tuple[Any, str]] = [
        (put(Child, Child.key == "2", state="paid"), "tranche 2 stands in “paid”, but the events left"),
        (put(Child, Child.key == "1", state="planned"), "tranche 1 stands in “planned”"),
        (sa.delete(Child).where(Child.key == "2"), "tranche 2 stands in “None”"),
        (put(Child, Child.key == "2", key="3"), "tranche 3 stands in “planned”"),
        (put(TaskResult, TaskResult.task == "risk", value="high"), "the task risk is kept otherwise"),
        (put(TaskResult, TaskResult.task == "bank", done_by=someone), "the task bank is kept otherwise"),
        (put(TaskResult, TaskResult.task == "bank", task="more"), "the task more is kept, but no event"),
        (sa.delete(TaskResult).where(TaskResult.task == "papers"), "the task papers is not kept any more"),
        (put(Signature, Signature.party == "fund", sha256="0" * 64), "the signature of fund is kept"),
        (put(Signature, Signature.party == "fund", signed_by=someone), "the signature of fund is kept"),
        (sa.delete(Signature).where(Signature.party == "city"), "the signature of city is not kept any more"),
        (put(Application, sa.true(), officer_id=someone), "is in charge of it, but its events name None"),
        (put(Application, sa.true(), submitted_at=later), "it was sent on"),
        (put(Application, sa.true(), state_since=later), "it stands there since"),
        (put(Application, sa.true(), last_event_at=later), "its last event is said to be of"),
        (put(Application, sa.true(), number="XX-1"), "it was started as"),
        (put(LedgerEntry, LedgerEntry.kind == "payment", minor=1), "the ledger moved 1 minor units by"),
        (sa.delete(LedgerEntry).where(LedgerEntry.kind == "commitment"), "the ledger moved 0 minor units by"),
    ]
    kept = {
        model: [row._asdict() for row in db.session.execute(sa.select(*model.__table__.c))]
        for model in (Child, TaskResult, Signature, LedgerEntry)
    }
    (before,) = [row._asdict() for row in db.session.execute(sa.select(*Application.__table__.c))]
    db.session.rollback()
    with unguarded():
        for statement, says in changes:
            change(statement)
            assert says in breaks(), says
            with transaction():
                for model, rows in kept.items():
                    db.session.execute(sa.delete(model))
                    db.session.execute(sa.insert(model), rows)
                db.session.execute(sa.update(Application).values(before))
    assert audit.verify().is_whole


def test_sent_answers_and_files_are_those_that_the_events_tell_of(app: Flask) -> None:
    application = make.an_application(state="approved")
    worker.drain()
    db.session.rollback()
    assert audit.verify().is_whole, breaks()
    answers = db.session.scalars(sa.select(SentAnswers)).one()
    data, sha256 = answers.data, answers.sha256
    change(sa.update(SentAnswers).values(data=data | {"title": "Another"}))
    assert "the answers of “proposal” sent with event 2 were altered afterwards" in breaks()
    change(sa.update(SentAnswers).values(data=data, sha256="0" * 64))
    assert "the answers of “proposal” kept for event 2 are not those it tells of" in breaks()
    change(sa.update(SentAnswers).values(sha256=sha256, event_seq=3))
    assert "the answers of “proposal” that were sent with event 2 are not kept" in breaks()
    change(sa.update(SentAnswers).values(event_seq=2))
    facts = db.session.scalars(sa.select(Document.facts).limit(1)).one()
    change(sa.update(Document).values(facts=facts | {"amount": "more"}))
    assert "had its facts altered afterwards" in breaks()
    change(sa.update(Document).values(facts_sha256="0" * 64))
    assert "has other facts than the event tells of" in breaks()
    assert application.number in breaks()


def test_a_stored_file_that_is_lost_is_found_when_files_are_asked_for(app: Flask) -> None:
    application = make.an_application()
    kept = storage.put(b"a letter")
    with transaction():
        db.session.add(
            File(
                application_id=application.id,
                form="proposal",
                field="letter",
                name="letter.pdf",
                media_type="application/pdf",
                size=kept.size,
                sha256=kept.sha256,
                uploaded_by=application.created_by,
            )
        )
    assert audit.verify(files=True).is_whole
    change(sa.update(File).values(sha256="0" * 64))
    assert audit.verify().is_whole
    assert "the file “letter.pdf” is lost" in breaks(files=True)


def test_fifteen_hundred_events_are_checked_in_well_under_a_second(app: Flask) -> None:
    """Measured 0.2 s on two shared cores; the bound leaves room for a busy machine."""
    application = a_toy(state="sent")
    with transaction():
        last = db.session.execute(sa.select(*Event.__table__.c).order_by(Event.seq.desc()).limit(1)).one()
        prev, at, rows = last.hash, last.at, []
        for seq in range(3, 1503):
            at += timedelta(seconds=1)
            link = Link.of(
                application_id=application.id,
                seq=seq,
                at=at,
                actor_id=application.created_by,
                transition="note",
                from_state="sent",
                to_state="sent",
                outcome=None,
                definition_sha=application.definition_sha,
                reason="Because.",
                body={"key": str(uuid4()), "decision": [{"kind": "if", "holds": True, "values": {"n": seq}}] * 5},
            )
            columns = {
                name: getattr(link, name) for name in (each.name for each in Event.__table__.c) if hasattr(link, name)
            }
            rows.append({**columns, "prev": prev, "hash": (prev := link.hash(prev))})
        db.session.execute(sa.insert(Event), rows)
        moved = {"revision": 1502, "head": prev, "last_event_at": at}
        db.session.execute(sa.update(Application).values(moved))
    begun = time.process_time()
    report = audit.verify()
    taken = time.process_time() - begun
    assert report.is_whole and report.events == 1502
    assert taken < 0.9
