"""What is read about people, cities, teams, groups and invitations.

Nothing outside a person's sight is found: an address with another city's id answers exactly like one that never was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fundflow import clock
from fundflow.accounts import policy
from fundflow.accounts.models import City, Delegation, GroupMember, Invitation, TeamMember, User
from fundflow.db import UtcDateTime, db, foreseen, read
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import ANONYMOUS, Actor
from fundflow.prepared import Prepared, Question

SHOWN = 50
"""How many people one search shows."""

# Rounds belong to a higher feature; of them, this one knows the table that a membership's scope points to.
rounds = sa.table(
    "rounds",
    sa.column("id", sa.Uuid),
    sa.column("title", sa.Text),
    sa.column("closes_at", UtcDateTime),
    sa.column("definition_sha", sa.String),
    sa.column("status", sa.Text),
)


_TEAM = (TeamMember.user_id == sa.bindparam("user_id"), TeamMember.city_id == sa.bindparam("city_id"))
_ON_TEAM = sa.select(sa.literal(1)).where(*_TEAM).limit(1)
_WITH_DUTY = Prepared(_ON_TEAM.where(TeamMember.duty == sa.bindparam("duty")), is_steady=True)
_OF_TEAM = Prepared(_ON_TEAM, is_steady=True)
_REACHING = sa.or_(GroupMember.round_id.is_(None), GroupMember.round_id == sa.bindparam("round_id", type_=sa.Uuid))
"""Memberships that hold for every round, and those for one; without a round (null) only the former."""
_IN_GROUP = Prepared(
    sa.select(sa.literal(1))
    .where(GroupMember.user_id == sa.bindparam("user_id"), GroupMember.group == sa.bindparam("group"), _REACHING)
    .limit(1),
    is_steady=True,
)


def groups_column(user_id: sa.ColumnElement[Any], round_id: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The names of the groups that a person is in for a round, as an array of PostgreSQL: what `is_in_group` asks."""
    reaching = sa.or_(GroupMember.round_id.is_(None), GroupMember.round_id == round_id)
    return (
        sa.select(sa.func.array_agg(GroupMember.group))
        .where(GroupMember.user_id == user_id, reaching)
        .scalar_subquery()
    )


_REACHED = (
    sa.select(User.id, User.email, User.name, User.language, User.timezone)
    .where(User.active.is_(True))
    .order_by(User.name, User.id)
)
_MEMBERS = sa.select(TeamMember.user_id).where(TeamMember.city_id == sa.bindparam("city_id"))
_COLLEAGUES = Prepared(_REACHED.where(User.id.in_(_MEMBERS)), is_steady=True)
_COLLEAGUES_WITH = Prepared(
    _REACHED.where(User.id.in_(_MEMBERS.where(TeamMember.duty == sa.bindparam("duty")))), is_steady=True
)
_GROUP = Prepared(
    _REACHED.where(
        User.id.in_(sa.select(GroupMember.user_id).where(GroupMember.group == sa.bindparam("group"), _REACHING))
    ),
    is_steady=True,
)


@dataclass(frozen=True, slots=True)
class Reached:
    """A person as mail needs them."""

    id: UUID
    email: str
    name: str
    language: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """One person of a city's team, with all their duties in the order of `policy.DUTIES`."""

    user: User
    duties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Membership:
    """That a person is in a group of the fund; `round_title` is None when it holds for every round."""

    id: UUID
    user: User
    group: str
    round_id: UUID | None
    round_title: str | None
    added_by_name: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation offers: a duty in a city's team, or a group of the fund for one round or (None) for all."""

    invitation: Invitation
    city: City | None
    round_title: str | None
    inviter_name: str

    @property
    def is_expired(self) -> bool:
        return self.invitation.expires_at <= clock.now()


def person(user_id: UUID) -> User | None:
    """The person with this id, or None."""
    return db.session.get(User, user_id)


def person_by_email(email: str) -> User | None:
    """The person with this address, whatever its letter case."""
    return db.session.scalar(sa.select(User).where(sa.func.lower(User.email) == email.strip().lower()))


