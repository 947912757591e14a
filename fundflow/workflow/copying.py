"""What forms begin with: answers copied from others when a form is opened to somebody, worked out without a database.

The engine and the runner of examples both ask here. Leaves out whatever is not there to be copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from fundflow.money import Money
from fundflow.workflow.definition import State
from fundflow.workflow.expressions import Expression
from fundflow.workflow.forms import Field, Form


def opened(state: State, left: State | None) -> frozenset[str]:
    """The forms that somebody may edit in this state and nobody could in the one before."""
    before = frozenset[str]() if left is None else frozenset(form for forms in left.edit.values() for form in forms)
    return frozenset(form for forms in state.edit.values() for form in forms) - before


def first_answers(form: Form, value_of: Callable[[Expression], Any]) -> dict[str, Any]:
    """What a form begins with, as answers keep it; `value_of` gives None where an answer it copies is not there."""
    data = {}
    for field in form.fields.values():
        answer = copied(field, value_of(field.source)) if field.source is not None else None
        if answer not in (None, [], ""):
            data[field.id] = answer
    return data


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
        case Decimal() | int() if not isinstance(value, bool):
            return str(value)
        case Mapping():
            return {name: stored(each) for name, each in value.items() if each is not None}
        case str() | bool() | None:
            return value
        case Iterable():
            return [stored(each) for each in value]
        case _:
            return value
