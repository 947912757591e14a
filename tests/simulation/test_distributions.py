"""Each distribution draws what its figures say, never below nothing, and is written so that it reads the same."""

from __future__ import annotations

from random import Random

import pytest

from fundflow.simulation.distributions import (
    Distribution,
    Exponential,
    Fixed,
    LogNormal,
    Observed,
    Triangular,
    exact,
)
from fundflow.simulation.figures import quantile


@pytest.mark.parametrize(
    ("distribution", "half", "nine"),
    [
        (Fixed(3.0), 3, 3),
        (Exponential(10.0), 6.931, 23.03),
        (LogNormal(2.0, 7.0), 2, 7),
        (Triangular(0.0, 2.0, 8.0), 3.101, 5.809),
        (Observed.of([5, 1, 9], [0.3, 0.5, 0.2]), 1, 9),
    ],
    ids=["fixed", "exponential", "log-normal", "triangular", "observed"],
)
def test_half_and_nine_of_ten_lie_where_the_figures_say(distribution: Distribution, half: float, nine: float) -> None:
    random = Random(1)
    drawn = [distribution.draw(random) for _ in range(20_001)]
    assert min(drawn) >= 0
    assert quantile(drawn, 0.49) == pytest.approx(half, rel=0.06)
    assert quantile(drawn, 0.9) == pytest.approx(nine, rel=0.05)
    assert sum(drawn) / len(drawn) == pytest.approx(distribution.mean, rel=0.04)


def test_rounded_shares_still_add_up() -> None:
    assert exact({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}) == {"a": 0.3334, "b": 0.3333, "c": 0.3333}
    many = Observed.of([float(n) for n in range(7)], [0.4, 0.3, 0.1, 0.1, 0.05, 0.04999, 0.00001]).written()
    assert len(many["values"]) == len(many["shares"]) == 6
    assert sum(many["shares"]) == pytest.approx(1, abs=1e-9)
