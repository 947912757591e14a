"""Type checking of methods, loops and functions; the counterpart of `check` for whatever has brackets.

Refuses what this version does not have by name, so that a CEL author knows it is not a spelling mistake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fundflow.workflow.expressions import types
from fundflow.workflow.expressions.nodes import LOOPS, Call, Name, Node, path_of
from fundflow.workflow.expressions.types import BOOL, DECIMAL, INT, MONEY, WRONG, Finding, Known, Type
from fundflow.workflow.problems import did_you_mean

if TYPE_CHECKING:
    from fundflow.workflow.expressions.check import Checker

METHODS = (*LOOPS, "size", "sum", "orValue", "startsWith", "endsWith", "contains")
FUNCTIONS = ("abs", "has", "ratio", "money", "date", "instant", "duration")
_INSTEAD = {
    "timestamp": 'write a moment as instant("2026-12-31T17:00:00-05:00")',
    "matches": "there are no patterns; use startsWith, endsWith, contains or in",
    **dict.fromkeys(
        ("int", "uint", "double", "string", "bool", "dyn", "type"), "values are never converted; leave it out"
    ),
}


def check_call(checker: Checker, node: Call, known: Known) -> Finding:
    if node.of is None:
        return _function(checker, node, known)
    return Finding(_method(checker, node, node.of, known))


def _method(checker: Checker, node: Call, behind: Node, known: Known) -> Type:
    if node.name not in METHODS:
        for argument in node.arguments:
            checker.check(argument, known)
        instead = _INSTEAD.get(node.name) or f"there is no method '{node.name}'{did_you_mean(node.name, METHODS)}"
        return checker.wrong(instead, node).type
    if node.name == "orValue":
        return _or_value(checker, node, known)
    of = checker.solid(behind, known)
    if node.name in LOOPS:
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
        checker.spend(of.size, node)
        return Type(item.kind)
    inside = checker.solid(node.arguments[0], known)
    if of.kind != "string" or inside.kind not in ("string", "wrong"):
        return checker.wrong(f"{node.name} looks for a text in a text", node).type
    return BOOL


def _function(checker: Checker, node: Call, known: Known) -> Finding:
    if node.name == "has":
        return _has(checker, node, known)
    found = [checker.solid(argument, known) for argument in node.arguments]
    if node.name == "abs" and len(found) == 1:
        if found[0].kind in ("int", "decimal", "money", "wrong"):
            return Finding(found[0].solid())
        return checker.wrong(f"abs needs a number or an amount, not {found[0]}", node)
    if node.name == "ratio":
        return Finding(_ratio(checker, node, found))
    if node.name in _INSTEAD:
        return checker.wrong(_INSTEAD[node.name], node)
    if node.name in METHODS:
        return checker.wrong(f"{node.name} stands behind what it looks at: list.{node.name}(…)", node)
    if node.name in FUNCTIONS:
        return checker.wrong(f"{node.name} takes one number or amount in its brackets", node)
    return checker.wrong(f"there is no function '{node.name}'{did_you_mean(node.name, FUNCTIONS)}", node)


def _has(checker: Checker, node: Call, known: Known) -> Finding:
    """``has(application.end_date)`` is ``application.end_date != null``."""
    path = path_of(node.arguments[0]) if len(node.arguments) == 1 else None
    if path is None:
        return checker.wrong("has takes one fact, such as has(application.end_date)", node)
    found = checker.check(node.arguments[0], known).type
    if found.kind == "wrong":
        return Finding(BOOL)
    if not found.nullable and path not in known:
        return checker.wrong(f"{path} is never null, so there is nothing to check", node)
    return Finding(BOOL, if_true=frozenset([path]))


def _ratio(checker: Checker, node: Call, found: list[Type]) -> Type:
    """``ratio(a, b, instead)``: a divided by b, or `instead` where b is 0. The only division by a fact."""
    if len(found) != 3:
        return checker.wrong("write ratio(a, b, what it is when b is 0)", node).type
    of, by, instead = found
    if any(one.kind == "wrong" for one in found):
        return WRONG
    if (of.is_number and by.is_number) or of.kind == by.kind == "money":
        wanted = DECIMAL
    elif of.kind == "money" and by.is_number:
        wanted = MONEY
    else:
        return checker.wrong(f"ratio does not work between {of} and {by}", node).type
    if instead.kind != wanted.kind and not (wanted.kind == "decimal" and instead.kind == "int"):
        return checker.wrong(f"this ratio is {wanted}, so its last value must be one, not {instead}", node).type
    return wanted


def _or_value(checker: Checker, node: Call, known: Known) -> Type:
    assert node.of is not None  # noqa: S101 - a method always has what it stands behind
    of = checker.check(node.of, known).type
    if len(node.arguments) != 1:
        return checker.wrong("orValue takes one value, for when there is none", node).type
    instead = checker.solid(node.arguments[0], known)
    if "wrong" in (of.kind, instead.kind):
        return WRONG
    if of.kind == "null":
        return checker.wrong("null is always null; write the other value alone", node).type
    path = path_of(node.of)
    if not of.nullable and path not in known:
        return checker.wrong(f"{path or 'this'} is never null; leave orValue out", node).type
    both = types.joined(of, instead)
    if both is None or both.kind != of.kind:
        return checker.wrong(f"orValue must give {of.solid()}, not {instead}", node).type
    return replace(both, nullable=False, is_answer=False)


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
    if node.name == "map":
        found = checker.check(body, known).type
    else:
        found = checker.boolean(body, known, node.name).type
    checker.loop //= max(of.size, 1)
    del checker.scope[name]
    if found.kind == "wrong":
        return WRONG
    if node.name == "filter":
        return types.list_of(of.item, of.size)
    if node.name == "map":
        if found.kind in ("null", "list"):
            return checker.wrong(f"map cannot make a list of {found}", node).type
        return types.list_of(found, of.size)
    return BOOL
