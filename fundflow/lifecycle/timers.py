"""Due moments of applications: armed on entering a state, cancelled on leaving it, swept by workers.

A timer only tells people and starts commands. Whether something is too late is decided inside the command, so it holds
also when no sweep has run. Reminders whose moment was missed are passed over, never sent in a burst.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import begin_reading, db, instant, transaction
from fundflow.errors import Refused
from fundflow.jobs import worker
from fundflow.lifecycle import definitions, registry
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application, Timer
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import definition
from fundflow.workflow.durations import at_wall, end_of_day

LATE = timedelta(hours=1)
"""A reminder still goes out this long after its moment; later it is passed over."""
AGAIN = timedelta(minutes=5)
"""When a timer is tried again whose end failed for a reason that is nobody's refusal."""
SWEEP_SECONDS = 5.0

_RUNNING = (
    sa.select(Timer.name, Timer.due_at)
    .where(Timer.application_id == sa.bindparam("application_id"), Timer.status == "armed")
    .order_by(Timer.due_at, Timer.name)
)
log = logging.getLogger(__name__)


def due(application: Application) -> list[tuple[str, datetime]]:
    """The running timers of an application and when each is due, the next first."""
    rows = db.session.connection().execute(_RUNNING, {"application_id": application.id})
    return [(name, due_at) for name, due_at in rows]


def follow(facts: Facts, from_state: str | None, to_state: str | None) -> None:
    """Cancel the timers that do not run in the state just entered and arm those that now begin; an end cancels all.

    A timer that runs in both states goes on as it is, and so does every timer when the state stays the same.
    """
    if from_state == to_state:
        return
    workflow, now = facts.workflow, facts.now
    running = [timer for timer in workflow.timers.values() if from_state in timer.states]
    left = [timer.id for timer in running if to_state not in timer.states]
    if left:
        cancel(facts.application.id, left)
    for timer in workflow.timers.values():
        if to_state in timer.states and timer not in running:
            arm(facts, timer, now)


def cancel(application_id: UUID, names: Iterable[str]) -> None:
    """Stop these timers of an application; those that have fired stay fired."""
    db.session.execute(
        sa.update(Timer)
        .where(Timer.application_id == application_id, Timer.name.in_(list(names)), Timer.status == "armed")
        .values(status="cancelled", next_at=None)
        .execution_options(synchronize_session=False)
    )


def arm(facts: Facts, timer: definition.Timer, entered_at: datetime) -> None:
    """Start a new generation of a timer; without a moment to aim at (an empty date) none is started."""
    moment = _moment(facts, timer, entered_at)
    if moment is None:
        return
    application_id = facts.application.id
    before = sa.select(sa.func.coalesce(sa.func.max(Timer.generation), 0) + 1).where(
        Timer.application_id == application_id, Timer.name == timer.id
    )
    values = _plan(facts, timer, moment)
    db.session.execute(
        sa.insert(Timer).values(
            id=uuid4(),
            created_at=facts.now,
            application_id=application_id,
            name=timer.id,
            generation=before.scalar_subquery(),
            status="armed",
            **values,
        )
    )


def rearm_round(round_id: UUID) -> int:
    """Compute again when the running timers that look at this round are due, and say how many moved.

    Call it in the transaction that changed the round. It takes no lock on applications: a command that is just moving
    one waits for the round or for the timer, whichever it needs.
    """
    db.session.flush()
    rows = db.session.execute(
        sa.select(Timer, Application)
        .join(Application, Application.id == Timer.application_id)
        .where(Application.round_id == round_id, Timer.status == "armed")
        .order_by(Timer.id)
        .with_for_update(of=Timer)
        .execution_options(populate_existing=True)
    ).all()
    now = _now()
    moved = 0
    for row, application in rows:
        workflow = definitions.get(application.definition_sha)
        timer = workflow.timers.get(row.name)
        if timer is None or timer.at is None or "round" not in timer.at.roots:
            continue
        facts = Facts(application, workflow, SYSTEM, now, locking=False)
        moment = _moment(facts, timer, application.state_since)
        if moment is None or (moment == row.due_at and _told_in(facts, timer).key == row.zone):
            continue
        _set(row, _plan(facts, timer, moment))
        moved += 1
    db.session.flush()
    return moved


def sweep(limit: int = 200) -> int:
    """Do what is due now, oldest first: reminders, late notices and ends of timers; how many timers were looked after.

    Any number of sweepers may run at once: each timer is done in a transaction of its own, under its application's
    lock.
    """
    db.session.rollback()
    begin_reading()
    found = db.session.execute(
        sa.select(Timer.id, Timer.application_id)
        .where(Timer.status == "armed", Timer.next_at <= instant())
        .order_by(Timer.next_at, Timer.id)
        .limit(limit)
    ).all()
    db.session.rollback()
    return sum(_look_after(timer_id, application_id) for timer_id, application_id in found)


def _look_after(timer_id: UUID, application_id: UUID) -> bool:
    """Remind or end one timer; False when somebody else has it or had it."""
    try:
        try:
            with transaction():
                return _do(timer_id, application_id)
        except Refused as refusal:
            with transaction():
                return _block(timer_id, application_id, refusal)
    except Exception:
        log.exception("Timer %s of application %s failed; it is tried again.", timer_id, application_id)
        with transaction():
            _postpone(timer_id)
        return False


