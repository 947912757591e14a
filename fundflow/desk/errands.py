"""What an application collects and waits for from one person: checks, a signature, a step with a child, a name.

Like all tasks of a home page they are read off workflows and memberships in sets, and promise nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext, ngettext

from fundflow.applications.models import Answers
from fundflow.awards.titles import document_title
from fundflow.db import db
from fundflow.desk.panels import child_name, child_tone, is_open_to, is_told, short
from fundflow.lifecycle import children
from fundflow.lifecycle.models import Application, Child, Signature, TaskResult, Timer
from fundflow.money import Money
from fundflow.web import reader
from fundflow.workflow import access, definition
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.forms import OwnForm


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to do: what, where, and by when if the thing itself says so."""

    title: str
    url: str
    detail: str = ""
    due_at: datetime | None = None
    zone: str | None = None
    """Of a deadline: the zone in which it is told."""


@dataclass(slots=True)
class Collected:
    """What one application has collected so far."""

    done: set[str] = field(default_factory=set)
    signed: set[tuple[str, str]] = field(default_factory=set)
    """State and party."""
    rows: list[Child] = field(default_factory=list)


def collected_of(ids: Collection[UUID], workflows: Collection[Workflow]) -> dict[UUID, Collected]:
    """What these applications have collected: at most three queries, one for each thing a workflow here collects."""
    found: dict[UUID, Collected] = {each: Collected() for each in ids}
    if not ids:
        return found
    if any(workflow.tasks for workflow in workflows):
        done = sa.select(TaskResult.application_id, TaskResult.task).where(TaskResult.application_id.in_(ids))
        for owner, task in db.session.execute(done):
            found[owner].done.add(task)
    if any(state.signatures for workflow in workflows for state in workflow.states.values()):
        signed = sa.select(Signature.application_id, Signature.state, Signature.party)
        for owner, state, party in db.session.execute(signed.where(Signature.application_id.in_(ids))):
            found[owner].signed.add((state, party))
    if any(workflow.children for workflow in workflows):
        rows = sa.select(Child).where(Child.application_id.in_(ids)).order_by(Child.kind, Child.position)
        for row in db.session.scalars(rows):
            found[row.application_id].rows.append(row)
    return found


def errands(
    workflow: Workflow,
    application: Application,
    roles: frozenset[str],
    collected: Collected,
    now: datetime,
    answers: Mapping[str, Answers],
    timers: Sequence[Timer],
) -> Iterator[Errand]:
    """Everything of this kind that waits for somebody with these roles."""
    state, language = workflow.states[application.state], reader.language()
    open_tasks = [t for t in state.tasks.values() if t.by & roles and t.id not in collected.done]
    if open_tasks:
        names = ", ".join(task.label.in_(language) for task in open_tasks)
        yield Errand(
            ngettext("Do the check: %(what)s", "Do %(num)s checks: %(what)s", len(open_tasks), what=names),
            url_for("desk.show", application_id=application.id, _anchor="checklist"),
        )
    yield from _signing(workflow, application, roles, collected)
    kept = {name: row.data for name, row in answers.items()}
    due: dict[str, Timer] = {}
    for timer in timers:
        if timer.subject and is_told(workflow.timers[timer.name]):
            due.setdefault(timer.subject, timer)
    for errand, subject in _of_children(workflow, application, roles, collected, now, kept):
        given = due.get(subject)
        yield errand if given is None else replace(errand, due_at=given.due_at, zone=given.zone)
    for role in workflow.roles.values():
        if role.kind == "field" and role.assigned_by & roles and may_be_named(application):
            url = url_for("desk.name_person", application_id=application.id, role=role.id)
            yield Errand(_("Choose: %(role)s", role=role.label.in_(language)), url)


def may_be_named(application: Application) -> bool:
    """Nobody is in charge of what the city has sent."""
    return application.officer_id is None and application.submitted_at is not None


def _signing(
    workflow: Workflow, application: Application, roles: frozenset[str], collected: Collected
) -> Iterator[Errand]:
    signatures = workflow.states[application.state].signatures
    for party, role in signatures.parties.items() if signatures else ():
        if (application.state, party) in collected.signed:
            continue
        if signatures is not None and role in roles:
            yield Errand(
                _("Read and sign: %(document)s", document=document_title(signatures.document)),
                url_for("desk.sign", application_id=application.id, party=party),
            )
        if signatures is not None and signatures.in_order:
            return


