"""An expression as a fragment of a sentence, in English or French, for readers who are no programmers.

“the amount asked for is at most the cap of the round, and the city’s country is one of the countries of the round”.
Every fact that the expression reads is named in it: by the caller's label, by a phrase of ours, or by its name in
quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fundflow.workflow import sentences
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression, phrases
from fundflow.workflow.expressions.compile import Compiler, operands
from fundflow.workflow.expressions.nodes import (
    LOOPS,
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
    walk,
)
from fundflow.workflow.text import Text

Labels = Mapping[str, Text | str]
"""How facts are called, by path. Columns of a list stand under the list's path, and the options of a choice under the
fact's own: ``children.tranche.state`` and ``children.tranche.state.paid``."""

_FLAT = ("+", "-", "*", "/", "%")


def in_words(expression: Expression, language: str, labels: Labels | None = None, part: Node | None = None) -> str:
    """The whole expression, or a `part` of it, such as a `Reason` names. Other languages are told in English."""
    teller = _Teller(expression.compiler, language, labels or {})
    return teller.condition(part or expression.node)


def fact_in_words(path: str, language: str, labels: Labels | None = None) -> str:
    """How one fact is called; never empty."""
    labels = labels or {}
    spoken = _spoken(language)
    if path in labels:
        return _said(labels[path], language)
    if path in phrases.FACTS:
        return phrases.FACTS[path].in_(spoken)
    root, *names = path.split(".")
    if root == "reviews" and len(names) == 2 and names[1] in phrases.REVIEWS:
        return phrases.REVIEWS[names[1]].in_(spoken).format(a=_quoted(names[0], spoken))
    if root == "timers":
        names = names[:1]
    about = phrases.ROOTS.get(root)
    if about is None or not names:
        return _quoted(" ".join([root, *names]), spoken)
    return about.in_(spoken).format(a=_quoted(" ".join(names), spoken))


def _said(label: Text | str, language: str) -> str:
    return label if isinstance(label, str) else label.in_(language)


def _spoken(language: str) -> str:
    return language if language.replace("_", "-").partition("-")[0] in phrases.LANGUAGES else "en"


def _quoted(name: str, language: str) -> str:
    return phrases.QUOTED.in_(language).format(a=name.replace("_", " "))


@dataclass(frozen=True, slots=True)
class _Loop:
    """An item of a list: how it is called where it stands for itself, and the path of its list, if it has one."""

    name: str
    path: str | None


