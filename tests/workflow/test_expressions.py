"""Expressions are exact, typed before they run, and never fail afterwards."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.money import MixedCurrencies, Money
from fundflow.workflow.expressions import (
    BOOL,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    MONEY,
    STRING,
    Expression,
    Type,
    WrongExpression,
    compile_expression,
    list_of,
    parse,
    record,
    write,
)
from fundflow.workflow.expressions.nodes import Binary, Choice, Constant, Member, Name, Node, Unary
from tests.workflow.files import NOW, euro

ROW = record(
    {"amount": Type("money", is_answer=True), "note": STRING.or_null(), "kind": Type("string", options=("a", "b"))}
)
TYPES = {
    "x": record(
        {
            "m": MONEY,
            "n": MONEY.or_null(),
            "d": DECIMAL,
            "e": DECIMAL.or_null(),
            "i": INT,
            "b": BOOL,
            "s": STRING,
            "t": STRING.or_null(),
            "day": DATE,
            "at": INSTANT,
            "theme": Type("string", options=("housing", "work")),
            "rows": list_of(ROW, 30),
            "asked": Type("money", is_answer=True),
            "tags": list_of(STRING, 3),
            "rec": record({"name": STRING.or_null(), "state": Type("string", options=("planned", "paid"))}),
            "gone": replace(record({"name": STRING}), nullable=True),
            "more": list_of(INT, 3).or_null(),
        }
    )
}
FACTS: dict[str, Any] = {
    "x": {
        "m": euro("100"),
        "n": None,
        "d": Decimal("0.1"),
        "e": None,
        "i": 7,
        "b": True,
        "s": "Bogotá",
        "t": None,
        "day": date(2026, 1, 31),
        "at": NOW,
        "theme": "work",
        "rows": (
            {"amount": euro("60.10"), "note": None, "kind": "a"},
            {"amount": euro("39.90"), "note": "x", "kind": "b"},
        ),
        "asked": euro("5"),
        "tags": ("in", "out"),
        "rec": {"name": None, "state": "paid"},
        "gone": None,
        "more": None,
    }
}


def compiled(source: str, wanted: Type | None = None) -> Expression:
    return compile_expression(source, TYPES, "EUR", wanted)


def value(source: str) -> Any:
    return compiled(source).evaluate(FACTS)


def mistakes(source: str) -> list[str]:
    with pytest.raises(WrongExpression) as wrong:
        compiled(source)
    return [error.message for error in wrong.value.errors]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("x.d + x.d + x.d == 0.3", True),
        ("9007199254740993 == 9007199254740992", False),
        ("x.m * 0.335", euro("33.50")),
        ('money("0.05") * 0.5', euro("0.02")),
        ('money("0.15") * 0.5', euro("0.08")),
        ("x.m / 3", euro("33.33")),
        ("7 / 2 == 3.5", True),
        ("-7 % 3", -1),
        ("x.rows.map(r, r.amount).sum() == x.m", True),
        ("x.rows.all(r, r.amount > money('0'))", True),
        ("x.rows.exists(r, r.kind == 'b')", True),
        ("x.rows.exists_one(r, r.kind == 'b')", True),
        ("x.rows.filter(r, r.kind == 'b').size()", 1),
        ("x.rows.size()", 2),
        ("x.n.orValue(money('3'))", euro("3")),
        ("x.e.orValue(2) == 2.0", True),
        ("x.e != null && x.e > 3.0", False),
        ("x.e == null || x.e > 3.0", True),
        ("!(x.e == null) && x.e > 3.0", False),
        ("x.e == null ? 1.0 : x.e", Decimal("1.0")),
        ("x.theme in ['housing', 'work']", True),
        ("x.s.startsWith('Bo') && x.s.endsWith('á') && x.s.contains('got')", True),
        ("x.s.size()", 6),
        ('x.day + duration("1 month")', date(2026, 2, 28)),
        ('x.day - duration("31 days")', date(2025, 12, 31)),
        ("abs(x.m - money('250'))", euro("150")),
        ("x.b ? x.i : 0", 7),
        ("x.n == null", True),
        ("x.asked != null && x.asked > money('1')", True),
        ("has(x.n)", False),
        ("has(x.asked) && x.asked > money('1')", True),
        ("!has(x.n) || x.n > x.m", True),
        ("x.rows.filter(r, has(r.note) && r.note == 'x').size()", 1),
        ("ratio(1, 8, 0) == 0.125", True),
        ("ratio(x.d, x.d - x.d, 7)", Decimal(7)),
        ("ratio(x.m, money('400'), 0)", Decimal("0.25")),
        ("ratio(x.m, money('0'), 0.5)", Decimal("0.5")),
        ("ratio(x.m, x.i, money('0'))", euro("14.29")),
        ("x.m == money('100') && x.m != money('1') && x.m in [x.asked, money('100')]", True),
        ("ratio(x.m, -3, money('0'))", euro("-33.33")),
        ("ratio(x.m, x.i - 7, money('1'))", euro("1")),
        ('instant("2026-11-23T07:00:00-05:00") == x.at', True),
        ('x.at + duration("14 days")', NOW + timedelta(days=14)),
        ('x.at - duration("90 minutes")', NOW - timedelta(minutes=90)),
        ('x.at + duration("1 month") == instant("2026-12-23T12:00:00Z")', True),
        ('date("2026-03-01") - x.day == duration("29 days")', True),
        ('x.day - date("2026-03-01") < duration("1 day")', True),
        ('x.at - instant("2026-11-22T11:00:00Z") >= duration("1 day")', True),
        ('x.at - instant("2026-11-22T12:00:00Z") > duration("24 hours")', False),
        ("(x.b ? [1, 2] : [3]).sum()", 3),
        ("(x.b ? 1 : 2.5)", Decimal(1)),
        ("[1, 2.5].sum()", Decimal("3.5")),
        ("x.tags.all(t, t == 'in') || 'in' in x.tags", True),
        ("[1].all(a, [2].all(b, [3].all(c, a < b && b < c)))", True),
        ("x.rec.name == null", True),
        ("x.more.orValue([1, 2]).sum()", 3),
        ("x.more == null || x.more.size() > 0", True),
        ("x.gone == null || x.gone.name == 'a'", True),
        ("x.at == x.at && 'b' in x.rows.map(r, r.kind)", True),
    ],
)
def test_an_expression_has_its_exact_value(source: str, expected: object) -> None:
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x.n > x.m", "x.n may be null; first say x.n != null"),
        ("x.n != null || x.n > x.m", "x.n may be null"),
        ("x.n == null && x.n > x.m", "x.n may be null"),
        ("x.m != null", "x.m is never null"),
        ("x.m.orValue(x.m)", "never null"),
        ("x.m > 5", 'write an amount as money("100.00")'),
        ("x.m + 5", "+ does not work between"),
        ("x.m * x.m", "* does not work between"),
        ("x.i / x.i", "needs a number that is not 0"),
        ("x.i / 0", "needs a number that is not 0"),
        ("x.i % 0", "needs a number that is not 0"),
        ("x.day < x.at", "compare dates with today, moments with now"),
        ("x.s < 'a'", "has no order"),
        ("x.s + 'a'", "+ does not work"),
        ("x.theme == 'huosing'", "did you mean 'housing'"),
        ("x.theme in ['hous']", "did you mean 'housing'"),
        ("x.rows == x.rows", "cannot be compared as a whole"),
        ("x.rows.all(r, r.amuont > x.m)", "did you mean 'amount'"),
        ("x.rows.all(x, true)", "'x' is taken"),
        ("x.rows.any(r, true)", "no method 'any'"),
        ("x.rows.all(true)", "with a name for the item"),
        ("x.rows.sum()", "sum adds up a list of numbers"),
        ("x.i.size()", "has no size"),
        ("y.m", "nothing here is called 'y'"),
        ("x.mm == x.m", "x has no field 'mm'; did you mean 'm'"),
        ("x.m.cents == 1", "has no 'cents'"),
        ("has(x.m)", "x.m is never null"),
        ("size(x.rows)", "stands behind"),
        ("null > 1", "null can only be compared"),
        ("1 < 2 < 3", "comparisons do not chain"),
        ("x.b && 1", "&& needs true or false"),
        ("!x.i", "! needs true or false"),
        ("x.i ? 1 : 2", "? needs true or false"),
        ("x.b ? 1 : 'a'", "do not go together"),
        ("[]", "empty list"),
        ("x.rows[0]", "cannot pick from a list"),
        ("money(5)", 'write money("100.00")'),
        ('money("1.005")', 'write money("100.00")'),
        ('duration("P1D")', 'write duration("30 days")'),
        ('date("2026-02-30")', 'write date("2026-12-31")'),
        ("'open", "never closed"),
        ("1 +", "something is missing at the end"),
        ("(1", ") is missing"),
        ("1 2", "'2' is not expected"),
        ("x.i = 1", "write == instead of ="),
        ("not x.b", "write ! instead of not"),
        ("x.b # y", "'#' has no meaning"),
        ("1e9 == 1", "a number has digits only"),
        ("", "an expression is missing"),
        ("(" * 60 + "1" + ")" * 60, "nested too deeply"),
        ("1" * 30, "more than 24 digits"),
        ("true && " * 400 + "true", "longer than 2,000"),
        (" && ".join(["x.b"] * 100), "more than 64 steps"),
        ("1" + "+1" * 900, "more than 64 steps"),
        ("x.s" + ".size()" * 250, "more than 64 steps"),
        ("x" + ".a" * 900, "more than 64 steps"),
        ("x.theme == 'huosing'", "x.theme is never 'huosing'"),
        ("x.rows.exists(r, r.kind == 'c')", "r.kind is never 'c'"),
        ("x.rows.exists(r, r.kind in ['a', 'c'])", "r.kind is never 'c'"),
        ("x.rows.exists(r, x.rows.exists(s, s.kind == 'c'))", "s.kind is never 'c'"),
        ("'c' in x.rows.map(r, r.kind)", "is never 'c'"),
        ("x.rec.state == 'planed'", "x.rec.state is never 'planed'; did you mean 'planned'?"),
        ("x.rec.state == x.theme", "these two have no value in common"),
        ("x.more.size() == 0", "x.more may be null"),
        ("x.more.orValue(['a']).size() == 1", "orValue must give"),
        ("x.more.orValue([1.5]).sum() == 1.5", "orValue must give"),
        ("x.t.orValue(5) == 'a'", "orValue must give a text, not a whole number"),
        ("x.n.orValue(5) == x.m", "orValue must give an amount of money"),
        ("x.gone.orValue(x.rec).name == 'a'", "orValue must give"),
        ("null.orValue(5) == 5", "null is always null"),
        ("(x.b ? [1] : [1.5]).size() == 1", "do not go together"),
        ("x.tags.map(t, x.tags).size() == 1", "map cannot make a list of a list of text"),
        ("x.gone.name == 'a'", "x.gone may be null"),
        ("has(5)", "has takes one fact"),
        ("has(x.rows.size())", "has takes one fact"),
        ("has(x.nn)", "did you mean"),
        ("ratio(x.m, x.i)", "write ratio(a, b, what it is when b is 0)"),
        ("ratio(x.i, x.m, 1)", "ratio does not work between"),
        ("ratio(x.m, x.i, 1)", "its last value must be one"),
        ("ratio(x.m, x.n, 1)", "x.n may be null"),
        ('x.day - x.day < duration("1 month")', "months differ in length"),
        ('x.day + duration("3 hours")', "a date moves by days"),
        ("x.day + (x.at - x.at)", "a date moves by days"),
        ("x.day + (x.b ? duration('1 day') : duration('1 month'))", "do not go together"),
        ("x.day - x.at", "- does not work between"),
        ("x.day + x.day", "+ does not work between"),
        ('instant("2026-12-31T17:00:00")', 'write instant("2026-12-31T17:00:00-05:00")'),
        ('instant("0001-01-01T00:00:00+14:00")', "write instant("),
        ('date("2026-W01-1")', "write date("),
        ("timestamp('a') == x.at", "write a moment as instant"),
        ("x.s.matches('a')", "there are no patterns"),
        ("string(x.i) == 'a'", "values are never converted"),
        ("x.tags.orValue([1])", "never null"),
        ("[x.rec, x].size() == 2", "do not go together"),
        ("x.s 'in' x.tags", "'in' is not expected here"),
        ("x.tags.all(t, t in x.tags) && [x.tags].all(t, t == null)", "never null"),
        ("x.rows.all(a, x.rows.all(b, x.rows.all(c, x.rows.all(d, a.amount == d.amount))))", "steps"),
    ],
)
def test_what_could_go_wrong_is_refused_with_a_sentence(source: str, message: str) -> None:
    assert any(message in found for found in mistakes(source)), mistakes(source)


def test_all_mistakes_of_one_expression_are_reported() -> None:
    assert len(mistakes("x.mm > x.m && x.n > x.m && x.i == 'a'")) == 3


def test_reads_are_exactly_what_is_looked_at() -> None:
    found = compiled("x.m > money('1') && x.rows.all(r, r.amount < x.m)")
    assert found.reads == {"x.m", "x.rows"}
    reviews = {"reviews": record({"panel": record({"score": DECIMAL})})}
    assert compile_expression("reviews.panel.score > 1.0", reviews, "EUR").roots == {"reviews.panel"}


def test_a_required_answer_that_is_not_there_is_named_and_not_computed_with() -> None:
    expression = compiled("x.asked > money('1') && x.rows.all(r, r.amount > money('0'))")
    assert expression.unanswered(FACTS) == []
    empty = {"x": {**FACTS["x"], "asked": None, "rows": ({"amount": None, "note": None, "kind": "a"},)}}
    assert sorted(expression.unanswered(empty)) == ["x.asked", "x.rows"]


def test_a_required_answer_asked_about_is_an_answer_like_any_other() -> None:
    expression = compiled("x.asked == null || x.asked > money('1')")
    empty = {"x": {**FACTS["x"], "asked": None}}
    assert expression.unanswered(empty) == []
    assert expression.evaluate(empty) is True


def test_only_two_names_of_children_are_one_root() -> None:
    types = {
        "children": record({"tranche": list_of(record({"nr": INT, "state": Type("string", options=("paid",))}), 12)}),
        "self": record({"nr": INT}),
        "siblings": list_of(record({"nr": INT}), 12),
        "parent": record({"state": STRING}),
        "tasks": record({"risk": Type("string", nullable=True, options=("low", "high"))}),
        "signatures": record({"city": BOOL}),
    }
    guard = compile_expression(
        "children.tranche.all(t, t.state == 'paid') && siblings.all(s, s.nr >= self.nr) && parent.state == 'active'"
        " && tasks.risk != null && tasks.risk == 'low' && signatures.city",
        types,
        "EUR",
    )
    assert guard.roots == {"children.tranche", "siblings", "self", "parent", "tasks", "signatures"}


def test_a_record_asked_about_as_a_whole_is_read_and_one_asked_for_a_field_is_not() -> None:
    found = compiled("x.gone == null || x.gone.name == 'a'")
    assert found.reads == {"x.gone", "x.gone.name"}
    assert found.values(FACTS) == {"x.gone": None, "x.gone.name": None}
    assert compiled("x.rec.state == 'paid'").reads == {"x.rec.state"}


def test_days_are_counted_by_the_clocks_of_the_zone() -> None:
    source, before = 'x.at + duration("1 day")', datetime(2026, 10, 24, 10, tzinfo=UTC)
    at = {"x": {**FACTS["x"], "at": before}}
    assert compiled(source).evaluate(at) == before + timedelta(hours=24)
    paris = compile_expression(source, TYPES, "EUR", zone=ZoneInfo("Europe/Paris"))
    assert paris.evaluate(at) == before + timedelta(hours=25)


@pytest.mark.parametrize(
    "source", ["(" * 10_000, "[" * 10_000, "!" * 1_999, "a ? " * 499, "'\\" * 30_000, "1 " * 32_000]
)
def test_a_hostile_text_is_answered_at_once(source: str) -> None:
    started = time.perf_counter()
    assert mistakes(source)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "source",
    [
        " && ".join(["x.b"] * 60),
        "1" + " + 1.5" * 60 + " > 0",
        "(" * 36 + "x.m" + " * 1.5)" * 36 + " > x.m",
        "abs(" * 36 + "x.d" + ")" * 36 + " >= 0",
        "x.e.orValue(" * 36 + "1" + ")" * 36 + " >= 0",
        "-" * 37 + "x.i > -1",
        "".join(f"[1].all(v{i}, " for i in range(36)) + "x.b" + ")" * 36,
        "x.b ? " * 19 + "x.b" + " : false" * 19,
    ],
)
def test_the_deepest_expression_that_passes_also_runs(source: str) -> None:
    assert compiled(source, BOOL).evaluate(FACTS) in (True, False)


@pytest.mark.parametrize(
    "source",
    [
        "x.m == x.asked",
        "x.m != x.asked",
        "x.m < x.asked",
        "x.m in [x.asked]",
        "x.m + x.asked > x.m",
        "ratio(x.m, x.asked, 0) == 0",
        "[x.m, x.asked].sum() == x.m",
    ],
)
def test_two_currencies_are_never_compared_or_added(source: str) -> None:
    """A round may have another currency than its workflow's amounts; nothing may come true by that."""
    with pytest.raises(MixedCurrencies):
        compiled(source).evaluate({"x": {**FACTS["x"], "asked": Money.of("100", "USD")}})


