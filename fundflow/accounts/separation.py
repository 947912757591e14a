"""What nobody may be at once, checked whenever somebody joins a group or a team, is named, or stands in for another.

Every live round's `never_also` is compared with what the person would then hold, in their own name and for others.
Refuses with both roles and the round; the people concerned are locked, so two changes at one moment are checked one
after the other. The command checks the same again, however the memberships came about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import policy, queries
from fundflow.accounts.models import City, Delegation, GroupMember, TeamMember, User
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle import definitions, registry
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.separation import clashes
from fundflow.workflow.definition import Role, Text

OFFICER = "officer"
"""The one field of an application that can name a person."""

Scoped = tuple[str, UUID | None]
"""A group, and the round it is limited to or None."""


class NeverBoth(Refused):
    """{name} would be both “{one}” and “{other}” in {round}, and the rules of that round let nobody be both."""


class NotACandidate(Refused):
    """{name} is not in the group from which this person is chosen."""


class OfTheTeam(Refused):
    """{name} is on the team of {city}, which sent this application."""


class NobodyThere(Refused):
    """There is no such person."""

    status = 422


@dataclass(frozen=True, slots=True)
class Clash:
    """Two roles that one person holds and nobody may hold together."""

    name: str
    one: Text
    other: Text
    round_title: str


@dataclass(frozen=True, slots=True)
class Loan:
    """That somebody may use the giver's roles: of one group or of all, in one round or in all."""

    giver: UUID
    group: str | None
    round_id: UUID | None


@dataclass(slots=True)
class Held:
    """Everything that one person is, as roles are read off it. Delegations count from the day they are given."""

    user_id: UUID
    groups: set[Scoped] = field(default_factory=set)
    teams: set[tuple[UUID, str]] = field(default_factory=set)
    officer_of: set[UUID] = field(default_factory=set)
    panels: dict[UUID, frozenset[str]] = field(default_factory=dict)
    loans: set[Loan] = field(default_factory=set)
    lenders: dict[UUID, Held] = field(default_factory=dict)

    def in_group(self, group: str, round_id: UUID) -> bool:
        return (group, None) in self.groups or (group, round_id) in self.groups

    def lent(self, role: Role, round_id: UUID) -> Iterator[Held]:
        """The givers whose role of this kind the person may use in the round."""
        for loan in self.loans:
            if role.group in policy.NEVER_LENT or loan.group not in (None, role.group):
                continue
            if loan.round_id in (None, round_id):
                yield self.lenders[loan.giver]


def check(user_id: UUID, *, groups: Iterable[Scoped] = (), teams: Iterable[tuple[UUID, str]] = ()) -> None:
    """Refuse (NeverBoth) these memberships for a person, beside those that they have, in any live round.

    Locks the person and whoever stands in for them or they for, until the transaction ends.
    """
    around = lock(user_id)
    extra = {user_id: Held(user_id, groups=set(groups), teams=set(teams))}
    for each in (user_id, *sorted(around.takers)):
        _refuse_first(_held(each, extra))


def check_loan(giver_id: UUID, taker_id: UUID, group: str | None, round_id: UUID | None) -> None:
    """Refuse (NeverBoth) to let a person stand in for another who may never be both; locks the two."""
    lock(giver_id, taker_id)
    extra = {taker_id: Held(taker_id, loans={Loan(giver_id, group, round_id)})}
    _refuse_first(_held(taker_id, extra))


def check_name(application: Application, role: Role, person_id: UUID) -> None:
    """Refuse a person who may not be named in this role of the application; the caller holds the application.

    NobodyThere, NotACandidate, OfTheTeam, NeverBoth. Locks the person and whoever they stand in for.
    """
    around = lock(person_id)
    refusal = why_not(application, role, person_id, around.takers)
    if refusal is not None:
        raise refusal


def check_place(application: Application, review: str, person_id: UUID) -> None:
    """Refuse (NeverBoth) to ask a person for this review of the application; locks the person."""
    lock(person_id)
    extra = {person_id: Held(person_id, panels={application.id: frozenset({review})})}
    clash = next(_clashes(_held(person_id, extra), only=application.id), None)
    if clash is not None:
        raise NeverBoth(name=clash.name, one=clash.one, other=clash.other, round=clash.round_title)


def why_not(application: Application, role: Role, person_id: UUID, takers: Iterable[UUID] = ()) -> Refused | None:
    """What keeps a person, or those who stand in for them, from being named in this role; None where nothing does."""
    person = queries.person(person_id)
    if person is None or not person.active:
        return NobodyThere()
    name = person.name or person.email
    if role.group is not None and not queries.is_in_group(person_id, role.group, application.round_id):
        return NotACandidate(name=name)
    if queries.is_on_team(person_id, application.city_id):
        return OfTheTeam(name=name, city=db.session.get_one(City, application.city_id).name)
    extra = {person_id: Held(person_id, officer_of={application.id})}
    for each in (person_id, *sorted(takers)):
        clash = next(_clashes(_held(each, extra), only=application.id), None)
        if clash is not None:
            return NeverBoth(name=clash.name, one=clash.one, other=clash.other, round=clash.round_title)
    return None


def now() -> list[Clash]:
    """Everyone who holds two roles that nobody may hold together, however it came about; reads all memberships."""
    members = sa.select(GroupMember.user_id).union(
        sa.select(Delegation.taker_id).where(_counts()), sa.select(Application.officer_id)
    )
    people = db.session.scalars(sa.select(User.id).where(User.id.in_(members)).order_by(User.email))
    return [clash for person in people.all() for clash in _clashes(_held(person, {}))]


@dataclass(frozen=True, slots=True)
class _Around:
    """Who stands in for a person, and for whom they do."""

    takers: frozenset[UUID]
    givers: frozenset[UUID]


