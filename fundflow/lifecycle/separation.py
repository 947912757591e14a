"""Which pairs of roles nobody may hold together, by a workflow's `never_also`.

It only compares; who holds what, the features that keep memberships say.
"""

from __future__ import annotations

from collections.abc import Collection

from fundflow.workflow.definition import Role, Workflow


def clashes(workflow: Workflow, held: Collection[str]) -> list[tuple[Role, Role]]:
    """The pairs among the roles held that this workflow keeps apart, each once: the guarded one, then the other."""
    found: dict[frozenset[str], tuple[Role, Role]] = {}
    for role in workflow.roles.values():
        if role.id not in held:
            continue
        for other in sorted(role.never_also & set(held)):
            if other != role.id and other in workflow.roles:
                found.setdefault(frozenset((role.id, other)), (role, workflow.roles[other]))
    return list(found.values())
