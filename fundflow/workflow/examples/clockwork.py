"""Time in an example: timers armed, paused, ended and looked after, in the order in which they are due.

The same moments as the engine's, from the same functions; here a sweep comes exactly when something is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fundflow.workflow import moments
from fundflow.workflow.definition import Timer
from fundflow.workflow.examples.account import Kept
from fundflow.workflow.examples.world import Message, Running, World
from fundflow.workflow.moments import BLOCKED, ESCALATED, LATE, OVERDUE, RETRY

MOST_MOMENTS = 5_000
"""An example in which more than so many moments come due while time passes goes round in a circle."""

Start = Callable[[World, str, str], None]
"""Takes a transition as the system, of the child of that name where there is one; raises Kept where it is refused."""


class Endless(Exception):
    """Timers go on without end."""


def follow(world: World, from_state: str | None, to_state: str | None, subject: str = "") -> None:
    """Begin, end and let stand still what a step begins, ends and lets stand still: of the application, or a child."""
    after = moments.following(world.workflow, from_state, to_state)
    _pause(world, after.standing, subject)
    cancel(world, after.over, subject)
    if to_state is None:
        cancel(world, [name for name, timer in world.workflow.timers.items() if timer.child], None)
    for name in after.begun:
        timer = world.workflow.timers[name]
        if not (timer.is_sla and _resume(world, timer, subject)):
            moment = _moment(world, timer, world.moment, subject)
            if moment is not None:
                _begin(world, timer, moment, subject)


def cancel(world: World, names: Iterable[str], subject: str | None = "") -> None:
    """Stop these; what fired stays fired and says nothing more. Of whatever they are where `subject` is None."""
    over = frozenset(names)
    if not over:
        return

    def stopped(row: Running) -> Running:
        if row.name not in over or subject not in (None, row.subject):
            return row
        if not (row.status in ("armed", "paused") or row.next_at is not None):
            return row
        status = "fired" if row.status == "fired" else "cancelled"
        return replace(row, status=status, next_at=None, retry_at=None, tried_revision=None, remaining=None)

    world.timers = tuple(map(stopped, world.timers))


def rearm(world: World, name: str, before: str, subject: str = "") -> None:
    """Start a timer anew from now, where it runs before and after the step; `before` is a whole name, as its states."""
    timer = world.workflow.timers[name]
    subject = subject if timer.child else ""
    if before not in timer.states or stands(world, subject) not in timer.states:
        return
    armed = [row for row in world.timers if (row.name, row.subject, row.status) == (name, subject, "armed")]
    running = armed[-1] if armed else None
    moment = _moment(world, timer, world.moment, subject)
    if running is not None and running.created_at == world.moment and moment == running.due_at:
        return
    cancel(world, [name], subject)
    if moment is not None:
        _begin(world, timer, moment, subject)


def stands(world: World, subject: str) -> str:
    """Where the application stands, or the child of that name, as timers write their states."""
    row = world.child(subject) if subject else None
    return world.state if row is None else f"{subject.partition(':')[0]}.{row.state}"


def follow_fields(world: World, from_state: str | None = None) -> None:
    """Start anew the timers whose moment stands in the answers and has changed."""
    _follow(world, {world.state, from_state or world.state}, "", {"application"})
    for kind in {timer.child for timer in world.workflow.timers.values() if timer.child}:
        for row in world.children.get(kind, ()):
            _follow(world, {f"{kind}.{row.state}"}, f"{kind}:{row.key}", {"application"})


def follow_child(world: World, subject: str, left: str | None = None) -> None:
    """The same for the timers of one child, whose fields or answers changed; `left` is the state that it leaves."""
    here = stands(world, subject)
    _follow(world, {here, f"{here.partition('.')[0]}.{left}" if left else here}, subject, {"application", "self"})


def _follow(world: World, states: set[str], subject: str, roots: set[str]) -> None:
    if world.has_ended:
        return
    for timer in world.workflow.timers.values():
        if timer.at is None or timer.at.roots.isdisjoint(roots) or not states <= set(timer.states):
            continue
        moment, row = _moment(world, timer, world.moment, subject), _latest(world, timer.id, subject)
        if row is not None and row.status not in ("armed", "fired"):
            row = None
        if row is None:
            is_due = moment is not None
        elif moment is None:
            is_due = row.status == "armed"
        else:
            is_due = moment != row.due_at and (row.status == "armed" or moment > world.moment)
        if is_due:
            cancel(world, [timer.id], subject)
            if moment is not None:
                _begin(world, timer, moment, subject)


def advance(world: World, to: datetime, start: Start) -> None:
    """Let time pass until then; whatever is due meanwhile happens when it is due."""
    for _ in range(MOST_MOMENTS):
        row = _next(world, to)
        if row is None:
            world.now = max(world.now, to)
            return
        if row.next_at is not None and row.next_at > world.now:
            world.now = row.next_at
        _look_after(world, row, start)
    raise Endless


def sweep(world: World, start: Start) -> None:
    """What is due now, and what was refused before and may go through now."""
    advance(world, world.now, start)


def _next(world: World, to: datetime) -> Running | None:
    again = [r for r in world.timers if r.tried_revision is not None and r.tried_revision != world.revision]
    if again:
        return min(again, key=lambda row: row.act_at)
    due = [row for row in world.timers if row.next_at is not None and row.next_at <= to]
    return min(due, key=lambda row: row.next_at or to, default=None)


def _moment(world: World, timer: Timer, entered_at: datetime, subject: str) -> datetime | None:
    return moments.due_at(world.workflow, timer, aim_of(world, timer, subject), entered_at)


def aim_of(world: World, timer: Timer, subject: str = "") -> Any:
    """What the timer's expression comes to now."""
    if timer.at is None:
        return None
    facts: dict[str, Any] = {"round": world.round}
    if "application" in timer.at.roots:
        facts["application"] = world.application()
    if "self" in timer.at.roots and (row := world.child(subject)) is not None:
        facts["self"] = world.record(subject.partition(":")[0], row)
    return timer.at.evaluate(facts)