def _of_children(
    workflow: Workflow,
    application: Application,
    roles: frozenset[str],
    collected: Collected,
    now: datetime,
    kept: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[Errand, str]]:
    """The forms that a child waits for, and the steps that lead one on: each named once with the first that can."""
    seen = access.cell(workflow, application.state, roles).view
    for kind in (kind for kind in workflow.children.values() if kind.id in seen):
        rows = [row for row in collected.rows if row.kind == kind.id]
        told = children.records_of(workflow, application, rows, kept)
        records = {row.key: record for row, record in zip(rows, told, strict=True)}
        unwritten = set()
        for row in rows if kind.forms else ():
            for errand in _writing(workflow, application, row, roles, kept, records[row.key]):
                unwritten.add(row.key)
                yield errand, f"{kind.id}:{row.key}"
        for step in kind.transitions.values():
            sends = any(when.kind == "complete" and when.name in kind.forms for when in step.when)
            able = [row for row in rows if not (sends and row.key in unwritten)]
            able = [row for row in able if _may(workflow, kind, step, row, application, roles, records, now)]
            if able:
                yield _about_child(kind, step, able, records[able[0].key]), f"{kind.id}:{able[0].key}"


def _writing(
    workflow: Workflow,
    application: Application,
    row: Child,
    roles: frozenset[str],
    kept: Mapping[str, Mapping[str, Any]],
    record: Mapping[str, object],
) -> Iterator[Errand]:
    """The forms of its own that a child waits for, as long as something is missing."""
    cell = access.own_cell(workflow, application.state, row.kind, row.state, roles)
    kind, language = workflow.children[row.kind], reader.language()
    for name in kind.forms:
        form = children.form_of(workflow, row, name) if name in cell.edit else None
        whole = str(OwnForm(row.kind, row.key, name))
        if form is None or not (missing := len(form.check(kept.get(whole, {}), application.currency))):
            continue
        what = _("Fill in: %(form)s", form=form.title.in_(language))
        yield Errand(
            _("%(name)s: %(what)s", name=child_name(kind, row.key, language), what=what),
            url_for("applications.edit", application_id=application.id, form=whole),
            str(ngettext("%(num)s answer still missing.", "%(num)s answers still missing.", missing)),
            _day_of(record),
        )


def _day_of(record: Mapping[str, object]) -> datetime | None:
    """The day that a child itself names first."""
    day = next((value for value in record.values() if isinstance(value, date)), None)
    return datetime.combine(day, time(23, 59), UTC) if day else None


def _about_child(
    kind: definition.Child, step: Transition, able: Sequence[Child], record: Mapping[str, object]
) -> Errand:
    row, language = able[0], reader.language()
    name = child_name(kind, row.key, language)
    amount = next((reader.money(value) for value in record.values() if isinstance(value, Money)), "")
    others = len(able) - 1
    more = ngettext("And %(n)s more.", "And %(n)s more.", others, n=others) if others else ""
    return Errand(
        _("%(name)s: %(what)s", name=name, what=step.label.in_(language)),
        url_for(
            "desk.act_child",
            application_id=row.application_id,
            kind=kind.id,
            key=row.key,
            transition=short(step.id),
        ),
        " ".join(part for part in (amount, more) if part),
        _day_of(record),
    )


def _may(
    workflow: Workflow,
    kind: definition.Child,
    step: Transition,
    row: Child,
    application: Application,
    roles: frozenset[str],
    records: Mapping[str, Mapping[str, object]],
    now: datetime,
) -> bool:
    """Whether this child can take the step, as far as it and its siblings tell."""
    if not step.by_from(row.state) & roles or child_tone(kind, step, row.state) != "primary":
        return False
    return is_open_to(workflow, step, row, application.state, roles, records, now)


def is_waiting(workflow: Workflow, application: Application, step: Transition, collected: Collected) -> bool:
    """Whether a step waits for something that is still to be collected."""
    signatures = workflow.states[application.state].signatures
    parties = signatures.parties if signatures else {}
    settled = {
        kind.id: all(kind.states[row.state].is_final for row in collected.rows if row.kind == kind.id)
        for kind in workflow.children.values()
    }
    for when in step.when:
        if when.kind == "tasks" and not set(when.names) <= collected.done:
            return True
        if when.kind == "signed" and any(
            (application.state, party) not in collected.signed for party in when.names or parties
        ):
            return True
        roots = when.expression.roots if when.expression else ()
        if any(root.startswith("children.") and not settled[root.partition(".")[2]] for root in roots):
            return True
    return False


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
