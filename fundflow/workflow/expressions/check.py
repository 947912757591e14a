"""Type checking: what an expression is, what it reads, and that evaluating it cannot fail.

Refuses unknown names with the nearest known one, values that may be null where they are used without a null check,
types that do not go together, divisors that could be zero, and loops that could take too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import types
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
)
from fundflow.workflow.expressions.types import BOOL, DATE, DECIMAL, INT, MONEY, NULL, STRING, WRONG, Type
from fundflow.workflow.problems import did_you_mean

MOST_STEPS = 100_000
"""What one evaluation may cost at most, counted over the largest lists the forms allow."""

_ORDERED = ("int", "decimal", "money", "date", "instant")
_LOOPS = ("all", "exists", "exists_one", "filter", "map")
METHODS = (*_LOOPS, "size", "sum", "orValue", "startsWith", "endsWith", "contains")
_LATER = ("has", "ratio", "instant", "matches", "getFullYear", "type", "int", "double", "string", "size")

Known = frozenset[str]
"""Paths that are known not to be null at this place."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The type of a node, and the paths that are not null when it is true, or when it is false."""

    type: Type
    if_true: Known = frozenset()
    if_false: Known = frozenset()


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
    """The paths that the expression itself compares with null or gives an orValue."""
    _loop: int = 1
    _scope: dict[str, Type] = field(default_factory=dict)

    def wrong(self, message: str, node: Node) -> Finding:
        self.errors.append(ExpressionError(message, node.at))
        return Finding(WRONG)

    def check(self, node: Node, known: Known = frozenset()) -> Finding:
        self.steps += self._loop
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
                return Finding(self._call(node, known))

    def _name(self, node: Name | Member, known: Known) -> Finding:
        if isinstance(node, Name):
            found = self._scope.get(node.name) or self.environment.get(node.name)
            if found is None:
                close = did_you_mean(node.name, [*self._scope, *self.environment])
                return self.wrong(f"nothing here is called '{node.name}'{close}", node)
        else:
            of = self.check(node.of, known).type
            if of.kind == "wrong":
                return Finding(WRONG)
            what = path_of(node.of) or "this"
            if of.kind != "record":
                return self.wrong(f"{what} is {of} and has no '{node.name}'", node)
            if of.nullable and what not in known:
                return self.wrong(f"{what} may be null; first say {what} != null && …", node)
            inner = of.fields.get(node.name)
            if inner is None:
                return self.wrong(f"{what} has no field '{node.name}'{did_you_mean(node.name, of.fields)}", node)
            found = inner
        path = path_of(node)
        if path is None:
            return Finding(found)
        if found.is_answer and path in self.asked:
            found = found.or_null()
        if path.partition(".")[0] not in self._scope and found.kind != "record":
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

    def _bool(self, node: Node, known: Known, where: str) -> Finding:
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
        left = self._bool(node.left, known, node.sign)
        if node.sign == "&&":
            right = self._bool(node.right, known | left.if_true, node.sign)
            return Finding(BOOL, left.if_true | right.if_true, left.if_false & right.if_false)
        right = self._bool(node.right, known | left.if_false, node.sign)
        return Finding(BOOL, left.if_true & right.if_true, left.if_false | right.if_false)

    def _equality(self, node: Binary, known: Known) -> Finding:
        sides = (node.left, node.right)
        nulls = [isinstance(side, Constant) and side.value is None for side in sides]
        if any(nulls):
            other = node.left if nulls[1] else node.right
            found = self.check(other, known).type
            if found.kind == "wrong":
                return Finding(BOOL)
            path = path_of(other)
            if not found.nullable:
                return self.wrong(f"{path or 'this'} is never null, so there is nothing to check", node)
            learnt = frozenset([path]) if path else frozenset()
            return Finding(BOOL, if_false=learnt) if node.sign == "==" else Finding(BOOL, if_true=learnt)
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        self._comparable(left, right, node)
        for side, other_type in ((node.right, left), (node.left, right)):
            self._option(side, other_type)
        return Finding(BOOL)

    def _option(self, node: Node, other: Type) -> None:
        """A text compared with a choice must be one of its options."""
        if other.options and isinstance(node, Constant) and isinstance(node.value, str):
            if node.value not in other.options:
                self.wrong(f"it is never '{node.value}'{did_you_mean(node.value, other.options)}", node)

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

    def _order(self, node: Binary, known: Known) -> Finding:
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        for side in (left, right):
            if side.kind not in (*_ORDERED, "wrong"):
                return self.wrong(
                    f"{side} has no order; {node.sign} compares numbers, amounts, dates and moments", node
                )
        self._comparable(left, right, node)
        return Finding(BOOL)

    def _membership(self, node: Binary, known: Known) -> Finding:
        left, right = self.solid(node.left, known), self.solid(node.right, known)
        if "wrong" in (left.kind, right.kind):
            return Finding(BOOL)
        if right.kind != "list" or right.item is None:
            return self.wrong(f"'in' needs a list on its right, not {right}", node)
        self._comparable(left, right.item.solid(), node)
        self._option(node.left, right.item)
        if isinstance(node.right, Items):
            for item in node.right.items:
                self._option(item, left)
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
                    return self._days(node)
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

    def _days(self, node: Binary) -> Type:
        if isinstance(node.right, Constant) and isinstance(node.right.value, Duration) and node.right.value.minutes:
            return self.wrong("a date moves by days, weeks, months or years", node.right).type
        return DATE

    def _divisor(self, node: Binary) -> None:
        by = node.right
        if not isinstance(by, Constant) or not isinstance(by.value, int | Decimal) or by.value == 0:
            self.wrong(f"{node.sign} needs a number that is not 0 on its right, written out", by)

    def _same(self, found: list[Type], node: Node) -> Type:
        """One type for all, or a mistake."""
        solid = [t for t in found if t.kind != "null"]
        if any(t.kind == "wrong" for t in found):
            return WRONG
        if not solid:
            return NULL
        one = solid[0]
        for other in solid[1:]:
            if one.is_number and other.is_number:
                one = DECIMAL if "decimal" in (one.kind, other.kind) else one
            elif other.kind != one.kind or one.kind in ("list", "record"):
                return self.wrong(f"{one.solid()} and {other.solid()} do not go together", node).type
        options = one.options if len({t.options for t in solid}) == 1 else ()
        nullable = any(t.nullable for t in found)
        return Type(one.kind, nullable=nullable, options=options, item=one.item, size=one.size, fields=one.fields)

    def _choice(self, node: Choice, known: Known) -> Finding:
        test = self._bool(node.test, known, "?")
        yes = self.check(node.yes, known | test.if_true)
        no = self.check(node.no, known | test.if_false)
        found = self._same([yes.type, no.type], node)
        return Finding(found, yes.if_true & no.if_true, yes.if_false & no.if_false)

    def _items(self, node: Items, known: Known) -> Type:
        if not node.items:
            return self.wrong("an empty list holds nothing to compare with", node).type
        one = self._same([self.solid(item, known) for item in node.items], node)
        return WRONG if one.kind == "wrong" else types.list_of(one, len(node.items))

    def _call(self, node: Call, known: Known) -> Type:
        if node.of is None:
            return self._function(node, known)
        if node.name not in METHODS:
            for argument in node.arguments:
                self.check(argument, known)
            return self.wrong(f"there is no method '{node.name}'{did_you_mean(node.name, METHODS)}", node).type
        if node.name == "orValue":
            return self._or_value(node, known)
        of = self.solid(node.of, known)
        if node.name in _LOOPS:
            return self._each(node, of, known)
        wanted = 1 if node.name in ("startsWith", "endsWith", "contains") else 0
        if len(node.arguments) != wanted:
            return self.wrong(f"{node.name} takes {wanted or 'nothing'} in its brackets", node).type
        if of.kind == "wrong":
            return WRONG
        if node.name == "size":
            return INT if of.kind in ("list", "string") else self.wrong(f"{of} has no size", node).type
        if node.name == "sum":
            item = of.item.solid() if of.kind == "list" and of.item else of
            if of.kind != "list" or item.kind not in ("int", "decimal", "money"):
                return self.wrong(f"sum adds up a list of numbers or amounts, not {of}", node).type
            return Type(item.kind)
        inside = self.solid(node.arguments[0], known)
        if of.kind != "string" or inside.kind not in ("string", "wrong"):
            return self.wrong(f"{node.name} looks for a text in a text", node).type
        return BOOL

    def _function(self, node: Call, known: Known) -> Type:
        found = [self.solid(argument, known) for argument in node.arguments]
        if node.name == "abs" and len(found) == 1:
            if found[0].kind in ("int", "decimal", "money", "wrong"):
                return found[0]
            return self.wrong(f"abs needs a number or an amount, not {found[0]}", node).type
        if node.name in _LATER:
            return self.wrong(f"{node.name}(…) is not supported in this version", node).type
        known_names = ["abs", "money", "date", "duration"]
        if node.name in METHODS:
            return self.wrong(f"{node.name} stands behind what it looks at: list.{node.name}(…)", node).type
        return self.wrong(f"there is no function '{node.name}'{did_you_mean(node.name, known_names)}", node).type

    def _or_value(self, node: Call, known: Known) -> Type:
        assert node.of is not None  # noqa: S101 - a method always has what it stands behind
        of = self.check(node.of, known).type
        if len(node.arguments) != 1:
            return self.wrong("orValue takes one value, for when there is none", node).type
        instead = self.solid(node.arguments[0], known)
        if "wrong" in (of.kind, instead.kind):
            return WRONG
        if not of.nullable:
            return self.wrong(f"{path_of(node.of) or 'this'} is never null; leave orValue out", node).type
        if of.kind != instead.kind and not (of.kind == "decimal" and instead.kind == "int"):
            return self.wrong(f"orValue must give {of.solid()}, not {instead}", node).type
        return replace(of, nullable=False, is_answer=False, options=())

    def _each(self, node: Call, of: Type, known: Known) -> Type:
        """A loop: the first argument names the item, the second looks at it."""
        if len(node.arguments) != 2 or not isinstance(node.arguments[0], Name):
            return self.wrong(f"write {node.name}(x, …) with a name for the item", node).type
        name, body = node.arguments[0].name, node.arguments[1]
        if name in self.environment or name in self._scope:
            return self.wrong(f"'{name}' is taken; give the item another name", node.arguments[0]).type
        if of.kind == "wrong":
            return WRONG
        if of.kind != "list" or of.item is None:
            return self.wrong(f"{node.name} goes through a list, not {of}", node).type
        self._scope[name] = of.item
        self._loop *= max(of.size, 1)
        steps = self.steps
        if node.name == "map":
            found = self.check(body, known).type
        else:
            found = self._bool(body, known, node.name).type
        self._loop //= max(of.size, 1)
        del self._scope[name]
        if self.steps > MOST_STEPS >= steps:
            return self.wrong(f"this could need {self.steps:,} steps; {MOST_STEPS:,} are the most", node).type
        if node.name in ("map", "filter"):
            inner = found if node.name == "map" else of.item
            if found.kind in ("wrong", "null") or inner.kind == "list":
                return found if found.kind == "wrong" else self.wrong("map cannot make a list of these", node).type
            return types.list_of(inner, of.size)
        return BOOL


