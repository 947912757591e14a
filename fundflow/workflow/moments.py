"""When timers are due, remind, repeat and escalate, and which of them a step begins, ends or lets stand still.

Computed from a workflow and moments alone: the engine and the runner of examples both ask here. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol

from fundflow.workflow.definition import Timer, Workflow
from fundflow.workflow.durations import at_wall, end_of_day

LATE = timedelta(hours=1)
"""A reminder still goes out this long after its moment; later it is passed over."""
RETRY = timedelta(days=1)
"""When a refused transition is tried again, where nothing has happened to the application before."""
OVERDUE, ESCALATED = "overdue", "escalated"
"""What `reminded` says beside the reminders: that the timer was late, and that those above were told."""
BLOCKED = "timer_blocked"
"""The message to whoever can mend what was refused on the day; it is no workflow's own."""


class Late(Protocol):
    """A running timer, as far as its next moment depends on it."""

    @property
    def act_at(self) -> Any: ...
    @property
    def reminded(self) -> Any: ...
    @property
    def repeats(self) -> Any: ...
    @property
    def retry_at(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Following:
    """What a step does to timers: those that stand still, those that are over, those that begin (or go on)."""

    standing: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()


def following(workflow: Workflow, from_state: str | None, to_state: str | None) -> Following:
    """What becomes of the timers when an application leaves one state for another, or (None) ends.

    A timer that runs in both states goes on as it is, and so does every timer when the state stays the same. One with
    `sla` is not cancelled but stands still, and goes on when the application comes back.
    """
    if from_state == to_state:
        return Following()
    timers = workflow.timers.values()
    running = [timer for timer in timers if from_state in timer.states]
    left = [timer for timer in running if to_state not in timer.states]
    begun = tuple(timer.id for timer in timers if to_state in timer.states and timer not in running)
    if to_state is None:
        return Following(over=tuple(timer.id for timer in timers if timer.is_sla or timer in left))
    return Following(
        standing=tuple(timer.id for timer in left if timer.is_sla),
        over=tuple(timer.id for timer in left if not timer.is_sla),
        begun=begun,
    )


def due_at(workflow: Workflow, timer: Timer, aim: Any, entered_at: datetime) -> datetime | None:
    """When a timer is due: the instant it aims at (the end of the day for a date), or so long after entering.

    `aim` is the value of its expression; None where it has none, or aims at nothing.
    """
    if timer.at is not None:
        if aim is None:
            return None
        if not isinstance(aim, datetime):
            return _end_of(aim, workflow)
        moment = aim.astimezone(UTC)
    elif timer.after is not None:
        moment = workflow.after(timer.after, entered_at.replace(microsecond=0))
    else:
        return None
    return end_of_day(moment, workflow.zone) if timer.end_of_day else moment


def acts_at(timer: Timer, workflow: Workflow, moment: datetime) -> datetime:
    """When it acts that is due at a moment: then, or so long after as its grace gives."""
    return workflow.after(timer.grace, moment) if timer.grace is not None else moment


def reminders(timer: Timer, workflow: Workflow, moment: datetime) -> Sequence[tuple[str, datetime]]:
    """Each reminder as it is written with its moment, the earliest first."""
    moments = [(str(before), workflow.before(before, moment)) for before in timer.remind]
    return sorted(moments, key=lambda each: each[1])


def next_reminder(moments: Sequence[tuple[str, datetime]], act_at: datetime, reminded: Sequence[str]) -> datetime:
    """The first moment of which nothing was said yet, or when the timer acts."""
    return min((at for name, at in moments if name not in reminded), default=act_at)


def escalation(timer: Timer, workflow: Workflow, row: Late) -> datetime | None:
    """When those above are told that a fired timer is late; None where nobody is, or they were told already."""
    if timer.escalate is None or ESCALATED in row.reminded:
        return None
    return workflow.after(timer.escalate.after, row.act_at)


def repetition(timer: Timer, workflow: Workflow, row: Late, number: int) -> datetime | None:
    """When a fired timer says for the so-manieth time again that it is late; None where it never does."""
    if timer.repeat is None or timer.overdue_with is None:
        return None
    return workflow.after(timer.repeat.times(number), row.act_at)


def next_after_due(timer: Timer, workflow: Workflow, row: Late) -> datetime | None:
    """The next moment of a fired timer: a repeated notice, those above, another try of what was refused."""
    moments = (
        repetition(timer, workflow, row, row.repeats + 1),
        escalation(timer, workflow, row),
        row.retry_at,
    )
    return min((each for each in moments if each is not None), default=None)


def moved(workflow: Workflow, timer: Timer, instant: datetime, length: timedelta) -> datetime:
    """So much of a timer's own time after an instant (before it, where negative): working time, wall time or exact."""
    if timer.after is None or timer.after.is_exact:
        return instant.astimezone(UTC) + length
    wall = instant.astimezone(workflow.zone).replace(tzinfo=None)
    if timer.after.working_days:
        days = workflow.working_days
        wall = days.later(wall, length) if length >= timedelta(0) else days.earlier(wall, -length)
    else:
        wall += length
    return at_wall(wall, workflow.zone)


def own_time(workflow: Workflow, timer: Timer, start: datetime, end: datetime) -> timedelta:
    """How much of a timer's own time passes between two instants; nothing where the end comes first."""
    if end <= start:
        return timedelta(0)
    if timer.after is None or timer.after.is_exact:
        return end - start
    first, last = (each.astimezone(workflow.zone).replace(tzinfo=None) for each in (start, end))
    if timer.after.working_days:
        return workflow.working_days.time_between(first, last)
    return max(last - first, timedelta(0))


def left(workflow: Workflow, timer: Timer, now: datetime, end: datetime) -> timedelta:
    """How much of a timer's own time is left until it ends; negative for the time by which it is late."""
    return own_time(workflow, timer, now, end) or -own_time(workflow, timer, end, now)


def _end_of(day: date, workflow: Workflow) -> datetime:
    return at_wall(datetime.combine(day, time(23, 59, 59)), workflow.zone)
