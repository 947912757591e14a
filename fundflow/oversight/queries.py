"""What the page of a case says: the forms its reader may see, each as it was sent last, and every event in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fundflow.accounts.queries import people_named
from fundflow.applications.models import SentAnswers
from fundflow.applications.service import workflow_of
from fundflow.db import db
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.commands import cell_of
from fundflow.lifecycle.models import Application, Event
from fundflow.workflow.definition import Workflow
from fundflow.workflow.forms import Form


@dataclass(frozen=True, slots=True)
class Sent:
    """A form with the answers as they were sent last."""

    form: Form
    data: Mapping[str, Any]
    event_seq: int


@dataclass(frozen=True, slots=True)
class Line:
    """One event: what happened, to what, by whom, and how the state changed."""

    event: Event
    what: str
    who: str
    before: str
    after: str


def forms_of(application: Application, actor: Actor) -> frozenset[str]:
    """The forms of the application that the actor may read now."""
    cell = cell_of(application, actor)
    return frozenset(cell.edit | cell.view) & frozenset(workflow_of(application).forms)


def sent_forms(application: Application, names: frozenset[str]) -> list[Sent]:
    """These forms as they were sent last, in the order of the workflow."""
    rows = db.session.scalars(
        sa.select(SentAnswers)
        .where(SentAnswers.application_id == application.id, SentAnswers.form.in_(names))
        .order_by(SentAnswers.event_seq)
    )
    last = {row.form: row for row in rows}
    forms = workflow_of(application).forms
    return [Sent(form, last[name].data, last[name].event_seq) for name, form in forms.items() if name in last]


def lines_of(application: Application, language: str) -> list[Line]:
    """Everything that happened to the application, the first first."""
    events = db.session.scalars(
        sa.select(Event).where(Event.application_id == application.id).order_by(Event.seq)
    ).all()
    people = people_named({person for each in events for person in (each.actor_id, each.acting_for) if person})
    return list(_lines(events, {key: str(name) for key, name in people.items()}, language))


def _lines(events: Any, people: Mapping[Any, str], language: str) -> Iterator[Line]:
    for event in events:
        workflow = definitions.get(event.definition_sha)
        who = people.get(event.actor_id, "") if event.actor_id else ""
        if event.acting_for:
            who = f"{who} ({people.get(event.acting_for, '')})"
        yield Line(
            event,
            _what(workflow, event, language),
            who,
            *(_place(workflow, event, s, language) for s in (event.from_state, event.to_state)),
        )


def _what(workflow: Workflow, event: Event, language: str) -> str:
    kind, _, key = (event.subject or "").partition(":")
    child = workflow.children.get(kind)
    steps = child.transitions if child else workflow.transitions
    step = steps.get(event.transition)
    said = step.label.in_(language) if step else event.transition.replace("_", " ")
    about = f"{child.label.in_(language)} {key}" if child else (event.subject or "")
    return f"{said} ({about})" if about else said


def _place(workflow: Workflow, event: Event, state: str | None, language: str) -> str:
    child = workflow.children.get((event.subject or "").partition(":")[0])
    states = child.states if child else workflow.states
    return states[state].label.in_(language) if state and state in states else (state or "")
