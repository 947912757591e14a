"""Decision meetings: what is prepared as an award sets money aside, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Workflow


def meetings(workflow: Workflow) -> Iterator[Finding]:
    """A meeting adds up its awards against what is left, so an award must take money, and only an award may."""
    for name, step in workflow.transitions.items():
        if step.meeting is None:
            continue
        takes = any(effect.ledger in ("reserve", "commit") for effect in step.do)
        if takes != (step.meeting == "award"):
            does = "sets money aside" if takes else "sets no money aside"
            message = f"'{name}' {does}, so a meeting cannot prepare it as '{step.meeting}'"
            yield Finding("FF119", f"transitions.{name}.meeting", message)


RULES = (meetings,)
