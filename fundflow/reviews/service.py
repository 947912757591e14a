"""What changes a review: asking reviewers, declaring conflicts, declining, keeping drafts, sending sheets, reminding.

Everything is refused unless the application stands in the review's state now and the person may do it by the database;
each change holds the application's row, so a sheet and a decision cannot pass each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import separation
from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import acts
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.happening import settle
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import locked
from fundflow.reviews import committees, conflicts, discussions, places, policy, reserves
from fundflow.reviews.committees import Committee
from fundflow.reviews.models import Review
from fundflow.reviews.refusals import (
    AlreadyAsked,
    AlreadyDeclared,
    AlreadyRevised,
    AlreadySent,
    DueInThePast,
    DueTooFar,
    MinutesNeeded,
    NobodyChosen,
    NotACandidate,
    NotDeclared,
    NotDiscussed,
    NotLate,
    NotUnderReview,
    ReasonNeeded,
    ReviewClosed,
    SendFirst,
    SheetUnfinished,
    StaleSheet,
    TooFewToDiscuss,
    WhyDeclined,
    WhyWithdrawn,
)
from fundflow.rounds import wall
from fundflow.workflow import scores
from fundflow.workflow.plans import Plan, plan_of, plans_of

__all__ = [
    "AlreadyAsked",
    "AlreadyDeclared",
    "AlreadyRevised",
    "AlreadySent",
    "DueInThePast",
    "DueTooFar",
    "MinutesNeeded",
    "NobodyChosen",
    "NotACandidate",
    "NotDeclared",
    "NotDiscussed",
    "NotLate",
    "NotUnderReview",
    "ReasonNeeded",
    "ReviewClosed",
    "Saved",
    "SendFirst",
    "SheetUnfinished",
    "StaleSheet",
    "TooFewToDiscuss",
    "WhyDeclined",
    "WhyWithdrawn",
    "assign",
    "cancel",
    "declare",
    "decline",
    "discuss",
    "keep_late",
    "release_stand_by",
    "remind",
    "revise",
    "save",
    "send",
    "withdraw",
]

ONCE_IN = timedelta(days=1)
"""A reviewer is reminded of one sheet at most this often."""
LONGEST = timedelta(days=366)
"""No due moment lies further ahead."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A draft as it now stands, with the total it comes to."""

    revision: int
    saved_at: datetime
    total: scores.Total


def assign(
    committee: Committee, people: Collection[UUID], *, wall_time: str, actor: Actor, reserve: Collection[UUID] = ()
) -> list[Review]:
    """Ask these people to review the application by a wall time in the round's zone, and write to them.

    Those of `reserve` stand by in this order behind those who do already; nobody writes to them until they are called.
    Whoever stands by may be asked at once and then stands by no more. Refuses everything when one of them cannot be
    asked, with the sentence that stands beside their name on the page.
    """
    plan = _hold(committee, actor)
    people, reserve = list(dict.fromkeys(people)), list(dict.fromkeys(reserve))
    if not people and not reserve:
        raise NobodyChosen
    due_at = _due(wall_time, committee.zone) if people else clock.now()
    candidates = {each.id: each for each in committees.candidates_for(committee)}
    for person in (*people, *reserve):
        candidate = candidates.get(person)
        if candidate is None:
            raise NotACandidate
        if candidate.conflicts:
            raise candidate.conflicts[0]
        if candidate.is_assigned:
            raise AlreadyAsked(person=candidate.name)
        if person in reserve and person in people:
            raise reserves.NamedTwice(person=candidate.name)
        if person in reserve and candidate.stands_by:
            raise reserves.StandsByAlready(person=candidate.name)
        separation.check_place(committee.application, plan.name, person)
    asked = [
        places.give(
            committee.application.id,
            plan,
            committee.generation,
            person,
            by=_id(actor),
            due_at=due_at,
            due_wall=wall_time,
            due_zone=committee.zone,
        )
        for person in people
    ]
    for place in asked:
        reserves.take(place)
        places.tell("review_assigned", place, place.reviewer_id, by=actor.name)
    if reserve:
        reserves.add(committee.application.id, plan, committee.generation, reserve, by=_id(actor))
    db.session.flush()
    return asked


