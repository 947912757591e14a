"""Who belongs where: the groups of the fund, the duties of a city's team, and the rules that routes are declared with.

These rules open pages; which rows a person sees there is decided by the clauses in each feature's own policy, and what
a person may do to an application is decided again inside the command.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from fundflow.accounts.models import City, TeamMember
from fundflow.lifecycle.actor import Actor
from fundflow.web.gate import SIGNED_IN, Rule

MANAGERS, REVIEWERS, CHAIRS, COMPLIANCE, DIRECTORS, FINANCE, AUDITORS, ADMINISTRATORS = GROUPS = (
    "fund-managers",
    "reviewers",
    "committee-chairs",
    "compliance",
    "directors",
    "finance",
    "auditors",
    "administrators",
)
DONORS = "donors"
"""The group of people who follow a donor's money. It is none of `GROUPS`: they are not of the fund, and only read."""
FOCAL_POINT, FINANCE_OFFICER, SIGNATORY = DUTIES = ("focal_point", "finance_officer", "signatory")
KINDS = ("city", "municipality", "county", "district", "territorial_community", "partnership", "other")

NEVER_TOGETHER = frozenset(
    frozenset(pair)
    for pair in (
        (MANAGERS, FINANCE),
        (MANAGERS, COMPLIANCE),
        (DIRECTORS, FINANCE),
        (DIRECTORS, COMPLIANCE),
        (COMPLIANCE, FINANCE),
    )
)
"""Nobody may be in both of one pair for the same round: who decides on a grant neither clears it nor pays it out.

The shipped workflows say the same of their roles (`never_also`) and the command enforces it on every transition; here
it is refused already when the membership is given, so that nobody holds a right that would fail later.
"""

NEVER_LENT = frozenset({REVIEWERS, ADMINISTRATORS, DONORS})
"""What nobody can stand in for: a review is the reviewer's own, and administrators are each other's second person."""

signed_in = SIGNED_IN
team_member = Rule(lambda actor: bool(actor.teams), _l("the focal point of your city"), "city teams")


def in_group(*groups: str) -> Rule:
    """Members of one of these groups, for every round or for any single one."""
    unknown = set(groups) - set(GROUPS)
    if unknown:
        raise ValueError(f"No such group: {', '.join(sorted(unknown))}")
    return Rule(lambda actor: actor.is_in(*groups), _l("an administrator of the fund"), ", ".join(groups))


staff = in_group(*GROUPS)
administrator = in_group(ADMINISTRATORS)


def lends(actor: Actor) -> bool:
    """Holds a group that somebody else could hold for a time."""
    return any(group not in NEVER_LENT for group, _ in actor.groups)


lender = Rule(lambda actor: actor.is_in(*GROUPS), _l("an administrator of the fund"), "the fund")


def may_see_city(actor: Actor, city_id: UUID) -> bool:
    """The team of the city, and everybody of the fund."""
    return actor.is_system or city_id in actor.city_ids or actor.is_in(*GROUPS)


def visible_cities(actor: Actor) -> sa.ColumnElement[bool]:
    """`may_see_city` as a clause over City; memberships are read from the database, not from the actor."""
    if actor.is_system or actor.is_in(*GROUPS):
        return sa.true()
    if actor.id is None:
        return sa.false()
    return City.id.in_(sa.select(TeamMember.city_id).where(TeamMember.user_id == actor.id))


def may_lead(actor: Actor, city_id: UUID) -> bool:
    """A focal point of the city: edits it, invites and removes colleagues."""
    return (city_id, FOCAL_POINT) in actor.teams
