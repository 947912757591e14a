"""What can have been answered by when: conditions that look at a later form, and personal answers shown too widely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.reach import arrows, reached_from
from fundflow.workflow.definition import Workflow


class Answerable:
    """By which states a field of the application can have a value: its form was editable there or before, or it was
    set on the way.
    """

    def __init__(self, workflow: Workflow) -> None:
        leads = arrows(workflow)
        self._from = {state: frozenset(reached_from(state, leads)) for state in workflow.states}
        self.form_of = {field: form for form, each in workflow.answer_forms.items() for field in each.fields}
        self._filled: dict[str, set[str]] = {}
        for name, state in workflow.states.items():
            for forms in state.edit.values():
                for form in forms:
                    self._filled.setdefault(form, set()).update(self._from[name])
        self._set: dict[str, set[str]] = {}
        for transition in workflow.transitions.values():
            fields = [effect.set for effect in transition.do if effect.set]
            for target in map(transition.destination, transition.sources if fields else ()):
                for field in fields:
                    self._set.setdefault(field, set()).update(self._from[target] if target else ())

    def by(self, field: str, state: str) -> bool:
        """Whether the field can have a value in `state`."""
        return state in self._filled.get(self.form_of.get(field, ""), ()) or state in self._set.get(field, ())

    def after(self, state: str) -> frozenset[str]:
        """The states that can be come to from this one, with itself."""
        return self._from[state]

    def ever(self, field: str) -> bool:
        return bool(self._filled.get(self.form_of.get(field, ""))) or field in self._set


def later_forms(workflow: Workflow) -> Iterator[Finding]:
    """A condition decides on nothing where the form it reads comes only later."""
    known = Answerable(workflow)
    for name, transition in workflow.transitions.items():
        for number, when in enumerate(transition.when):
            if when.expression is None:
                continue
            for field in sorted(_fields(when.expression.reads, known.form_of)):
                for source in transition.sources:
                    if not known.by(field, source):
                        message = (
                            f"'{name}' looks at application.{field}, but the form '{known.form_of[field]}' that holds"
                            f" it cannot have been filled in by '{source}'"
                        )
                        yield Finding("FF124", f"transitions.{name}.when.{number}", message)


def _fields(reads: frozenset[str], form_of: Mapping[str, str]) -> set[str]:
    found = {path.split(".")[1] for path in reads if path.startswith("application.")}
    return found & form_of.keys()


def personal(workflow: Workflow) -> Iterator[Finding]:
    """A field marked personal is shown to reviewers, who come from outside the fund and the city."""
    panels = {role.id for role in workflow.roles.values() if role.kind == "panel"}
    marked = {
        name: fields
        for name, form in workflow.answer_forms.items()
        if (fields := [field.id for field in form.fields.values() if field.personal])
    }
    for name, state in workflow.states.items():
        for role in sorted(panels & state.view.keys()):
            for form in state.view[role]:
                for field in marked.get(form, ()):
                    message = (
                        f"'{role}' can read '{field}' ({form}) in '{name}', which is personal; reviewers come from"
                        " outside the fund, and need it for no score"
                    )
                    # A place of its own for each, so that a line that accepts one does not accept the next.
                    yield Finding("FF148", f"states.{name}.view.{role}.{form}.{field}", message)


RULES = (later_forms, personal)
