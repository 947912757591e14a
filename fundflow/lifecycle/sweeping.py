"""Doing what is due: reminders, late notices and their repetition, those above, and the commands that timers start.

Any number of sweepers may run at once and any number of times over: each timer is done in a transaction of its own,
under its application's lock, and what it starts happens under the timer's own key. Missed reminders are passed over,
never sent in a burst; what a timer must start is started late rather than never.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import begin_reading, db, instant, transaction
from fundflow.errors import Refused
from fundflow.jobs import worker
from fundflow.lifecycle import brakes, children, commands, definitions, registry
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application, Brake, Timer
from fundflow.lifecycle.moments import aims_at, plan
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.lifecycle.situation import Facts
from fundflow.lifecycle.timers import looking_at, replan
from fundflow.workflow import definition
from fundflow.workflow.definition import Text, Workflow
from fundflow.workflow.moments import (
    BLOCKED,
    ESCALATED,
    LATE,
    OVERDUE,
    RETRY,
    escalation,
    next_after_due,
    next_reminder,
    reminders,
    repetition,
)

SWEEP_SECONDS = 5.0
AGAIN = timedelta(minutes=5)
"""When a timer is tried again that failed for a reason that is nobody's refusal."""

log = logging.getLogger(__name__)


def sweep(limit: int = 200) -> int:
    """Do what is due now, oldest first; how many timers were looked after. While the brake is on, start nothing."""
    db.session.rollback()
    begin_reading()
    is_held = brakes.is_on()
    count = 0 if is_held else brakes.waiting()
    found = list(_found(limit))
    if not is_held:
        found += _unblocked(limit)
    db.session.rollback()
    if count > brakes.most():
        is_held = True
        with transaction():
            if brakes.pull(count) is not None:
                log.error("The brake is on: timers would start %s transitions within a minute.", count)
        # What was found may be all of what now waits: look again for what may still be done.
        begin_reading()
        found = list(_found(limit))
        db.session.rollback()
    return sum(_look_after(timer_id, application_id) for timer_id, application_id in dict.fromkeys(found))


def _found(limit: int) -> Sequence[tuple[UUID, UUID]]:
    """What is due, without what waits behind the brake."""
    brake = sa.exists().where(Brake.released_at.is_(None))
    rows = db.session.execute(
        sa.select(Timer.id, Timer.application_id)
        .where(Timer.next_at <= instant(), sa.not_(sa.and_(brakes.is_waiting(), brake)))
        .order_by(Timer.next_at, Timer.id)
        .limit(limit)
    )
    return [(timer_id, application_id) for timer_id, application_id in rows]


