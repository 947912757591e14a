"""What is known of a whole committee: how far it is, who sits on it, who could be asked, and who may look.

Refuses the applying team, whatever other roles its members have, and keeps figures from whoever still has to score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City
from fundflow.applications.queries import application_for
from fundflow.db import canonical_json, db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import commands, definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.reviews import conflicts, policy, reserves
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round
from fundflow.workflow import access, scores
from fundflow.workflow.definition import Workflow
from fundflow.workflow.plans import Plan, plan_of, plans_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the review of one application is, in its present (or last) generation.

    `assigned` counts the recused; `score` and `spread` are None until there is something to say.
    """

    name: str
    generation: int
    assigned: int
    declared: int
    drafts: int
    submitted: int
    recused: int
    needed: int
    score: Decimal | None
    spread: Decimal | None
    maximum: Decimal
    closed_to: frozenset[UUID]
    """Those who sit on the committee and may not see figures yet, or no more."""

    @property
    def quorum_met(self) -> bool:
        return self.submitted >= self.needed

    @property
    def to_declare(self) -> int:
        return self.assigned - self.declared - self.recused


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the group who may be asked, and what keeps them from it."""

    id: UUID
    name: str
    email: str
    load: int
    """Sheets they still owe, of all applications."""
    round_open: int
    """Of these, in this application's round."""
    round_sent: int
    """Sheets they sent in this application's round."""
    conflicts: tuple[Refused, ...]
    is_assigned: bool
    stands_by: bool
    was_before: bool
    """Sent a sheet for this application in an earlier generation."""

    @property
    def is_free(self) -> bool:
        return not self.conflicts and not self.is_assigned

    @property
    def round_load(self) -> int:
        """What they were given in this round, sent or not."""
        return self.round_open + self.round_sent


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the manager's view; `total` only where the reader may see sheets."""

    review: Review
    name: str
    total: Decimal | None
    is_open: bool

    @property
    def may_be_withdrawn(self) -> bool:
        return self.is_open and self.review.withdrawn_at is None and not self.review.is_sent

    @property
    def is_waiting(self) -> bool:
        """A sheet is still owed."""
        return self.is_open and self.review.step in ("declare", "score", "draft")

    @property
    def is_overdue(self) -> bool:
        return self.is_waiting and self.review.due_at < clock.now()


@dataclass(frozen=True, slots=True)
class Committee:
    """One review of one application for those who assign it or read its result."""

    application: Application
    plan: Plan
    city: City
    round_title: str
    round_slug: str
    zone: str
    """Zone in which a due moment is agreed: the round's."""
    generation: int
    may_assign: bool
    may_see_figures: bool
    may_discuss: bool
    """Record now that the committee talked the case over: only who may see the figures that it is about."""
    is_open: bool


def viewer_of(
    actor: Actor,
    application: Application,
    review: Review | Plan,
    *,
    generation: int | None = None,
    roles: frozenset[str] | None = None,
) -> policy.Viewer:
    """What decides about the actor's sight of this application's sheets, read now; `roles` where they are known."""
    roles = commands.roles_of(application, actor) if roles is None else roles
    generation = review.generation if isinstance(review, Review) else generation
    place = db.session.scalar(
        sa.select(Review)
        .where(
            Review.application_id == application.id,
            Review.name == review.name,
            Review.generation == generation,
            Review.reviewer_id == actor.id,
            Review.withdrawn_at.is_(None),
        )
        .limit(1)
    )
    return policy.Viewer(
        id=actor.id,
        is_on_team=actor.id is not None and accounts.is_on_team(actor.id, application.city_id),
        reads_review=review.name in access.cell(workflow_of(application), application.state, roles).view,
        place=place,
        is_blind=plan_of(workflow_of(application), review.name).review.is_blind,
    )


def progress(application_id: UUID, name: str) -> Progress:
    """How far this review is."""
    application = db.session.get_one(Application, application_id)
    return progress_of([application])[application_id, name]


def progress_of(applications: Iterable[Application]) -> dict[tuple[UUID, str], Progress]:
    """How far every review of these applications is; one read of the reviews, however many there are."""
    wanted = {each.id: each for each in applications}
    found: dict[tuple[UUID, str, int], list[Review]] = {}
    for review in db.session.scalars(
        sa.select(Review).where(Review.application_id.in_(wanted), Review.withdrawn_at.is_(None)).order_by(Review.id)
    ):
        found.setdefault((review.application_id, review.name, review.generation), []).append(review)
    entered = _entries(wanted.values())
    answer: dict[tuple[UUID, str], Progress] = {}
    for application in wanted.values():
        for plan in plans_of(definitions.get(application.definition_sha)):
            generation = plan.generation(application, entered.get((application.id, plan.state), 0))
            places = found.get((application.id, plan.name, generation), [])
            answer[application.id, plan.name] = _progress(plan, generation, places)
    return answer