def test_dates_never_leave_the_calendar() -> None:
    late = {"x": {**FACTS["x"], "day": date(9999, 12, 31)}}
    assert compiled('x.day + duration("9999 years")').evaluate(late) == date.max
    assert compiled('(x.day + (x.day - date("0001-01-01"))) == x.day').evaluate(late) is True
    for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        edge = {"x": {**FACTS["x"], "at": at}}
        for length in ("9999 years", "1 minute", "1 day"):
            assert compiled(f'x.at + duration("{length}") >= x.at').evaluate(edge) is True
            assert compiled(f'x.at - duration("{length}") <= x.at').evaluate(edge) is True
    early = {"x": {**FACTS["x"], "day": date(1, 1, 1)}}
    assert compiled('x.day - duration("1 day")').evaluate(early) == date.min


amounts = st.integers(-(10**15), 10**15).map(lambda minor: Money(minor, "EUR"))
decimals = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=6)


@settings(max_examples=60, deadline=None)
@given(left=amounts, right=amounts, factor=decimals)
def test_money_is_never_lost_or_made(left: Money, right: Money, factor: Decimal) -> None:
    facts = {"x": {**FACTS["x"], "m": left, "asked": right, "d": factor}}
    assert compiled("x.m + x.asked - x.asked").evaluate(facts) == left
    assert compiled("x.m < x.asked").evaluate(facts) == (left.minor < right.minor)
    scaled = compiled("x.m * x.d").evaluate(facts)
    assert abs(Decimal(scaled.minor) - Decimal(left.minor) * factor) <= Decimal("0.51")
    rows = tuple({"amount": money, "note": None, "kind": "a"} for money in (left, right, left))
    total = compiled("x.rows.map(r, r.amount).sum()").evaluate({"x": {**FACTS["x"], "rows": rows}})
    assert total.minor == 2 * left.minor + right.minor


