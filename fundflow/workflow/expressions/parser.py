"""Tokens into a tree, by binding strength: ``? :`` binds weakest, then || && comparisons + - * / % and signs.

Refuses chained comparisons, and depth beyond what a person can read.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from fundflow.errors import Refused
from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions.lexer import Token, tokens
from fundflow.workflow.expressions.nodes import (
    CHOICE,
    COMPARISON,
    SIGNED,
    STRENGTH,
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
    height,
)

_WORDS = {"true": True, "false": False, "null": None}
_EXAMPLES = {
    "money": '"100.00"',
    "date": '"2026-12-31"',
    "instant": '"2026-12-31T17:00:00-05:00"',
    "duration": '"30 days"',
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})")
DEEPEST = 40
"""How many brackets may stand inside each other."""
TALLEST = 64
"""How many steps may stand on each other, such as conditions joined in a row."""


def parse(source: str, currency: str) -> Node:
    """The tree of an expression; amounts written in it are in `currency`. ExpressionError at the first mistake."""
    node = _Parser(tokens(source), currency).whole()
    if height(node) > TALLEST:
        raise ExpressionError(
            f"this expression has more than {TALLEST} steps in a row; make several conditions of it", 0
        )
    return node


class _Parser:
    def __init__(self, found: list[Token], currency: str) -> None:
        self.tokens = found
        self.position = 0
        self.depth = 0
        self.currency = currency

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.next
        self.position += 1
        return token

    def takes(self, sign: str) -> bool:
        if self.next.kind == "sign" and self.next.text == sign:
            self.position += 1
            return True
        return False

    def expect(self, sign: str, why: str) -> None:
        if not self.takes(sign):
            raise ExpressionError(f"{sign} is missing {why}", self.next.at)

    def whole(self) -> Node:
        if self.next.kind == "end":
            raise ExpressionError("an expression is missing here", 0)
        node = self.expression(0)
        if self.next.kind != "end":
            raise ExpressionError(f"'{self.next.text}' is not expected here", self.next.at)
        return node

    def expression(self, weakest: int) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError("this expression is nested too deeply", self.next.at)
        left = self.operand()
        while True:
            token = self.next
            sign = token.text if _is_sign(token) else ""
            if sign == "?" and weakest <= CHOICE:
                self.take()
                yes = self.expression(CHOICE)
                self.expect(":", "after ? and what holds if yes")
                left = Choice(left, yes, self.expression(CHOICE), token.at)
                continue
            strength = STRENGTH.get(sign, -1)
            if strength <= weakest:
                break
            self.take()
            right = self.expression(strength)
            left = Binary(sign, left, right, token.at)
            if strength == COMPARISON and _is_sign(self.next) and STRENGTH.get(self.next.text) == COMPARISON:
                raise ExpressionError("comparisons do not chain; join two of them with &&", self.next.at)
        self.depth -= 1
        return left

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "sign" and token.text in "!-":
            return Unary(token.text, self.expression(SIGNED), token.at)
        node: Node
        match token.kind:
            case "integer":
                node = Constant(int(token.text), token.at)
            case "decimal":
                node = Constant(Decimal(token.text), token.at)
            case "text":
                node = Constant(token.text, token.at)
            case "name" if token.text == "in":
                raise ExpressionError("'in' needs something on its left", token.at)
            case "name":
                node = self.name(token)
            case "sign" if token.text == "(":
                node = self.expression(0)
                self.expect(")", "to close the (")
            case "sign" if token.text == "[":
                node = Items(self.arguments("]"), token.at)
            case _:
                what = f"before '{token.text}'" if token.kind != "end" else "at the end"
                raise ExpressionError(f"something is missing {what}", token.at)
        return self.members(node)

    def name(self, token: Token) -> Node:
        if token.text in _WORDS:
            return Constant(_WORDS[token.text], token.at)
        if not self.takes("("):
            return Name(token.text, token.at)
        arguments = self.arguments(")")
        if token.text in _EXAMPLES:
            return self.literal(token, arguments)
        return Call(None, token.text, arguments, token.at)

    def literal(self, token: Token, arguments: tuple[Node, ...]) -> Node:
        written = arguments[0].value if len(arguments) == 1 and isinstance(arguments[0], Constant) else None
        value = _literal(token.text, written, self.currency) if isinstance(written, str) else None
        if value is None:
            raise ExpressionError(f"write {token.text}({_EXAMPLES[token.text]})", token.at)
        return Constant(value, token.at)

    def members(self, node: Node) -> Node:
        while self.takes("."):
            token = self.take()
            if token.kind != "name":
                raise ExpressionError("a name is missing after the dot", token.at)
            if self.takes("("):
                node = Call(node, token.text, self.arguments(")"), token.at)
            else:
                node = Member(node, token.text, token.at)
        if self.next.text == "[" and self.next.kind == "sign":
            raise ExpressionError("[ ] cannot pick from a list; use all, exists or in", self.next.at)
        return node

    def arguments(self, closing: str) -> tuple[Node, ...]:
        if self.takes(closing):
            return ()
        found = [self.expression(0)]
        while self.takes(","):
            found.append(self.expression(0))
        self.expect(closing, "to close the list")
        return tuple(found)


def _is_sign(token: Token) -> bool:
    return token.kind == "sign" or (token.kind == "name" and token.text == "in")


def _literal(name: str, written: str, currency: str) -> Money | date | datetime | Duration | None:
    """The value written between the quotes, or None; a moment must say its offset, so it means one moment only."""
    try:
        match name:
            case "money":
                return Money.of(written, currency)
            case "date":
                return date.fromisoformat(written) if _DATE.fullmatch(written) else None
            case "instant":
                return datetime.fromisoformat(written).astimezone(UTC) if _INSTANT.fullmatch(written) else None
            case _:
                return Duration.parse(written, working=False)
    except (Refused, ValueError, OverflowError):
        return None
