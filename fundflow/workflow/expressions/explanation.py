"""Why a condition is false: its smallest failing parts, with the values they looked at.

Pure and exact: a part is named only if its answer made the whole false. A part that could not be asked, because a
null check before it failed, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fundflow.workflow.expressions import Expression, is_rows, seen_at
from fundflow.workflow.expressions.check import asked_about
from fundflow.workflow.expressions.compile import Compiler, operands
from fundflow.workflow.expressions.nodes import Binary, Call, Choice, Constant, Name, Node, Unary, paths_in, write

MOST_ITEMS = 3
"""Items of a list that a reason names at most."""


@dataclass(frozen=True, slots=True)
class Failing:
    """One item of a list that a condition fails for: its place, counted from one, and what was looked at of it."""

    position: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """A part that should hold and does not, as text, with what it looked at by path; whole tables are left out."""

    text: str
    values: Mapping[str, Any]
    items: tuple[Failing, ...] = ()
    node: Node = field(default=Constant(False, 0), repr=False, compare=False)
    """The part itself, for `in_words`."""


def explain(expression: Expression, facts: Mapping[str, Any]) -> tuple[Reason, ...]:
    """The failing parts of a condition that is false; nothing for one that is true or is no condition.

    Like `evaluate`, only for facts that `unanswered` finds complete.
    """
    if expression.evaluate(facts) is not False:
        return ()
    return tuple(_reasons(expression.node, False, facts, expression.compiler))


def _reasons(node: Node, holds: bool, facts: Mapping[str, Any], compiler: Compiler) -> Iterator[Reason]:
    """Why a part is what it is (`holds`), where it should be the opposite."""

    def is_so(part: Node) -> bool:
        return compiler.run(part)(facts) is True

    match node:
        case Unary(sign="!", operand=operand):
            yield from _reasons(operand, not holds, facts, compiler)
        case Binary(sign="&&" | "||" as sign):
            decisive = sign == "||"
            unsafe: frozenset[str] = frozenset()
            for part in operands(node):
                if any(_is_within(path, unsafe) for path in paths_in(part)):
                    continue
                found = is_so(part)
                if found is holds:
                    yield from _reasons(part, holds, facts, compiler)
                if found is decisive:
                    unsafe |= asked_about(part)
        case Choice(test=test, yes=yes, no=no) if not isinstance(yes if is_so(test) else no, Constant):
            yield from _reasons(yes if is_so(test) else no, holds, facts, compiler)
        case _:
            part = node if not holds else Unary("!", node, 0)
            items = tuple(_failing(node, holds, facts, compiler)) if isinstance(node, Call) else ()
            yield Reason(write(part), _values(paths_in(node), facts), items, part)


def _is_within(path: str, guarded: frozenset[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in guarded)


def _values(paths: Iterable[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    found = ((path, seen_at(facts, path)) for path in paths)
    return {path: value for path, value in found if not is_rows(value)}


def _failing(node: Call, holds: bool, facts: Mapping[str, Any], compiler: Compiler) -> Iterator[Failing]:
    """The first items that made a loop what it is: those against `all`, or those that `exists` should not find."""
    culprit = {("all", False): False, ("exists", True): True, ("exists_one", False): True}.get((node.name, holds))
    if culprit is None or node.of is None:
        return
    item, body = node.arguments
    assert isinstance(item, Name)  # noqa: S101 - the checker refuses anything else
    run = compiler.run(body)
    found = 0
    for position, one in enumerate(compiler.run(node.of)(facts), start=1):
        inside = {**facts, item.name: one}
        if run(inside) is culprit:
            paths = (path for path in paths_in(body) if path.partition(".")[0] == item.name)
            yield Failing(position, _values(paths, inside))
            found += 1
            if found == MOST_ITEMS:
                return
