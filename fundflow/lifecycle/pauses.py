"""Timers that stand still while their application is elsewhere, and the account of how a due moment came about.

What was left when the state was left is left when it is entered again: by the hour of working days where a timer counts
those, by the wall clock where it counts days and months, exactly where it counts hours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from fundflow.db import db
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application, Timer
from fundflow.lifecycle.moments import plan
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import definition
from fundflow.workflow.definition import Workflow
from fundflow.workflow.moments import OVERDUE, left, moved, next_after_due, next_reminder, reminders


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timer's account.

    `started` and `due` have `at`; `paused` has `at` and `until` (None while it still stands); `holiday` has `day` and
    `name`; `extended` has `length`, which outages added; `left` has `length`, which remains while it stands still.
    """

    kind: Literal["started", "paused", "holiday", "extended", "left", "due"]
    at: datetime | None = None
    until: datetime | None = None
    day: date | None = None
    name: str = ""
    length: timedelta = timedelta(0)


def pause(facts: Facts, names: Collection[str]) -> None:
    """Let these timers stand still from now on; each keeps how much of it is left, or by how much it is late."""
    for name, row in _latest(facts.application, names, ("armed", "fired"), facts.subject).items():
        timer = facts.workflow.timers[name]
        end = row.act_at if OVERDUE in row.reminded else row.due_at
        row.remaining = round(left(facts.workflow, timer, facts.now, end).total_seconds())
        row.pauses = [*row.pauses, [_told(facts.now), None]]
        row.status, row.next_at, row.retry_at, row.tried_revision = "paused", None, None, None
    db.session.flush()


def resume(facts: Facts, timer: definition.Timer) -> bool:
    """Let a paused timer go on as the same generation with what was left of it; False where none stands still."""
    row = _latest(facts.application, [timer.id], ("paused",), facts.subject).get(timer.id)
    if row is None or row.remaining is None:
        return False
    workflow, rest = facts.workflow, timedelta(seconds=row.remaining)
    row.remaining = None
    row.pauses = [*row.pauses[:-1], [row.pauses[-1][0], _told(facts.now)]]
    if OVERDUE in row.reminded:
        row.status, row.act_at = "fired", moved(workflow, timer, facts.now, rest)
        row.next_at = next_after_due(timer, workflow, row)
    else:
        planned = plan(facts, timer, moved(workflow, timer, facts.now.replace(microsecond=0), rest))
        said = list(dict.fromkeys([*row.reminded, *planned.pop("reminded")]))
        row.status = "armed"
        for name, value in planned.items():
            setattr(row, name, value)
        row.reminded = said
        row.next_at = next_reminder(reminders(timer, workflow, row.due_at), row.act_at, said)
    db.session.flush()
    return True


def account_of(application: Application, name: str, language: str = "en") -> list[Line]:
    """How the due moment of a timer came about: start, pauses, holidays left out, outages, and when it is due.

    Of the latest generation that was not cancelled; nothing where there is none.
    """
    workflow = definitions.get(application.definition_sha)
    timer = workflow.timers.get(name)
    row = _latest(application, [name], ("armed", "paused", "fired")).get(name)
    return [] if timer is None or row is None else account(workflow, timer, row, language)


def account(workflow: Workflow, timer: definition.Timer, row: Timer, language: str = "en") -> list[Line]:
    """The same of a timer that is at hand."""
    lines = [Line("started", at=row.created_at.replace(microsecond=0))]
    lines += [Line("paused", at=_read(begun), until=_read(ended) if ended else None) for begun, ended in row.pauses]
    if timer.after is not None and timer.after.working_days:
        until = row.due_at if row.remaining is None else _read(row.pauses[-1][0])
        first, last = (_day(workflow, each) for each in (row.created_at, until))
        still = [(_day(workflow, _read(begun)), _day(workflow, _read(ended or begun))) for begun, ended in row.pauses]
        lines += [
            Line("holiday", day=day, name=called)
            for day, called in workflow.working_days.holidays(first, last, language)
            if not any(begun < day < ended for begun, ended in still)
        ]
    if row.extended:
        lines.append(Line("extended", length=timedelta(seconds=row.extended)))
    if row.remaining is None:
        return [*lines, Line("due", at=row.due_at)]
    return [*lines, Line("left", length=timedelta(seconds=row.remaining))]


def _latest(
    application: Application, names: Collection[str], statuses: Sequence[str], subject: str = ""
) -> dict[str, Timer]:
    """The latest generation of each timer that was not cancelled, where it stands in one of these ways."""
    rows = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.name.in_(list(names)), Timer.status != "cancelled")
        .where(Timer.subject == subject)
        .order_by(Timer.generation)
        .execution_options(populate_existing=True)
    )
    return {name: row for name, row in {row.name: row for row in rows}.items() if row.status in statuses}


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _day(workflow: Workflow, moment: datetime) -> date:
    return moment.astimezone(workflow.zone).date()


def _read(text: Any) -> datetime:
    return datetime.fromisoformat(text)
