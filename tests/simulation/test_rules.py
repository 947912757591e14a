"""What the workflow file says holds in the simulation: deadlines, bounds, quorum, budget, limits, working days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.simulation import run, scenario, simulate
from fundflow.simulation.days import DAY, Days
from fundflow.simulation.log import Log
from fundflow.simulation.model import Model, compiled
from fundflow.simulation.tables import warnings
from fundflow.workflow.calendars import WorkingDays
from fundflow.workflow.durations import Duration, at_wall
from tests.simulation.queues import CIRCLE_SCENARIO, circle, circle_scenario, queue, queue_scenario

FIRST = date(2027, 1, 4)
FRANCE = WorkingDays(frozenset(range(5)), "FR")


def played(seed: int = 1, changes: Mapping[str, str] = MappingProxyType({})) -> tuple[Model, Log]:
    model = compiled(circle(), circle_scenario(**changes))
    return model, run.once(model, Random(seed), keeps_passes=True)


@settings(deadline=None)
@given(st.integers(0, 700 * 24 * 60), st.sampled_from(["3 working days", "1 month", "14 days", "36 hours", "2 years"]))
def test_lengths_are_counted_as_the_workflow_counts_them(minutes: int, text: str) -> None:
    """On the wall: the simulation has no summer time, so both are compared on a clock that is never moved."""
    days = Days(FIRST, FRANCE)
    length = Duration.parse(text)
    assert length is not None
    hour = minutes / 60 + 7 * DAY
    workflow = circle()
    wall = days.wall_of(hour)
    zone = ZoneInfo("UTC")
    expected = length.after(at_wall(wall, zone), zone, workflow.working_days).replace(tzinfo=None)
    assert abs(days.wall_of(days.later(hour, length)) - expected) < timedelta(seconds=1)


@settings(deadline=None)
@given(st.floats(0, 400 * 24), st.floats(0.01, 200), st.sampled_from([0.5, 1.0, 6.0, 8.0, 24.0]))
def test_work_takes_exactly_its_hours_of_working_time(begun: float, hours: float, a_day: float) -> None:
    days = Days(FIRST, FRANCE)
    done = days.done(begun, hours, a_day)
    assert done >= begun
    assert days.capacity(begun, done, a_day) == pytest.approx(hours, abs=1e-6)
    # It ends while somebody works: a moment earlier it was not done.
    assert days.capacity(begun, done - 0.001, a_day) < hours


def test_nobody_works_on_a_holiday_or_at_a_weekend() -> None:
    days = Days(FIRST, FRANCE)
    friday = days.hour_of(datetime.fromisoformat("2027-05-14T16:00"))
    done = days.wall_of(days.done(friday, 2.0, 7.0))
    assert done == datetime.fromisoformat("2027-05-18T11:00")  # the sixteenth is a Sunday, the seventeenth Whit Monday


def test_what_is_sent_after_the_closing_lapses() -> None:
    model, log = played()
    assert log.passes is not None
    sent = [at for _, name, _, at in log.passes if name == "send"]
    lapsed = [at for _, name, _, at in log.passes if name == "lapse"]
    assert sent and max(sent) <= model.closes + 0.25
    assert lapsed and min(lapsed) == pytest.approx(model.closes + 0.25, abs=0.01)


def test_the_rush_brings_its_share_in_its_days() -> None:
    model, _ = played(1, {"count: 60": "count: 4000"})
    came = [c.came for c in run.once(model, Random(4)).cases]
    late = sum(at > model.closes - 5 * DAY for at in came) / len(came)
    assert late == pytest.approx(0.5, abs=0.03)
    assert max(came) <= model.closes


def test_a_way_back_is_taken_no_more_often_than_the_file_allows() -> None:
    for seed in range(5):
        _, log = played(seed, {"share: 0.6, hours": "share: 0.02, hours", "back: {share: 0.2": "back: {share: 0.78"})
        most = max(case.used.get("back", 0) for case in log.cases)
        assert most == 2
        assert all(case.outcome or case.state == 3 for case in log.cases)


def test_no_more_is_awarded_than_there_is_and_what_is_missing_is_said() -> None:
    report = simulate(circle(), circle_scenario(**{"budget: 400": "budget: 100"}), runs=10, seed=1)
    assert report["round", "", "awarded"].high <= 100
    assert report["round", "", "of_budget"].high <= 1
    assert report["round", "", "unfunded"].mean > 0
    rich = simulate(circle(), circle_scenario(**{"budget: 400": "budget: 4000"}), runs=10, seed=1)
    assert rich["round", "", "unfunded"].mean == 0


def test_shares_are_what_the_scenario_says() -> None:
    _, log = played(
        1,
        {
            "count: 60": "count: 4000",
            "budget: 400, ": "",
            "chief: {people: 1, hours: 1}": "chief: {people: 99, hours: 8}",
        },
    )
    assert log.passes is not None
    left = [name for _, name, _, _ in log.passes if name in ("send", "lapse")]
    # Some who would have sent come after the deadline of their own choice; nobody sends who should lapse.
    assert left.count("lapse") / len(left) == pytest.approx(0.1, abs=0.02)


def test_every_review_has_its_sheets_and_recusals_are_replaced() -> None:
    report = simulate(circle(), circle_scenario(), runs=20, seed=2)
    sheets = report["review", "scores", "sheets"].mean * 6
    reviews = report["round", "", "awards"].mean
    assert sheets >= 2 * reviews
    assert report["review", "scores", "recused"].mean == pytest.approx(sheets / 0.9 * 0.1, rel=0.25)
    assert report["review", "scores", "short"].mean == 0


def test_too_few_without_a_conflict_leave_an_application_waiting_and_that_is_said() -> None:
    report = simulate(circle(), circle_scenario(**{"conflict: 0.1": "conflict: 1"}), runs=3, seed=1)
    assert report["review", "scores", "short"].mean > 5
    assert report["round", "", "open"].mean > 5
    assert any("too few reviewers" in line for line in warnings(report))


def test_waiting_for_all_sheets_takes_longer_than_for_the_quorum() -> None:
    soon = simulate(circle(), circle_scenario(), runs=20, seed=1)
    late = simulate(circle(), circle_scenario(**{"conflict: 0.1": "conflict: 0.1, waits_for: all"}), runs=20, seed=1)
    assert late["state", "look", "p50"].mean > soon["state", "look", "p50"].mean


def test_a_limit_that_stands_still_elsewhere_counts_an_application_once() -> None:
    report = simulate(circle(), circle_scenario(), runs=10, seed=1)
    late = report["timer", "look_due", "late"]
    assert 0 < late.mean < 60
    assert report["timer", "look_due", "share"].high <= 1


def test_more_work_than_people_can_do_is_said_and_not_hidden() -> None:
    busy = queue_scenario(per_day=10, clerks=2, hours="{mean: 6}", closes="2027-06-30")
    report = simulate(queue(), busy, runs=5, seed=1)
    assert report.overloaded == ["clerk"]
    assert report["role", "clerk", "load"].mean == pytest.approx(1.25, abs=0.05)
    assert any(line.startswith("Clerk: 12") and "queue grows" in line for line in warnings(report))
    calm = queue_scenario(per_day=10, clerks=4, hours="{mean: 6}", closes="2027-06-30")
    assert simulate(queue(), calm, runs=5, seed=1).overloaded == []


def test_circles_without_time_or_bound_end() -> None:
    """Nothing bounds `again` and hardly anything leaves; an application is taken out after a thousand states."""
    text = CIRCLE_SCENARIO.replace("days: {values: [1, 2, 9]}", "days: 0").replace("budget: 400, ", "")
    model = compiled(circle(), scenario.load(text, circle()))
    ways = model.states[1].ways
    back = replace(next(w for w in ways if w.id == "back"), share=1.0, limit=0, step=model.states[0].ways[1].step)
    states = list(model.states)
    states[1] = replace(states[1], ways=(back, replace(next(w for w in ways if w.id == "refuse"), share=0.0)))
    endless = replace(model, states=tuple(states))
    log = run.once(endless, Random(1))
    assert log.endless > 20
    assert all(case.outcome for case in log.cases)
