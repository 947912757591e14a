"""What the desk reads: the work that waits, the pipeline with its counts and sums, and what stands around a list.

Every list is one query whatever its length, and goes through the same policy as the pages it links to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City, Invitation
from fundflow.accounts.policy import AUDITORS, MANAGERS
from fundflow.applications import policy
from fundflow.applications.models import Answers
from fundflow.applications.queries import Row
from fundflow.db import db
from fundflow.desk.masks import Masks
from fundflow.errors import NotFound
from fundflow.lifecycle import audit, definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.audit import Report
from fundflow.lifecycle.models import Application, Event, Timer
from fundflow.money import Money
from fundflow.rounds.models import Round
from fundflow.rounds.policy import scopes, within
from fundflow.workflow import access
from fundflow.workflow.definition import Workflow

STAFF = policy.SEE_ROUNDS
SOON = timedelta(days=7)
AT_MOST = 100
"""How many applications a home page looks through; the pipeline has the rest."""


@dataclass(frozen=True, slots=True)
class Heap:
    """How many applications stand in one state (or ended in one way) in one round, and what they ask for together."""

    round_id: UUID
    definition_sha: str
    state: str
    outcome: str | None
    count: int
    requested: Money


@dataclass(frozen=True, slots=True)
class Lapsing:
    """Unsent applications of a round whose time runs out soon."""

    round_title: str
    count: int
    due_at: datetime


def _rows() -> sa.Select[Application, str, str, str, str, datetime]:
    return (
        sa.select(Application, City.name, City.country, Round.title, Round.slug, Round.closes_at)
        .join(City, City.id == Application.city_id)
        .join(Round, Round.id == Application.round_id)
    )


def workflows_in_use() -> dict[str, Workflow]:
    """The workflows that published rounds run on, by digest."""
    shas = db.session.scalars(sa.select(Round.definition_sha).where(Round.status == "published").distinct())
    return {sha: definitions.get(sha) for sha in shas}


def work_for(actor: Actor, workflows: Mapping[str, Workflow]) -> list[Row]:
    """Running applications of the actor's cities, those they are named on, those where a group of theirs leads on."""
    ways: list[sa.ColumnElement[bool]] = []
    if actor.city_ids:
        ways.append(Application.city_id.in_(actor.city_ids))
    names_people = any(role.kind == "field" for workflow in workflows.values() for role in workflow.roles.values())
    if names_people and (actor.groups or actor.lent):
        ways.append(Application.officer_id.in_({actor.id, *actor.stands_in_for}))
    for group in sorted({name for name, _scope in actor.groups | actor.lent}):
        places = [
            sa.and_(Application.definition_sha == sha, Application.state.in_(states))
            for sha, workflow in workflows.items()
            if (states := states_of(workflow, group))
        ]
        places += [
            sa.and_(Application.definition_sha == sha, Application.officer_id.is_(None))
            for sha, workflow in workflows.items()
            if _names_people(workflow, group)
        ]
        if places:
            ways.append(sa.and_(_reached(actor, group), sa.or_(*places)))
    if not ways:
        return []
    query = (
        _rows()
        .where(Application.outcome.is_(None), sa.or_(*ways), policy.visible_to(actor))
        .order_by(Application.state_since, Application.id)
        .limit(AT_MOST)
    )
    return [Row(*row) for row in db.session.execute(query)]


def states_of(workflow: Workflow, group: str) -> list[str]:
    """The states from which a role of this group leads on, or in which it assigns, checks, signs or moves children."""
    roles = _roles_of(workflow, group)
    found = {
        state
        for transition in workflow.transitions.values()
        for state in transition.sources
        if transition.by_from(state) & roles
    }
    found |= {review.state for review in workflow.reviews.values() if review.assigned_by & roles}
    for state in workflow.states.values():
        signers = set(state.signatures.parties.values()) if state.signatures else set()
        if signers & roles or any(task.by & roles for task in state.tasks.values()):
            found.add(state.id)
        seen = access.cell(workflow, state.id, roles).view
        if not state.is_final and any(
            step.by & roles
            for kind in workflow.children.values()
            if kind.id in seen
            for step in kind.transitions.values()
        ):
            found.add(state.id)
    told = [timer for timer in workflow.timers.values() if roles & set(timer.if_blocked)]
    found |= {state for timer in told if not timer.child for state in timer.states}
    return sorted(found)


def _roles_of(workflow: Workflow, group: str) -> set[str]:
    return {role.id for role in workflow.roles.values() if role.kind == "group" and role.group == group}


def _names_people(workflow: Workflow, group: str) -> bool:
    """Whether this group chooses who is in charge."""
    roles = _roles_of(workflow, group)
    return any(role.kind == "field" and role.assigned_by & roles for role in workflow.roles.values())


def _reached(actor: Actor, *groups: str) -> sa.ColumnElement[bool]:
    reached = scopes(actor, *groups)
    return sa.true() if reached is None else Application.round_id.in_(reached)


def staff_sees(actor: Actor) -> sa.ColumnElement[bool]:
    """Applications of the rounds on which the actor works for the fund, without what stays hidden from them."""
    return sa.and_(_reached(actor, *STAFF), policy.visible_to(actor))


