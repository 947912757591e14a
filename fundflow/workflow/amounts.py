"""Whether a workflow names amounts of its own, and so can only be used where its currency is.

Amounts that people and rounds give are in the round's currency. A workflow without amounts of its own suits any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from fundflow.workflow.definition import Workflow
from fundflow.workflow.expressions import Expression


def names_amounts(workflow: Workflow) -> bool:
    """Some condition, amount, value or moment in it holds an amount in the workflow's currency."""
    return any(expression.writes_money for expression in _expressions(workflow))


def _expressions(part: object) -> Iterator[Expression]:
    """Every expression inside a definition, wherever it stands."""
    if isinstance(part, Expression):
        yield part
    elif isinstance(part, Mapping):
        for each in part.values():
            yield from _expressions(each)
    elif isinstance(part, tuple | list | frozenset):
        for each in part:
            yield from _expressions(each)
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            yield from _expressions(getattr(part, field.name))
