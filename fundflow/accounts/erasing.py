"""Making a person nobody: the account keeps its id, which the audit trail names, and nothing that leads to them.

Refuses while somebody counts on them: a city that only they lead, an application that only they look after, a review
that they still owe, a fund that only they administer.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import policy, refusals
from fundflow.accounts.models import City, Delegation, GroupMember, Invitation, TeamMember, User, WebAuthn
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import erasure
from fundflow.lifecycle.models import Application, Event

ERASED_NAME = "(erased)"

# Reviews belong to a higher feature; of them, this one needs no more than who still owes one.
_reviews = sa.table(
    "reviews",
    sa.column("application_id", sa.Uuid),
    sa.column("reviewer_id", sa.Uuid),
    sa.column("sent_at"),
    sa.column("withdrawn_at"),
)
# So do the tokens of the API, which end with the account.
_tokens = sa.table("access_tokens", sa.column("user_id", sa.Uuid))


class StillNeeded(Refused):
    """{name} cannot be erased yet: {cities} has no other focal point, and its application still runs."""


class StillInCharge(Refused):
    """{name} cannot be erased yet: {numbers} is in their hands. Put somebody else in charge or take the review back."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased with a person, and the applications that still run, in which what they said stays until then."""

    person_id: UUID
    payloads: int
    running: list[str]


def person_called(name: str) -> UUID:
    """A person by e-mail address, or by id where the address is erased already; NotFound where there is none."""
    try:
        wanted = User.id == UUID(name)
    except ValueError:
        wanted = sa.func.lower(User.email) == name.strip().lower()
    found = db.session.scalars(sa.select(User.id).where(wanted)).first()
    if found is None:
        raise NotFound()
    return found


def erase_person(person_id: UUID, *, key: str, reason: str) -> Erased:
    """Anonymise an account, end every membership, and erase what the person said in applications that have ended.

    In the caller's transaction. Again for the same person, it erases what has ended meanwhile. Raises NotFound,
    LastAdministrator, StillNeeded, StillInCharge.
    """
    user = db.session.scalars(sa.select(User).where(User.id == person_id).with_for_update()).first()
    if user is None:
        raise NotFound()
    _refuse_where_needed(user)
    ended = sa.select(Application.id, Application.number, Application.outcome).where(
        Application.id.in_(
            sa.select(Event.application_id).where(
                sa.or_(Event.actor_id == person_id, Event.acting_for == person_id), Event.payload.is_not(None)
            )
        )
    )
    payloads, running = 0, []
    for row in db.session.execute(ended.order_by(Application.number)).all():
        if row.outcome is None:
            running.append(row.number)
        else:
            payloads += erasure.erase(row.id, key=f"{key}:{row.number}", reason=reason, said_by=person_id)
    _forget(user)
    return Erased(person_id, payloads, running)


def _refuse_where_needed(user: User) -> None:
    name = user.name or user.email
    everywhere = sa.select(GroupMember.user_id).where(
        GroupMember.group == policy.ADMINISTRATORS, GroupMember.round_id.is_(None)
    )
    administrators = set(db.session.scalars(everywhere.order_by(GroupMember.id).with_for_update()))
    if administrators == {user.id}:
        raise refusals.LastAdministrator
    leads = sa.select(TeamMember.city_id).where(TeamMember.duty == policy.FOCAL_POINT)
    theirs = leads.where(TeamMember.user_id == user.id)
    others = leads.where(TeamMember.user_id != user.id)
    running = sa.select(Application.city_id).where(Application.outcome.is_(None))
    alone = sa.select(City.name).where(City.id.in_(theirs), City.id.not_in(others), City.id.in_(running))
    if cities := list(db.session.scalars(alone.order_by(City.name))):
        raise StillNeeded(name=name, cities=", ".join(cities))
    owes = sa.select(_reviews.c.application_id).where(
        _reviews.c.reviewer_id == user.id, _reviews.c.sent_at.is_(None), _reviews.c.withdrawn_at.is_(None)
    )
    in_hand = sa.select(Application.number).where(
        Application.outcome.is_(None), sa.or_(Application.officer_id == user.id, Application.id.in_(owes))
    )
    if numbers := list(db.session.scalars(in_hand.order_by(Application.number))):
        raise StillInCharge(name=name, numbers=", ".join(numbers))


def _forget(user: User) -> None:
    email, now = user.email, clock.now()
    for model in (TeamMember, GroupMember, WebAuthn):
        db.session.execute(sa.delete(model).where(model.user_id == user.id))
    db.session.execute(sa.delete(_tokens).where(_tokens.c.user_id == user.id))
    loans = sa.or_(Delegation.giver_id == user.id, Delegation.taker_id == user.id)
    db.session.execute(
        sa.update(Delegation)
        .where(loans, Delegation.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=user.id)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        sa.update(Delegation).where(loans).values(reason="").execution_options(synchronize_session=False)
    )
    nobody = f"erased-{user.id.hex}@erased.invalid"
    db.session.execute(
        sa.update(Invitation)
        .where(sa.func.lower(Invitation.email) == email.lower())
        .values(email=nobody, revoked_at=sa.func.coalesce(Invitation.revoked_at, sa.bindparam("now", now)))
        .execution_options(synchronize_session=False)
    )
    erasure.empty_mails(erasure.sent_to(email))
    user.email, user.name, user.active, user.confirmed_at = nobody, ERASED_NAME, False, None
    user.language, user.timezone = "en", "UTC"
    user.password = user.tf_primary_method = user.tf_totp_secret = user.tf_phone_number = None
    user.mf_recovery_codes = user.fs_webauthn_user_handle = user.last_totp_counter = None
    user.fs_uniquifier = uuid4().hex  # whoever is signed in is signed out
    db.session.flush()
    db.session.expire_all()
