"""The one door through which an application's state changes, and the answers to what may happen next.

Refuses, with the failing clauses in words, whatever the workflow, the actor's roles or the facts do not allow. A
refused command leaves nothing behind: the whole transaction it ran in is undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.jobs import service as outbox
from fundflow.lifecycle import definitions, inputs, registry, timers, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Command, Event
from fundflow.lifecycle.record import Link
from fundflow.lifecycle.refusals import (
    HasEnded,
    KeyReused,
    NotAllowed,
    NotThisWorkflow,
    ReasonMissing,
    Stale,
    UnknownEffect,
    UnknownTransition,
    WrongInput,
    shorten,
)
from fundflow.lifecycle.situation import Facts, held_roles
from fundflow.lifecycle.starting import begin
from fundflow.workflow import access
from fundflow.workflow.decide import Decision, decide, reads
from fundflow.workflow.definition import Effect, Transition, Workflow
from fundflow.workflow.machine import Compiled

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
    "available",
    "begin",
    "cell_of",
    "fire",
    "roles_of",
    "shown_state_of",
]

LONGEST_UPLOAD = timedelta(hours=1)
"""A command counts as received at most this long before it runs, however long its request took."""
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The arguments of `fire`."""

    application_id: UUID
    transition: str
    actor: Actor
    key: str
    revision: int | None
    reason: str | None
    input: Mapping[str, Any]
    received_at: datetime | None
    override: Overriding | None = None


@dataclass(frozen=True, slots=True)
class Overriding:
    """That the actor, an administrator, and `approved_by`, a second one, override what people decide.

    Made by `overrides` alone, which checks both of them.
    """

    id: UUID
    approved_by: UUID


@dataclass(frozen=True, slots=True)
class Fired:
    """What a command did; `replayed` when an earlier one under the same key had done it already."""

    event_seq: int
    state: str
    outcome: str | None
    replayed: bool


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
) -> Fired:
    """Let a transition happen in the present transaction, with everything it causes; the caller commits.

    `key` makes the command happen once: the same key again returns the first result, and is refused (KeyReused) for
    another application, transition or person. `revision` is the one the actor saw (Stale when it is no longer so); only
    the system may leave it out. `received_at` is when the request began: a deadline is measured by it. `override` is
    for `overrides.approve` only.

    Raises NotFound, UnknownTransition, Stale, NotAllowed with the decision, ReasonMissing, WrongInput, or the refusal
    of an effect; after any of them the whole transaction has been rolled back.
    """
    with writes.whole_or_nothing():
        return _fire(
            _Asked(application_id, transition, actor, key, revision, reason, input or {}, received_at, override)
        )


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
    if not leaving:
        return []
    facts.load(root for transition in leaving for root in reads(workflow, transition.id))
    situation = facts.situation(facts.now)
    return [decide(workflow, transition.id, situation) for transition in leaving]


def roles_of(application: Application, actor: Actor) -> frozenset[str]:
    """The roles this actor holds on this application, by the database as it is now."""
    return held_roles(application, definitions.get(application.definition_sha), actor)


def cell_of(application: Application, actor: Actor) -> access.Cell:
    """What this actor may edit and view of this application now; nothing can be edited once it has ended."""
    workflow = definitions.get(application.definition_sha)
    roles = held_roles(application, workflow, actor)
    return access.cell(workflow, application.state, roles, has_ended=application.outcome is not None)


def shown_state_of(application: Application, actor: Actor) -> str:
    """The state as this actor is shown it."""
    workflow = definitions.get(application.definition_sha)
    return access.shown_state(workflow, application.state, held_roles(application, workflow, actor))


@cache
def _machine(sha256: str) -> Compiled:
    return Compiled(definitions.get(sha256))


