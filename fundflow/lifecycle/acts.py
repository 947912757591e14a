"""What people do beside transitions, each a command with its event: tasks, signatures, who is in charge, discussions.

The same door in small: key, revision, lock, decision with clauses, event in the chain, and whatever then follows by
itself. Refuses what `fundflow.workflow.acts` decides against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db, inserting
from fundflow.errors import Refused
from fundflow.lifecycle import collected, definitions, happening, inputs, registry, signing, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.claims import TICK, Asked, Fired, Held, take
from fundflow.lifecycle.models import Application, Signature, TaskResult
from fundflow.lifecycle.refusals import NotAllowed, UnknownTransition
from fundflow.lifecycle.signing import Mark, Proof
from fundflow.lifecycle.situation import Facts
from fundflow.workflow.acts import Act, decide_act, open_acts
from fundflow.workflow.decide import Decision, DefinitionMismatch
from fundflow.workflow.definition import Signatures, Workflow

LONGEST_NAME = 200
TYPED = Mark()


class NoName(Refused):
    """Type your name to sign."""

    status = 422


class NotACandidate(Refused):
    """This person cannot be in charge of this application: choose one of the people offered."""

    status = 422


class AlreadySo(Refused):
    """This is recorded already, so nothing was changed."""


class OtherPaper(Refused):
    """The document changed since you opened this page. Read the new one, then sign that."""


def task(application_id: UUID, name: str, value: str | None, *, actor: Actor, key: str, revision: int | None) -> Fired:
    """Record what a task came to: one of its values, ``done`` where it has none, or None to take it back.

    AlreadySo where that is what it came to before: nothing happens twice.
    """

    def change(held: Held, facts: Facts, seq: int) -> Mapping[str, Any]:
        row = TaskResult.__table__
        mine = sa.and_(TaskResult.application_id == application_id, TaskResult.task == name)
        if db.session.scalar(sa.select(TaskResult.value).where(mine)) == value:
            raise AlreadySo()
        if value is None:
            db.session.execute(sa.delete(TaskResult).where(mine))
            return {"result": None}
        given = {"value": value, "event_seq": seq, "done_by": actor.id, "done_at": facts.now}
        db.session.connection().execute(
            inserting(TaskResult)
            .values(application_id=application_id, task=name, **given)
            .on_conflict_do_update(index_elements=[row.c.application_id, row.c.task], set_=given)
        )
        return {"result": value}

    return _act(Asked(application_id, "task", actor, key, revision, name), change, value=value)


def sign(
    application_id: UUID,
    party: str,
    *,
    name: str,
    sha256: str,
    proof: Proof | None,
    actor: Actor,
    key: str,
    revision: int | None,
    mark: Mark = TYPED,
) -> Fired:
    """Sign, as a party, the document with this digest under the name the person typed.

    `proof` says how and when the actor showed who they are: NotProven without one, ProvenTooLongAgo where that was not
    moments ago. NoName, or OtherPaper when the document to be signed is no longer the one with that digest.
    """
    written = " ".join(name.split())
    if not (inputs.shows(written) and inputs.can_be_kept(written)) or len(written) > LONGEST_NAME:
        raise NoName()
    proven = signing.require_person(proof, actor)

    def change(held: Held, facts: Facts, seq: int) -> Mapping[str, Any]:
        signing.require_fresh(proven, facts.now)
        signatures = _signatures(held.workflow, held.application.state)
        present = registry.paper_of(held.application, signatures.document)
        if present != sha256:
            raise OtherPaper()
        db.session.add(
            Signature(
                application_id=application_id,
                state=held.application.state,
                party=party,
                name=written,
                sha256=sha256,
                made=mark.made,
                image_sha256=mark.image_sha256,
                event_seq=seq,
                signed_by=actor.id,
                signed_at=facts.now,
            )
        )
        db.session.flush()
        told = {"proof": proven.told(), "mark": mark.told()}
        return {"party": party, "document": signatures.document, "sha256": sha256, "name": written, **told}

    return _act(Asked(application_id, "sign", actor, key, revision, party), change)


def assign(application_id: UUID, role: str, person_id: UUID, *, actor: Actor, key: str, revision: int | None) -> Fired:
    """Put a person in charge: the one who holds a field role. NotACandidate for whoever may not."""

    def change(held: Held, facts: Facts, seq: int) -> Mapping[str, Any]:
        given = held.workflow.roles[role]
        candidates = {each.id: each for each in registry.candidates_of(held.application, given)}
        if person_id not in candidates:
            raise NotACandidate()
        # Once more with the person held: a membership that is given at this moment counts too.
        registry.check_name(held.application, given, person_id)
        held.application.officer_id = person_id
        db.session.flush()
        return {"person": person_id}

    return _act(Asked(application_id, "assign", actor, key, revision, role), change)


def discuss(
    application_id: UUID, review: str, *, actor: Actor, key: str, revision: int | None, reason: str | None
) -> Fired:
    """Record that the committee talked the case over; the minutes are the reason, and are required."""
    asked = Asked(application_id, "discuss", actor, key, revision, review)
    return _act(asked, lambda held, facts, seq: {"review": review}, reason=inputs.read_reason(reason, True))


def available_acts(application: Application, actor: Actor) -> list[tuple[Act, str, Decision]]:
    """A decision for each act that belongs to the present state and that the actor's roles may do."""
    workflow = definitions.get(application.definition_sha)
    if application.outcome is not None or application.state not in workflow.states:
        return []
    facts = Facts(application, workflow, actor, max(clock.now(), application.last_event_at + TICK), locking=False)
    facts.take_roles()
    found = []
    for act, subject in open_acts(workflow, application.state, facts.roles):
        _look(facts, act, application.state)
        found.append((act, subject, decide_act(workflow, act, subject, facts.situation(facts.now))))
    return found


