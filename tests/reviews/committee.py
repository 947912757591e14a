"""A small workflow with one review, and applications that stand in it: what the tests of reviews begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City, User
from fundflow.applications.models import Answers
from fundflow.db import db
from fundflow.lifecycle import commands, definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.reviews import committees, service
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round, Window
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from tests.people import a_city, a_group_member, a_person

MAIN = """
format: fundflow/1
workflow: reviewed-grant
version: 1
title: Reviewed grant
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  officer: {is: group, group: fund-managers}
  auditor: {is: group, group: auditors}
  reviewer: {is: panel, review: panel}
forms: {proposal: proposal.yaml, score: score.yaml}
states:
  draft: {edit: {applicant: [proposal]}}
  review: {view: {applicant: [proposal], reviewer: [proposal], officer: [proposal, panel], auditor: [panel]}}
  approved: {final: success, view: {applicant: [proposal], officer: [proposal, panel], reviewer: [proposal]}}
reviews:
  panel:
    in: review
    form: score
    by: reviewer
    assign: {by: officer, group: reviewers, count: 3}
    conflicts: [declared, same_organisation, same_country]
    quorum: {count: 2, share: 0.6}
    due: 10 days
transitions:
  submit: {from: draft, to: review, by: applicant}
  send_back: {from: review, to: draft, by: officer}
  approve:
    from: review
    to: approved
    by: officer
    when:
      - {quorum: panel}
      - if: reviews.panel.score != null && reviews.panel.score >= 6.0
        else: {en: "Score {reviews.panel.score} is below 6."}
  withdraw: {from: [draft, review], end: withdrawn, by: applicant}
"""
WITH_RESERVE = MAIN.replace("count: 3}", "count: 3, reserve: 2}")
"""The same with two stand-bys."""
DISCUSSED = (
    MAIN.replace("  auditor: {is", "  chair: {is: group, group: committee-chairs}\n  auditor: {is")
    .replace("auditor: [panel]}", "auditor: [panel], chair: [proposal, panel]}")
    .replace("    quorum: {count", "    discussed_by: chair\n    quorum: {count")
    .replace("end: withdrawn, by: applicant}", "end: withdrawn, by: applicant, do: [{cancel: reviews}]}")
)
"""The same with a chair who records discussions; withdrawing it cancels its reviews."""
PROPOSAL = """
title: Proposal
sections:
  project: {title: Project, fields: {summary: {type: long_text, label: Summary, words: 50, required: true}}}
"""
SCORE = """
title: Score sheet
sections:
  criteria:
    title: Criteria
    fields:
      impact:
        {type: score, label: Impact, max: 10, weight: 60, required: true, anchors: {0: Nobody gains, 10: Many gain}}
      impact_why: {type: long_text, label: Why this score for impact, words: 80, required: true}
      delivery:
        {type: score, label: Delivery, max: 5, weight: 40, required: true, anchors: {0: No plan, 5: A sound plan}}
      delivery_why: {type: long_text, label: Why this score for delivery, words: 80, required: true}