def _fire(asked: _Asked) -> Fired:
    actor = asked.actor
    writes.check_key(asked.key)
    if asked.revision is None and not actor.is_system:
        raise ValueError("A person decides on what they saw: pass the revision.")
    db.session.flush()
    claim = writes.claim(asked.application_id, asked.key, asked.transition, actor.id)
    if claim is None:
        raise NotFound()
    if not claim.is_first:
        return _replay(asked)
    application = claim.application
    if asked.revision is not None and asked.revision != application.revision:
        raise Stale()
    workflow = definitions.get(application.definition_sha)
    step = workflow.transitions.get(asked.transition)
    if step is None:
        raise UnknownTransition(transition=shorten(asked.transition))
    if application.outcome is not None:
        raise HasEnded()
    if application.state not in workflow.states:
        raise NotThisWorkflow(state=application.state)
    now = max(claim.now, application.last_event_at + TICK)
    received = max(min(asked.received_at or now, now), now - LONGEST_UPLOAD)

    values, problems = inputs.read(step, asked.input, application.currency, actor.language)
    facts = Facts(application, workflow, actor, now, locking=True, input=values)
    facts.take_roles(_roles_asked(workflow, step, application.state))
    facts.is_overridden = asked.override is not None
    may = facts.is_overridden or bool(facts.roles & step.by_from(application.state))
    reason = None
    if may:
        reason = inputs.read_reason(asked.reason, step.reason)
        if problems:
            raise WrongInput(problems)
    for effect in step.do:
        facts.lock(_provider(effect).locks)
    facts.load(reads(workflow, step.id))
    to_state, outcome, decision = _machine(workflow.sha256).fire(application.state, step.id, facts.situation(received))
    if not decision.allowed or (to_state is None) == (outcome is None):
        raise NotAllowed(decision, actor.language)
    ctx = registry.EffectContext(
        application=application,
        workflow=workflow,
        transition=step.id,
        event_seq=application.revision + 1,
        from_state=application.state,
        to_state=to_state,
        outcome=outcome,
        actor=actor,
        now=now,
        reason=reason,
        input=values,
        evaluate=facts.evaluate,
    )
    about: dict[str, Any] = {"key": asked.key, "received_at": received}
    if asked.override is not None:
        about["override"] = {
            "id": asked.override.id,
            "approved_by": asked.override.approved_by,
            "clauses": [clause.kind for clause in decision.overridden],
        }
    return _happen(ctx, facts, decision, about)


def _happen(ctx: registry.EffectContext, facts: Facts, decision: Decision, about: Mapping[str, Any]) -> Fired:
    """Everything an allowed transition changes: state, effects in the file's order, hooks, timers, event, outbox."""
    application, workflow = ctx.application, ctx.workflow
    prev, state = application.head, ctx.to_state or application.state
    writes.show(application, state=state, outcome=ctx.outcome)
    with outbox.collecting() as wanted:
        caused = [
            {"kind": effect.kind, **(_provider(effect).run(ctx, effect) or {})}
            for effect in workflow.transitions[ctx.transition].do
        ]
        noted = [note for hook in registry.entering_hooks if (note := hook(ctx))]
        timers.follow(facts, ctx.from_state, ctx.to_state)
    link = Link.of(
        application_id=application.id,
        seq=ctx.event_seq,
        at=ctx.now,
        actor_id=ctx.actor.id,
        acting_for=None if decision.acting_for is None else UUID(decision.acting_for),
        transition=ctx.transition,
        from_state=ctx.from_state,
        to_state=ctx.to_state,
        outcome=ctx.outcome,
        definition_sha=workflow.sha256,
        reason=ctx.reason,
        body={
            **about,
            "roles": facts.roles,
            "input": ctx.input,
            "decision": [
                {
                    "kind": clause.kind,
                    "holds": clause.holds,
                    "says": clause.says.in_("en"),
                    "values": clause.values,
                    **({"overridden": True} if clause.is_overridden else {}),
                }
                for clause in decision.clauses
            ],
            "effects": caused,
            "notes": noted,
        },
    )
    is_sent = ctx.from_state == workflow.initial and ctx.to_state not in (None, workflow.initial)
    values = {
        "state": state,
        "outcome": ctx.outcome,
        "state_since": application.state_since if ctx.to_state == ctx.from_state else ctx.now,
        "revision": ctx.event_seq,
        "head": link.hash(prev),
        "last_event_at": ctx.now,
        "submitted_at": application.submitted_at or (ctx.now if is_sent else None),
    }
    db.session.flush()
    writes.record(application, values, link, prev, wanted)
    writes.show(application, **values)
    return Fired(event_seq=ctx.event_seq, state=state, outcome=ctx.outcome, replayed=False)


def _roles_asked(workflow: Workflow, step: Transition, state: str) -> Iterable[str]:
    """The roles worth asking for: those that may do this, or all where a condition looks at the actor's roles."""
    looks = any(when.expression is not None and "actor" in when.expression.roots for when in step.when)
    return workflow.roles if looks else step.by_from(state)


def _provider(effect: Effect) -> registry.Provider:
    provider = registry.effects.get(effect.kind)
    if provider is None:
        raise UnknownEffect(effect=effect.kind)
    return provider


def _replay(asked: _Asked) -> Fired:
    """The result of the command that had this key first, if it was this very command."""
    row = db.session.execute(
        sa.select(Command.application_id, Command.transition, Command.actor_id, Event)
        .join(Event, sa.and_(Event.application_id == Command.application_id, Event.seq == Command.event_seq))
        .where(Command.key == asked.key)
    ).first()
    if row is None or (row[0], row[1], row[2]) != (asked.application_id, asked.transition, asked.actor.id):
        raise KeyReused()
    event: Event = row[3]
    return Fired(event.seq, event.to_state or event.from_state or "", event.outcome, replayed=True)
