"""Who may see and prepare the decision meetings of a round, as a SQL clause and as a predicate that says the same."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.policy import AUDITORS, CHAIRS, DIRECTORS, MANAGERS, in_group
from fundflow.decisions.models import Meeting
from fundflow.lifecycle.actor import Actor
from fundflow.rounds.policy import scopes

PREPARE = (CHAIRS, MANAGERS, DIRECTORS)
READ = (*PREPARE, AUDITORS)

readers = in_group(*READ)
"""Who has the pages at all; which meetings are on them, the clause says."""
preparers = in_group(*PREPARE)


def seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Meetings of the rounds that the actor's memberships reach."""
    reached = scopes(actor, *READ)
    return sa.true() if reached is None else Meeting.round_id.in_(reached) if reached else sa.false()


def may_read(actor: Actor, round_id: UUID) -> bool:
    """The predicate of `seen_by`."""
    return actor.is_in(*READ, round_id=round_id)


def may_prepare(actor: Actor, round_id: UUID) -> bool:
    """Whoever writes, proposes and releases; an auditor only reads."""
    return actor.is_in(*PREPARE, round_id=round_id)
