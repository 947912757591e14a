"""docs/expressions.md names all there is, its examples pass, and its refusals are said word for word."""

from __future__ import annotations

import re

import pytest

from fundflow.config import ROOT
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
    record,
)
from fundflow.workflow.expressions.calls import FUNCTIONS, METHODS
from fundflow.workflow.expressions.check import MOST_STEPS
from fundflow.workflow.expressions.lexer import LONGEST
from fundflow.workflow.expressions.nodes import STRENGTH
from fundflow.workflow.expressions.parser import DEEPEST, TALLEST

PAGE = (ROOT / "docs" / "expressions.md").read_text(encoding="utf-8")
ROW = record({"amount": MONEY, "state": Type("string", options=("planned", "paid"))})
TYPES = {
    "x": record(
        {
            "yes": BOOL,
            "number": INT,
            "amount": MONEY,
            "day": DATE,
            "moment": INSTANT,
            "name": STRING,
            "theme": Type("string", options=("housing", "work")),
            "maybe": DECIMAL.or_null(),
            "rows": list_of(ROW, 50),
        }
    ),
    "round": record({"cap": MONEY}),
    "application": record({"requested": MONEY}),
    "now": INSTANT,
    "today": DATE,
}


def cells(heading: str) -> list[tuple[str, str]]:
    """The first two cells of each row of the table under a heading."""
    part = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line) for line in part.splitlines() if line.startswith("| ")]
    return [(row[1].strip().replace("\\|", "|"), row[2].strip()) for row in rows[2:]]


def examples() -> list[str]:
    headings = ("Signs, from", "Lists", "Texts", "What may be missing", "Functions")
    return [code for heading in headings for cell, _ in cells(heading) for code in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("source", examples())
def test_an_example_passes(source: str) -> None:
    compile_expression(source, TYPES, "EUR")


@pytest.mark.parametrize("source", [code for cell, _ in cells("Values") for code in re.findall(r"`([^`]+)`", cell)])
def test_a_value_is_one(source: str) -> None:
    compile_expression(source, TYPES, "EUR")


@pytest.mark.parametrize(("cell", "said"), cells("What is refused"))
def test_a_refusal_is_said_in_these_words(cell: str, said: str) -> None:
    with pytest.raises(WrongExpression) as wrong:
        compile_expression(cell.strip("`"), TYPES, "EUR")
    assert said in [error.message for error in wrong.value.errors]


def test_nothing_is_left_out() -> None:
    shown = " ".join(examples() + [cell for cell, _ in cells("Values")])
    assert all(f"{name}(" in shown for name in (*METHODS, *FUNCTIONS))
    assert all(f" {sign} " in shown for sign in STRENGTH)
    for number in (LONGEST, DEEPEST, TALLEST, MOST_STEPS):
        assert f"{number:,}" in PAGE


@pytest.mark.parametrize(
    "source", ["0.1 + 0.2 == 0.3", "7 / 2 == 3.5", "-7 % 3 == -1", "1 < 2 && 2 < 9", "abs(-2) == 2"]
)
def test_what_the_page_says_of_numbers_holds(source: str) -> None:
    assert compile_expression(source, TYPES, "EUR").evaluate({}) is True
