"""What is due on an application, how a service time was counted, and what could not happen by itself.

The counting is for the fund's people; a refusal is told to them and to whoever the workflow asks to mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext, ngettext

from fundflow.desk.panels import child_name
from fundflow.desk.viewer import Viewer
from fundflow.lifecycle import commands, pauses
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application, Timer
from fundflow.web import reader
from fundflow.workflow.definition import Workflow


@dataclass(frozen=True, slots=True)
class Due:
    """A moment that something must have happened by."""

    label: str
    at: datetime
    is_late: bool
    account: list[str] = field(default_factory=list)
    """How it came about, where time stood still, was not counted or was given back."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A step that the system could not take on the day, and why not."""

    label: str
    refusals: list[str]


def dues(
    workflow: Workflow, application: Application, running: Sequence[Timer], now: datetime, viewer: Viewer
) -> list[Due]:
    """What must have happened by when; a timer of a disguised state is not told."""
    found = []
    for row in running:
        if viewer.sight.is_running(row.name, application.state):
            timer = workflow.timers[row.name]
            lines = pauses.account(workflow, timer, row, viewer.language) if viewer.is_of_fund and timer.is_sla else []
            told = [sentence for line in lines if (sentence := _line(line))]
            label = timer.label.in_(viewer.language)
            found.append(Due(label, row.due_at, row.due_at < now, told if len(told) > 1 else []))
    return found


def blocked(workflow: Workflow, application: Application, running: Sequence[Timer], viewer: Viewer) -> list[Blocked]:
    """What could not happen by itself, with the sentences of a decision made now."""
    found = []
    for row in running:
        timer = workflow.timers[row.name]
        if row.blocked is None or not (viewer.is_of_fund or viewer.roles & set(timer.if_blocked)):
            continue
        step = workflow.find(timer.then or "")
        label = step.label.in_(viewer.language) if step else ""
        decisions = [] if row.subject else commands.available(application, SYSTEM)
        decision = next((each for each in decisions if each.transition == timer.then), None)
        says = decision.refusals(viewer.language) if decision is not None and not decision.allowed else [row.blocked]
        if row.subject:
            kind, _colon, key = row.subject.partition(":")
            name = child_name(workflow.children[kind], key, viewer.language)
            label = _("%(name)s: %(what)s", name=name, what=label)
        found.append(Blocked(label, says))
    return found


def _line(line: pauses.Line) -> str:
    match line.kind:
        case "started":
            return _("Began %(when)s.", when=reader.moment(line.at))
        case "paused" if line.until is not None:
            begun, ended = reader.moment(line.at), reader.moment(line.until)
            return _("Stood still from %(begun)s until %(ended)s.", begun=begun, ended=ended)
        case "holiday" if line.day is not None:
            return _("Not counted: %(day)s, %(name)s.", day=reader.day(line.day), name=line.name)
        case "extended":
            count = round(line.length.total_seconds() / 3600)
            hours = reader.decimal(count)
            return str(
                ngettext(
                    "Extended by %(hours)s hour for an outage.",
                    "Extended by %(hours)s hours for an outage.",
                    count,
                    hours=hours,
                )
            )
        case _:
            return ""


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
