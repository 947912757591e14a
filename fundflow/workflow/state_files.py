"""The states of a workflow file: who sees and writes what there, what is collected, and which phase they belong to.

Refuses to let anything be edited where everything is over, and two tasks of one name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.workflow import format
from fundflow.workflow.definition import Phase, Signatures, State, Task
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place
from fundflow.workflow.text import Text, from_id


def states(names: Names, top: dict[str, Place]) -> dict[str, State]:
    found: dict[str, State] = {}
    for name, place in (top["states"].entries("state") if "states" in top else {}).items():
        settings = place.settings(format.State, what=f"the state '{name}'")
        final: Any = settings["final"].one_of(("success", "failure")) if "final" in settings else None
        if final and "edit" in settings:
            settings["edit"].error("FF143", f"'{name}' is final, so nothing may be edited in it", key=True)
        shown: dict[str, str] = {}
        for role, other in by_role(names, settings, "shown_as").items():
            target = names.state(other)
            if target:
                shown[role] = target
        found[name] = State(
            id=name,
            label=names.label(settings, name, place),
            help=names.words(settings, "help"),
            edit=_access(names, settings, "edit"),
            view=_access(names, settings, "view"),
            shown_as=shown,
            final=final,
            tasks={task: names.tasks[task] for task in _names_of(settings, "tasks") if task in names.tasks},
            signatures=_signatures(names, settings["signatures"]) if "signatures" in settings else None,
        )
    return found


def _names_of(settings: Mapping[str, Place], setting: str) -> list[str]:
    value = settings[setting].value if setting in settings else None
    return [str(name) for name in value] if isinstance(value, dict) else []


def tasks(names: Names, top: dict[str, Place]) -> None:
    """Put the tasks of every state into `names`; conditions of any state may look at them."""
    states_ = top["states"].value if "states" in top else None
    for state in states_ if isinstance(states_, dict) else ():
        place = top["states"].at(state)
        if not isinstance(place.value, dict) or place.value.get("tasks") is None:
            continue
        for name, inner in place.at("tasks").entries("task").items():
            if name in names.tasks:
                inner.error("FF028", f"another state has a task '{name}' too; give one another name", key=True)
                continue
            settings = inner.settings(format.Task, what=f"the task '{name}'")
            by = [names.role(p) for p in settings["by"].one_or_many()] if "by" in settings else []
            names.tasks[name] = Task(
                id=name,
                label=names.label(settings, name, inner),
                help=names.words(settings, "help"),
                by=frozenset(role for role in by if role),
                values=_values(names, settings["values"]) if "values" in settings else {},
            )


def _values(names: Names, place: Place) -> dict[str, Text]:
    """What a task can come to: words by name, or names alone where the workflow speaks one language."""
    if isinstance(place.value, dict):
        found = {name: inner.words(names.languages) or from_id(name) for name, inner in place.entries("value").items()}
    else:
        written = [value.string() for value in place.items()]
        found = {value: from_id(value) for value in written if value}
        if len(names.languages) > 1 and found:
            place.error("FF186", f"give each value its words in {' and '.join(names.languages)}: {{value: {{…}}}}")
    if len(found) == 1:
        place.error("FF021", "one value is no choice; give at least two, or none for a task that is simply done")
    return found


def _signatures(names: Names, place: Place) -> Signatures | None:
    settings = place.settings(format.Signatures, what="signatures")
    if "document" not in settings or "parties" not in settings:
        return None
    parties = {party: names.role(inner) for party, inner in settings["parties"].entries("party").items()}
    order = settings["order"].one_of(("any", "given")) if "order" in settings else "any"
    return Signatures(
        document=names.template(settings["document"]) or "",
        parties={party: role for party, role in parties.items() if role},
        in_order=order == "given",
    )


def phases(names: Names, top: dict[str, Place]) -> dict[str, Phase]:
    """The named groups of states; a state belongs to one of them, or no phases are declared."""
    found: dict[str, Phase] = {}
    owner: dict[str, str] = {}
    for name, place in (top["phases"].entries("phase") if "phases" in top else {}).items():
        settings = place.settings(format.Phase, what=f"the phase '{name}'")
        given = []
        for inner in settings["states"].items() if "states" in settings else []:
            state = names.state(inner)
            if state in owner:
                inner.error("FF109", f"'{state}' is in the phase '{owner[state]}' already")
            elif state:
                owner[state] = name
                given.append(state)
        found[name] = Phase(id=name, label=names.label(settings, name, place), states=tuple(given))
    for state in names.states if found else ():
        if state not in owner:
            top["states"].at(state).error("FF109", f"'{state}' is in no phase; every state belongs to one", key=True)
    return found


def by_role(names: Names, settings: Mapping[str, Place], setting: str) -> dict[str, Place]:
    """The values of a setting that is given by role; roles that nobody declared are reported."""
    if setting not in settings:
        return {}
    place = settings[setting]
    if not isinstance(place.value, dict):
        place.settings((), what=setting)
        return {}
    found = {}
    for role in place.value:
        inner = place.at(role)
        if role in names.roles:
            found[str(role)] = inner
        else:
            inner.error("FF130", f"there is no role '{role}'{did_you_mean(str(role), names.roles)}", key=True)
    return found


def _access(names: Names, settings: Mapping[str, Place], setting: str) -> dict[str, tuple[str, ...]]:
    own = [name for name in names.forms if name not in names.own_forms]
    known = own if setting == "edit" else [*own, *names.reviews, *names.children]
    found: dict[str, tuple[str, ...]] = {}
    for role, place in by_role(names, settings, setting).items():
        given = []
        for inner in place.one_or_many():
            kind = names.own_forms.get(inner.value) if isinstance(inner.value, str) else None
            if kind is not None and inner.value in names.forms:
                inner.error(
                    "FF140", f"the form '{inner.value}' belongs to '{kind}': name it in the states of that child"
                )
            else:
                given.append(inner.named(known, "form", "FF140"))
        found[role] = tuple(name for name in given if name)
    return found