words = st.text(alphabet="abc'\\\"\n é{}", max_size=6)
constants: st.SearchStrategy[Node] = st.one_of(
    st.integers(0, 10**18),
    st.booleans(),
    st.none(),
    words,
    st.decimals(0, 1000, allow_nan=False, places=3),
    st.integers(0, 10**9).map(lambda minor: Money(minor, "EUR")),
).map(lambda one: Constant(one, 0))
paths: st.SearchStrategy[Node] = st.sampled_from(sorted(TYPES["x"].fields)).map(lambda f: Member(Name("x", 0), f, 0))
SIGNS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"]


def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Binary, st.sampled_from(SIGNS), inner, inner, st.just(0)),
        st.builds(Unary, st.sampled_from("!-"), inner, st.just(0)),
        st.builds(Choice, inner, inner, inner, st.just(0)),
    )


trees = st.recursive(constants | paths, grow, max_leaves=8)


def bare(node: Any) -> Any:
    """A tree without positions."""
    if isinstance(node, tuple):
        return tuple(map(bare, node))
    if not hasattr(node, "at"):
        return node
    return (type(node).__name__, *(bare(getattr(node, s)) for s in type(node).__slots__ if s != "at"))


@settings(max_examples=80, deadline=None)
@given(tree=trees)
def test_a_tree_written_and_parsed_is_the_same_tree(tree: Node) -> None:
    assert bare(parse(write(tree), "EUR")) == bare(tree)


