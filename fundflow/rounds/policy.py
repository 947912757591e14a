"""Who may see and manage a round, as a SQL clause and as a predicate that says the same.

A published round is public. A draft is seen only by the fund's managers and auditors of that round; everything that is
not named here is refused.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.policy import AUDITORS, DIRECTORS, FINANCE, MANAGERS
from fundflow.lifecycle.actor import Actor
from fundflow.rounds.models import Round

SEES_DRAFTS = (MANAGERS, AUDITORS)
SEES_MONEY = (MANAGERS, DIRECTORS, FINANCE, AUDITORS)


def scopes(actor: Actor, *groups: str, own: bool = False) -> frozenset[UUID] | None:
    """The rounds that the actor's memberships of these groups reach; None means every round.

    Those that are lent to them count, unless only their `own` are asked for.
    """
    reached = {scope for group, scope in actor.groups | (frozenset() if own else actor.lent) if group in groups}
    return None if None in reached else frozenset(scope for scope in reached if scope is not None)


def within(actor: Actor, *groups: str, own: bool = False) -> sa.ColumnElement[bool]:
    """Rounds inside the reach of the actor's memberships of these groups."""
    reached = scopes(actor, *groups, own=own)
    return sa.true() if reached is None else Round.id.in_(reached) if reached else sa.false()


def seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Rounds the actor may read."""
    return sa.or_(Round.status == "published", within(actor, *SEES_DRAFTS))


def managed_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Rounds the actor may change: whoever stands in for a manager decides on applications, not on the rounds."""
    return within(actor, MANAGERS, own=True)


def money_seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Rounds whose budget, commitments and payments the actor may read."""
    return within(actor, *SEES_MONEY)


def may_manage(actor: Actor, round_: Round) -> bool:
    """The predicate of `managed_by`."""
    reached = scopes(actor, MANAGERS, own=True)
    return reached is None or round_.id in reached


def may_see_money(actor: Actor, round_: Round) -> bool:
    """The predicate of `money_seen_by`."""
    return actor.is_in(*SEES_MONEY, round_id=round_.id)


def may_create(actor: Actor) -> bool:
    """Only a manager of every round opens a new one: a manager of one round would otherwise widen their own reach."""
    return scopes(actor, MANAGERS, own=True) is None
