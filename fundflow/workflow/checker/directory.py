"""The people there are: roles that nobody has, and people in two roles that are kept apart."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.context import Context
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Workflow


def members(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Whoever has something to do exists. A city's team is whoever applies, so it is not asked for."""
    if context.directory is None:
        return
    acting = {role for step in workflow.every_transition() for role in step.by}
    acting |= {role for task in workflow.tasks.values() for role in task.by}
    acting |= {role for s in workflow.states.values() if s.signatures for role in s.signatures.parties.values()}
    acting |= {role for r in workflow.reviews.values() for role in (r.by, *r.assigned_by, *r.discussed_by)}
    acting |= {role for r in workflow.roles.values() for role in r.assigned_by}
    for name, role in workflow.roles.items():
        if name in acting and role.kind != "team" and context.directory.members(workflow, role) == frozenset():
            message = f"role '{name}' has no members now, so nobody could do what it has to do"
            yield Finding("FF134", f"roles.{name}", message)


def apart(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Nobody is in two groups whose roles are kept apart. Teams and named persons are looked at when somebody joins."""
    if context.directory is None:
        return
    groups = {name: role for name, role in workflow.roles.items() if role.kind == "group"}
    for name, role in groups.items():
        for other in sorted(role.never_also & groups.keys()):
            here = context.directory.members(workflow, role) or frozenset()
            there = context.directory.members(workflow, groups[other]) or frozenset()
            for person in sorted(here & there):
                message = f"{context.directory.name(person)} is in both '{name}' and '{other}', which nobody may be"
                yield Finding("FF136", f"roles.{name}.never_also", message)


WIDER_RULES = (members, apart)
