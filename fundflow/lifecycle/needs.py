"""What a workflow needs from the features of this installation, and which of it nobody provides."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.lifecycle import registry
from fundflow.workflow.decide import reads
from fundflow.workflow.definition import SYSTEM, Workflow


def gaps(workflow: Workflow) -> Iterator[str]:
    """A sentence for each fact, kind of role or effect that this workflow names and no feature provides."""
    said = set()
    for sentence in _gaps(workflow):
        if sentence not in said:
            said.add(sentence)
            yield f"{workflow.id} version {workflow.version}: {sentence}"


def _gaps(workflow: Workflow) -> Iterator[str]:
    for role in workflow.roles.values():
        if role.kind != SYSTEM and role.kind not in registry.role_tests:
            yield f"nobody provides roles of the kind “{role.kind}” (role {role.id})."
    for transition in workflow.every_transition():
        for effect in transition.do:
            if effect.kind not in registry.effects:
                yield f"nobody provides the effect “{effect.kind}” (transition {transition.id})."
        for root in sorted(reads(workflow, transition.id)):
            if _is_unknown(root):
                yield f"nobody provides the fact “{root}” (transition {transition.id})."
    for timer in workflow.timers.values():
        if timer.at is not None:
            for root in sorted(timer.at.roots):
                if _is_unknown(root):
                    yield f"nobody provides the fact “{root}” (timer {timer.id})."


def _is_unknown(root: str) -> bool:
    first = root.partition(".")[0]
    return first not in registry.OWN_FACTS and first not in registry.facts