@st.composite
def facts(draw: st.DrawFn) -> dict[str, Any]:
    """Any facts of the declared types."""
    row = st.fixed_dictionaries({"amount": amounts, "note": st.none() | words, "kind": st.sampled_from("ab")})
    return {
        "x": draw(
            st.fixed_dictionaries(
                {
                    "m": amounts,
                    "n": st.none() | amounts,
                    "d": decimals,
                    "e": st.none() | decimals,
                    "i": st.integers(-(10**18), 10**18),
                    "b": st.booleans(),
                    "s": words,
                    "t": st.none() | words,
                    "day": st.dates(),
                    "at": st.just(NOW),
                    "theme": st.sampled_from(["housing", "work"]),
                    "rows": st.lists(row, max_size=4).map(tuple),
                    "asked": amounts,
                    "tags": st.lists(words, max_size=3).map(tuple),
                    "rec": st.just({"name": None, "state": "paid"}),
                    "gone": st.just(None),
                    "more": st.none() | st.lists(st.integers(), max_size=3).map(tuple),
                }
            )
        )
    }


@settings(max_examples=100, deadline=None)
@given(tree=trees, known=facts())
def test_what_passes_the_checker_never_fails(tree: Node, known: dict[str, Any]) -> None:
    try:
        expression = compiled(write(tree))
    except WrongExpression:
        return
    if not expression.unanswered(known):
        expression.evaluate(known)


