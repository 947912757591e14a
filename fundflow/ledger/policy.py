"""Who may see and move the money of lines: the fund's own people, and of their own lines the people of a donor.

A donor's person only reads, and only what has been announced; whoever is not named here is refused.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.policy import AUDITORS, DIRECTORS, DONORS, FINANCE, MANAGERS
from fundflow.ledger.models import Donor, DonorLine, DonorPerson
from fundflow.lifecycle.actor import Actor
from fundflow.rounds.policy import scopes

SEES_LINES = (MANAGERS, DIRECTORS, FINANCE, AUDITORS)


def may_see_lines(actor: Actor) -> bool:
    """Whoever sees the money of every round sees where it comes from."""
    return scopes(actor, *SEES_LINES) is None


def may_fund(actor: Actor) -> bool:
    """Makes donors and lines and asks for movements of them: managers and finance of every round, in person."""
    return scopes(actor, MANAGERS, FINANCE, own=True) is None


def may_correct(actor: Actor) -> bool:
    """Asks for a reversal: finance of every round, in person."""
    return scopes(actor, FINANCE, own=True) is None


def may_answer(actor: Actor, kind: str) -> bool:
    """Is the second person: directors or whoever may ask; for a reversal directors or finance."""
    groups = (DIRECTORS, FINANCE) if kind == "reversal" else (DIRECTORS, MANAGERS, FINANCE)
    return scopes(actor, *groups, own=True) is None


def is_donor_person(actor: Actor) -> bool:
    """Belongs to a donor."""
    return (DONORS, None) in actor.groups


def donors_of(actor: Actor) -> sa.ColumnElement[bool]:
    """The donors whose money this person may follow; memberships are read from the database, not from the actor."""
    if actor.id is None:
        return sa.false()
    return Donor.id.in_(sa.select(DonorPerson.donor_id).where(DonorPerson.user_id == actor.id))


def lines_of(actor: Actor) -> sa.ColumnElement[bool]:
    """`donors_of` as a clause over lines."""
    if actor.id is None:
        return sa.false()
    return DonorLine.donor_id.in_(sa.select(DonorPerson.donor_id).where(DonorPerson.user_id == actor.id))


def may_see_award_lines(actor: Actor, round_id: UUID) -> bool:
    """Sees on which lines the awards of a round draw."""
    return actor.is_in(*SEES_LINES, round_id=round_id)
