"""Expressions as terms of Z3: exact where the logic allows it, left free where it does not.

Exact: amounts with the rounding of the evaluator, days, moments, choices, nulls. Free: loops, texts within texts,
months, quotients without end. So Z3 may find facts where there are none, and never the other way round: what it
refutes is refuted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from fundflow.workflow.checker.variables import EARLIEST, LATEST, Term, Variables, micros
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression
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

try:
    import z3
except ImportError:  # the extra `prove` is not installed
    z3 = None

_DAY = 86_400_000_000
_ZONES = 26 * 3_600_000_000
"""Clocks of two zones are never further apart, nor one zone's before and after a change."""
_FIRST, _LAST = micros(datetime(1, 1, 2, tzinfo=UTC)), micros(datetime(9999, 12, 30, tzinfo=UTC))
"""Where a moment stops that would leave the calendar."""


@dataclass
class Translation(Variables):
    """Translates expressions over the same facts."""

    def holds(self, expression: Expression) -> Any:
        """That it is true, and that every answer it needs is there."""
        term = self._whole(expression)
        return z3.And(term.value, *self._there(expression))

    def fails(self, expression: Expression) -> Any:
        """That it is false although every answer is there."""
        term = self._whole(expression)
        return z3.And(z3.Not(term.value), *self._there(expression))

    def _whole(self, expression: Expression) -> Term:
        return _Reader(self, expression).term(expression.node)

    def _there(self, expression: Expression) -> list[Any]:
        return [z3.Not(self.fact(path).is_null) for path, kind in expression.answers.items() if kind.kind != "list"]

    def term(self, expression: Expression) -> Term:
        """Any expression, of any type."""
        return self._whole(expression)


