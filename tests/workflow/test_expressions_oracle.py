"""Generated expressions mean the same to this engine and to cel-cpp, Google's own CEL, through `cel_expr_python`.

What is counted: an evaluation is one generated expression over one set of facts. In one share of the run no expression
and no set of facts comes twice, and no two shares have the same facts, so all evaluations are distinct. Both sides
compile the same text (but for two spellings, below) and the answers must be equal in value and in kind.

Common subset, which is generated: whole numbers, texts with every kind of character, true and false, null checks,
moments and lengths of time, lists of these and of records; ``&& || ! ? :``, comparisons, ``in``, ``+ - * / %``,
brackets, ``size startsWith endsWith contains``, ``all exists exists_one filter map``, also inside each other.

Deviations from CEL, which are not generated (docs/expressions.md explains each to authors):

- ``1.5`` is an exact decimal, not a double; ``7 / 2`` is 3.5, not 3, so ``/`` is generated only where nothing is left
  over;
- whole numbers have no largest one: where cel-cpp says that 64 bits overflow, there is nothing to compare (counted, a
  few in a thousand at most);
- a moment is written ``instant("…Z")`` rather than ``timestamp("…Z")``, a length of time ``duration("90 minutes")``
  rather than ``duration("90m")``: translated word by word for cel-cpp;
- money, dates, ``sum abs ratio orValue`` do not exist in CEL; ``has(x.y)`` asks whether a value is there, in CEL of a
  map only whether the key is;
- texts have no order, lists are not equal to each other, nothing is picked by ``[ ]``, texts are not joined by ``+``;
- in CEL a test that fails is forgiven where another decides, as in ``1 / 0 > 0 || true``; here nothing fails;
- what CEL finds when it runs is refused before: names that do not exist, values that may be null, divisors that may be
  0, kinds that do not go together (cel-cpp gives values of type ERROR; none may occur here but the overflow).

    python -m tests.workflow.test_expressions_oracle 16    compares four times as many
"""

from __future__ import annotations

import random
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cel_expr_python import cel

from fundflow.workflow.expressions import BOOL, INSTANT, INT, STRING, compile_expression, list_of, record, write
from fundflow.workflow.expressions.nodes import Constant

SHARES = 4
"""The run is split, so that processes can share it."""
EXPRESSIONS, SITUATIONS = 6_500, 4
"""Of each share: 4 x 6,500 expressions x 4 sets of facts are 104,000 evaluations of 26,000 expressions."""
SUBSET = (
    "&& || ! ? : == != < <= > >= in + - * / % null [ size startsWith endsWith contains all exists exists_one filter map"
)

ROW = record({"n": INT, "s": STRING, "b": BOOL, "m": INT.or_null()})
TYPES = {
    "v": record(
        {
            "i": INT,
            "j": INT,
            "b": BOOL,
            "c": BOOL,
            "s": STRING,
            "t": STRING,
            "m": INT.or_null(),
            "o": STRING.or_null(),
            "ints": list_of(INT, 5),
            "texts": list_of(STRING, 5),
            "rows": list_of(ROW, 5),
        }
    ),
    "at": INSTANT,
    "then": INSTANT,
}
CEL = cel.NewEnv(
    variables={
        "v": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        "at": cel.Type.TIMESTAMP,
        "then": cel.Type.TIMESTAMP,
    }
)
LETTERS = ["a", "b", "B", "é", "\u0301", "😀", "'", '"', "\\", "\n", "\t", "{", " ", "中"]
ORDER = ["<", "<=", ">", ">=", "==", "!="]
LENGTHS = {"minutes": ("m", 1), "hours": ("h", 1), "days": ("h", 24), "weeks": ("h", 168)}


