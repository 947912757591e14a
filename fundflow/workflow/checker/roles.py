"""Roles that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Workflow


def unused(workflow: Workflow) -> Iterator[Finding]:
    used = {role for t in workflow.every_transition() for role in t.by}
    used |= {role for t in workflow.every_transition() for effect in t.do for role in effect.to}
    used |= {role for task in workflow.tasks.values() for role in task.by}
    used |= {role for s in workflow.states.values() if s.signatures for role in s.signatures.parties.values()}
    used |= {role for each in workflow.roles.values() for role in each.assigned_by}
    used |= {role for s in workflow.states.values() for role in (*s.edit, *s.view, *s.shown_as)}
    used |= {role for c in workflow.children.values() for s in c.states.values() for role in (*s.edit, *s.view)}
    used |= {role for r in workflow.reviews.values() for role in (r.by, *r.assigned_by, *r.discussed_by)}
    used |= {role for t in workflow.timers.values() for role in (*t.to, *t.if_blocked)}
    used |= {role for t in workflow.timers.values() if t.escalate for role in t.escalate.to}
    for role in workflow.roles:
        if role not in used:
            yield Finding("FF137", f"roles.{role}", f"role '{role}' is never used")


RULES = (unused,)
