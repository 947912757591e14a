"""What forms begin with: answers that are copied from others at the moment a form is opened to somebody.

Writes only into a form that holds nothing yet, and leaves out what is not there to be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from fundflow.applications import queries
from fundflow.applications.models import Answers
from fundflow.db import db
from fundflow.lifecycle import children, registry
from fundflow.lifecycle.models import Child
from fundflow.money import Money
from fundflow.workflow.definition import State
from fundflow.workflow.forms import Field, Form, OwnForm


@registry.opening
def fill(ctx: registry.EffectContext, child: Child | None, left: str | None) -> None:
    """Fill the forms that may be edited where the application, or its child, stands now, and could not be before."""
    workflow = ctx.workflow
    if workflow.prefilled.isdisjoint(workflow.children[child.kind].forms if child else workflow.answer_forms):
        return
    if child is None:
        if ctx.to_state is None:
            return
        opened = _opened(workflow.states[ctx.to_state], workflow.states.get(left or ""))
        for name in sorted(workflow.prefilled & opened):
            _fill(ctx, name, workflow.forms[name])
        return
    states = workflow.children[child.kind].states
    for name in sorted(workflow.prefilled & _opened(states[child.state], states.get(left or ""))):
        form = children.form_of(workflow, child, name)
        if form is not None:
            with ctx.facts.about(child, children.rows_of(ctx.application.id, child.kind)):
                _fill(ctx, str(OwnForm(child.kind, child.key, name)), form)


def _opened(state: State, left: State | None) -> frozenset[str]:
    """The forms that somebody may edit in this state and nobody could in the one before."""
    before = frozenset[str]() if left is None else frozenset(form for forms in left.edit.values() for form in forms)
    return frozenset(form for forms in state.edit.values() for form in forms) - before


def _fill(ctx: registry.EffectContext, name: str, form: Form) -> None:
    if queries.answers_row(ctx.application.id, name) is not None:
        return
    data = {}
    for field in form.fields.values():
        if field.source is None or ctx.facts.unanswered(field.source):
            continue
        answer = copied(field, ctx.evaluate(field.source))
        if answer not in (None, [], ""):
            data[field.id] = answer
    if data:
        by = ctx.actor.id or ctx.application.created_by
        db.session.add(
            Answers(application_id=ctx.application.id, form=name, revision=1, data=data, saved_at=ctx.now, saved_by=by)
        )
        db.session.flush()


def copied(field: Field, value: Any) -> Any:
    """A typed value as the answer to this question keeps it: of a table the columns that both have."""
    if field.type == "table":
        return [_row(field.columns, row) for row in value or ()]
    if field.type == "choice":
        return value if field.option(value) else None
    return stored(value)


def _row(columns: Mapping[str, Field], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer for name, column in columns.items() if (answer := copied(column, row.get(name))) is not None}


def stored(value: Any) -> Any:
    """A typed value as answers keep it."""
    match value:
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case date():
            return value.isoformat()
        case Decimal() | int():
            return str(value)
        case Mapping():
            return {name: stored(each) for name, each in value.items() if each is not None}
        case str() | None:
            return value
        case Iterable():
            return [stored(each) for each in value]
        case _:
            return value
