"""The children of a workflow file: small machines beside the application, with forms of their own where they need some.

Refuses a table that is not there, columns it does not have, a form of two owners, and money moves that the kind does
not declare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fundflow.workflow import environment, format, transition_files
from fundflow.workflow.definition import PART_OPERATIONS, Child, Planned, State
from fundflow.workflow.expressions import BOOL, DATE, DECIMAL, INT, MONEY, STRING, WRONG, Type, list_of, record
from fundflow.workflow.forms import Field
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place
from fundflow.workflow.state_files import by_role
from fundflow.workflow.text import Text, from_id

MOST = 100
"""Children of one kind that an application may have at most."""

_TYPES = {"integer": INT, "decimal": DECIMAL, "money": MONEY, "date": DATE, "string": STRING}
_OF_COLUMN = {"number": ("integer", "decimal"), "money": ("money",), "date": ("date",)}
_OF_EVERY_CHILD = ("key", "state")


def own_forms(top: Mapping[str, Place]) -> dict[str, str]:
    """The forms that some state of a kind of child lets be filled in, with the first kind that does."""
    found: dict[str, str] = {}
    for kind, child in _mapping(top["children"].value if "children" in top else None).items():
        for state in _mapping(_mapping(child).get("states")).values():
            for given in _mapping(_mapping(state).get("edit")).values():
                for form in given if isinstance(given, list) else [given]:
                    found.setdefault(str(form), str(kind))
    return found


def own_timers(top: Mapping[str, Place], kinds: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The timers that run in states of each kind of child."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(kinds, ())
    for name, timer in _mapping(top["timers"].value if "timers" in top else None).items():
        given = _mapping(timer).get("in")
        kind, dot, _ = str(given[0] if isinstance(given, list) and given else given).partition(".")
        if dot and kind in found and isinstance(name, str):
            found[kind] = (*found[kind], name)
    return found


def columns(names: Names, top: Mapping[str, Place]) -> None:
    """Put the fields of every kind of child into `names`; forms of their own may look at them."""
    for kind in names.children:
        names.columns[kind] = _column_types(names, top, kind)


def child_types(names: Names, top: Mapping[str, Place]) -> dict[str, Type]:
    """What expressions may read of each kind of child: its fields, the answers of its own forms, its key and its state.

    A field is never null where the table requires it, or where whatever makes a child gives it.
    """
    found = {}
    for kind in names.children:
        place = top["children"].at(kind)
        value = _mapping(place.value)
        states = tuple(map(str, _mapping(value.get("states"))))
        own = [names.forms[form] for form, owner in names.own_forms.items() if owner == kind and form in names.forms]
        fields: dict[str, Type] = {
            **environment.own_answers(own, surely=False),
            **names.columns[kind],
            "key": STRING,
            "state": Type("string", options=states),
        }
        size = value.get("max")
        found[kind] = list_of(record(fields), size if isinstance(size, int) and 0 < size <= MOST else MOST)
    return found


def _column_types(names: Names, top: Mapping[str, Place], kind: str) -> dict[str, Type]:
    """The types of a kind's fields."""
    value = _mapping(top["children"].at(kind).value)
    table, found = _table(names, value.get("by_field")), {}
    for column, written in _mapping(value.get("fields")).items():
        given = _TYPES.get(str(_mapping(written).get("type", written)), WRONG)
        if "by_field" in value:
            asked = table.columns.get(str(column)) if table else None
            is_sure = asked is None or asked.required
        else:
            is_sure = all(column in made for made in _made(top, kind, value))
        found[str(column)] = given if is_sure or given == WRONG else given.or_null()
    return found


