"""Standing in: a person of the fund lets another use their roles for a time, while they are away.

Refuses what the giver does not hold, a person from outside the fund or one whom the rules of a round keep apart from
it, and dates that make no sense. It ends by itself on the last day, in the giver's own time zone, and nothing that was
lent can be lent on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fundflow import clock, mail
from fundflow.accounts import policy, queries, separation
from fundflow.accounts.models import Delegation, GroupMember, User
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import inputs
from fundflow.lifecycle.actor import Actor
from fundflow.workflow.durations import at_wall

LONGEST = timedelta(days=366)


class NothingToLend(Refused):
    """You are not in this group, or not for this round, so nobody can stand in for you there."""


class NotLent(Refused):
    """Nobody can stand in for you in this group."""


class NotOfTheFund(Refused):
    """{email} is not in any group of the fund. Ask an administrator to add them first."""


class Yourself(Refused):
    """Choose somebody else: you cannot stand in for yourself."""


class WrongDates(Refused):
    """The last day must be neither over nor before the first, and at most a year after it."""

    status = 422


class ReasonMissing(Refused):
    """Say why: the person who stands in for you, and every administrator, reads it."""

    status = 422


class GivenAlready(Refused):
    """{name} stands in for you there on all of these days already."""


class IsOver(Refused):
    """This has ended already."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A delegation in names; `round_title` is None where it holds in every round."""

    delegation: Delegation
    giver: User
    taker: User
    round_title: str | None

    @property
    def is_over(self) -> bool:
        return self.delegation.revoked_at is not None or self.delegation.ends_at <= clock.now()

    @property
    def is_in_force(self) -> bool:
        return not self.is_over and self.delegation.starts_at <= clock.now()


def give(
    giver: User,
    taker_email: str,
    *,
    group: str | None,
    round_id: UUID | None,
    first_day: date,
    last_day: date,
    reason: str,
    key: str,
) -> Delegation:
    """Let another person of the fund stand in from the first day to the last, both whole days in the giver's zone.

    In one group or (None) in all that can be lent, for one round or (None) for every one. The taker is told by mail.
    The same key again gives what is there. NothingToLend, NotLent, NotOfTheFund, Yourself, WrongDates, ReasonMissing,
    GivenAlready where one that holds says all of it, separation.NeverBoth.
    """
    known = db.session.scalar(sa.select(Delegation).where(Delegation.key == key, Delegation.giver_id == giver.id))
    if known is not None:
        return known
    reason = inputs.line(reason)
    if not reason:
        raise ReasonMissing()
    starts_at, ends_at = _span(first_day, last_day, giver.timezone)
    taker = queries.person_by_email(taker_email)
    if taker is not None and taker.id == giver.id:
        raise Yourself()
    is_of_fund = taker is not None and db.session.scalar(sa.select(sa.exists().where(GroupMember.user_id == taker.id)))
    if taker is None or not taker.active or not is_of_fund:
        raise NotOfTheFund(email=taker_email.strip())
    separation.lock(giver.id, taker.id)
    _needs_something(giver, group, round_id)
    same = sa.select(Delegation.id).where(
        Delegation.giver_id == giver.id,
        Delegation.taker_id == taker.id,
        sa.or_(Delegation.group.is_(None), Delegation.group == group),
        sa.or_(Delegation.round_id.is_(None), Delegation.round_id == round_id),
        Delegation.starts_at <= starts_at,
        Delegation.ends_at >= ends_at,
        Delegation.revoked_at.is_(None),
    )
    if db.session.scalar(same.limit(1)) is not None:
        raise GivenAlready(name=taker.name or taker.email)
    separation.check_loan(giver.id, taker.id, group, round_id)
    made = Delegation(
        key=key,
        giver_id=giver.id,
        taker_id=taker.id,
        group=group,
        round_id=round_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
    )
    db.session.add(made)
    db.session.flush()
    _tell("security/standing_in", made, to=taker, by=giver)
    return made


