"""Plausible answers to whole forms, so that an example says only what it is about.

What is filled in may be sent as it is, unless the example gives an answer that may not; the same every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fundflow.money import Money
from fundflow.workflow import answers
from fundflow.workflow.forms import Field, Form

if TYPE_CHECKING:
    from fundflow.workflow.examples.world import World

WORDS = "An answer"
ADDRESS = "person@city.example"
BEGINS, LASTS = timedelta(days=120), timedelta(days=365)
"""A project that is asked for begins so long after the example, and lasts so long."""


def completed(
    form: Form,
    given: Mapping[str, Any],
    world: World,
    without: tuple[str, ...] = (),
    there: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Every required question answered, these as they are given, and sums that are right unless they are given.

    What is `there` stays where it was copied from elsewhere when the form was opened.
    """
    currency = world.workflow.currency
    copies = {
        name: (there or {})[name] for name, field in form.fields.items() if field.source and name in (there or {})
    }
    given = {**copies, **given}
    data = {
        name: given[name] if name in given else _answer(field, world)
        for name, field in form.fields.items()
        if (name in given or field.required or field.min_rows) and name not in without
    }
    for name, field in form.fields.items():
        if field.type == "date" and field.after in data and name in data and name not in given:
            first = answers.value(form.fields[field.after], data[field.after], currency)
            data[name] = None if first is None else (first + LASTS).isoformat()
        if field.type == "table" and name in data:
            data[name] = _rows(form, field, data, world, is_given=name in given)
    return {name: value for name, value in data.items() if value is not None}


def _rows(form: Form, table: Field, data: Mapping[str, Any], world: World, *, is_given: bool) -> list[dict[str, Any]]:
    rows = [
        {"_id": str(number), **{name: _answer(c, world) for name, c in table.columns.items() if c.required}, **row}
        for number, row in enumerate(data[table.id] or [], 1)
    ]
    column, target = table.sum_column, data.get(table.sum_equals or "")
    if column and target is not None and rows and not any(column in row for row in data[table.id]):
        rows = [{**row, column: _part(target, number, len(rows))} for number, row in enumerate(rows)]
    return rows


def _part(target: Any, number: int, parts: int) -> Any:
    """An equal part of an amount; the first takes what is left over."""
    if not isinstance(target, Mapping):
        return target if number == 0 else "0"
    each = target["minor"] // parts
    return {**target, "minor": each if number else target["minor"] - each * (parts - 1)}


def _answer(field: Field, world: World) -> Any:
    match field.type:
        case "number":
            return str(max(field.min or Decimal(1), Decimal(1)))
        case "score":
            return str(field.max if field.max is not None else 10)
        case "money":
            return _amount(field, world)
        case "date":
            return _begins(world).isoformat()
        case "choice":
            return field.options[0].id
        case "choices":
            return [option.id for option in field.options[: max(int(field.min or 1), 1)]]
        case "country":
            return world.country
        case "email":
            return ADDRESS
        case "file":
            return ["file-1"]
        case "table":
            return [{} for _ in range(max(field.min_rows, 1))]
        case _:
            return WORDS


def _amount(field: Field, world: World) -> dict[str, Any]:
    """The smallest grant of the round: an amount that may be asked for."""
    least = max(world.round["floor"], Money.of(field.min or 1, world.workflow.currency))
    return {"minor": least.minor, "currency": least.currency}


def _begins(world: World) -> date:
    day = (world.now + BEGINS).astimezone(world.workflow.zone).date()
    return day.replace(day=1)
