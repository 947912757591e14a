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
        for task in state.tasks:
            if not _waits_for(workflow, task):
                message = f"nothing waits for '{task}': no transition asks for it or looks at what it came to"
                yield Finding("FF172", f"states.{name}.tasks.{task}", message)
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


def _waits_for(workflow: Workflow, task: str) -> bool:
    """Some condition asks for the task, or reads its result."""
    for transition in workflow.every_transition():
        for when in transition.when:
            if when.kind == "tasks" and task in when.names:
                return True
            read = when.expression.reads if when.expression is not None else frozenset()
            if any(path == f"tasks.{task}" or path.startswith(f"tasks.{task}.") for path in read):
                return True
    return False


RULES = (collected,)