class _Reader:
    """One expression's tree as terms. Names of loops never come up: a loop as a whole is left free."""

    def __init__(self, into: Translation, expression: Expression) -> None:
        self.into, self.expression = into, expression

    def kind(self, node: Node) -> Type:
        return self.expression.compiler.kind(node)

    def term(self, node: Node) -> Term:
        match node:
            case Constant(value=None):
                return Term(z3.IntVal(0), "null", z3.BoolVal(True))
            case Constant(value=value):
                return self.into.literal(value)
            case Name() | Member():
                return self.name(node)
            case Unary(sign="!", operand=operand):
                return Term(z3.Not(self.term(operand).value), "bool")
            case Unary(operand=operand):
                inner = self.term(operand)
                return Term(-inner.value, inner.kind)
            case Binary(sign="&&", left=left, right=right):
                return Term(z3.And(self.term(left).value, self.term(right).value), "bool")
            case Binary(sign="||", left=left, right=right):
                return Term(z3.Or(self.term(left).value, self.term(right).value), "bool")
            case Binary(sign="==" | "!=" | "<" | "<=" | ">" | ">="):
                return Term(self.comparison(node), "bool")
            case Binary(sign="in"):
                return Term(self.membership(node), "bool")
            case Binary():
                return self.arithmetic(node)
            case Choice(test=test, yes=yes, no=no):
                return self.choice(self.kind(node), self.term(test).value, self.term(yes), self.term(no))
            case Call():
                return self.call(node)
        return Term(self.into.loose(node, self.kind(node)), self.kind(node).kind)

    def name(self, node: Name | Member) -> Term:
        path, kind = path_of(node), self.kind(node)
        if path is None or (kind.kind in ("list", "record") and not self.into.types[path].nullable):
            return Term(self.into.loose(node, kind), kind.kind)
        return self.into.fact(path)

    def comparison(self, node: Binary) -> Any:
        sides = (node.left, node.right)
        nulls = [isinstance(side, Constant) and side.value is None for side in sides]
        if any(nulls):
            other = self.term(node.left if nulls[1] else node.right)
            return other.is_null if node.sign == "==" else z3.Not(other.is_null)
        left, right = self.alike(self.term(node.left), self.term(node.right))
        match node.sign:
            case "==":
                return left == right
            case "!=":
                return left != right
            case "<":
                return left < right
            case "<=":
                return left <= right
            case ">":
                return left > right
        return left >= right

    def alike(self, left: Term, right: Term) -> tuple[Any, Any]:
        if left.kind == "int" and right.kind == "decimal":
            return z3.ToReal(left.value), right.value
        if left.kind == "decimal" and right.kind == "int":
            return left.value, z3.ToReal(right.value)
        return left.value, right.value

    def membership(self, node: Binary) -> Any:
        if not isinstance(node.right, Items):
            return self.into.loose(node, Type("bool"))
        one = self.term(node.left)
        equal = []
        for item in node.right.items:
            left, right = self.alike(one, self.term(item))
            equal.append(left == right)
        return z3.Or(equal)

    def choice(self, kind: Type, test: Any, yes: Term, no: Term) -> Term:
        """Either value, a whole number made a decimal where the other is one; a null has any value."""
        if "null" in (yes.kind, no.kind):
            one = no if yes.kind == "null" else yes
            null = z3.If(test, yes.is_null, no.is_null)
            return Term(one.value, one.kind, null)
        first, second = self.alike(yes, no)
        null = None if yes.null is None and no.null is None else z3.If(test, yes.is_null, no.is_null)
        return Term(z3.If(test, first, second), kind.kind, null)

    def arithmetic(self, node: Binary) -> Term:
        left, right, kind = self.term(node.left), self.term(node.right), self.kind(node)
        if right.kind == "duration" or self.kind(node.right).kind == "duration":
            return self.moved(node, left, right)
        if kind.kind == "duration":
            span = left.value - right.value
            return Term(span * _DAY if left.kind == "date" else span, "duration")
        if kind.kind == "money" and node.sign in ("*", "/"):
            return self.scaled(node, left, right)
        match node.sign:
            case "%":
                by = z3.IntVal(abs(int(_number(node.right) or 1)))
                size = z3.If(left.value < 0, -left.value, left.value) % by
                return Term(z3.If(left.value < 0, -size, size), "int")
            case "/":
                one, number = self.alike(left, Term(z3.RealVal(0), "decimal"))[0], _number(node.right)
                assert number is not None  # noqa: S101 - the checker refuses any other divisor
                exact = one / z3.RealVal(format(Decimal(number), "f"))
                return Term(exact if _ends(number) else self.near(exact), "decimal")
        one, other = self.alike(left, right)
        found = {"+": lambda: one + other, "-": lambda: one - other, "*": lambda: one * other}[node.sign]()
        return Term(found, kind.kind)

    def near(self, exact: Any) -> Any:
        """A quotient that keeps fifty digits: so near to the exact one that only a proof of equality is lost."""
        self.into.is_exact = False
        found, size = self.into.another(z3.Real), z3.If(exact < 0, -exact, exact)
        slack = size * z3.RealVal("1e-49")
        self.into.bounds += [found >= exact - slack, found <= exact + slack]
        return found

    def scaled(self, node: Binary, left: Term, right: Term) -> Term:
        """An amount times or divided by a number, rounded half-even once, as `arithmetic.times` does it."""
        money, other, factor = (left, right, node.right) if left.kind == "money" else (right, left, node.left)
        number = _number(factor)
        if number is None:
            self.into.is_exact = False
            exact = z3.ToReal(money.value) * self.alike(other, Term(z3.RealVal(0), "decimal"))[0]
            found = self.into.another(z3.Int)
            self.into.bounds += [2 * (z3.ToReal(found) - exact) <= 1, 2 * (exact - z3.ToReal(found)) <= 1]
            return Term(found, "money")
        over, under = Decimal(number).as_integer_ratio()
        if node.sign == "/":
            over, under = (under, over) if over > 0 else (-under, -over)
        return Term(_rounded(money.value * over, under), "money")

    def moved(self, node: Binary, left: Term, right: Term) -> Term:
        """A day or a moment some time later, within the calendar."""
        unit, sign = self.kind(node.right).unit, 1 if node.sign == "+" else -1
        day = left.kind == "date"
        if unit == "months":
            length = node.right.value if isinstance(node.right, Constant) else None
            assert isinstance(length, Duration)  # noqa: S101 - months are only ever written out
            self.into.is_exact = False
            about, slack = int(length.months * 30.436875), 6
            found = self.into.another(z3.Int)
            low, high = (about - slack, about + slack) if sign > 0 else (-about - slack, -about + slack)
            scale = 1 if day else _DAY
            self.near_by(found, left.value + low * scale, left.value + high * scale, left)
            return Term(self.within(found, left), left.kind)
        if day:
            return Term(self.within(left.value + sign * (right.value / _DAY), left), "date")
        moved = left.value + sign * right.value
        if unit == "days":
            # Days keep the time of day, so a change of clocks (or, once, of the date line) may lie between.
            self.into.is_exact = False
            found = self.into.another(z3.Int)
            self.near_by(found, moved - _ZONES, moved + _ZONES, left)
            moved = found
        return Term(self.within(moved, left), "instant")

    def near_by(self, found: Any, low: Any, high: Any, start: Term) -> None:
        """Between two bounds; anywhere for a moment so late or early that it lies outside the calendar of its zone."""
        inside = z3.And(found >= low, found <= high)
        if start.kind == "instant":
            inside = z3.Or(inside, start.value > LATEST - _ZONES, start.value < EARLIEST + _ZONES)
        self.into.bounds.append(inside)

    def within(self, value: Any, start: Term) -> Any:
        """Where it would leave the calendar, it stops as the evaluator does."""
        if start.kind == "date":
            first, last = date.min.toordinal(), date.max.toordinal()
            return z3.If(value < first, z3.IntVal(first), z3.If(value > last, z3.IntVal(last), value))
        early = z3.If(start.value < _FIRST, start.value, z3.IntVal(_FIRST))
        late = z3.If(start.value > _LAST, start.value, z3.IntVal(_LAST))
        return z3.If(value < EARLIEST, early, z3.If(value > LATEST, late, value))

    def call(self, node: Call) -> Term:
        kind = self.kind(node)
        match node.name:
            case "has" if node.of is None:
                return Term(z3.Not(self.term(node.arguments[0]).is_null), "bool")
            case "abs" if node.of is None:
                inner = self.term(node.arguments[0])
                return Term(z3.If(inner.value < 0, -inner.value, inner.value), inner.kind)
            case "orValue" if node.of is not None:
                of, instead = self.term(node.of), self.term(node.arguments[0])
                return self.choice(kind, of.is_null, instead, Term(of.value, of.kind))
            case "size":
                found = self.into.loose(node, kind)
                self.into.bounds.append(found >= 0)
                return Term(found, "int")
        return Term(self.into.loose(node, kind), kind.kind)


def _rounded(over: Any, under: int) -> Any:
    """To the nearest whole number, halves to the even one."""
    if under == 1:
        return over
    whole, rest = over / under, over % under
    up = z3.Or(2 * rest > under, z3.And(2 * rest == under, whole % 2 == 1))
    return z3.If(up, whole + 1, whole)


def _number(node: Node) -> int | Decimal | None:
    """The number that a node is, written out, perhaps with a minus."""
    if isinstance(node, Unary) and node.sign == "-":
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, Constant) and isinstance(node.value, int | Decimal):
        return node.value
    return None


def _ends(number: int | Decimal) -> bool:
    """Whether every quotient by it has an end, so that no digit is lost (of numbers as large as a fund's)."""
    over = abs(Decimal(number).as_integer_ratio()[0])
    for prime in (2, 5):
        while over % prime == 0:
            over //= prime
    return over == 1
