"""Carrying out what was released: each decision by itself, in the name of whoever released it, with its own result.

A decision and its result are kept together, so a worker that dies in between repeats nothing and loses nothing. Refuses
an item whose application or letters are others than those that were read.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_babel import force_locale

from fundflow import clock, jobs
from fundflow.accounts import queries as accounts
from fundflow.db import db, transaction
from fundflow.decisions import agenda, queries
from fundflow.decisions.models import Meeting, MeetingItem
from fundflow.decisions.refusals import CannotRelease, ChangedAfterPreview, StaysOut
from fundflow.decisions.releasing import JOB, reopen
from fundflow.decisions.service import note
from fundflow.decisions.words import lack
from fundflow.errors import Refused, Stale
from fundflow.lifecycle import commands
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.queries import locked
from fundflow.web.refusals import sentences


@jobs.handler(JOB)
def carry_out(payload: dict[str, Any]) -> None:
    """Let everything happen that was released under this attempt; what was taken back meanwhile does not."""
    meeting_id, attempt = UUID(payload["meeting_id"]), int(payload["attempt"])
    if not _take(meeting_id, attempt):
        return
    meeting = db.session.get_one(Meeting, meeting_id)
    assert meeting.released_by is not None  # noqa: S101 - a constraint of the table
    actor = accounts.actor_for(meeting.released_by)
    table = agenda.agenda_of(meeting, actor)
    # In the order of the scores: where something is refused after all, the better ones had the money first.
    waiting = [line.item.id for line in table.waiting if line.item.attempt != attempt]
    db.session.rollback()
    for item_id in waiting:
        _decide(meeting_id, item_id, attempt, actor)
    _finish(meeting_id, attempt)


def _take(meeting_id: UUID, attempt: int) -> bool:
    """Mark that it begins, unless it was taken back; from here on nobody can."""
    with transaction():
        meeting = queries.held(meeting_id)
        if meeting.attempt != attempt or meeting.released_by is None or meeting.done_at is not None:
            return False
        meeting.began_at = meeting.began_at or clock.now()
    return True


def _decide(meeting_id: UUID, item_id: UUID, attempt: int, actor: Actor) -> None:
    try:
        with transaction():
            meeting = db.session.get_one(Meeting, meeting_id)
            # What was read is compared under the lock that the chair's form takes too: it cannot change in between.
            locked(queries.item_of(meeting, item_id).application_id)
            line = agenda.agenda_of(meeting, actor).line(item_id)
            if line is None or line.item.is_done or line.item.transition is None:
                return
            item = line.item
            if line.is_hidden and actor.id in line.stays_out:
                raise StaysOut(who=line.application.number, number=line.application.number)
            if line.is_hidden:
                # Whoever released it has left the fund, or this round, since.
                with force_locale(actor.language):
                    raise CannotRelease(number=line.application.number, what=lack("role"))
            if line.item.previewed != agenda.digest_of(meeting, line):
                raise ChangedAfterPreview()
            fired = commands.fire(
                line.application.id,
                line.item.transition,
                actor=actor,
                key=f"meeting:{item_id}:{attempt}",
                revision=line.item.seen_revision,
                reason=line.item.reason or None,
            )
            _answer(item.id, attempt, event_seq=fired.event_seq, refusal=None)
    except Refused as refusal:
        # Whatever it is called where it arose: to the reader it is that the case is another one by now.
        said = ChangedAfterPreview() if isinstance(refusal, Stale) else refusal
        with force_locale(actor.language):
            told = " ".join(sentences(said))
        with transaction():
            _answer(item_id, attempt, event_seq=None, refusal=told)


def _answer(item_id: UUID, attempt: int, *, event_seq: int | None, refusal: str | None) -> None:
    db.session.execute(
        sa.update(MeetingItem)
        .where(MeetingItem.id == item_id, MeetingItem.event_seq.is_(None))
        .values(attempt=attempt, event_seq=event_seq, refusal=refusal, answered_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _finish(meeting_id: UUID, attempt: int) -> None:
    """Close the meeting, or open it again for what was refused."""
    with transaction():
        meeting = queries.held(meeting_id)
        if meeting.attempt != attempt or meeting.done_at is not None:
            return
        items = queries.items_of(meeting)
        done = [each for each in items if each.is_done and each.attempt == attempt]
        note(meeting, "carried_out", None, len(done))
        if all(each.is_done for each in items):
            meeting.done_at = clock.now()
        else:
            reopen(meeting)