def _progress(plan: Plan, generation: int, places: Collection[Review]) -> Progress:
    recused = sum(each.is_recused for each in places)
    totals = [each.score for each in places if each.is_sent and each.score is not None]
    return Progress(
        name=plan.name,
        generation=generation,
        assigned=len(places),
        declared=sum(each.is_declared_free for each in places),
        drafts=sum(each.step == "draft" for each in places),
        submitted=len(totals),
        recused=recused,
        needed=scores.needed(plan.review.quorum, plan.review.share, len(places), recused),
        score=scores.AGGREGATES[plan.review.aggregate](totals),
        spread=scores.spread(totals),
        maximum=Decimal(plan.review.scale),
        closed_to=frozenset(
            each.reviewer_id for each in places if not policy.is_open_to_figures(each, plan.review.is_blind)
        ),
    )


def record(application: Application, name: str) -> dict[str, Any]:
    """What the review of a name comes to, as plain data for the audit trail, with the digest of every sent sheet."""
    plan = plan_of(workflow_of(application), name)
    entered = _entries([application]).get((application.id, plan.state), 0)
    found = db.session.scalars(
        sa.select(Review)
        .where(
            Review.application_id == application.id,
            Review.name == name,
            Review.generation == entered,
            Review.withdrawn_at.is_(None),
        )
        .order_by(Review.sent_at, Review.id)
    ).all()
    figures = _progress(plan, entered, found)
    return {
        "generation": entered,
        "assigned": figures.assigned,
        "recused": figures.recused,
        "submitted": figures.submitted,
        "score": figures.score,
        "spread": figures.spread,
        "sheets": [
            {
                "id": each.id,
                "score": each.score,
                "sha256": _digest(each.data),
                **(
                    {"first": {"score": each.first_score, "sha256": _digest(each.first_data)}}
                    if each.is_revised
                    else {}
                ),
            }
            for each in found
            if each.is_sent
        ],
    }


def _digest(data: Any) -> str:
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def committee_for(actor: Actor, application_id: UUID, name: str | None = None) -> Committee:
    """A review of the application for someone who assigns it, records its discussion or whose cell has it.

    Without a name the one at hand.

    NotFound for everybody else, and for the applying team whatever other roles they have.
    """
    if actor.id is None:
        raise NotFound
    # Whoever must stay away from the case, recused or not declared yet, does not choose who reviews it either.
    application = application_for(actor, application_id)
    roles = commands.roles_of(application, actor)
    workflow = workflow_of(application)
    readable = access.cell(workflow, application.state, roles).view
    plans = [
        plan
        for plan in plans_of(workflow)
        if (plan.review.assigned_by | plan.review.discussed_by) & roles or plan.name in readable
    ]
    if name is not None:
        plans = [plan for plan in plans if plan.name == name]
    if not plans:
        raise NotFound
    plan = next((each for each in plans if each.takes_assignments(application)), plans[-1])
    generation = generation_of(application, plan)
    viewer = viewer_of(actor, application, plan, generation=generation, roles=roles)
    if viewer.is_on_team:
        raise NotFound
    round_ = db.session.get_one(Round, application.round_id)
    is_chair = bool(plan.review.discussed_by & roles)
    may_see_figures = policy.may_see_figures(viewer, is_chair=is_chair)
    return Committee(
        application=application,
        plan=plan,
        city=db.session.get_one(City, application.city_id),
        round_title=round_.title,
        round_slug=round_.slug,
        zone=round_.zone,
        generation=generation,
        may_assign=bool(plan.review.assigned_by & roles),
        may_see_figures=may_see_figures,
        may_discuss=is_chair and may_see_figures and application.state == plan.state and application.outcome is None,
        is_open=plan.takes_assignments(application),
    )


def places_of(committee: Committee) -> list[Place]:
    """Everybody who was asked in this generation, by name, the withdrawn last; two reads."""
    found = list(
        db.session.scalars(
            sa.select(Review).where(
                Review.application_id == committee.application.id,
                Review.name == committee.plan.name,
                Review.generation == committee.generation,
            )
        )
    )
    names = accounts.people_named({each.reviewer_id for each in found})
    places = [
        Place(
            review=each,
            name=names[each.reviewer_id],
            total=each.score if committee.may_see_figures else None,
            is_open=committee.is_open,
        )
        for each in found
    ]
    return sorted(places, key=lambda place: (place.review.withdrawn_at is not None, place.name.casefold()))


