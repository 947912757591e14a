"""That a committee talked a case over: when, who says so, what was said, and who may revise their sheet after it.

It is an event of the application and kept nowhere else; one from before the review began anew says nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from fundflow.accounts.queries import people_named
from fundflow.db import db
from fundflow.lifecycle.models import Application, Event
from fundflow.reviews import policy
from fundflow.reviews.committees import Committee, Place
from fundflow.reviews.models import Review
from fundflow.workflow import scores
from fundflow.workflow.plans import Plan
from fundflow.workflow.scores import Apart
from fundflow.workflow.text import Text

DISCUSS = "discuss"
"""The transition name of the event that keeps a discussion; its subject is the review."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """The latest discussion of a review's present (or last) generation."""

    at: datetime
    by: str
    minutes: str


def discussion_of(application: Application, plan: Plan) -> Discussion | None:
    """The discussion that counts now, or None; two reads."""
    event = db.session.scalar(_events(application, plan).order_by(Event.seq.desc()).limit(1))
    if event is None:
        return None
    names = people_named([event.actor_id])
    return Discussion(event.at, names.get(event.actor_id, "") if event.actor_id else "", event.reason or "")


def is_discussed(application: Application, plan: Plan) -> bool:
    """Whether there is one; one read."""
    return bool(db.session.scalar(sa.select(_events(application, plan).exists())))


def apart_of(committee: Committee, places: Collection[Place]) -> list[tuple[Text, Apart]]:
    """How far the sent sheets lie apart on each criterion, with its label; empty for whoever may see no figures."""
    if not committee.may_see_figures:
        return []
    plan, fields = committee.plan, committee.plan.form.fields
    sheets = [each.review.data for each in places if each.review.is_sent]
    return [(fields[each.field].label, each) for each in scores.apart(plan.criteria(), sheets)]


def may_revise(place: Review, discussion: Discussion | None) -> bool:
    """Once, whoever had sent their sheet when the case was discussed."""
    if place.sent_at is None or place.is_revised or discussion is None:
        return False
    return place.sent_at < discussion.at


def _events(application: Application, plan: Plan) -> sa.Select[Event]:
    """Discussions since the application last came to the review's state; none while the next review is prepared."""
    began = (
        sa.select(sa.func.coalesce(sa.func.max(Event.seq), 0))
        .where(Event.application_id == application.id, policy.is_entry(sa.literal(plan.state)))
        .scalar_subquery()
    )
    return sa.select(Event).where(
        Event.application_id == application.id,
        Event.transition == DISCUSS,
        Event.subject == plan.name,
        Event.seq > began,
        sa.false() if plan.awaits(application.state) else sa.true(),
    )