def ended_of(actor: Actor, limit: int = 10) -> list[Row]:
    """Applications of the actor's cities that have come to an end, the latest first."""
    if not actor.city_ids:
        return []
    query = (
        _rows()
        .where(Application.outcome.is_not(None), Application.city_id.in_(actor.city_ids), policy.visible_to(actor))
        .order_by(Application.state_since.desc(), Application.id)
        .limit(limit)
    )
    return [Row(*row) for row in db.session.execute(query)]


def answers_of(ids: Collection[UUID]) -> dict[UUID, dict[str, Answers]]:
    """What stands in the forms of these applications; one query."""
    found: dict[UUID, dict[str, Answers]] = {}
    if ids:
        for row in db.session.scalars(sa.select(Answers).where(Answers.application_id.in_(ids))):
            found.setdefault(row.application_id, {})[row.form] = row
    return found


def timers_of(ids: Collection[UUID]) -> dict[UUID, list[Timer]]:
    """The running timers of these applications, and those that fired in the present state; the next one first."""
    found: dict[UUID, list[Timer]] = {}
    if ids:
        is_of_now = sa.and_(
            Timer.status == "fired",
            sa.or_(Timer.created_at >= Application.state_since, Timer.retry_at.is_not(None)),
        )
        query = (
            sa.select(Timer)
            .join(Application, Application.id == Timer.application_id)
            .where(Timer.application_id.in_(ids), sa.or_(Timer.status == "armed", is_of_now))
            .order_by(Timer.due_at, Timer.name)
        )
        for timer in db.session.scalars(query):
            found.setdefault(timer.application_id, []).append(timer)
    return found


def last_events(ids: Collection[UUID], also_earlier: Collection[UUID] = ()) -> dict[UUID, list[Event]]:
    """The latest event of each of these applications, and every event of those named twice; one query."""
    found: dict[UUID, list[Event]] = {}
    if not ids:
        return found
    query = (
        sa.select(Event)
        .join(Application, Application.id == Event.application_id)
        .where(
            Application.id.in_(ids),
            sa.or_(Application.revision == Event.seq, Application.id.in_(also_earlier)),
        )
        .order_by(Event.seq)
    )
    for event in db.session.scalars(query):
        found.setdefault(event.application_id, []).append(event)
    return found


def lapsing(actor: Actor) -> list[Lapsing]:
    """Unsent applications in the rounds the actor manages whose deadline is near, by round."""
    now = clock.now()
    query = (
        sa.select(Round.title, sa.func.count(), sa.func.min(Round.closes_at))
        .join(Application, Application.round_id == Round.id)
        .where(
            within(actor, MANAGERS),
            Round.closes_at > now,
            Round.closes_at <= now + SOON,
            Application.outcome.is_(None),
            Application.submitted_at.is_(None),
        )
        .group_by(Round.id, Round.title)
        .order_by(sa.func.min(Round.closes_at))
    )
    return [Lapsing(*row) for row in db.session.execute(query)]


def heaps(actor: Actor, masks: Masks, narrow: Iterable[sa.ColumnElement[bool]] = ()) -> list[Heap]:
    """Counts and exact sums by round, state and outcome. What was never sent counts, but its amount does not.

    A state is the one that the actor is shown.
    """
    each = (
        sa.select(
            Application.round_id,
            Application.definition_sha,
            masks.state.label("state"),
            Application.outcome,
            Application.currency,
            sa.case((Application.submitted_at.is_not(None), Application.requested_minor), else_=0).label("asked"),
        )
        .join(City, City.id == Application.city_id)
        .where(staff_sees(actor), *narrow)
        .subquery()
    )
    keys = (each.c.round_id, each.c.definition_sha, each.c.state, each.c.outcome, each.c.currency)
    query = sa.select(*keys, sa.func.count(), sa.func.coalesce(sa.func.sum(each.c.asked), 0)).group_by(*keys)
    return [
        Heap(round_id, sha, state, outcome, count, Money(int(minor), currency))
        for round_id, sha, state, outcome, currency, count, minor in db.session.execute(query)
    ]


def invitations_for(actor: Actor) -> list[tuple[str | None, str | None]]:
    """Open invitations sent to the actor's address: (name of the city, group of the fund)."""
    if not actor.email:
        return []
    query = (
        sa.select(City.name, Invitation.group)
        .select_from(Invitation)
        .outerjoin(City, City.id == Invitation.city_id)
        .where(
            sa.func.lower(Invitation.email) == actor.email.lower(),
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > clock.now(),
        )
        .order_by(Invitation.created_at)
    )
    return [(city, group) for city, group in db.session.execute(query)]


def verified(actor: Actor) -> Report:
    """The check of every chain that an auditor may look into: all of them, or those of their rounds."""
    return audit.verify(None if scopes(actor, AUDITORS) is None else staff_sees(actor))


def record_for(actor: Actor, round_id: str | None, number: str | None) -> sa.ColumnElement[bool]:
    """The applications whose record an auditor takes home, as a clause: those they may look into, or fewer of them."""
    chosen = [sa.true() if scopes(actor, AUDITORS) is None else staff_sees(actor)]
    if round_id:
        try:
            chosen.append(Application.round_id == UUID(round_id))
        except ValueError:
            raise NotFound from None
    if number:
        chosen.append(Application.number == number)
    return sa.and_(*chosen)
