"""The tree of an expression, and writing a tree back as text.

A tree says nothing about types: whether it means anything is decided by the checker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from fundflow.money import Money
from fundflow.workflow.durations import Duration


class ExpressionError(Exception):
    """A mistake in an expression, `at` so many characters from its beginning.

    Its `code` in a list of problems is FF110; FF120 is a text that the fact can never be.
    """

    def __init__(self, message: str, at: int, code: str = "FF110") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.code = code


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool | int | Decimal | str | Money | date | datetime | Duration | None
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    of: Node
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or a method where `of` is given."""

    of: Node | None
    name: str
    arguments: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    sign: str
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """``test ? yes : no``."""

    test: Node
    yes: Node
    no: Node
    at: int


@dataclass(frozen=True, slots=True)
class Items:
    """``[a, b]``."""

    items: tuple[Node, ...]
    at: int


Node = Constant | Name | Member | Call | Unary | Binary | Choice | Items


def path_of(node: Node) -> str | None:
    """``application.requested`` where the node is a plain chain of names."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Member):
        before = path_of(node.of)
        return None if before is None else f"{before}.{node.name}"
    return None


def parts(node: Node) -> tuple[Node, ...]:
    """What a node is made of, from left to right; the item's name in a loop is none of it."""
    match node:
        case Member(of=of):
            return (of,)
        case Call(of=of, arguments=arguments):
            inside = arguments[1:] if node.name in LOOPS and of is not None else arguments
            return inside if of is None else (of, *inside)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Choice(test=test, yes=yes, no=no):
            return (test, yes, no)
        case Items(items=items):
            return items
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and everything inside it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(parts(one)))


def height(node: Node) -> int:
    """How many nodes stand inside each other at most."""
    found, level = 0, [node]
    while level:
        found += 1
        level = [inner for one in level for inner in parts(one)]
    return found


def paths_in(node: Node, without: frozenset[str] = frozenset()) -> list[str]:
    """The facts a node looks at as dotted paths, in order, each once; `without` are names of items around it."""
    path = path_of(node)
    if path is not None:
        return [] if path.partition(".")[0] in without else [path]
    if isinstance(node, Call) and node.of is not None and node.name in LOOPS:
        item, body = node.arguments
        bound = without | {item.name} if isinstance(item, Name) else without
        found = [*paths_in(node.of, without), *paths_in(body, bound)]
    else:
        found = [path for inner in parts(node) for path in paths_in(inner, without)]
    return list(dict.fromkeys(found))


LOOPS = ("all", "exists", "exists_one", "filter", "map")
STRENGTH = {
    "||": 2,
    "&&": 3,
    **dict.fromkeys(["==", "!=", "<", "<=", ">", ">=", "in"], 4),
    **dict.fromkeys(["+", "-"], 5),
    **dict.fromkeys(["*", "/", "%"], 6),
}
CHOICE, COMPARISON, SIGNED = 1, 4, 7

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t"}


def write(node: Node) -> str:
    """The text of a tree, with no more brackets than it needs; parsing it gives the same tree but for positions."""
    return _written(node, 0)


def _written(node: Node, around: int) -> str:
    """In brackets where what stands `around` it binds as strongly."""
    match node:
        case Constant(value=value):
            return _constant(value)
        case Name(name=name):
            return name
        case Member(of=of, name=name):
            return f"{_written(of, SIGNED)}.{name}"
        case Call(of=of, name=name, arguments=arguments):
            inside = ", ".join(map(write, arguments))
            return f"{name}({inside})" if of is None else f"{_written(of, SIGNED)}.{name}({inside})"
        case Items(items=items):
            return f"[{', '.join(map(write, items))}]"
        case Unary(sign=sign, operand=operand):
            return _within(f"{sign}{_written(operand, SIGNED - 1)}", SIGNED, around)
        case Binary(sign=sign, left=left, right=right):
            own = STRENGTH[sign]
            before = own if own == COMPARISON else own - 1
            return _within(f"{_written(left, before)} {sign} {_written(right, own)}", own, around)
        case Choice(test=test, yes=yes, no=no):
            text = f"{_written(test, CHOICE)} ? {write(yes)} : {write(no)}"
            return _within(text, CHOICE, around)


def _within(text: str, own: int, around: int) -> str:
    return text if own > around else f"({text})"


def _constant(value: object) -> str:
    match value:
        case str():
            return "'" + "".join(_ESCAPES.get(c, c) for c in value) + "'"
        case Money():
            return f'money("{value.amount:f}")'
        case Duration():
            return f'duration("{value}")'
        case datetime():
            return f'instant("{value.isoformat()}")'
        case date():
            return f'date("{value.isoformat()}")'
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case Decimal():
            plain = format(value, "f")
            return plain if "." in plain else f"{plain}.0"
        case _:
            return str(value)
