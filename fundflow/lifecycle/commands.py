"""The one door through which an application's state changes, and the answers to what may happen next.

Refuses, with the failing clauses in words, whatever the workflow, the actor's roles or the facts do not allow. A
refused command leaves nothing behind: the whole transaction it ran in is undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fundflow import clock
from fundflow.db import reading_ahead
from fundflow.lifecycle import children, definitions, foresight, happening, inputs, writes
from fundflow.lifecycle.actor import SYSTEM, Actor
from fundflow.lifecycle.claims import TICK, Asked, Fired, Held, take
from fundflow.lifecycle.models import Application, Child
from fundflow.lifecycle.refusals import (
    KeyReused,
    NotAllowed,
    ReasonMissing,
    Stale,
    UnknownEffect,
    UnknownTransition,
    WrongInput,
    shorten,
)
from fundflow.lifecycle.registry import EffectContext
from fundflow.lifecycle.situation import Facts, held_roles
from fundflow.lifecycle.starting import begin
from fundflow.workflow import access
from fundflow.workflow.decide import Decision, decide, reads
from fundflow.workflow.definition import Transition, Workflow

__all__ = [
    "Fired",
    "KeyReused",
    "NotAllowed",
    "Overriding",
    "ReasonMissing",
    "Stale",
    "UnknownEffect",
    "UnknownTransition",
    "WrongInput",
    "automatic",
    "available",
    "available_children",
    "begin",
    "cell_of",
    "fire",
    "roles_of",
    "shown_state_of",
]

LONGEST_UPLOAD = timedelta(hours=1)
"""A command counts as received at most this long before it runs, however long its request took."""


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with a command beside what it is."""

    reason: str | None
    input: Mapping[str, Any]
    received_at: datetime | None
    override: Overriding | None = None


