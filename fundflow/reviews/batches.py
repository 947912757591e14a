"""All applications of a round that still lack reviewers, with a suggestion for each that is balanced over all of them.

Refuses whoever assigns reviewers to none of them; each application is decided on again when people are asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts import queries as accounts
from fundflow.applications.policy import visible_to
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.reviews import committees, conflicts, suggestions
from fundflow.reviews.committees import Progress
from fundflow.reviews.models import Review, StandBy
from fundflow.reviews.suggestions import Need, Suggestion
from fundflow.rounds.models import Round
from fundflow.rounds.queries import round_for
from fundflow.workflow.definition import Workflow
from fundflow.workflow.plans import Plan, plans_of

AT_MOST = 100
"""How many applications one page takes; the rest follows once these have their reviewers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One review of one application that lacks people, and who is suggested."""

    application: Application
    city: str
    plan: Plan
    missing: int
    suggestion: Suggestion

    @property
    def key(self) -> str:
        """What names this line in a form."""
        return f"{self.application.id}:{self.plan.name}"


@dataclass(frozen=True, slots=True)
class Batch:
    """The lines by number, and the people by id: their name and what they were given in this round."""

    round: Round
    lines: tuple[Line, ...]
    names: Mapping[UUID, str]
    loads: Mapping[UUID, committees.Load]


def batch_for(actor: Actor, slug: str) -> Batch:
    """Every application of the round that lacks reviewers whom the actor assigns; as many reads however many there are.

    NotFound for whoever assigns nobody in this round.
    """
    if actor.id is None:
        raise NotFound
    round_ = round_for(actor, slug)
    found = db.session.scalars(
        sa.select(Application)
        .where(
            Application.round_id == round_.id,
            Application.outcome.is_(None),
            Application.city_id.not_in(actor.city_ids),
            visible_to(actor),
        )
        .order_by(Application.number, Application.id)
    ).all()
    held = {sha: _held(actor, definitions.get(sha), round_.id) for sha in {a.definition_sha for a in found}}
    by_group = any(held.values()) or _held(actor, definitions.get(round_.definition_sha), round_.id)
    if not by_group and all(each.officer_id != actor.id for each in found):
        raise NotFound
    open_ = [
        (application, plan)
        for application in found
        for plan in plans_of(definitions.get(application.definition_sha))
        if plan.takes_assignments(application) and _assigns(actor, application, plan, held[application.definition_sha])
    ]
    progress = committees.progress_of({application.id: application for application, _plan in open_}.values())
    lacking = [each for each in open_ if _missing(each[1], progress[each[0].id, each[1].name])][:AT_MOST]
    return _batch(round_, lacking, progress)


def _batch(
    round_: Round, lacking: list[tuple[Application, Plan]], progress: Mapping[tuple[UUID, str], Progress]
) -> Batch:
    groups = {plan.review.group for _application, plan in lacking if plan.review.group}
    members = {group: accounts.people_in_group(group, round_.id) for group in sorted(groups)}
    people = {person.id: person for group in members.values() for person in group}
    tied = conflicts.conflicts_among(
        [conflicts.Subject(a, plan.review.conflicts, plan.own_forms) for a, plan in lacking], list(people.values())
    )
    loads = committees.loads_of(people, round_.id)
    taken, waiting = _taken([application.id for application, _plan in lacking])
    needs: dict[tuple[UUID, str], Need] = {}
    for application, plan in lacking:
        at = (application.id, plan.name, progress[application.id, plan.name].generation)
        free = [
            person
            for person in members.get(plan.review.group or "", [])
            if not tied[application.id, person.id] and (*at, person.id) not in taken
        ]
        free.sort(key=lambda each: (loads[each.id].round_load, loads[each.id].owed, each.name.casefold(), str(each.id)))
        needs[application.id, plan.name] = Need(
            id=UUID(int=len(needs)),
            people=_missing(plan, progress[application.id, plan.name]),
            reserve=max(plan.review.reserve - waiting.get(at, 0), 0),
            free=tuple(each.id for each in free),
        )
    suggested = suggestions.for_all(list(needs.values()), {person: loads[person].round_load for person in people})
    cities = accounts.cities_named({application.city_id for application, _plan in lacking})
    return Batch(
        round=round_,
        lines=tuple(
            Line(
                application=application,
                city=cities[application.city_id].name,
                plan=plan,
                missing=needs[application.id, plan.name].people,
                suggestion=suggested[needs[application.id, plan.name].id],
            )
            for application, plan in lacking
        ),
        names={person.id: person.name or person.email for person in people.values()},
        loads=loads,
    )


def _held(actor: Actor, workflow: Workflow, round_id: UUID) -> frozenset[str]:
    """The roles by group that the actor holds in the round and that assign reviewers."""
    assigning = {role for plan in plans_of(workflow) for role in plan.review.assigned_by}
    groups = {workflow.roles[role].group for role in assigning if workflow.roles[role].kind == "group"}
    mine = {
        group for group in sorted(filter(None, groups)) if actor.id and accounts.is_in_group(actor.id, group, round_id)
    }
    return frozenset(role for role in assigning if workflow.roles[role].group in mine)


def _assigns(actor: Actor, application: Application, plan: Plan, held: frozenset[str]) -> bool:
    """By group, or as the one person in charge of the application."""
    is_officer = application.officer_id is not None and application.officer_id == actor.id
    return any(
        role in held or (is_officer and plan.workflow.roles[role].kind == "field") for role in plan.review.assigned_by
    )


def _missing(plan: Plan, progress: Progress) -> int:
    return max(plan.review.count - progress.assigned + progress.recused, 0)


def _taken(
    applications: Collection[UUID],
) -> tuple[set[tuple[UUID, str, int, UUID]], dict[tuple[UUID, str, int], int]]:
    """Who holds a place or stands by, by application, review and generation, and how many stand by; two reads."""
    seated = db.session.execute(
        sa.select(Review.application_id, Review.name, Review.generation, Review.reviewer_id).where(
            Review.application_id.in_(applications), Review.withdrawn_at.is_(None)
        )
    ).all()
    standing = db.session.execute(
        sa.select(StandBy.application_id, StandBy.name, StandBy.generation, StandBy.person_id).where(
            StandBy.application_id.in_(applications), StandBy.called_at.is_(None), StandBy.dropped_at.is_(None)
        )
    ).all()
    waiting: dict[tuple[UUID, str, int], int] = {}
    for application, name, generation, _person in standing:
        waiting[application, name, generation] = waiting.get((application, name, generation), 0) + 1
    return {(a, name, generation, person) for a, name, generation, person in (*seated, *standing)}, waiting