def withdraw(committee: Committee, review_id: UUID, reason: str, *, actor: Actor) -> Review:
    """Take back a request that was not sent yet, and tell the reviewer why; a stand-by is called in their stead.

    After a recusal nobody is written to and nobody is called, for somebody was called then; it undoes the declaration,
    and the person may be asked anew.
    """
    plan = _hold(committee, actor)
    place = _place(committee, review_id)
    if place.is_sent:
        raise AlreadySent(sent_at=place.sent_at)
    if not reason.strip():
        raise WhyWithdrawn
    place.withdrawn_at, place.withdrawn_by, place.withdrawn_reason = clock.now(), _id(actor), reason.strip()
    db.session.flush()
    if not place.is_recused:
        places.tell(
            "review_withdrawn", place, place.reviewer_id, by=actor.name, reason=place.withdrawn_reason, link=None
        )
        reserves.call(committee.application, plan, place)
    return place


def release_stand_by(committee: Committee, stand_by_id: UUID, *, actor: Actor) -> None:
    """Let somebody no longer stand by."""
    _hold(committee, actor)
    reserves.drop(committee.application.id, committee.plan.name, committee.generation, stand_by_id)


def remind(committee: Committee, *, actor: Actor) -> int:
    """Write to every reviewer who still owes a sheet, each at most once a day; says how many were written to."""
    _hold(committee, actor)
    now = clock.now()
    written = 0
    for place in db.session.scalars(
        _places(committee).where(Review.sent_at.is_(None), sa.func.coalesce(Review.conflict, "none") == "none")
    ):
        if place.reminded_at is not None and now - place.reminded_at < ONCE_IN:
            continue
        place.reminded_at = now
        places.tell(
            "review_reminder",
            place,
            place.reviewer_id,
            key=now.isoformat(),
            is_overdue=place.due_at < now,
            is_declared=place.conflict is not None,
        )
        written += 1
    return written


def declare(review_id: UUID, *, has_conflict: bool, reason: str = "", actor: Actor) -> Review:
    """Answer for good whether the actor has a conflict of interest.

    None opens the case to them. A conflict recuses them at once; a stand-by is called in the same transaction, and
    whoever asked them is told why and who it was.
    """
    place, application, plan = _own(review_id, actor)
    if place.conflict is not None:
        raise AlreadyDeclared
    _must_be_open(place, application, plan)
    if has_conflict:
        if not reason.strip():
            raise ReasonNeeded
        place.conflict, place.conflict_reason = "declared", reason.strip()
    else:
        _check_conflicts(place, application, plan)
        place.conflict = "none"
    place.declared_at = clock.now()
    db.session.flush()
    if place.is_recused:
        _follow(place, application, plan, "review_recused", place.conflict_reason, actor)
    return place


def decline(review_id: UUID, reason: str, *, actor: Actor) -> Review:
    """Give back a place that was not sent yet, for another reason than a conflict; a stand-by is called at once.

    The case closes to the reviewer, and whoever asked them is told why. They may be asked anew.
    """
    place, application, plan = _own(review_id, actor)
    if place.is_sent:
        raise AlreadySent(sent_at=place.sent_at)
    _must_be_open(place, application, plan)
    if not reason.strip():
        raise WhyDeclined
    place.withdrawn_at, place.withdrawn_by, place.withdrawn_reason = clock.now(), _id(actor), reason.strip()
    db.session.flush()
    _follow(place, application, plan, "review_declined", place.withdrawn_reason, actor)
    return place


def save(review_id: UUID, data: Mapping[str, Any], *, revision: int, actor: Actor) -> Saved:
    """Keep a draft over the revision it was made from; StaleSheet when another was saved since. Nothing is judged."""
    place, application, plan = _own(review_id, actor)
    _must_be_writable(place, application, plan)
    if place.revision != revision:
        if place.data == data:  # the answer to an earlier save was lost on the way
            return Saved(place.revision, place.saved_at or clock.now(), plan.total(place.data))
        raise StaleSheet(place.data, data, place.revision, place.saved_at or clock.now())
    place.data = dict(data)
    place.revision += 1
    place.saved_at = clock.now()
    db.session.flush()
    return Saved(place.revision, place.saved_at, plan.total(place.data))