Decided = tuple[EffectContext, Facts, Decision, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Overriding:
    """That the actor, an administrator, and `approved_by`, a second one, override what people decide.

    Made by `overrides` alone, which checks both of them.
    """

    id: UUID
    approved_by: UUID


def fire(
    application_id: UUID,
    transition: str,
    *,
    actor: Actor,
    key: str,
    revision: int | None,
    reason: str | None = None,
    input: Mapping[str, Any] | None = None,
    received_at: datetime | None = None,
    override: Overriding | None = None,
    of: str | None = None,
) -> Fired:
    """Let a transition happen in the present transaction, with everything it causes; the caller commits.

    A child's transition (``tranche.pay``) needs the child's key in `of`; the application stays where it is.

    `key` makes the command happen once: the same key again returns the first result, and is refused (KeyReused) for
    another application, transition or person. `revision` is the one the actor saw (Stale when it is no longer so); only
    the system may leave it out. `received_at` is when the request began: a deadline is measured by it. `override` is
    for `overrides.approve` only. What happens by itself afterwards happens in the same transaction.

    Raises NotFound, UnknownTransition, Stale, NotAllowed with the decision, ReasonMissing, WrongInput, or the refusal
    of an effect; after any of them the whole transaction has been rolled back.
    """
    child = f"{transition.partition('.')[0]}:{of}" if of is not None else None
    asked = Asked(application_id, transition, actor, key, revision, child)
    with writes.whole_or_nothing(), reading_ahead():
        held = take(asked)
        if isinstance(held, Fired):
            return held
        foresight.of_one(held.application, transition, actor)
        given = Given(reason, input or {}, received_at, override)
        ctx, facts, decision, about = decided(asked, held, of, given)
        return happening.follow_up(happening.happen(ctx, facts, decision, about), held, asked.key)


def available(application: Application, actor: Actor) -> list[Decision]:
    """A decision for every transition that leaves the present state and that the actor's roles may start.

    What is shown is what would be accepted: it is the same decision on the same facts, only without their locks.
    """
    if application.outcome is not None:
        return []
    workflow = definitions.get(application.definition_sha)
    facts = Facts(application, workflow, actor, max(clock.now(), application.last_event_at + TICK), locking=False)
    facts.take_roles()
    roles = facts.roles
    leaving = [t for t in workflow.transitions_from(application.state) if t.by_from(application.state) & roles]
    # What happens by itself is nobody's to start, also not the system's when it is asked what it may do.
    leaving = [t for t in leaving if not t.is_auto]
    if not leaving:
        return []
    facts.load(root for transition in leaving for root in reads(workflow, transition.id))
    situation = facts.situation(facts.now)
    return [decide(workflow, transition.id, situation) for transition in leaving]


def available_children(application: Application, actor: Actor) -> list[tuple[Child, list[Decision]]]:
    """Every child whose kind the actor's cell shows, in order, with a decision for each step that their roles may take.

    The same decisions as of a command, on facts that are read once for all the children of an application.
    """
    workflow = definitions.get(application.definition_sha)
    if not workflow.children:
        return []
    facts = Facts(application, workflow, actor, max(clock.now(), application.last_event_at + TICK), locking=False)
    facts.take_roles()
    kinds = [kind for kind in workflow.children if kind in access.cell(workflow, application.state, facts.roles).view]
    rows = children.rows_of(application.id) if kinds else []
    found = []
    for kind in kinds:
        of_kind = [row for row in rows if row.kind == kind]
        for row in of_kind:
            leaving = workflow.children[kind].transitions_from(row.state) if application.outcome is None else []
            leaving = [step for step in leaving if step.by_from(row.state) & facts.roles]
            decisions = []
            if leaving:
                facts.look_at_row(row, of_kind)
                facts.load(root for step in leaving for root in reads(workflow, step.id))
                situation = facts.situation(facts.now)
                decisions = [decide(workflow, step.id, situation) for step in leaving]
            found.append((row, decisions))
    return found


def automatic(application: Application) -> list[Decision]:
    """A decision for every transition that happens by itself from the present state, once its conditions hold."""
    workflow = definitions.get(application.definition_sha)
    waiting = [step for step in workflow.transitions_from(application.state) if step.is_auto]
    if application.outcome is not None or not waiting:
        return []
    facts = Facts(application, workflow, SYSTEM, max(clock.now(), application.last_event_at + TICK), locking=False)
    facts.take_roles()
    facts.load(root for step in waiting for root in reads(workflow, step.id))
    situation = facts.situation(facts.now)
    return [decide(workflow, step.id, situation) for step in waiting]


def roles_of(application: Application, actor: Actor) -> frozenset[str]:
    """The roles this actor holds on this application, by the database as it is now."""
    return held_roles(application, definitions.get(application.definition_sha), actor)


def cell_of(application: Application, actor: Actor) -> access.Cell:
    """What this actor may edit and view of this application now; nothing can be edited once it has ended."""
    workflow = definitions.get(application.definition_sha)
    roles = held_roles(application, workflow, actor)
    return access.cell(workflow, application.state, roles, has_ended=application.outcome is not None)


def own_cell_of(application: Application, child: Child, actor: Actor) -> access.Cell:
    """What this actor may edit and view of a child's own forms now."""
    workflow = definitions.get(application.definition_sha)
    roles = held_roles(application, workflow, actor)
    has_ended = application.outcome is not None
    return access.own_cell(workflow, application.state, child.kind, child.state, roles, has_ended=has_ended)


def shown_state_of(application: Application, actor: Actor) -> str:
    """The state as this actor is shown it."""
    workflow = definitions.get(application.definition_sha)
    return access.shown_state(workflow, application.state, held_roles(application, workflow, actor))


def decided(asked: Asked, held: Held, of: str | None, given: Given) -> Decided:
    """The decision to let a command happen, which has changed nothing yet; raises what `fire` raises instead."""
    application, workflow, actor = held.application, held.workflow, asked.actor
    step = workflow.find(asked.name)
    if step is None or (workflow.child_of(asked.name) is None) != (of is None):
        raise UnknownTransition(transition=shorten(asked.name))
    received = max(min(given.received_at or held.now, held.now), held.now - LONGEST_UPLOAD)
    values, problems = inputs.read(step, given.input, application.currency, actor.language)
    facts = Facts(application, workflow, actor, held.now, locking=True, input=values, groups=held.groups)
    if of is not None:
        facts.look_at(asked.name.partition(".")[0], of)
    facts.take_roles(_roles_asked(workflow, step, facts.state))
    facts.is_overridden = given.override is not None
    may = facts.is_overridden or bool(facts.roles & step.by_from(facts.state))
    if may:
        facts.reason = inputs.read_reason(given.reason, step.reason and not actor.is_system)
        if problems:
            raise WrongInput(problems)
    for effect in step.do:
        facts.lock(happening.provider(effect).locks)
    machine = happening.machine(workflow.sha256)
    facts.load(machine.reads(step.id))
    to_state, outcome, decision = machine.fire(facts.state, step.id, facts.situation(received))
    if not decision.allowed or (to_state is None) == (outcome is None):
        raise NotAllowed(decision, actor.language)
    about: dict[str, Any] = {"key": asked.key, "received_at": received}
    if given.override is not None:
        about["override"] = {
            "id": given.override.id,
            "approved_by": given.override.approved_by,
            "clauses": [clause.kind for clause in decision.overridden],
        }
    return happening.context(held, facts, step, to_state, outcome), facts, decision, about


def _roles_asked(workflow: Workflow, step: Transition, state: str) -> Iterable[str]:
    """The roles worth asking for: those that may do this, or all where a condition looks at the actor's roles."""
    looks = any(when.expression is not None and "actor" in when.expression.roots for when in step.when)
    return workflow.roles if looks else step.by_from(state) or step.by
