"""What workflows may ask of reviews: the fact `reviews.<name>`, roles of kind `panel`, and the effect `cancel`.

A panel's role is held by whoever was assigned and declared to have no conflict, in the generation that counts; a place
that is not declared, was recused or was withdrawn gives nothing. A new generation begins by itself when the application
comes back to the review's state, and leaving it closes the sheets that were not sent: both are read from the events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import User
from fundflow.applications.policy import hidden_clauses, visible_clauses
from fundflow.db import db
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import (
    EffectContext,
    acting,
    effect,
    entering,
    fact,
    panels,
    role_kind,
    role_people,
    takes_part,
)
from fundflow.reviews import committees, discussions, policy, service
from fundflow.reviews.models import Review
from fundflow.workflow.definition import Effect, Role
from fundflow.workflow.plans import plan_of


@fact("reviews")
def review_facts(application: Application, name: str) -> Mapping[str, Any]:
    """Counts of the generation that counts now, whether its quorum is met, its score and spread or None, and whether
    the committee talked the case over since the review began."""
    found = committees.progress_of([application])[application.id, name]
    return {
        "assigned": found.assigned,
        "submitted": found.submitted,
        "recused": found.recused,
        "quorum_met": found.quorum_met,
        "score": found.score,
        "spread": found.spread,
        "discussed": discussions.is_discussed(application, plan_of(committees.workflow_of(application), name)),
    }


@role_kind("panel")
def is_on_panel(application: Application, role: Role, actor: Actor) -> bool:
    """Assigned, declared free of conflict, not withdrawn, in this generation, and not on the city's team."""
    if actor.id is None or role.review is None:
        return False
    return bool(db.session.scalar(sa.select(_panel(application, role).where(policy.holds_place(actor)).exists())))


@role_people("panel")
def people_on_panel(application: Application, role: Role) -> Sequence[User]:
    """Everybody who holds the role, by name."""
    holding = _panel(application, role).where(Review.conflict == "none", policy.is_current(), ~policy.is_on_team())
    query = sa.select(User).where(User.id.in_(holding.with_only_columns(Review.reviewer_id)), User.active.is_(True))
    return list(db.session.scalars(query.order_by(User.name, User.id)))


def _panel(application: Application, role: Role) -> sa.Select[Review]:
    return (
        sa.select(Review)
        .join(Application, Application.id == Review.application_id)
        .where(Review.application_id == application.id, Review.name == role.review)
    )


@panels
def places_of(person_id: UUID) -> Mapping[UUID, frozenset[str]]:
    """Every place that the person was given and did not leave, whether they have declared conflicts yet or not."""
    rows = db.session.execute(
        sa.select(Review.application_id, Review.name)
        .join(Application, Application.id == Review.application_id)
        .where(
            Review.reviewer_id == person_id,
            Application.outcome.is_(None),
            sa.or_(Review.conflict.is_(None), Review.conflict == "none"),
            policy.is_current(),
        )
    )
    found: dict[UUID, frozenset[str]] = {}
    for application_id, name in rows:
        found[application_id] = found.get(application_id, frozenset()) | {name}
    return found


@takes_part
def was_asked(application: Application, person_id: UUID) -> bool:
    """Whoever was ever asked to review the application had to do with it, recused or not."""
    places = sa.exists().where(Review.application_id == application.id, Review.reviewer_id == person_id)
    return bool(db.session.scalar(sa.select(places)))


@effect("cancel")
def cancel_reviews(ctx: EffectContext, _effect: Effect) -> Mapping[str, Any] | None:
    """Close the sheets that are still owed and tell their reviewers; what was sent stays as it is."""
    closed = service.cancel(ctx.application, ctx.from_state, key=ctx.key())
    return {"cancel": [each.id for each in closed]}


@acting
def tell_of_discussions(ctx: EffectContext, subject: str) -> None:
    """What a discussion asks for and causes, wherever it was recorded from."""
    if ctx.transition == discussions.DISCUSS:
        service.note_discussion(ctx.application, subject, actor=ctx.actor, key=ctx.key())


@entering
def note_the_sheets(ctx: EffectContext) -> Mapping[str, Any] | None:
    """Write into the event that ends a review what its sheets were: each one's digest, and the figures they gave.

    The event is chained, so a sheet that is changed afterwards no longer agrees with it.
    """
    if ctx.to_state == ctx.from_state and ctx.outcome is None:
        return None
    ended = [name for name, review in ctx.workflow.reviews.items() if review.state == ctx.from_state]
    return {"reviews": {name: committees.record(ctx.application, name) for name in ended}} if ended else None


def opened_to_reviewers(actor: Actor) -> sa.ColumnElement[bool] | None:
    """Applications that open to the actor because they review them."""
    return policy.reviewed_by(actor)


def closed_to_reviewers(actor: Actor) -> sa.ColumnElement[bool] | None:
    """Applications that stay shut to the actor whatever groups they are in: recused from, or not declared yet."""
    return policy.kept_from(actor)


for clauses, clause in ((visible_clauses, opened_to_reviewers), (hidden_clauses, closed_to_reviewers)):
    if clause not in clauses:
        clauses.append(clause)