def _made(top: Mapping[str, Place], kind: str, value: Mapping[Any, Any]) -> Iterator[Mapping[Any, Any]]:
    """What each line of the schedule, and each effect that begins a child of the kind, gives it."""
    rows = value.get("rows")
    yield from map(_mapping, rows if isinstance(rows, list) else ())
    kinds = _mapping(top["children"].value if "children" in top else None).values()
    machines = [top["transitions"].value if "transitions" in top else None]
    for transitions in (*machines, *(_mapping(child).get("transitions") for child in kinds)):
        for transition in _mapping(transitions).values():
            effects = _mapping(transition).get("do")
            for effect in map(_mapping, effects if isinstance(effects, list) else ()):
                if effect.get("child") == kind:
                    yield _mapping(effect.get("fields"))


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _table(names: Names, written: Any) -> Field | None:
    form, _, field = str(written).partition(".")
    found = names.forms[form].fields.get(field) if form in names.forms and form not in names.own_forms else None
    return found if found is not None and found.type == "table" else None


def environment_of(names: Names, top: Mapping[str, Place], kind: str) -> dict[str, Type]:
    """What the transitions of a kind of child may read."""
    own = [names.forms[form] for form, owner in names.own_forms.items() if owner == kind and form in names.forms]
    timers = names.child_timers.get(kind, ())
    return environment.of_child(names.environment, kind, names.states, own, timers)


def children(names: Names, top: Mapping[str, Place]) -> dict[str, Child]:
    """Every kind of child of the file by name."""
    entries = top["children"].entries("kind of child") if "children" in top else {}
    found = {}
    for kind, place in entries.items():
        settings = place.settings(format.Child, what=f"the child '{kind}'")
        table = _table(names, settings["by_field"].value) if "by_field" in settings else None
        if "by_field" in settings and table is None:
            tables = [f"{form}.{f.id}" for form, each in names.forms.items() for f in each.fields.values() if f.columns]
            close = did_you_mean(str(settings["by_field"].value), tables)
            settings["by_field"].error("FF193", f"'{settings['by_field'].value}' is not a table in a form{close}")
        if "by_field" in settings and "rows" in settings:
            settings["rows"].error("FF193", "they are made from a table (by_field) or from rows, not both", key=True)
        if "by_field" in settings and "key" not in settings:
            place.error("FF011", f"the child '{kind}' needs 'key'", key=True)
        fields, labels = (
            _columns(names, settings["fields"], table, "by_field" in settings) if "fields" in settings else ({}, {})
        )
        key = settings["key"].named(fields, "field", "FF193") if "key" in settings else None
        moves = [p.one_of(PART_OPERATIONS) for p in settings["ledger"].items()] if "ledger" in settings else []
        _own_names(names, kind, fields, place)
        states = _states(names, kind, settings)
        form, _, field = str(settings["by_field"].value if "by_field" in settings else "").partition(".")
        steps = settings["transitions"].entries("transition") if "transitions" in settings else {}
        inside = replace(
            names,
            states=tuple(states),
            transitions=tuple(steps),
            timers=names.child_timers.get(kind, ()),
            environment=environment_of(names, top, kind),
            kind=kind,
            moves=tuple(move for move in moves if move),
        )
        made = [transition_files.transition(inside, name, inner) for name, inner in steps.items()]
        found[kind] = Child(
            id=kind,
            label=names.label(settings, kind, place),
            form=form,
            field=field,
            key=key or "",
            rows=_rows(names, kind, settings["rows"]) if "rows" in settings else (),
            max=(settings["max"].integer(1, MOST) if "max" in settings else None) or MOST,
            columns=fields,
            labels=labels,
            forms=tuple(form for form, owner in names.own_forms.items() if owner == kind and form in names.forms),
            ledger=inside.moves,
            states=states,
            transitions={step.id: step for step in made},
            initial=next(iter(states), ""),
        )
    return found