def _begin(world: World, timer: Timer, moment: datetime, subject: str) -> None:
    before = [row.generation for row in world.timers if (row.name, row.subject) == (timer.id, subject)]
    generation = 1 + max(before, default=0)
    row = Running(
        name=timer.id,
        subject=subject,
        generation=generation,
        status="armed",
        created_at=world.moment,
        due_at=moment,
        act_at=moment,
        next_at=moment,
    )
    world.timers = (*world.timers, _planned(world, timer, row, moment))


def _planned(world: World, timer: Timer, row: Running, moment: datetime) -> Running:
    """The timer aimed at a moment; reminders whose moment has passed already are passed over."""
    act_at = moments.acts_at(timer, world.workflow, moment)
    due = moments.reminders(timer, world.workflow, moment)
    reminded = tuple(name for name, at in due if at <= world.moment)
    next_at = moments.next_reminder(due, act_at, reminded)
    return replace(row, due_at=moment, act_at=act_at, reminded=reminded, next_at=next_at)


def _latest(world: World, name: str, subject: str) -> Running | None:
    """The latest generation that was not cancelled."""
    own = (row for row in reversed(world.timers) if (row.name, row.subject) == (name, subject))
    return next((row for row in own if row.status != "cancelled"), None)


def _put(world: World, old: Running, new: Running) -> Running:
    world.timers = tuple(new if row is old else row for row in world.timers)
    return new


def _pause(world: World, names: Iterable[str], subject: str) -> None:
    for name in names:
        row, timer = _latest(world, name, subject), world.workflow.timers[name]
        if row is None or row.status not in ("armed", "fired"):
            continue
        end = row.act_at if OVERDUE in row.reminded else row.due_at
        left = round(moments.left(world.workflow, timer, world.moment, end).total_seconds())
        still = replace(row, status="paused", remaining=left, has_paused=True)
        _put(world, row, replace(still, next_at=None, retry_at=None, tried_revision=None))


def _resume(world: World, timer: Timer, subject: str) -> bool:
    row, workflow = _latest(world, timer.id, subject), world.workflow
    if row is None or row.status != "paused" or row.remaining is None:
        return False
    left = timedelta(seconds=row.remaining)
    if OVERDUE in row.reminded:
        again = replace(row, status="fired", remaining=None)
        again = replace(again, act_at=moments.moved(workflow, timer, world.moment, left))
        _put(world, row, replace(again, next_at=moments.next_after_due(timer, workflow, again)))
        return True
    moment = moments.moved(workflow, timer, world.moment.replace(microsecond=0), left)
    planned = _planned(world, timer, replace(row, status="armed", remaining=None), moment)
    said = tuple(dict.fromkeys([*row.reminded, *planned.reminded]))
    due = moments.reminders(timer, workflow, moment)
    next_at = moments.next_reminder(due, planned.act_at, said)
    _put(world, row, replace(planned, reminded=said, next_at=next_at))
    return True


def _look_after(world: World, row: Running, start: Start) -> None:
    """Do what is due of one timer; what it starts and is refused is kept as blocked."""
    before = world.copy()
    try:
        _do(world, row, start)
    except Kept:
        world.restore(before)
        _block(world, row)


