"""What an allowed command changes, all of it or nothing: effects, collected facts, state, timers, event and outbox.

And what then follows by itself: automatic transitions, in the same transaction, each with an event of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db, instant
from fundflow.errors import Refused
from fundflow.jobs import service as outbox
from fundflow.lifecycle import definitions, registry, timers, writes
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.claims import TICK, Fired, Held
from fundflow.lifecycle.models import Application, Child, Signature, TaskResult
from fundflow.lifecycle.record import Link
from fundflow.lifecycle.refusals import UnknownEffect
from fundflow.lifecycle.situation import Facts
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Effect, State, Transition
from fundflow.workflow.machine import Compiled

MOST_STEPS = 10
"""How many automatic transitions may follow one command."""


class EndlessSteps(Refused):
    """The rules of this workflow let one step follow another without end, so nothing was done.

    The checker refuses such a file; a hand in the database can bring it here.
    """

    status = 500


@cache
def machine(sha256: str) -> Compiled:
    """The kernel of a workflow, made once a process."""
    return Compiled(definitions.get(sha256))


def provider(effect: Effect) -> registry.Provider:
    """Who does this effect; UnknownEffect where nobody does."""
    found = registry.effects.get(effect.kind)
    if found is None:
        raise UnknownEffect(effect=effect.kind)
    return found


def context(held: Held, facts: Facts, step: Transition, to: str | None, outcome: str | None) -> registry.EffectContext:
    """The command as its effects see it: the application moves, or stays where it is while its child moves."""
    application = held.application
    child = facts.child
    return registry.EffectContext(
        application=application,
        workflow=held.workflow,
        transition=step.id,
        event_seq=application.revision + 1,
        from_state=application.state,
        to_state=to if child is None else application.state,
        outcome=outcome,
        actor=facts.actor,
        now=facts.now,
        reason=facts.reason,
        input=facts.input,
        evaluate=facts.evaluate,
        facts=facts,
        child=child,
        child_to=to if child is not None else None,
        child_from=None if child is None else child.state,
    )


def happen(ctx: registry.EffectContext, facts: Facts, decision: Decision, about: Mapping[str, Any]) -> Fired:
    """Everything an allowed transition changes: state, effects in the file's order, hooks, timers, event, outbox."""
    application, child = ctx.application, ctx.child
    ctx.decision = decision
    state = ctx.to_state or application.state
    moved = {} if child is None else {"child": {"from": child.state, "to": ctx.child_to}}
    if child is not None and ctx.child_to is not None:
        _move(child, ctx)
    else:
        writes.show(application, state=state, outcome=ctx.outcome)
    step = ctx.workflow.find(ctx.transition)
    with outbox.collecting() as wanted:
        caused = [
            {"kind": effect.kind, **(provider(effect).run(ctx, effect) or {})} for effect in (step.do if step else ())
        ]
        if ctx.to_state != ctx.from_state and ctx.to_state is not None:
            _begin_anew(application, ctx.workflow.states[ctx.to_state])
        noted = [note for hook in registry.entering_hooks if (note := hook(ctx))]
        if child is None:
            timers.follow(facts, ctx.from_state, ctx.to_state)
        else:
            timers.follow(facts, f"{child.kind}.{ctx.child_from}", f"{child.kind}.{child.state}")
        if ctx.workflow.prefilled:
            registry.opened(ctx, child, ctx.from_state if child is None else ctx.child_from)
    body = {**about, **moved, **account(facts, decision), "effects": caused, "notes": noted}
    return _record(ctx, decision, body, None if child is None else f"{child.kind}:{child.key}", wanted)


def note(
    ctx: registry.EffectContext, facts: Facts, decision: Decision, subject: str, about: Mapping[str, Any]
) -> Fired:
    """The event of an act that is no transition: the application stays where it is."""
    with outbox.collecting() as wanted:
        for hook in registry.act_hooks:
            hook(ctx, subject)
    return _record(ctx, decision, {**about, **account(facts, decision)}, subject, wanted)


