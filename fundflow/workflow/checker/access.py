"""Who sees what: nobody decides blindly, and a hidden state is not given away."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.access import cell
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import SYSTEM, Workflow


def deciders(workflow: Workflow) -> Iterator[Finding]:
    """Whoever may do something must see something of what they decide on."""
    for name, transition in workflow.transitions.items():
        for source in transition.sources:
            for role in sorted(transition.by_from(source) - {SYSTEM}):
                if not cell(workflow, source, (role,)).view:
                    message = f"'{role}' can do '{name}' in '{source}' but cannot see anything there; give them a view"
                    yield Finding("FF144", f"states.{source}", message)
    for name, state in workflow.states.items():
        asked = [(role, f"do '{task.id}'") for task in state.tasks.values() for role in sorted(task.by)]
        if state.signatures is not None:
            asked += [(role, f"sign for '{party}'") for party, role in state.signatures.parties.items()]
        for role, what in asked:
            if not cell(workflow, name, (role,)).view:
                message = f"'{role}' is to {what} in '{name}' but cannot see anything there; give them a view"
                yield Finding("FF144", f"states.{name}", message)


def masks(workflow: Workflow) -> Iterator[Finding]:
    """A hidden state is given away by mail, by what can be seen, and by the buttons."""
    for name, state in workflow.states.items():
        for role, shown in state.shown_as.items():
            if cell(workflow, name, (role,)) != cell(workflow, shown, (role,)):
                message = f"'{name}' is shown to '{role}' as '{shown}', but they see other forms in the two"
                yield Finding("FF146", f"states.{name}.shown_as.{role}", f"{message}, which gives it away")
            here, there = (
                {t.id for t in workflow.transitions_from(place) if role in t.by_from(place)} for place in (name, shown)
            )
            if here != there:
                message = f"'{name}' is shown to '{role}' as '{shown}', but the buttons differ"
                differ = ", ".join(sorted(here ^ there))
                yield Finding("FF147", f"states.{name}.shown_as.{role}", f"{message} ({differ}), which gives it away")
            for transition in workflow.transitions.values():
                arrives = any(transition.destination(source) == name for source in transition.sources)
                if arrives and any(role in effect.to for effect in transition.do):
                    message = f"'{role}' is told about {transition.id}, but '{name}' is hidden from them"
                    yield Finding("FF145", f"transitions.{transition.id}.do", f"{message} (shown as '{shown}')")


RULES = (
    deciders,
    masks,
)
