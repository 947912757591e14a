"""Proposing a meeting for release, releasing it as a second person, and taking it back while that is possible.

Refuses what is not wholly prepared and previewed, awards above what is left by one cent, a release by whoever proposed
it or stands in for them, and by anybody whom the workflow does not let take one of the decisions.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import current_app

from fundflow import clock, jobs
from fundflow.config import Settings
from fundflow.db import db
from fundflow.decisions import agenda, policy, queries
from fundflow.decisions.agenda import Agenda
from fundflow.decisions.models import Meeting
from fundflow.decisions.refusals import (
    AlreadyProposed,
    AlreadyReleased,
    CannotRelease,
    MeetingChanged,
    NothingPrepared,
    NotOneOfBoth,
    NotPrepared,
    NotProposed,
    NotReleased,
    OnePerson,
    OverBudget,
    PlaceTaken,
    SamePerson,
    StaysOut,
    TooLateToUndo,
)
from fundflow.decisions.service import note
from fundflow.decisions.words import lack
from fundflow.errors import Forbidden
from fundflow.lifecycle import commands, registry
from fundflow.lifecycle.actor import Actor

JOB = "decisions.carry_out"


def propose(meeting_id: UUID, *, revision: int, actor: Actor) -> Meeting:
    """Propose the release. Everything must be prepared, every letter read, and the money suffice."""
    meeting = queries.held(meeting_id)
    person = _person(actor, meeting)
    if meeting.status != "open":
        raise AlreadyProposed()
    if meeting.revision != revision:
        raise MeetingChanged()
    check(agenda.agenda_of(meeting, actor), actor)
    meeting.proposed_by, meeting.proposed_at = person, clock.now()
    note(meeting, "proposed", person)
    db.session.flush()
    return meeting


def release(meeting_id: UUID, *, attempt: int, actor: Actor) -> Meeting:
    """Release it as the second person, and ask for the job that carries it out; nothing happens before that.

    Of two who release at once one does, and the other is refused (AlreadyReleased).
    """
    meeting = queries.held(meeting_id)
    person = _person(actor, meeting)
    if meeting.status in ("released", "running", "done"):
        raise AlreadyReleased()
    if meeting.proposed_by is None:
        raise NotProposed()
    if meeting.attempt != attempt:
        raise MeetingChanged()
    if meeting.proposed_by == person:
        raise SamePerson()
    if registry.are_one(meeting.proposed_by, person):
        raise OnePerson()
    table = agenda.agenda_of(meeting, actor)
    check(table, actor)
    for line in table.waiting:
        _may_decide(line, actor)
    now = clock.now()
    settings: Settings = current_app.extensions["settings"]
    undo_until = now + timedelta(minutes=settings.undo_minutes)
    meeting.released_by, meeting.released_at, meeting.undo_until = person, now, undo_until
    meeting.due_at = max(undo_until, meeting.embargo_at or undo_until)
    note(meeting, "released", person, len(table.waiting))
    db.session.flush()
    payload = {"meeting_id": str(meeting.id), "attempt": meeting.attempt}
    jobs.enqueue(JOB, payload, f"{JOB}:{meeting.id}:{meeting.attempt}", run_at=meeting.due_at)
    return meeting


def take_back(meeting_id: UUID, *, actor: Actor) -> Meeting:
    """Open it again: while it is only proposed, anybody who prepares it; once released, either of the two people."""
    meeting = queries.held(meeting_id)
    person = _person(actor, meeting)
    if meeting.proposed_by is None or meeting.status == "done":
        raise NotReleased()
    if meeting.released_by is not None:
        if person not in (meeting.proposed_by, meeting.released_by):
            raise NotOneOfBoth(who="")
        if meeting.began_at is not None or meeting.due_at is None or clock.now() >= meeting.due_at:
            raise TooLateToUndo(due=meeting.due_at)
    what = "taken_back" if meeting.released_by is None else "undone"
    note(meeting, what, person)
    reopen(meeting)
    db.session.flush()
    return meeting


def reopen(meeting: Meeting) -> None:
    """Let it be changed, proposed and released anew. A job of the attempt before finds nothing to do."""
    meeting.proposed_by = meeting.proposed_at = None
    meeting.released_by = meeting.released_at = meeting.undo_until = meeting.due_at = meeting.began_at = None
    meeting.attempt += 1
    meeting.revision += 1


def check(table: Agenda, actor: Actor) -> None:
    """Refuse what is not wholly prepared, or costs more than there is."""
    if not table.waiting:
        raise NothingPrepared()
    for line in table.waiting:
        missing = table.lacks(line)
        if missing:
            raise NotPrepared(number=line.application.number, what=lack(missing[0]))
    places = [line.item.place for line in table.waiting if line.kind == "reserve"]
    for place in places:
        if places.count(place) > 1:
            raise PlaceTaken(place=place)
    if table.left.minor < 0:
        raise OverBudget(awarded=table.awarded, available=table.available, over=table.awarded - table.available)


def _may_decide(line: agenda.Line, actor: Actor) -> None:
    """The workflow lets this person take the decision now, with all its conditions."""
    number = line.application.number
    if line.is_hidden:
        raise StaysOut(who=number, number=number)
    decision = next(
        (each for each in commands.available(line.application, actor) if each.transition == line.item.transition), None
    )
    if decision is None:
        raise CannotRelease(number=number, what=lack("role"))
    if not decision.allowed:
        raise CannotRelease(number=number, what=" ".join(decision.refusals(actor.language)))


def _person(actor: Actor, meeting: Meeting) -> UUID:
    if actor.id is None or not policy.may_prepare(actor, meeting.round_id):
        raise Forbidden(who="a fund manager")
    return actor.id
