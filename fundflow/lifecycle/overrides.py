"""The only way around what people decide: one administrator asks, with a reason, and a second one approves.

Refuses the same person twice, one who stands in for the other, and anybody who had to do with the application; where
the application stands, what is entered and whatever concerns money is never overridden, and a wish that is a week old
or was made before the application moved has run out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import commands, definitions, inputs, queries, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.commands import Fired, Overriding
from fundflow.lifecycle.models import Application, Child, Event, Override
from fundflow.lifecycle.refusals import (
    HasEnded,
    KeyReused,
    NotAllowed,
    Stale,
    UnknownTransition,
    WrongInput,
    shorten,
)
from fundflow.lifecycle.situation import Facts
from fundflow.workflow.decide import Decision, decide, reads
from fundflow.workflow.definition import Transition

HOLDS = timedelta(days=7)

# People belong to a higher feature; of them, this one needs no more than what they are called.
_users = sa.table("users", sa.column("id", sa.Uuid), sa.column("name", sa.Text), sa.column("email", sa.Text))


class NotAnAdministrator(Refused):
    """Only an administrator of the fund may do this."""

    status = 403


class SecondPerson(Refused):
    """A second administrator has to answer: whoever asked for this cannot approve it."""


class StandsIn(Refused):
    """One of you stands in for the other, so this needs another administrator."""


class HadToDo(Refused):
    """You had to do with this application yourself, so another administrator has to do this."""


class RunOut(Refused):
    """This was asked for too long ago, or the application has moved since. Ask for it again if it is still needed."""


class Answered(Refused):
    """This has been answered already."""


def ask(
    application_id: UUID,
    transition: str,
    *,
    actor: Actor,
    key: str,
    revision: int,
    reason: str,
    child: str | None = None,
    input: Mapping[str, str] | None = None,
) -> Override:
    """Ask for a transition against its conditions, for the revision that the administrator saw. Changes nothing yet.

    Raises NotAnAdministrator, HadToDo, NotFound, UnknownTransition, HasEnded, Stale, ReasonMissing, WrongInput,
    NotAllowed where a condition fails that nobody overrides, and KeyReused where the key was another's; the same key
    again gives the wish that is there.
    """
    application = queries.locked(application_id)
    person = _may(actor, application)
    found = db.session.scalars(sa.select(Override).where(Override.key == key)).first()
    if found is not None:
        if (found.application_id, found.transition, found.asked_by) != (application_id, transition, person):
            raise KeyReused()
        return found
    if application.outcome is not None:
        raise HasEnded()
    if revision != application.revision:
        raise Stale()
    step = definitions.get(application.definition_sha).find(transition)
    if step is None:
        raise UnknownTransition(transition=shorten(transition))
    text = inputs.read_reason(reason, True) or ""
    values, problems = inputs.read(step, input or {}, application.currency, actor.language)
    if problems:
        raise WrongInput(problems)
    decision = preview(application, step.id, child, actor=actor, input=values)
    if not decision.allowed:
        raise NotAllowed(decision, actor.language)
    wish = Override(
        key=key,
        application_id=application_id,
        revision=revision,
        transition=step.id,
        child=child,
        input=dict(input or {}),
        reason=text,
        asked_by=person,
        created_at=clock.now(),
        expires_at=clock.now() + HOLDS,
    )
    db.session.add(wish)
    db.session.flush()
    registry.override_told(application, wish)
    return wish


def approve(override_id: UUID, *, actor: Actor) -> Fired:
    """Fire what was asked for, as the second administrator; the event keeps both, the reason and what was overridden.

    Raises, beside what `commands.fire` raises: NotAnAdministrator, SecondPerson, StandsIn, HadToDo, Answered, RunOut.
    """
    wish, application, second = _answerable(override_id, actor)
    if second == wish.asked_by:
        raise SecondPerson()
    if _stand_in(second, wish.asked_by, application):
        raise StandsIn()
    first = Actor(id=wish.asked_by, name=_name(wish.asked_by), language=actor.language)
    try:
        _may(first, application)
    except Refused:
        # Who asked is no administrator any more, or has had to do with the application since.
        raise RunOut() from None
    fired = commands.fire(
        application.id,
        wish.transition,
        actor=first,
        key=f"override:{wish.id}",
        revision=wish.revision,
        reason=wish.reason,
        input=wish.input,
        override=Overriding(wish.id, second),
        of=wish.child,
    )
    wish.approved_by, wish.answered_at, wish.event_seq = second, clock.now(), fired.event_seq
    db.session.flush()
    registry.override_told(application, wish)
    return fired


def refuse(override_id: UUID, *, actor: Actor, answer: str) -> Override:
    """Answer no, with a reason; whoever asked may take it back in the same way."""
    wish, application, second = _answerable(override_id, actor)
    text = inputs.read_reason(answer, True)
    wish.refused_by, wish.answer, wish.answered_at = second, text, clock.now()
    db.session.flush()
    registry.override_told(application, wish)
    return wish


def preview(
    application: Application,
    transition: str,
    child: str | None = None,
    *,
    actor: Actor,
    input: Mapping[str, Any] | None = None,
) -> Decision:
    """What an override would decide now: which conditions it overrides, and which stand in its way all the same."""
    workflow = definitions.get(application.definition_sha)
    step = workflow.find(transition)
    if step is None or (workflow.child_of(transition) is None) != (child is None):
        raise UnknownTransition(transition=shorten(transition))
    now = max(clock.now(), application.last_event_at)
    facts = Facts(application, workflow, actor, now, locking=False, input=input)
    facts.is_overridden = True
    if child is not None:
        facts.look_at(transition.partition(".")[0], child)
    facts.load(reads(workflow, step.id))
    return decide(workflow, step.id, facts.situation(now))


def check_may_ask(actor: Actor, application: Application) -> None:
    """NotAnAdministrator, or HadToDo for an administrator who had to do with the application."""
    _may(actor, application)


def ways(application: Application) -> list[tuple[Transition, str | None]]:
    """The transitions that lead on from where the application and its children stand, each child's with its key."""
    if application.outcome is not None:
        return []
    workflow = definitions.get(application.definition_sha)
    found: list[tuple[Transition, str | None]] = [(each, None) for each in workflow.transitions_from(application.state)]
    rows = sa.select(Child).where(Child.application_id == application.id).order_by(Child.kind, Child.position)
    for child in db.session.scalars(rows) if workflow.children else ():
        kind = workflow.children.get(child.kind)
        found += [(each, child.key) for each in kind.transitions_from(child.state)] if kind else []
    return found


