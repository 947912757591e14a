"""Due moments of applications and children: armed on entering a state, cancelled or paused on leaving it, swept.

A timer only tells people and starts commands. Whether something is too late is decided inside the command, so it holds
also when no sweep has run. `sweeping` does what is due, `moments` says when, `pauses` lets time stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow.db import db, present
from fundflow.jobs import worker
from fundflow.lifecycle import children, definitions, pauses, registry
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application, Child, Timer
from fundflow.lifecycle.moments import aims_at, moment_of, plan, told_in
from fundflow.lifecycle.pauses import account_of
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import definition
from fundflow.workflow.moments import following

__all__ = [
    "account_of",
    "arm",
    "begin",
    "cancel",
    "due",
    "follow",
    "follow_child",
    "follow_fields",
    "looking_at",
    "of_children",
    "of_present_state",
    "rearm",
    "rearm_round",
    "refresh",
    "replan",
]

REFRESH_SECONDS = 24 * 3600.0

_RUNNING = (
    sa.select(Timer.name, Timer.due_at)
    .where(Timer.application_id == sa.bindparam("application_id"), Timer.status == "armed", Timer.subject == "")
    .order_by(Timer.due_at, Timer.name)
)
_IS_OF_CHILD = sa.and_(
    Child.application_id == Timer.application_id, Timer.subject == Child.kind.concat(":").concat(Child.key)
)
_STATE = sa.select(Application.state).where(Application.id == sa.bindparam("application_id"))


def due(application: Application) -> list[tuple[str, datetime]]:
    """The running timers of an application itself and when each is due, the next first."""
    rows = db.session.connection().execute(_RUNNING, {"application_id": application.id})
    return [(name, due_at) for name, due_at in rows]


def of_present_state(application: Application) -> list[Timer]:
    """The timers that run in the present state, or are over in it, the first due first; none once it has ended."""
    if application.outcome is not None:
        return []
    workflow = definitions.get(application.definition_sha)
    here = [name for name, timer in workflow.timers.items() if application.state in timer.states]
    rows = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.name.in_(here), Timer.status.in_(("armed", "fired")))
        .order_by(Timer.generation)
    )
    latest = {row.name: row for row in rows}
    return sorted(latest.values(), key=lambda row: (row.due_at, row.name))


def of_children(application: Application) -> list[Timer]:
    """The timers of the children that run, or are over, where each child stands now, the first due first."""
    if application.outcome is not None:
        return []
    workflow = definitions.get(application.definition_sha)
    names = [name for name, timer in workflow.timers.items() if timer.child]
    if not names:
        return []
    rows = db.session.execute(
        sa.select(Timer, Child.kind, Child.state)
        .join(Child, _IS_OF_CHILD)
        .where(Timer.application_id == application.id, Timer.name.in_(names), Timer.status.in_(("armed", "fired")))
        .order_by(Timer.generation)
    )
    latest = {
        (row.subject, row.name): row
        for row, kind, state in rows
        if f"{kind}.{state}" in workflow.timers[row.name].states
    }
    return sorted(latest.values(), key=lambda row: (row.due_at, row.name, row.subject))


def follow(facts: Facts, from_state: str | None, to_state: str | None) -> None:
    """Cancel the timers that do not run in the state just entered and arm those that now begin; an end cancels all.

    A timer that runs in both states goes on as it is, and so does every timer when the state stays the same. One with
    `sla` is not cancelled but stands still, and goes on when the application comes back. Of the child that the facts
    are about, both states have its kind before them (``report.open``); the end of an application is that of all.
    """
    after = following(facts.workflow, from_state, to_state)
    if after.standing:
        pauses.pause(facts, after.standing)
    if after.over:
        cancel(facts.application.id, after.over, facts.subject)
    if to_state is None and (own := [name for name, timer in facts.workflow.timers.items() if timer.child]):
        cancel(facts.application.id, own, None)
    for name in after.begun:
        timer = facts.workflow.timers[name]
        if not (timer.is_sla and pauses.resume(facts, timer)):
            arm(facts, timer, facts.now)


def cancel(application_id: UUID, names: Iterable[str], subject: str | None = "") -> None:
    """Stop these timers of an application, or of one child; those that have fired stay fired and say nothing more.

    Of whatever they are where `subject` is None.
    """
    db.session.execute(
        sa.update(Timer)
        .where(
            Timer.application_id == application_id,
            Timer.name.in_(list(names)),
            sa.true() if subject is None else Timer.subject == subject,
            sa.or_(Timer.status.in_(("armed", "paused")), Timer.next_at.is_not(None)),
        )
        .values(
            status=sa.case((Timer.status == "fired", "fired"), else_="cancelled"),
            next_at=None,
            retry_at=None,
            tried_revision=None,
            remaining=None,
        )
        .execution_options(synchronize_session=False)
    )


def arm(facts: Facts, timer: definition.Timer, entered_at: datetime) -> None:
    """Start a new generation of a timer; without a moment to aim at (an empty date) none is started."""
    moment = moment_of(_anew(facts, timer), timer, entered_at)
    if moment is not None:
        begin(facts, timer, moment)


def rearm(facts: Facts, name: str, left: str | None = None) -> None:
    """Start a timer anew from this moment, as a new generation; the one that runs is cancelled.

    One that begins only with the state that this command leads to is left to that; one that this very command started
    already stays. `left` is the state that the child leaves, for one of a child.
    """
    timer = facts.workflow.timers[name]
    application = facts.application
    if timer.child:
        child = facts.child
        if child is None or not {f"{child.kind}.{each}" for each in (left or child.state, child.state)} <= {
            *timer.states
        }:
            return
    else:
        before = db.session.connection().execute(_STATE, {"application_id": application.id}).scalar_one()
        if before not in timer.states or application.state not in timer.states:
            return
    running = _armed(application.id, facts.subject if timer.child else "").get(name)
    moment = moment_of(_anew(facts, timer), timer, facts.now)
    if running is not None and running.created_at == facts.now and moment == running.due_at:
        return
    cancel(application.id, [name], facts.subject if timer.child else "")
    if moment is not None:
        begin(facts, timer, moment)


def follow_fields(application: Application, now: datetime, from_state: str | None = None) -> int:
    """Start anew the timers whose moment stands in the application's own answers and has changed; how many.

    Call it in the transaction that changed an answer. Where that is a command, `from_state` is the state it leaves:
    what begins with the new state is started by that. A timer that is over begins again only for a moment to come.
    """
    workflow = definitions.get(application.definition_sha)
    if application.outcome is not None:
        return 0
    states = {application.state, from_state or application.state}
    watching = [
        timer
        for timer in workflow.timers.values()
        if timer.at is not None and "application" in timer.at.roots and states <= set(timer.states)
    ]
    changed = 0
    if watching:
        db.session.flush()
        facts = Facts(application, workflow, SYSTEM, now, locking=False)
        changed = _move(facts, watching, {row.name: row for row in of_present_state(application)})
    looking = {timer.child for timer in workflow.timers.values() if timer.child and _looks_at(timer, "application")}
    for row in children.rows_of(application.id) if looking else ():
        changed += follow_child(application, row, now) if row.kind in looking else 0
    return changed


def follow_child(application: Application, row: Child, now: datetime, left: str | None = None) -> int:
    """The same for the timers of one child, whose fields or answers changed; `left` is the state that it leaves."""
    workflow = definitions.get(application.definition_sha)
    states = {f"{row.kind}.{row.state}", f"{row.kind}.{left or row.state}"}
    watching = [
        timer
        for timer in workflow.timers.values()
        if (_looks_at(timer, "self") or _looks_at(timer, "application")) and states <= set(timer.states)
    ]
    if not watching or application.outcome is not None:
        return 0
    db.session.flush()
    facts = Facts(application, workflow, SYSTEM, now, locking=False)
    facts.look_at(row.kind, row.key)
    latest = {each.name: each for each in of_children(application) if each.subject == facts.subject}
    return _move(facts, watching, latest)


def _looks_at(timer: definition.Timer, root: str) -> bool:
    return timer.at is not None and root in timer.at.roots


def _move(facts: Facts, watching: Iterable[definition.Timer], latest: Mapping[str, Timer]) -> int:
    """Start anew those of these timers whose moment is another now; how many."""
    application, now, changed = facts.application, facts.now, 0
    for timer in watching:
        moment, row = moment_of(facts, timer, now), latest.get(timer.id)
        if row is None:
            is_due = moment is not None
        elif moment is None:
            is_due = row.status == "armed"
        else:
            is_other = moment != row.due_at - timedelta(seconds=row.extended)
            is_due = is_other and (row.status == "armed" or moment > now)
        if is_due:
            cancel(application.id, [timer.id], facts.subject)
            if moment is not None:
                begin(facts, timer, moment)
            changed += 1
    return changed


@registry.effect("rearm")
def rearm_named(ctx: registry.EffectContext, asked: definition.Effect) -> Mapping[str, Any]:
    """Start the timer that the effect names anew, with the facts as the effects before it left them."""
    assert asked.rearm is not None  # noqa: S101 - the loader gives the effect its timer
    rearm(ctx.facts, asked.rearm, ctx.child_from)
    return {"rearm": asked.rearm}


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
    now = present()
    moved = 0
    for row, application in rows:
        workflow = definitions.get(application.definition_sha)
        timer = workflow.timers.get(row.name)
        if timer is None or timer.at is None or "round" not in timer.at.roots:
            continue
        facts = looking_at(row, application, now)
        moment = aims_at(facts, timer, row)
        if moment is None or (moment == row.due_at and told_in(facts, timer).key == row.zone):
            continue
        replan(row, plan(facts, timer, moment))
        moved += 1
    db.session.flush()
    return moved


def refresh() -> int:
    """Compute every running timer again, for zones and holidays may have other rules by now; how many moved.

    Workers do it once a day and when they begin. It is safe to run at any time, beside anything.
    """
    rows = db.session.execute(
        sa.select(Timer, Application)
        .join(Application, Application.id == Timer.application_id)
        .where(Timer.status == "armed")
        .order_by(Timer.id)
    ).all()
    now = present()
    stale = []
    for row, application in rows:
        workflow = definitions.get(application.definition_sha)
        timer = workflow.timers.get(row.name)
        if timer is not None and timer.at is None:
            moment = aims_at(looking_at(row, application, now), timer, row)
            if moment != row.due_at:
                stale.append(row.id)
    db.session.rollback()
    return sum(_refresh(timer_id) for timer_id in stale)


def replan(row: Timer, values: dict[str, Any]) -> None:
    """Give a timer the columns of a plan."""
    for name, value in values.items():
        setattr(row, name, value)


def _refresh(timer_id: UUID) -> bool:
    found = db.session.execute(
        sa.select(Timer, Application)
        .join(Application, Application.id == Timer.application_id)
        .where(Timer.id == timer_id, Timer.status == "armed")
        .with_for_update(of=Timer)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        db.session.rollback()
        return False
    row, application = found
    workflow = definitions.get(application.definition_sha)
    facts = looking_at(row, application, present())
    moment = aims_at(facts, workflow.timers[row.name], row)
    if moment is not None:
        replan(row, plan(facts, workflow.timers[row.name], moment))
    db.session.commit()
    return moment is not None


def _anew(facts: Facts, timer: definition.Timer) -> Facts:
    """Facts that know what this command has just written into the application, where a timer looks at it."""
    if timer.at is None or timer.at.roots.isdisjoint(("application", "self")):
        return facts
    db.session.flush()
    anew = Facts(facts.application, facts.workflow, facts.actor, facts.now, locking=False, input=facts.input)
    if timer.child and facts.child is not None:
        anew.look_at(facts.child.kind, facts.child.key)
    return anew


def looking_at(row: Timer, application: Application, now: datetime) -> Facts:
    """The facts that a timer is computed from, of its application or its child, as nobody in particular."""
    facts = Facts(application, definitions.get(application.definition_sha), SYSTEM, now, locking=False)
    if row.subject:
        kind, _, key = row.subject.partition(":")
        facts.look_at(kind, key)
    return facts


def begin(facts: Facts, timer: definition.Timer, moment: datetime) -> None:
    """Start a new generation of a timer that is due at this moment."""
    application_id, subject = facts.application.id, facts.subject if timer.child else ""
    before = sa.select(sa.func.coalesce(sa.func.max(Timer.generation), 0) + 1).where(
        Timer.application_id == application_id, Timer.name == timer.id, Timer.subject == subject
    )
    db.session.execute(
        sa.insert(Timer).values(
            id=uuid4(),
            created_at=facts.now,
            application_id=application_id,
            name=timer.id,
            subject=subject,
            generation=before.scalar_subquery(),
            status="armed",
            starts=timer.then,
            **plan(facts, timer, moment),
        )
    )


def _armed(application_id: UUID, subject: str) -> dict[str, Timer]:
    rows = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application_id, Timer.subject == subject, Timer.status == "armed")
        .execution_options(populate_existing=True)
    )
    return {row.name: row for row in rows}


worker.periodic(refresh, REFRESH_SECONDS)
