"""The page of one payment, for city and fund: what is missing, who approved, and how long each side had it.

It decides nothing: what is missing, the same decisions say that let the payment happen. The city reads no names of the
fund's people, and nothing of what was found in lists of sanctions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import application_for
from fundflow.desk import panels
from fundflow.desk.story import viewer_of
from fundflow.desk.viewer import Viewer
from fundflow.desk.views import pages
from fundflow.errors import NotFound
from fundflow.lifecycle import children, commands, definitions
from fundflow.lifecycle import queries as lifecycle
from fundflow.lifecycle.actor import ANONYMOUS
from fundflow.lifecycle.claims import TICK
from fundflow.lifecycle.models import Application, Child, Event
from fundflow.lifecycle.situation import Facts
from fundflow.payments import waits
from fundflow.rounds import process
from fundflow.web.gate import requires
from fundflow.workflow import definition
from fundflow.workflow.decide import decide, facts_of, reads
from fundflow.workflow.definition import Transition, Workflow


@dataclass(frozen=True, slots=True)
class Stay:
    """That it stood somewhere: from when until when (None where it still does), at whose side, and who moved it on."""

    place: str
    side: str
    since: datetime
    until: datetime | None
    days: int
    moved: str
    by: str


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that a payment of this size needs, and by whom it was given."""

    label: str
    who: str
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Everything of the page."""

    name: str
    place: str
    tone: str
    facts: list[tuple[str, str]]
    turn: str
    missing: list[str]
    approvals: list[Approval]
    stays: list[Stay]
    waited: Mapping[str, int]
    steps: list[panels.Step]

    @property
    def given(self) -> int:
        return sum(each.at is not None for each in self.approvals)


@pages.get("/applications/<uuid:application_id>/payments/<kind>/<path:key>")
@requires(signed_in)
def payment(application_id: UUID, kind: str, key: str) -> ResponseReturnValue:
    """One payment of the plan, for whoever sees the plan."""
    application = application_for(g.actor, application_id)
    viewer = viewer_of(g.actor, application, accounts.team_of(application.city_id))
    workflow = definitions.get(application.definition_sha)
    if kind not in waits.kinds_paid(workflow) or kind not in viewer.cell.view:
        raise NotFound
    rows = children.rows_of(application.id, kind)
    row = next((each for each in rows if each.key == key), None)
    if row is None:
        raise NotFound
    return render_template(
        "desk/payment.html",
        application=application,
        kind=kind,
        key=key,
        page=_page(application, workflow, row, rows, viewer),
        sides=side_names(),
        sees_account="bank" in viewer.cell.view or "bank" in viewer.cell.edit,
    )


def _page(
    application: Application, workflow: Workflow, row: Child, rows: Sequence[Child], viewer: Viewer
) -> PaymentPage:
    kind, language, now = workflow.children[row.kind], viewer.language, clock.now()
    events = [e for e in lifecycle.history(application.id) if e.subject == f"{row.kind}:{row.key}"]
    if viewer.is_of_fund or viewer.is_of_team:
        viewer.names.update(accounts.people_named(event.actor_id for event in events))
    facts = Facts(application, workflow, ANONYMOUS, max(now, application.last_event_at + TICK), locking=False)
    facts.look_at_row(row, rows)
    record = children.fields_of(workflow, row)
    due = next((value for value in record.values() if isinstance(value, date)), None)
    decisions = next(
        (found for each, found in commands.available_children(application, g.actor) if each.id == row.id), []
    )
    waiting_for = _next(workflow, kind, row, facts)
    side = waits.side_of(workflow, kind, row.state)
    return PaymentPage(
        name=panels.child_name(kind, row.key, language),
        place=kind.states[row.state].label.in_(language),
        tone=panels.tone_of(kind, row.state),
        facts=panels.facts_of(workflow, application, kind, row, language),
        turn=""
        if waiting_for is None or side is None or application.outcome is not None
        else _turn(workflow, waiting_for, row.state, side, language),
        missing=[] if application.outcome is not None else _missing(workflow, kind, row, facts, viewer),
        approvals=_approvals(workflow, kind, row, events, facts, viewer),
        stays=_stays(workflow, kind, row, events, viewer, now),
        waited=waits.days_of_each(
            workflow, kind, row.created_at, [(e.transition, e.at) for e in events], due, _end(application, now)
        ),
        steps=sorted(
            (panels.step_of(kind, each, language) for each in decisions), key=lambda step: step.tone != "primary"
        ),
    )


def _end(application: Application, now: datetime) -> datetime:
    return application.state_since if application.outcome is not None else now


def _next(workflow: Workflow, kind: definition.Child, row: Child, facts: Facts) -> Transition | None:
    """The approval that a payment of this size needs now, else the shortest way on."""
    needed = [
        step
        for step in kind.transitions_from(row.state)
        if _is_approval(workflow, kind, step) and _is_needed(workflow, step, facts, row.state)
    ]
    return next(iter(needed), waits.next_step(kind, row.state))


def _turn(workflow: Workflow, step: Transition, state: str, side: str, language: str) -> str:
    if side == waits.BANK:
        return str(_("It is with the bank."))
    who = process.people(workflow, step.by_from(state) - {definition.SYSTEM}, language)
    return str(_("%(who)s: “%(step)s” is next.", who=who, step=step.label.in_(language)))


def _missing(workflow: Workflow, kind: definition.Child, row: Child, facts: Facts, viewer: Viewer) -> list[str]:
    """What stands against the next step, and against the order at its end, whoever takes them."""
    following = waits.next_step(kind, row.state)
    if following is None:
        return []
    orders = [step for step in kind.transitions.values() if waits.operations(step) & {"order"}]
    found: dict[str, None] = {}
    for step in [following, *(each for each in orders if each.id != following.id)]:
        facts.load(reads(workflow, step.id))
        situation = facts.situation(facts.now)._replace(roles=frozenset(step.by), actor=None)
        clauses = decide(workflow, step.id, situation).clauses
        whens = clauses[len(clauses) - len(step.when) :]
        for when, clause in zip(step.when, whens, strict=True):
            roots = when.expression.roots if when.expression else frozenset()
            if clause.passes or "input" in roots:
                continue
            if "screening" in roots and not viewer.is_of_fund:
                found[str(_("The fund’s own checks before a payment are not finished."))] = None
            else:
                found[clause.sentence(viewer.language)] = None
    return list(found)


def _approvals(
    workflow: Workflow,
    kind: definition.Child,
    row: Child,
    events: Sequence[Event],
    facts: Facts,
    viewer: Viewer,
) -> list[Approval]:
    """The steps of the fund that must be somebody else's than the one before, as far as a payment of this size needs
    them. What was given before it went back to the beginning counts no more.
    """
    steps = [step for step in kind.transitions.values() if _is_approval(workflow, kind, step)]
    needed = [step for step in steps if _is_needed(workflow, step, facts)]
    order = list(kind.states)
    first = min((order.index(source) for step in steps for source in step.sources), default=0)
    given: dict[str, Event] = {}
    for event in events:
        to = (event.account.get("child") or {}).get("to")
        if to in order and order.index(to) < first:
            given.clear()
        elif any(event.transition == step.id for step in steps):
            given[event.transition] = event
    return [
        Approval(
            label=step.label.in_(viewer.language),
            who=process.people(workflow, step.by, viewer.language),
            by=viewer.name_of(given[step.id].actor_id) if step.id in given else "",
            at=given[step.id].at if step.id in given else None,
        )
        for step in needed
    ]


def _is_approval(workflow: Workflow, kind: definition.Child, step: Transition) -> bool:
    """It leads on, moves no money, and is kept apart from another step of the fund."""
    if waits.operations(step) or any(
        role in workflow.roles and workflow.roles[role].kind == "team" for role in step.by
    ):
        return False
    order = list(kind.states)
    leads_on = all((to := step.destination(s)) is not None and order.index(to) > order.index(s) for s in step.sources)
    earlier = [workflow.find(name) for name in step.not_same_actor_as]
    of_fund = [e for e in earlier if e and any(r in workflow.roles and workflow.roles[r].kind != "team" for r in e.by)]
    return leads_on and bool(of_fund)


def _is_needed(workflow: Workflow, step: Transition, facts: Facts, state: str = "") -> bool:
    """What it asks of the payment itself can hold in this state, or in one of those that it begins in."""
    own = [w.expression for w in step.when if w.expression is not None and w.expression.roots == {"self"}]
    known = facts_of(workflow, facts.situation(facts.now))
    itself: Mapping[str, Any] = known["self"]
    return any(
        all(each.evaluate({**known, "self": {**itself, "state": source}}) is True for each in own)
        for source in ([state] if state else step.sources)
    )


def _stays(
    workflow: Workflow, kind: definition.Child, row: Child, events: Sequence[Event], viewer: Viewer, now: datetime
) -> list[Stay]:
    """Everywhere it stood, in order."""
    found, sides = [], side_names()
    state, since = kind.initial, row.created_at
    for event in [*events, None]:
        side = waits.side_of(workflow, kind, state)
        until = event.at if event else None
        step = kind.transitions.get(event.transition) if event else None
        found.append(
            Stay(
                place=kind.states[state].label.in_(viewer.language),
                side=sides[side] if side else "",
                since=since,
                until=until,
                days=int(((until or now) - since).total_seconds() // 86_400),
                moved=step.label.in_(viewer.language) if step else "",
                by=viewer.name_of(event.actor_id) if event else "",
            )
        )
        if event is not None:
            to = str((event.account.get("child") or {}).get("to"))
            state, since = to if to in kind.states else state, event.at
    return found


def side_names() -> dict[str, str]:
    """Whose turn it is, in words."""
    return {waits.CITY: str(_("the city")), waits.FUND: str(_("the fund")), waits.BANK: str(_("the bank"))}
