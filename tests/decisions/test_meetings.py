"""A decision meeting from its table to the letters in the cities' hands, and all that must not happen on the way."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pypdf
import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock, storage
from fundflow.accounts.models import GroupMember
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.decisions import execution, releasing
from fundflow.decisions.models import Meeting
from fundflow.decisions.refusals import (
    MeetingFixed,
    NotPrepared,
    OverBudget,
    SamePerson,
    TooLateToUndo,
)
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Event
from tests import factories as make
from tests import processes
from tests.decisions.several import Table
from tests.lifecycle.test_races import at_once

WAITS = ["decision"] * 3
DONE = ["due_diligence", "reserve", "appeal_window"]


def kept() -> tuple[int, int, int]:
    """How many events, documents and jobs there are."""
    db.session.rollback()
    return tuple(
        db.session.scalar(sa.select(sa.func.count()).select_from(each)) or 0 for each in (Event, Document, Job)
    )  # type: ignore[return-value]


def test_from_the_table_to_the_letters(app: Flask) -> None:
    table = Table(minutes="We met.")
    assert [line.rank for line in table.table().lines] == [1, 2, 3]
    table.recommend(table.first, "award", answers={"conditions": "Name the accountant <b>now</b>."})
    table.recommend(table.second, "place_on_reserve", place=1)
    table.recommend(table.third, "not_select", reason="The plan is <i>too vague</i>.")
    before = kept()
    told = [table.read(grant) for grant in table.grants]
    assert kept() == before, "reading letters keeps nothing"
    assert {paper.kind for paper in told[0].papers} == {"award_letter", "statement_of_reasons"}
    assert "Name the accountant &lt;b&gt;now&lt;/b&gt;." in told[0].papers[0].html()
    assert told[0].by == "Noor Haddad", "in the name of who may decide, not of who looks"
    subjects = {message.subject for message in told[2].messages}
    assert subjects == {f"The fund’s decision on your proposal {table.third.application.number}"}
    answers = table.line(table.first).answers
    assert (answers["recommendation"], answers["met_on"]) == ("conditions", table.first.today.isoformat())
    table.propose()
    table.release()
    assert table.states() == WAITS
    worker.drain()
    assert table.states() == WAITS, "the undo window runs"
    with clock.shifted(timedelta(minutes=31)):
        worker.drain()
        meeting = table.meeting()
        assert (meeting.status, meeting.proposed_by, meeting.released_by) == ("done", table.chair.id, table.director.id)
    assert table.states() == DONE
    db.session.rollback()
    for grant in table.grants:
        assert audit.verify(grant.application.id).is_whole
        event = db.session.scalars(
            sa.select(Event).where(Event.application_id == grant.application.id).order_by(Event.seq.desc())
        ).first()
        assert event is not None and event.actor_id == table.director.id
    letter = db.session.scalars(
        sa.select(Document).where(
            Document.application_id == table.third.application.id,
            Document.kind == "rejection_letter",
            Document.language == "en",
        )
    ).one()
    assert letter.sha256 is not None
    text = " ".join(pypdf.PdfReader(BytesIO(storage.get(letter.sha256))).pages[0].extract_text().split())
    assert "The plan is <i>too vague</i>." in text


def test_who_proposed_cannot_release_in_the_engine_nor_in_the_database(app: Flask) -> None:
    table = Table()
    table.prepare()
    table.propose(table.director)
    with pytest.raises(SamePerson):
        table.release(table.director)
    meeting = table.meeting()
    with pytest.raises(sa.exc.IntegrityError), transaction():
        db.session.execute(
            sa.update(Meeting)
            .where(Meeting.id == meeting.id)
            .values(released_by=table.director.id, released_at=clock.now(), undo_until=clock.now(), due_at=clock.now())
        )


def test_nothing_is_released_unread_over_budget_or_changed_after_it_was_read(app: Flask) -> None:
    table = Table()
    table.recommend(table.first, "award")
    table.recommend(table.second, "award")
    table.recommend(table.third, "not_select", reason="Too vague.")
    with pytest.raises(NotPrepared, match="letters"):
        table.propose()
    # Left is 1,000,000: one asks for 420,000 as the other does; ask the ledger for one cent more than it has.
    make_available(table, 840_000_00 - 1)
    for grant in table.grants:
        table.read(grant) if grant is not table.second else None
    assert table.table().left.minor == -1
    table.read(table.second)
    with pytest.raises(OverBudget, match=r"0\.01"):
        table.propose()
    table.recommend(table.second, "award", answers={"awarded": {"minor": 41_999_999, "currency": "USD"}})
    with pytest.raises(NotPrepared, match="letters"):
        table.propose()
    table.read(table.second)
    table.propose()
    with pytest.raises(MeetingFixed):
        table.recommend(table.second, "award")
    table.release()
    carried_out(table)
    assert table.states() == ["due_diligence", "due_diligence", "appeal_window"]


def carried_out(table: Table) -> None:
    """What the job does when its moment has come, without the printing that follows."""
    with clock.shifted(timedelta(days=5)):
        execution.carry_out({"meeting_id": str(table.id), "attempt": table.meeting().attempt})
    db.session.rollback()


def make_available(table: Table, minor: int) -> None:
    """Leave this much in the round, by lowering what is still to give before anything is taken."""
    from fundflow.ledger import service as ledger

    left = table.table().available.minor
    focal = make.a_person()
    taken = make.started(table.first.round, make.a_city("Elsewhere", focal_point=focal), focal)
    with transaction():
        ledger.reserve(taken, type(table.table().available)(left - minor, "USD"), 1)


def test_a_release_is_taken_back_until_it_is_carried_out_and_waits_for_its_embargo(app: Flask) -> None:
    embargo = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    table = Table(embargo=embargo)
    table.prepare()
    table.propose()
    table.release()
    with clock.shifted(timedelta(days=2)):
        worker.drain()
        assert table.states() == WAITS
        with transaction():
            releasing.take_back(table.id, actor=make.acting(table.chair))
    table.propose()
    table.release()
    with clock.shifted(timedelta(days=5)), pytest.raises(TooLateToUndo), transaction():
        releasing.take_back(table.id, actor=make.acting(table.chair))
    carried_out(table)
    assert table.states() == DONE


def test_what_changed_meanwhile_is_refused_in_words_and_the_rest_is_done(app: Flask) -> None:
    table = Table()
    table.prepare()
    table.propose()
    table.release()
    make.press(table.second.application, "withdraw", table.second.focal)
    carried_out(table)
    meeting = table.meeting()
    assert table.states() == ["due_diligence", "decision", "appeal_window"]
    assert (meeting.status, meeting.attempt) == ("open", 2), "what was refused can be mended"
    assert "changed after the letters were read" in (table.line(table.second).item.refusal or "")


def test_whoever_released_it_and_left_since_decides_nothing(app: Flask) -> None:
    table = Table()
    table.prepare()
    table.propose()
    table.release()
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == table.director.id))
    carried_out(table)
    assert (table.states(), table.meeting().status) == (WAITS, "open")
    assert not any(
        "conflict of interest" in (line.item.refusal or "conflict of interest") for line in table.table().lines
    )


def test_a_worker_that_is_killed_in_between_repeats_nothing_and_loses_nothing(app: Flask, settings: Settings) -> None:
    table = Table()
    table.prepare()
    table.propose()
    table.release()
    db.session.rollback()
    process = processes.start(
        settings,
        f"""
        from datetime import timedelta
        from fundflow import clock
        from fundflow.decisions import execution
        real, done = execution._decide, []
        def dying(*given):
            if done:
                ready()
                time.sleep(60)
            done.append(given)
            real(*given)
        execution._decide = dying
        with clock.shifted(timedelta(days=5)):
            execution.carry_out({{"meeting_id": {str(table.id)!r}, "attempt": 1}})
        """,
    )
    processes.kill_when_ready(process)
    assert table.states() == ["due_diligence", "decision", "decision"]
    assert table.meeting().status == "running"
    carried_out(table)
    carried_out(table)
    assert table.states() == DONE
    assert len(db.session.scalars(sa.select(Event).where(Event.transition == "award")).all()) == 1


def test_of_two_who_release_at_the_same_moment_one_does(app: Flask) -> None:
    table = Table()
    table.prepare()
    table.propose()
    others = [make.acting(make.a_person(f"Director {n}", groups=["directors"])) for n in (1, 2)]

    def releases(actor: Actor) -> Meeting:
        with transaction():
            return releasing.release(table.id, attempt=1, actor=actor)

    results = at_once(app, [lambda actor=actor: releases(actor) for actor in others])  # type: ignore[misc]
    assert sorted(type(each).__name__ for each in results) == ["AlreadyReleased", "Meeting"]
    assert len(db.session.scalars(sa.select(Job).where(Job.kind == releasing.JOB)).all()) == 1