def open_wishes(application_id: UUID | None = None) -> list[Override]:
    """What waits for a second administrator, the oldest first: of one application, or of all."""
    query = (
        sa.select(Override)
        .join(Application, Application.id == Override.application_id)
        .where(
            Override.answered_at.is_(None),
            Override.expires_at > clock.now(),
            Override.revision == Application.revision,
            Application.outcome.is_(None),
        )
        .order_by(Override.created_at)
    )
    if application_id is not None:
        query = query.where(Override.application_id == application_id)
    return list(db.session.scalars(query))


def wish_for(actor: Actor, override_id: UUID) -> tuple[Override, Application]:
    """An override and its application, for administrators; NotFound for everybody else."""
    found = db.session.get(Override, override_id)
    if found is None or actor.id is None or not registry.is_administrator(actor.id):
        raise NotFound()
    return found, db.session.get_one(Application, found.application_id)


def has_run_out(wish: Override, application: Application) -> bool:
    """Too old to be approved, or asked for before the application moved."""
    return wish.expires_at <= clock.now() or wish.revision != application.revision or application.outcome is not None


def _answerable(override_id: UUID, actor: Actor) -> tuple[Override, Application, UUID]:
    """The wish, read anew under its application's lock, and who answers it."""
    known = db.session.get(Override, override_id)
    if known is None:
        raise NotFound()
    application = queries.locked(known.application_id)
    person = _may(actor, application)
    wish = db.session.get_one(Override, override_id, populate_existing=True)
    if wish.answered_at is not None:
        raise Answered()
    if has_run_out(wish, application):
        raise RunOut()
    return wish, application, person


def _may(actor: Actor, application: Application) -> UUID:
    """The person, if they administer the fund and never had to do with this application."""
    if actor.id is None or not registry.is_administrator(actor.id):
        raise NotAnAdministrator()
    acted = sa.select(Event.seq).where(
        Event.application_id == application.id, sa.or_(Event.actor_id == actor.id, Event.acting_for == actor.id)
    )
    # An override before this one is no part of the case: a fund with two administrators could else override only once.
    by_override = sa.select(Override.event_seq).where(
        Override.application_id == application.id, Override.event_seq.is_not(None)
    )
    if (
        actor.id in (application.created_by, application.officer_id)
        or db.session.execute(acted.where(Event.seq.not_in(by_override)).limit(1)).first() is not None
        or registry.took_part(application, actor.id)
    ):
        raise HadToDo()
    return actor.id


def _stand_in(one: UUID, other: UUID, application: Application) -> bool:
    """One of the two stands in for the other, in whatever group."""
    return any(
        each.giver == giver
        for taker, giver in ((one, other), (other, one))
        for each in registry.stands_in(taker, application)
    )


def _name(person_id: UUID) -> str:
    row = db.session.execute(sa.select(_users.c.name, _users.c.email).where(_users.c.id == person_id)).one()
    return str(row.name or row.email)
