"""Whatever is well typed passes the checker, and whatever passes never fails and is of the type that was promised.

Environments, facts and expressions are all generated: every kind of type, every null that a type allows, decimals of a
thousand digits, both ends of the calendar, empty lists, loops inside each other. The only things left out are two that
the engine reports before it evaluates: required answers that are not there, and amounts in two currencies.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import (
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    localcontext,
)
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundflow.money import Money
from fundflow.workflow.expressions import (
    BOOL,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    MONEY,
    STRING,
    Type,
    WrongExpression,
    compile_expression,
    list_of,
    parse,
    record,
    write,
)
from fundflow.workflow.expressions.explanation import explain
from fundflow.workflow.expressions.nodes import paths_in
from fundflow.workflow.expressions.words import fact_in_words, in_words

ZONES = ["UTC", "Europe/Paris", "America/Bogota", "Pacific/Apia"]
LIMITS = ("nested too deeply", "longer than", "steps")
OPTIONS = ("draft", "review", "paid")
SCALARS = [BOOL, INT, DECIMAL, MONEY, DATE, INSTANT, STRING, Type("string", options=OPTIONS)]
LONG = 10**1000
LONGEST = Context(prec=3000)
NARROW = Context(prec=1, Emax=1, Emin=-1, traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow, Rounded])

digits = st.integers(-LONG, LONG) | st.integers(-(10**6), 10**6)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": digits,
    "decimal": st.builds(lambda number, places: Decimal(number).scaleb(-places, LONGEST), digits, st.integers(0, 999)),
    "money": (st.integers(-(10**15), 10**15) | st.integers(-100, 100)).map(lambda minor: Money(minor, "EUR")),
    "date": st.dates() | st.sampled_from([date.min, date.max, date(2024, 2, 29)]),
    "instant": st.datetimes(timezones=st.just(UTC))
    | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
    "string": st.text(alphabet="ab'\\é😀\n", max_size=4),
}


def values(kind: Type) -> st.SearchStrategy[Any]:
    """Facts of a type, with every null that it allows; a required answer is rarely absent."""
    if kind.kind == "list":
        assert kind.item is not None
        found: st.SearchStrategy[Any] = st.lists(values(kind.item), max_size=3).map(tuple)
    elif kind.kind == "record":
        found = st.fixed_dictionaries({name: values(one) for name, one in kind.fields.items()})
    else:
        found = st.sampled_from(kind.options) if kind.options else VALUES[kind.kind]
    if kind.is_answer:
        return st.integers(0, 19).flatmap(lambda chance: st.none() if chance == 0 else found)
    return st.none() | found if kind.nullable else found


scalars = st.builds(
    lambda kind, how: [kind, kind.or_null(), replace(kind, is_answer=True)][how],
    st.sampled_from(SCALARS),
    st.integers(0, 2),
)
items = st.builds(
    lambda kind, nullable: kind.or_null() if nullable else kind, st.sampled_from(SCALARS[:-1]), st.booleans()
)
rows = st.dictionaries(st.sampled_from(["p", "q", "r"]), scalars, min_size=1).map(record)
lists = st.builds(list_of, items | rows, st.integers(1, 8))
records = st.builds(lambda kind, nullable: replace(kind, nullable=nullable), rows, st.booleans())
environments = st.dictionaries(st.sampled_from("abcdefgh"), scalars | lists | records, min_size=3, max_size=8).map(
    lambda fields: {"x": record(fields), "now": INSTANT, "today": DATE}
)


@dataclass(frozen=True)
class Fact:
    path: str
    type: Type
    nullable: bool


class Author:
    """Writes a well-typed expression over what is in reach."""

    def __init__(self, environment: Mapping[str, Type], seed: int) -> None:
        self.random = random.Random(seed)
        self.loops = 0
        self.reach = [fact for name, kind in environment.items() for fact in self.inside(name, kind)]

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def inside(self, path: str, kind: Type) -> Iterator[Fact]:
        nullable = kind.nullable or (kind.is_answer and self.random.random() < 0.3)
        if kind.kind != "record" or nullable:
            yield Fact(path, kind, nullable)
        else:
            for name, one in kind.fields.items():
                yield from self.inside(f"{path}.{name}", one)

    def within(self, found: list[Fact], write_: Callable[[], str]) -> str:
        """What is written while more is in reach."""
        count = len(self.reach)
        self.reach += found
        text = write_()
        del self.reach[count:]
        return text

    def facts(self, kind: str) -> list[str]:
        """Every fact of this kind, so written that it is not null and any text may be compared with it."""
        found = []
        for fact in self.reach:
            if fact.type.kind == kind:
                text = fact.path
                if fact.nullable:
                    text = f"{fact.path}.orValue({self.constant(kind)})"
                elif fact.type.options:
                    text = f"(true ? {fact.path} : 'else')"
                found.append(text)
        return found

    def constant(self, kind: str) -> str:
        match kind:
            case "bool":
                return str(self.one("true", "false"))
            case "int":
                return str(self.one(0, 1, 7, "9" * 24, 1000))
            case "decimal":
                return str(self.one("0.0", "1.5", "0.333", "0." + "0" * 20 + "1", "9" * 20 + ".5", "2"))
            case "money":
                return f'money("{self.one("0", "0.01", "999.99", "10000000000000.00")}")'
            case "date":
                return f'date("{self.one("0001-01-01", "2024-02-29", "9999-12-31", "2026-11-23")}")'
            case "instant":
                moments = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-10-25T02:30:00+02:00")
                return f'instant("{self.one(*moments)}")'
        return str(self.one("''", "'a'", "'b\\n'", "'paid'"))

    def of(self, kind: str, deep: int) -> str:
        if deep <= 0 or self.random.random() < 0.15:
            return str(self.one(self.constant(kind), *self.facts(kind)))
        inner = deep - 1
        if self.random.random() < 0.12:
            mixed = "int" if kind == "decimal" and self.one(0, 1) else kind
            sides = [self.of(mixed, inner), self.of(kind, inner)]
            self.random.shuffle(sides)
            return f"({self.of('bool', inner)} ? {sides[0]} : {sides[1]})"
        return str(getattr(self, f"a_{kind}")(inner))

    def divisor(self) -> str:
        return str(self.one("3", "-7", "0.003", "1000", "9" * 24, "-2.5"))

    def length(self, *units: str) -> str:
        return f'duration("{self.one(1, 7, 30, 9999)} {self.one(*units)}")'

    def a_bool(self, deep: int) -> str:
        sign = self.one("<", "<=", ">", ">=", "==", "!=")
        match self.random.randrange(11):
            case 0:
                return f"({self.of('bool', deep)} && {self.of('bool', deep)})"
            case 1:
                return f"({self.of('bool', deep)} || {self.of('bool', deep)})"
            case 2:
                return f"!{self.of('bool', deep)}"
            case 3 | 4:
                kind = self.one("int", "decimal", "money", "date", "instant")
                other = self.one("int", "decimal") if kind in ("int", "decimal") else kind
                return f"({self.of(kind, deep)} {sign} {self.of(other, deep)})"
            case 5:
                kind = self.one("bool", "string")
                return f"({self.of(kind, deep)} {self.one('==', '!=')} {self.of(kind, deep)})"
            case 6:
                kind = self.one("date", "instant")
                return f"({self.of(kind, deep)} - {self.of(kind, deep)} {sign} {self.length('days', 'weeks', 'hours')})"
            case 7:
                test = self.one("startsWith", "endsWith", "contains")
                return f"{self.of('string', deep)}.{test}({self.of('string', deep)})"
            case 8:
                kind = self.one("int", "decimal", "money", "date", "instant", "string", "bool")
                return f"({self.of(kind, deep)} in {self.a_list(kind, deep)})"
            case 9:
                return self.asked(deep)
        kind = self.one("int", "money", "string", "row", "decimal")
        return self.loop(kind, self.one("all", "exists", "exists_one"), deep, lambda: self.of("bool", deep))

    def asked(self, deep: int) -> str:
        """Null checks, behind which a fact is known to be there."""
        unsure = [fact for fact in self.reach if fact.nullable]
        chosen = [fact for fact in self.reach if fact.type.options and not fact.nullable]
        if chosen and (not unsure or self.one(0, 1)):
            fact = self.one(*chosen)
            return f"({fact.path} {self.one('==', '!=')} '{self.one(*OPTIONS)}')"
        if not unsure:
            return self.of("bool", 0)
        fact = self.one(*unsure)
        known = list(self.inside(fact.path, replace(fact.type, nullable=False, is_answer=False)))
        use = self.within(known, lambda: self.of("bool", deep))
        there = self.one(*known)
        if there.type.kind != "list" and not there.nullable and self.one(0, 1):
            left = f"(true ? {there.path} : 'else')" if there.type.options else there.path
            use = f"({left} {self.one('==', '!=')} {self.of(there.type.kind, deep)})"
        yes = self.one(f"{fact.path} != null", f"null != {fact.path}", f"has({fact.path})")
        no = self.one(f"{fact.path} == null", f"!has({fact.path})")
        return str(
            self.one(
                f"({yes} && {use})",
                f"({no} || {use})",
                f"(!({no}) && {use})",
                f"({no} ? true : {use})",
                f"({yes} ? {use} : false)",
            )
        )

    def a_int(self, deep: int) -> str:
        match self.random.randrange(6):
            case 0:
                return f"({self.of('int', deep)} {self.one('+', '-', '*')} {self.of('int', deep)})"
            case 1:
                return f"({self.of('int', deep)} % {self.one('3', '-7', '9' * 24)})"
            case 2:
                return f"{self.one('abs', '-')}({self.of('int', deep)})"
            case 3:
                return f"{self.of('string', deep)}.size()"
            case 4:
                return f"{self.a_list(self.one('int', 'row', 'date'), deep)}.size()"
        return f"{self.a_list('int', deep)}.sum()"

    def a_decimal(self, deep: int) -> str:
        number = self.one("int", "decimal")
        match self.random.randrange(7):
            case 0 | 1:
                return f"({self.of('decimal', deep)} {self.one('+', '-', '*')} {self.of(number, deep)})"
            case 2:
                return f"({self.of(number, deep)} / {self.divisor()})"
            case 3:
                return f"{self.one('abs', '-')}({self.of('decimal', deep)})"
            case 4:
                return f"ratio({self.of(number, deep)}, {self.of('decimal', deep)}, {self.of(number, deep)})"
            case 5:
                return f"ratio({self.of('money', deep)}, {self.of('money', deep)}, {self.of(number, deep)})"
        return f"{self.a_list('decimal', deep)}.sum()"

    def a_money(self, deep: int) -> str:
        number = self.one("int", "decimal")
        match self.random.randrange(7):
            case 0 | 1:
                return f"({self.of('money', deep)} {self.one('+', '-')} {self.of('money', deep)})"
            case 2:
                return f"({self.of('money', deep)} * {self.of(number, deep)})"
            case 3:
                return f"({self.of(number, deep)} * {self.of('money', deep)} / {self.divisor()})"
            case 4:
                return f"{self.one('abs', '-')}({self.of('money', deep)})"
            case 5:
                return f"ratio({self.of('money', deep)}, {self.of(number, deep)}, {self.of('money', deep)})"
        return f"{self.a_list('money', deep)}.sum()"

    def a_date(self, deep: int) -> str:
        by = self.one(self.length("days", "weeks", "months", "years"), f"({self.of('date', 0)} - {self.of('date', 0)})")
        return f"({self.of('date', deep)} {self.one('+', '-')} {by})"

    def a_instant(self, deep: int) -> str:
        by = self.one(
            self.length("minutes", "hours", "days", "weeks", "months", "years"),
            f"({self.of('instant', 0)} - {self.of('instant', 0)})",
            f"({self.of('date', 0)} - {self.of('date', 0)})",
        )
        return f"({self.of('instant', deep)} {self.one('+', '-')} {by})"

    def a_string(self, deep: int) -> str:
        return self.of("string", 0)

    def a_list(self, kind: str, deep: int) -> str:
        """A list whose items are not null; of records, any list of records in reach, if there is one."""
        there = [
            fact
            for fact in self.reach
            if fact.type.kind == "list" and fact.type.item is not None and self.kind_of(fact.type.item) == kind
        ]
        if kind == "row":
            if not there:
                return self.a_list("int", deep)
            fact = self.one(*there)
            if deep <= 0 or self.loops >= 2:
                return str(fact.path)
            return self.loop("row", "filter", deep - 1, lambda: self.of("bool", deep - 1), over=fact)
        solid = [fact.path for fact in there if fact.type.item is not None and not fact.type.item.nullable]
        if solid and self.one(0, 1):
            return str(self.one(*solid))
        if deep > 0 and self.loops < 2 and self.one(0, 1):
            over = self.one("int", "row", kind)
            return self.loop(over, "map", deep - 1, lambda: self.of(kind, deep - 1))
        kinds = [self.one("int", kind) if kind == "decimal" else kind for _ in range(self.random.randrange(1, 3))]
        return f"[{', '.join(self.of(each, 0) for each in kinds)}]"

    @staticmethod
    def kind_of(item: Type) -> str:
        return "row" if item.kind == "record" else item.kind

    def loop(self, kind: str, method: str, deep: int, body: Callable[[], str], over: Fact | None = None) -> str:
        name = f"i{self.loops}"
        there = [
            fact
            for fact in self.reach
            if fact.type.kind == "list" and fact.type.item is not None and self.kind_of(fact.type.item) == kind
        ]
        if over is None and there and self.one(0, 0, 1) == 0:
            over = self.one(*there)
        if over is not None and over.type.item is not None:
            text, item = over.path, over.type.item
        else:
            kind = "int" if kind == "row" else kind
            text, item = self.a_list(kind, deep - 1), Type(kind)  # type: ignore[arg-type]
        self.loops += 1
        inside = self.within(list(self.inside(name, item)), body)
        self.loops -= 1
        return f"{text}.{method}({name}, {inside})"


def is_of(value: Any, kind: Type) -> bool:
    """The value is what its type promises."""
    if value is None:
        return kind.nullable
    match kind.kind:
        case "decimal":
            return isinstance(value, Decimal) and value.is_finite()
        case "money":
            return isinstance(value, Money) and value.currency == "EUR" and type(value.minor) is int
        case "date":
            return type(value) is date
        case "instant":
            return isinstance(value, datetime) and value.utcoffset() is not None
        case "list":
            assert kind.item is not None
            return isinstance(value, tuple) and all(is_of(one, kind.item) for one in value)
        case "record":
            return isinstance(value, dict)
    return type(value) is {"bool": bool, "int": int, "string": str}[kind.kind]


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Type], dict[str, Any], list[tuple[str, Type]]]:
    """An environment, facts of its types, and expressions over it with the types they should have."""
    environment = draw(environments)
    facts = {name: draw(values(kind)) for name, kind in environment.items()}
    sources = []
    for seed in draw(st.lists(st.integers(0, 2**32), min_size=8, max_size=8)):
        author = Author(environment, seed)
        wanted = author.one(BOOL, BOOL, BOOL, INT, DECIMAL, MONEY, DATE, INSTANT)
        sources.append((author.of(wanted.kind, author.one(1, 2, 3, 4)), wanted))
    return environment, facts, sources


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), zone=st.sampled_from(ZONES))
def test_what_is_well_typed_passes_and_never_fails(case: Any, zone: str) -> None:
    environment, facts, sources = case
    for source, wanted in sources:
        try:
            expression = compile_expression(source, environment, "EUR", wanted, ZoneInfo(zone))
        except WrongExpression as wrong:
            messages = [error.message for error in wrong.errors]
            assert all(any(limit in message for limit in LIMITS) for message in messages), (source, messages)
            continue
        assert set(paths_in(expression.node)) == expression.reads
        misspelt = {path: re.sub(rf"\b{re.escape(path)}\b", f"{path}_", source) for path in expression.reads}
        for path, text in misspelt.items():
            with pytest.raises(WrongExpression, match=re.escape(f"{path.rpartition('.')[2]}_")):
                compile_expression(text, environment, "EUR")
        for language in ("en", "fr", "xx"):
            told = in_words(expression, language)
            assert told.strip(), source
            missing = [path for path in expression.reads if fact_in_words(path, language) not in told]
            assert not missing, (source, told)
        if expression.unanswered(facts):
            continue
        found = expression.evaluate(facts)
        assert is_of(found, expression.type), (source, found)
        with localcontext(NARROW):
            assert expression.evaluate(facts) == found, "the caller's context of decimals must not matter"
        reasons = explain(expression, facts)
        assert bool(reasons) == (found is False), (source, reasons)
        for reason in reasons:
            assert set(reason.values) <= expression.reads
            parse(reason.text, "EUR")
            assert in_words(expression, "fr", part=reason.node)
        again = compile_expression(write(expression.node), environment, "EUR", wanted, ZoneInfo(zone))
        assert again.evaluate(facts) == found


SIGNS = "x a . ( ) [ ] , ? : && || ! - + * / % == <= in \\ ' é &".split()
WORDS = "1 2.5 't' null true all map size orValue has ratio abs sum contains".split()
LITERALS = ['money("1")', 'date("2026-01-01")', 'duration("1 day")', 'instant("2026-01-01T00:00:00Z")', " "]
pieces = st.sampled_from([*SIGNS, *WORDS, *LITERALS])


@settings(max_examples=300, deadline=None)
@given(source=st.lists(pieces, max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_compiled_or_refused_with_a_sentence(source: str) -> None:
    types = {"x": record({"a": list_of(MONEY.or_null())}), "a": INT.or_null()}
    try:
        expression = compile_expression(source, types, "EUR")
    except WrongExpression as wrong:
        assert all(error.message and 0 <= error.at <= len(source) for error in wrong.errors)
    else:
        expression.evaluate({"x": {"a": (None, Money(5, "EUR"))}, "a": None})
        assert in_words(expression, "en")