class Author:
    """Writes well-typed expressions; `items` are the names of the items of the loops around, by type.

    At most three loops stand inside each other, so that no expression costs too much.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.items: dict[str, list[str]] = {"int": [], "string": [], "row": []}
        self.loops = 0

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def text(self) -> str:
        return "".join(self.random.choices(LETTERS, k=self.random.choice([0, 1, 1, 2, 3])))

    def moment(self) -> datetime:
        days = timedelta(minutes=self.random.randrange(60 * 24 * 500), seconds=self.random.choice([0, 0, 1, 59]))
        return datetime(2026, 1, 1, tzinfo=UTC) + days

    def condition(self, deep: int) -> str:
        inner = deep - 1
        if deep <= 0:
            return str(self.one("v.b", "v.c", "true", "false", *(f"{row}.b" for row in self.items["row"])))
        match self.random.randrange(15):
            case 0 | 1:
                return f"({self.condition(inner)} && {self.condition(inner)})"
            case 2 | 3:
                return f"({self.condition(inner)} || {self.condition(inner)})"
            case 4:
                return f"!{self.condition(inner)}"
            case 5 | 6:
                return f"({self.number(inner)} {self.one(*ORDER)} {self.number(inner)})"
            case 7:
                return f"({self.string(inner)} {self.one('==', '!=')} {self.string(inner)})"
            case 8:
                test = self.one("startsWith", "endsWith", "contains")
                return f"{self.string(inner)}.{test}({self.string(0)})"
            case 9:
                kind = self.one("int", "string")
                return f"({self.of(kind, inner)} in {self.list_of(kind, inner)})"
            case 10:
                return f"({self.condition(inner)} ? {self.condition(inner)} : {self.condition(inner)})"
            case 11:
                return f"({self.condition(inner)} {self.one('==', '!=')} {self.condition(inner)})"
            case 12:
                return self.about_null(inner)
            case 13:
                return self.about_time(inner)
            case _ if self.loops < 3:
                kind = self.one("int", "string", "row")
                return self.loop(kind, self.one("all", "exists", "exists_one"), inner, self.condition)
            case _:
                return self.condition(0)

    def about_null(self, deep: int) -> str:
        rows = [(f"{row}.m", "int") for row in self.items["row"]]
        path, kind = self.one(("v.m", "int"), ("v.o", "string"), *rows)
        left, right = (path, "null") if self.one(0, 1) else ("null", path)
        is_not, is_null = f"({left} != {right})", f"({left} == {right})"
        sign = self.one(*ORDER) if kind == "int" else "=="
        use = f"{path} {sign} {self.of(kind, deep)}"
        return str(
            self.one(
                is_not,
                f"({is_not} && {use})",
                f"({is_null} || {use})",
                f"(!{is_null} && {use})",
                f"({is_null} ? {self.condition(deep)} : {use})",
            )
        )

    def length(self) -> str:
        return f'duration("{self.random.randrange(1, 90)} {self.one(*LENGTHS)}")'

    def instant(self, deep: int) -> str:
        if deep > 0 and self.one(0, 1):
            return f"({self.instant(deep - 1)} {self.one('+', '-')} {self.length()})"
        return str(self.one("at", "then", f'instant("{self.moment().isoformat()}")'))

    def about_time(self, deep: int) -> str:
        if self.one(0, 1):
            return f"({self.instant(deep)} {self.one(*ORDER)} {self.instant(deep)})"
        return f"({self.instant(deep)} - {self.instant(deep)} {self.one(*ORDER)} {self.length()})"

    def number(self, deep: int) -> str:
        inner = deep - 1
        if deep <= 0:
            items = [*self.items["int"], *(f"{row}.n" for row in self.items["row"])]
            return str(self.one("v.i", "v.j", self.random.randrange(100), *items))
        match self.random.randrange(9):
            case 0 | 1:
                return f"({self.number(inner)} {self.one('+', '-')} {self.number(inner)})"
            case 2:
                return f"({self.number(inner)} * {self.number(inner)})"
            case 3:
                return f"({self.number(inner)} % {self.one('', '-')}{self.random.randrange(1, 12)})"
            case 4:
                return f"(-{self.number(inner)})"
            case 5:
                return f"({self.condition(inner)} ? {self.number(inner)} : {self.number(inner)})"
            case 6:
                return f"{self.string(inner)}.size()"
            case 7:
                return f"{self.list_of(self.one('int', 'string', 'row'), inner)}.size()"
            case _:
                return self.number(0)

    def string(self, deep: int) -> str:
        if deep <= 0 or self.one(0, 0, 1):
            items = [*self.items["string"], *(f"{row}.s" for row in self.items["row"])]
            return str(self.one("v.s", "v.t", write(Constant(self.text(), 0)), *items))
        return f"({self.condition(deep - 1)} ? {self.string(deep - 1)} : {self.string(deep - 1)})"

    def of(self, kind: str, deep: int) -> str:
        return self.number(deep) if kind == "int" else self.string(deep)

    def list_of(self, kind: str, deep: int) -> str:
        whole = {"int": "v.ints", "string": "v.texts", "row": "v.rows"}[kind]
        if deep <= 0 or self.one(0, 1):
            if kind != "row" and self.one(0, 1):
                return f"[{', '.join(self.of(kind, 0) for _ in range(self.random.randrange(1, 4)))}]"
            return whole
        if kind != "row" and self.one(0, 1):
            over = self.one("int", "string", "row")
            if self.loops >= 3:
                return whole
            return self.loop(over, "map", deep - 1, self.number if kind == "int" else self.string)
        return whole if self.loops >= 3 else self.loop(kind, "filter", deep - 1, self.condition)

    def loop(self, kind: str, method: str, deep: int, body: Any) -> str:
        over, name = self.list_of(kind, deep - 1), f"x{self.loops}"
        self.loops += 1
        self.items[kind].append(name)
        inside = body(deep)
        self.items[kind].remove(name)
        self.loops -= 1
        return f"{over}.{method}({name}, {inside})"

    def expression(self) -> str:
        deep = self.one(1, 2, 2, 3, 3, 4)
        match self.random.randrange(12):
            case 0:
                return self.number(deep)
            case 1:
                return self.string(deep)
            case 2:
                return self.list_of(self.one("int", "string"), deep)
            case 3:
                # Divided by a constant that it was multiplied with: CEL drops what is left over, this engine does not.
                by = self.random.randrange(1, 50)
                sign = self.one("", "-")
                return f"({self.number(deep)} * {by} / {sign}{by} {self.one(*ORDER)} {self.number(deep)})"
            case _:
                return self.condition(deep)

    def facts(self) -> dict[str, Any]:
        def some(make: Any) -> list[Any]:
            return [make() for _ in range(self.random.randrange(5))]

        def number() -> int:
            return int(self.one(self.random.randrange(-9, 10), self.random.randrange(-(10**5), 10**5)))

        def row() -> dict[str, Any]:
            return {"n": number(), "s": self.text(), "b": self.one(True, False), "m": self.one(None, number())}

        return {
            "v": {
                "i": number(),
                "j": number(),
                "b": self.one(True, False),
                "c": self.one(True, False),
                "s": self.text(),
                "t": self.text(),
                "m": self.one(None, number()),
                "o": self.one(None, self.text()),
                "ints": some(number),
                "texts": some(self.text),
                "rows": some(row),
            },
            "at": self.moment(),
            "then": self.moment(),
        }


def in_cel(ours: str) -> str:
    """The same expression in CEL's spelling of moments and lengths of time."""

    def length(match: re.Match[str]) -> str:
        letter, times = LENGTHS[match[2]]
        return f'duration("{int(match[1]) * times}{letter}")'

    return re.sub(r'duration\("(\d+) (\w+)"\)', length, ours).replace('instant("', 'timestamp("')