def send(review_id: UUID, *, revision: int, actor: Actor) -> Review:
    """Send the sheet as it stands at this revision; final. Refuses an unfinished sheet and a second sending."""
    place, application, plan = _own(review_id, actor)
    _must_be_writable(place, application, plan)
    if place.revision != revision:
        raise StaleSheet(place.data, place.data, place.revision, place.saved_at or clock.now())
    total = _finished(plan, place.data)
    _check_conflicts(place, application, plan)
    place.score = total
    place.sent_at = clock.now()
    db.session.flush()
    settle(application, f"review:{place.id}:sent")
    return place


def keep_late(review_id: UUID, data: Mapping[str, Any], *, revision: int, actor: Actor) -> Review:
    """Keep what arrived after the review had closed, marked as late; it never counts.

    Only what a page that was opened in time still sends: the sheet itself can then only be read.
    """
    place, application, plan = _own(review_id, actor)
    if place.is_sent:
        raise AlreadySent(sent_at=place.sent_at)
    if place.conflict is None:
        raise NotDeclared
    if _is_open(place, application, plan):
        raise NotLate
    if place.revision != revision:
        raise StaleSheet(place.data, data, place.revision, place.saved_at or clock.now())
    place.data, place.revision = dict(data), place.revision + 1
    place.saved_at = place.late_at = clock.now()
    db.session.flush()
    return place


def revise(review_id: UUID, data: Mapping[str, Any], *, revision: int, actor: Actor) -> Review:
    """Replace the actor's sent sheet once, after a discussion that was held since it was sent; the first one is kept.

    The whole sheet is judged as when it was sent; nothing is kept of a revision that is refused.
    """
    place, application, plan = _own(review_id, actor)
    if not place.is_sent:
        raise NotDiscussed
    if place.is_revised:
        raise AlreadyRevised
    _must_be_open(place, application, plan)
    if not discussions.may_revise(place, discussions.discussion_of(application, plan)):
        raise NotDiscussed
    if place.revision != revision:
        raise StaleSheet(place.data, data, place.revision, place.saved_at or clock.now())
    total = _finished(plan, data)
    _check_conflicts(place, application, plan)
    place.first_data, place.first_score, place.first_sent_at = place.data, place.score, place.sent_at
    place.data, place.score, place.revision = dict(data), total, place.revision + 1
    place.sent_at = place.saved_at = clock.now()
    db.session.flush()
    settle(application, f"review:{place.id}:revised")
    return place


def discuss(committee: Committee, minutes: str, *, key: str, revision: int, actor: Actor) -> None:
    """Record that the committee talked the case over, in the present transaction, with what was said.

    The same key again records nothing more. Whoever had sent a sheet is written to and may revise it once.
    """
    if not committee.may_discuss:
        raise NotFound
    if not minutes.strip():
        raise MinutesNeeded
    acts.discuss(
        committee.application.id, committee.plan.name, actor=actor, key=key, revision=revision, reason=minutes.strip()
    )


def note_discussion(application: Application, name: str, *, actor: Actor, key: str) -> None:
    """Refuse a discussion of fewer than two sheets, or by somebody who may not see them; tell whoever sent one.

    Part of every command that records a discussion, wherever it was asked for, under the application's lock.
    """
    plan = plan_of(committees.workflow_of(application), name)
    generation = committees.generation_of(application, plan)
    viewer = committees.viewer_of(actor, application, plan, generation=generation)
    if not policy.may_see_figures(viewer, is_chair=True):
        raise SendFirst
    sent = [
        place
        for place in db.session.scalars(places.of_generation(application.id, name, generation)).all()
        if place.is_sent
    ]
    if len(sent) < 2:
        raise TooFewToDiscuss(sent=len(sent))
    for place in sent:
        if place.reviewer_id != actor.id:
            places.tell("review_discussed", place, place.reviewer_id, key=key, may_revise=not place.is_revised)


