"""Where the workflow wants a reason for what a line of the budget took: its own conditions are asked, line by line.

How far a line may be passed stands in the workflow and nowhere else. A condition that looks at more than the table of
costs is left to the step itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.reports import tables
from fundflow.reports.spending import Compared
from fundflow.reports.tables import SPENT, WHY
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.expressions import Expression


def needs_reason(workflow: Workflow, form_id: str, line: Compared) -> bool:
    """Whether a report with this line and no reason for it could not be sent."""
    table = tables.against_costs(workflow.forms[form_id])
    if table is None or line.spent is None:
        return False
    root = "self" if form_id in workflow.own_forms else "application"
    row = dict.fromkeys(table.columns)
    row |= {tables.planned_in(table): line.planned, SPENT: line.spent, WHY: None}
    return any(not rule.evaluate({root: {table.id: (row,)}}) for rule in _rules(workflow, f"{root}.{table.id}"))


def _rules(workflow: Workflow, path: str) -> Iterator[Expression]:
    """The conditions of the workflow that read this table and nothing else."""
    steps: list[Transition] = [*workflow.transitions.values()]
    steps += [step for child in workflow.children.values() for step in child.transitions.values()]
    seen = set()
    for when in (when for step in steps for when in step.when):
        rule = when.expression
        if rule is None or rule.source in seen or not rule.reads:
            continue
        seen.add(rule.source)
        if all(each == path or each.startswith(f"{path}.") for each in rule.reads) and f"{WHY}" in rule.source:
            yield rule
