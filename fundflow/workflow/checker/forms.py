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


RULES = (forms,)
