"""Preparing a meeting: beginning it, its minutes, and what is recommended for each application.

What the chair writes goes into the workflow's own form, through the door of that form; nothing here moves an
application. Refuses changes once the meeting is proposed, by whoever stays out of a case, and over what somebody else
saved meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.applications import service as applications
from fundflow.db import db
from fundflow.decisions import agenda, policy, queries, ways
from fundflow.decisions.models import Meeting, MeetingAct, MeetingItem
from fundflow.decisions.refusals import (
    ItemChanged,
    ItemDone,
    LettersChanged,
    MeetingChanged,
    MeetingFixed,
    NotAWay,
    NothingToDecide,
    NoTitle,
    NotYours,
    StaysOut,
)
from fundflow.errors import Forbidden, NotFound
from fundflow.lifecycle import inputs
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.queries import locked
from fundflow.rounds import wall
from fundflow.rounds.models import Round


@dataclass(frozen=True, slots=True)
class About:
    """What the meeting itself says. `embargo` is a wall time in the round's zone, or empty."""

    title: str
    day: date
    minutes: str = ""
    attended: Sequence[UUID] = ()
    embargo: str = ""


@dataclass(frozen=True, slots=True)
class Recommended:
    """What is recommended for one application, with the answers of the form where there is one."""

    transition: str
    reason: str = ""
    exception: str = ""
    place: int | None = None
    stayed_out: Sequence[UUID] = ()
    answers: Mapping[str, Any] | None = None
    answers_revision: int | None = None


def begin(round_: Round, about: About, *, actor: Actor, key: str) -> Meeting:
    """A meeting with every application of the round that waits for a decision. The same key again gives the same."""
    person = _preparer(actor, round_.id)
    known = db.session.scalar(sa.select(Meeting).where(Meeting.key == key))
    if known is not None:
        return known
    found = queries.undecided(round_.id)
    if not found:
        raise NothingToDecide()
    meeting = Meeting(key=key, round_id=round_.id, zone=round_.zone, created_by=person, title="", day=about.day)
    _describe(meeting, about)
    db.session.add(meeting)
    db.session.flush()
    _take(meeting, found)
    note(meeting, "begun", person, len(found))
    return meeting


def _take(meeting: Meeting, found: Sequence[Any]) -> None:
    db.session.add_all(
        MeetingItem(meeting_id=meeting.id, application_id=each.id, seen_revision=each.revision) for each in found
    )
    db.session.flush()


def _describe(meeting: Meeting, about: About) -> None:
    title = inputs.line(about.title)[:200]
    if not title:
        raise NoTitle()
    meeting.title, meeting.day, meeting.minutes = title, about.day, about.minutes
    meeting.attended = [str(each) for each in about.attended]
    meeting.embargo_wall = wall.wall_of(about.embargo) if about.embargo.strip() else None
    meeting.embargo_at = wall.instant_of(meeting.embargo_wall, meeting.zone) if meeting.embargo_wall else None


def describe(meeting_id: UUID, about: About, *, revision: int, actor: Actor) -> Meeting:
    """Change what the meeting itself says."""
    meeting = opened(meeting_id, actor)
    if meeting.revision != revision:
        raise MeetingChanged()
    _describe(meeting, about)
    meeting.revision += 1
    db.session.flush()
    return meeting


def gather(meeting_id: UUID, *, actor: Actor) -> int:
    """Add what has come to wait for a decision since; how many."""
    meeting = opened(meeting_id, actor)
    found = queries.undecided(meeting.round_id)
    _take(meeting, found)
    meeting.revision += 1
    return len(found)


def leave_out(meeting_id: UUID, item_id: UUID, *, actor: Actor) -> None:
    """Leave an application to another meeting. One that is decided stays."""
    meeting = opened(meeting_id, actor)
    item = queries.item_of(meeting, item_id)
    if item.is_done:
        raise ItemDone(number=_number(meeting, item, actor))
    db.session.delete(item)
    meeting.revision += 1
    db.session.flush()


def recommend(meeting_id: UUID, item_id: UUID, told: Recommended, *, revision: int, actor: Actor) -> MeetingItem:
    """Write down what is recommended for one application, and take note of where the application stands now.

    ItemChanged, or StaleDraft of the form, where a colleague saved meanwhile; nothing is overwritten.
    """
    meeting = opened(meeting_id, actor)
    item = queries.item_of(meeting, item_id)
    application = locked(item.application_id)
    line = line_of(meeting, item, actor)
    number = application.number
    if item.is_done:
        raise ItemDone(number=number)
    if line.is_hidden:
        raise StaysOut(who=number, number=number)
    if not line.may_write:
        raise NotYours(who=number, number=number)
    if item.revision != revision:
        raise ItemChanged(number=number)
    step = next((each for each in ways.ways(line.workflow, application.state) if each.id == told.transition), None)
    if step is None:
        raise NotAWay(number=number)
    if line.form is not None:
        given = dict(told.answers if told.answers is not None else line.answers)
        given |= ways.following(line.form, step, meeting.day, given)
        applications.save(application, line.form.id, given, told.answers_revision, actor)
    item.transition, item.reason, item.exception = step.id, told.reason.strip(), told.exception.strip()
    item.place = told.place if step.meeting == "reserve" else None
    item.stayed_out = [str(each) for each in told.stayed_out]
    item.seen_revision = application.revision
    item.revision += 1
    item.event_seq = item.refusal = item.attempt = item.answered_at = None
    meeting.revision += 1
    db.session.flush()
    return item


def read_letters(meeting_id: UUID, item_id: UUID, digest: str, *, actor: Actor) -> None:
    """Note that the actor read the letters of an item as they are now; LettersChanged where they are others by now."""
    meeting = queries.held(meeting_id)
    person = _preparer(actor, meeting.round_id)
    if meeting.status not in ("open", "proposed"):
        raise MeetingFixed()
    item = queries.item_of(meeting, item_id)
    line = line_of(meeting, item, actor)
    if line.is_hidden or not line.is_readable:
        raise StaysOut(who=line.application.number, number=line.application.number)
    if agenda.digest_of(meeting, line) != digest:
        raise LettersChanged(number=line.application.number)
    item.previewed, item.previewed_by, item.previewed_at = digest, person, clock.now()
    db.session.flush()


def opened(meeting_id: UUID, actor: Actor) -> Meeting:
    """The meeting under its lock while it can be changed; MeetingFixed afterwards."""
    meeting = queries.held(meeting_id)
    _preparer(actor, meeting.round_id)
    if not meeting.is_open:
        raise MeetingFixed()
    return meeting


def line_of(meeting: Meeting, item: MeetingItem, actor: Actor) -> agenda.Line:
    """One line of the whole table, for it depends on the others."""
    found = agenda.agenda_of(meeting, actor).line(item.id)
    if found is None:
        raise NotFound
    return found


def note(meeting: Meeting, what: str, person: UUID | None, count: int | None = None) -> None:
    """Write down what was done with the meeting."""
    db.session.add(
        MeetingAct(
            created_at=clock.now(),
            meeting_id=meeting.id,
            what=what,
            person_id=person,
            attempt=meeting.attempt,
            count=count,
        )
    )


def _preparer(actor: Actor, round_id: UUID) -> UUID:
    if actor.id is None or not policy.may_prepare(actor, round_id):
        raise Forbidden(who="a fund manager")
    return actor.id


def _number(meeting: Meeting, item: MeetingItem, actor: Actor) -> str:
    return line_of(meeting, item, actor).application.number
