"""The children of an application, such as its tranches and reports: their rows, what expressions read, and the effects.

They come and move only inside a command on their application, under its lock and in its chain. Refuses more children
than the workflow allows, two of one key, a second set while the first is there, and one whose facts are not there yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle import definitions, registry
from fundflow.lifecycle.models import Application, Child
from fundflow.lifecycle.record import plain
from fundflow.money import Money
from fundflow.workflow import definition
from fundflow.workflow.decide import Situation, decide, reads
from fundflow.workflow.expressions import Expression
from fundflow.workflow.forms import Form, OwnForm

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


class TooManyChildren(Refused):
    """“{label}”: there are {count} already, and there cannot be more."""


class NotKnownYet(Refused):
    """“{label}” cannot be made: “{field}” is not known yet."""


class HasBegun(Refused):
    """“{label} {key}” is under way or settled, so an amended plan has to leave it as it is."""


class ChildStays(Refused):
    """“{label} {key}” cannot take this step: {why}"""


def rows_of(application_id: UUID, kind: str | None = None) -> Sequence[Child]:
    """The children of one kind, or of every kind, in their order."""
    query = sa.select(Child).where(Child.application_id == application_id).order_by(Child.kind, Child.position)
    if kind is not None:
        query = query.where(Child.kind == kind)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def row_of(application_id: UUID, kind: str, key: str) -> Child | None:
    """The child of that kind and key, if there is one."""
    return next((row for row in rows_of(application_id, kind) if row.key == key), None)


def named(application: Application, subject: str) -> dict[str, Any]:
    """What messages about a child say of it: `child` is its kind's label, `child_key` which of them it is."""
    kind, _, key = subject.partition(":")
    given = definitions.get(application.definition_sha).children.get(kind)
    return {"child": given.label if given else "", "child_key": key}


def records_of(
    workflow: definition.Workflow,
    application: Application,
    rows: Iterable[Child],
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, Any], ...]:
    """These children as expressions read them; whatever they answered is read at once, where it is not `known`."""
    given = list(rows)
    if known is None and any(workflow.children[row.kind].forms for row in given):
        known = registry.own_answers_of(application.id)
    kept = known or {}
    found = []
    for row in given:
        kind, own = workflow.children[row.kind], fields_of(workflow, row)
        answers: dict[str, Any] = {}
        for name in kind.forms:
            form = workflow.forms[name]
            data = kept.get(str(OwnForm(row.kind, row.key, name)), {})
            asked = form.asked_of(own) if form.is_conditional else form
            hidden = {each: data[each] for each in asked.fields if each in data} if asked is not form else data
            answers |= form.values(hidden, application.currency)
        found.append({**answers, **own})
    return tuple(found)


def fields_of(workflow: definition.Workflow, row: Child) -> dict[str, Any]:
    """What a child is by itself, without what anybody answered: its fields, its key and its state."""
    columns = workflow.children[row.kind].columns
    values = {name: _typed(kind, row.fields.get(name)) for name, kind in columns.items()}
    return {**values, "key": row.key, "state": row.state}


def form_of(workflow: definition.Workflow, row: Child, form_id: str) -> Form | None:
    """A form that the child has for itself, with what is asked of this child; None where its kind has no such form."""
    if form_id not in workflow.children[row.kind].forms:
        return None
    form = workflow.forms[form_id]
    return form.asked_of(fields_of(workflow, row)) if form.is_conditional else form


def records(workflow: definition.Workflow, application: Application, kind: str) -> tuple[dict[str, Any], ...]:
    """All children of a kind as expressions read them."""
    return records_of(workflow, application, rows_of(application.id, kind))


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
    """Make the children from their table or rows, or let each that can take a step take it, as the system."""
    assert asked.children is not None  # noqa: S101 - the loader gives the effect its kind
    facts: Facts = ctx.facts
    kind = ctx.workflow.children[asked.children]
    if asked.each is not None:
        found = _each(ctx, facts, kind, asked.each)
    elif asked.renew is not None:
        found = _renew(ctx, facts, kind, asked.renew)
    else:
        found = make(ctx, kind, _planned(ctx, kind) if kind.rows else _tabled(ctx, facts, kind))
    facts.forget(f"children.{kind.id}")
    return found


@registry.effect("child")
def begin_one(ctx: registry.EffectContext, asked: definition.Effect) -> Mapping[str, Any]:
    """Begin one more child with the values that the effect gives it."""
    kind = ctx.workflow.children[asked.child or ""]
    return begin(ctx, kind.id, _values(ctx, kind, asked.values))


