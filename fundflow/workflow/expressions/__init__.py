"""Conditions and amounts in workflow files: a typed subset of the CEL syntax with exact decimals, money and dates.

Nothing wrong passes `compile_expression`: evaluating what it returns does not fail, given facts of the declared types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.money import Money
from fundflow.workflow.expressions.check import Checker, asked_about, expected
from fundflow.workflow.expressions.compile import Compiler, Run
from fundflow.workflow.expressions.nodes import Call, Constant, ExpressionError, Node, walk, write
from fundflow.workflow.expressions.parser import parse
from fundflow.workflow.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    MONEY,
    STRING,
    WRONG,
    Type,
    list_of,
    record,
)

__all__ = [
    "BOOL",
    "DATE",
    "DECIMAL",
    "INSTANT",
    "INT",
    "MONEY",
    "STRING",
    "WRONG",
    "Expression",
    "ExpressionError",
    "Type",
    "WrongExpression",
    "compile_expression",
    "list_of",
    "parse",
    "record",
    "value_at",
    "write",
]


_UTC = ZoneInfo("UTC")


class WrongExpression(Exception):
    """An expression with one or more mistakes, each with its place."""

    def __init__(self, errors: list[ExpressionError]) -> None:
        super().__init__(errors)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. `reads` are dotted paths such as ``application.requested``; facts are nested mappings."""

    source: str
    type: Type
    reads: frozenset[str]
    answers: Mapping[str, Type] = field(hash=False)
    """Among `reads`, what a form requires but a draft may not have yet."""
    node: Node
    compiler: Compiler = field(repr=False, compare=False)
    _run: Run = field(repr=False, compare=False)
    roots: frozenset[str] = field(init=False, repr=False, compare=False)
    """What must be loaded for it: ``application``, ``round``, ``reviews.panel``, …"""
    _paths: tuple[tuple[str, tuple[str, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roots", frozenset(root_of(path) for path in self.reads))
        object.__setattr__(self, "_paths", tuple((path, tuple(path.split("."))) for path in sorted(self.reads)))

    @property
    def writes_money(self) -> bool:
        """It holds an amount in the workflow's own currency: one written out, or the 0 that a sum of none is."""
        return any(_is_money(node, self.compiler) for node in walk(self.node))

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """Its value. Every root it reads must be there."""
        return self._run(facts)

    def unanswered(self, facts: Mapping[str, Any]) -> list[str]:
        """The required answers it reads that are not there yet; it must not be evaluated while there are any."""
        if not self.answers:
            return []
        return [path for path, kind in self.answers.items() if not _is_there(seen_at(facts, path), kind)]

    def values(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What it read, by path, for sentences and the record; whole records and tables are left out."""
        found: dict[str, Any] = {}
        for path, names in self._paths:
            value: Any = facts
            for name in names:
                if value is None:
                    break
                value = value[name]
            if type(value) in _PLAIN or not is_rows(value):
                found[path] = value
        return found


def _is_money(node: Node, compiler: Compiler) -> bool:
    if isinstance(node, Constant):
        return isinstance(node.value, Money)
    return isinstance(node, Call) and node.name == "sum" and compiler.kind(node).kind == "money"


def _is_there(value: Any, kind: Type) -> bool:
    if value is None:
        return not kind.is_answer
    if kind.kind == "list" and kind.item is not None and kind.item.kind == "record":
        required = [name for name, column in kind.item.fields.items() if column.is_answer]
        return all(row[name] is not None for row in value for name in required)
    return True


def root_of(path: str) -> str:
    """The part of a path that is loaded as a whole: two names for reviews, forms, timers and children.

    All others, such as ``application``, ``tasks``, ``self`` or ``siblings``, are loaded at once.
    """
    names = path.split(".")
    return ".".join(names[:2]) if names[0] in ("reviews", "forms", "timers", "children") else names[0]


_PLAIN = frozenset((Money, str, int, bool, Decimal, date, datetime, type(None)))


def is_rows(value: Any) -> bool:
    """A whole record or table, which has no place in a sentence."""
    if isinstance(value, tuple):
        return any(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping)


def seen_at(facts: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, null where a record on the way is null."""
    found: Any = facts
    for name in path.split("."):
        if found is None:
            return None
        found = found[name]
    return found


def value_at(facts: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path."""
    found: Any = facts
    for name in path.split("."):
        found = found[name]
    return found


def compile_expression(
    source: str,
    environment: Mapping[str, Type],
    currency: str,
    wanted: Type | None = None,
    zone: ZoneInfo = _UTC,
) -> Expression:
    """Parse, check and compile; WrongExpression with every mistake that can be found.

    Amounts written in it are in `currency`; days and months added to a moment are counted by the clocks of `zone`.
    """
    try:
        node = parse(source, currency)
    except ExpressionError as error:
        raise WrongExpression([error]) from None
    checker = Checker(environment, asked=asked_about(node))
    found = checker.whole(node)
    if wanted is not None and not checker.errors and (message := expected(wanted, found)):
        checker.errors.append(ExpressionError(message, 0))
    if checker.errors or any(kind.kind == "wrong" for kind in checker.types.values()):
        # What reads an answer that could not be read itself is told there; nothing can be made of it here.
        raise WrongExpression(checker.errors)
    compiler = Compiler(checker.types, currency, zone)
    return Expression(
        source, found, frozenset(checker.reads), dict(checker.answers), node, compiler, compiler.run(node)
    )


def _paths(types: Mapping[str, Type], before: str = "") -> Iterator[tuple[str, Type]]:
    for name, kind in types.items():
        yield f"{before}{name}", kind
        if kind.kind == "record":
            yield from _paths(kind.fields, f"{before}{name}.")


def known_paths(environment: Mapping[str, Type]) -> dict[str, Type]:
    """Every path that a sentence's {placeholder} may name, with its type."""
    return {path: kind for path, kind in _paths(environment) if kind.kind != "record"}
