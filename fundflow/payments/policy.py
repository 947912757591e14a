"""Who may see payments: the city's own team its own, and who sees the round's money all of that round."""

from __future__ import annotations

import sqlalchemy as sa

from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round
from fundflow.rounds.policy import SEES_MONEY, money_seen_by


def payments_seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """A clause over Application: the payments made to it may be read by this actor."""
    return sa.or_(
        Application.city_id.in_(actor.city_ids),
        Application.round_id.in_(sa.select(Round.id).where(money_seen_by(actor))),
    )


def may_see_payments(actor: Actor, application: Application) -> bool:
    """The predicate of `payments_seen_by`."""
    return application.city_id in actor.city_ids or actor.is_in(*SEES_MONEY, round_id=application.round_id)
