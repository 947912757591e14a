"""Type checking: what an expression is, what it reads, and that evaluating it cannot fail.

Refuses unknown names with the nearest known one, values that may be null where they are used without a null check,
types that do not go together, divisors that could be zero, and loops that could take too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import types
from fundflow.workflow.expressions.calls import check_call
from fundflow.workflow.expressions.nodes import (
    Binary,
    Call,
    Choice,
    Constant,
    ExpressionError,
    Items,
    Member,
    Name,
    Node,
    Unary,
    path_of,
    walk,
)
from fundflow.workflow.expressions.types import (
    BOOL,
    DATE,
    DAYS,
    DECIMAL,
    INT,
    MONEY,
    NULL,
    STRING,
    WRONG,
    Finding,
    Known,
    Type,
)
from fundflow.workflow.problems import did_you_mean

_ORDERED = ("int", "decimal", "money", "date", "instant", "duration")

MOST_STEPS = 100_000
"""What one evaluation may cost at most, counted over the largest lists the forms allow."""


@dataclass
class Checker:
    """Checks one expression; `errors` collects every mistake, `reads` every fact it looks at."""

    environment: Mapping[str, Type]
    errors: list[ExpressionError] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    answers: dict[str, Type] = field(default_factory=dict)
    """The paths it reads that a form requires."""
    types: dict[int, Type] = field(default_factory=dict)
    """The type of each node by its identity, for the compiler."""
    steps: int = 0
    asked: Known = frozenset()
    """The paths that the expression itself asks about: compares with null, has(…) or gives an orValue."""
    loop: int = 1
    scope: dict[str, Type] = field(default_factory=dict)
    heavy: Node | None = None
    """Where the steps became too many, if they did."""

    def whole(self, node: Node) -> Type:
        """The type of the whole expression, and what it may cost."""
        found = self.check(node).type
        if self.steps > MOST_STEPS and self.heavy is not None:
            self.wrong(f"this could need {self.steps:,} steps; {MOST_STEPS:,} are the most", self.heavy)
        return found

    def wrong(self, message: str, node: Node) -> Finding:
        self.errors.append(ExpressionError(message, node.at))
        return Finding(WRONG)

    def spend(self, times: int, node: Node) -> None:
        """Count `times` steps, each as often as the loops around say; say so where they become too many."""
        if self.steps <= MOST_STEPS:
            self.heavy = node
        self.steps += self.loop * times

    def check(self, node: Node, known: Known = frozenset()) -> Finding:
        self.spend(1, node)
        found = self._check(node, known)
        self.types[id(node)] = found.type
        return found

    def solid(self, node: Node, known: Known) -> Type:
        """The type of an operand that may not be null here."""
        found = self.check(node, known).type
        if found.kind == "null":
            return self.wrong("null can only be compared with == or !=", node).type
        if found.nullable:
            what = path_of(node) or "this"
            return self.wrong(
                f"{what} may be null; first say {what} != null && …, or give {what}.orValue(…)", node
            ).type
        return found

    def _check(self, node: Node, known: Known) -> Finding:
        match node:
            case Constant(value=value):
                return Finding(_type_of(value))
            case Name() | Member():
                return self._name(node, known)
            case Unary():
                return self._unary(node, known)
            case Binary(sign="&&" | "||"):
                return self._logic(node, known)
            case Binary(sign="==" | "!="):
                return self._equality(node, known)
            case Binary(sign="<" | "<=" | ">" | ">="):
                return self._order(node, known)
            case Binary(sign="in"):
                return self._membership(node, known)
            case Binary():
                return Finding(self._arithmetic(node, known))
            case Choice():
                return self._choice(node, known)
            case Items():
                return Finding(self._items(node, known))
            case Call():
                return check_call(self, node, known)

    def _name(self, node: Name | Member, known: Known, *, is_whole: bool = True) -> Finding:
        """A fact; `is_whole` is false where only a field of it is meant, so that just the field counts as read."""
        if isinstance(node, Name):
            found = self.scope.get(node.name) or self.environment.get(node.name)
            if found is None:
                close = did_you_mean(node.name, [*self.scope, *self.environment])
                return self.wrong(f"nothing here is called '{node.name}'{close}", node)
            if found.kind == "wrong":
                return Finding(WRONG)
        else:
            if isinstance(node.of, Name | Member):
                of = self._name(node.of, known, is_whole=False).type
            else:
                of = self.check(node.of, known).type
            if of.kind == "wrong":
                return Finding(WRONG)
            what = path_of(node.of) or "this"
            if of.kind != "record":
                return self.wrong(f"{what} is {of} and has no '{node.name}'", node)
            if of.nullable:
                return self.wrong(f"{what} may be null; first say {what} != null && …", node)
            inner = of.fields.get(node.name)
            if inner is None:
                return self.wrong(f"{what} has no field '{node.name}'{did_you_mean(node.name, of.fields)}", node)
            if inner.kind == "wrong":
                return Finding(WRONG)
            found = inner
        path = path_of(node)
        if path is None:
            return Finding(found)
        if found.is_answer and path in self.asked:
            found = found.or_null()
        if is_whole and path.partition(".")[0] not in self.scope:
            self.reads.add(path)
            if found.is_answer or (found.kind == "list" and found.item is not None):
                self.answers[path] = found
        return Finding(found.solid() if path in known else found)

    def _unary(self, node: Unary, known: Known) -> Finding:
        if node.sign == "!":
            found = self.check(node.operand, known)
            if found.type.kind not in ("bool", "wrong") or found.type.nullable:
                return self.wrong(f"! needs true or false, not {found.type}", node)
            return Finding(BOOL, found.if_false, found.if_true)
        of = self.solid(node.operand, known)
        if of.kind not in ("int", "decimal", "money", "wrong"):
            return self.wrong(f"- needs a number or an amount, not {of}", node)
        return Finding(of)

    def boolean(self, node: Node, known: Known, where: str) -> Finding:
        found = self.check(node, known)
        if found.type.kind == "wrong":
            return found
        if found.type.kind != "bool":
            return self.wrong(f"{where} needs true or false, not {found.type}", node)
        if found.type.nullable:
            what = path_of(node) or "this"
            return self.wrong(f"{what} may be null; write {what}.orValue(false)", node)
        return found

    def _logic(self, node: Binary, known: Known) -> Finding:
        left = self.boolean(node.left, known, node.sign)
        if node.sign == "&&":
            right = self.boolean(node.right, known | left.if_true, node.sign)
            return Finding(BOOL, left.if_true | right.if_true, left.if_false & right.if_false)
        right = self.boolean(node.right, known | left.if_false, node.sign)
        return Finding(BOOL, left.if_true & right.if_true, left.if_false | right.if_false)

    def _equality(self, node: Binary, known: Known) -> Finding:
        sides = (node.left, node.right)
        nulls = [isinstance(side, Constant) and side.value is None for side in sides]
        if any(nulls):
            other, null = (node.left, node.right) if nulls[1] else (node.right, node.left)
            self.types[id(null)] = NULL
            found = self.check(other, known).type
            if found.kind == "wrong":
                return Finding(BOOL)
            path = path_of(other)
            if not found.nullable and path not in known:
                return self.wrong(f"{path or 'this'} is never null, so there is nothing to check", node)
            learnt = frozenset([path]) if path else frozenset()
            return Finding(BOOL, if_false=learnt) if node.sign == "==" else Finding(BOOL, if_true=learnt)
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        self._comparable(left, right, node)
        self._option(node.right, left, node.left)
        self._option(node.left, right, node.right)
        if left.options and right.options and not set(left.options) & set(right.options):
            self.errors.append(
                ExpressionError("these two have no value in common, so they are never equal", node.at, "FF120")
            )
        return Finding(BOOL)

    def _option(self, node: Node, other: Type, what: Node) -> None:
        """A text compared with a choice must be one of its options."""
        written = node.value if isinstance(node, Constant) else None
        if other.options and isinstance(written, str) and written not in other.options:
            close = did_you_mean(written, other.options)
            self.errors.append(
                ExpressionError(f"{path_of(what) or 'it'} is never '{written}'{close}", node.at, "FF120")
            )

    def _comparable(self, left: Type, right: Type, node: Node) -> None:
        if "wrong" in (left.kind, right.kind) or (left.is_number and right.is_number):
            return
        if left.kind != right.kind:
            hint = ""
            if {left.kind, right.kind} == {"date", "instant"}:
                hint = "; compare dates with today, moments with now"
            elif "money" in (left.kind, right.kind) and (left.is_number or right.is_number):
                hint = '; write an amount as money("100.00")'
            self.wrong(f"{left} cannot be compared with {right}{hint}", node)
        elif left.kind in ("list", "record"):
            self.wrong(f"{left} cannot be compared as a whole", node)
        elif "months" in (left.unit, right.unit):
            self.wrong(
                'months differ in length; move the date instead, such as start + duration("3 months") <= end', node
            )

    def _order(self, node: Binary, known: Known) -> Finding:
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        for side in (left, right):
            if side.kind not in (*_ORDERED, "wrong"):
                return self.wrong(
                    f"{side} has no order; {node.sign} compares numbers, amounts, dates, moments and lengths of time",
                    node,
                )
        self._comparable(left, right, node)
        return Finding(BOOL)

    def _membership(self, node: Binary, known: Known) -> Finding:
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        if "wrong" in (left.kind, right.kind):
            return Finding(BOOL)
        if right.kind != "list" or right.item is None:
            return self.wrong(f"'in' needs a list on its right, not {right}", node)
        self.spend(right.size, node)
        self._comparable(left, right.item.solid(), node)
        self._option(node.left, right.item, node.right)
        if isinstance(node.right, Items):
            for item in node.right.items:
                self._option(item, left, node.left)
        return Finding(BOOL)

    def _arithmetic(self, node: Binary, known: Known) -> Type:
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        kinds = (left.kind, right.kind)
        numbers = left.is_number and right.is_number
        if "wrong" in kinds:
            return WRONG
        either = INT if kinds == ("int", "int") else DECIMAL
        match node.sign:
            case "+" | "-":
                if numbers:
                    return either
                if kinds == ("money", "money"):
                    return MONEY
                if kinds == ("date", "duration"):
                    return self._days(node, right)
                if kinds == ("instant", "duration"):
                    return types.INSTANT
                if kinds == ("date", "date") and node.sign == "-":
                    return DAYS
                if kinds == ("instant", "instant") and node.sign == "-":
                    return types.MINUTES
            case "*":
                if numbers:
                    return either
                if sorted(kinds) in (["decimal", "money"], ["int", "money"]):
                    return MONEY
            case "/":
                if left.kind in ("int", "decimal", "money") and right.is_number:
                    self._divisor(node)
                    return MONEY if left.kind == "money" else DECIMAL
            case "%":
                if kinds == ("int", "int"):
                    self._divisor(node)
                    return INT
        return self.wrong(f"{node.sign} does not work between {left} and {right}", node).type

    def _days(self, node: Binary, by: Type) -> Type:
        if by.unit == "minutes":
            return self.wrong("a date moves by days, weeks, months or years", node.right).type
        return DATE

    def _divisor(self, node: Binary) -> None:
        by = node.right
        if isinstance(by, Unary) and by.sign == "-":
            by = by.operand
        if not isinstance(by, Constant) or not isinstance(by.value, int | Decimal) or by.value == 0:
            self.wrong(f"{node.sign} needs a number that is not 0 on its right, written out", by)

    def _same(self, found: list[Type], node: Node) -> Type:
        """One type for all, or a mistake."""
        if any(t.kind == "wrong" for t in found):
            return WRONG
        one = found[0]
        for other in found[1:]:
            both = types.joined(one, other)
            if both is None:
                return self.wrong(f"{one.solid()} and {other.solid()} do not go together", node).type
            one = both
        return replace(one, is_answer=False)

    def _choice(self, node: Choice, known: Known) -> Finding:
        test = self.boolean(node.test, known, "?")
        yes = self.check(node.yes, known | test.if_true)
        no = self.check(node.no, known | test.if_false)
        found = self._same([yes.type, no.type], node)
        return Finding(found, yes.if_true & no.if_true, yes.if_false & no.if_false)

    def _items(self, node: Items, known: Known) -> Type:
        if not node.items:
            return self.wrong("an empty list holds nothing to compare with", node).type
        one = self._same([self.solid(item, known) for item in node.items], node)
        return WRONG if one.kind == "wrong" else types.list_of(one, len(node.items))


def asked_about(node: Node) -> Known:
    """The paths that an expression compares with null, asks has(…) about or gives an orValue."""
    return frozenset(path for each in walk(node) for path in _asked(each))


def _asked(node: Node) -> list[str]:
    match node:
        case Binary(sign="==" | "!=", left=left, right=right):
            sides = [(left, right), (right, left)]
            found = [path_of(one) for one, other in sides if isinstance(other, Constant) and other.value is None]
        case Call(of=None, name="has", arguments=(asked, *_)):
            found = [path_of(asked)]
        case Call(of=of, name="orValue") if of is not None:
            found = [path_of(of)]
        case _:
            return []
    return [path for path in found if path is not None]


def _type_of(value: object) -> Type:
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int():
            return INT
        case Decimal():
            return DECIMAL
        case Money():
            return MONEY
        case str():
            return STRING
        case Duration():
            return types.MONTHS if value.months else types.MINUTES if value.minutes else DAYS
        case datetime():
            return types.INSTANT
        case _:
            return DATE


def expected(wanted: Type, found: Type) -> str | None:
    """A sentence where `found` is not what is wanted here."""
    if "wrong" in (found.kind, wanted.kind):
        return None
    if found.nullable:
        return f"this may be null; {wanted} is needed here"
    if found.kind != wanted.kind and not (wanted.kind == "decimal" and found.kind == "int"):
        return f"{wanted} is needed here, not {found}"
    return None
