"""Totals, means and quorums, exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundflow.workflow import scores
from fundflow.workflow.scores import Criterion

TEN = Decimal(10)
TOTALS = st.lists(st.decimals(min_value=0, max_value=10, places=2, allow_nan=False), max_size=12)


def criteria(*weights: int, maximum: int = 10) -> list[Criterion]:
    return [Criterion(f"c{n}", Decimal(weight), Decimal(maximum)) for n, weight in enumerate(weights)]


@pytest.mark.parametrize(
    ("weights", "given", "expected"),
    [
        ((40, 30, 30), ("8", "6", "7"), "7.10"),
        ((1, 1, 1), ("10", "10", "9"), "9.67"),
        ((1,), ("0",), "0.00"),
        ((70, 30), (10, 10), "10.00"),
        ((50, 50), ("7.5", "8"), "7.75"),
    ],
)
def test_total_is_the_weighted_mean_on_the_scale(
    weights: tuple[int, ...], given: tuple[object, ...], expected: str
) -> None:
    data = {f"c{n}": score for n, score in enumerate(given)}

    assert scores.total(criteria(*weights), data, TEN).value == Decimal(expected)


def test_a_scale_of_five_is_brought_to_the_scale_of_the_review() -> None:
    assert scores.total(criteria(1, 1, maximum=5), {"c0": "5", "c1": "4"}, TEN).value == Decimal("9.00")


@pytest.mark.parametrize(
    "wrong", [None, "", "11", "-1", "NaN", "Infinity", "1e9", "eight", True, 7.5, {"raw": "8"}, ["8"]]
)
def test_a_score_that_is_missing_or_outside_its_scale_gives_no_total(wrong: object) -> None:
    total = scores.total(criteria(1, 1), {"c0": "8", "c1": wrong}, TEN)

    assert (total.value, total.scored, total.criteria, total.is_complete) == (None, 1, 2, False)


def test_a_sheet_without_criteria_or_weights_has_no_total() -> None:
    assert scores.total([], {}, TEN).value is None
    assert scores.total(criteria(0, 0), {"c0": "8", "c1": "8"}, TEN).value is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1/8", "0.12"), ("3/8", "0.38"), ("1/200", "0.00"), ("3/200", "0.02"), ("2/3", "0.67"), ("7", "7.00")],
)
def test_halves_go_to_the_even_neighbour(value: str, expected: str) -> None:
    assert scores.places(Fraction(value)) == Decimal(expected)


def test_mean_median_lowest_and_spread() -> None:
    totals = [Decimal("7.10"), Decimal("6.25"), Decimal("9.00"), Decimal("6.30")]

    assert scores.mean(totals) == Decimal("7.16")
    assert scores.median(totals) == Decimal("6.70")
    assert scores.median(totals[:3]) == Decimal("7.10")
    assert scores.lowest(totals) == Decimal("6.25")
    assert scores.spread(totals) == Decimal("2.75")


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ("1.00 7.00 7.10 9.99", "7.05"),
        ("1.00 7.00 9.00", "7.00"),
        ("1.00 7.00", "4.00"),
        ("7.01", "7.01"),
        ("9.00 9.00 9.00 0.00 0.00", "6.00"),
        ("0.00 0.01 0.02 0.02 0.02 9.00", "0.02"),
    ],
)
def test_a_trimmed_mean_leaves_out_one_highest_and_one_lowest_of_three_or_more(totals: str, expected: str) -> None:
    assert scores.trimmed_mean([Decimal(each) for each in totals.split()]) == Decimal(expected)


@given(TOTALS, st.randoms(use_true_random=False))
def test_every_aggregate_is_exact_bounded_and_blind_to_the_order(totals: list[Decimal], random: Random) -> None:
    shuffled = random.sample(totals, len(totals))
    for name, aggregate in scores.AGGREGATES.items():
        found = aggregate(totals)
        assert found == aggregate(shuffled), name
        if not totals:
            assert found is None
            continue
        assert found is not None and min(totals) <= found <= max(totals), name
        assert found == found.quantize(Decimal("0.01"))
    kept = sorted(totals)[1:-1] if len(totals) > 2 else totals
    if kept:
        exact = sum(map(Fraction, kept), Fraction()) / len(kept)
        trimmed = scores.trimmed_mean(totals)
        assert trimmed is not None and abs(Fraction(trimmed) - exact) <= Fraction(1, 200)
    assert scores.spread(totals) == (max(totals) - min(totals) if len(totals) > 1 else None)


@given(
    st.integers(1, 20),
    st.none() | st.decimals(min_value="0.01", max_value=1, places=2),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_the_quorum_is_never_below_its_count_nor_its_share(
    count: int, share: Decimal | None, assigned: int, recused: int
) -> None:
    needed = scores.needed(count, share, assigned, recused)
    left = max(assigned - recused, 0)
    assert needed >= count
    if share is not None:
        assert Fraction(needed) >= Fraction(share) * left
        assert needed == count or Fraction(needed - 1) < Fraction(share) * left


def test_without_sheets_there_is_no_figure_and_with_one_no_spread() -> None:
    assert [figure([]) for figure in (scores.mean, scores.median, scores.lowest, scores.spread)] == [None] * 4
    assert scores.spread([Decimal("7.00")]) is None


@pytest.mark.parametrize(
    ("count", "share", "assigned", "recused", "expected"),
    [
        (2, None, 5, 4, 2),
        (3, "0.6", 5, 0, 3),
        (1, "0.6", 5, 0, 3),
        (1, "0.6", 5, 2, 2),
        (3, "0.6", 5, 4, 3),
        (1, "0.5", 3, 5, 1),
    ],
)
def test_a_recusal_lowers_what_the_share_asks_for_and_never_the_count(
    count: int, share: str | None, assigned: int, recused: int, expected: int
) -> None:
    assert scores.needed(count, Decimal(share) if share else None, assigned, recused) == expected
