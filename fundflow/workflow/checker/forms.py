"""Forms: what must be complete can be filled in before, and what exists is used."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.reach import arrows, reached_from
from fundflow.workflow.definition import Workflow


def forms(workflow: Workflow) -> Iterator[Finding]:
    """A form that must be complete can be filled in there or before; a form that exists is used."""
    leads = arrows(workflow)
    writable = {
        form: {name for name, state in workflow.states.items() if any(form in forms for forms in state.edit.values())}
        for form in workflow.forms
        if form not in workflow.own_forms
    }
    for name, transition in workflow.transitions.items():
        for number, when in enumerate(transition.when):
            for source in transition.sources if when.kind == "complete" else ():
                if not any(source in reached_from(state, leads) for state in writable[when.name]):
                    message = (
                        f"'{name}' needs the form '{when.name}', but nobody can fill it in in '{source}' or before"
                    )
                    yield Finding("FF141", f"transitions.{name}.when.{number}.complete", message)
    sheets = {review.form for review in workflow.reviews.values()}
    for form, states in writable.items():
        if not states and form not in sheets:
            yield Finding("FF142", f"forms.{form}", f"nobody can ever fill in the form '{form}'")


def own_forms(workflow: Workflow) -> Iterator[Finding]:
    """The same of the forms that each child has for itself."""
    for kind, child in workflow.children.items():
        leads: dict[str, set[str]] = {state: set() for state in child.states}
        for step in child.transitions.values():
            for source in step.sources:
                leads[source].add(step.destination(source) or source)
        for name, step in child.transitions.items():
            for number, when in enumerate(step.when):
                if when.kind != "complete" or when.name not in child.forms:
                    continue
                writable = [s.id for s in child.states.values() if any(when.name in forms for forms in s.edit.values())]
                for source in step.sources:
                    if not any(source in reached_from(state, leads) for state in writable):
                        message = f"'{name}' needs the form '{when.name}', but nobody can fill it in in '{source}'"
                        at = f"children.{kind}.transitions.{name.rpartition('.')[2]}.when.{number}.complete"
                        yield Finding("FF141", at, f"{message} or before")
        shown = {role for state in workflow.states.values() for role, seen in state.view.items() if kind in seen}
        for state in child.states.values():
            for role in sorted({*state.edit, *state.view} - shown):
                message = f"'{role}' is given forms of {kind}, but is shown no {kind} in any state of the application"
                yield Finding("FF144", f"children.{kind}.states.{state.id}", f"{message}: add it to their view")


RULES = (forms, own_forms)
