"""Who may see a review: as clauses for queries, and as predicates that say the same.

A member of the applying city's team never sees a sheet, whatever else they are; a reviewer sees another's sheet only
once their own is sent, where the workflow keeps scores blind.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import TeamMember
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.reviews.models import Review


def is_entry(state: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Events by which an application comes to the state from another; what happens to a child is none."""
    return sa.and_(
        Event.to_state == state,
        Event.subject.is_(None),
        sa.or_(Event.from_state.is_(None), Event.from_state != state),
    )


def entries(application_id: sa.ColumnElement[UUID], state: sa.ColumnElement[str]) -> sa.ScalarSelect[int]:
    """How often the application has come to the state: the number of the present, or of the last, generation."""
    return (
        sa.select(sa.func.count())
        .select_from(Event)
        .where(Event.application_id == application_id, is_entry(state))
        .correlate_except(Event)
        .scalar_subquery()
    )


def is_current() -> sa.ColumnElement[bool]:
    """Places of the generation that counts: not withdrawn, and not from an earlier visit to the state."""
    return sa.and_(
        Review.withdrawn_at.is_(None),
        Review.generation == entries(Review.application_id.expression, Review.state.expression),
    )


def is_open() -> sa.ColumnElement[bool]:
    """Places whose application stands in the review's state now and that nobody cancelled. Joins Application."""
    return sa.and_(
        Application.state == Review.state, Application.outcome.is_(None), Review.closed_at.is_(None), is_current()
    )


def is_on_team() -> sa.ColumnElement[bool]:
    """That the reviewer of the place is on the applying city's team. The query joins Application."""
    return (
        sa.exists()
        .where(TeamMember.city_id == Application.city_id, TeamMember.user_id == Review.reviewer_id)
        .correlate_except(TeamMember)
    )


def holds_place(actor: Actor) -> sa.ColumnElement[bool]:
    """The actor's places that let them read: declared free of conflict, current, and not of their own city.

    The query joins Application.
    """
    return sa.and_(
        Review.reviewer_id == actor.id,
        Review.conflict == "none",
        is_current(),
        ~is_on_team(),
    )


def reviewed_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Applications that the actor reviews, after they declared to have no conflict: for clauses on Application."""
    if actor.id is None:
        return sa.false()
    return sa.exists().where(Review.application_id == Application.id, holds_place(actor)).correlate(Application)


def kept_from(actor: Actor) -> sa.ColumnElement[bool]:
    """Applications the actor must not read: recused from them, or asked to review them and not declared yet."""
    if actor.id is None:
        return sa.false()
    return (
        sa.exists()
        .where(
            Review.application_id == Application.id,
            Review.reviewer_id == actor.id,
            Review.withdrawn_at.is_(None),
            sa.or_(Review.conflict == "declared", sa.and_(Review.conflict.is_(None), is_open())),
        )
        .correlate(Application)
    )


def queued_for(actor: Actor) -> sa.ColumnElement[bool]:
    """Places that stand in the actor's queue: open ones, and those they declared free of conflict on, sent or closed.

    A recused reviewer's place is not among them: they see nothing more of it. The query joins Application.
    """
    return sa.and_(
        Review.reviewer_id == actor.id,
        Review.withdrawn_at.is_(None),
        sa.or_(Review.conflict == "none", sa.and_(Review.conflict.is_(None), is_open())),
        ~is_on_team(),
    )


@dataclass(frozen=True, slots=True)
class Viewer:
    """What decides about one person's sight of the sheets of one application, read from the database."""

    id: UUID | None
    is_on_team: bool
    """On the applying city's team."""
    reads_review: bool
    """A role of theirs has this review in its cell of the access matrix."""
    place: Review | None
    """Their own place of the same review and generation, not withdrawn."""
    is_blind: bool = True
    """The workflow hides others' sheets until one's own is sent."""


def may_see_sheet(review: Review, viewer: Viewer) -> bool:
    """Their own place until they recuse themselves or it is withdrawn; others' sheets only after those were sent."""
    if viewer.id is None or viewer.is_on_team or review.withdrawn_at is not None:
        return False
    if review.reviewer_id == viewer.id:
        return not review.is_recused
    if not review.is_sent:
        return False
    if viewer.place is not None:
        # Someone who reviews this case is a reviewer first, whatever groups they are also in.
        return is_open_to_figures(viewer.place, viewer.is_blind)
    return viewer.reads_review


def is_open_to_figures(place: Review, is_blind: bool) -> bool:
    """Whether sitting at this place lets its reviewer see what the others found."""
    return place.is_declared_free and (place.is_sent or not is_blind)


def may_see_figures(viewer: Viewer, *, is_chair: bool = False) -> bool:
    """Progress, mean and spread: for roles whose cell has the review and for whoever records its discussion, unless
    they review the case themselves and have not sent their sheet, or recused themselves from it."""
    if viewer.id is None or viewer.is_on_team or not (viewer.reads_review or is_chair):
        return False
    return viewer.place is None or is_open_to_figures(viewer.place, viewer.is_blind)
