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
from fundflow.simulation.model import NONE, Model, compiled
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


def test_no_sheet_is_begun_for_an_application_that_has_left() -> None:
    hour = {
        "sheet: {hours: {median: 1, p90: 3}}, conflict: 0.1": "sheet: {hours: 1}, picks: random",
        "grant: {share: 0.6, hours: 0.5}": "grant: {share: 0.6, days: 0}",
    }
    model, log = played(2, hour)
    days = run.days_of(model)
    left: dict[int, list[float]] = {}
    for number, name, _, at in log.passes or ():
        if name in ("grant", "refuse", "back"):
            left.setdefault(number, []).append(at)
    unsent = [paper for paper in log.papers or () if paper.sent is None and not paper.is_recused]
    assert len(unsent) > 5
    late = 0
    for paper in log.papers or ():
        after = next((at for at in left.get(paper.application, ()) if at > paper.asked), None)
        if paper.sent is not None and after is not None and paper.sent > after:
            late += 1
            assert days.capacity(after, paper.sent, 1.0) <= 1 + 1e-6  # it was being written
    assert late < len(unsent)
    # What was on a pile when its application left is taken from it, and costs nobody an hour.
    piles = log.desks[[desk.role for desk in model.desks].index("panel")]
    written = sum(paper.sent is not None for paper in log.papers or ())
    assert written <= sum(pile.worked for pile in piles) < written + len(unsent) - 5


def test_work_that_ends_after_its_application_was_moved_changes_nothing() -> None:
    """Cities that write for days, of whom one person can see to one at a time: the deadline ends most of them."""
    slow = {
        "send: {share: 0.9, days: {median: 1, p90: 8}, before: closing}": "send: {share: 1, hours: 9}",
        "lapse: {}": "lapse: {share: 0}",
        "staff:": "staff:\n  applicant: {people: 2, hours: 1}",
    }
    model, log = played(3, slow)
    assert log.passes is not None
    ended: set[int] = set()
    for number, _, state, _ in log.passes:
        assert number not in ended
        if state == NONE or model.states[state].is_final:
            ended.add(number)
    names = [name for _, name, _, _ in log.passes]
    assert names.count("lapse") > 20 and names.count("send") > 5
    assert names.count("lapse") + names.count("send") == 60


def test_those_who_were_asked_least_are_asked_first_unless_it_is_left_to_chance() -> None:
    def unevenness(**changes: str) -> float:
        report = simulate(circle(), circle_scenario(**changes), runs=20, seed=1)
        return report["review", "scores", "sheets_max"].mean - report["review", "scores", "sheets"].mean

    fewest = unevenness()
    assert fewest < 1.5
    assert unevenness(**{"conflict: 0.1": "conflict: 0.1, picks: random"}) > 2 * fewest


def test_waiting_for_all_sheets_takes_longer_than_for_the_quorum() -> None:
    soon = simulate(circle(), circle_scenario(), runs=20, seed=1)
    late = simulate(circle(), circle_scenario(**{"conflict: 0.1": "conflict: 0.1, waits_for: all"}), runs=20, seed=1)
    assert late["state", "look", "p50"].mean > soon["state", "look", "p50"].mean


@pytest.mark.parametrize(
    ("days", "back", "late"),
    [("9", "0", 0), ("20", "0", 1), ("9", "1", 1)],
    ids=["soon", "late", "late all in all"],
)
def test_a_limit_that_stands_still_elsewhere_counts_an_application_once(days: str, back: str, late: int) -> None:
    """Ten working days: nine days are seven of them, three times nine are too many, and that is one that is late."""
    fixed = {
        "grant: {share: 0.6, hours: 0.5}": "grant: {share: 0}",
        "refuse: {share: 0.2, hours: 0.5}": f"refuse: {{share: {1 - int(back)}, days: {days}}}",
        "back: {share: 0.2, hours: {low: 0.2, mode: 0.5, high: 1}}": f"back: {{share: {back}, days: {days}}}",
        "into: draft": "into: look",
        "count: 60": "into: look, count: 60",
    }
    if back == "1":
        fixed["refuse: {share: 0.2, hours: 0.5}"] = f"refuse: {{share: 0.001, days: {days}}}"
    model, log = played(1, fixed)
    number = [timer.id for timer in model.timers].index("look_due")
    in_time, too_late = log.timers[number]
    assert (in_time, too_late) == (60 * (1 - late), 60 * late)


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
