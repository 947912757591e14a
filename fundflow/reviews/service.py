"""What changes a review: asking reviewers, declaring conflicts, keeping drafts, sending sheets, reminding.

Everything is refused unless the application stands in the review's state now and the person may do it by the database;
each change holds the application's row, so a sheet and a decision cannot pass each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock, mail
from fundflow.accounts.models import City, User
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import locked
from fundflow.reviews import committees, conflicts, scores
from fundflow.reviews.committees import Committee
from fundflow.reviews.models import Review
from fundflow.reviews.plans import Plan, plan_of
from fundflow.rounds import wall
from fundflow.rounds.models import Round

ONCE_IN = timedelta(days=1)
"""A reviewer is reminded of one sheet at most this often."""
LONGEST = timedelta(days=366)
"""No due moment lies further ahead."""


class NotUnderReview(Refused):
    """This application is not under review now, so nothing about its reviewers can be changed."""


class NobodyChosen(Refused):
    """Choose at least one reviewer."""

    status = 422


class NotACandidate(Refused):
    """One of the people chosen cannot be asked to review this application. Look at the list again and choose anew."""

    status = 422


class AlreadyAsked(Refused):
    """{person} has already been asked to review this application."""


class DueInThePast(Refused):
    """The due time {wall} in {zone} has already passed. Choose a later one."""

    status = 422


class DueTooFar(Refused):
    """The due time {wall} is more than a year away. Choose an earlier one."""

    status = 422


class AlreadySent(Refused):
    """This sheet was sent at {sent_at}; it is final."""


class AlreadyDeclared(Refused):
    """You have already answered whether you have a conflict of interest. Only the fund can change that now."""


class NotDeclared(Refused):
    """First say whether you have a conflict of interest."""


class ReasonNeeded(Refused):
    """Say in a few words what the conflict is, so that the fund can record why you left the case."""

    status = 422


class WhyWithdrawn(Refused):
    """Say why you take this request back; the reviewer is told."""

    status = 422


class ReviewClosed(Refused):
    """The review of this application closed before you sent your sheet. What you wrote is kept but does not count."""


class SheetUnfinished(Refused):
    """Your sheet is not finished: {missing} of its questions still need an answer."""

    status = 422


class StaleSheet(Refused):
    """This sheet was saved elsewhere at {saved_at}. Nothing was lost: compare the two, then save the one you want."""

    def __init__(self, theirs: Mapping[str, Any], mine: Mapping[str, Any], revision: int, saved_at: datetime) -> None:
        super().__init__(saved_at=saved_at)
        self.theirs, self.mine, self.revision = theirs, mine, revision


@dataclass(frozen=True, slots=True)
class Saved:
    """A draft as it now stands, with the total it comes to."""

    revision: int
    saved_at: datetime
    total: scores.Total


def assign(committee: Committee, people: Collection[UUID], *, wall_time: str, actor: Actor) -> list[Review]:
    """Ask these people to review the application by a wall time in the round's zone, and write to them.

    Refuses everything when one of them cannot be asked, with the sentence that stands beside their name on the page.
    """
    plan = _hold(committee, actor)
    if not people:
        raise NobodyChosen
    due_at = _due(wall_time, committee.zone)
    candidates = {each.id: each for each in committees.candidates_for(committee)}
    chosen = [candidates.get(each) for each in dict.fromkeys(people)]
    places: list[Review] = []
    for candidate in chosen:
        if candidate is None:
            raise NotACandidate
        if candidate.conflicts:
            raise candidate.conflicts[0]
        if candidate.is_assigned:
            raise AlreadyAsked(person=candidate.name)
        place = Review(
            application_id=committee.application.id,
            name=plan.name,
            state=plan.state,
            generation=committee.generation,
            reviewer_id=candidate.id,
            assigned_by=_id(actor),
            due_at=due_at,
            due_wall=wall_time.strip().replace(" ", "T"),
            due_zone=committee.zone,
            data={},
        )
        db.session.add(place)
        places.append(place)
    db.session.flush()
    for place in places:
        _tell("review_assigned", place, place.reviewer_id, by=actor.name)
    return places


def withdraw(committee: Committee, review_id: UUID, reason: str, *, actor: Actor) -> Review:
    """Take back a request that was not sent yet, and tell the reviewer why; after a recusal nobody is written to.

    It also undoes a declaration: the person may then be asked anew.
    """
    _hold(committee, actor)
    place = _place(committee, review_id)
    if place.is_sent:
        raise AlreadySent(sent_at=place.sent_at)
    if not reason.strip():
        raise WhyWithdrawn
    place.withdrawn_at, place.withdrawn_by, place.withdrawn_reason = clock.now(), actor.id, reason.strip()
    db.session.flush()
    if not place.is_recused:
        _tell("review_withdrawn", place, place.reviewer_id, by=actor.name, reason=place.withdrawn_reason, link=None)
    return place


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
        _tell(
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

    None opens the case to them. A conflict recuses them at once, and whoever asked them is told why.
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
        city = db.session.get_one(City, application.city_id)
        _tell(
            "review_recused",
            place,
            place.assigned_by,
            reviewer=actor.name,
            number=application.number,
            city=city.name,
            reason=place.conflict_reason,
            link=f"/applications/{application.id}/reviewers",
        )
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
    missing = plan.missing(place.data)
    total = plan.total(place.data)
    if missing or total.value is None:
        raise SheetUnfinished(missing=max(len({each.field for each in missing}), total.criteria - total.scored))
    _check_conflicts(place, application, plan)
    place.score = total.value
    place.sent_at = clock.now()
    db.session.flush()
    return place


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
    return (
        sa.select(Review)
        .where(
            Review.application_id == committee.application.id,
            Review.name == committee.plan.name,
            Review.generation == committee.generation,
            Review.withdrawn_at.is_(None),
        )
        .order_by(Review.id)
        .execution_options(populate_existing=True)
    )


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


def _must_be_open(place: Review, application: Application, plan: Plan) -> None:
    is_here = application.state == plan.state and application.outcome is None
    if not is_here or committees.generation_of(application, plan) != place.generation:
        raise ReviewClosed


def _must_be_writable(place: Review, application: Application, plan: Plan) -> None:
    if place.is_sent:
        raise AlreadySent(sent_at=place.sent_at)
    if place.conflict is None:
        raise NotDeclared
    _must_be_open(place, application, plan)


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


def _tell(template: str, place: Review, person_id: UUID, *, key: str = "", **facts: Any) -> None:
    """Queue one message about a place. Until the declaration only title, round and due moment may be in it."""
    person = db.session.get(User, person_id)
    if person is None or not person.active:
        return
    application = db.session.get_one(Application, place.application_id)
    round_ = db.session.get_one(Round, application.round_id)
    common = {
        "title": application.title or application.number,
        "round": round_.title,
        "due_at": place.due_at,
        "link": f"/reviews/{place.id}",
        "reason": "",
        "by": "",
    }
    mail.queue(template, person, common | facts, f"{template}:{place.id}:{key}")


def _id(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotFound
    return actor.id
