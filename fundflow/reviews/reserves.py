"""The reserve of a committee: who stands by, in which order, and who is called when a place comes free.

Refuses to call anybody whom the records keep from the case, who left the group, or who holds a place already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle.models import Application
from fundflow.reviews import conflicts, places
from fundflow.reviews.models import Review, StandBy
from fundflow.rounds import wall
from fundflow.rounds.models import Round
from fundflow.workflow.plans import Plan


class TooManyStandBys(Refused):
    """The workflow provides for {most} stand-bys; {now} would be standing by."""

    status = 422


class StandsByAlready(Refused):
    """{person} already stands by for this application."""


class NamedTwice(Refused):
    """{person} cannot both be asked and stand by. Choose one of the two."""

    status = 422


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the manager's view of the reserve."""

    id: UUID
    position: int
    name: str
    called_at: datetime | None
    review_id: UUID | None
    instead_of: str | None
    """Who left the place that they were called to."""

    @property
    def is_waiting(self) -> bool:
        return self.called_at is None


def reserve_of(application_id: UUID, name: str, generation: int) -> list[Line]:
    """Who stands by or was called, in order; two reads."""
    rows = db.session.execute(
        sa.select(StandBy, Review.reviewer_id)
        .outerjoin(Review, Review.id == StandBy.instead_of)
        .where(*_of(application_id, name, generation), StandBy.dropped_at.is_(None))
        .order_by(StandBy.position, StandBy.id)
    ).all()
    names = accounts.people_named({person for each, left in rows for person in (each.person_id, left)})
    return [
        Line(
            id=each.id,
            position=each.position,
            name=names[each.person_id],
            called_at=each.called_at,
            review_id=each.review_id,
            instead_of=names[left] if left is not None else None,
        )
        for each, left in rows
    ]


def waiting(application_id: UUID, name: str, generation: int) -> Sequence[StandBy]:
    """Who stands by now, the first to be called at the top."""
    return db.session.scalars(
        sa.select(StandBy)
        .where(*_of(application_id, name, generation), *_waits())
        .order_by(StandBy.position, StandBy.id)
        .execution_options(populate_existing=True)
    ).all()


def add(application_id: UUID, plan: Plan, generation: int, people: Sequence[UUID], *, by: UUID) -> list[StandBy]:
    """Let these people stand by, behind those who do already. Under the application's lock."""
    there = waiting(application_id, plan.name, generation)
    if len(there) + len(people) > plan.review.reserve:
        raise TooManyStandBys(most=plan.review.reserve, now=len(there) + len(people))
    last = max((each.position for each in there), default=0)
    named = [
        StandBy(
            application_id=application_id,
            name=plan.name,
            generation=generation,
            position=last + n,
            person_id=person,
            named_by=by,
        )
        for n, person in enumerate(people, 1)
    ]
    db.session.add_all(named)
    db.session.flush()
    return named


def drop(application_id: UUID, name: str, generation: int, stand_by_id: UUID) -> StandBy:
    """Let somebody no longer stand by; NotFound where they do not. Nobody is written to: they never were."""
    found = db.session.scalar(
        sa.select(StandBy).where(StandBy.id == stand_by_id, *_of(application_id, name, generation), *_waits())
    )
    if found is None:
        raise NotFound
    found.dropped_at = clock.now()
    db.session.flush()
    return found


def drop_all(application_id: UUID, name: str, generation: int) -> None:
    """Let nobody stand by any more."""
    for each in waiting(application_id, name, generation):
        each.dropped_at = clock.now()


def take(place: Review) -> None:
    """Note that whoever was given this place directly stands by no more."""
    for each in waiting(place.application_id, place.name, place.generation):
        if each.person_id == place.reviewer_id:
            each.called_at, each.review_id = clock.now(), place.id


def call(application: Application, plan: Plan, left: Review) -> User | None:
    """Give the place that `left` gave up to the first stand-by whom nothing keeps from the case, and write to them.

    None where the committee is still as large as the workflow asks, or nobody can be called. Whoever is passed over
    goes on standing by. Under the application's lock, so two who leave at once are followed by two others.
    """
    there = waiting(application.id, plan.name, left.generation)
    if not there or not plan.takes_assignments(application):
        return None
    held = db.session.scalars(places.of_generation(application.id, plan.name, left.generation)).all()
    if sum(not each.is_recused for each in held) >= plan.review.count:
        return None
    seated = {each.reviewer_id for each in held} | {left.reviewer_id}
    group = accounts.people_in_group(plan.review.group, application.round_id) if plan.review.group else []
    people = {person.id: person for person in group if person.id not in seated}
    found = conflicts.conflicts_of(application, list(people.values()), plan.review.conflicts, plan.own_forms)
    chosen = next((each for each in there if each.person_id in people and not found[each.person_id]), None)
    if chosen is None:
        return None
    zone = db.session.get_one(Round, application.round_id).zone
    due_wall = plan.proposed_due(clock.now(), ZoneInfo(zone))
    place = places.give(
        application.id,
        plan,
        left.generation,
        chosen.person_id,
        by=chosen.named_by,
        due_at=wall.instant_of(due_wall, zone),
        due_wall=due_wall,
        due_zone=zone,
    )
    chosen.called_at, chosen.review_id, chosen.instead_of = clock.now(), place.id, left.id
    db.session.flush()
    by = accounts.people_named([chosen.named_by])[chosen.named_by]
    places.tell("review_assigned", place, chosen.person_id, by=by)
    return db.session.get_one(User, chosen.person_id)


def _of(application_id: UUID, name: str, generation: int) -> tuple[sa.ColumnElement[bool], ...]:
    return StandBy.application_id == application_id, StandBy.name == name, StandBy.generation == generation


def _waits() -> tuple[sa.ColumnElement[bool], ...]:
    return StandBy.called_at.is_(None), StandBy.dropped_at.is_(None)