def _unblocked(limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Timers whose transition was refused, of applications to which something has happened since."""
    rows = db.session.execute(
        sa.select(Timer.id, Timer.application_id)
        .join(Application, Application.id == Timer.application_id)
        .where(Timer.tried_revision.is_not(None), Application.revision != Timer.tried_revision)
        .order_by(Timer.act_at, Timer.id)
        .limit(limit)
    )
    return [(timer_id, application_id) for timer_id, application_id in rows]


def _look_after(timer_id: UUID, application_id: UUID) -> bool:
    """Do what is due of one timer; False when somebody else has it or had it."""
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
    if row.status == "fired":
        return _follow_up(application, workflow, timer, row, now)
    # What it aims at may have moved since it was armed: the moment is computed again before anything is done.
    facts = looking_at(row, application, now)
    moment = aims_at(facts, timer, row)
    if moment is not None and moment != row.due_at:
        replan(row, plan(facts, timer, moment))
    elif now < row.act_at:
        _remind(application, workflow, timer, row, now)
    else:
        return _act(application, workflow, timer, row, facts)
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
    if timer is None or timer.status not in ("armed", "fired") or timer.next_at is None:
        return None
    if timer.next_at > now and not _is_worth_a_try(application, timer, now):
        return None
    return application, timer, now


def _is_worth_a_try(application: Application, row: Timer, now: datetime) -> bool:
    """What was refused may go through now: something happened to the application, or a day has passed."""
    if row.retry_at is None:
        return False
    return row.retry_at <= now or row.tried_revision != application.revision


def _remind(application: Application, workflow: Workflow, timer: definition.Timer, row: Timer, now: datetime) -> None:
    """Send the latest reminder whose moment has come, if it has not long passed, and set the next moment."""
    moments = reminders(timer, workflow, row.due_at)
    come = [name for name, at in moments if at <= now and name not in row.reminded]
    if come and now < row.due_at and now - dict(moments)[come[-1]] <= LATE:
        _tell(application, timer.remind_with, timer.to, row, come[-1])
    row.reminded = [*row.reminded, *come]
    row.next_at = next_reminder(moments, row.act_at, row.reminded)


def _act(application: Application, workflow: Workflow, timer: definition.Timer, row: Timer, facts: Facts) -> bool:
    """End a timer: tell those concerned that it is late, then start what follows as the system."""
    stands = application.state if facts.child is None else f"{facts.child.kind}.{facts.child.state}"
    starts = timer.then if application.outcome is None and stands in timer.states else None
    if starts is not None and brakes.is_on():
        return False
    _end(application, workflow, timer, row)
    if starts is not None:
        row.acted_at = facts.now
        _start(application, starts, row)
    return True


def _end(application: Application, workflow: Workflow, timer: definition.Timer, row: Timer) -> None:
    row.status = "fired"
    if OVERDUE not in row.reminded:
        row.reminded = [*row.reminded, OVERDUE]
    _tell(application, timer.overdue_with, timer.to, row, OVERDUE)
    row.next_at = next_after_due(timer, workflow, row)


def _start(application: Application, transition: str, row: Timer) -> None:
    """Start the command. The timer is written first, for what the command does to timers comes after it."""
    db.session.flush()
    commands.fire(
        application.id,
        transition,
        actor=SYSTEM,
        key=_key(application, row),
        revision=application.revision,
        of=row.subject.partition(":")[2] or None,
    )


def _key(application: Application, row: Timer) -> str:
    """What tells this generation of a timer from all others: of a child also whose it is."""
    return ":".join(filter(None, ("timer", str(application.id), row.name, row.subject, str(row.generation))))


def _follow_up(
    application: Application, workflow: Workflow, timer: definition.Timer, row: Timer, now: datetime
) -> bool:
    """What a timer does once it is late: try again what was refused, tell those above, say it again."""
    _say_again(application, workflow, timer, row, now)
    if timer.then is not None and _is_worth_a_try(application, row, now):
        if brakes.is_on():
            row.retry_at = now + AGAIN
            row.next_at = next_after_due(timer, workflow, row)
            return True
        row.blocked, row.retry_at, row.tried_revision, row.acted_at = None, None, None, now
        row.next_at = next_after_due(timer, workflow, row)
        _start(application, timer.then, row)
        return True
    row.next_at = next_after_due(timer, workflow, row)
    return True


def _say_again(
    application: Application, workflow: Workflow, timer: definition.Timer, row: Timer, now: datetime
) -> None:
    above = escalation(timer, workflow, row)
    if timer.escalate is not None and above is not None and above <= now:
        _tell(application, timer.escalate.template, timer.escalate.to, row, ESCALATED)
        row.reminded = [*row.reminded, ESCALATED]
    last = None
    while (at := repetition(timer, workflow, row, row.repeats + 1)) is not None and at <= now:
        last, row.repeats = at, row.repeats + 1
    if last is not None and now - last <= LATE:
        _tell(application, timer.overdue_with, timer.to, row, f"{OVERDUE}-{row.repeats}")


def _block(timer_id: UUID, application_id: UUID, refusal: Refused) -> bool:
    """Keep why a timer could not do what it should and tell whoever can change that; it is tried again by itself."""
    claimed = _claim(timer_id, application_id)
    if claimed is None:
        return False
    application, row, now = claimed
    workflow = definitions.get(application.definition_sha)
    timer = workflow.timers[row.name]
    is_first = row.status == "armed"
    log.warning("Timer %s of application %s was refused: %s", row.name, application.number, refusal)
    if is_first:
        _end(application, workflow, timer, row)
    row.blocked, row.retry_at, row.tried_revision = str(refusal), now + RETRY, application.revision
    if is_first:
        step = workflow.find(timer.then or "")
        told = {"step": step.label if step else "", "why": _why(workflow, refusal)}
        _tell(application, BLOCKED if timer.if_blocked else None, timer.if_blocked, row, "blocked", told)
    else:
        _say_again(application, workflow, timer, row, now)
    row.next_at = next_after_due(timer, workflow, row)
    return True


def _why(workflow: Workflow, refusal: Refused) -> Text:
    """The sentences of a refusal in every language of the workflow; those of an effect are written in one."""
    if isinstance(refusal, NotAllowed):
        return Text({each: " ".join(refusal.decision.refusals(each)) for each in workflow.languages})
    return Text.same(str(refusal))


def _postpone(timer_id: UUID) -> None:
    """Let the others go first: one timer that fails for a reason of ours must not hold them up."""
    revision = sa.select(Application.revision).where(Application.id == Timer.application_id).scalar_subquery()
    db.session.execute(
        sa.update(Timer)
        .where(Timer.id == timer_id, Timer.next_at.is_not(None))
        .values(
            next_at=instant(AGAIN), tried_revision=sa.case((Timer.tried_revision.is_not(None), revision), else_=None)
        )
        .execution_options(synchronize_session=False)
    )


def _tell(
    application: Application,
    template: str | None,
    roles: Sequence[str],
    row: Timer,
    what: str,
    facts: dict[str, Any] | None = None,
) -> None:
    if template:
        key = f"{_key(application, row)}:{what.replace(' ', '-')}"
        told = {"due_at": row.due_at, "zone": row.zone, **children.named(application, row.subject), **(facts or {})}
        registry.notify(application, template, roles, key, told)


worker.periodic(sweep, SWEEP_SECONDS)