def migrate(ctx: registry.EffectContext, facts: Facts, decision: Decision, about: Mapping[str, Any]) -> Fired:
    """The event of a move to another version of the rules, which leads wherever that version has the application."""
    return _record(ctx, decision, {**about, **account(facts, decision)}, None, [])


def account(facts: Facts, decision: Decision) -> dict[str, Any]:
    """Who decided on what: roles, input, and every clause with the values it was decided by."""
    return {
        "roles": facts.roles,
        "input": facts.input,
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
    }


def _record(
    ctx: registry.EffectContext,
    decision: Decision,
    body: Mapping[str, Any],
    subject: str | None,
    wanted: list[outbox.Wanted],
) -> Fired:
    application, workflow = ctx.application, ctx.workflow
    prev = application.head
    state = ctx.to_state or application.state
    link = Link.of(
        application_id=application.id,
        seq=ctx.event_seq,
        at=ctx.now,
        actor_id=ctx.actor.id,
        acting_for=None if decision.acting_for is None else UUID(decision.acting_for),
        transition=ctx.transition,
        subject=subject,
        from_state=ctx.from_state,
        to_state=ctx.to_state,
        outcome=ctx.outcome,
        definition_sha=workflow.sha256,
        reason=ctx.reason,
        body=body,
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
    writes.record(application, values, link, prev, wanted)
    writes.show(application, **values)
    return Fired(event_seq=ctx.event_seq, state=state, outcome=ctx.outcome, replayed=False)


def _move(child: Child, ctx: registry.EffectContext) -> None:
    """A child's new state. The facts still hold what the decision saw; the row says what will be."""
    writes.move_child(child, ctx.child_to or child.state, ctx.now)


def _begin_anew(application: Application, state: State) -> None:
    """What a state collects is collected again each time it is entered; what was before stands in the events."""
    if state.tasks:
        db.session.execute(
            sa.delete(TaskResult).where(
                TaskResult.application_id == application.id, TaskResult.task.in_(list(state.tasks))
            )
        )
    if state.signatures is not None:
        db.session.execute(
            sa.delete(Signature).where(Signature.application_id == application.id, Signature.state == state.id)
        )


def follow_up(first: Fired, held: Held, key: str) -> Fired:
    """Let everything happen that now happens by itself, and say where that leaves the application."""
    last = _steps(held, key) or first
    return Fired(first.event_seq, last.state, last.outcome, replayed=False)


def settle(application: Application, key: str) -> None:
    """Let happen what now happens by itself, after a fact was written that is no command's: a sheet, a recusal.

    The caller holds the application's lock (`queries.locked`) and commits.
    """
    workflow = definitions.get(application.definition_sha)
    if any(step.is_auto for step in workflow.transitions_from(application.state)):
        with writes.whole_or_nothing():
            now = db.session.execute(sa.select(instant())).scalar_one()
            _steps(Held(application, workflow, max(now, application.last_event_at + TICK)), key)


def _steps(held: Held, key: str) -> Fired | None:
    """The last automatic transition that happened; None where none did."""
    application, fired = held.application, None
    for _ in range(MOST_STEPS):
        waiting = [t for t in held.workflow.transitions_from(application.state) if t.is_auto]
        if not waiting or application.outcome is not None:
            return fired
        step = next((done for each in waiting if (done := _by_itself(held, each, key))), None)
        if step is None:
            return fired
        fired = step
    raise EndlessSteps()


def _by_itself(held: Held, step: Transition, key: str) -> Fired | None:
    """This automatic transition, if its conditions hold now."""
    application = held.application
    now = max(held.now, application.last_event_at + TICK)
    facts = Facts(application, held.workflow, SYSTEM, now, locking=True)
    facts.take_roles()
    for effect in step.do:
        facts.lock(provider(effect).locks)
    kernel = machine(held.workflow.sha256)
    facts.load(kernel.reads(step.id))
    state = application.state
    to_state, outcome, decision = kernel.fire(state, step.id, facts.situation(now))
    if not decision.allowed:
        return None
    return happen(context(held, facts, step, to_state, outcome), facts, decision, {"key": key, "cause": "automatic"})