def begin(ctx: registry.EffectContext, kind_id: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Begin one more child of a kind inside a command, and say what the event tells of it.

    TooManyChildren beyond the most that the workflow allows, SameKey where there is one of that name.
    """
    kind = ctx.workflow.children[kind_id]
    there = rows_of(ctx.application.id, kind_id)
    if len(there) >= kind.max:
        raise TooManyChildren(label=kind.label.in_(ctx.actor.language), count=len(there))
    return _add(ctx, kind, [values], there)


def make(ctx: registry.EffectContext, kind: definition.Child, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Make all children of a kind at once, one for each line. ThereAlready where there are any, whatever they are."""
    if rows_of(ctx.application.id, kind.id):
        raise ThereAlready()
    return _add(ctx, kind, lines, ())


def _tabled(ctx: registry.EffectContext, facts: Facts, kind: definition.Child) -> list[Mapping[str, Any]]:
    table = ctx.workflow.forms[kind.form].fields[kind.field].label.in_(ctx.actor.language)
    lines = facts.known("application")[kind.field]
    if not lines:
        raise NoRows(table=table)
    if len(lines) > kind.max:
        raise TooManyRows(table=table, count=len(lines), most=kind.max)
    return [{name: line[name] for name in kind.columns} for line in lines]


def _renew(ctx: registry.EffectContext, facts: Facts, kind: definition.Child, step_id: str) -> dict[str, Any]:
    """Let the children follow their changed table or rows: those that have not begun to move take over their row, new
    rows begin, and one whose row is gone takes the step.

    HasBegun where the table would change one that moved already, or leaves out one that is neither open nor given up.
    """
    lines, language = _planned(ctx, kind) if kind.rows else _tabled(ctx, facts, kind), ctx.actor.language
    planned = {_key_of(kind, line): {name: plain(line.get(name)) for name in kind.columns} for line in lines}
    if len(planned) < len(lines):
        repeated = next(key for key in planned if sum(_key_of(kind, line) == key for line in lines) > 1)
        raise SameKey(table=kind.label.in_(language), key=repeated)
    there = rows_of(ctx.application.id, kind.id)
    gone, changed = [], []
    for row in there:
        fields = planned.pop(row.key, None)
        if fields is None:
            if row.state in kind.transitions[step_id].sources:
                gone.append(row)
            elif kind.states[row.state].final != "failure":
                raise HasBegun(label=kind.label.in_(language), key=row.key)
        elif fields != row.fields:
            if row.state != kind.initial:
                raise HasBegun(label=kind.label.in_(language), key=row.key)
            set_fields(ctx, row, fields)
            changed.append(row)
    for row in gone:
        _take(ctx, facts, kind, row, step_id)
    fresh = [line for line in lines if _key_of(kind, line) in planned]
    told = _add(ctx, kind, fresh, there)
    step = kind.transitions[step_id]
    return {
        **told,
        "renew": step_id,
        "gone": [row.key for row in gone],
        "gone_to": step.to,
        "fields": {row.key: row.fields for row in changed},
    }


def _key_of(kind: definition.Child, line: Mapping[str, Any]) -> str:
    """What a row of the table is called."""
    key = " ".join(str(plain(line.get(kind.key))).split())
    return key.replace("/", "-") if kind.forms else key  # it stands in the address of its forms


def _planned(ctx: registry.EffectContext, kind: definition.Child) -> list[Mapping[str, Any]]:
    rows = [row for row in kind.rows if row.when is None or ctx.evaluate(row.when) is True]
    if len(rows) > kind.max:
        label = kind.label.in_(ctx.actor.language)
        raise TooManyRows(table=label, count=len(rows), most=kind.max)
    return [_values(ctx, kind, row.values) for row in rows]


def _values(ctx: registry.EffectContext, kind: definition.Child, given: Mapping[str, Expression]) -> dict[str, Any]:
    """The fields of a new child; NotKnownYet where an answer they are made from is required and not there."""
    found = {}
    for name, expression in given.items():
        ctx.facts.load(expression.roots)
        if ctx.facts.unanswered(expression):
            field = kind.labels[name].in_(ctx.actor.language)
            raise NotKnownYet(label=kind.label.in_(ctx.actor.language), field=field)
        found[name] = ctx.evaluate(expression)
    return found


def _add(
    ctx: registry.EffectContext,
    kind: definition.Child,
    lines: Sequence[Mapping[str, Any]],
    there: Sequence[Child],
) -> dict[str, Any]:
    """The new children behind those that are there, each with its timers, and what its forms begin with."""
    made: dict[str, Child] = {}
    for position, line in enumerate(lines, start=len(there) + 1):
        fields = {name: plain(line.get(name)) for name in kind.columns}
        key = _key_of(kind, line) if kind.key else str(position)
        if key in made or any(row.key == key for row in there):
            raise SameKey(table=kind.label.in_(ctx.actor.language), key=key)
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
    ctx.facts.forget(f"children.{kind.id}")
    _arrive(ctx, kind, made.values())
    told: dict[str, Any] = {"children": kind.id, "keys": list(made), "to": kind.initial}
    if not kind.field:
        told["fields"] = {key: row.fields for key, row in made.items()}
    return told


def _arrive(ctx: registry.EffectContext, kind: definition.Child, rows: Iterable[Child]) -> None:
    """What begins with a child: its timers, and the answers that its forms are filled with."""
    from fundflow.lifecycle import timers

    facts: Facts = ctx.facts
    has_timers = any(kind.id == timer.child for timer in ctx.workflow.timers.values())
    is_filled = not ctx.workflow.prefilled.isdisjoint(kind.forms)
    if not has_timers and not is_filled:
        return
    every = rows_of(ctx.application.id, kind.id)
    for row in rows:
        with facts.about(row, every):
            if has_timers:
                timers.follow(facts, None, f"{kind.id}.{row.state}")
            if is_filled:
                registry.opened(ctx, row, None)


def _each(ctx: registry.EffectContext, facts: Facts, kind: definition.Child, step_id: str) -> dict[str, Any]:
    """Every child that stands where the step begins takes it, whatever it causes; one that is refused refuses all."""
    step = kind.transitions[step_id]
    waiting = [row for row in rows_of(ctx.application.id, kind.id) if row.state in step.sources]
    for row in waiting:
        _take(ctx, facts, kind, row, step_id)
    return {"children": kind.id, "each": step_id, "keys": [row.key for row in waiting], "to": step.to}


def _take(ctx: registry.EffectContext, facts: Facts, kind: definition.Child, row: Child, step_id: str) -> None:
    """Let one child take a step as the system; ChildStays where it is refused."""
    from fundflow.lifecycle import timers
    from fundflow.lifecycle.happening import provider

    step = kind.transitions[step_id]
    with facts.about(row, rows_of(ctx.application.id, kind.id)):
        facts.load(reads(ctx.workflow, step_id))
        decision = decide(ctx.workflow, step_id, _as_system(facts))
        if not decision.allowed:
            why = " ".join(decision.refusals(ctx.actor.language))
            raise ChildStays(label=kind.label.in_(ctx.actor.language), key=row.key, why=why)
        before, row.state, row.state_since = row.state, decision.to or row.state, ctx.now
        with _moving(ctx, row, before):
            for effect_ in step.do:
                provider(effect_).run(ctx, effect_)
            db.session.flush()
            timers.follow(facts, f"{kind.id}.{before}", f"{kind.id}.{row.state}")
            registry.opened(ctx, row, before)
    facts.forget("ledger")


@contextmanager
def _moving(ctx: registry.EffectContext, row: Child, left: str) -> Iterator[None]:
    """Let the command be one that moves this child."""
    before = ctx.child, ctx.child_from, ctx.child_to
    ctx.child, ctx.child_from, ctx.child_to = row, left, row.state
    try:
        yield
    finally:
        ctx.child, ctx.child_from, ctx.child_to = before


def _as_system(facts: Facts) -> Situation:
    given = facts.situation(facts.now)
    return given._replace(roles=given.roles | {definition.SYSTEM}, has_ended=False)


def set_fields(ctx: registry.EffectContext, row: Child, values: Mapping[str, Any]) -> None:
    """Give fields of a child other values inside a command; its timers that look at them begin anew."""
    from fundflow.lifecycle import timers

    columns = ctx.workflow.children[row.kind].columns
    row.fields = {**row.fields, **{name: plain(values[name]) for name in columns if name in values}}
    db.session.flush()
    ctx.facts.forget(f"children.{row.kind}")
    left = ctx.child_from if ctx.child is row else None
    timers.follow_child(ctx.application, row, ctx.now, left)