def _do(timer_id: UUID, application_id: UUID) -> bool:
    claimed = _claim(timer_id, application_id)
    if claimed is None:
        return False
    application, row, now = claimed
    workflow = definitions.get(application.definition_sha)
    timer = workflow.timers[row.name]
    # What it aims at may have moved since it was armed: the moment is computed again before anything is done.
    facts = Facts(application, workflow, SYSTEM, now, locking=False)
    moment = _moment(facts, timer, application.state_since)
    if timer.at is not None and moment is not None and moment != row.due_at:
        _set(row, _plan(facts, timer, moment))
    elif now < row.act_at:
        _remind(application, workflow, timer, row, now)
    else:
        _act(application, timer, row)
    return True


def _claim(timer_id: UUID, application_id: UUID) -> tuple[Application, Timer, datetime] | None:
    # The application first, as every command does; one that a command is just moving is left to the next sweep.
    row = db.session.execute(
        sa.select(Application, instant())
        .where(Application.id == application_id)
        .with_for_update(of=Application, skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        return None
    application, now = row
    timer = db.session.get(Timer, timer_id, populate_existing=True)
    if timer is None or timer.status != "armed" or timer.next_at is None or timer.next_at > now:
        return None
    return application, timer, now


def _remind(
    application: Application, workflow: definition.Workflow, timer: definition.Timer, row: Timer, now: datetime
) -> None:
    """Send the latest reminder whose moment has come, if it has not long passed, and set the next moment."""
    moments = _reminders(timer, workflow, row.due_at)
    come = [name for name, at in moments if at <= now and name not in row.reminded]
    if come and now < row.due_at and now - dict(moments)[come[-1]] <= LATE:
        _tell(application, timer, timer.remind_with, row, come[-1])
    row.reminded = [*row.reminded, *come]
    row.next_at = _next(moments, row.act_at, row.reminded)


def _act(application: Application, timer: definition.Timer, row: Timer) -> None:
    """End a timer: tell those concerned that it is late, then start what follows as the system."""
    from fundflow.lifecycle import commands

    row.status, row.next_at = "fired", None
    _tell(application, timer, timer.overdue_with, row, "overdue")
    if timer.then is None or application.outcome is not None or application.state not in timer.states:
        return
    commands.fire(
        application.id,
        timer.then,
        actor=SYSTEM,
        key=f"timer:{application.id}:{row.name}:{row.generation}",
        revision=application.revision,
    )


def _block(timer_id: UUID, application_id: UUID, refusal: Refused) -> bool:
    """Keep why a timer could not do what it should, and end it: its guard would refuse again every few seconds."""
    claimed = _claim(timer_id, application_id)
    if claimed is None:
        return False
    application, row, _ = claimed
    log.warning("Timer %s of application %s was refused: %s", row.name, application.number, refusal)
    row.status, row.next_at, row.blocked = "fired", None, str(refusal)
    timer = definitions.get(application.definition_sha).timers[row.name]
    _tell(application, timer, timer.overdue_with, row, "overdue")
    return True


def _postpone(timer_id: UUID) -> None:
    """Let the others go first: one timer that fails for a reason of ours must not hold them up."""
    db.session.execute(
        sa.update(Timer)
        .where(Timer.id == timer_id, Timer.status == "armed")
        .values(next_at=clock.now() + AGAIN)
        .execution_options(synchronize_session=False)
    )


def _set(row: Timer, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _tell(application: Application, timer: definition.Timer, template: str | None, row: Timer, what: str) -> None:
    if template:
        key = f"timer:{application.id}:{row.name}:{row.generation}:{what.replace(' ', '-')}"
        registry.notify(application, template, timer.to, key, {"due_at": row.due_at, "zone": row.zone})


def _moment(facts: Facts, timer: definition.Timer, entered_at: datetime) -> datetime | None:
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
        moment = timer.after.after(entered_at.replace(microsecond=0), zone)
    else:
        return None
    return end_of_day(moment, zone) if timer.end_of_day else moment


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return at_wall(datetime.combine(day, time(23, 59, 59)), zone)


def _told_in(facts: Facts, timer: definition.Timer) -> ZoneInfo:
    """The zone a timer's moment is told in: the round's where it follows the round, else the workflow's own."""
    if timer.at is not None and not timer.end_of_day and "round" in timer.at.roots:
        named = facts.known("round").get("zone")
        if named:
            return ZoneInfo(named)
    return facts.workflow.zone


def _plan(facts: Facts, timer: definition.Timer, moment: datetime) -> dict[str, Any]:
    """The columns that follow from the due moment; reminders whose moment has passed already are passed over."""
    act_at = timer.grace.after(moment, facts.workflow.zone) if timer.grace is not None else moment
    moments = _reminders(timer, facts.workflow, moment)
    reminded = [name for name, at in moments if at <= facts.now]
    zone = _told_in(facts, timer)
    return {
        "wall": moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds"),
        "zone": zone.key,
        "due_at": moment,
        "act_at": act_at,
        "reminded": reminded,
        "next_at": _next(moments, act_at, reminded),
    }


def _reminders(
    timer: definition.Timer, workflow: definition.Workflow, moment: datetime
) -> Sequence[tuple[str, datetime]]:
    """Each reminder as it is written with its moment, the earliest first."""
    moments = [(str(before), before.before(moment, workflow.zone)) for before in timer.remind]
    return sorted(moments, key=lambda each: each[1])


def _next(moments: Sequence[tuple[str, datetime]], act_at: datetime, reminded: Sequence[str]) -> datetime:
    return min((at for name, at in moments if name not in reminded), default=act_at)


def _now() -> datetime:
    now: datetime = db.session.execute(sa.select(instant())).scalar_one()
    return now


worker.periodic(sweep, SWEEP_SECONDS)
