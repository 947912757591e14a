"""The children of a workflow file: small machines beside the application, one for each row of a table.

Refuses a table that is not there, columns it does not have, and money moves that the kind does not declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fundflow.workflow import environment, format, transition_files
from fundflow.workflow.definition import PART_OPERATIONS, Child, State
from fundflow.workflow.expressions import DATE, DECIMAL, INT, MONEY, STRING, WRONG, Type, list_of, record
from fundflow.workflow.forms import Field
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place

MOST = 100
"""Children of one kind that an application may have at most."""

_TYPES = {"integer": INT, "decimal": DECIMAL, "money": MONEY, "date": DATE, "string": STRING}
_OF_COLUMN = {"number": ("integer", "decimal"), "money": ("money",), "date": ("date",)}


def child_types(names: Names, top: Mapping[str, Place]) -> dict[str, Type]:
    """What expressions may read of each kind of child: its columns, its key and its state.

    A column is never null where the table requires it.
    """
    found = {}
    for kind in names.children:
        place = top["children"].at(kind)
        value = place.value if isinstance(place.value, dict) else {}
        states = tuple(map(str, value["states"])) if isinstance(value.get("states"), dict) else ()
        table = _table(names, value.get("by_field"))
        fields: dict[str, Type] = {"key": STRING, "state": Type("string", options=states)}
        for column, written in value["fields"].items() if isinstance(value.get("fields"), dict) else ():
            given = _TYPES.get(str(written), WRONG)
            asked = table.columns.get(str(column)) if table else None
            fields[str(column)] = given if asked is None or asked.required or given == WRONG else given.or_null()
        size = value.get("max")
        found[kind] = list_of(record(fields), size if isinstance(size, int) and 0 < size <= MOST else MOST)
    return found


def _table(names: Names, written: Any) -> Field | None:
    form, _, field = str(written).partition(".")
    found = names.forms[form].fields.get(field) if form in names.forms else None
    return found if found is not None and found.type == "table" else None


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
        columns = _columns(settings["fields"], table) if "fields" in settings else {}
        key = settings["key"].named(columns, "field", "FF193") if "key" in settings else None
        moves = [p.one_of(PART_OPERATIONS) for p in settings["ledger"].items()] if "ledger" in settings else []
        states = _states(names, settings)
        form, _, field = str(settings["by_field"].value if "by_field" in settings else "").partition(".")
        steps = settings["transitions"].entries("transition") if "transitions" in settings else {}
        inside = replace(
            names,
            states=tuple(states),
            transitions=tuple(steps),
            timers=(),
            environment=environment.of_child(names.environment, kind, names.states),
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
            max=(settings["max"].integer(1, MOST) if "max" in settings else None) or MOST,
            columns=columns,
            ledger=inside.moves,
            states=states,
            transitions={step.id: step for step in made},
            initial=next(iter(states), ""),
        )
    return found


def _columns(place: Place, table: Field | None) -> dict[str, str]:
    found = {}
    for name, inner in place.entries("field").items():
        kind = inner.one_of(tuple(_TYPES))
        asked = table.columns.get(name) if table else None
        if table is not None and asked is None:
            inner.error("FF193", f"the table has no column '{name}'{did_you_mean(name, table.columns)}", key=True)
        elif kind is not None and asked is not None and kind not in _OF_COLUMN.get(asked.type, ("string",)):
            inner.error("FF193", f"the column '{name}' is a {asked.type}, which cannot be read as {kind}")
        elif kind is not None:
            found[name] = kind
    return found


def _states(names: Names, settings: Mapping[str, Place]) -> dict[str, State]:
    found = {}
    for name, place in (settings["states"].entries("state") if "states" in settings else {}).items():
        parts = place.settings(format.ChildState, what=f"the state '{name}'")
        final: Any = parts["final"].one_of(("success", "failure")) if "final" in parts else None
        label, words = names.label(parts, name, place), names.words(parts, "help")
        found[name] = State(id=name, label=label, help=words, final=final)
    return found
