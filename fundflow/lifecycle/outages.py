"""Times in which nobody could work: every running timer that overlapped one is given back what it lost.

An outage is told once it is over. Its length from the timer's own start on is added to what is due after it began; what
was told before is not counted twice, so the same outage told again moves nothing. It never makes a time shorter, leaves
alone what has acted already, and stands in the record of every application it touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from fundflow.db import db, present
from fundflow.errors import Refused
from fundflow.lifecycle import brakes, definitions, inputs, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.brakes import NoReason
from fundflow.lifecycle.models import Application, Outage, Timer
from fundflow.lifecycle.moments import plan
from fundflow.lifecycle.record import Link
from fundflow.lifecycle.timers import looking_at, replan
from fundflow.workflow.moments import moved, own_time

OUTAGE = "outage"
"""The transition name of the event that an application gets."""

Span = tuple[datetime, datetime]


class NotOver(Refused):
    """An outage is told once it is over, and {until} is still to come."""

    status = 422


class NoSpan(Refused):
    """An outage ends after it begins."""

    status = 422


@dataclass(frozen=True, slots=True)
class Move:
    """One timer that an outage moves, and to when."""

    application: Application
    timer: Timer
    due_at: datetime


def preview(from_at: datetime, until_at: datetime) -> list[Move]:
    """What telling this outage would move now; nothing is changed."""
    _check(from_at, until_at)
    return list(_moves(_untold(from_at, until_at), from_at, until_at, locking=False))


def tell(from_at: datetime, until_at: datetime, *, reason: str | None, actor: Actor) -> Outage:
    """Extend every running timer that overlapped this outage, each application's with one event; the caller commits.

    Told again, or told in pieces that overlap, it moves only what was not given back before. Where a brake is on and no
    more wait than may act at once, it is released: that was the reason. Raises NoReason, TooLong, NoSpan
    or NotOver.
    """
    given = inputs.line(reason)
    if not given:
        raise NoReason
    if len(given) > inputs.LONGEST_TEXT:
        raise inputs.TooLong(field="reason", longest=inputs.LONGEST_TEXT)
    now = _check(from_at, until_at)
    with writes.whole_or_nothing():
        outage = Outage(
            id=uuid4(), created_at=now, from_at=from_at, until_at=until_at, reason=given, recorded_by=actor.id
        )
        spans = _untold(from_at, until_at)
        db.session.add(outage)
        db.session.flush()
        found: dict[Application, list[Move]] = {}
        for move in _moves(spans, from_at, until_at, locking=True):
            found.setdefault(move.application, []).append(move)
        for application, moves in found.items():
            _extend(outage, application, moves, actor, now)
        outage.applications, outage.timers = len(found), sum(len(moves) for moves in found.values())
        db.session.flush()
        _let_go(given, actor)
    return outage


def past(limit: int = 20) -> Sequence[Outage]:
    """The outages that were told, the latest first."""
    return db.session.scalars(sa.select(Outage).order_by(Outage.created_at.desc(), Outage.id).limit(limit)).all()


def _check(from_at: datetime, until_at: datetime) -> datetime:
    now = present()
    if from_at >= until_at:
        raise NoSpan
    if until_at > now:
        raise NotOver(until=until_at)
    return now


def _untold(from_at: datetime, until_at: datetime) -> list[Span]:
    """What of this span no outage has covered that was told before. Whoever tells one at the same moment waits."""
    if db.session.connection().dialect.name == "postgresql":
        db.session.execute(sa.text("LOCK TABLE outages IN SHARE ROW EXCLUSIVE MODE"))
    known = db.session.execute(
        sa.select(Outage.from_at, Outage.until_at)
        .where(Outage.from_at < until_at, Outage.until_at > from_at)
        .order_by(Outage.from_at)
    )
    spans, at = [], from_at
    for begun, ended in known:
        if begun > at:
            spans.append((at, begun))
        at = max(at, ended)
    if at < until_at:
        spans.append((at, until_at))
    return spans


def _moves(spans: Sequence[Span], from_at: datetime, until_at: datetime, *, locking: bool) -> Iterator[Move]:
    """The armed timers that ran during these spans, by application; paused ones stood still anyway."""
    if not spans:
        return
    wanted = (
        sa.select(Application, Timer)
        .join(Timer, Timer.application_id == Application.id)
        .where(
            Timer.status == "armed",
            Timer.created_at < until_at,
            Timer.act_at > from_at,
            Application.outcome.is_(None),
        )
        .order_by(Application.id, Timer.due_at, Timer.name)
        .execution_options(populate_existing=True)
    )
    if locking:
        wanted = wanted.with_for_update()
    for application, row in db.session.execute(wanted).all():
        workflow = definitions.get(application.definition_sha)
        timer = workflow.timers.get(row.name)
        if timer is None:
            continue
        start = datetime.fromisoformat(row.pauses[-1][1]) if row.pauses else row.created_at
        lost = sum(
            (own_time(workflow, timer, max(begun, start), ended) for begun, ended in spans if begun < row.act_at),
            timedelta(0),
        )
        if lost > timedelta(0):
            yield Move(application, row, moved(workflow, timer, row.due_at, lost))


def _extend(outage: Outage, application: Application, moves: Sequence[Move], actor: Actor, now: datetime) -> None:
    workflow = definitions.get(application.definition_sha)
    told = []
    for move in moves:
        row, was = move.timer, move.timer.due_at
        row.extended += round((move.due_at - was).total_seconds())
        replan(row, plan(looking_at(row, application, now), workflow.timers[row.name], move.due_at))
        of = {"of": row.subject} if row.subject else {}
        told.append({"timer": row.name, **of, "generation": row.generation, "was": was, "due": move.due_at})
    span = {"id": outage.id, "from": outage.from_at, "until": outage.until_at, "timers": told}
    db.session.flush()
    _note(application, {"key": f"outage:{outage.id}:{application.id}", "outage": span}, outage.reason, actor, now)


def _note(application: Application, body: Mapping[str, Any], reason: str, actor: Actor, now: datetime) -> None:
    """Append the event; the application stays where it is."""
    prev = application.head
    at = max(now, application.last_event_at + timedelta(microseconds=1))
    link = Link.of(
        application_id=application.id,
        seq=application.revision + 1,
        at=at,
        actor_id=actor.id,
        transition=OUTAGE,
        from_state=application.state,
        to_state=application.state,
        outcome=None,
        definition_sha=application.definition_sha,
        reason=reason,
        body=body,
    )
    values = {
        "state": application.state,
        "outcome": application.outcome,
        "state_since": application.state_since,
        "revision": link.seq,
        "head": link.hash(prev),
        "last_event_at": at,
        "submitted_at": application.submitted_at,
    }
    writes.record(application, values, link, prev, ())
    writes.show(application, **values)


def _let_go(reason: str, actor: Actor) -> None:
    brake = brakes.standing()
    if brake is not None and brakes.waiting() <= brakes.most():
        brakes.release(brake.number, reason, actor)
