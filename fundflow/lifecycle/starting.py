"""Starting an application: its row, its number and the first event of its chain.

Refuses whoever could not fill in anything of it; whether the round is open is the business of whoever calls this.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow.db import db, instant
from fundflow.errors import Forbidden
from fundflow.lifecycle import definitions, timers, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Command
from fundflow.lifecycle.record import STARTED, Link
from fundflow.lifecycle.refusals import KeyReused
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import access

_rounds = sa.table("rounds", sa.column("id", sa.Uuid), sa.column("definition_sha", sa.Text))


class NotYours(Forbidden):
    """Only the team of the city can start its application; ask its focal point."""


def begin(
    *, round_id: UUID, city_id: UUID, definition_sha: str, currency: str, actor: Actor, key: str, title: str = ""
) -> Application:
    """Start an application in the present transaction: its row, its number (`SG-2026-0007`) and the event `started`.

    The same key again returns the application that it started; KeyReused for another round, city or person. Numbers
    have no gaps and are never given twice: whoever starts at the same moment waits.
    """
    writes.check_key(key)
    if actor.id is None:
        raise NotYours
    with writes.whole_or_nothing():
        started = _started(key, round_id, city_id, actor)
        if started is not None:
            return started
        application = _new(round_id, city_id, _rules_of(round_id, definition_sha), currency, actor.id, title)
        if writes.take_key(key, application.id, STARTED, actor.id, 1):
            _record(application, actor, key)
            return application
        # Somebody pressed twice at the same moment and the other request was first: theirs is the one to go on with.
        db.session.rollback()
        started = _started(key, round_id, city_id, actor)
        if started is None:
            raise KeyReused()
        return started


def _rules_of(round_id: UUID, seen: str) -> str:
    """The version that the round has now, held until this transaction ends: a migration of the round waits for it."""
    found: str | None = db.session.execute(
        sa.select(_rounds.c.definition_sha).where(_rounds.c.id == round_id).with_for_update(read=True, key_share=True)
    ).scalar()
    return found or seen


def _new(
    round_id: UUID, city_id: UUID, definition_sha: str, currency: str, created_by: UUID, title: str
) -> Application:
    workflow = definitions.get(definition_sha)
    now = db.session.execute(sa.select(instant())).scalar_one()
    prefix = f"{_initials(workflow.id)}-{now.astimezone(workflow.zone).year}"
    application = Application(
        id=uuid4(),
        created_at=now,
        number=f"{prefix}-{writes.next_number(prefix):04d}",
        round_id=round_id,
        city_id=city_id,
        definition_sha=definition_sha,
        state=workflow.initial,
        state_since=now,
        last_event_at=now,
        revision=1,
        title=title,
        currency=currency,
        created_by=created_by,
    )
    db.session.add(application)
    db.session.flush()
    return application


def _record(application: Application, actor: Actor, key: str) -> None:
    workflow = definitions.get(application.definition_sha)
    facts = Facts(application, workflow, actor, application.created_at, locking=True)
    facts.take_roles()
    if not access.cell(workflow, workflow.initial, facts.roles).edit:
        raise NotYours
    timers.follow(facts, None, workflow.initial)
    link = Link.of(
        application_id=application.id,
        seq=1,
        at=application.created_at,
        actor_id=actor.id,
        transition=STARTED,
        from_state=None,
        to_state=workflow.initial,
        outcome=None,
        definition_sha=application.definition_sha,
        body={"key": key, "number": application.number, "roles": facts.roles},
    )
    application.head = link.hash("")
    writes.add_event(link, "", application.head)
    db.session.flush()


def _started(key: str, round_id: UUID, city_id: UUID, actor: Actor) -> Application | None:
    """The application that this key started before; KeyReused where it did something else."""
    row = db.session.execute(
        sa.select(Application, Command.transition, Command.actor_id)
        .join(Command, Command.application_id == Application.id)
        .where(Command.key == key)
    ).first()
    if row is None:
        return None
    application: Application = row[0]
    if (row[1], row[2], application.round_id, application.city_id) != (STARTED, actor.id, round_id, city_id):
        raise KeyReused()
    return application


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split("-") if word).upper()
