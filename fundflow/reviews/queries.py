"""Reading reviews: the queue of a reviewer and one sheet; the only way from an address to a place.

What a person may not see is answered like what does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City
from fundflow.applications.queries import application_for
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.reviews import committees, policy
from fundflow.reviews.committees import Progress, progress, progress_of
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round

__all__ = ["Case", "Progress", "Queue", "peers_of", "place_for", "progress", "progress_of", "queue_for", "sheet_for"]


@dataclass(frozen=True, slots=True)
class Case:
    """A place with what stands around it. Before the declaration `city` is None: the title is all a reviewer sees."""

    review: Review
    application: Application
    round_title: str
    city: str | None
    is_open: bool
    """The application stands in the review's state, in this place's generation."""
    is_current: bool
    """Of the generation that counts: the application has not come to the review anew since."""

    @property
    def step(self) -> str:
        """declare, score, draft, sent, or closed: not sent when the application went on, so not counted."""
        step = self.review.step
        return step if step == "sent" or self.is_open else "closed"

    @property
    def is_overdue(self) -> bool:
        return self.step in ("declare", "score", "draft") and self.review.due_at < clock.now()


@dataclass(frozen=True, slots=True)
class Queue:
    """A reviewer's places, the one that is due first at the top."""

    cases: tuple[Case, ...]

    def at(self, step: str) -> list[Case]:
        return [case for case in self.cases if case.step == step]

    @property
    def waiting(self) -> list[Case]:
        """What the reviewer still has to do."""
        return [case for case in self.cases if case.step in ("declare", "score", "draft")]

    @property
    def next(self) -> Case | None:
        return next(iter(self.waiting), None)

    def after(self, case: Case) -> Case | None:
        """What to open next once this one is done."""
        return next((each for each in self.waiting if each.review.id != case.review.id), None)

    @property
    def sent(self) -> int:
        return len(self.at("sent"))

    @property
    def counted(self) -> int:
        """All that could be sent: what waits and what was sent, without what was closed."""
        return len(self.waiting) + self.sent

    @property
    def overdue(self) -> int:
        return sum(case.is_overdue for case in self.cases)


def queue_for(actor: Actor) -> Queue:
    """The actor's places: what waits, what was sent, what was closed unsent; one read."""
    if actor.id is None:
        return Queue(())
    rows = db.session.execute(_cases().where(policy.queued_for(actor)).order_by(Review.due_at, Review.id)).all()
    return Queue(tuple(_case(row) for row in rows))


def place_for(actor: Actor, review_id: UUID) -> Case:
    """The actor's own place of this id, while they may work or read there; NotFound once recused or withdrawn.

    A place whose application went on before the declaration is gone too: there is nothing left to declare.
    """
    row = db.session.execute(_cases().where(Review.id == review_id, policy.queued_for(actor))).first()
    if actor.id is None or row is None:
        raise NotFound
    return _case(row)


def sheet_for(actor: Actor, review_id: UUID) -> Case:
    """A sheet that the actor may read: their own, or another's sent one; NotFound for all else."""
    row = db.session.execute(_cases().where(Review.id == review_id)).first()
    if actor.id is None or row is None:
        raise NotFound
    case = _case(row)
    if case.review.reviewer_id == actor.id:
        return place_for(actor, review_id)
    application_for(actor, case.application.id)
    if not policy.may_see_sheet(case.review, committees.viewer_of(actor, case.application, case.review)):
        raise NotFound
    return case


def peers_of(actor: Actor, case: Case) -> list[Case]:
    """The other sent sheets of the same generation that the actor may read now, as they were sent."""
    viewer = committees.viewer_of(actor, case.application, case.review)
    query = _cases().where(
        Review.application_id == case.application.id,
        Review.name == case.review.name,
        Review.generation == case.review.generation,
        Review.id != case.review.id,
        Review.sent_at.is_not(None),
    )
    found = [_case(row) for row in db.session.execute(query.order_by(Review.sent_at, Review.id)).all()]
    return [each for each in found if policy.may_see_sheet(each.review, viewer)]


def _cases() -> sa.Select[Review, Application, str, str, bool, bool]:
    """Places with their application, the round's title, the city's name, and whether they are open and current."""
    return (
        sa.select(
            Review,
            Application,
            Round.title,
            City.name,
            policy.is_open().label("is_open"),
            policy.is_current().label("is_current"),
        )
        .join(Application, Application.id == Review.application_id)
        .join(Round, Round.id == Application.round_id)
        .join(City, City.id == Application.city_id)
    )


def _case(row: sa.Row[Review, Application, str, str, bool, bool]) -> Case:
    review, application, round_title, city, is_open, is_current = row
    # A place that is not declared yet carries no word of who applies.
    return Case(review, application, round_title, city if review.is_declared_free else None, is_open, is_current)