def frozen(facts: Any) -> Any:
    """Facts as this engine gets them: lists are tuples."""
    if isinstance(facts, dict):
        return {name: frozen(one) for name, one in facts.items()}
    return tuple(map(frozen, facts)) if isinstance(facts, list) else facts


@dataclass
class Count:
    evaluated: int = 0
    overflows: int = 0
    true: int = 0
    false: int = 0


def compared(share: int) -> Count:
    """Fails at the first difference."""
    author, count = Author(share), Count()
    situations = [author.facts() for _ in range(SITUATIONS * 40)]
    assert len({repr(facts) for facts in situations}) == len(situations)
    both = [(frozen(facts), CEL.Activation(facts)) for facts in situations]
    sources: dict[str, None] = {}
    while len(sources) < EXPRESSIONS:
        sources[author.expression()] = None
    written = " ".join(sources)
    assert all(word in written for word in SUBSET.split())
    for number, source in enumerate(sources):
        ours = compile_expression(source, TYPES, "EUR")
        theirs = CEL.compile(in_cel(source))
        for turn in range(SITUATIONS):
            facts, activation = both[(number + turn * 40) % len(both)]
            answer = theirs.eval(activation)
            if answer.type() == cel.Type.ERROR:
                assert "overflow" in str(answer.value()), (source, facts, answer.value())
                count.overflows += 1
                continue
            expected, found = answer.plain_value(), ours.evaluate(facts)
            found = list(found) if isinstance(found, tuple) else found
            assert found == expected, (source, facts)
            assert type(found) is type(expected), (source, facts)
            count.evaluated += 1
            count.true += found is True
            count.false += found is False
    return count


@pytest.mark.parametrize("share", range(SHARES))
def test_it_means_the_same_as_in_cel(share: int) -> None:
    count = compared(share)
    assert count.evaluated + count.overflows == EXPRESSIONS * SITUATIONS
    assert count.overflows < 0.005 * count.evaluated
    # The conditions are no foregone conclusions.
    assert min(count.true, count.false) > 0.3 * (count.true + count.false)


def test_the_run_is_as_long_as_promised() -> None:
    assert SHARES * EXPRESSIONS * SITUATIONS * 0.995 > 100_000


def test_the_oracle_notices_a_difference() -> None:
    """Where the two differ, as documented, the comparison would say so."""
    ours = compile_expression("7 / 2 == 3", {}, "EUR")
    assert ours.evaluate({}) is False
    assert CEL.compile("7 / 2 == 3").eval(data={"v": {}, "at": None, "then": None}).plain_value() is True


if __name__ == "__main__":
    shares = int(sys.argv[1]) if len(sys.argv) > 1 else SHARES
    counts = [compared(share) for share in range(shares)]
    print(f"{shares * EXPRESSIONS:,} expressions, {sum(one.evaluated for one in counts):,} evaluations, 0 differences")
