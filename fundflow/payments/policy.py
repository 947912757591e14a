"""Who may see payments: the city's own team its own, and who sees the round's money all of that round."""

from __future__ import annotations

from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.rounds.policy import SEES_MONEY


def may_see_payments(actor: Actor, application: Application) -> bool:
    """Whether the payments made to this application may be read by this actor; nobody else may."""
    return application.city_id in actor.city_ids or actor.is_in(*SEES_MONEY, round_id=application.round_id)
