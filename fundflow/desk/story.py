"""One application as one person may see it: where it stands, what comes next, who acts, and what happened.

It tells a city nothing that its workflow disguises, a reviewer no reasons and no names, and nobody a form outside
their cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext

from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City
from fundflow.applications import queries as applications
from fundflow.awards import queries as awards
from fundflow.awards.models import Document
from fundflow.desk.masks import Sight
from fundflow.desk.queries import STAFF
from fundflow.errors import NotFound
from fundflow.lifecycle import acts, commands, definitions, timers
from fundflow.lifecycle import queries as lifecycle
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.lifecycle.record import ERASED, STARTED
from fundflow.money import Money
from fundflow.payments import policy as money_policy
from fundflow.payments import queries as payments
from fundflow.payments.models import Payment
from fundflow.reviews import queries as reviews
from fundflow.reviews.committees import Committee, Progress, committee_for
from fundflow.reviews.discussions import DISCUSS
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
    named: list[Named]

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
    decisions = commands.available(application, actor)
    is_of_fund = works_on(actor, application, workflow, roles)
    is_of_team = application.city_id in actor.city_ids
    team = accounts.team_of(application.city_id)
    events = lifecycle.history(application.id)
    sight = _sight(workflow, roles, actor, is_of_fund, team if is_of_team else ())
    shown = sight.shown(application.state)
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
        since=sight.since(application, events),
        path=_path(sight, shown, ended, application.outcome is not None, language),
        ways=[_way(workflow, each, shown, language) for each in decisions],
        next=_next(sight, application, shown, language),
        dues=_dues(sight, application, now, language),
        forms=_forms(workflow, application, cell, language),
        documents=awards.documents_of(actor, application),
        review=_review(actor, application),
        own_review=_own_review(actor, application),
        payments=payments.payments_of(application.id) if money_policy.may_see_payments(actor, application) else [],
        history=_history(sight, events, Viewer(is_of_fund, is_of_team, actor, team), language),
        people=team if is_of_fund or is_of_team else [],
        named=_named(workflow, application, actor, language) if is_of_fund and not is_of_team else [],
    )


def _named(workflow: Workflow, application: Application, actor: Actor, language: str) -> list[Named]:
    fields = [role for role in workflow.roles.values() if role.kind == "field"]
    if not fields:
        return []
    open_to = {subject for act, subject, decision in acts.available_acts(application, actor) if act == "assign"}
    names = accounts.people_named([application.officer_id])
    name = names.get(application.officer_id, "") if application.officer_id else ""
    return [Named(role.id, role.label.in_(language), name, role.id in open_to) for role in fields]


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


def seen_revision(sight: Sight, application: Application) -> int:
    """The revision as far as the person can tell; the true one for whoever is shown everything."""
    if sight.is_of_fund and sight.is_plain(application.state):
        return application.revision
    return sight.revision(lifecycle.history(application.id))


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
    """How a step's button looks: the first that leads on is the main one, what ends the application is marked."""
    if transition.end is not None:
        return "danger"
    order = list(workflow.states)
    to = transition.destination(state)
    leads_on = to is not None and order.index(to) > order.index(state)
    return "primary" if leads_on else "secondary"


def _path(sight: Sight, shown: str, ended: str, has_ended: bool, language: str) -> list[Stop]:
    """The states in the file's order, without those that wear another's face."""
    states = [state for state in sight.workflow.states.values() if sight.shown(state.id) == state.id]
    at = next((index for index, state in enumerate(states) if state.id == shown), 0)
    stops = []
    for index, state in enumerate(states):
        if ended and index > at:
            break
        is_done = index < at or (index == at and has_ended)
        stops.append(Stop(state.label.in_(language), "done" if is_done else "current" if index == at else "next"))
    if ended:
        stops.append(Stop(ended, "current"))
    return stops


