"""What workflows may say about people: roles of a city's team, of a group of the fund, and of one named person.

All are read from the database at the moment of the command, never from what the gate knew; the system holds none.
Whoever left the group that a named person is chosen from no longer holds the role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from fundflow import mail
from fundflow.accounts import policy, queries, separation
from fundflow.accounts.queries import Reached
from fundflow.lifecycle import anchors, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.registry import StandIn
from fundflow.prepared import Question
from fundflow.workflow.checker import Directory

if TYPE_CHECKING:
    from fundflow.lifecycle.models import Anchor, Application
    from fundflow.workflow.definition import Role


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


@registry.asks("role team")
def team_asked(application: Application, role: Any, actor: Actor) -> Question:
    """Whether the actor is on the team."""
    assert actor.id is not None  # noqa: S101 -- nobody and the system hold no role of people
    return queries.team_asked(actor.id, application.city_id, getattr(role, "duty", None))


@registry.asks("people team")
def colleagues_asked(application: Application, role: Any, _actor: Actor) -> Question:
    """Who is on the team."""
    return queries.colleagues_asked(application.city_id, getattr(role, "duty", None))


@registry.asks("people group")
def group_asked(application: Application, role: Any, _actor: Actor) -> Question:
    """Who is in the group."""
    return queries.group_asked(role.group, application.round_id)


@registry.foresight
def foresee_teams(applications: Sequence[Application], wanted: frozenset[str]) -> None:
    """The teams of all the cities, where messages go to them."""
    if "team" in wanted:
        queries.foresee_colleagues(application.city_id for application in applications)


@registry.role_kind("group")
def is_of_the_group(application: Application, role: Any, actor: Actor) -> bool:
    """Whether the actor is in the role's group, for every round or for that of the application."""
    return actor.id is not None and queries.is_in_group(actor.id, role.group, application.round_id)


registry.memberships(is_of_the_group, queries.groups_column)


@registry.role_people("group")
def people_of_the_group(application: Application, role: Any) -> list[Reached]:
    """The members of the role's group who serve the application's round."""
    return queries.people_in_group(role.group, application.round_id)


def _named(application: Application, role: Role) -> UUID | None:
    """Who is named in the field of the role; `officer` is the one field there is."""
    return application.officer_id if (role.field or "").rpartition(".")[2] == separation.OFFICER else None


@registry.role_kind("field")
def is_named(application: Application, role: Role, actor: Actor) -> bool:
    """Whether the actor is the person named, and still belongs to the group that this person is chosen from."""
    if actor.id is None or _named(application, role) != actor.id:
        return False
    return role.group is None or queries.is_in_group(actor.id, role.group, application.round_id)


@registry.role_people("field")
def person_named(application: Application, role: Role) -> list[Reached]:
    """The one person named, as long as they are in the group."""
    named = _named(application, role)
    if named is None:
        return []
    people = (
        queries.reached([named]) if role.group is None else queries.people_in_group(role.group, application.round_id)
    )
    return [person for person in people if person.id == named]


@registry.candidates("field")
def candidates(application: Application, role: Role) -> list[Reached]:
    """The people of the role's group whom nothing keeps from being named."""
    if role.group is None:
        return []
    people = queries.people_in_group(role.group, application.round_id)
    return [person for person in people if separation.why_not(application, role, person.id) is None]


@registry.stand_in
def stands_in(actor_id: UUID, application: Application) -> list[StandIn]:
    """For whom a person stands in now on the application, by the delegations that are in force."""
    return [StandIn(giver, group) for giver, group in queries.stand_ins(actor_id, application.round_id)]


@registry.name_check
def may_be_named(application: Application, role: Role, person_id: UUID) -> None:
    """Refuse a person who is no candidate: outside the group, of the city's team, or kept apart by `never_also`."""
    separation.check_name(application, role, person_id)


@registry.administrator
def administers(person_id: UUID) -> bool:
    """Whether this person is an administrator of the fund, with an account that is open."""
    person = queries.person(person_id)
    return person is not None and person.active and queries.is_in_group(person_id, policy.ADMINISTRATORS, None)


@registry.publisher
def may_publish_workflows(person_id: UUID) -> bool:
    """A fund manager of every round, or an administrator, in their own right, with an account that is open."""
    person = queries.person(person_id)
    return (
        person is not None
        and person.active
        and any(queries.is_in_group(person_id, group, None) for group in (policy.MANAGERS, policy.ADMINISTRATORS))
    )


@registry.acts_for
def acts_for(person_id: UUID, other_id: UUID) -> bool:
    """Whether a person stands in for another by a delegation that is in force, whatever it lends."""
    return queries.stands_in_for(person_id, other_id)


@registry.takes_part
def is_on_the_citys_team(application: Application, person_id: UUID) -> bool:
    """Whoever may act for the applying city has to do with its application."""
    return queries.is_on_team(person_id, application.city_id)


@anchors.announcer
def mail_to_auditors(anchor: Anchor) -> None:
    """Send every auditor the root, which is then kept where nobody who runs the database can change it."""
    facts = {
        "anchor": anchor.number,
        "made_at": anchor.made_at,
        "count": anchor.count,
        "root": anchor.root,
        "previous": anchor.previous,
        "link": "/audit",
    }
    for person in queries.everyone_in_group(policy.AUDITORS):
        mail.queue("anchor", person, facts, f"anchor:{anchor.number}")


@registry.directory
def everybody() -> Directory:
    """Everybody whose account is open, by groups of whichever rounds and by duties of whichever cities."""
    return Directory(**queries.everybody())


@registry.alarm
def tell_administrators(template: str, key: str, facts: Mapping[str, Any]) -> None:
    """Queue one message for each administrator of the whole fund."""
    for person in queries.people_in_group(policy.ADMINISTRATORS):
        mail.queue(template, cast("mail.Recipient", person), facts, key)