def people_named(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of these people, by id, in one query; ids of nobody are left out."""
    wanted = {user_id for user_id in ids if user_id is not None}
    if not wanted:
        return {}
    return {row.id: row.name or row.email for row in db.session.execute(_names.where(User.id.in_(wanted)))}


_names = sa.select(User.id, User.name, User.email)


def actor_for(user_id: UUID) -> Actor:
    """Who this person is now: teams and groups as the database has them. ANONYMOUS for nobody or a closed account."""
    found = db.session.get(User, user_id)
    return actor_of(found) if found is not None and found.active else ANONYMOUS


def actor_of(user: User) -> Actor:
    """`actor_for` of a row already read: two queries, one for teams and one for groups."""
    teams = db.session.execute(sa.select(TeamMember.city_id, TeamMember.duty).where(TeamMember.user_id == user.id))
    groups = db.session.execute(_groups_of(user.id)).all()
    return Actor(
        id=user.id,
        name=user.name or user.email,
        email=user.email,
        language=user.language,
        timezone=user.timezone,
        teams=frozenset((row.city_id, row.duty) for row in teams),
        groups=frozenset((row.group, row.round_id) for row in groups if row.giver_id is None),
        lent=frozenset((row.group, row.limit or row.round_id) for row in groups if row.giver_id is not None),
        stands_in_for=frozenset(row.giver_id for row in groups if row.giver_id is not None),
    )


def _groups_of(user_id: UUID) -> sa.CompoundSelect[Any]:
    """The groups that a person is in, and with their giver those that are lent to them now; one statement."""
    nobody = sa.type_coerce(sa.null(), sa.Uuid)
    own = sa.select(GroupMember.group, GroupMember.round_id, nobody.label("giver_id"), nobody.label("limit")).where(
        GroupMember.user_id == user_id
    )
    lent = (
        sa.select(GroupMember.group, GroupMember.round_id, Delegation.giver_id, Delegation.round_id)
        .join(Delegation, Delegation.giver_id == GroupMember.user_id)
        .join(User, User.id == Delegation.giver_id)
        .where(
            Delegation.taker_id == user_id,
            User.active.is_(True),
            in_force(),
            GroupMember.group.not_in(policy.NEVER_LENT),
            sa.or_(Delegation.group.is_(None), Delegation.group == GroupMember.group),
            sa.or_(
                Delegation.round_id.is_(None),
                GroupMember.round_id.is_(None),
                Delegation.round_id == GroupMember.round_id,
            ),
        )
    )
    return sa.union_all(own, lent)


def in_force() -> sa.ColumnElement[bool]:
    """Delegations that hold now."""
    now = clock.now()
    return sa.and_(Delegation.starts_at <= now, Delegation.ends_at > now, Delegation.revoked_at.is_(None))


def stand_ins(taker_id: UUID, round_id: UUID) -> list[tuple[UUID, str | None]]:
    """For whom a person stands in now in a round: (giver, the one group it is limited to or None), the oldest first."""
    rows = db.session.execute(
        sa.select(Delegation.giver_id, Delegation.group)
        .join(User, User.id == Delegation.giver_id)
        .where(
            Delegation.taker_id == taker_id,
            User.active.is_(True),
            in_force(),
            sa.or_(Delegation.round_id.is_(None), Delegation.round_id == round_id),
        )
        .order_by(Delegation.created_at, Delegation.id)
    )
    return [(giver, group) for giver, group in rows]


def stands_in_for(taker_id: UUID, giver_id: UUID) -> bool:
    """Whether one person stands in for another now, in whatever group and round."""
    is_lent = sa.exists().where(Delegation.taker_id == taker_id, Delegation.giver_id == giver_id, in_force())
    return bool(db.session.scalar(sa.select(is_lent)))


def city_for(actor: Actor, city_id: UUID) -> City:
    """The city, if the actor may see it: its own team and everybody of the fund. NotFound otherwise."""
    found = db.session.scalar(sa.select(City).where(City.id == city_id, policy.visible_cities(actor)))
    if found is None:
        raise NotFound
    return found


def cities_of(actor: Actor) -> list[City]:
    """The cities whose team the actor belongs to, by name."""
    if actor.id is None:
        return []
    mine = sa.select(TeamMember.city_id).where(TeamMember.user_id == actor.id)
    return list(db.session.scalars(sa.select(City).where(City.id.in_(mine)).order_by(City.name, City.id)))


def cities_named(ids: Iterable[UUID]) -> dict[UUID, City]:
    """These cities by id, in one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {city.id: city for city in db.session.scalars(sa.select(City).where(City.id.in_(wanted)))}


def team_of(city_id: UUID) -> list[Colleague]:
    """The people who may act for a city, focal points first, then by name."""
    rows = db.session.execute(
        sa.select(User, TeamMember.duty)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.city_id == city_id)
        .order_by(User.name, User.id)
    )
    duties: dict[UUID, tuple[User, set[str]]] = {}
    for user, duty in rows:
        duties.setdefault(user.id, (user, set()))[1].add(duty)
    team = [Colleague(user, tuple(d for d in policy.DUTIES if d in held)) for user, held in duties.values()]
    return sorted(team, key=lambda colleague: policy.FOCAL_POINT not in colleague.duties)