def asked_about(node: Node) -> Known:
    """The paths that an expression compares with null or gives an orValue."""
    match node:
        case Binary(left=left, right=right, sign=sign):
            found = asked_about(left) | asked_about(right)
            if sign in ("==", "!="):
                for side, other in ((left, right), (right, left)):
                    path = path_of(side)
                    if path and isinstance(other, Constant) and other.value is None:
                        found |= {path}
            return found
        case Unary(operand=operand):
            return asked_about(operand)
        case Choice(test=test, yes=yes, no=no):
            return asked_about(test) | asked_about(yes) | asked_about(no)
        case Items(items=parts):
            return frozenset[str]().union(*map(asked_about, parts))
        case Call(of=of, name=name, arguments=parts):
            found = frozenset[str]().union(*map(asked_about, parts))
            if of is not None:
                found |= asked_about(of)
                path = path_of(of)
                if name == "orValue" and path:
                    found |= {path}
            return found
        case Member(of=of):
            return asked_about(of)
    return frozenset()


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
            return types.DURATION
        case _:
            return DATE


def expected(wanted: Type, found: Type) -> str | None:
    """A sentence where `found` is not what is wanted here."""
    if found.kind == "wrong":
        return None
    if found.nullable:
        return f"this may be null; {wanted} is needed here"
    if found.kind != wanted.kind and not (wanted.kind == "decimal" and found.kind == "int"):
        return f"{wanted} is needed here, not {found}"
    return None