def _of(kind: str) -> st.SearchStrategy[str]:
    return st.deferred(lambda: TYPED[kind])


def _two(left: str, signs: list[str], right: str) -> st.SearchStrategy[str]:
    return st.tuples(_of(left), st.sampled_from(signs), _of(right)).map(lambda t: f"({t[0]} {t[1]} {t[2]})")


ORDER = ["<", "<=", ">", ">=", "==", "!="]
TYPED: dict[str, st.SearchStrategy[str]] = {
    "money": st.one_of(
        st.sampled_from(
            ["x.m", "x.asked", 'money("0.01")', "x.rows.map(r, r.amount).sum()", 'x.n.orValue(money("7"))']
        ),
        _two("money", ["+", "-"], "money"),
        _two("money", ["*"], "decimal"),
        st.tuples(_of("money"), st.sampled_from(["7", "-0.3", "12"])).map(lambda t: f"({t[0]} / {t[1]})"),
        st.tuples(_of("bool"), _of("money"), _of("money")).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        _of("money").map(lambda m: f"abs(-{m})"),
    ),
    "decimal": st.one_of(
        st.sampled_from(["x.d", "x.i", "0.1", "x.e.orValue(0)", "x.rows.size()", "x.s.size()"]),
        _two("decimal", ["+", "-", "*"], "decimal"),
        _of("decimal").map(lambda d: f"({d} / 3)"),
    ),
    "bool": st.one_of(
        st.sampled_from(["x.b", "true", "(x.theme == 'work')", "(x.n != null && x.n > x.m)", "(x.at == x.at)"]),
        _two("money", ORDER, "money"),
        _two("decimal", ORDER, "decimal"),
        _two("bool", ["&&", "||"], "bool"),
        _of("bool").map(lambda b: f"!{b}"),
        _of("money").map(lambda m: f"x.rows.all(r, r.amount <= {m})"),
        st.sampled_from(
            ["x.rows.exists(r, r.note != null && r.note.contains(x.s))", "(x.day + duration('1 month') > x.day)"]
        ),
    ),
}


