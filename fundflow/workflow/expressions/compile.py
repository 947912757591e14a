"""A checked tree into one Python function: its source is written from the tree, then compiled once.

Nothing of an expression's text gets into that source but names of facts as quoted keys and plain numbers and texts as
their literals; it sees no builtins. Relies on the checker: evaluating what it passed does not raise, given facts of
the declared types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import arithmetic
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

_NAMES: dict[str, Any] = {
    "__builtins__": {},
    **{f.__name__: f for f in (all, any, len, tuple, sum, abs)},
    **arithmetic.FUNCTIONS,
}
_MONEY = {
    "==": "same({}, {})",
    "!=": "(not same({}, {}))",
    "in": "same_as_one({}, {})",
    "<": "less({}, {})",
    "<=": "at_most({}, {})",
    ">": "less({1}, {0})",
    ">=": "at_most({1}, {0})",
}
_DECIMAL = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


class Compiler:
    """Functions of a checked tree and of its parts, each compiled when it is first asked for.

    `kinds` are the checker's types by node. Days and months added to a moment move the wall clock of `zone`. Names of
    items that are not bound inside a part are looked for among the facts, so the body of a loop can run by itself.
    """

    def __init__(self, kinds: Mapping[int, Type], currency: str, zone: ZoneInfo) -> None:
        self._kinds = kinds
        self._currency = currency
        self._zone = zone
        self._runs: dict[int, Run] = {}

    def kind(self, node: Node) -> Type:
        return self._kinds[id(node)]

    def run(self, node: Node) -> Run:
        found = self._runs.get(id(node))
        if found is None:
            writer = _Writer(self._kinds, self._currency, self._zone)
            source = f"lambda facts: {writer.code(node)}"
            found = eval(source, {**_NAMES, **writer.constants})  # noqa: S307 - written from the tree, see above
            self._runs[id(node)] = found
        return found


class _Writer:
    def __init__(self, kinds: Mapping[int, Type], currency: str, zone: ZoneInfo) -> None:
        self.kinds = kinds
        self.currency = currency
        self.zone = zone
        self.constants: dict[str, Any] = {}
        self.items: set[str] = set()

    def kind(self, node: Node) -> str:
        return self.kinds[id(node)].kind

    def constant(self, value: Any) -> str:
        """A name for a value that has no literal."""
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def code(self, node: Node) -> str:
        match node:
            case Constant(value=value):
                return self.literal(value)
            case Name() | Member():
                return self.lookup(node)
            case Unary(sign=sign, operand=operand):
                inner = self.code(operand)
                if sign == "!":
                    return f"(not {inner})"
                return f"minus({inner})" if self.kind(operand) == "decimal" else f"(-{inner})"
            case Binary(sign="&&" | "||" as sign):
                word = " and " if sign == "&&" else " or "
                return f"({word.join(map(self.code, operands(node)))})"
            case Binary():
                return self.binary(node)
            case Choice(test=test, yes=yes, no=no):
                kind = self.kinds[id(node)]
                return f"({self.as_type(yes, kind)} if {self.code(test)} else {self.as_type(no, kind)})"
            case Items(items=items):
                item = self.kinds[id(node)].item
                assert item is not None  # noqa: S101 - the checker gives every list its item
                return f"({''.join(f'{self.as_type(one, item)}, ' for one in items)})"
            case Call():
                return self.call(node)

    def literal(self, value: Any) -> str:
        match value:
            case None | bool() | str() | int():
                return repr(value)
            case Duration(months=0):
                return self.constant(timedelta(days=value.days, minutes=value.minutes))
        return self.constant(value)

    def as_type(self, node: Node, wanted: Type) -> str:
        """The node, made a decimal where it is a whole number and a decimal is wanted."""
        kind = self.kinds[id(node)]
        if wanted.kind != "decimal" or kind.kind != "int":
            return self.code(node)
        if isinstance(node, Constant):
            return self.constant(Decimal(str(node.value)))
        return f"{'maybe_' if kind.nullable else ''}decimal({self.code(node)})"

    def lookup(self, node: Name | Member) -> str:
        if isinstance(node, Member):
            return f"{self.code(node.of)}[{node.name!r}]"
        return f"item_{node.name}" if node.name in self.items else f"facts[{node.name!r}]"

    def binary(self, node: Binary) -> str:
        sign, kinds = node.sign, (self.kind(node.left), self.kind(node.right))
        left, right = self.code(node.left), self.code(node.right)
        if "null" in kinds:
            return f"({left} {'is' if sign == '==' else 'is not'} {right})"
        if kinds[0] == "money" and sign in _MONEY:
            return _MONEY[sign].format(left, right)
        if sign in ("==", "!=", "<", "<=", ">", ">=", "in"):
            return f"({left} {sign} {right})"
        if kinds[1] == "duration":
            return self.moved(node, left, right)
        if sign == "%":
            return f"remainder({left}, {right})"
        if "money" in kinds and sign in ("*", "/"):
            money, factor = (left, node.right) if kinds[0] == "money" else (right, node.left)
            if (written := _constant_of(factor)) is not None:
                over, under = Decimal(written).as_integer_ratio()
                if sign == "/":
                    over, under = (under, over) if over > 0 else (-under, -over)
                return f"times({money}, {over}, {under})"
            return f"scaled({money}, {self.code(factor)})"
        if "decimal" in kinds or sign == "/":
            return f"{_DECIMAL[sign]}({left}, {right})"
        return f"({left} {sign} {right})"

    def moved(self, node: Binary, left: str, right: str) -> str:
        """A date or a moment some time later or earlier."""
        unit, sign = self.kinds[id(node.right)].unit, "" if node.sign == "+" else "-"
        if self.kind(node.left) == "date":
            if unit == "months":
                return f"months_from({left}, {right}, {sign}1)"
            return f"days_from({left}, {sign}{right})"
        if unit == "minutes":
            return f"time_from({left}, {sign}{right})"
        return f"wall_from({left}, {right}, {sign}1, {self.constant(self.zone)})"

    def call(self, node: Call) -> str:
        kind = self.kinds[id(node)]
        if node.of is None:
            given = [self.code(argument) for argument in node.arguments]
            match node.name:
                case "has":
                    return f"({given[0]} is not None)"
                case "ratio":
                    return f"ratio({given[0]}, {given[1]}, {self.as_type(node.arguments[2], kind)})"
            return f"absolute({given[0]})" if kind.kind != "int" else f"abs({given[0]})"
        of = self.code(node.of)
        match node.name:
            case "size":
                return f"len({of})"
            case "sum" if kind.kind == "money":
                return f"sum_money({of}, {self.constant(Money.zero(self.currency))})"
            case "sum":
                return f"sum_{kind.kind}({of})"
            case "orValue":
                instead = self.as_type(node.arguments[0], kind)
                # Looking a fact up twice is cheaper than a call.
                return f"({instead} if {of} is None else {of})" if path_of(node.of) else f"or_value({of}, {instead})"
            case "startsWith" | "endsWith":
                return f"{of}.{node.name.lower()}({self.code(node.arguments[0])})"
            case "contains":
                return f"({self.code(node.arguments[0])} in {of})"
        return self.loop(node, of)

    def loop(self, node: Call, of: str) -> str:
        name = node.arguments[0]
        assert isinstance(name, Name)  # noqa: S101 - the checker refuses anything else
        self.items.add(name.name)
        item, body = f"item_{name.name}", self.code(node.arguments[1])
        self.items.discard(name.name)
        match node.name:
            case "all" | "exists":
                return f"{'all' if node.name == 'all' else 'any'}({body} for {item} in {of})"
            case "exists_one":
                return f"(sum(1 for {item} in {of} if {body}) == 1)"
            case "filter":
                return f"tuple({item} for {item} in {of} if {body})"
            case _:
                return f"tuple({body} for {item} in {of})"


def operands(node: Binary) -> list[Node]:
    """What a row of && (or of ||) joins, from left to right."""
    found: list[Node] = []
    for side in (node.left, node.right):
        found += operands(side) if isinstance(side, Binary) and side.sign == node.sign else [side]
    return found


def _constant_of(node: Node) -> int | Decimal | None:
    """The number that a node is, written out, perhaps with a minus."""
    if isinstance(node, Unary) and node.sign == "-":
        inner = _constant_of(node.operand)
        return None if inner is None else -inner
    if isinstance(node, Constant) and isinstance(node.value, int | Decimal):
        return node.value
    return None
