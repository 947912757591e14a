"""Evaluating and compiling a condition: five clauses of a large fund's submission, warm, in µs of the processor.

The clauses compare money, look a country up in a list, multiply exactly and check for null, so all five are evaluated.
The figure at the end is of one evaluation; at most 2 is what the engine promises.

    python bench/expressions.py [rounds]
"""

from __future__ import annotations

import sys
import time
import timeit
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fundflow.money import Money  # noqa: E402
from fundflow.workflow.expressions import (  # noqa: E402
    BOOL,
    DECIMAL,
    MONEY,
    STRING,
    Expression,
    Type,
    compile_expression,
    list_of,
    record,
)

GUARD = (
    "application.requested >= round.floor && application.requested <= round.cap"
    " && application.country in round.countries"
    ' && application.cofinance.orValue(money("0")) >= application.requested * 0.2'
    " && reviews.committee.score != null && reviews.committee.score >= 6.5"
)
TYPES = {
    "application": record(
        {"requested": Type("money", is_answer=True), "country": STRING, "cofinance": MONEY.or_null()},
    ),
    "round": record({"floor": MONEY, "cap": MONEY, "countries": list_of(STRING, 250)}),
    "reviews": record({"committee": record({"score": DECIMAL.or_null()})}),
}


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


FACTS: dict[str, Any] = {
    "application": {"requested": euro("180000"), "country": "KE", "cofinance": euro("40000")},
    "round": {"floor": euro("50000"), "cap": euro("250000"), "countries": ("BR", "CO", "GH", "IN", "KE", "PE", "SN")},
    "reviews": {"committee": {"score": Decimal("7.25")}},
}


def compiled() -> Expression:
    return compile_expression(GUARD, TYPES, "EUR", BOOL)


def best(job: Any, times: int, rounds: int) -> float:
    """Microseconds of processor time of one call, in the quietest of some rounds."""
    return min(timeit.repeat(job, timer=time.process_time, number=times, repeat=rounds)) / times * 1e6


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    guard = compiled()
    assert guard.evaluate(FACTS) is True
    assert guard.unanswered(FACTS) == []
    print(f"compile     {best(compiled, 50, rounds):8.0f} µs")
    print(f"unanswered  {best(lambda: guard.unanswered(FACTS), 5_000, rounds):8.2f} µs")
    print(f"evaluate    {best(lambda: guard.evaluate(FACTS), 20_000, rounds):8.2f} µs")


if __name__ == "__main__":
    main()