"""
FULL: dict[str, Any] = {"impact": "8", "impact_why": "Well argued.", "delivery": "3", "delivery_why": "Thin plan."}
"""A finished sheet: 60 % of 8/10 and 40 % of 3/5 on a scale of ten is 7.20."""


def a_workflow(main: str = MAIN) -> Workflow:
    return loader.load(
        {"reviewed_grant.yaml": main, "proposal.yaml": PROPOSAL, "score.yaml": SCORE}, "reviewed_grant.yaml"
    )


def a_round(workflow: Workflow | None = None, *, slug: str = "inclusion", title: str = "Inclusion 2027") -> Round:
    """A published round that is open now, on the clock of Nairobi. Committed."""
    now = clock.now()
    window = Window(name=f"Window of {slug}")
    db.session.add(window)
    db.session.flush()
    opens, closes = now - timedelta(days=30), now + timedelta(days=30)
    round_ = Round(
        window_id=window.id,
        slug=slug,
        title=title,
        zone="Africa/Nairobi",
        opens_wall=opens.strftime("%Y-%m-%dT%H:%M"),
        closes_wall=closes.strftime("%Y-%m-%dT%H:%M"),
        opens_at=opens,
        closes_at=closes,
        currency="EUR",
        floor_minor=1_000_00,
        cap_minor=100_000_00,
        budget_minor=500_000_00,
        definition_sha=definitions.keep(workflow or a_workflow()),
        status="published",
        published_at=now,
    )
    db.session.add(round_)
    db.session.commit()
    return round_


def actor(person: User) -> Actor:
    """The person as the gate reads them."""
    return accounts.actor_for(person.id)


class Scene:
    """One application under review, and the people around it."""

    def __init__(self, *, title: str = "A house for newcomers", workflow: Workflow | None = None) -> None:
        self.applicant = a_person("amina@lund.example", "Amina Team")
        self.manager = a_group_member("fund-managers", "mona@fund.example")
        self.city = a_city("Lund", team=[(self.applicant, "focal_point")])
        self.round = a_round(workflow)
        self.application = self.another(title=title)

    def another(self, title: str = "Another", city: City | None = None, applicant: User | None = None) -> Application:
        """A submitted application of the city. Committed."""
        who = actor(applicant or self.applicant)
        application = commands.begin(
            round_id=self.round.id,
            city_id=(city or self.city).id,
            definition_sha=self.round.definition_sha,
            currency="EUR",
            actor=who,
            key=uuid4().hex,
            title=title,
        )
        db.session.add(
            Answers(
                application_id=application.id,
                form="proposal",
                revision=1,
                data={"summary": "Rooms for forty families."},
                saved_at=clock.now(),
                saved_by=who.id,
            )
        )
        db.session.commit()
        self.fire("submit", application, by=applicant or self.applicant)
        return application

    def fire(self, transition: str, application: Application | None = None, *, by: User | None = None) -> None:
        """Let a transition happen. Committed."""
        application = application or self.application
        db.session.refresh(application)
        commands.fire(
            application.id,
            transition,
            actor=actor(by or self.manager),
            key=uuid4().hex,
            revision=application.revision,
        )
        db.session.commit()

    def reviewer(self, name: str = "Rosa Reader", email: str = "") -> User:
        """Somebody of the reviewers' group. Committed."""
        person = a_group_member("reviewers", email or f"{name.partition(' ')[0].lower()}@panel.example")
        person.name = name
        db.session.commit()
        return person

    def committee(self, application: Application | None = None, by: User | None = None) -> committees.Committee:
        return committees.committee_for(actor(by or self.manager), (application or self.application).id)

    def ask(
        self,
        *people: User,
        application: Application | None = None,
        wall: str = "",
        reserve: Sequence[User] = (),
    ) -> list[Review]:
        """The manager asks these people, and has those of the reserve stand by. Committed."""
        places = service.assign(
            self.committee(application),
            [person.id for person in people],
            wall_time=wall or in_days(10),
            reserve=[person.id for person in reserve],
            actor=actor(self.manager),
        )
        db.session.commit()
        return places

    def ready(self, *people: User, application: Application | None = None) -> list[Review]:
        """These people are asked and declare to have no conflict. Committed."""
        places = self.ask(*people, application=application)
        for person, place in zip(people, places, strict=True):
            service.declare(place.id, has_conflict=False, actor=actor(person))
        db.session.commit()
        return places

    def recuse(self, place: Review, person: User) -> None:
        """The person declares a conflict. Committed."""
        service.declare(place.id, has_conflict=True, reason="Family", actor=actor(person))
        db.session.commit()

    def score(self, place: Review, person: User, data: Mapping[str, Any] | None = None, *, send: bool = True) -> Review:
        """The person fills in their sheet and sends it. Committed."""
        saved = service.save(place.id, data or FULL, revision=place.revision, actor=actor(person))
        if send:
            service.send(place.id, revision=saved.revision, actor=actor(person))
        db.session.commit()
        return place


def in_days(days: float) -> str:
    """A wall time on Nairobi's clock."""
    return (clock.now() + timedelta(days=days)).astimezone(ZoneInfo("Africa/Nairobi")).strftime("%Y-%m-%dT%H:%M")


def place_of(application_id: UUID, person: User) -> Review:
    """The place as the database has it."""
    return db.session.scalars(
        sa.select(Review)
        .where(Review.application_id == application_id, Review.reviewer_id == person.id, Review.withdrawn_at.is_(None))
        .execution_options(populate_existing=True)
    ).one()