def _next(sight: Sight, application: Application, shown: str, language: str) -> list[str]:
    """Who may do what next, as far as this person is shown where it stands and can tell where it then would."""
    workflow, alike = sight.workflow, sight.alike(shown)
    if application.outcome is not None or workflow.states[shown].is_final:
        return []
    return process.scoring(workflow, shown, language) + [
        process.leads(workflow, each, shown, language)
        for each in workflow.transitions_from(shown)
        if each.by_from(shown) != {SYSTEM}
        and (each.destination(shown) == shown or each.destination(shown) not in alike)
    ]


def _dues(sight: Sight, application: Application, now: datetime, language: str) -> list[Due]:
    if application.outcome is not None:
        return []
    return [
        Due(sight.workflow.timers[name].label.in_(language), at, at < now)
        for name, at in timers.due(application)
        if sight.is_running(name, application.state)
    ]


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
    team: Sequence[accounts.Colleague]


def _history(sight: Sight, events: Sequence[Event], viewer: Viewer, language: str) -> list[Happened]:
    """The events that this viewer may know of, the latest first."""
    names = accounts.people_named(_people_of(events)) if viewer.is_of_fund or viewer.is_of_team else {}
    team = {each.user.id for each in viewer.team}
    found = []
    for event in sight.seen(events):
        if event.transition == DISCUSS and not viewer.is_of_fund:
            continue  # a committee's talk is not the team's to know; its minutes stand on the reviewers' page
        if event.actor_id is None:
            by = _("automatically")
        elif viewer.is_of_fund or (viewer.is_of_team and event.actor_id in team) or event.actor_id == viewer.actor.id:
            by = names.get(event.actor_id) or viewer.actor.name
        else:
            by = _("the city's team") if event.actor_id in team else _("the fund")
        if event.acting_for is not None and viewer.is_of_fund:
            by = _("%(name)s for %(other)s", name=by, other=names.get(event.acting_for, ""))
        text = event.reason or ""
        if viewer.is_of_fund and (how := _overridden(event, names)):
            text = f"{how} {text}"
        may_read_reason = viewer.is_of_fund or viewer.is_of_team
        found.append(
            Happened(
                past(sight.workflow, event, language),
                by,
                event.at,
                text if may_read_reason and event.transition != DISCUSS else "",
                "danger" if event.outcome and event.to_state is None else "",
            )
        )
    return found[::-1]


def _people_of(events: Sequence[Event]) -> list[UUID | None]:
    """Everybody who stands behind an event."""
    approvers = [UUID(event.body["override"]["approved_by"]) for event in events if "override" in event.body]
    return [*(event.actor_id for event in events), *(event.acting_for for event in events), *approvers]


def _overridden(event: Event, names: Mapping[UUID, str]) -> str:
    """That two administrators overrode conditions, and which; empty for every other event."""
    told = event.body.get("override")
    if told is None:
        return ""
    approved_by = names.get(UUID(told["approved_by"]), "")
    what = ", ".join(dict.fromkeys(override_words(kind) for kind in told["clauses"])) or _("nothing")
    return _("Override, approved by %(name)s. Overridden: %(what)s.", name=approved_by, what=what)


def override_words(kind: str) -> str:
    """A kind of condition in a word or two."""
    words = {
        "role": _("who may do it"),
        "deadline": _("the deadline"),
        "max": _("how often"),
        "not_same_actor": _("a second person"),
        "complete": _("complete forms"),
        "quorum": _("the quorum"),
        "assigned": _("assigned reviewers"),
        "tasks": _("open tasks"),
        "signed": _("signatures"),
        "overdue": _("that it is overdue"),
    }
    return words.get(kind, _("a condition of the rules"))


def past(workflow: Workflow, event: Event, language: str) -> str:
    """What happened, in the past tense; the step's own label where we have no better word."""
    known = {
        STARTED: _("Started"),
        "assign": _("Put in charge"),
        ERASED: _("Personal data erased"),
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
        DISCUSS: _("Discussed by the committee"),
    }
    if event.transition in known:
        return known[event.transition]
    transition = workflow.transitions.get(event.transition)
    return transition.label.in_(language) if transition else event.transition


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
