"""When timers are due, remind and tell that it is late: their moments, computed from a workflow and the facts.

The wall time in its zone is the truth. An instant is computed from it, and again when zones, holidays or the fact that
a timer follows have changed. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.lifecycle.models import Timer
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import definition
from fundflow.workflow.definition import Workflow
from fundflow.workflow.durations import at_wall, end_of_day

LATE = timedelta(hours=1)
"""A reminder still goes out this long after its moment; later it is passed over."""
OVERDUE, ESCALATED = "overdue", "escalated"
"""What `reminded` says beside the reminders: that the timer was late, and that those above were told."""


def moment_of(facts: Facts, timer: definition.Timer, entered_at: datetime) -> datetime | None:
    """When a timer is due: its expression's instant (the end of the day for a date), or so long after entering."""
    zone = facts.workflow.zone
    if timer.at is not None:
        value = facts.evaluate(timer.at)
        if value is None:
            return None
        if not isinstance(value, datetime):
            return _end_of(value, zone)
        moment = value.astimezone(UTC)
    elif timer.after is not None:
        moment = facts.workflow.after(timer.after, entered_at.replace(microsecond=0))
    else:
        return None
    return end_of_day(moment, zone) if timer.end_of_day else moment


def aims_at(facts: Facts, timer: definition.Timer, row: Timer) -> datetime | None:
    """When a running timer is due by what is known now; None where what it follows has no moment any more.

    What was granted for an outage stays granted, and a holiday that is struck off makes nobody's time shorter.
    """
    extra = timedelta(seconds=row.extended)
    if timer.at is not None:
        moment = moment_of(facts, timer, row.created_at)
        return None if moment is None else moment + extra
    if not shows_its_wall(row):
        return at_wall(datetime.fromisoformat(row.wall), ZoneInfo(row.zone))
    if timer.after is not None and timer.after.working_days and not row.pauses:
        moment = moment_of(facts, timer, row.created_at)
        return row.due_at if moment is None else max(row.due_at, moment + extra)
    return row.due_at


def shows_its_wall(row: Timer) -> bool:
    """Whether clocks in its zone really show its wall time when it is due; no longer where the zone's rules changed."""
    return wall_of(row.due_at, ZoneInfo(row.zone)) == row.wall


def wall_of(moment: datetime, zone: ZoneInfo) -> str:
    """What clocks in the zone show at an instant, to the second."""
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def told_in(facts: Facts, timer: definition.Timer) -> ZoneInfo:
    """The zone a timer's moment is told in: the round's where it follows the round, else the workflow's own."""
    if timer.at is not None and not timer.end_of_day and "round" in timer.at.roots:
        named = facts.known("round").get("zone")
        if named:
            return ZoneInfo(named)
    return facts.workflow.zone


def plan(facts: Facts, timer: definition.Timer, moment: datetime) -> dict[str, Any]:
    """The columns that follow from the due moment; reminders whose moment has passed already are passed over."""
    act_at = facts.workflow.after(timer.grace, moment) if timer.grace is not None else moment
    moments = reminders(timer, facts.workflow, moment)
    reminded = [name for name, at in moments if at <= facts.now]
    zone = told_in(facts, timer)
    return {
        "wall": wall_of(moment, zone),
        "zone": zone.key,
        "due_at": moment,
        "act_at": act_at,
        "reminded": reminded,
        "next_at": next_reminder(moments, act_at, reminded),
    }


def reminders(timer: definition.Timer, workflow: Workflow, moment: datetime) -> Sequence[tuple[str, datetime]]:
    """Each reminder as it is written with its moment, the earliest first."""
    moments = [(str(before), workflow.before(before, moment)) for before in timer.remind]
    return sorted(moments, key=lambda each: each[1])


def next_reminder(moments: Sequence[tuple[str, datetime]], act_at: datetime, reminded: Sequence[str]) -> datetime:
    """The first moment of which nothing was said yet, or when the timer acts."""
    return min((at for name, at in moments if name not in reminded), default=act_at)


def escalation(timer: definition.Timer, workflow: Workflow, row: Timer) -> datetime | None:
    """When those above are told that a fired timer is late; None where nobody is, or they were told already."""
    if timer.escalate is None or ESCALATED in row.reminded:
        return None
    return workflow.after(timer.escalate.after, row.act_at)


def repetition(timer: definition.Timer, workflow: Workflow, row: Timer, number: int) -> datetime | None:
    """When a fired timer says for the so-manieth time again that it is late; None where it never does."""
    if timer.repeat is None or timer.overdue_with is None:
        return None
    return workflow.after(timer.repeat.times(number), row.act_at)


def next_after_due(timer: definition.Timer, workflow: Workflow, row: Timer) -> datetime | None:
    """The next moment of a fired timer: a repeated notice, those above, another try of what was refused."""
    moments = (
        repetition(timer, workflow, row, row.repeats + 1),
        escalation(timer, workflow, row),
        row.retry_at,
    )
    return min((each for each in moments if each is not None), default=None)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return at_wall(datetime.combine(day, time(23, 59, 59)), zone)
