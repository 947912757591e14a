"""The tree of an expression, and writing a tree back as text.

A tree says nothing about types: whether it means anything is decided by the checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fundflow.money import Money
from fundflow.workflow.durations import Duration


class ExpressionError(Exception):
    """A mistake in an expression, `at` so many characters from its beginning."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool | int | Decimal | str | Money | date | Duration | None
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


_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t"}


def write(node: Node) -> str:
    """The text of a tree; parsing it gives the same tree again (but for positions)."""
    match node:
        case Constant(value=str() as text):
            return "'" + "".join(_ESCAPES.get(c, c) for c in text) + "'"
        case Constant(value=Money() as money):
            return f'money("{money.amount}")'
        case Constant(value=Duration() as duration):
            return f'duration("{duration}")'
        case Constant(value=date() as day):
            return f'date("{day.isoformat()}")'
        case Constant(value=bool() | None as word):
            return {True: "true", False: "false", None: "null"}[word]
        case Constant(value=Decimal() as number):
            plain = format(number, "f")
            return plain if "." in plain else f"{plain}.0"
        case Constant(value=value):
            return str(value)
        case Name(name=name):
            return name
        case Member(of=of, name=name):
            return f"{write(of)}.{name}"
        case Call(of=of, name=name, arguments=arguments):
            inside = ", ".join(map(write, arguments))
            return f"{name}({inside})" if of is None else f"{write(of)}.{name}({inside})"
        case Unary(sign=sign, operand=operand):
            return f"({sign}{write(operand)})"
        case Binary(sign=sign, left=left, right=right):
            return f"({write(left)} {sign} {write(right)})"
        case Choice(test=test, yes=yes, no=no):
            return f"({write(test)} ? {write(yes)} : {write(no)})"
        case Items(items=items):
            return f"[{', '.join(map(write, items))}]"
