"""Type checking of methods, loops and functions; the counterpart of `check` for whatever has brackets.

Refuses what this version does not have by name, so that a CEL author knows it is not a spelling mistake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fundflow.workflow.expressions import types
from fundflow.workflow.expressions.nodes import Call, Name, path_of
from fundflow.workflow.expressions.types import BOOL, INT, WRONG, Type
from fundflow.workflow.problems import did_you_mean

if TYPE_CHECKING:
    from fundflow.workflow.expressions.check import Checker, Known

MOST_STEPS = 100_000
"""What one evaluation may cost at most, counted over the largest lists the forms allow."""

_LOOPS = ("all", "exists", "exists_one", "filter", "map")
METHODS = (*_LOOPS, "size", "sum", "orValue", "startsWith", "endsWith", "contains")
_LATER = ("has", "ratio", "instant", "matches", "type", "int", "double", "string")


def check_call(checker: Checker, node: Call, known: Known) -> Type:
    if node.of is None:
        return _function(checker, node, known)
    if node.name not in METHODS:
        for argument in node.arguments:
            checker.check(argument, known)
        return checker.wrong(f"there is no method '{node.name}'{did_you_mean(node.name, METHODS)}", node).type
    if node.name == "orValue":
        return _or_value(checker, node, known)
    of = checker.solid(node.of, known)
    if node.name in _LOOPS:
        return _each(checker, node, of, known)
    wanted = 1 if node.name in ("startsWith", "endsWith", "contains") else 0
    if len(node.arguments) != wanted:
        return checker.wrong(f"{node.name} takes {wanted or 'nothing'} in its brackets", node).type
    if of.kind == "wrong":
        return WRONG
    if node.name == "size":
        return INT if of.kind in ("list", "string") else checker.wrong(f"{of} has no size", node).type
    if node.name == "sum":
        item = of.item.solid() if of.kind == "list" and of.item else of
        if of.kind != "list" or item.kind not in ("int", "decimal", "money"):
            return checker.wrong(f"sum adds up a list of numbers or amounts, not {of}", node).type
        return Type(item.kind)
    inside = checker.solid(node.arguments[0], known)
    if of.kind != "string" or inside.kind not in ("string", "wrong"):
        return checker.wrong(f"{node.name} looks for a text in a text", node).type
    return BOOL


def _function(checker: Checker, node: Call, known: Known) -> Type:
    found = [checker.solid(argument, known) for argument in node.arguments]
    if node.name == "abs" and len(found) == 1:
        if found[0].kind in ("int", "decimal", "money", "wrong"):
            return found[0]
        return checker.wrong(f"abs needs a number or an amount, not {found[0]}", node).type
    if node.name in _LATER:
        return checker.wrong(f"{node.name}(…) is not supported in this version", node).type
    known_names = ["abs", "money", "date", "duration"]
    if node.name in METHODS:
        return checker.wrong(f"{node.name} stands behind what it looks at: list.{node.name}(…)", node).type
    return checker.wrong(f"there is no function '{node.name}'{did_you_mean(node.name, known_names)}", node).type


def _or_value(checker: Checker, node: Call, known: Known) -> Type:
    assert node.of is not None  # noqa: S101 - a method always has what it stands behind
    of = checker.check(node.of, known).type
    if len(node.arguments) != 1:
        return checker.wrong("orValue takes one value, for when there is none", node).type
    instead = checker.solid(node.arguments[0], known)
    if "wrong" in (of.kind, instead.kind):
        return WRONG
    if not of.nullable:
        return checker.wrong(f"{path_of(node.of) or 'this'} is never null; leave orValue out", node).type
    if of.kind != instead.kind and not (of.kind == "decimal" and instead.kind == "int"):
        return checker.wrong(f"orValue must give {of.solid()}, not {instead}", node).type
    return replace(of, nullable=False, is_answer=False, options=())


def _each(checker: Checker, node: Call, of: Type, known: Known) -> Type:
    """A loop: the first argument names the item, the second looks at it."""
    if len(node.arguments) != 2 or not isinstance(node.arguments[0], Name):
        return checker.wrong(f"write {node.name}(x, …) with a name for the item", node).type
    name, body = node.arguments[0].name, node.arguments[1]
    if name in checker.environment or name in checker.scope:
        return checker.wrong(f"'{name}' is taken; give the item another name", node.arguments[0]).type
    if of.kind == "wrong":
        return WRONG
    if of.kind != "list" or of.item is None:
        return checker.wrong(f"{node.name} goes through a list, not {of}", node).type
    checker.scope[name] = of.item
    checker.loop *= max(of.size, 1)
    steps = checker.steps
    if node.name == "map":
        found = checker.check(body, known).type
    else:
        found = checker.boolean(body, known, node.name).type
    checker.loop //= max(of.size, 1)
    del checker.scope[name]
    if checker.steps > MOST_STEPS >= steps:
        return checker.wrong(f"this could need {checker.steps:,} steps; {MOST_STEPS:,} are the most", node).type
    if node.name in ("map", "filter"):
        inner = found if node.name == "map" else of.item
        if found.kind in ("wrong", "null") or inner.kind == "list":
            return found if found.kind == "wrong" else checker.wrong("map cannot make a list of these", node).type
        return types.list_of(inner, of.size)
    return BOOL
