"""What a workflow says about reports: which forms promise and which tell, when one is accepted, and whose turn it is.

Nothing is named twice: forms are told by their questions, and what is accepted by the graph. A report of the
application itself is accepted in the states that follow its writing and from which there is no way back to it; one of
a child is accepted where the child ended well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application
from fundflow.reports import tables
from fundflow.workflow.definition import State, Workflow
from fundflow.workflow.forms import OwnForm


@dataclass(frozen=True, slots=True)
class Scheme:
    """The reports of one workflow."""

    plans: tuple[str, ...]
    """Forms that promise, in the file's order: the last one that was filled in is in force."""
    writing: Mapping[str, frozenset[str]]
    """Reports of the application itself, each with the states in which its city writes it."""
    accepted: Mapping[str, frozenset[str]]
    """The same with the states in which it is accepted."""
    kinds: Mapping[str, tuple[str, ...]]
    """Kinds of children that report, with the forms each has for itself."""
    open: Mapping[str, frozenset[str]]
    """The same kinds with the states in which the city writes."""
    read: Mapping[str, frozenset[str]]
    """The same kinds with the states in which the fund has it to read."""

    @property
    def is_empty(self) -> bool:
        return not (self.plans or self.writing or self.kinds)


@lru_cache(maxsize=64)
def scheme_of(definition_sha: str) -> Scheme:
    """The scheme of a published version; versions never change."""
    return read(definitions.get(definition_sha))


def read(workflow: Workflow) -> Scheme:
    """What a workflow says about reports."""
    teams = frozenset(name for name, role in workflow.roles.items() if role.kind == "team")
    forms = workflow.answer_forms
    writing = {name: _written_in(workflow.states, name, teams) for name in forms if tables.is_report(forms[name])}
    told = {name for name, form in workflow.forms.items() if tables.is_report(form) or tables.is_follow_up(form)}
    kinds = {kind.id: kind.forms for kind in workflow.children.values() if told.intersection(kind.forms)}
    states = {kind: workflow.children[kind].states for kind in kinds}
    writes = {
        kind: frozenset[str]().union(*(_written_in(states[kind], name, teams) for name in own))
        for kind, own in kinds.items()
    }
    return Scheme(
        plans=tuple(name for name, form in forms.items() if tables.is_plan(form)),
        writing=writing,
        accepted={name: _settled(workflow, states) for name, states in writing.items()},
        kinds=kinds,
        open=writes,
        read={
            kind: frozenset(
                name
                for name, state in states[kind].items()
                if not state.is_final and name not in writes[kind] and _is_read(state, own, teams)
            )
            for kind, own in kinds.items()
        },
    )


def _written_in(states: Mapping[str, State], form: str, teams: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name, state in states.items() if any(form in state.edit.get(role, ()) for role in teams))


def _is_read(state: State, forms: Iterable[str], teams: Iterable[str]) -> bool:
    return any(set(forms) & set(names) for role, names in state.view.items() if role not in teams)


def _settled(workflow: Workflow, writing: frozenset[str]) -> frozenset[str]:
    """The states that come after writing and never lead back to it."""
    after: dict[str, set[str]] = {state: set() for state in workflow.states}
    for step in workflow.transitions.values():
        for source in step.sources:
            to = step.destination(source)
            if to is not None:
                after[source].add(to)

    def reached(begin: Iterable[str]) -> set[str]:
        found, waiting = set(begin), list(begin)
        while waiting:
            fresh = after[waiting.pop()] - found
            found |= fresh
            waiting += fresh
        return found

    return frozenset(state for state in reached(writing) - writing if not reached([state]) & writing)


def report_of(application: Application, form: str) -> str:
    """What addresses call the report whose form this is, of the application or of a child; empty where it is none."""
    scheme, own = scheme_of(application.definition_sha), OwnForm.read(form)
    if own is None:
        return form if form in scheme.writing else ""
    return f"{own.kind}:{own.key}" if own.form in scheme.kinds.get(own.kind, ()) else ""
