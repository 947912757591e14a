"""Who may see an application, as a SQL clause and as a predicate; what they see of it, the access matrix decides.

A city's team sees its own, those who work for the fund see those of the rounds they work on. Whoever is
named nowhere here sees nothing; reviewers come in only through a clause that the reviews register.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from fundflow.accounts.models import GroupMember
from fundflow.accounts.policy import AUDITORS, CHAIRS, COMPLIANCE, DIRECTORS, FINANCE, MANAGERS
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.rounds.policy import scopes

SEE_ROUNDS = (MANAGERS, CHAIRS, COMPLIANCE, DIRECTORS, FINANCE, AUDITORS)
"""The groups that see every application of the rounds their membership reaches."""

visible_clauses: list[Callable[[Actor], sa.ColumnElement[bool] | None]] = []
"""Further ways to see an application, from the features above: a clause over Application, or None for this actor."""

hidden_clauses: list[Callable[[Actor], sa.ColumnElement[bool] | None]] = []
"""What no other way opens, such as an application that the actor must stay away from; None where nothing is hidden."""


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The applications that the actor may know of."""
    if actor.is_system:
        return sa.true()
    if actor.id is None:
        return sa.false()
    ways: list[sa.ColumnElement[bool]] = []
    if actor.city_ids:
        ways.append(Application.city_id.in_(actor.city_ids))
    reached = scopes(actor, *SEE_ROUNDS)
    if reached is None:
        ways.append(sa.true())
    elif reached:
        ways.append(Application.round_id.in_(reached))
    ways.append(sa.and_(Application.officer_id.in_({actor.id, *actor.stands_in_for}), _officer_is_of_the_fund()))
    ways += [clause for each in visible_clauses if (clause := each(actor)) is not None]
    hidden = [clause for each in hidden_clauses if (clause := each(actor)) is not None]
    return sa.and_(sa.or_(sa.false(), *ways), *(sa.not_(clause) for clause in hidden))


def _officer_is_of_the_fund() -> sa.ColumnElement[bool]:
    """Whoever left the fund, or serves other rounds now, no longer sees what they were named for."""
    return (
        sa.exists()
        .where(
            GroupMember.user_id == Application.officer_id,
            sa.or_(GroupMember.round_id.is_(None), GroupMember.round_id == Application.round_id),
        )
        .correlate(Application)
    )


def may_start(actor: Actor, city_id: object) -> bool:
    """Anyone of the city's team may start its application; who may send it, the workflow says."""
    return city_id in actor.city_ids
