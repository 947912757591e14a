"""The history of a round from the database: its events, the sheets of its reviews, its days and its money.

Reads, and writes nothing. Whoever reviewed is told by a number alone: a scenario holds no person.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle.models import Application, Event
from fundflow.money import Money
from fundflow.simulation.history import History, Sheet, Visit
from fundflow.workflow.definition import Workflow

# Rounds and reviews belong to features above this one; of each only a few columns are read.
_ROUNDS = sa.table(
    "rounds",
    sa.column("id", sa.Uuid),
    sa.column("slug", sa.Text),
    sa.column("opens_wall", sa.Text),
    sa.column("closes_wall", sa.Text),
    sa.column("currency", sa.Text),
    sa.column("budget_minor", sa.BigInteger),
)
_REVIEWS = sa.table(
    "reviews",
    sa.column("application_id", sa.Uuid),
    sa.column("name", sa.Text),
    sa.column("reviewer_id", sa.Uuid),
    sa.column("conflict", sa.Text),
    *(
        sa.column(name, Event.__table__.c.at.type)
        for name in ("created_at", "declared_at", "sent_at", "first_sent_at", "late_at", "closed_at", "withdrawn_at")
    ),
)


class NoSuchRound(Refused):
    """There is no round “{slug}”."""

    status = 404


class OtherWorkflow(Refused):
    """Nothing that happened in “{slug}” is known to the workflow {workflow}: was it run by another one?"""


def read(slug: str, workflow: Workflow) -> History:
    """The round's history by the states and transitions of this workflow.

    NoSuchRound, or OtherWorkflow where no application of the round was ever in a state of it.
    """
    round_ = db.session.execute(sa.select(_ROUNDS).where(_ROUNDS.c.slug == slug)).first()
    if round_ is None:
        raise NoSuchRound(slug=slug)
    opens, closes = datetime.fromisoformat(round_.opens_wall), datetime.fromisoformat(round_.closes_wall)
    hours = _Hours(workflow, opens.date())
    numbers: dict[UUID, int] = {}
    amounts = []
    rows = sa.select(Application.id, Application.requested_minor).where(Application.round_id == round_.id)
    for application_id, requested in db.session.execute(rows.order_by(Application.created_at, Application.id)):
        numbers[application_id] = len(numbers)
        if requested:
            amounts.append(float(Money(requested, round_.currency).amount))
    visits = _visits(workflow, round_.id, numbers, hours)
    if numbers and not visits:
        raise OtherWorkflow(slug=slug, workflow=workflow.id)
    return History(
        name=slug,
        opens=opens.date(),
        closes=closes.date(),
        closing=hours.of_wall(closes),
        budget=float(Money(round_.budget_minor, round_.currency).amount),
        until=max([hours(clock.now()), *(visit.left or visit.came for visit in visits)]),
        amounts=tuple(amounts),
        visits=tuple(visits),
        sheets=tuple(_sheets(workflow, round_.id, numbers, hours)),
    )


class _Hours:
    """Instants as hours since midnight of the opening day, on the workflow's clock."""

    def __init__(self, workflow: Workflow, first: date) -> None:
        self.zone, self.midnight = workflow.zone, datetime.combine(first, time())

    def __call__(self, instant: datetime) -> float:
        return self.of_wall(instant.astimezone(self.zone).replace(tzinfo=None))

    def of_wall(self, wall: datetime) -> float:
        return (wall - self.midnight) / timedelta(hours=1)


def _visits(workflow: Workflow, round_id: UUID, numbers: dict[UUID, int], hours: _Hours) -> Iterable[Visit]:
    columns = (Event.application_id, Event.at, Event.transition, Event.subject, Event.to_state, Event.outcome)
    query = (
        sa.select(*columns)
        .join(Application, Application.id == Event.application_id)
        .where(Application.round_id == round_id)
        .order_by(Event.application_id, Event.seq)
    )
    found: list[Visit] = []
    here: tuple[UUID, str, float] | None = None
    for application_id, instant, transition, subject, to_state, outcome in db.session.execute(query):
        if here is not None and here[0] != application_id:
            found.append(Visit(numbers[here[0]], here[1], here[2], None, None))
            here = None
        at = hours(instant)
        is_step = transition in workflow.transitions and subject is None
        if here is not None:
            if not is_step and to_state == here[1] and outcome is None:
                continue  # something was done there, and it stays
            found.append(Visit(numbers[application_id], here[1], here[2], at, transition if is_step else None))
            here = None
        state = workflow.states.get(to_state or "")
        if state is not None and not state.is_final and outcome is None:
            here = (application_id, state.id, at)
    if here is not None:
        found.append(Visit(numbers[here[0]], here[1], here[2], None, None))
    return found


def _sheets(workflow: Workflow, round_id: UUID, numbers: dict[UUID, int], hours: _Hours) -> Iterable[Sheet]:
    query = (
        sa.select(_REVIEWS)
        .join(Application, Application.id == _REVIEWS.c.application_id)
        .where(Application.round_id == round_id)
        .order_by(_REVIEWS.c.created_at)
    )
    people: dict[UUID, int] = {}
    for row in db.session.execute(query):
        if row.name not in workflow.reviews:
            continue
        is_recused = row.conflict == "declared"
        sent = row.first_sent_at or row.sent_at
        ends = [each for each in (row.closed_at, row.withdrawn_at, row.late_at) if each is not None]
        if is_recused and row.declared_at is not None:
            ends.append(row.declared_at)
        yield Sheet(
            review=row.name,
            application=numbers[row.application_id],
            reviewer=people.setdefault(row.reviewer_id, len(people)),
            asked=hours(row.created_at),
            sent=None if sent is None else hours(sent),
            ended=None if sent is not None or not ends else hours(min(ends)),
            is_recused=is_recused,
        )