def _do(world: World, row: Running, start: Start) -> None:
    timer = world.workflow.timers[row.name]
    if row.status == "fired":
        _follow_up(world, timer, row, start)
        return
    moment = _aims_at(world, timer, row)
    if moment is not None and moment != row.due_at:
        _put(world, row, _planned(world, timer, row, moment))
    elif world.now < row.act_at:
        _remind(world, timer, row)
    else:
        _end(world, timer, row)
        if timer.then is not None and not world.has_ended and stands(world, row.subject) in timer.states:
            start(world, timer.then, row.subject)


def _aims_at(world: World, timer: Timer, row: Running) -> datetime | None:
    if timer.at is not None:
        return _moment(world, timer, row.created_at, row.subject)
    if timer.after is not None and timer.after.working_days and not row.has_paused:
        moment = _moment(world, timer, row.created_at, row.subject)
        return row.due_at if moment is None else max(row.due_at, moment)
    return row.due_at


def _remind(world: World, timer: Timer, row: Running) -> None:
    due = moments.reminders(timer, world.workflow, row.due_at)
    come = [name for name, at in due if at <= world.now and name not in row.reminded]
    if come and world.now < row.due_at and world.now - dict(due)[come[-1]] <= LATE:
        tell(world, timer.remind_with, timer.to)
    said = (*row.reminded, *come)
    _put(world, row, replace(row, reminded=said, next_at=moments.next_reminder(due, row.act_at, said)))


def _end(world: World, timer: Timer, row: Running) -> Running:
    said = row.reminded if OVERDUE in row.reminded else (*row.reminded, OVERDUE)
    over = replace(row, status="fired", reminded=said)
    tell(world, timer.overdue_with, timer.to)
    return _put(world, row, replace(over, next_at=moments.next_after_due(timer, world.workflow, over)))


def _follow_up(world: World, timer: Timer, row: Running, start: Start) -> None:
    row = _say_again(world, timer, row)
    is_due = row.retry_at is not None and (row.retry_at <= world.now or row.tried_revision != world.revision)
    if timer.then is not None and is_due:
        again = replace(row, retry_at=None, tried_revision=None)
        _put(world, row, replace(again, next_at=moments.next_after_due(timer, world.workflow, again)))
        start(world, timer.then, row.subject)
        return
    _put(world, row, replace(row, next_at=moments.next_after_due(timer, world.workflow, row)))


def _say_again(world: World, timer: Timer, row: Running) -> Running:
    above = moments.escalation(timer, world.workflow, row)
    new = row
    if timer.escalate is not None and above is not None and above <= world.now:
        tell(world, timer.escalate.template, timer.escalate.to)
        new = replace(new, reminded=(*new.reminded, ESCALATED))
    last = None
    while (at := moments.repetition(timer, world.workflow, new, new.repeats + 1)) is not None and at <= world.now:
        last, new = at, replace(new, repeats=new.repeats + 1)
    if last is not None and world.now - last <= LATE:
        tell(world, timer.overdue_with, timer.to)
    return _put(world, row, new)


def _block(world: World, row: Running) -> None:
    timer = world.workflow.timers[row.name]
    is_first = row.status == "armed"
    row = _end(world, timer, row) if is_first else row
    kept = replace(row, retry_at=world.now + RETRY, tried_revision=world.revision)
    row = _put(world, row, kept)
    if is_first:
        tell(world, BLOCKED if timer.if_blocked else None, timer.if_blocked)
    else:
        row = _say_again(world, timer, row)
    _put(world, row, replace(row, next_at=moments.next_after_due(timer, world.workflow, row)))


def tell(world: World, template: str | None, roles: Iterable[str], left: str | None = None) -> None:
    """Write to everybody in these roles, each once; not of a step from `left` that looks to them as if none was."""
    from fundflow.workflow import access

    if not template:
        return
    held: dict[str, set[str]] = {}
    wanted = [role for role in dict.fromkeys(roles) if role in world.workflow.roles]
    for role in wanted:
        for person in world.people(role):
            held.setdefault(person, set()).add(role)

    def is_told(person: str) -> bool:
        if left is None or world.has_ended or world.state == left:
            return True
        shown = access.shown_state(world.workflow, left, held[person])
        return shown != access.shown_state(world.workflow, world.state, held[person])

    for role in wanted:
        told = tuple(person for person in held if role in held[person] and is_told(person))
        if told:
            world.messages = (*world.messages, Message(template, role, told, world.now))