def withdrawable_for(committee: Committee, review_id: UUID) -> Place:
    """A place that whoever assigns may take back: open, not sent and not withdrawn; else NotFound."""
    found = next((place for place in places_of(committee) if place.review.id == review_id), None)
    if found is None or not found.may_be_withdrawn or not committee.may_assign:
        raise NotFound
    return found


def candidates_for(committee: Committee) -> list[Candidate]:
    """The people of the group that the workflow assigns from, those who are free and owe least first."""
    application, plan = committee.application, committee.plan
    people = accounts.people_in_group(plan.review.group, application.round_id) if plan.review.group else []
    ids = {person.id for person in people}
    found = conflicts.conflicts_of(application, people, plan.review.conflicts, plan.own_forms)
    loads = loads_of(ids, application.round_id)
    standing = {each.person_id for each in reserves.waiting(application.id, plan.name, committee.generation)}
    here = db.session.execute(
        sa.select(Review.reviewer_id, Review.generation, Review.sent_at).where(
            Review.application_id == application.id, Review.name == plan.name, Review.withdrawn_at.is_(None)
        )
    ).all()
    assigned = {person for person, generation, _sent in here if generation == committee.generation}
    before = {person for person, generation, sent in here if generation < committee.generation and sent}
    candidates = [
        Candidate(
            id=person.id,
            name=person.name or person.email,
            email=person.email,
            load=loads[person.id].owed,
            round_open=loads[person.id].round_open,
            round_sent=loads[person.id].round_sent,
            conflicts=tuple(found[person.id]),
            is_assigned=person.id in assigned,
            stands_by=person.id in standing,
            was_before=person.id in before,
        )
        for person in people
    ]
    return sorted(candidates, key=lambda each: (not each.is_free, each.load, each.name.casefold()))


def workflow_of(application: Application) -> Workflow:
    """The workflow that the application is pinned to."""
    return definitions.get(application.definition_sha)


def generation_of(application: Application, plan: Plan) -> int:
    """The generation that counts now, or that assignments made now will belong to."""
    return plan.generation(application, entries_of(application, plan.state))


def entries_of(application: Application, state: str) -> int:
    """How often the application has come to the state."""
    return _entries([application]).get((application.id, state), 0)


def _entries(applications: Iterable[Application]) -> dict[tuple[UUID, str], int]:
    """How often each application has come to each state; one read."""
    rows = db.session.execute(
        sa.select(Event.application_id, Event.to_state, sa.func.count())
        .where(
            Event.application_id.in_([each.id for each in applications]),
            Event.to_state.is_not(None),
            Event.subject.is_(None),
            sa.or_(Event.from_state.is_(None), Event.from_state != Event.to_state),
        )
        .group_by(Event.application_id, Event.to_state)
    )
    return {(application, state): count for application, state, count in rows if state is not None}


@dataclass(frozen=True, slots=True)
class Load:
    """What one reviewer has to do and did: sheets still owed anywhere, and in one round those owed and those sent."""

    owed: int = 0
    round_open: int = 0
    round_sent: int = 0

    @property
    def round_load(self) -> int:
        """What they were given in the round, sent or not."""
        return self.round_open + self.round_sent


def loads_of(people: Collection[UUID], round_id: UUID) -> dict[UUID, Load]:
    """The load of each of these people; one read. Sheets of every generation were work, so they all count as sent."""
    is_owed = sa.and_(
        Review.sent_at.is_(None),
        sa.or_(Review.conflict.is_(None), Review.conflict == "none"),
        policy.is_open(),
    )
    in_round = Application.round_id == round_id

    def count(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*which), 1), else_=0)), 0)

    rows = db.session.execute(
        sa.select(
            Review.reviewer_id,
            count(is_owed),
            count(is_owed, in_round),
            count(Review.sent_at.is_not(None), in_round),
        )
        .join(Application, Application.id == Review.application_id)
        .where(Review.reviewer_id.in_(people), Review.withdrawn_at.is_(None))
        .group_by(Review.reviewer_id)
    )
    found = {person: Load(int(owed), int(open_), int(sent)) for person, owed, open_, sent in rows}
    return {person: found.get(person, Load()) for person in people}
