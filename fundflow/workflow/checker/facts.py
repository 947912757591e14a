"""The facts that expressions read, with the values worth trying for each: those at which a condition may change.

Values come from what the expressions themselves compare with: each constant, the next one on either side, every option
of a choice, true and false, null and not, empty lists and short ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise, product
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression
from fundflow.workflow.expressions.nodes import (
    LOOPS,
    Binary,
    Call,
    Constant,
    Member,
    Name,
    Node,
    Unary,
    parts,
    path_of,
    walk,
)
from fundflow.workflow.expressions.types import Type

_ROOTS = frozenset(
    (
        "application round ledger bank screening reviews tasks forms timers children signatures input actor"
        " self siblings parent"
    ).split()
)
MOST_VALUES = 24
MOST_ALIKE = 4
"""Facts of one kind that can be put into every order beside the constants."""
MOST_LISTS = 64
MOST_ROWS = 16
_DAY, _MOMENT = date(2026, 6, 15), datetime(2026, 6, 15, 12, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def facts_in(expressions: Iterable[Expression]) -> dict[str, Type]:
    """Every path that they read with its type; null wherever one of them finds that it may be."""
    found: dict[str, Type] = {}
    for expression in expressions:
        for path, kind in _paths(expression.node, expression, frozenset()):
            known = found.get(path)
            nullable = kind.nullable or path in expression.answers or (known is not None and known.nullable)
            best = known if known is not None and known.options else kind
            found[path] = replace(best, nullable=nullable and kind.kind not in ("list",))
    return found


def _paths(node: Node, expression: Expression, bound: frozenset[str]) -> Iterator[tuple[str, Type]]:
    path = path_of(node)
    if path is not None:
        if path.partition(".")[0] not in bound:
            yield path, expression.compiler.kind(node)
        return
    if isinstance(node, Call) and node.of is not None and node.name in LOOPS:
        item, body = node.arguments
        yield from _paths(node.of, expression, bound)
        yield from _paths(body, expression, bound | {item.name} if isinstance(item, Name) else bound)
        return
    for inner in parts(node):
        yield from _paths(inner, expression, bound)


def nested(values: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Facts as expressions read them, from values by path. What lies within a null is left out; today follows now."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        *before, last = path.split(".")
        inner: Any = found
        for name in before:
            inner = inner.setdefault(name, {})
            if inner is None:
                break
        if inner is not None and last not in inner:
            inner[last] = value
        elif inner is not None and value is None:
            inner[last] = None
    if "now" in found and "today" in found:
        found["today"] = found["now"].astimezone(zone).date()
    return found


@dataclass
class Pools:
    """The values to try for each path. `are_all` says that no others could make a difference."""

    currency: str
    constants: dict[str, list[Any]] = field(default_factory=dict)
    lengths: list[timedelta] = field(default_factory=list)
    alike: dict[str, int] = field(default_factory=dict)
    """How many paths there are of each kind."""
    columns: set[str] = field(default_factory=set)
    """The fields that are read of the items of lists."""
    written: tuple[str, ...] = ()
    """The texts that the expressions themselves name."""
    are_all: bool = True

    @classmethod
    def of(
        cls, expressions: Sequence[Expression], facts: Mapping[str, Type], currency: str, fixed: Iterable[Any] = ()
    ) -> Pools:
        """From what the expressions compare with, and from values that are `fixed` already."""
        found = cls(currency)
        for value in fixed:
            if fitting := _kind(value):
                found.constants.setdefault(fitting, []).append(value)
        for expression in expressions:
            for node in walk(expression.node):
                found._learn(node, expression)
        written = tuple(found.constants.get("string", []))
        for kind in facts.values():
            name = "number" if kind.is_number else kind.kind
            found.alike[name] = found.alike.get(name, 0) + 1
            found.are_all &= kind.kind not in ("list", "record", "instant")
            texts = found.constants.setdefault("string", [])
            texts += [option for option in kind.options if option not in texts]
            if kind.kind == "list" and kind.item is not None:
                columns = kind.item.fields.values() if kind.item.kind == "record" else [kind.item]
                if any(column.kind == "string" for column in columns):
                    found.alike["string"] = found.alike.get("string", 0) + 2
        found.written = written
        found.are_all &= all(
            count <= MOST_ALIKE
            for kind, count in found.alike.items()
            if kind not in ("bool", "string", "list", "record")
        )
        found.are_all &= not {"now", "today"} <= facts.keys()
        return found

    def _learn(self, node: Node, expression: Expression) -> None:
        match node:
            case Constant(value=Duration() as length):
                self.lengths.append(timedelta(days=length.days + 30 * length.months, minutes=length.minutes))
                self.are_all = False
            case Constant(value=value) if value is not None:
                self._know(expression.compiler.kind(node).kind, value)
            case Unary(sign="-", operand=Constant(value=int() | Decimal() as value) as operand):
                self._know(expression.compiler.kind(operand).kind, -value)
            case Unary(sign="-"):
                self.are_all = False
            case Member(of=Name(name=name), name=column) if name not in _ROOTS:
                self.columns.add(column)
            case Call(name=name) if name not in ("has", "orValue"):
                self.are_all = False
            case Binary(sign="+" | "-" | "*" | "/" | "%"):
                self.are_all = False

    def _know(self, kind: str, value: Any) -> None:
        known = self.constants.setdefault(kind, [])
        if value not in known:
            known.append(value)

    def values(self, kind: Type) -> tuple[Any, ...]:
        """The values of a type that are worth trying, the plainest first."""
        found = list(self._solid(kind))
        most = MOST_VALUES if kind.kind != "list" else MOST_LISTS
        self.are_all &= len(found) <= most
        found = found[:most]
        return (*found, None) if kind.nullable else tuple(found)

    def _solid(self, kind: Type) -> list[Any]:
        if kind.options:
            return [
                *(one for one in self.written if one in kind.options),
                *(o for o in kind.options if o not in self.written),
            ]
        match kind.kind:
            case "bool":
                return [True, False]
            case "int":
                return self._around(kind, sorted({*(floor(number) for number in self._numbers()), 0}), 1)
            case "decimal":
                numbers = sorted({Decimal(str(number)) for number in {*self._numbers(), 0}})
                gaps = [later - earlier for earlier, later in pairwise(numbers)]
                return self._around(kind, numbers, min([Decimal("0.01"), *(gap / 8 for gap in gaps)]))
            case "money":
                amounts = {one.minor for one in self.constants.get("money", [])}
                spread = self._around(kind, sorted({*amounts, 0}), 1)
                more = [1_000, 100_000, 5_000_000] if not self.are_all or not amounts else []
                return [Money(minor, self.currency) for minor in dict.fromkeys([*more, *spread])]
            case "date":
                return self._times(_DAY, self.constants.get("date", []), timedelta(days=1))
            case "instant":
                return self._times(_MOMENT, self.constants.get("instant", []), _TICK)
            case "string":
                written = self.constants.get("string", [])
                return [*written, *(f"other {n}" for n in range(1, 1 + self.alike.get("string", 1)))]
            case "list" if kind.item is not None:
                return list(self._lists(kind.item))
        return []

    def _around(self, kind: Type, constants: list[Any], step: Any) -> list[Any]:
        """Each constant, and as many steps on either side as it takes to put all facts of the kind in any order."""
        count = self.alike.get("number" if kind.is_number else kind.kind, 1)
        # One more, for a constant that lies between two whole numbers.
        steps = range(1, 2 + max(1, min(count, MOST_ALIKE)))
        near = [constant + sign * many * step for many in steps for constant in constants for sign in (1, -1)]
        return list(dict.fromkeys([*constants, *near]))

    def _numbers(self) -> set[Any]:
        return {*self.constants.get("int", []), *self.constants.get("decimal", [])}

    def _times(self, usual: Any, written: list[Any], step: timedelta) -> list[Any]:
        bases = sorted(set(written)) or [usual]
        found = [usual, *bases]
        lengths = (*self.lengths, *(step * many for many in range(1, 1 + min(self.alike.get("date", 1), MOST_ALIKE))))
        for base, length in product(bases, lengths):
            for moved in (length, -length, length + step, -length - step):
                with suppress(OverflowError):  # the end of the calendar
                    found.append(base + moved)
        return list(dict.fromkeys(found))

    def _lists(self, item: Type) -> Iterator[tuple[Any, ...]]:
        """None, one and two items."""
        yield ()
        if item.kind == "record":
            pools = [self.values(kind)[: 4 if name in self.columns else 1] for name, kind in item.fields.items()]
            rows = [dict(zip(item.fields, row, strict=True)) for row in islice(product(*pools), 4_096)]
        else:
            rows = list(self.values(item))
        few = rows[:: max(1, len(rows) // MOST_ROWS)][:MOST_ROWS]
        yield from ((row,) for row in few)
        # Two that differ in the last column, and two that differ in the first.
        for apart in dict.fromkeys((1, max(1, len(few) // 4), max(1, len(few) // 2))):
            yield from ((one, other) for one, other in zip(few, few[apart:], strict=False))


def _kind(value: Any) -> str | None:
    """What kind of constant a value would be; None for those that are nothing to compare with."""
    match value:
        case bool() | None:
            return None
        case int():
            return "int"
        case Decimal():
            return "decimal"
        case Money():
            return "money"
        case str():
            return "string"
        case datetime():
            return "instant"
        case date():
            return "date"
    return None
