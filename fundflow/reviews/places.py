"""Giving somebody a place in a committee, and writing to them about it.

Refuses nothing: who may be given a place is decided by whoever calls this, under the application's lock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import mail
from fundflow.accounts.models import City, User
from fundflow.db import db
from fundflow.lifecycle.models import Application
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round
from fundflow.workflow.plans import Plan


def give(
    application_id: UUID,
    plan: Plan,
    generation: int,
    person_id: UUID,
    *,
    by: UUID,
    due_at: datetime,
    due_wall: str,
    due_zone: str,
) -> Review:
    """A new place for this person. Whoever is given one no longer stands by."""
    place = Review(
        application_id=application_id,
        name=plan.name,
        state=plan.state,
        generation=generation,
        reviewer_id=person_id,
        assigned_by=by,
        due_at=due_at,
        due_wall=due_wall.strip().replace(" ", "T"),
        due_zone=due_zone,
        data={},
    )
    db.session.add(place)
    db.session.flush()
    return place


def of_generation(application_id: UUID, name: str, generation: int) -> sa.Select[Review]:
    """The places of one generation that were not withdrawn, as the database has them now."""
    return (
        sa.select(Review)
        .where(
            Review.application_id == application_id,
            Review.name == name,
            Review.generation == generation,
            Review.withdrawn_at.is_(None),
        )
        .order_by(Review.id)
        .execution_options(populate_existing=True)
    )


def tell(template: str, place: Review, person_id: UUID, *, key: str = "", **facts: Any) -> None:
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


def tell_who_asked(template: str, place: Review, *, reviewer: str, reason: str | None, stand_in: str) -> None:
    """Tell whoever assigned a place that its reviewer left it, why, and who was called instead (empty for nobody)."""
    application = db.session.get_one(Application, place.application_id)
    city = db.session.get_one(City, application.city_id)
    tell(
        template,
        place,
        place.assigned_by,
        reviewer=reviewer,
        number=application.number,
        city=city.name,
        reason=reason,
        stand_in=stand_in,
        link=f"/applications/{application.id}/reviewers",
    )