@dataclass
class _Teller:
    compiler: Compiler
    language: str
    labels: Labels
    loops: dict[str, _Loop] = field(default_factory=dict)

    def say(self, phrase: Text, **places: str) -> str:
        return phrase.in_(_spoken(self.language)).format(**places)

    def kind(self, node: Node) -> str:
        return self.compiler.kind(node).kind

    def condition(self, node: Node, holds: bool = True) -> str:
        """A node that is true or false (or, at the top, any other), said to hold or not to."""
        match node:
            case Unary(sign="!", operand=operand):
                return self.condition(operand, not holds)
            case Constant(value=bool() as value):
                return self.say(phrases.ALWAYS if value is holds else phrases.NEVER)
            case Binary(sign="&&" | "||" as sign):
                word = self.say(phrases.AND if sign == "&&" else phrases.OR)
                joined = word.join(self.inner(one) for one in operands(node))
                return joined if holds else self.say(phrases.NOT, a=joined)
            case Binary(sign="==" | "!=" | "<" | "<=" | ">" | ">="):
                return self.comparison(node, holds)
            case Binary(sign="in", left=left, right=right):
                phrase = phrases.IN if holds else phrases.NOT_IN
                return self.say(phrase, a=self.value(left, right), b=self.value(right, left))
            case Call(of=None, name="has", arguments=(asked,)):
                return self.say(phrases.GIVEN if holds else phrases.NOT_GIVEN, a=self.value(asked))
            case Call(of=of, name=name, arguments=arguments) if of is not None and name in phrases.TESTS:
                table = phrases.TESTS if holds else phrases.FAILED_TESTS
                return self.say(table[name], a=self.value(of), b=self.value(arguments[0], of))
            case Call(of=of, name="all" | "exists" | "exists_one" as name) if of is not None:
                return self.loop(node, (phrases.LOOPS if holds else phrases.FAILED_LOOPS)[name])
            case Choice(test=test, yes=yes, no=no):
                told = self.say(phrases.IF, c=self.inner(test), a=self.inner(yes), b=self.inner(no))
                return told if holds else self.say(phrases.NOT, a=told)
        if self.kind(node) != "bool":
            return self.value(node)
        return self.say(phrases.YES if holds else phrases.NO, a=self.value(node))

    def inner(self, node: Node) -> str:
        """A part of a condition, in brackets where one could not hear where it ends."""
        told = self.condition(node)
        within = node.operand if isinstance(node, Unary) else node
        is_row = isinstance(node, Binary) and node.sign in ("&&", "||")
        is_loop = isinstance(within, Call) and within.of is not None and within.name in LOOPS
        return f"({told})" if is_row or is_loop or isinstance(node, Choice) else told

    def comparison(self, node: Binary, holds: bool) -> str:
        sign = node.sign if holds else phrases.OPPOSITES[node.sign]
        sides = (node.left, node.right)
        nulls = [isinstance(side, Constant) and side.value is None for side in sides]
        if any(nulls):
            known = self.value(node.left if nulls[1] else node.right)
            return self.say(phrases.NOT_GIVEN if sign == "==" else phrases.GIVEN, a=known)
        kind = self.kind(node.left)
        if kind == "bool":
            return self.say(phrases.CONDITIONS[sign], a=self.condition(node.left), b=self.condition(node.right))
        table = phrases.TIMES if kind in ("date", "instant", "string") else phrases.AMOUNTS
        return self.say(table[sign], a=self.value(node.left, node.right), b=self.value(node.right, node.left))

    def value(self, node: Node, beside: Node | None = None) -> str:
        """Anything that is compared, counted or computed; a text `beside` a choice is told by the option's label."""
        match node:
            case Constant(value=value):
                return self.constant(value, beside)
            case Name() | Member():
                return self.fact(node)
            case Unary(sign="-", operand=operand):
                return self.say(phrases.NEGATIVE, a=self.operand(operand))
            case Binary(sign=sign, left=left, right=right) if sign in _FLAT:
                return self.say(self.arithmetic(node), a=self.operand(left), b=self.operand(right))
            case Choice(test=test, yes=yes, no=no):
                places = {"a": self.value(yes, beside), "b": self.value(no, beside)}
                return f"({self.say(phrases.IF, c=self.inner(test), **places)})"
            case Items(items=items):
                *most, last = [self.value(item, beside) for item in items]
                return self.say(phrases.LAST).join([*([self.say(phrases.LISTED).join(most)] if most else []), last])
            case Call():
                return self.call(node)
        return f"({self.condition(node)})"

    def operand(self, node: Node) -> str:
        told = self.value(node)
        return f"({told})" if isinstance(node, Binary) else told

    def arithmetic(self, node: Binary) -> Text:
        if self.kind(node.right) == "duration":
            return phrases.LATER if node.sign == "+" else phrases.EARLIER
        if self.kind(node) == "duration":
            return phrases.BETWEEN
        return phrases.ARITHMETIC[node.sign]

    def call(self, node: Call) -> str:
        given = node.arguments
        match node.name:
            case "abs" if node.of is None:
                return self.say(phrases.SIZE, a=self.operand(given[0]))
            case "ratio" if node.of is None:
                a, b, c = map(self.operand, given)
                return f"({self.say(phrases.RATIO, a=a, b=b, c=c)})"
            case "orValue" if node.of is not None:
                return self.say(phrases.OR_VALUE, a=self.value(node.of), b=self.value(given[0], node.of))
            case "sum" if node.of is not None:
                return self.say(phrases.SUM, a=self.value(node.of))
            case "size" if node.of is not None:
                if isinstance(node.of, Call) and node.of.name == "filter":
                    return self.loop(node.of, phrases.COUNT_WHERE)
                phrase = phrases.LENGTH if self.kind(node.of) == "string" else phrases.COUNT
                return self.say(phrase, a=self.value(node.of))
            case "filter" | "map" as name:
                return f"({self.loop(node, phrases.LOOPS[name])})"
        return f"({self.condition(node)})"

    def loop(self, node: Call, phrase: Text) -> str:
        """With the item's own name where loops stand inside each other, else just “item”."""
        assert node.of is not None  # noqa: S101 - a loop always goes through something
        item, body = node.arguments
        assert isinstance(item, Name)  # noqa: S101 - the checker refuses anything else
        is_nested = bool(self.loops) or any(isinstance(one, Call) and one.name in LOOPS for one in walk(body))
        over = self.value(node.of)
        name = _quoted(item.name, _spoken(self.language)) if is_nested else ""
        self.loops[item.name] = _Loop(name, self.listed(node.of))
        told = self.condition(body)
        del self.loops[item.name]
        return self.say(phrase, i=name or self.say(phrases.AN_ITEM), a=over, b=told)

    def listed(self, node: Node) -> str | None:
        """The path of the list that a loop goes through, also where it was filtered before."""
        if isinstance(node, Call) and node.name == "filter" and node.of is not None:
            return self.listed(node.of)
        path = path_of(node)
        if path is None:
            return None
        root, _, rest = path.partition(".")
        if root in self.loops:
            above = self.loops[root].path
            return f"{above}.{rest}" if above else None
        return path

    def fact(self, node: Name | Member) -> str:
        path = path_of(node)
        if path is None:
            assert isinstance(node, Member)  # noqa: S101 - a bare name always has a path
            return self.say(phrases.OF_OUTER, a=_quoted(node.name, _spoken(self.language)), b=self.value(node.of))
        root, _, rest = path.partition(".")
        loop = self.loops.get(root)
        if loop is None:
            return fact_in_words(path, self.language, self.labels)
        if not rest:
            return loop.name or self.say(phrases.ITEM)
        label = self.labels.get(f"{loop.path}.{rest}")
        told = _said(label, self.language) if label else _quoted(rest.replace(".", " "), _spoken(self.language))
        return self.say(phrases.OF_OUTER, a=told, b=loop.name) if loop.name else told

    def constant(self, value: Any, beside: Node | None) -> str:
        spoken = _spoken(self.language)
        match value:
            case None:
                return self.say(phrases.NOTHING)
            case Duration():
                return _length(value, spoken)
            case str():
                label = self.option(value, beside)
                return _said(label, self.language) if label else phrases.QUOTED.in_(spoken).format(a=value)
            case date():
                return self.say(phrases.DAY, a=sentences.shown(value, spoken))
        return sentences.shown(value, spoken)

    def option(self, value: str, beside: Node | None) -> Text | str | None:
        path = path_of(beside) if beside is not None else None
        if path is None:
            return None
        root, _, rest = path.partition(".")
        loop = self.loops.get(root)
        if loop is not None:
            path = f"{loop.path}.{rest}" if rest else str(loop.path)
        return self.labels.get(f"{path}.{value}")


def _length(length: Duration, language: str) -> str:
    """``3 months`` in the reader's language; every length in an expression was written that way."""
    count, _, unit = str(length).partition(" ")
    table = phrases.ONE_UNIT if count == "1" else phrases.UNITS
    return f"{count} {table[unit.removesuffix('s')].in_(language)}"
