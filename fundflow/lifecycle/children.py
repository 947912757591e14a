"""The children of an application, such as its tranches: their rows, what expressions read of them, and the effect.

They move only inside a command on their application, under its lock and in its chain. Refuses more children than the
workflow allows, two of one key, and a second set while the first is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Application, Child
from fundflow.lifecycle.record import plain
from fundflow.money import Money
from fundflow.workflow import definition
from fundflow.workflow.decide import Situation, decide, reads

if TYPE_CHECKING:
    from fundflow.lifecycle.situation import Facts


class NoRows(Refused):
    """There is no line in “{table}”, so nothing can be made from it."""


class TooManyRows(Refused):
    """“{table}” has {count} lines; at most {most} can be made from it."""


class SameKey(Refused):
    """Two lines of “{table}” are both called “{key}”; give each its own."""


class ThereAlready(Refused):
    """These were made before; they are changed one by one."""


class ChildStays(Refused):
    """“{label} {key}” cannot take this step: {why}"""


def rows_of(application_id: UUID, kind: str | None = None) -> Sequence[Child]:
    """The children of one kind, or of every kind, in their order."""
    query = sa.select(Child).where(Child.application_id == application_id).order_by(Child.kind, Child.position)
    if kind is not None:
        query = query.where(Child.kind == kind)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def record_of(workflow: definition.Workflow, application: Application, row: Child) -> dict[str, Any]:
    """A child as expressions read it."""
    columns = workflow.children[row.kind].columns
    values = {name: _typed(kind, row.fields.get(name)) for name, kind in columns.items()}
    return {**values, "key": row.key, "state": row.state}


def records(workflow: definition.Workflow, application: Application, kind: str) -> tuple[dict[str, Any], ...]:
    """All children of a kind as expressions read them."""
    return tuple(record_of(workflow, application, row) for row in rows_of(application.id, kind))


def _typed(kind: str, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case "integer":
            return int(Decimal(value))
        case "decimal":
            return Decimal(value)
        case "money":
            return Money(value["minor"], value["currency"])
        case "date":
            return date.fromisoformat(value)
        case _:
            return str(value)


@registry.effect("children")
def effect(ctx: registry.EffectContext, asked: definition.Effect) -> Mapping[str, Any]:
    """Make the children from their table, or let each that can take a step take it, as the system."""
    assert asked.children is not None  # noqa: S101 - the loader gives the effect its kind
    facts: Facts = ctx.facts
    kind = ctx.workflow.children[asked.children]
    found = _create(ctx, facts, kind) if asked.each is None else _each(ctx, facts, kind, asked.each)
    facts.forget(f"children.{kind.id}")
    return found


def _create(ctx: registry.EffectContext, facts: Facts, kind: definition.Child) -> dict[str, Any]:
    table = ctx.workflow.forms[kind.form].fields[kind.field].label.in_(ctx.actor.language)
    lines = facts.known("application")[kind.field]
    if not lines:
        raise NoRows(table=table)
    if len(lines) > kind.max:
        raise TooManyRows(table=table, count=len(lines), most=kind.max)
    if rows_of(ctx.application.id, kind.id):
        raise ThereAlready()
    made: dict[str, Child] = {}
    for position, line in enumerate(lines, start=1):
        fields = {name: plain(line[name]) for name in kind.columns}
        key = " ".join(str(fields[kind.key]).split())
        if key in made:
            raise SameKey(table=table, key=key)
        made[key] = Child(
            id=uuid4(),
            created_at=ctx.now,
            application_id=ctx.application.id,
            kind=kind.id,
            key=key,
            position=position,
            state=kind.initial,
            state_since=ctx.now,
            fields=fields,
        )
    db.session.add_all(made.values())
    db.session.flush()
    return {"children": kind.id, "keys": list(made), "to": kind.initial}


def _each(ctx: registry.EffectContext, facts: Facts, kind: definition.Child, step_id: str) -> dict[str, Any]:
    """Every child that stands where the step begins takes it, whatever it causes; one that is refused refuses all."""
    from fundflow.lifecycle.happening import provider

    step, moved = kind.transitions[step_id], []
    before = facts.child
    for row in rows_of(ctx.application.id, kind.id):
        if row.state not in step.sources:
            continue
        facts.look_at(kind.id, row.key)
        facts.load(reads(ctx.workflow, step_id))
        decision = decide(ctx.workflow, step_id, _as_system(facts))
        if not decision.allowed:
            why = " ".join(decision.refusals(ctx.actor.language))
            raise ChildStays(label=kind.label.in_(ctx.actor.language), key=row.key, why=why)
        for effect_ in step.do:
            provider(effect_).run(ctx, effect_)
        row.state, row.state_since = decision.to or row.state, ctx.now
        db.session.flush()
        facts.forget("ledger")
        moved.append(row.key)
    facts.child = before
    return {"children": kind.id, "each": step_id, "keys": moved, "to": step.to}


def _as_system(facts: Facts) -> Situation:
    given = facts.situation(facts.now)
    return replace(given, roles=given.roles | {definition.SYSTEM}, has_ended=False)
