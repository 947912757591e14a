"""The beginning of every command: its key taken once, the application locked, the revision compared.

Refuses a key used for something else, a revision that is no longer so, an application that has ended, and rules that do
not know where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Command, Event
from fundflow.lifecycle.refusals import HasEnded, KeyReused, NotThisWorkflow, Stale
from fundflow.lifecycle.writes import Claim
from fundflow.workflow.definition import Workflow

TICK = timedelta(microseconds=1)


class Fired(NamedTuple):
    """What a command did; `replayed` when an earlier one under the same key had done it already.

    `state` and `outcome` are the application's after all that followed by itself.
    """

    event_seq: int
    state: str
    outcome: str | None
    replayed: bool


class Asked(NamedTuple):
    """What a command is: `name` is a transition or an act, `subject` what beside the application it is about.

    `even_ended` is for what the fund itself writes into a chain, which also an application that has ended takes.
    """

    application_id: UUID
    name: str
    actor: Actor
    key: str
    revision: int | None
    subject: str | None = None
    even_ended: bool = False


class Held(NamedTuple):
    """An application under its lock, with its rules; `now` is later than everything that happened to it."""

    application: Application
    workflow: Workflow
    now: datetime
    groups: frozenset[str] | None = None
    """The groups that the actor is in for the application's round, where that is known already."""


def take(asked: Asked) -> Held | Fired:
    """Lock the application for this command; or, where its key was used for it before, what it did then."""
    _check(asked)
    db.session.flush()
    return held(asked, writes.claim(asked.application_id, asked.key, asked.name, asked.actor.id))


def take_all(many: Sequence[Asked]) -> Mapping[UUID, Claim]:
    """Lock the applications of all these commands of one actor, one command for each; give each to `held`."""
    for asked in many:
        _check(asked)
    db.session.flush()
    return writes.claim_all({asked.application_id: (asked.key, asked.name) for asked in many}, many[0].actor.id)


def _check(asked: Asked) -> None:
    writes.check_key(asked.key)
    if asked.revision is None and not asked.actor.is_system:
        raise ValueError("A person decides on what they saw: pass the revision.")


def held(asked: Asked, claim: Claim | None) -> Held | Fired:
    """The application that was locked for this command, compared with what the actor saw; or what it did before."""
    if claim is None:
        raise NotFound()
    if not claim.is_first:
        return _replay(asked)
    application = claim.application
    if asked.revision is not None and asked.revision != application.revision:
        raise Stale()
    workflow = definitions.get(application.definition_sha)
    if application.outcome is not None and not asked.even_ended:
        raise HasEnded()
    if application.state not in workflow.states:
        raise NotThisWorkflow(state=application.state)
    return Held(application, workflow, max(claim.now, application.last_event_at + TICK), claim.groups)


def _replay(asked: Asked) -> Fired:
    """The result of the command that had this key first, if it was this very command."""
    row = db.session.execute(
        sa.select(Command.application_id, Command.transition, Command.actor_id, Event)
        .join(Event, sa.and_(Event.application_id == Command.application_id, Event.seq == Command.event_seq))
        .where(Command.key == asked.key)
    ).first()
    if row is None or (row[0], row[1], row[2]) != (asked.application_id, asked.name, asked.actor.id):
        raise KeyReused()
    event: Event = row[3]
    if event.subject != asked.subject:
        raise KeyReused()
    return Fired(event.seq, event.to_state or event.from_state or "", event.outcome, replayed=True)
