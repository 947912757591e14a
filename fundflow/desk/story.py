"""One application as one person may see it: where it stands, what comes next, who acts, and what happened.

It tells a city nothing that its workflow disguises, a reviewer no reasons and no names, and nobody a form outside
their cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City
from fundflow.applications import queries as applications
from fundflow.awards import queries as awards
from fundflow.awards.models import Document
from fundflow.desk.queries import STAFF
from fundflow.errors import NotFound
from fundflow.lifecycle import commands, definitions, timers
from fundflow.lifecycle import queries as lifecycle
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.lifecycle.record import STARTED
from fundflow.money import Money
from fundflow.payments import policy as money_policy
from fundflow.payments import queries as payments
from fundflow.payments.models import Payment
from fundflow.reviews import queries as reviews
from fundflow.reviews.committees import Committee, Progress, committee_for
from fundflow.rounds import process
from fundflow.rounds.models import Round
from fundflow.web import reader
from fundflow.workflow.access import Cell
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import SYSTEM, Transition, Workflow


@dataclass(frozen=True, slots=True)
class Way:
    """A step the person could take: allowed, or refused with the sentences of what is missing."""

    id: str
    label: str
    help: str
    is_allowed: bool
    refusals: list[str]
    tone: str


@dataclass(frozen=True, slots=True)
class FormLink:
    """A form of the person's cell, with how far its answers are."""

    id: str
    title: str
    is_editable: bool
    missing: int
    saved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history."""

    title: str
    by: str
    at: datetime
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the path."""

    label: str
    state: str
    hint: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A moment that something must have happened by."""

    label: str
    at: datetime
    is_late: bool


@dataclass(frozen=True, slots=True)
class Review:
    """How far a review is, for those whose cell shows it or who assign it; figures only where they may be seen."""

    committee: Committee
    progress: Progress


@dataclass(frozen=True, slots=True)
class Story:
    """Everything on an application's page."""

    application: Application
    workflow: Workflow
    round: Round
    city: City
    roles: frozenset[str]
    cell: Cell
    is_of_fund: bool
    is_of_team: bool
    place: str
    is_ended: bool
    path: list[Stop]
    ways: list[Way]
    next: list[str]
    dues: list[Due]
    forms: list[FormLink]
    documents: Sequence[Document]
    review: Review | None
    own_review: reviews.Case | None
    payments: Sequence[Payment]
    history: list[Happened]
    people: Sequence[accounts.Colleague]

    @property
    def is_private(self) -> bool:
        """What the city has not sent yet is its own: others are told only that there is an application."""
        return not self.is_of_team and self.application.submitted_at is None

    @property
    def title(self) -> str:
        """Its title, for whoever may know it; empty where there is none to show."""
        return "" if self.is_private else self.application.title

    @property
    def requested(self) -> Money | None:
        """What is asked for, for whoever may know it."""
        minor = None if self.is_private else self.application.requested_minor
        return None if minor is None else Money(minor, self.application.currency)


def story_of(actor: Actor, application: Application, now: datetime) -> Story:
    """The application's page for this actor, who may know of it already."""
    language = reader.language()
    workflow = definitions.get(application.definition_sha)
    roles = commands.roles_of(application, actor)
    cell = commands.cell_of(application, actor)
    shown = commands.shown_state_of(application, actor)
    decisions = commands.available(application, actor)
    is_of_fund = actor.is_in(*STAFF, round_id=application.round_id)
    is_of_team = application.city_id in actor.city_ids
    team = accounts.team_of(application.city_id)
    events = lifecycle.history(application.id)
    ended = _end_label(workflow, application, language)
    return Story(
        application=application,
        workflow=workflow,
        round=applications.round_of(application),
        city=applications.city_of(application),
        roles=roles,
        cell=cell,
        is_of_fund=is_of_fund,
        is_of_team=is_of_team,
        place=ended or workflow.states[shown].label.in_(language),
        is_ended=application.outcome is not None,
        path=_path(workflow, shown, ended, application.outcome is not None, language),
        ways=[_way(workflow, each, application.state, language) for each in decisions],
        next=_next(workflow, application, shown, language),
        dues=_dues(workflow, application, now, language),
        forms=_forms(workflow, application, cell, language),
        documents=awards.documents_of(actor, application),
        review=_review(actor, application),
        own_review=_own_review(actor, application),
        payments=payments.payments_of(application.id) if money_policy.may_see_payments(actor, application) else [],
        history=_history(workflow, events, Viewer(is_of_fund, is_of_team, actor, roles, team), language),
        people=team if is_of_fund or is_of_team else [],
    )


def _end_label(workflow: Workflow, application: Application, language: str) -> str:
    """The outcome of an application that ended off the path; empty while it runs and in a final state."""
    outcome = application.outcome
    if outcome is None or workflow.states[application.state].is_final:
        return ""
    return workflow.outcomes[outcome].in_(language) if outcome in workflow.outcomes else outcome


def place_label(workflows: Mapping[str, Workflow], application: Application, language: str) -> str:
    """Where an application stands, in one word; its outcome once it has ended off the path."""
    workflow = workflows.get(application.definition_sha) or definitions.get(application.definition_sha)
    ended = _end_label(workflow, application, language)
    return ended or workflow.states[application.state].label.in_(language)


def deadline_of(application: Application, step: Transition) -> datetime | None:
    """Until when this step can be taken, where its timer is running."""
    return dict(timers.due(application)).get(step.deadline or "")