def decision_on(application: Application, act: Act, subject: str, actor: Actor) -> Decision:
    """The decision on one act, whether or not it belongs to the present state or the actor's roles.

    DefinitionMismatch where the workflow has no such subject.
    """
    workflow = definitions.get(application.definition_sha)
    facts = Facts(application, workflow, actor, max(clock.now(), application.last_event_at + TICK), locking=False)
    facts.take_roles()
    _look(facts, act, application.state)
    return decide_act(workflow, act, subject, facts.situation(facts.now))


Change = Callable[[Held, Facts, int], Mapping[str, Any]]


def _act(asked: Asked, change: Change, *, value: str | None = None, reason: str | None = None) -> Fired:
    with writes.whole_or_nothing():
        held = take(asked)
        if isinstance(held, Fired):
            return held
        application, workflow = held.application, held.workflow
        act: Any = asked.name
        facts = Facts(application, workflow, asked.actor, held.now, locking=True)
        facts.reason = reason
        facts.take_roles()
        _look(facts, act, application.state)
        try:
            decision = decide_act(workflow, act, asked.subject or "", facts.situation(held.now), value)
        except DefinitionMismatch:
            raise UnknownTransition(transition=asked.subject) from None
        if not decision.allowed:
            raise NotAllowed(decision, asked.actor.language)
        ctx = registry.EffectContext(
            application=application,
            workflow=workflow,
            transition=asked.name,
            event_seq=application.revision + 1,
            from_state=application.state,
            to_state=application.state,
            outcome=None,
            actor=asked.actor,
            now=held.now,
            reason=reason,
            input={},
            evaluate=facts.evaluate,
            facts=facts,
        )
        about = {"key": asked.key, **change(held, facts, ctx.event_seq)}
        fired = happening.note(ctx, facts, decision, asked.subject or "", about)
        return happening.follow_up(fired, held, asked.key)


def _look(facts: Facts, act: Act, state: str) -> None:
    """Load what the decision on an act reads."""
    if act != "sign":
        return
    facts.load(["signatures"])
    signatures = facts.workflow.states[state].signatures
    if signatures is not None:
        ready = registry.paper_of(facts.application, signatures.document)
        facts.put("document", {"is_ready": ready is not None})


def _signatures(workflow: Workflow, state: str) -> Signatures:
    found = workflow.states[state].signatures
    assert found is not None  # noqa: S101 - the decision said that this party signs here
    return found


def results_of(application: Application) -> dict[str, TaskResult]:
    """The results so far by task, with who recorded each and when."""
    return {row.task: row for row in collected.task_results(application.id)}


def record(
    application_id: UUID,
    name: str,
    subject: str,
    *,
    key: str,
    actor: Actor,
    revision: int | None = None,
    reason: str | None = None,
    about: Mapping[str, Any] | None = None,
    change: Callable[[Held, Facts], Mapping[str, Any] | None] | None = None,
    is_fact: bool = False,
) -> Fired:
    """Write an event that no workflow names (``outage``, ``erased``, ``bank``) into an application's chain.

    For services that decide themselves whether it may happen, in `change`, which runs under the lock, before the event,
    and may add to what it tells. `revision` is the one that a person saw; only the system may leave it out. Where it
    `is_fact` that conditions read, what now happens by itself happens at once. Also an application that has ended takes
    such an event.
    """
    asked = Asked(application_id, name, actor, key, revision, subject, even_ended=True)
    with writes.whole_or_nothing():
        held = take(asked)
        if isinstance(held, Fired):
            return held
        application = held.application
        facts = Facts(application, held.workflow, actor, held.now, locking=True)
        facts.reason = reason
        ctx = registry.EffectContext(
            application=application,
            workflow=held.workflow,
            transition=name,
            event_seq=application.revision + 1,
            from_state=application.state,
            to_state=application.state,
            outcome=application.outcome,
            actor=actor,
            now=held.now,
            reason=reason,
            input={},
            evaluate=facts.evaluate,
            facts=facts,
        )
        told = {"key": key, **(about or {}), **((change(held, facts) if change else None) or {})}
        whose = facts.acting_for(facts.roles)
        decision = Decision(
            name, True, (), application.state, application.outcome, None if whose is None else str(whose)
        )
        fired = happening.note(ctx, facts, decision, subject, told)
        return happening.follow_up(fired, held, asked.key) if is_fact else fired
