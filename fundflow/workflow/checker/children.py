"""Children: each kind is made somewhere, and each child can get to an end of its own."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.reach import reached_from
from fundflow.workflow.definition import Workflow


def children(workflow: Workflow) -> Iterator[Finding]:
    """Children are made somewhere, and each can get to an end of its own."""
    for kind, child in workflow.children.items():
        if not any(effect.makes == kind for t in workflow.every_transition() for effect in t.do):
            is_plan = child.field or child.rows
            wanted = f"{{children: {kind}}}" if is_plan else f"{{child: {kind}, fields: …}}"
            message = f"no transition creates '{kind}': add {wanted} to the one that should"
            yield Finding("FF192", f"children.{kind}", message)
        leads: dict[str, set[str]] = {state: set() for state in child.states}
        for transition in child.transitions.values():
            for source in transition.sources:
                leads[source].add(transition.destination(source) or source)
        reached = reached_from(child.initial, leads)
        for name, state in child.states.items():
            at = f"children.{kind}.states.{name}"
            if name not in reached:
                yield Finding("FF103", at, f"no {kind} can ever get to '{name}'")
            elif not state.is_final and not any(child.states[s].is_final for s in reached_from(name, leads)):
                yield Finding("FF104", at, f"'{name}' is a dead end: no {kind} can get from it to a final state")


RULES = (children,)
