"""What Z3 says of an expression is what our evaluator says, and what is said to hold always is refuted by no facts."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundflow.money import Money
from fundflow.workflow.checker.facts import facts_in, nested
from fundflow.workflow.checker.questions import NEVER, UNDECIDED, Found, Question, Work, ask, is_so
from fundflow.workflow.checker.translation import Translation
from fundflow.workflow.expressions import (
    BOOL,
    DATE,
    DECIMAL,
    INT,
    MONEY,
    STRING,
    Expression,
    Type,
    WrongExpression,
    compile_expression,
    list_of,
    record,
    seen_at,
)
from tests.workflow.test_expressions_generated import cases, is_of

z3 = pytest.importorskip("z3")

DIVIDED = 50
"""So many digits a quotient has at most."""
TYPES: dict[str, Type] = {
    "a": record(
        {
            "n": INT,
            "m": INT,
            "d": DECIMAL,
            "maybe": DECIMAL.or_null(),
            "money": MONEY,
            "other": MONEY,
            "day": DATE,
            "yes": BOOL,
            "kind": Type("string", options=("draft", "paid", "dropped")),
            "text": STRING,
            "rows": list_of(record({"amount": MONEY, "state": Type("string", options=("open", "paid"))}), 12),
        }
    ),
    "today": DATE,
}


def compiled(text: str) -> Expression:
    return compile_expression(text, TYPES, "EUR", BOOL)


def answer(holds: list[str], fails: list[str], *, proving: bool = True) -> Any:
    question = Question(tuple(map(compiled, holds)), tuple(map(compiled, fails)))
    return ask(question, Work(200_000, proving))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), zone=st.sampled_from(["UTC", "Pacific/Apia"]))
def test_z3_and_the_evaluator_agree(case: Any, zone: str) -> None:
    """A model gives what the evaluator gives; and no facts give what Z3 holds for impossible."""
    environment, facts, sources = case
    for source, wanted in sources:
        try:
            expression = compile_expression(source, environment, "EUR", wanted, ZoneInfo(zone))
        except WrongExpression:
            continue
        translation = Translation("EUR", facts_in([expression]))
        term = translation.term(expression)
        there = z3.And(translation.holds(expression)) if wanted == BOOL else z3.BoolVal(True)
        _is_faithful(expression, translation, term, there)
        if not expression.unanswered(facts):
            _is_allowed(expression, facts, translation, term)


def _is_faithful(expression: Expression, translation: Any, term: Any, there: Any) -> None:
    asked = z3.Solver()
    asked.set("timeout", 300)
    asked.add(*translation.bounds, there)
    if not translation.is_exact or asked.check() != z3.sat:
        return
    model = asked.model()
    facts = nested(translation.values(model), ZoneInfo("UTC"))
    if "now" in facts and "today" in facts:
        return
    if expression.unanswered(facts):
        return
    found = expression.evaluate(facts)
    assert is_of(found, expression.type)
    said = translation.read(model, term, expression.type)
    assert found == said, (expression.source, facts)


def _is_allowed(expression: Expression, facts: dict[str, Any], translation: Any, term: Any) -> None:
    asked = z3.Solver()
    asked.set("timeout", 300)
    asked.add(*translation.bounds)
    for path in translation.facts:
        asked.add(translation.is_value(path, seen_at(facts, path)))
    value = expression.evaluate(facts)
    if isinstance(value, Decimal) and len(value.as_tuple().digits) >= DIVIDED:
        return  # a quotient of ours is rounded there, and one of Z3 is not
    found = translation.literal(value)
    asked.add(term.value == found.value)
    assert asked.check() != z3.unsat, (expression.source, facts)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), proving=st.booleans())
def test_nothing_refutes_what_is_said_to_hold_always(case: Any, proving: bool) -> None:
    environment, facts, sources = case
    for source, wanted in sources:
        if wanted != BOOL:
            continue
        try:
            expression = compile_expression(source, environment, "EUR", wanted)
        except WrongExpression:
            continue
        for holds, fails in (((), (expression,)), ((expression,), ())):
            found = ask(Question(holds, fails), Work(5_000, proving))
            if found == NEVER:
                assert not is_so(expression, bool(holds), facts), (source, facts)
            elif isinstance(found, Found):
                assert is_so(expression, bool(holds), nested(found.values, ZoneInfo("UTC"))), (source, found)


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        (["a.n > 3", "a.n < 4"], []),
        (["a.n > 3", "a.m < a.n", "a.m > 5", "a.n < 6"], []),
        (["a.money > a.other", "a.other > a.money"], []),
        (["a.kind == 'paid'", "a.kind != 'paid'"], []),
        (["a.kind == 'paid'"], ["a.kind in ['paid', 'dropped']"]),
        (["a.maybe != null && a.maybe > 7.0"], ["a.maybe.orValue(0.0) > 6.5"]),
        ([], ["a.yes || !a.yes"]),
        ([], ["a.n % 2 == 0 || a.n % 2 == 1 || a.n % 2 == -1"]),
        ([], ["a.day + duration('10 days') > a.day || a.day > date('9999-01-01')"]),
        ([], ["a.day + duration('2 months') >= a.day + duration('20 days')"]),
        (["a.money * 0.5 > a.money", 'a.money > money("0.01")'], []),
        ([], ["abs(a.d) >= 0.0"]),
        (["a.rows.all(r, r.state == 'paid')"], ["a.rows.all(r, r.state == 'paid')"]),
        (["a.text == 'x'", "a.text == 'y'"], []),
        (["a.yes ? a.n > 3 : a.n > 5", "a.n <= 3"], []),
    ],
)
def test_z3_proves_that_there_are_no_facts(holds: list[str], fails: list[str]) -> None:
    assert answer(holds, fails) == NEVER
    assert answer(holds, fails, proving=False) in (NEVER, UNDECIDED)


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        (["a.n > 3", "a.n < 5"], []),
        (["a.money > a.other", "a.other > money('100')".replace("'", '"')], []),
        (["a.kind == 'paid'"], ["a.kind == 'dropped'"]),
        (["a.maybe == null"], ["a.n > 0"]),
        (["a.rows.exists(r, r.state == 'paid')", "a.rows.exists(r, r.state == 'open')"], []),
        (["a.rows.map(r, r.amount).sum() > a.money * 0.1"], ["a.rows.size() == 1"]),
        (["a.n * a.n == 49", "a.n < 0"], []),
        (["a.d * 3 == 100.5"], []),
        (["a.day + duration('1 month') < today"], ["a.yes"]),
        (["a.text.startsWith('x')", "a.text != 'x'"], []),
    ],
)
def test_facts_that_are_found_are_facts(holds: list[str], fails: list[str]) -> None:
    found = answer(holds, fails)
    if found == UNDECIDED:
        assert "startsWith" in holds[0]
        return
    assert isinstance(found, Found), found
    facts = nested(found.values, ZoneInfo("UTC"))
    assert all(compiled(text).evaluate(facts) for text in holds)
    assert not any(compiled(text).evaluate(facts) for text in fails)


def test_always_true_is_never_refuted_by_any_of_ten_thousand_facts() -> None:
    always = compiled('a.money * 0.5 <= a.money || a.money < money("0.01")')
    assert answer([], [always.source]) == NEVER
    dice = random.Random(1)
    for _ in range(10_000):
        amount = Money(dice.choice([dice.randint(-5, 5), dice.randint(-(10**9), 10**9)]), "EUR")
        assert always.evaluate({"a": {"money": amount}})


def test_a_query_that_explodes_is_undecided_and_counted() -> None:
    text = " && ".join(f"a.n * a.m * a.n * {k} != a.m * a.m * a.m + {k * k}" for k in range(1, 9))
    hard = [text, "a.n * a.n * a.n + a.m * a.m * a.m == 114", "a.n > 1000", "a.m < -1000"]
    work = Work(200_000)
    found = ask(Question(tuple(map(compiled, hard))), work)
    assert found == UNDECIDED
    assert work.solved == 1
    assert work.spent < 80_000


def test_when_the_work_is_used_up_everything_is_undecided() -> None:
    work = Work(10)
    question = Question((compiled("a.n > 3"), compiled("a.n < 3")))
    assert ask(question, work) == UNDECIDED
    assert ask(question, work) == UNDECIDED
    assert work.spent < 2_100


CONSTANTS = {
    "n": ["a.n", "a.m", "a.d", "3", "4", "-1", "2.5", "2.505"],
    "money": ["a.money", "a.other", 'money("1.00")', 'money("1.01")', 'money("1.04")'],
    "day": ["a.day", "today", 'date("2026-11-01")', 'date("2026-11-03")'],
}


def atom(dice: random.Random) -> str:
    """A comparison of two facts, or of a fact with a constant."""
    kind = dice.choice(["n", "n", "money", "money", "day", "kind", "text", "yes", "maybe"])
    match kind:
        case "kind":
            return f"a.kind {dice.choice(['==', '!='])} '{dice.choice(['draft', 'paid', 'dropped'])}'"
        case "text":
            return f"a.text {dice.choice(['==', '!='])} '{dice.choice('xy')}'"
        case "yes":
            return "a.yes"
        case "maybe":
            return f"(a.maybe != null && a.maybe {dice.choice(['<', '>='])} {dice.choice(['2.5', '3.0'])})"
    one, other = dice.choice(CONSTANTS[kind]), dice.choice(CONSTANTS[kind])
    return f"{one} {dice.choice(['<', '<=', '==', '!=', '>', '>='])} {other}"


def test_trying_values_agrees_with_z3_wherever_it_says_never() -> None:
    """Of 400 small questions, those that trying alone refutes are refuted by Z3, and nothing is missed."""
    dice, refuted, found = random.Random(3), 0, 0
    for _ in range(400):
        texts = []
        for _ in range(dice.randint(2, 5)):
            one, other = atom(dice), atom(dice)
            texts.append(dice.choice([one, f"!({one})", f"{one} || {other}"]))
        question = Question(tuple(map(compiled, texts)))
        tried = ask(question, Work(50_000, may_use_solver=False))
        translation = Translation("EUR", facts_in(question.holds))
        solver = z3.Solver()
        solver.add(*[translation.holds(each) for each in question.holds], *translation.bounds)
        is_possible = solver.check() == z3.sat
        if tried == NEVER:
            refuted += 1
            assert not is_possible, texts
        elif isinstance(tried, Found):
            found += 1
            assert is_possible, texts
    assert refuted > 40
    assert found > 120
    assert refuted + found > 380