def colleagues_with(city_id: UUID, duty: str | None = None) -> list[Reached]:
    """The people of a city's team, or those with one duty: whom a role of kind `team` reaches."""
    statement, values = colleagues_asked(city_id, duty)
    return [Reached(*row) for row in read(statement, **values)]


def colleagues_asked(city_id: UUID, duty: str | None) -> Question:
    """What `colleagues_with` asks."""
    if duty is None:
        return _COLLEAGUES, {"city_id": city_id}
    return _COLLEAGUES_WITH, {"city_id": city_id, "duty": duty}


def foresee_colleagues(city_ids: Iterable[UUID]) -> None:
    """Have `colleagues_with` of each of these cities answered by one question."""
    found: dict[UUID, list[tuple[Any, ...]]] = {city_id: [] for city_id in city_ids}
    members = (
        sa.select(TeamMember.city_id, TeamMember.user_id).where(TeamMember.city_id.in_(found)).distinct().subquery()
    )
    rows = db.session.execute(_REACHED.add_columns(members.c.city_id).join(members, members.c.user_id == User.id))
    for *person, city_id in rows:
        found[city_id].append(tuple(person))
    for city_id, people in found.items():
        foreseen(_COLLEAGUES, people, city_id=city_id)


def is_on_team(user_id: UUID, city_id: UUID, duty: str | None = None) -> bool:
    """Whether this person may act for this city (with this duty), read from the database now."""
    statement, values = team_asked(user_id, city_id, duty)
    return any(read(statement, **values))


def team_asked(user_id: UUID, city_id: UUID, duty: str | None) -> Question:
    """What `is_on_team` asks."""
    if duty is None:
        return _OF_TEAM, {"user_id": user_id, "city_id": city_id}
    return _WITH_DUTY, {"user_id": user_id, "city_id": city_id, "duty": duty}


def is_in_group(user_id: UUID, group: str, round_id: UUID | None) -> bool:
    """Whether this person is in this group for every round, or for this one, read from the database now."""
    return any(read(_IN_GROUP, user_id=user_id, group=group, round_id=round_id))


def people_in_group(group: str, round_id: UUID | None = None) -> list[Reached]:
    """The members of a group who serve this round: those of every round and those of this one, by name.

    Without a round, only those whose membership holds for every round.
    """
    statement, values = group_asked(group, round_id)
    return [Reached(*row) for row in read(statement, **values)]


def group_asked(group: str, round_id: UUID | None) -> Question:
    """What `people_in_group` asks."""
    return _GROUP, {"group": group, "round_id": round_id}


def reached(ids: Iterable[UUID]) -> list[Reached]:
    """These people as mail needs them, those whose account is open, by name."""
    return [Reached(*row) for row in db.session.execute(_REACHED.where(User.id.in_(list(ids))))]


def everyone_in_group(group: str) -> list[Reached]:
    """The members of a group, of whichever rounds, by name."""
    members = sa.select(GroupMember.user_id).where(GroupMember.group == group)
    return [Reached(*row) for row in db.session.execute(_REACHED.where(User.id.in_(members)))]


def everybody() -> dict[str, Any]:
    """Who is in which group and has which duty, by id, of the accounts that are open; and what each is called."""
    groups: dict[str, set[str]] = {}
    duties: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    called = sa.func.coalesce(sa.func.nullif(User.name, ""), User.email).label("called")
    for table, column, found in ((GroupMember, GroupMember.group, groups), (TeamMember, TeamMember.duty, duties)):
        rows = db.session.execute(
            sa.select(User.id, called, column.label("what")).join(table, table.user_id == User.id).where(User.active)
        )
        for row in rows:
            found.setdefault(row.what, set()).add(str(row.id))
            names[str(row.id)] = row.called
    return {
        "groups": {name: frozenset(people) for name, people in groups.items()},
        "duties": {name: frozenset(people) for name, people in duties.items()},
        "team": frozenset(person for people in duties.values() for person in people),
        "names": names,
    }


def search_people(text: str = "") -> list[User]:
    """Up to `SHOWN` people whose name or address contains the text, by name."""
    wanted = sa.select(User).order_by(sa.func.lower(User.name), User.id).limit(SHOWN)
    if text.strip():
        needle = "%" + text.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        wanted = wanted.where(
            sa.or_(
                sa.func.lower(User.name).like(needle, escape="\\"),
                sa.func.lower(User.email).like(needle, escape="\\"),
            )
        )
    return list(db.session.scalars(wanted))


