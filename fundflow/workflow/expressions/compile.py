"""A checked tree into closures: exact arithmetic, no names looked up by text more than the facts need.

Relies on the checker: evaluating what it passed does not raise, given facts of the declared types in one currency.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions.nodes import (
    Binary,
    Call,
    Choice,
    Constant,
    Items,
    Member,
    Name,
    Node,
    Unary,
    path_of,
)
from fundflow.workflow.expressions.types import Type

Run = Callable[[Mapping[str, Any]], Any]

_EXACT = Context(prec=20_000, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Wide enough that nothing an expression can write or a form can hold is ever rounded."""
_DIVISION = Context(prec=50, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])

_UTC = ZoneInfo("UTC")

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_TEXT_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def compile_node(node: Node, kinds: Mapping[int, Type], currency: str) -> Run:
    """The closure of a checked tree; `kinds` are the checker's types by node."""
    return _Compiler(kinds, currency).run(node)


def scaled(money: Money, factor: Decimal) -> Money:
    """An amount times a factor, exact and then rounded half-even once to the smallest unit."""
    product = _EXACT.multiply(Decimal(money.minor), factor)
    return Money(int(_EXACT.to_integral_value(product)), money.currency)


class _Compiler:
    def __init__(self, kinds: Mapping[int, Type], currency: str) -> None:
        self.kinds = kinds
        self.currency = currency

    def kind(self, node: Node) -> str:
        return self.kinds[id(node)].kind

    def run(self, node: Node) -> Run:
        match node:
            case Constant(value=value):
                return lambda facts: value
            case Name() | Member():
                return _lookup(node, self)
            case Unary(sign=sign, operand=operand):
                inner = self.run(operand)
                if sign == "!":
                    return lambda facts: not inner(facts)
                if self.kind(operand) == "decimal":
                    return lambda facts: _EXACT.minus(inner(facts))
                return lambda facts: -inner(facts)
            case Binary():
                return self.binary(node)
            case Choice(test=test, yes=yes, no=no):
                ask, then, otherwise = self.run(test), self.run(yes), self.run(no)
                return lambda facts: then(facts) if ask(facts) else otherwise(facts)
            case Items(items=items):
                runs = [self.run(item) for item in items]
                return lambda facts: tuple(one(facts) for one in runs)
            case Call():
                return self.call(node)

    def binary(self, node: Binary) -> Run:
        left, right, sign = self.run(node.left), self.run(node.right), node.sign
        if sign == "&&":
            return lambda facts: left(facts) and right(facts)
        if sign == "||":
            return lambda facts: left(facts) or right(facts)
        if sign == "in":
            return lambda facts: left(facts) in right(facts)
        if sign in _COMPARE:
            compare = _COMPARE[sign]
            return lambda facts: compare(left(facts), right(facts))
        return self.arithmetic(sign, left, right, (self.kind(node.left), self.kind(node.right)))

    def arithmetic(self, sign: str, left: Run, right: Run, kinds: tuple[str, str]) -> Run:
        if kinds[0] == "date":
            step = 1 if sign == "+" else -1
            return lambda facts: _moved(left(facts), right(facts), step)
        if sign == "%":
            return lambda facts: _remainder(left(facts), right(facts))
        if sign == "/":
            if kinds[0] == "money":
                return lambda facts: _divided(left(facts), Decimal(right(facts)))
            return lambda facts: _DIVISION.divide(Decimal(left(facts)), Decimal(right(facts)))
        if sign == "*" and "money" in kinds:
            if kinds[0] == "money":
                return lambda facts: scaled(left(facts), Decimal(right(facts)))
            return lambda facts: scaled(right(facts), Decimal(left(facts)))
        if "decimal" in kinds:
            exact = {"+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply}[sign]
            return lambda facts: exact(Decimal(left(facts)), Decimal(right(facts)))
        plain: Callable[[Any, Any], Any] = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
        return lambda facts: plain(left(facts), right(facts))

    def call(self, node: Call) -> Run:
        if node.of is None:
            inner = self.run(node.arguments[0])
            return lambda facts: _absolute(inner(facts))
        of = self.run(node.of)
        match node.name:
            case "size":
                return lambda facts: len(of(facts))
            case "sum":
                return _sum(of, self.kind(node), self.currency)
            case "orValue":
                instead = self.run(node.arguments[0])
                if self.kind(node) == "decimal":
                    return lambda facts: Decimal(instead(facts)) if (v := of(facts)) is None else v
                return lambda facts: instead(facts) if (v := of(facts)) is None else v
            case "startsWith" | "endsWith" | "contains":
                inside = self.run(node.arguments[0])
                test = _TEXT_TESTS[node.name]
                return lambda facts: test(of(facts), inside(facts))
        name = node.arguments[0]
        assert isinstance(name, Name)  # noqa: S101 - the checker refuses anything else
        return _each(node.name, of, name.name, self.run(node.arguments[1]))


def _lookup(node: Node, compiler: _Compiler) -> Run:
    path = path_of(node)
    if path is None:
        assert isinstance(node, Member)  # noqa: S101 - a bare name always has a path
        of, last = compiler.run(node.of), node.name
        return lambda facts: of(facts)[last]
    match path.split("."):
        case [a]:
            return lambda facts: facts[a]
        case [a, b]:
            return lambda facts: facts[a][b]
        case [a, b, c]:
            return lambda facts: facts[a][b][c]
        case [a, *rest]:

            def deep(facts: Mapping[str, Any]) -> Any:
                found = facts[a]
                for name in rest:
                    found = found[name]
                return found

            return deep
    raise AssertionError(path)


def _each(method: str, of: Run, name: str, body: Run) -> Run:
    def scopes(facts: Mapping[str, Any]) -> Any:
        return ((item, {**facts, name: item}) for item in of(facts))

    match method:
        case "all":
            return lambda facts: all(body(scope) for _, scope in scopes(facts))
        case "exists":
            return lambda facts: any(body(scope) for _, scope in scopes(facts))
        case "exists_one":
            return lambda facts: sum(1 for _, scope in scopes(facts) if body(scope)) == 1
        case "filter":
            return lambda facts: tuple(item for item, scope in scopes(facts) if body(scope))
        case _:
            return lambda facts: tuple(body(scope) for _, scope in scopes(facts))


def _sum(of: Run, kind: str, currency: str) -> Run:
    """What is not there counts nothing; no amounts at all are zero in the workflow's currency."""

    def total(facts: Mapping[str, Any]) -> Any:
        values = [value for value in of(facts) if value is not None]
        if kind == "money":
            return sum(values[1:], values[0]) if values else Money.zero(currency)
        if kind == "int":
            return sum(values)
        found = Decimal(0)
        for value in values:
            found = _EXACT.add(found, Decimal(value))
        return found

    return total


def _moved(day: date, by: Duration, sign: int) -> date:
    """A date moved by days or months, never beyond what a calendar holds."""
    noon = datetime.combine(day, time(12), UTC)
    try:
        moved = by.after(noon, _UTC) if sign > 0 else by.before(noon, _UTC)
    except (OverflowError, ValueError):
        return date.max if sign > 0 else date.min
    return moved.date()


def _remainder(left: int, right: int) -> int:
    """As in CEL: the sign follows the dividend."""
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _divided(money: Money, by: Decimal) -> Money:
    """An amount divided by a constant, rounded half-even to the smallest unit."""
    quotient = _DIVISION.divide(Decimal(money.minor), by)
    return Money(int(_EXACT.to_integral_value(quotient)), money.currency)


def _absolute(value: Any) -> Any:
    if isinstance(value, Money):
        return Money(abs(value.minor), value.currency)
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)
