"""Tasks and signatures: what is collected is waited for, and what is signed was made."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.reach import arrows, reached_from
from fundflow.workflow.definition import Workflow


def collected(workflow: Workflow) -> Iterator[Finding]:
    """What is collected is waited for, and what is signed was made."""
    leads = arrows(workflow)
    for name, state in workflow.states.items():
        onward = workflow.transitions_from(name)
        if state.is_final and (state.tasks or state.signatures):
            yield Finding("FF143", f"states.{name}", f"'{name}' is final, so nothing can be done or signed in it")
        if state.signatures is None:
            continue
        if not any(when.kind == "signed" for transition in onward for when in transition.when):
            message = f"nothing happens when everyone has signed: no transition from '{name}' has signed: all"
            yield Finding("FF184", f"states.{name}.signatures", message)
        made = [
            transition
            for transition in workflow.transitions.values()
            if any(effect.document == state.signatures.document for effect in transition.do)
        ]
        arrives = {target for each in made for source in each.sources if (target := each.destination(source))}
        if not any(name in reached_from(target, leads) for target in arrives):
            message = f"'{state.signatures.document}' is to be signed in '{name}', but no transition before makes it"
            yield Finding("FF183", f"states.{name}.signatures.document", message)


RULES = (collected,)