def _rows(names: Names, kind: str, place: Place) -> tuple[Planned, ...]:
    """The lines of a schedule: what each child gets, and whether it is there at all."""
    types = environment.of_plan(names.environment)
    found = []
    for row in place.items():
        if not isinstance(row.value, dict) or not row.value:
            row.error("FF012", f"a row of '{kind}' needs fields with their values")
            continue
        when = names.expression(row.at("if"), types, BOOL) if "if" in row.value else None
        found.append(Planned(values=transition_files.child_values(names, kind, row, types, "if"), when=when))
    if len(found) > MOST:
        place.error("FF193", f"there are {len(found)} rows; {MOST} are the most")
    return tuple(found)


def _columns(
    names: Names, place: Place, table: Field | None, is_tabled: bool
) -> tuple[dict[str, str], dict[str, Text]]:
    found, labels = {}, {}
    for name, inner in place.entries("field").items():
        if name in _OF_EVERY_CHILD:
            inner.error("FF025", f"every child has '{name}' anyway; give the field another name", key=True)
            continue
        parts = inner.settings(format.Column, what=f"the field '{name}'") if isinstance(inner.value, dict) else {}
        given = parts.get("type", inner)
        if isinstance(inner.value, dict) and "type" not in parts:
            continue
        kind = given.one_of(tuple(_TYPES))
        asked = table.columns.get(name) if table else None
        label = names.words(parts, "label") or (asked.label if asked else None)
        if label is None and not is_tabled and len(names.languages) > 1 and "label" not in parts:
            inner.error("FF186", f"'{name}' needs a label in {' and '.join(names.languages)}", key=True)
        if table is not None and asked is None:
            inner.error("FF193", f"the table has no column '{name}'{did_you_mean(name, table.columns)}", key=True)
        elif kind is not None and asked is not None and kind not in _OF_COLUMN.get(asked.type, ("string",)):
            inner.error("FF193", f"the column '{name}' is a {asked.type}, which cannot be read as {kind}")
        elif kind is not None:
            found[name], labels[name] = kind, label or from_id(name)
    return found, labels


def _own_names(names: Names, kind: str, columns: Mapping[str, str], place: Place) -> None:
    """``self.spent`` is one thing: no two own forms, nor a form and a field, call something the same."""
    taken = dict.fromkeys((*columns, *_OF_EVERY_CHILD), "the child itself")
    for form, owner in names.own_forms.items():
        if owner != kind or form not in names.forms:
            continue
        for field in names.forms[form].fields:
            if field in taken:
                message = (
                    f"'{field}' of the form '{form}' is also in {taken[field]}, so self.{field} would be two things"
                )
                place.error("FF025", message, key=True)
            taken.setdefault(field, f"the form '{form}'")


def _states(names: Names, kind: str, settings: Mapping[str, Place]) -> dict[str, State]:
    found = {}
    for name, place in (settings["states"].entries("state") if "states" in settings else {}).items():
        parts = place.settings(format.ChildState, what=f"the state '{name}'")
        final: Any = parts["final"].one_of(("success", "failure")) if "final" in parts else None
        if final and "edit" in parts:
            parts["edit"].error("FF143", f"'{name}' is final, so nothing may be edited in it", key=True)
        label, words = names.label(parts, name, place), names.words(parts, "help")
        edit, view = (_access(names, kind, parts, setting) for setting in ("edit", "view"))
        found[name] = State(id=name, label=label, help=words, final=final, edit=edit, view=view)
    return found


def _access(names: Names, kind: str, settings: Mapping[str, Place], setting: str) -> dict[str, tuple[str, ...]]:
    """Who edits or reads which of the child's own forms."""
    found: dict[str, tuple[str, ...]] = {}
    for role, place in by_role(names, settings, setting).items():
        given = []
        for inner in place.one_or_many():
            name = inner.named(names.forms, "form", "FF140")
            if name is not None and names.own_forms.get(name) != kind:
                owner = names.own_forms.get(name)
                whose = f"belongs to '{owner}'" if owner else f"is no form that some '{kind}' fills in"
                inner.error("FF140", f"the form '{name}' {whose}")
            elif name is not None:
                given.append(name)
        found[role] = tuple(given)
    return found
