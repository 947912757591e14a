"""When timers are due, remind and tell that it is late: their moments, computed from a workflow and the facts.

The wall time in its zone is the truth. An instant is computed from it, and again when zones, holidays or the fact that
a timer follows have changed. Writes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.lifecycle.models import Timer
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import definition
from fundflow.workflow.durations import at_wall
from fundflow.workflow.moments import acts_at, due_at, next_reminder, reminders


def moment_of(facts: Facts, timer: definition.Timer, entered_at: datetime) -> datetime | None:
    """When a timer is due: its expression's instant (the end of the day for a date), or so long after entering."""
    aim = facts.evaluate(timer.at) if timer.at is not None else None
    return due_at(facts.workflow, timer, aim, entered_at)


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
    act_at = acts_at(timer, facts.workflow, moment)
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