def cancel(application: Application, from_state: str | None, *, key: str) -> list[Review]:
    """Close the sheets still owed of whatever review ran in this state, release its stand-bys, and tell the reviewers.

    What was sent stays and counts; what was begun can be read by its reviewer. Under the application's lock.
    """
    closed: list[Review] = []
    for plan in plans_of(committees.workflow_of(application)):
        if from_state is None or not (from_state == plan.state or plan.awaits(from_state)):
            continue
        generation = plan.generation_in(from_state, committees.entries_of(application, plan.state))
        reserves.drop_all(application.id, plan.name, generation)
        for place in db.session.scalars(places.of_generation(application.id, plan.name, generation)).all():
            if place.step not in ("declare", "score", "draft") or place.closed_at is not None:
                continue
            place.closed_at = clock.now()
            closed.append(place)
            places.tell(
                "review_cancelled",
                place,
                place.reviewer_id,
                key=key,
                is_begun=place.revision > 0,
                link=f"/reviews/{place.id}" if place.is_declared_free else None,
            )
    db.session.flush()
    return closed


def _hold(committee: Committee, actor: Actor) -> Plan:
    """Hold the application and decide again, from what the database says now, whether the actor assigns reviewers."""
    application = locked(committee.application.id)
    fresh = committees.committee_for(actor, application.id, committee.plan.name)
    if not fresh.may_assign:
        raise NotFound
    if not fresh.is_open or fresh.generation != committee.generation:
        raise NotUnderReview
    return fresh.plan


def _places(committee: Committee) -> sa.Select[Review]:
    return places.of_generation(committee.application.id, committee.plan.name, committee.generation)


def _place(committee: Committee, review_id: UUID) -> Review:
    place = db.session.scalar(_places(committee).where(Review.id == review_id))
    if place is None:
        raise NotFound
    return place


def _own(review_id: UUID, actor: Actor) -> tuple[Review, Application, Plan]:
    """The actor's own place, held: nothing else about the application changes before this transaction ends."""
    application_id = db.session.scalar(
        sa.select(Review.application_id).where(Review.id == review_id, Review.reviewer_id == actor.id)
    )
    if actor.id is None or application_id is None:
        raise NotFound
    application = locked(application_id)
    place = db.session.scalars(
        sa.select(Review).where(Review.id == review_id).execution_options(populate_existing=True)
    ).one()
    if place.withdrawn_at is not None or place.is_recused:
        raise NotFound if place.withdrawn_at is not None else AlreadyDeclared
    return place, application, plan_of(committees.workflow_of(application), place.name)


def _is_open(place: Review, application: Application, plan: Plan) -> bool:
    is_here = application.state == plan.state and application.outcome is None and place.closed_at is None
    return is_here and committees.generation_of(application, plan) == place.generation


def _must_be_open(place: Review, application: Application, plan: Plan) -> None:
    if not _is_open(place, application, plan):
        raise ReviewClosed


def _must_be_writable(place: Review, application: Application, plan: Plan) -> None:
    if place.is_sent:
        raise AlreadySent(sent_at=place.sent_at)
    if place.conflict is None:
        raise NotDeclared
    _must_be_open(place, application, plan)


def _finished(plan: Plan, data: Mapping[str, Any]) -> Decimal:
    """The total of a sheet that may be sent; SheetUnfinished for any other."""
    missing = plan.missing(data)
    total = plan.total(data)
    if missing or total.value is None:
        raise SheetUnfinished(missing=max(len({each.field for each in missing}), total.criteria - total.scored))
    return total.value


def _check_conflicts(place: Review, application: Application, plan: Plan) -> None:
    """What the records show counts until the sheet is sent: people change offices while they review."""
    person = db.session.get_one(User, place.reviewer_id)
    found = conflicts.conflicts_of(application, [person], plan.review.conflicts, plan.own_forms)[person.id]
    if found:
        raise found[0]


def _due(wall_time: str, zone: str) -> datetime:
    due_at = wall.instant_of(wall_time.strip(), zone)
    shown = wall_time.strip().replace("T", " ")
    if due_at <= clock.now():
        raise DueInThePast(wall=shown, zone=zone)
    if due_at - clock.now() > LONGEST:
        raise DueTooFar(wall=shown)
    return due_at


def _follow(
    place: Review, application: Application, plan: Plan, template: str, reason: str | None, actor: Actor
) -> None:
    """Call a stand-by to a place that its reviewer left, and tell whoever had asked them."""
    called = reserves.call(application, plan, place)
    stand_in = "" if called is None else called.name or called.email
    places.tell_who_asked(template, place, reviewer=actor.name, reason=reason, stand_in=stand_in)
    settle(application, f"review:{place.id}:left")


def _id(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotFound
    return actor.id
