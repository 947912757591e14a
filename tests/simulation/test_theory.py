"""The simulation against what queueing theory knows, and laws that hold in every run whatever the figures."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest

from fundflow.simulation import run, simulate
from fundflow.simulation.assumptions import Scenario
from fundflow.simulation.days import DAY
from fundflow.simulation.model import NONE, compiled
from tests.simulation.queues import circle, circle_scenario, erlang_c, queue, queue_scenario

RUNS = 16
WARM_UP = 0.2
"""The first part of each run is left out: it begins with nobody waiting, as the theory's queue does not."""


def mean_stay(scenario: Scenario, runs: int) -> tuple[float, float]:
    """Days in the state, over independent runs: the mean, and its standard error."""
    model = compiled(queue(), scenario)
    days, means = run.days_of(model), []
    for seed in range(runs):
        log = run.once(model, Random(seed), days, keeps_passes=True)
        came: dict[int, float] = {}
        stays = []
        assert log.passes is not None
        for number, _, state, at in log.passes:
            if state != NONE:
                came[number] = at
            elif came[number] >= WARM_UP * model.closes:
                stays.append((at - came[number]) / DAY)
        means.append(sum(stays) / len(stays))
    mean = sum(means) / runs
    return mean, sqrt(sum((each - mean) ** 2 for each in means) / (runs - 1) / runs)


@pytest.mark.parametrize(("clerks", "busy"), [(1, 0.5), (1, 0.8), (2, 0.7), (3, 0.6), (3, 0.85), (8, 0.8), (20, 0.9)])
def test_time_in_a_state_with_exponential_work_is_what_erlang_says(clerks: int, busy: float) -> None:
    per_day, hours = 12.0, 24 * clerks * busy / 12.0
    mean, error = mean_stay(queue_scenario(per_day=per_day, clerks=clerks, hours=f"{{mean: {hours}}}"), RUNS)
    service = hours / 24
    theory = erlang_c(clerks, clerks * busy) * service / (clerks * (1 - busy)) + service
    assert mean == pytest.approx(theory, abs=3 * error)
    assert error < 0.06 * theory  # or three of them would prove nothing


@pytest.mark.parametrize("busy", [0.5, 0.75])
def test_time_in_a_state_with_fixed_work_is_what_pollaczek_and_khinchine_say(busy: float) -> None:
    hours = 2 * busy
    mean, error = mean_stay(queue_scenario(per_day=12, clerks=1, hours=str(hours)), RUNS)
    theory = hours / 24 * (1 + busy / (2 * (1 - busy)))
    assert mean == pytest.approx(theory, abs=3 * error)
    assert error < 0.03 * theory


def test_time_in_a_state_with_triangular_work_follows_its_variance_too() -> None:
    low, mode, high = 0.2, 0.8, 2.6
    mean, error = mean_stay(
        queue_scenario(per_day=12, clerks=1, hours=f"{{low: {low}, mode: {mode}, high: {high}}}"), 30
    )
    service = (low + mode + high) / 3 / 24
    variance = (low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18 / 24**2
    busy = 12 * service
    theory = service + 12 * (service**2 + variance) / (2 * (1 - busy))
    assert mean == pytest.approx(theory, abs=3 * error)


def test_the_number_there_is_what_comes_times_how_long_it_stays() -> None:
    """Little's law: the area under the count, kept as it changes, against the sum of the stays."""
    model = compiled(circle(), circle_scenario())
    for seed in range(10):
        log = run.once(model, Random(seed))
        for state, seen in zip(model.states, log.states, strict=True):
            if not state.is_final:
                still = sum(
                    log.ended_at - c.entered for c in log.cases if c.outcome is None and model.states[c.state] is state
                )
                assert seen.area == pytest.approx(sum(seen.stays) + still, abs=1e-6)


@pytest.mark.parametrize("until", ["24 months", "2 months"])
def test_every_arrival_is_somewhere_and_every_stay_has_an_arrival(until: str) -> None:
    model = compiled(circle(), circle_scenario(**{"24 months": until}))
    for seed in range(10):
        log = run.once(model, Random(seed))
        ended = sum(case.outcome is not None for case in log.cases)
        here = sum(seen.here for seen in log.states)
        not_yet = sum(case.visit == NONE for case in log.cases)
        assert ended + here + not_yet == len(log.cases) == 60
        for state, seen in zip(model.states, log.states, strict=True):
            assert seen.came == len(seen.stays) + seen.here, state.id
    assert not_yet == 0


def test_nobody_works_more_than_there_is_time_and_all_work_asked_for_is_done_or_dropped() -> None:
    model = compiled(circle(), circle_scenario())
    days = run.days_of(model)
    for seed in range(10):
        log = run.once(model, Random(seed), days)
        for desk, piles in zip(model.desks, log.desks, strict=True):
            for pile in piles:
                there = days.capacity(0, log.ended_at + 30 * DAY, desk.hours) * pile.people
                assert 0 < pile.worked <= pile.asked + 1e-9
                assert pile.worked <= there
                assert pile.waiting == sum(job.is_waiting for job in pile.pile)


def test_the_queue_and_the_use_of_time_in_a_report_are_what_erlang_says() -> None:
    clerks, busy = 3, 0.6
    scenario = queue_scenario(per_day=12, clerks=clerks, hours=f"{{mean: {24 * clerks * busy / 12}}}")
    report = simulate(queue(), scenario, runs=RUNS, seed=1)
    waiting = report["role", "clerk", "queue"]
    assert waiting.mean == pytest.approx(erlang_c(clerks, clerks * busy) * busy / (1 - busy), abs=3 * waiting.error)
    used = report["role", "clerk", "utilisation"]
    assert used.mean == pytest.approx(busy, abs=3 * used.error)
    # All who are there wait or are served.
    there = report["state", "here", "queue"].mean
    assert there == pytest.approx(waiting.mean + clerks * used.mean, rel=0.02)


def test_the_same_seed_gives_the_same_report_and_another_seed_another() -> None:
    first = simulate(circle(), circle_scenario(), runs=12, seed=7)
    assert simulate(circle(), circle_scenario(), runs=12, seed=7).each == first.each
    assert simulate(circle(), circle_scenario(), runs=12, seed=8).each != first.each


def test_several_processes_give_the_same_report_as_one() -> None:
    alone = simulate(circle(), circle_scenario(), runs=5, seed=3)
    together = simulate(circle(), circle_scenario(), runs=5, seed=3, jobs=2)
    assert together.each == alone.each
    assert together.in_state == alone.in_state