def end(delegation: Delegation, *, by: Actor) -> None:
    """Take it back, or give it up, before its last day; the others concerned are told. IsOver where it has ended."""
    fresh = sa.select(Delegation).where(Delegation.id == delegation.id).with_for_update()
    delegation = db.session.scalars(fresh, execution_options={"populate_existing": True}).one()
    if delegation.revoked_at is not None or delegation.ends_at <= clock.now():
        raise IsOver()
    delegation.revoked_at, delegation.revoked_by = clock.now(), by.id
    db.session.flush()
    person = queries.person(by.id) if by.id else None
    for each in (delegation.giver_id, delegation.taker_id):
        other = queries.person(each)
        if person is not None and other is not None and each != by.id:
            _tell("security/standing_in_ended", delegation, to=other, by=person)


def delegation_for(actor: Actor, delegation_id: UUID) -> Delegation:
    """A delegation, for its giver, its taker and administrators. NotFound otherwise."""
    found = db.session.get(Delegation, delegation_id)
    if found is None or not (actor.id in (found.giver_id, found.taker_id) or actor.is_in(policy.ADMINISTRATORS)):
        raise NotFound
    return found


def of_person(user_id: UUID) -> list[Standing]:
    """What a person gave and took that is not over, the first to begin first."""
    return _standings(sa.or_(Delegation.giver_id == user_id, Delegation.taker_id == user_id), _is_not_over())


def every() -> list[Standing]:
    """Everything that is not over, for administrators."""
    return _standings(_is_not_over())


def lendable(user_id: UUID) -> list[str]:
    """The groups in which somebody else could stand in for this person."""
    held = set(db.session.scalars(sa.select(GroupMember.group).where(GroupMember.user_id == user_id)))
    return [group for group in policy.GROUPS if group in held and group not in policy.NEVER_LENT]


def _is_not_over() -> sa.ColumnElement[bool]:
    return sa.and_(Delegation.revoked_at.is_(None), Delegation.ends_at > clock.now())


def _standings(*which: sa.ColumnElement[bool]) -> list[Standing]:
    giver, taker, rounds = aliased(User), aliased(User), queries.rounds
    rows = db.session.execute(
        sa.select(Delegation, giver, taker, rounds.c.title)
        .join(giver, giver.id == Delegation.giver_id)
        .join(taker, taker.id == Delegation.taker_id)
        .outerjoin(rounds, rounds.c.id == Delegation.round_id)
        .where(*which)
        .order_by(Delegation.starts_at, Delegation.id)
    )
    return [Standing(*row) for row in rows]


def _span(first_day: date, last_day: date, zone: str) -> tuple[datetime, datetime]:
    """From the first midnight to the one after the last day."""
    if not first_day <= last_day <= first_day + LONGEST:
        raise WrongDates()
    wall = ZoneInfo(zone)
    starts_at = at_wall(datetime.combine(first_day, time()), wall)
    ends_at = at_wall(datetime.combine(last_day + timedelta(days=1), time()), wall)
    if ends_at <= clock.now():
        raise WrongDates()
    return starts_at, ends_at


def _needs_something(giver: User, group: str | None, round_id: UUID | None) -> None:
    if group in policy.NEVER_LENT:
        raise NotLent()
    rows = db.session.execute(
        sa.select(GroupMember.group, GroupMember.round_id).where(
            GroupMember.user_id == giver.id, GroupMember.group.not_in(policy.NEVER_LENT)
        )
    )
    if not any(_reaches(row.group, row.round_id, group, round_id) for row in rows):
        raise NothingToLend()


def _reaches(held: str, scope: UUID | None, group: str | None, round_id: UUID | None) -> bool:
    return group in (None, held) and (scope is None or round_id is None or scope == round_id)


def _tell(template: str, delegation: Delegation, *, to: User, by: User) -> None:
    titles: Iterable[str] = ()
    if delegation.round_id is not None:
        rounds = queries.rounds
        titles = db.session.scalars(sa.select(rounds.c.title).where(rounds.c.id == delegation.round_id))
    facts = {
        "by": by.name or by.email,
        "round": next(iter(titles), ""),
        "reason": delegation.reason,
        "starts_at": delegation.starts_at,
        "ends_at": delegation.ends_at - timedelta(seconds=1),
        "link": "/account/away",
    }
    mail.queue(template, to, facts, f"delegation:{delegation.id}:{delegation.revoked_at or ''}")