def memberships(user_ids: Collection[UUID] | None = None) -> list[Membership]:
    """Who is in which group of the fund, of these people or of all, ordered by group and name."""
    adder = aliased(User)
    wanted = (
        sa.select(GroupMember, User, rounds.c.title, sa.func.coalesce(sa.func.nullif(adder.name, ""), adder.email))
        .join(User, User.id == GroupMember.user_id)
        .outerjoin(rounds, rounds.c.id == GroupMember.round_id)
        .outerjoin(adder, adder.id == GroupMember.added_by)
        .order_by(GroupMember.group, User.name, User.id, rounds.c.title)
    )
    if user_ids is not None:
        wanted = wanted.where(GroupMember.user_id.in_(user_ids))
    return [
        Membership(member.id, user, member.group, member.round_id, title, added_by)
        for member, user, title, added_by in db.session.execute(wanted)
    ]


def round_titles() -> list[tuple[UUID, str]]:
    """Rounds that a membership can be limited to, the latest deadline first."""
    rows = db.session.execute(sa.select(rounds.c.id, rounds.c.title).order_by(rounds.c.closes_at.desc(), rounds.c.id))
    return [(row.id, row.title) for row in rows]


def group_member_for(actor: Actor, member_id: UUID) -> GroupMember:
    """One membership of a group, for an administrator. NotFound otherwise."""
    found = db.session.get(GroupMember, member_id) if actor.is_in(policy.ADMINISTRATORS) else None
    if found is None:
        raise NotFound
    return found


def invitations_of(city_id: UUID) -> list[Invitation]:
    """Invitations to a city's team that were neither taken nor withdrawn, the newest first; expired ones too."""
    return _open_invitations(Invitation.city_id == city_id)


def group_invitations() -> list[Invitation]:
    """Open invitations to groups of the fund, the newest first."""
    return _open_invitations(Invitation.group.is_not(None))


def _open_invitations(which: sa.ColumnElement[bool]) -> list[Invitation]:
    wanted = sa.select(Invitation).where(which, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    return list(db.session.scalars(wanted.order_by(Invitation.created_at.desc(), Invitation.id)))


def invitation_for(actor: Actor, invitation_id: UUID) -> Invitation:
    """An invitation, for those who manage it: focal points of its city, or administrators. NotFound otherwise."""
    found = db.session.get(Invitation, invitation_id)
    if found is None or not _may_manage(actor, found):
        raise NotFound
    return found


def _may_manage(actor: Actor, invitation: Invitation) -> bool:
    if invitation.city_id is not None:
        return policy.may_lead(actor, invitation.city_id)
    return actor.is_in(policy.ADMINISTRATORS)


def digest(token: str) -> str:
    """What is kept of an invitation's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_with(token: str) -> Invitation:
    """The invitation that a link names, in whatever condition. NotFound when there is none."""
    found = db.session.scalar(sa.select(Invitation).where(Invitation.token_sha256 == digest(token)))
    if found is None:
        raise NotFound
    return found


def offer_of(invitation: Invitation) -> Offer:
    """What this invitation offers, in names."""
    return offers_of([invitation])[0]


def offers_of(invitations: Sequence[Invitation]) -> list[Offer]:
    """What these invitations offer, in names: three queries however many they are."""
    cities = cities_named(each.city_id for each in invitations if each.city_id)
    inviters = people_named(each.invited_by for each in invitations)
    scopes = {each.round_id for each in invitations if each.round_id}
    wanted = sa.select(rounds.c.id, rounds.c.title).where(rounds.c.id.in_(scopes))
    titles = {row.id: row.title for row in db.session.execute(wanted)} if scopes else {}
    return [
        Offer(
            each,
            cities.get(each.city_id) if each.city_id else None,
            titles.get(each.round_id) if each.round_id else None,
            inviters.get(each.invited_by, ""),
        )
        for each in invitations
    ]


def invitations_to(actor: Actor) -> list[Offer]:
    """What is offered to the actor's confirmed address and can still be taken, the newest first."""
    mine = db.session.get(User, actor.id) if actor.id else None
    if mine is None or mine.confirmed_at is None:
        return []
    waiting = _open_invitations(sa.and_(Invitation.email == mine.email.lower(), Invitation.expires_at > clock.now()))
    return offers_of(waiting)