def lock(*user_ids: UUID) -> _Around:
    """Hold these people and all whom a delegation ties to them, in one order, so that nobody waits in a circle."""
    around = _around(user_ids)
    while True:
        wanted = sorted({*user_ids, *around.takers, *around.givers})
        db.session.execute(sa.select(User.id).where(User.id.in_(wanted)).order_by(User.id).with_for_update()).all()
        # A delegation made just before the lock was ours ties another person to them, who must be held too.
        again = _around(user_ids)
        if again == around:
            return around
        around = again


def _around(user_ids: Iterable[UUID]) -> _Around:
    ids = list(user_ids)
    rows = db.session.execute(
        sa.select(Delegation.giver_id, Delegation.taker_id).where(
            _counts(), sa.or_(Delegation.giver_id.in_(ids), Delegation.taker_id.in_(ids))
        )
    ).all()
    takers = frozenset(row.taker_id for row in rows if row.giver_id in ids)
    return _Around(takers, frozenset(row.giver_id for row in rows if row.taker_id in ids))


def _counts() -> sa.ColumnElement[bool]:
    """Delegations that hold now or will."""
    return sa.and_(Delegation.revoked_at.is_(None), Delegation.ends_at > clock.now())


def _held(user_id: UUID, extra: Mapping[UUID, Held], *, is_lender: bool = False) -> Held:
    """What a person is by the database, and by `extra`; a giver's own loans are left out: they cannot be passed on."""
    found = Held(user_id)
    more = extra.get(user_id, Held(user_id))
    rows = db.session.execute(sa.select(GroupMember.group, GroupMember.round_id).where(GroupMember.user_id == user_id))
    found.groups = {(row.group, row.round_id) for row in rows} | more.groups
    teams = db.session.execute(sa.select(TeamMember.city_id, TeamMember.duty).where(TeamMember.user_id == user_id))
    found.teams = {(row.city_id, row.duty) for row in teams} | more.teams
    named = db.session.scalars(
        sa.select(Application.id).where(Application.officer_id == user_id, Application.outcome.is_(None))
    )
    found.officer_of = set(named) | more.officer_of
    found.panels = dict(registry.panels_of(user_id))
    for application_id, names in more.panels.items():
        found.panels[application_id] = found.panels.get(application_id, frozenset()) | names
    if not is_lender:
        loans = db.session.execute(
            sa.select(Delegation.giver_id, Delegation.group, Delegation.round_id).where(
                _counts(), Delegation.taker_id == user_id
            )
        )
        found.loans = {Loan(*row) for row in loans} | more.loans
        found.lenders = {loan.giver: _held(loan.giver, extra, is_lender=True) for loan in found.loans}
    return found


def _refuse_first(held: Held) -> None:
    for clash in _clashes(held):
        raise NeverBoth(name=clash.name, one=clash.one, other=clash.other, round=clash.round_title)


def _clashes(held: Held, only: UUID | None = None) -> Iterator[Clash]:
    """Each pair of roles once a round: those of groups wherever they reach, then those of single applications."""
    applications = _concerned(held, only)
    for round_id, title, sha in _live_rounds():
        workflow = definitions.get(sha)
        seen: set[frozenset[str]] = set()
        here = [each for each in applications if each.round_id == round_id]
        for application in (None, *here):
            roles = {role.id for role in workflow.roles.values() if _holds(held, role, round_id, application)}
            for one, other in clashes(workflow, roles):
                if frozenset((one.id, other.id)) not in seen:
                    seen.add(frozenset((one.id, other.id)))
                    name = queries.people_named([held.user_id]).get(held.user_id, "")
                    yield Clash(name, one.label, other.label, title)


def _holds(held: Held, role: Role, round_id: UUID, application: Application | None) -> bool:
    """Whether the person has this role in a round, or on an application of it, by themselves or for somebody else."""
    if role.kind == "group" and role.group:
        givers = held.lent(role, round_id)
        return any(each.in_group(role.group, round_id) for each in (held, *givers))
    if application is None:
        return False
    if role.kind == "team":
        return any(city == application.city_id and role.duty in (None, duty) for city, duty in held.teams)
    if role.kind == "panel":  # nobody reviews for somebody else
        return role.review in held.panels.get(application.id, ())
    if role.kind == "field":
        return any(
            application.id in each.officer_of and (role.group is None or each.in_group(role.group, round_id))
            for each in (held, *held.lent(role, round_id))
        )
    return False


def _concerned(held: Held, only: UUID | None) -> list[Application]:
    """Running applications on which the person holds more than their groups give them."""
    named = {*held.officer_of, *held.panels, *(each for lender in held.lenders.values() for each in lender.officer_of)}
    ways = sa.or_(Application.city_id.in_({city for city, _ in held.teams}), Application.id.in_(named))
    query = sa.select(Application).where(Application.outcome.is_(None), ways)
    if only is not None:
        query = query.where(Application.id == only)
    return list(db.session.scalars(query.order_by(Application.created_at, Application.id)))


def _live_rounds() -> list[tuple[UUID, str, str]]:
    """Published rounds that are open still or in which an application runs: (id, title, digest of its workflow)."""
    rounds = queries.rounds
    runs = sa.exists().where(Application.round_id == rounds.c.id, Application.outcome.is_(None))
    rows = db.session.execute(
        sa.select(rounds.c.id, rounds.c.title, rounds.c.definition_sha)
        .where(rounds.c.status == "published", sa.or_(rounds.c.closes_at > clock.now(), runs))
        .order_by(rounds.c.closes_at, rounds.c.id)
    )
    return [(row.id, row.title, row.definition_sha) for row in rows]
