"""What changes about people, cities, their teams and the groups of the fund.

Refuses a city without a focal point, a fund without an administrator, and a person who would both decide on the grants
of a round and pay them. Every function works inside the caller's transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_security import hash_password

from fundflow import clock, mail
from fundflow.accounts import policy, queries, refusals, separation
from fundflow.accounts.models import City, GroupMember, Invitation, TeamMember, User
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import Actor

INVITATION_HOLDS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody who can be written to before they have an account; the inviter's language is the best guess."""

    email: str
    name: str = ""
    language: str = "en"
    timezone: str = "UTC"


def address(text: str) -> str:
    """An e-mail address as it is kept: checked, and all lower case. NoSuchAddress otherwise; asks no other machine."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise refusals.NoSuchAddress(email=text.strip()) from None


def register_person(
    email: str,
    name: str,
    password: str | None = None,
    *,
    confirmed: bool = True,
    language: str = "en",
    timezone: str = "UTC",
) -> User:
    """Make an account without asking the person: for installing and for demonstrations.

    Needs an application context; the password's strength is the caller's affair. AddressTaken, NoSuchAddress.
    """
    email = address(email)
    if queries.person_by_email(email) is not None:
        raise refusals.AddressTaken(email=email)
    user = User(
        email=email,
        name=name.strip(),
        password=hash_password(password) if password else None,
        confirmed_at=clock.now() if confirmed else None,
        language=language,
        timezone=timezone,
    )
    db.session.add(user)
    db.session.flush()
    return user


def change_profile(
    user: User, *, name: str | None = None, language: str | None = None, zone: str | None = None
) -> None:
    """Keep what a person says about themselves; what is None stays."""
    user.name = user.name if name is None else " ".join(name.split())
    user.language = language or user.language
    user.timezone = zone or user.timezone


def create_city(
    *,
    name: str,
    country: str,
    kind: str,
    by: UUID,
    population: int | None = None,
    languages: Iterable[str] = (),
    latitude: Decimal | None = None,
    longitude: Decimal | None = None,
    website: str | None = None,
    is_demo: bool = False,
) -> City:
    """A new city, with the person who enters it as its first focal point."""
    city = City(
        name=" ".join(name.split()),
        country=country,
        kind=kind,
        population=population,
        languages=sorted(set(languages)),
        latitude=latitude,
        longitude=longitude,
        website=website or None,
        is_demo=is_demo,
        created_by=by,
    )
    db.session.add(city)
    db.session.flush()
    db.session.add(TeamMember(city_id=city.id, user_id=by, duty=policy.FOCAL_POINT))
    db.session.flush()
    return city


def edit_city(
    city: City,
    actor: Actor,
    *,
    name: str,
    country: str,
    kind: str,
    population: int | None,
    languages: Iterable[str],
    latitude: Decimal | None,
    longitude: Decimal | None,
    website: str | None,
) -> None:
    """Correct what is said about a city; only its focal points may."""
    _needs_lead(actor, city)
    city.name = " ".join(name.split())
    city.country, city.kind, city.population = country, kind, population
    city.languages, city.website = sorted(set(languages)), website or None
    city.latitude, city.longitude = latitude, longitude


def add_to_team(city: City, user: User, duty: str) -> TeamMember:
    """Give a person a duty in a city's team, without an invitation; the same duty twice is one.

    NeverBoth where the rules of a round in which the city applies keep it apart from what the person does in the fund.
    """
    if duty not in policy.DUTIES:
        raise ValueError(f"No such duty: {duty}")
    separation.check(user.id, teams=[(city.id, duty)])
    found = db.session.scalar(
        sa.select(TeamMember).where(
            TeamMember.city_id == city.id, TeamMember.user_id == user.id, TeamMember.duty == duty
        )
    )
    if found is None:
        found = TeamMember(city_id=city.id, user_id=user.id, duty=duty)
        db.session.add(found)
        db.session.flush()
    return found


def remove_from_team(city: City, user_id: UUID, duty: str, actor: Actor) -> None:
    """Take a duty from a colleague, or give up one's own.

    Only a focal point takes from others. LastFocalPoint rather than a city that nobody leads: the city's row is
    locked before counting, so two focal points who leave at the same moment cannot both succeed.
    """
    db.session.execute(sa.select(City.id).where(City.id == city.id).with_for_update())
    if user_id != actor.id and not queries.is_on_team(_id_of(actor), city.id, policy.FOCAL_POINT):
        raise refusals.NotYourCity(city=city.name)
    held = db.session.scalar(
        sa.select(TeamMember).where(
            TeamMember.city_id == city.id, TeamMember.user_id == user_id, TeamMember.duty == duty
        )
    )
    if held is None:
        raise NotFound
    if duty == policy.FOCAL_POINT and _leaders(city.id) < 2:
        raise refusals.LastFocalPoint(city=city.name)
    db.session.delete(held)
    db.session.flush()


def _leaders(city_id: UUID) -> int:
    counted = sa.select(sa.func.count()).where(TeamMember.city_id == city_id, TeamMember.duty == policy.FOCAL_POINT)
    return db.session.scalar(counted) or 0


def add_to_group(user: User, group: str, round_id: UUID | None = None, *, by: Actor | None = None) -> GroupMember:
    """Put a person into a group of the fund, for one round or (None) for every round.

    `by` is the administrator who does it; None is for installing. SeparatedDuties or SeparatedGroups where the person
    would check their own work in a round, NeverBoth where a live round's rules keep roles apart, AlreadyInGroup where
    nothing would change. The person's row is locked while it is decided.
    """
    if group not in policy.GROUPS:
        raise ValueError(f"No such group: {group}")
    _needs_administrator(by)
    separation.lock(user.id)
    held = db.session.execute(
        sa.select(GroupMember.group, GroupMember.round_id).where(GroupMember.user_id == user.id)
    ).all()
    if any(row.group == group and row.round_id in (None, round_id) for row in held):
        raise refusals.AlreadyInGroup(name=user.name or user.email)
    for row in held:
        overlaps = row.round_id is None or round_id is None or row.round_id == round_id
        if overlaps and {row.group, group} in policy.NEVER_TOGETHER:
            pays_and_manages = {row.group, group} == {policy.MANAGERS, policy.FINANCE}
            kind = refusals.SeparatedDuties if pays_and_manages else refusals.SeparatedGroups
            raise kind(name=user.name or user.email)
    separation.check(user.id, groups=[(group, round_id)])
    member = GroupMember(user_id=user.id, group=group, round_id=round_id, added_by=by.id if by else None)
    db.session.add(member)
    db.session.flush()
    return member


def remove_from_group(member: GroupMember, *, by: Actor | None = None) -> None:
    """Take a person out of a group. LastAdministrator rather than a fund that nobody administers."""
    _needs_administrator(by)
    if member.group == policy.ADMINISTRATORS and member.round_id is None:
        everywhere = sa.select(GroupMember.id).where(
            GroupMember.group == policy.ADMINISTRATORS, GroupMember.round_id.is_(None)
        )
        # All of them locked, in one order: two administrators who remove each other cannot both succeed.
        left = db.session.scalars(everywhere.order_by(GroupMember.id).with_for_update()).all()
        if len(left) < 2:
            raise refusals.LastAdministrator
    db.session.execute(sa.delete(GroupMember).where(GroupMember.id == member.id))


def invite_to_team(city: City, email: str, duty: str, *, by: Actor) -> Invitation:
    """Send somebody a link into the team of a city; only its focal points may. Holds for 14 days."""
    if duty not in policy.DUTIES:
        raise ValueError(f"No such duty: {duty}")
    _needs_lead(by, city)
    email = address(email)
    known = queries.person_by_email(email)
    if known is not None and queries.is_on_team(known.id, city.id, duty):
        raise refusals.AlreadyOnTeam(email=email, city=city.name)
    _needs_no_other(Invitation.city_id == city.id, Invitation.duty == duty, Invitation.email == email)
    return _invite(Invitation(email=email, city_id=city.id, duty=duty), by)


def invite_to_group(email: str, group: str, round_id: UUID | None = None, *, by: Actor) -> Invitation:
    """Send somebody a link into a group of the fund; only administrators may. Holds for 14 days."""
    if group not in policy.GROUPS:
        raise ValueError(f"No such group: {group}")
    _needs_administrator(by)
    email = address(email)
    same_round = Invitation.round_id.is_(None) if round_id is None else Invitation.round_id == round_id
    _needs_no_other(Invitation.group == group, same_round, Invitation.email == email)
    return _invite(Invitation(email=email, group=group, round_id=round_id), by)


def _needs_no_other(*which: sa.ColumnElement[bool]) -> None:
    still_open = sa.select(Invitation).where(
        *which,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > clock.now(),
    )
    found = db.session.scalar(still_open.limit(1))
    if found is not None:
        raise refusals.AlreadyInvited(email=found.email)


def _invite(invitation: Invitation, by: Actor) -> Invitation:
    invitation.invited_by = _id_of(by)
    db.session.add(invitation)
    _send(invitation, by)
    return invitation


def _send(invitation: Invitation, by: Actor) -> None:
    """A fresh token each time: the link in an earlier message stops working."""
    token = secrets.token_urlsafe(32)
    invitation.token_sha256 = queries.digest(token)
    invitation.expires_at = clock.now() + INVITATION_HOLDS
    db.session.flush()
    known = queries.person_by_email(invitation.email)
    city = db.session.get(City, invitation.city_id) if invitation.city_id else None
    facts = {
        "by": by.name,
        "city": city.name if city else "",
        "duty": invitation.duty or "",
        "group": invitation.group or "",
        "expires_at": invitation.expires_at,
        "is_known": known is not None,
        "link": f"/invitations/{token}",
    }
    mail.queue(
        "security/invitation",
        known or Invitee(invitation.email, language=by.language),
        facts,
        f"invitation:{invitation.token_sha256}",
    )


def resend(invitation: Invitation, *, by: Actor) -> None:
    """Send an open invitation again, with a new link and another 14 days; the old link stops working."""
    invitation = _locked(invitation)
    _needs_open(invitation, even_expired=True)
    _send(invitation, by)


def revoke(invitation: Invitation) -> None:
    """Withdraw an invitation that was not taken yet; its link stops working."""
    invitation = _locked(invitation)
    _needs_open(invitation, even_expired=True)
    invitation.revoked_at = clock.now()


def accept_invitation(invitation: Invitation, actor: Actor) -> None:
    """Join what the invitation offers. Only the address it was sent to may take it, once, within its time.

    Signing in proves the address, because an account works only after its address was confirmed.
    """
    invitation = _locked(invitation)
    user = db.session.get(User, _id_of(actor))
    if user is None or user.confirmed_at is None or user.email.lower() != invitation.email:
        raise refusals.ForAnotherAddress
    _needs_open(invitation)
    if invitation.city_id is not None:
        city = db.session.get_one(City, invitation.city_id)
        add_to_team(city, user, invitation.duty or "")
    elif not queries.is_in_group(user.id, invitation.group or "", invitation.round_id):
        add_to_group(user, invitation.group or "", invitation.round_id)
    invitation.accepted_at = clock.now()
    invitation.accepted_by = user.id
    db.session.flush()


def check_invitation(invitation: Invitation) -> None:
    """Refuse an invitation that cannot be taken any more: InvitationTaken, InvitationWithdrawn, InvitationExpired."""
    _needs_open(invitation)


def _locked(invitation: Invitation) -> Invitation:
    fresh = sa.select(Invitation).where(Invitation.id == invitation.id).with_for_update()
    return db.session.scalars(fresh, execution_options={"populate_existing": True}).one()


def _needs_open(invitation: Invitation, *, even_expired: bool = False) -> None:
    inviter = queries.people_named([invitation.invited_by]).get(invitation.invited_by, "")
    if invitation.accepted_at is not None:
        raise refusals.InvitationTaken(inviter=inviter)
    if invitation.revoked_at is not None:
        raise refusals.InvitationWithdrawn(inviter=inviter)
    if invitation.expires_at <= clock.now() and not even_expired:
        raise refusals.InvitationExpired(expires_at=invitation.expires_at, inviter=inviter)


def _needs_lead(actor: Actor, city: City) -> None:
    if actor.is_system:
        return
    if not queries.is_on_team(_id_of(actor), city.id, policy.FOCAL_POINT):
        raise refusals.NotYourCity(city=city.name)


def _needs_administrator(actor: Actor | None) -> None:
    if actor is None or actor.is_system:
        return
    if not queries.is_in_group(_id_of(actor), policy.ADMINISTRATORS, None):
        raise refusals.NotAnAdministrator


def _id_of(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotFound
    return actor.id
