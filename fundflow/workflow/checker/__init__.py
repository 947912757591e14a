"""What is wrong with a workflow that loads: places nobody reaches or leaves, blind decisions, money left behind.

One module per layer, each with its rules. A guard may be true or false unless a layer can prove otherwise, so what is
reported is wrong whatever the answers are, or comes with the answers under which it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker import (
    accepted,
    access,
    assignment,
    children,
    clock,
    codes,
    collected,
    directory,
    filled,
    forms,
    graph,
    guards,
    installed,
    living,
    meetings,
    moments,
    money,
    reviews,
    roles,
    separation,
    told,
    versions,
)
from fundflow.workflow.checker.context import FILE_ALONE, Context, Directory, Installation, Life, Printed
from fundflow.workflow.checker.finding import Finding, Rule, WiderRule
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem

__all__ = [
    "Context",
    "Directory",
    "Finding",
    "Installation",
    "Life",
    "Printed",
    "Rule",
    "WiderRule",
    "check",
    "findings",
]

RULES: tuple[Rule, ...] = (
    *graph.RULES,
    *clock.RULES,
    *access.RULES,
    *reviews.RULES,
    *forms.RULES,
    *roles.RULES,
    *collected.RULES,
    *meetings.RULES,
    *children.RULES,
    *told.RULES,
    *filled.RULES,
    *moments.RULES,
)
WIDER_RULES: tuple[WiderRule, ...] = (
    *guards.WIDER_RULES,
    *money.WIDER_RULES,
    *separation.WIDER_RULES,
    *assignment.WIDER_RULES,
    *moments.WIDER_RULES,
    *installed.WIDER_RULES,
    *directory.WIDER_RULES,
    *versions.WIDER_RULES,
    *living.WIDER_RULES,
)


def check(workflow: Workflow, context: Context = FILE_ALONE) -> list[Problem]:
    """Every finding with its place, in the order of the file; none for a sound workflow.

    Warnings that the file accepts are among them, marked as such; what blocks publishing says `blocks`.
    """
    found: dict[Problem, None] = {}
    for finding in findings(workflow, context):
        found.setdefault(_problem(workflow, finding))
    for finding in accepted.unfounded(workflow, found):
        found.setdefault(_problem(workflow, finding))
    return sorted(accepted.marked(workflow, found))


def _problem(workflow: Workflow, finding: Finding) -> Problem:
    severity = finding.severity or ("warning" if codes.is_warning(finding.code) else "error")
    return Problem(
        *_place(workflow, finding.at),
        finding.code,
        finding.message,
        severity,
        finding.path,
        finding.example,
        finding.at,
    )


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
