"""What the city is told: nobody learns by chance that an application moved."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Workflow


def told(workflow: Workflow) -> Iterator[Finding]:
    """A city never learns by chance that its application moved or ended by someone else's hand."""
    teams = {role.id for role in workflow.roles.values() if role.kind == "team"}
    for name, transition in workflow.transitions.items():
        if not teams or not transition.by - teams:
            continue
        hidden = all(
            target is not None and teams & workflow.states[target].shown_as.keys()
            for target in map(transition.destination, transition.sources)
        )
        if not hidden and not any(teams & set(effect.to) for effect in transition.do if effect.kind == "notify"):
            team = sorted(teams)[0]
            message = f"nobody tells the applicant about {name}: add {{notify: …, to: {team}}}"
            yield Finding("FF178", f"transitions.{name}", message)


RULES = (told,)
