"""Many runs of one scenario, and what they came to: figures with intervals, and how many applications are where.

The same workflow, scenario, number of runs and seed give the same report on any machine, with any number of processes.
"""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from random import Random

from fundflow.simulation.assumptions import Scenario
from fundflow.simulation.figures import Figure, Key, figures, filled, measured
from fundflow.simulation.model import Model, compiled
from fundflow.simulation.run import SAMPLE_DAYS, days_of, once
from fundflow.workflow.definition import Workflow

MOST_RUNS = 10_000
FULL = 1.0
"""From this load on, a role gets more work than it can do while work comes in."""

Sampled = list[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Point:
    """How many applications (or pieces of work) there were on one day, over the runs."""

    day: date
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What many runs of a scenario came to."""

    workflow: Workflow
    scenario: Scenario
    runs: int
    seed: int
    figures: Mapping[Key, Figure]
    each: Sequence[Mapping[Key, float]]
    """The same quantities run by run, in order, so that two reports with one seed can be compared run by run."""
    in_state: Mapping[str, Sequence[Point]]
    """For each state, week by week from the opening."""
    waiting: Mapping[str, Sequence[Point]]
    """For each role with staff, the pieces of work that nobody has begun."""

    def __getitem__(self, key: Key) -> Figure:
        return self.figures[key]

    def get(self, kind: str, name: str, what: str) -> Figure | None:
        """A figure, or None where it could not be measured in any run."""
        return self.figures.get((kind, name, what))

    @property
    def overloaded(self) -> list[str]:
        """Roles that get more work than they can do while it comes in: their queues grow until no more comes."""
        loads = {key[1]: figure.mean for key, figure in self.figures.items() if key[0] == "role" and key[2] == "load"}
        return [role for role, load in loads.items() if load >= FULL]


@dataclass(frozen=True, slots=True)
class Difference:
    """One quantity under two scenarios, and by how much the second differs, run by run."""

    key: Key
    first: Figure
    second: Figure
    change: Figure

    @property
    def is_clear(self) -> bool:
        """Whether the mean difference lies more than two standard errors from none."""
        return abs(self.change.mean) > 1.96 * self.change.error and self.change.mean != 0


def simulate(workflow: Workflow, scenario: Scenario, runs: int = 200, seed: int = 1, jobs: int = 1) -> Report:
    """Play a round under a scenario so many times, in so many processes.

    ValueError when the scenario was made for another workflow, or for fewer runs than one.
    """
    if scenario.workflow != workflow.id:
        raise ValueError(f"the scenario is for {scenario.workflow}, not for {workflow.id}")
    if not 1 <= runs <= MOST_RUNS:
        raise ValueError(f"a simulation has 1 to {MOST_RUNS:,} runs")
    model = compiled(workflow, scenario)
    parts = list(_in_order(model, runs, seed, max(1, min(jobs, runs))))
    each = filled([found for part, _ in parts for found in part])
    samples = [sample for _, part in parts for sample in part]
    in_state, waiting = _over_time(model, scenario.opening.opens, samples)
    return Report(
        workflow=workflow,
        scenario=scenario,
        runs=runs,
        seed=seed,
        figures=figures(each),
        each=each,
        in_state=in_state,
        waiting=waiting,
    )


def compare(first: Report, second: Report) -> list[Difference]:
    """Every quantity that both have. With one seed and number of runs, run is set against run."""
    found = []
    for key, figure in first.figures.items():
        other = second.figures.get(key)
        if other is None:
            continue
        paired = first.seed == second.seed and first.runs == second.runs
        changes = [b[key] - a[key] for a, b in zip(first.each, second.each, strict=False) if key in a and key in b]
        if paired and changes:
            change = Figure.of(changes)
        else:
            error = sqrt(figure.error**2 + other.error**2)
            mean = other.mean - figure.mean
            change = Figure(mean, mean - 1.96 * error, mean + 1.96 * error, error, min(figure.runs, other.runs))
        found.append(Difference(key, figure, other, change))
    return found


def _in_order(model: Model, runs: int, seed: int, jobs: int) -> Iterator[tuple[list[dict[Key, float]], list[Sampled]]]:
    if jobs == 1:
        yield _played(model, 0, runs, seed)
        return
    cuts = [runs * number // jobs for number in range(jobs + 1)]
    tasks = [(model, begin, end, seed) for begin, end in itertools.pairwise(cuts)]
    # Processes of their own kind: a server with threads must not be copied as it stands.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.starmap(_played, tasks)


def _played(model: Model, begin: int, end: int, seed: int) -> tuple[list[dict[Key, float]], list[Sampled]]:
    """The runs of these numbers. Each has a random source of its own, so it does not matter which process plays it."""
    days = days_of(model)
    found, samples = [], []
    for number in range(begin, end):
        log = once(model, Random(f"{seed}/{number}"), days)  # noqa: S311 - chance, not secrecy
        found.append(measured(model, log, days))
        samples.append(log.samples)
    return found, samples


def _over_time(
    model: Model, opens: date, samples: Sequence[Sampled]
) -> tuple[dict[str, list[Point]], dict[str, list[Point]]]:
    names = [state.id for state in model.states] + [desk.role for desk in model.desks]
    longest = max(len(run) for run in samples)
    found: list[list[Point]] = []
    for column in range(len(names)):
        points = []
        for week in range(longest):
            # After the last application has left, nothing is counted any more, and there is nothing.
            values = [run[week][column] if week < len(run) else 0 for run in samples]
            figure = Figure.of(values)
            points.append(Point(opens + timedelta(days=week * SAMPLE_DAYS), figure.mean, figure.low, figure.high))
        found.append(points)
    states = {state.id: found[number] for number, state in enumerate(model.states) if not state.is_final}
    roles = {desk.role: found[len(model.states) + number] for number, desk in enumerate(model.desks)}
    return states, roles