@settings(max_examples=30, deadline=None)
@given(source=TYPED["bool"], known=facts())
def test_what_is_well_typed_passes_and_never_fails(source: str, known: dict[str, Any]) -> None:
    try:
        expression = compiled(source, BOOL)
    except WrongExpression as wrong:
        limits = ("nested too deeply", "longer than", "steps", "is taken")
        assert all(any(limit in error.message for limit in limits) for error in wrong.errors), wrong.errors
        return
    assert expression.evaluate(known) in (True, False)


@pytest.mark.parametrize(
    "source",
    [
        "x.n != null && x.n > x.m || x.e.orValue(1.5) * x.d > x.d / 7",
        "x.rows.map(r, r.amount * x.d).sum() + x.m * 3 - x.m / 7 >= x.n.orValue(x.m)",
        "x.rows.filter(r, r.note != null && r.note.contains('a')).size() % 2 == 0",
        "x.t == null ? x.s.size() > 2 : x.t.startsWith(x.s)",
        "x.day + duration('12 months') > x.day && x.day - duration('99 years') < x.day",
        "abs(x.m) * abs(x.d) * 1000000.5 > x.m && -x.d < abs(x.i)",
    ],
)
@settings(max_examples=25, deadline=None)
@given(known=facts())
def test_a_condition_gives_true_or_false_for_all_facts(source: str, known: dict[str, Any]) -> None:
    assert compiled(source, BOOL).evaluate(known) in (True, False)


def test_a_text_that_can_never_be_has_its_own_code() -> None:
    with pytest.raises(WrongExpression) as wrong:
        compiled("x.theme == 'huosing' && x.mm == x.m")
    assert [error.code for error in wrong.value.errors] == ["FF120", "FF110"]
