"""One application as one person may see it: where it stands, what comes next, who acts, and what happened.

It tells a city nothing that its workflow disguises, a reviewer no reasons and no names, and nobody a form outside
their cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City
from fundflow.accounts.policy import ADMINISTRATORS
from fundflow.applications import queries as applications
from fundflow.awards import queries as awards
from fundflow.awards.models import Document
from fundflow.banking import page as bank_page
from fundflow.banking import screenings
from fundflow.banking.page import AccountLine
from fundflow.banking.service import BANK
from fundflow.desk import ahead, granted, history, panels
from fundflow.desk import dues as timing
from fundflow.desk.masks import Sight
from fundflow.desk.queries import STAFF
from fundflow.desk.viewer import Viewer
from fundflow.errors import NotFound
from fundflow.lifecycle import acts, collected, commands, definitions, timers
from fundflow.lifecycle import queries as lifecycle
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.money import Money
from fundflow.payments import policy as money_policy
from fundflow.payments import queries as payments
from fundflow.payments.models import Payment
from fundflow.reviews import queries as reviews
from fundflow.reviews.committees import Committee, Progress, committee_for
from fundflow.rounds.models import Round
from fundflow.web import reader
from fundflow.workflow import access
from fundflow.workflow.access import Cell
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Transition, Workflow


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
class Named:
    """A role that one person of the fund holds on this application; `name` is empty while it is nobody's."""

    role: str
    label: str
    name: str
    may_choose: bool


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
    since: datetime
    revision: int
    """That of the last event this person may know of: what the forms of the page carry."""
    path: list[ahead.Stop]
    ways: list[Way]
    acts: frozenset[tuple[str, str]]
    """What this person may do beside transitions: acts with their subjects."""
    checklists: list[panels.Checklist]
    signing: panels.Signing | None
    tables: list[panels.Table]
    next: list[str]
    dues: list[timing.Due]
    blocked: list[timing.Blocked]
    """What could not happen by itself."""
    forms: list[FormLink]
    documents: Sequence[Document]
    review: Review | None
    own_review: reviews.Case | None
    payments: Sequence[Payment]
    history: list[history.Happened]
    people: Sequence[accounts.Colleague]
    named: list[Named]
    may_override: bool
    account: AccountLine | None
    """The city's bank account, for those who may know of it."""
    may_see_screenings: bool
    viewer: Viewer
    events: Sequence[Event]
    """Everything that happened, also what this person may not know of."""
    grant: Event | None
    """What made it a grant, for those who may look at the award."""

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
    workflow = definitions.get(application.definition_sha)
    events = lifecycle.history(application.id)
    results, signatures = acts.results_of(application), collected.all_signatures(application.id)
    team = accounts.team_of(application.city_id)
    viewer = viewer_of(actor, application, team)
    sight = viewer.sight
    language = viewer.language
    if viewer.is_of_fund or viewer.is_of_team:
        known = history.people_in(events) | panels.people_in(results, signatures)
        viewer.names.update(accounts.people_named([*known, application.officer_id]))
    decided: dict[tuple[str, str], Decision] = {
        (act, subject): decision for act, subject, decision in acts.available_acts(application, actor)
    }
    checklists = panels.checklists(workflow, application, viewer, results, decided)
    signing = panels.signing(workflow, application, viewer, signatures, decided)
    tables = panels.tables(workflow, application, viewer, commands.available_children(application, actor))
    shown = sight.shown(application.state)
    ended, has_ended = _end_label(workflow, application, language), application.outcome is not None
    running = timers.of_present_state(application)
    of_children = timers.of_children(application) if workflow.children else []
    return Story(
        application=application,
        workflow=workflow,
        round=applications.round_of(application),
        city=applications.city_of(application),
        roles=sight.roles,
        cell=viewer.cell,
        is_of_fund=viewer.is_of_fund,
        is_of_team=viewer.is_of_team,
        place=ended or workflow.states[shown].label.in_(language),
        is_ended=has_ended,
        since=sight.since(application, events),
        revision=seen_revision(sight, application, events),
        path=ahead.path(workflow, shown, ended, has_ended, viewer),
        ways=[_way(workflow, each, shown, language) for each in commands.available(application, actor)],
        acts=frozenset(decided),
        checklists=checklists,
        signing=signing,
        tables=tables,
        next=ahead.lines(
            workflow,
            application,
            viewer,
            next(iter(checklists), None),
            signing,
            tables,
            commands.automatic(application),
        ),
        dues=timing.dues(workflow, application, running, now, viewer),
        blocked=timing.blocked(workflow, application, [*running, *of_children], viewer),
        forms=_forms(workflow, application, viewer.cell, language),
        documents=awards.documents_of(actor, application),
        review=_review(actor, application),
        own_review=_own_review(actor, application),
        payments=payments.payments_of(application.id) if money_policy.may_see_payments(actor, application) else [],
        history=history.history(workflow, events, viewer),
        people=team if viewer.is_of_fund or viewer.is_of_team else [],
        named=_named(workflow, application, decided, viewer) if viewer.is_of_fund and not viewer.is_of_team else [],
        account=bank_page.line_of(application, viewer.cell),
        may_see_screenings=BANK in workflow.forms and bool(sight.roles & screenings.reading_roles(workflow)),
        may_override=actor.is_in(ADMINISTRATORS) and not has_ended and not viewer.is_of_team,
        viewer=viewer,
        events=events,
        grant=granted.granted_by(events, sight) if money_policy.may_see_payments(actor, application) else None,
    )


