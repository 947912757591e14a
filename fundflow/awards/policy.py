"""Who may read the documents of an application, as a SQL clause and as a predicate that says the same.

The city's own team, and those who see the money of its round. A reviewer does not, nor anyone to whom the application
is hidden.
"""

from __future__ import annotations

import sqlalchemy as sa

from fundflow.applications.policy import visible_to
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.rounds.policy import SEES_MONEY, scopes


def documents_seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """A clause over Application: its documents may be read by this actor."""
    reached = scopes(actor, *SEES_MONEY)
    of_rounds = sa.true() if reached is None else Application.round_id.in_(reached)
    return sa.and_(visible_to(actor), sa.or_(Application.city_id.in_(actor.city_ids), of_rounds))


def may_read_documents(actor: Actor, application: Application) -> bool:
    """The predicate of `documents_seen_by`, for an application that this actor was given to see."""
    return application.city_id in actor.city_ids or actor.is_in(*SEES_MONEY, round_id=application.round_id)
