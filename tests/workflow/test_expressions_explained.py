"""A refused condition names its smallest failing parts, with the values they looked at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fundflow.workflow.expressions import (
    BOOL,
    DECIMAL,
    INT,
    MONEY,
    STRING,
    Type,
    compile_expression,
    list_of,
    record,
)
from fundflow.workflow.expressions.explanation import Failing, explain
from tests.workflow.files import euro

TRANCHE = record({"nr": INT, "amount": MONEY, "state": Type("string", options=("planned", "verified", "paid"))})
TYPES = {
    "application": record({"requested": MONEY, "cofinance": MONEY.or_null(), "country": STRING, "urgent": BOOL}),
    "round": record({"cap": MONEY, "countries": list_of(STRING, 250)}),
    "reviews": record({"panel": record({"score": DECIMAL.or_null()})}),
    "siblings": list_of(TRANCHE, 12),
    "self": TRANCHE,
}
FACTS: dict[str, Any] = {
    "application": {"requested": euro("60000"), "cofinance": None, "country": "FR", "urgent": False},
    "round": {"cap": euro("50000"), "countries": ("KE", "PE")},
    "reviews": {"panel": {"score": None}},
    "siblings": (
        {"nr": 1, "amount": euro("10"), "state": "paid"},
        {"nr": 2, "amount": euro("20"), "state": "planned"},
        {"nr": 3, "amount": euro("30"), "state": "verified"},
    ),
    "self": {"nr": 4, "amount": euro("40"), "state": "planned"},
}


def reasons(source: str, facts: dict[str, Any] = FACTS) -> list[tuple[str, dict[str, Any]]]:
    found = explain(compile_expression(source, TYPES, "EUR", BOOL), facts)
    return [(reason.text, dict(reason.values)) for reason in found]


CAP = {"application.requested": euro("60000"), "round.cap": euro("50000")}
SCORE = {"reviews.panel.score": None}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("application.requested <= round.cap", [("application.requested <= round.cap", CAP)]),
        (
            "application.requested <= round.cap && application.country == 'FR' && self.nr < 4",
            [("application.requested <= round.cap", CAP), ("self.nr < 4", {"self.nr": 4})],
        ),
        ("has(reviews.panel.score) && reviews.panel.score > 6.0", [("has(reviews.panel.score)", SCORE)]),
        (
            "(reviews.panel.score != null && reviews.panel.score > 6.0) || application.urgent",
            [("reviews.panel.score != null", SCORE), ("application.urgent", {"application.urgent": False})],
        ),
        ("!(reviews.panel.score == null || reviews.panel.score < 6.0)", [("!(reviews.panel.score == null)", SCORE)]),
        ("!(self.nr == 4 && self.state == 'paid') && !(self.nr > 3)", [("!(self.nr > 3)", {"self.nr": 4})]),
        ("application.urgent ? true : self.nr < 2", [("self.nr < 2", {"self.nr": 4})]),
        (
            "application.urgent ? true : false",
            [("application.urgent ? true : false", {"application.urgent": False})],
        ),
        (
            "application.country in round.countries",
            [
                (
                    "application.country in round.countries",
                    {"application.country": "FR", "round.countries": ("KE", "PE")},
                )
            ],
        ),
        ("self.nr == 4", []),
        ("false", [("false", {})]),
    ],
)
def test_only_the_parts_that_fail_are_named(source: str, expected: list[tuple[str, dict[str, Any]]]) -> None:
    assert reasons(source) == expected


@pytest.mark.parametrize(
    ("source", "items"),
    [
        (
            "siblings.all(s, s.nr >= self.nr || s.state == 'paid')",
            [(2, {"s.nr": 2, "s.state": "planned"}), (3, {"s.nr": 3, "s.state": "verified"})],
        ),
        ("!siblings.exists(s, s.state == 'verified')", [(3, {"s.state": "verified"})]),
        ("siblings.exists_one(s, s.nr > 1)", [(2, {"s.nr": 2}), (3, {"s.nr": 3})]),
        ("siblings.exists(s, s.nr > 5)", []),
        ("round.countries.all(c, c == 'KE')", [(2, {"c": "PE"})]),
        ("siblings.all(s, siblings.exists(t, t.nr == s.nr + 1))", [(3, {"s.nr": 3})]),
    ],
)
def test_a_loop_names_the_items_it_fails_for(source: str, items: list[tuple[int, dict[str, Any]]]) -> None:
    (reason,) = explain(compile_expression(source, TYPES, "EUR", BOOL), FACTS)
    assert reason.text == source
    assert list(reason.items) == [Failing(position, values) for position, values in items]
    assert "siblings" not in reason.values


def test_at_most_three_items_are_named() -> None:
    many = {**FACTS, "siblings": tuple({"nr": nr, "amount": euro("1"), "state": "paid"} for nr in range(9))}
    (reason,) = explain(compile_expression("siblings.all(s, s.nr < 0)", TYPES, "EUR", BOOL), many)
    assert [item.position for item in reason.items] == [1, 2, 3]


def test_an_amount_is_no_condition_and_has_no_reasons() -> None:
    assert explain(compile_expression("self.amount * 2", TYPES, "EUR", MONEY), FACTS) == ()
    assert explain(compile_expression("reviews.panel.score.orValue(0)", TYPES, "EUR", DECIMAL), FACTS) == ()
    assert Decimal(0) == compile_expression("reviews.panel.score.orValue(0)", TYPES, "EUR").evaluate(FACTS)
