"""What workflows may say about people: roles held by a city's team and roles held by a group of the fund.

Both are read from the database at the moment of the command, never from what the gate knew; the system holds neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fundflow.accounts import queries
from fundflow.accounts.queries import Reached
from fundflow.lifecycle import registry
from fundflow.lifecycle.actor import Actor

if TYPE_CHECKING:
    from fundflow.lifecycle.models import Application


@registry.role_kind("team")
def is_of_the_team(application: Application, role: Any, actor: Actor) -> bool:
    """Whether the actor may act for the applying city, with the duty that the role names if it names one."""
    if actor.id is None:
        return False
    return queries.is_on_team(actor.id, application.city_id, getattr(role, "duty", None))


@registry.role_people("team")
def people_of_the_team(application: Application, role: Any) -> list[Reached]:
    """The team of the applying city, or those of it with the role's duty."""
    return queries.colleagues_with(application.city_id, getattr(role, "duty", None))


@registry.role_kind("group")
def is_of_the_group(application: Application, role: Any, actor: Actor) -> bool:
    """Whether the actor is in the role's group, for every round or for that of the application."""
    return actor.id is not None and queries.is_in_group(actor.id, role.group, application.round_id)


@registry.role_people("group")
def people_of_the_group(application: Application, role: Any) -> list[Reached]:
    """The members of the role's group who serve the application's round."""
    return queries.people_in_group(role.group, application.round_id)
