"""What becomes of an application's deadlines when it comes to another version of its rules.

A running deadline, with its grace, may move later and never earlier, whatever the new version says: it was promised.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from fundflow.db import db, present
from fundflow.lifecycle import timers, writes
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.children import rows_of as children_of
from fundflow.lifecycle.models import Application, Timer
from fundflow.lifecycle.moments import moment_of, plan
from fundflow.lifecycle.situation import Facts
from fundflow.workflow import definition
from fundflow.workflow.definition import Workflow
from fundflow.workflow.differences import both, quoted
from fundflow.workflow.migration import Verdict
from fundflow.workflow.moments import next_reminder, reminders
from fundflow.workflow.sentences import fill
from fundflow.workflow.text import Text

PAST = both(
    "The deadline {timer} would begin when it has passed already: it would be due on {due}.",
    "L’échéance {timer} commencerait alors qu’elle est déjà passée : le {due}.",
)


def take_over(facts: Facts, old: Workflow, left: str, verdict: Verdict) -> dict[str, dict[str, Any]]:
    """Keep, rearm or cancel what runs, begin what the new version has beside it; what became of each, for the event.

    The application stands in its new state by its new rules; `left` is the state it had in the old version.
    """
    application, new = facts.application, facts.workflow
    told: dict[str, dict[str, Any]] = {}
    rows = _running(application)
    for name, row in rows.items():
        way = verdict.timers.get(name, "keep")
        told[name] = {"way": way, "was": row.due_at}
        if way != "cancel":
            _promise(facts, new.timers[name], row, anew=way == "rearm")
            told[name]["due"] = row.due_at
    db.session.flush()
    here = [name for name, timer in new.timers.items() if verdict.state in timer.states]
    gone = {*old.timers, *rows} - set(here) - _paused(new)
    gone |= {name for name, each in told.items() if each["way"] == "cancel"}
    if gone:
        timers.cancel(application.id, sorted(gone))
    for timer, moment in _beginning(facts, old, left, verdict):
        timers.begin(facts, timer, moment)
        told[timer.id] = {"way": "begin", "due": moment}
    db.session.flush()
    return told


def take_over_of_children(facts: Facts) -> dict[str, dict[str, Any]]:
    """The same for the deadlines of the children, which stand in their new states already.

    One that the new version has no more, or not where its child now stands, is cancelled.
    """
    application, new = facts.application, facts.workflow
    told: dict[str, dict[str, Any]] = {}
    rows = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.subject != "", Timer.status != "cancelled")
        .order_by(Timer.generation)
        .execution_options(populate_existing=True)
    )
    latest = {(row.subject, row.name): row for row in rows}
    children = children_of(application.id)
    stands = {f"{child.kind}:{child.key}": f"{child.kind}.{child.state}" for child in children}
    for (subject, name), row in latest.items():
        timer = new.timers.get(name)
        if timer is None or stands.get(subject) not in timer.states:
            timers.cancel(application.id, [name], subject)
            told[f"{name} {subject}"] = {"way": "cancel", "was": row.due_at}
        elif row.status == "armed":
            told[f"{name} {subject}"] = {"way": "keep", "was": row.due_at}
            _promise(timers.looking_at(row, application, facts.now), timer, row, anew=False)
            told[f"{name} {subject}"]["due"] = row.due_at
    db.session.flush()
    for child in children:
        subject = f"{child.kind}:{child.key}"
        begun = [timer for timer in new.timers_of(child.kind).values() if stands[subject] in timer.states]
        for timer in begun:
            if (subject, timer.id) not in latest:
                with facts.about(child, [each for each in children if each.kind == child.kind]):
                    timers.arm(facts, timer, facts.now)
                told[f"{timer.id} {subject}"] = {"way": "begin"}
    return told


def begun_in_the_past(application: Application, old: Workflow, new: Workflow, verdict: Verdict) -> list[Text]:
    """A sentence for each deadline of the new version that would begin when it is over already."""
    left = application.state
    kept = {"definition_sha": application.definition_sha, "state": application.state}
    # What a moment is computed from is read by the new rules, without anything being written.
    writes.show(application, definition_sha=new.sha256, state=verdict.state)
    try:
        facts = Facts(application, new, SYSTEM, present(), locking=False)
        return [
            fill(PAST, timer=quoted(timer.label), due=moment.astimezone(new.zone))
            for timer, moment in _beginning(facts, old, left, verdict)
            if plan(facts, timer, moment)["act_at"] <= facts.now
        ]
    finally:
        writes.show(application, **kept)


def _promise(facts: Facts, timer: definition.Timer, row: Timer, *, anew: bool) -> None:
    """Give a running timer the plan of the new version, but no earlier moment and no earlier end of its grace."""
    was_due, was_act = row.due_at, row.act_at
    moment = moment_of(facts, timer, facts.now if anew else row.created_at)
    due = was_due if moment is None or (timer.at is None and not anew) else max(was_due, moment)
    for _ in range(3):
        # A grace counted in days may be stretched by a calendar, so what is missing may have to be added again.
        missing = was_act - plan(facts, timer, due)["act_at"]
        if missing <= timedelta(0):
            break
        due += missing
    planned = plan(facts, timer, due)
    said = [name for name in row.reminded if name in {str(before) for before in timer.remind}]
    planned["reminded"] = list(dict.fromkeys([*said, *planned["reminded"]]))
    planned["next_at"] = next_reminder(reminders(timer, facts.workflow, due), planned["act_at"], planned["reminded"])
    timers.replan(row, planned)
    if timer.at is not None and moment is not None:
        # What is computed again from the facts later on keeps this distance, so that nothing takes it away.
        row.extended = round((due - moment).total_seconds())
    row.starts = timer.then


def _beginning(facts: Facts, old: Workflow, left: str, verdict: Verdict) -> list[tuple[definition.Timer, datetime]]:
    """The timers of the new state that neither run nor are over, with the moments they would begin with."""
    latest = _of_this_stay(facts.application, {name for name, timer in old.timers.items() if left in timer.states})
    found = []
    for timer in facts.workflow.timers.values():
        row = latest.get(timer.id)
        is_there = row is not None and row.status != "cancelled"
        if verdict.state not in timer.states or is_there or verdict.timers.get(timer.id) == "cancel":
            continue
        moment = moment_of(facts, timer, facts.now)
        if row is not None:
            # It ran in this very stay before an earlier migration cancelled it: what was promised then holds again.
            moment = row.due_at if moment is None or timer.at is None else max(moment, row.due_at)
        if moment is not None:
            found.append((timer, moment))
    return found


def _running(application: Application) -> dict[str, Timer]:
    rows = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.status == "armed", Timer.subject == "")
        .order_by(Timer.name)
        .execution_options(populate_existing=True)
    )
    return {row.name: row for row in rows}


def _of_this_stay(application: Application, ran: set[str]) -> dict[str, Timer]:
    """The latest generation of each timer that runs, is over, or was cancelled since the application came to its state.

    `ran` are those that the old version lets run there.
    """
    rows = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.subject == "")
        .order_by(Timer.generation)
        .execution_options(populate_existing=True)
    )
    latest = {row.name: row for row in rows}
    since = application.state_since
    return {
        name: row
        for name, row in latest.items()
        if row.status in ("armed", "paused") or (row.status == "fired" and name in ran) or row.created_at >= since
    }


def _paused(workflow: Workflow) -> set[str]:
    """Timers that may stand still while the application is elsewhere."""
    return {name for name, timer in workflow.timers.items() if timer.is_sla}
