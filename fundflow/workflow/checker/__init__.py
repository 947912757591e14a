"""What is wrong with a workflow that loads: places nobody reaches or leaves, blind decisions, money left behind.

One module per layer, each with its rules. A guard may be true or false unless a layer can prove otherwise, so what is
reported is wrong whatever the answers are, or comes with the answers under which it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker import access, children, clock, collected, forms, graph, money, reviews, roles, told
from fundflow.workflow.checker.context import FILE_ALONE, Context, Directory, Installation
from fundflow.workflow.checker.finding import Finding, Rule, WiderRule
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem

__all__ = ["Context", "Directory", "Finding", "Installation", "Rule", "WiderRule", "check", "findings"]

RULES: tuple[Rule, ...] = (
    *graph.RULES,
    *clock.RULES,
    *access.RULES,
    *reviews.RULES,
    *forms.RULES,
    *roles.RULES,
    *collected.RULES,
    *children.RULES,
    *money.RULES,
    *told.RULES,
)
WIDER_RULES: tuple[WiderRule, ...] = ()


def check(workflow: Workflow, context: Context = FILE_ALONE) -> list[Problem]:
    """Every finding with its place, in the order of the file; none for a sound workflow."""
    found: dict[Problem, None] = {}
    for finding in findings(workflow, context):
        file, line, column = _place(workflow, finding.at)
        problem = Problem(
            file, line, column, finding.code, finding.message, finding.severity, finding.path, finding.example
        )
        found.setdefault(problem)
    return sorted(found)


def findings(workflow: Workflow, context: Context = FILE_ALONE) -> Iterator[Finding]:
    """What every rule of every layer finds, layer by layer."""
    for rule in RULES:
        yield from rule(workflow)
    for wider in WIDER_RULES:
        yield from wider(workflow, context)


def _place(workflow: Workflow, at: str) -> tuple[str, int, int]:
    """Where the part with this dotted path stands, or the nearest part around it."""
    while at:
        if at in workflow.places:
            return workflow.places[at]
        at = at.rpartition(".")[0]
    return (workflow.main, 1, 1)
