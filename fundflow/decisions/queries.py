"""Reading meetings; the only way from an address to one of them. What a person may not see does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts import queries as accounts
from fundflow.accounts.models import User
from fundflow.accounts.policy import CHAIRS, DIRECTORS, MANAGERS, REVIEWERS
from fundflow.db import db
from fundflow.decisions import policy, ways
from fundflow.decisions.models import Meeting, MeetingAct, MeetingItem
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of meetings."""

    meeting: Meeting
    round: Round
    items: int
    done: int
    refused: int


def meetings_for(actor: Actor) -> list[Listed]:
    """Every meeting that the actor may see, the latest first; one read."""
    done = sa.func.count(MeetingItem.event_seq)
    refused = sa.func.count(MeetingItem.refusal)
    rows = db.session.execute(
        sa.select(Meeting, Round, sa.func.count(MeetingItem.id), done, refused)
        .join(Round, Round.id == Meeting.round_id)
        .outerjoin(MeetingItem, MeetingItem.meeting_id == Meeting.id)
        .where(policy.seen_by(actor))
        .group_by(Meeting.id, Round.id)
        .order_by(Meeting.day.desc(), Meeting.created_at.desc())
        .limit(200)
    )
    return [Listed(*row) for row in rows]


def meeting_for(actor: Actor, meeting_id: UUID) -> Meeting:
    """The meeting, or NotFound for whoever may not see it."""
    found = db.session.scalar(
        sa.select(Meeting)
        .where(Meeting.id == meeting_id, policy.seen_by(actor))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def held(meeting_id: UUID) -> Meeting:
    """The meeting under its lock: whoever else changes or releases it waits."""
    found = db.session.scalar(
        sa.select(Meeting).where(Meeting.id == meeting_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def item_of(meeting: Meeting, item_id: UUID) -> MeetingItem:
    """An item of this meeting, read anew."""
    found = db.session.get(MeetingItem, item_id, populate_existing=True)
    if found is None or found.meeting_id != meeting.id:
        raise NotFound
    return found


def items_of(meeting: Meeting) -> Sequence[MeetingItem]:
    return db.session.scalars(
        sa.select(MeetingItem)
        .where(MeetingItem.meeting_id == meeting.id)
        .order_by(MeetingItem.created_at, MeetingItem.id)
        .execution_options(populate_existing=True)
    ).all()


def rounds_for(actor: Actor) -> list[Round]:
    """The published rounds that the actor prepares meetings for."""
    rows = db.session.scalars(sa.select(Round).where(Round.status == "published").order_by(Round.title))
    return [round_ for round_ in rows if policy.may_prepare(actor, round_.id)]


def undecided(round_id: UUID) -> list[Application]:
    """The applications of a round that wait for a decision and stand in no meeting yet; one read."""
    waiting = sa.exists().where(MeetingItem.application_id == Application.id, MeetingItem.event_seq.is_(None))
    rows = db.session.scalars(
        sa.select(Application)
        .where(Application.round_id == round_id, Application.outcome.is_(None), ~waiting)
        .order_by(Application.number)
        .execution_options(populate_existing=True)
    )
    return [each for each in rows if each.state in ways.states_of(definitions.get(each.definition_sha))]


def acts_of(meeting: Meeting) -> list[tuple[MeetingAct, str]]:
    """What was done with the meeting, the first first, with the names; one read."""
    rows = db.session.execute(
        sa.select(MeetingAct, User.name)
        .outerjoin(User, User.id == MeetingAct.person_id)
        .where(MeetingAct.meeting_id == meeting.id)
        .order_by(MeetingAct.created_at, MeetingAct.id)
    )
    return [(act, name or "") for act, name in rows]


def people_of(round_id: UUID) -> dict[UUID, str]:
    """Who may have been there: the committee, its chairs, managers and directors of the round."""
    found = {
        person.id: person.name or person.email
        for group in (CHAIRS, DIRECTORS, MANAGERS, REVIEWERS)
        for person in accounts.people_in_group(group, round_id)
    }
    return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))
