"""What the pages of forms show: sections with their progress, what is missing, deadlines, two versions side by side.

Refuses nothing: it only reads, and what it gives templates is ready to be drawn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app, url_for
from flask_babel import ngettext

from fundflow import clock
from fundflow.accounts.queries import people_named
from fundflow.applications import queries, service
from fundflow.applications.models import Answers, File
from fundflow.db import canonical_json
from fundflow.lifecycle import commands
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Timer
from fundflow.web import forms, reader
from fundflow.workflow.forms import Form, Missing, OwnForm


@dataclass(frozen=True, slots=True)
class Task:
    """One section of a form: `state` is done, todo, problem or optional."""

    id: str
    title: str
    state: str
    open: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """One answer in which two versions differ; `default` is the side that changed it, mine where both did."""

    field: str
    label: str
    mine: forms.Shown
    theirs: forms.Shown
    default: str


@dataclass(frozen=True, slots=True)
class Step:
    """A transition by which the form is sent, as the actor finds it now."""

    label: str
    url: str
    is_allowed: bool


def editing(application: Application, bound: forms.BoundForm, actor: Actor) -> dict[str, Any]:
    """Everything on the page of a form that is being filled in."""
    form, data = bound.declared, bound.stored()
    found = service.missing(application, form, data)
    return {
        **_about(application, form, queries.answers_row(application.id, form.id), actor),
        "bound": bound,
        "tasks": tasks(form, data, found, bound.errors),
        "missing": [
            (each.field, each.label.in_(reader.language()), each.sentence.in_(reader.language())) for each in found
        ],
        "steps": steps(application, form, actor),
        "upload_urls": {
            name: url_for("applications.upload", application_id=application.id, form=form.id, field_id=name)
            for name, question in form.fields.items()
            if question.type == "file"
        },
        **_time(service.deadline_of(application, form.id)),
    }


def _time(deadline: Timer | None) -> dict[str, Any]:
    left = deadline.due_at - clock.now() if deadline else None
    return {"deadline": deadline, "time_left": time_left(left) if left and left > timedelta(0) else ""}


def time_left(left: timedelta) -> str:
    """A stretch of time in its largest unit, rounded down, so that nobody counts on more than there is."""
    minutes = int(left.total_seconds()) // 60
    if minutes >= 2 * 24 * 60:
        return str(ngettext("%(num)s day", "%(num)s days", minutes // (24 * 60)))
    if minutes >= 2 * 60:
        return str(ngettext("%(num)s hour", "%(num)s hours", minutes // 60))
    return str(ngettext("%(num)s minute", "%(num)s minutes", minutes))


def reading(application: Application, form: Form, row: Answers | None, actor: Actor) -> dict[str, Any]:
    """Everything on the page of a form that is only read."""
    return {**_about(application, form, row, actor), "data": queries.data_of(row)}


def _about(application: Application, form: Form, row: Answers | None, actor: Actor) -> dict[str, Any]:
    # What a form was only filled with when it was opened, nobody has saved.
    is_saved = row is not None and row.revision > 0
    saved_by = people_named([row.saved_by]).get(row.saved_by, "") if row and is_saved else ""
    return {
        "application": application,
        "form": form,
        "round": queries.round_of(application),
        "city": queries.city_of(application),
        "files": queries.files_of(application.id, form.id),
        "saved_at": row.saved_at if row and is_saved else None,
        "saved_by": saved_by if row and row.saved_by != actor.id else "",
    }


def tasks(form: Form, data: Mapping[str, Any], found: Sequence[Missing], errors: Mapping[str, Any]) -> list[Task]:
    """The sections of a form, each with how far it is."""
    result = []
    for section in form.sections:
        names = {field.id for field in section.fields}
        open_here = [each for each in found if each.field in names]
        if any(name in errors for name in names) or any(each.field in data for each in open_here):
            state = "problem"
        elif open_here:
            state = "todo"
        elif any(name in data for name in names):
            state = "done"
        else:
            state = "optional"
        count = len({each.field for each in open_here})
        result.append(Task(section.id, section.title.in_(reader.language()), state, count))
    return result


def steps(application: Application, form: Form, actor: Actor) -> list[Step]:
    """What the actor may do with the finished form: the transitions that ask for it to be complete."""
    own, sending = OwnForm.read(form.id), {step.id: step for step in service.sending(application, form.id)}
    if own is None:
        decisions, where, names = commands.available(application, actor), "desk.act", dict[str, Any]()
    else:
        every = commands.available_children(application, actor)
        decisions = next((found for row, found in every if (row.kind, row.key) == (own.kind, own.key)), [])
        where, names = "desk.act_child", {"kind": own.kind, "key": own.key}
    result = []
    for decision in decisions:
        if (step := sending.get(decision.transition)) is not None:
            short = step.id.rpartition(".")[2]
            is_there = where in current_app.view_functions
            url = url_for(where, application_id=application.id, transition=short, **names) if is_there else ""
            result.append(Step(step.label.in_(reader.language()), url, decision.allowed))
    return result


def conflicts(bound: forms.BoundForm, stale: service.StaleDraft, base: str) -> list[Conflict]:
    """Every answer in which the two versions differ, with the side to start from.

    `base` has the fingerprints of the answers that the person's page was made from: a side that still has them did not
    change the answer. It only sets the choice that is offered first; the person decides.
    """
    form, language = bound.declared, bound.language
    before = _read_base(base)
    result = []
    for name in stale.fields:
        question = form.fields[name]
        mine, theirs = stale.mine.get(name), stale.theirs.get(name)
        untouched = before.get(name) == fingerprint(mine) and name in before
        result.append(
            Conflict(
                name,
                question.label.in_(language),
                forms.shown_field(question, mine, language, bound.currency),
                forms.shown_field(question, theirs, language, bound.currency),
                "theirs" if untouched else "mine",
            )
        )
    return result


def fingerprint(answer: Any) -> str:
    """A short mark of an answer, to tell whether it changed."""
    return hashlib.sha256(canonical_json(answer).encode()).hexdigest()[:10]


def fingerprints(form: Form, data: Mapping[str, Any]) -> str:
    """The marks of all answers of a form, as the page carries them along."""
    return json.dumps({name: fingerprint(data.get(name)) for name in form.fields}, separators=(",", ":"))


def _read_base(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def told(bound: forms.BoundForm) -> dict[str, list[str]]:
    """What could not be read, by field, for scripts."""
    return {name: [str(each) for each in bound.form[name].errors] for name in bound.errors}


def typed(bound: forms.BoundForm) -> list[tuple[str, str]]:
    """What was typed, by question, as plain text to be copied."""
    language = bound.language
    lines = []
    for section in forms.shown(bound.declared, bound.stored(), language, bound.currency):
        lines += [(each.label, text) for each in section.answers if each.kind != "file" and (text := _as_text(each))]
    return lines


def _as_text(answer: forms.Shown) -> str:
    if answer.raw:
        return answer.raw
    if answer.value in (None, "", [], ()):
        return ""
    if answer.kind == "table":
        return "\n".join("\t".join(_as_text(cell) for cell in row) for row in answer.value)
    if answer.kind == "choices":
        return "\n".join(answer.value)
    return str(reader.fact(answer.value))


def file_entry(file: File) -> dict[str, Any]:
    """A file as scripts list it."""
    url = url_for("applications.file", file_id=file.id)
    return {"id": str(file.id), "name": file.name, "size": forms.file_size(file.size), "url": url, "field": file.field}