def _named(
    workflow: Workflow, application: Application, decided: Mapping[tuple[str, str], Decision], viewer: Viewer
) -> list[Named]:
    name = viewer.names.get(application.officer_id, "") if application.officer_id else ""
    return [
        Named(role.id, role.label.in_(viewer.language), name, ("assign", role.id) in decided)
        for role in workflow.roles.values()
        if role.kind == "field"
    ]


def viewer_of(actor: Actor, application: Application, team: Sequence[accounts.Colleague]) -> Viewer:
    """Who this actor is to this application."""
    workflow, roles = definitions.get(application.definition_sha), commands.roles_of(application, actor)
    is_of_fund = works_on(actor, application, workflow, roles)
    is_of_team = application.city_id in actor.city_ids
    return Viewer(
        actor=actor,
        sight=_sight(workflow, roles, actor, is_of_fund, team if is_of_team else ()),
        cell=access.cell(workflow, application.state, roles, has_ended=application.outcome is not None),
        is_of_fund=is_of_fund,
        is_of_team=is_of_team,
        team=frozenset(each.user.id for each in team),
        language=reader.language(),
    )


def seen_revision(sight: Sight, application: Application, events: Sequence[Event] | None = None) -> int:
    """The revision as far as the person can tell; the true one for whoever is shown everything."""
    if sight.is_of_fund and sight.is_plain(application.state):
        return application.revision
    return sight.revision(lifecycle.history(application.id) if events is None else events)


def _end_label(workflow: Workflow, application: Application, language: str) -> str:
    """The outcome of an application that ended off the path; empty while it runs and in a final state."""
    outcome = application.outcome
    if outcome is None or workflow.states[application.state].is_final:
        return ""
    return workflow.outcomes[outcome].in_(language) if outcome in workflow.outcomes else outcome


def works_on(actor: Actor, application: Application, workflow: Workflow, roles: frozenset[str]) -> bool:
    """Whether the actor works for the fund on this application, by a group of theirs or because they are named."""
    return actor.is_in(*STAFF, round_id=application.round_id) or any(
        workflow.roles[role].kind in ("group", "field") for role in roles
    )


def sight_of(actor: Actor, application: Application) -> Sight:
    """What the actor can tell of the application, by the database as it is now."""
    workflow = definitions.get(application.definition_sha)
    roles = commands.roles_of(application, actor)
    team = accounts.team_of(application.city_id) if application.city_id in actor.city_ids else ()
    return _sight(workflow, roles, actor, works_on(actor, application, workflow, roles), team)


def _sight(
    workflow: Workflow,
    roles: frozenset[str],
    actor: Actor,
    is_of_fund: bool,
    team: Sequence[accounts.Colleague],
) -> Sight:
    own = {each.user.id for each in team} | ({actor.id} if actor.id else set())
    return Sight(workflow, roles, frozenset(own), is_of_fund and not team)


def place_label(sight: Sight, application: Application, language: str) -> str:
    """Where an application stands, in one word; its outcome once it has ended off the path."""
    ended = _end_label(sight.workflow, application, language)
    return ended or sight.place(application.state).label.in_(language)


def deadline_of(application: Application, step: Transition) -> datetime | None:
    """Until when this step can be taken, where its timer is running."""
    return dict(timers.due(application)).get(step.deadline or "")


def _way(workflow: Workflow, decision: Decision, state: str, language: str) -> Way:
    transition = workflow.transitions[decision.transition]
    state = state if state in transition.sources else transition.sources[0]
    return Way(
        transition.id,
        transition.label.in_(language),
        transition.help.in_(language) if transition.help else "",
        decision.allowed,
        list(dict.fromkeys(decision.refusals(language))),
        tone_of(workflow, transition, state),
    )


def tone_of(workflow: Workflow, transition: Transition, state: str) -> str:
    """How a step's button looks: what leads on is the main one, unless it needs a reason; what ends it is marked."""
    if transition.end is not None:
        return "danger"
    order = list(workflow.states)
    to = transition.destination(state)
    leads_on = to is not None and order.index(to) > order.index(state)
    return "primary" if leads_on and not transition.reason else "secondary"


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