def _way(workflow: Workflow, decision: Decision, state: str, language: str) -> Way:
    transition = workflow.transitions[decision.transition]
    return Way(
        transition.id,
        transition.label.in_(language),
        transition.help.in_(language) if transition.help else "",
        decision.allowed,
        list(dict.fromkeys(decision.refusals(language))),
        tone_of(workflow, transition, state),
    )


def tone_of(workflow: Workflow, transition: Transition, state: str) -> str:
    """How a step's button looks: the first that leads on is the main one, what ends the application is marked."""
    if transition.end is not None:
        return "danger"
    order = list(workflow.states)
    to = transition.destination(state)
    leads_on = to is not None and order.index(to) > order.index(state)
    return "primary" if leads_on else "secondary"


def _path(workflow: Workflow, shown: str, ended: str, has_ended: bool, language: str) -> list[Stop]:
    order = list(workflow.states)
    at = order.index(shown)
    stops = []
    for index, state in enumerate(workflow.states.values()):
        if ended and index > at:
            break
        is_done = index < at or (index == at and has_ended)
        stops.append(Stop(state.label.in_(language), "done" if is_done else "current" if index == at else "next"))
    if ended:
        stops.append(Stop(ended, "current"))
    return stops


def _next(workflow: Workflow, application: Application, shown: str, language: str) -> list[str]:
    """Who may do what next, as far as this person is shown where it stands."""
    if application.outcome is not None or workflow.states[shown].is_final:
        return []
    return process.scoring(workflow, shown, language) + [
        process.leads(workflow, each, shown, language)
        for each in workflow.transitions_from(shown)
        if each.by_from(shown) != {SYSTEM}
    ]


def _dues(workflow: Workflow, application: Application, now: datetime, language: str) -> list[Due]:
    if application.outcome is not None:
        return []
    return [Due(workflow.timers[name].label.in_(language), at, at < now) for name, at in timers.due(application)]


def _forms(workflow: Workflow, application: Application, cell: Cell, language: str) -> list[FormLink]:
    names = [name for name in workflow.answer_forms if name in cell.view | cell.edit]
    kept = applications.answers(application.id) if names else {}
    found = []
    for name in names:
        form, row = workflow.forms[name], kept.get(name)
        is_editable = name in cell.edit
        missing = len(form.check(applications.data_of(row), application.currency)) if is_editable else 0
        found.append(FormLink(name, form.title.in_(language), is_editable, missing, row.saved_at if row else None))
    return found


def _review(actor: Actor, application: Application) -> Review | None:
    try:
        committee = committee_for(actor, application.id)
    except NotFound:
        return None
    progress = reviews.progress_of([application]).get((application.id, committee.plan.name))
    return Review(committee, progress) if progress and progress.assigned else None


def _own_review(actor: Actor, application: Application) -> reviews.Case | None:
    if not actor.is_in("reviewers"):
        return None
    return next((case for case in reviews.queue_for(actor).cases if case.application.id == application.id), None)


@dataclass(frozen=True, slots=True)
class Viewer:
    """What decides how much of the history a person reads."""

    is_of_fund: bool
    is_of_team: bool
    actor: Actor
    roles: frozenset[str]
    team: Sequence[accounts.Colleague]


def _history(workflow: Workflow, events: Sequence[Event], viewer: Viewer, language: str) -> list[Happened]:
    """The events that this viewer may know of, the latest first."""
    names = accounts.people_named(event.actor_id for event in events) if viewer.is_of_fund or viewer.is_of_team else {}
    team = {each.user.id for each in viewer.team}
    found = []
    for event in events:
        if _is_disguised(workflow, event, viewer):
            continue
        if event.actor_id is None:
            by = _("automatically")
        elif viewer.is_of_fund or (viewer.is_of_team and event.actor_id in team) or event.actor_id == viewer.actor.id:
            by = names.get(event.actor_id) or viewer.actor.name
        else:
            by = _("the city's team") if event.actor_id in team else _("the fund")
        may_read_reason = viewer.is_of_fund or viewer.is_of_team
        found.append(
            Happened(
                past(workflow, event, language),
                by,
                event.at,
                (event.reason or "") if may_read_reason else "",
                "danger" if event.outcome and event.to_state is None else "",
            )
        )
    return found[::-1]


def _is_disguised(workflow: Workflow, event: Event, viewer: Viewer) -> bool:
    """An inner move that this viewer is shown as standing still."""
    if viewer.is_of_fund or event.outcome is not None or event.from_state is None or event.to_state is None:
        return False
    if event.actor_id == viewer.actor.id or event.from_state == event.to_state:
        return False
    return _seen(workflow, event.from_state, viewer) == _seen(workflow, event.to_state, viewer)


def _seen(workflow: Workflow, state: str, viewer: Viewer) -> str:
    disguise = workflow.states[state].shown_as if state in workflow.states else {}
    worn = [disguise[role] for role in sorted(viewer.roles) if role in disguise]
    return worn[0] if worn and len(worn) == len(viewer.roles) else state


def past(workflow: Workflow, event: Event, language: str) -> str:
    """What happened, in the past tense; the step's own label where we have no better word."""
    known = {
        STARTED: _("Started"),
        "submit": _("Submitted"),
        "send_back": _("Sent back"),
        "approve": _("Approved"),
        "decline": _("Declined"),
        "disburse": _("Paid"),
        "report": _("Report sent"),
        "withdraw": _("Withdrawn"),
        "cancel": _("Award cancelled"),
        "lapse": _("Lapsed: not sent before the deadline"),
        "write_off": _("Closed without a report"),
    }
    if event.transition in known:
        return known[event.transition]
    transition = workflow.transitions.get(event.transition)
    return transition.label.in_(language) if transition else event.transition


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
