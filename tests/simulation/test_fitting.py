"""Parameters that are known are found again in a real database, and what was fitted predicts what came later."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from math import sqrt
from pathlib import Path
from random import Random

import pytest
from flask import Flask

from fundflow import clock
from fundflow.db import transaction
from fundflow.lifecycle import acts
from fundflow.lifecycle.actor import SYSTEM
from fundflow.simulation import scenario, simulate
from fundflow.simulation.assumptions import Scenario
from fundflow.simulation.backtest import backtest
from fundflow.simulation.days import DAY
from fundflow.simulation.distributions import Observed
from fundflow.simulation.estimates import Lasting, incidence, lengths, shares, survival_quantile, thinned
from fundflow.simulation.figures import quantile
from fundflow.simulation.fitted import fitted, rush
from fundflow.simulation.history import History
from fundflow.simulation.records import NoSuchRound, OtherWorkflow, read
from fundflow.workflow.durations import at_wall
from tests import factories
from tests.commands import run
from tests.conftest import ON_POSTGRES
from tests.simulation.queues import CIRCLE, FORM, SCORE, circle, queue
from tests.simulation.rounds import kept

KNOWN = """\
format: fundflow-scenario/1
scenario: known
workflow: circle
round: {opens: 2027-01-04, closes: 2027-02-26, budget: 100000, amount: {values: [100, 200, 400]}}
arrivals: {count: 400, rush: {share: 0.5, days: 5}}
until: 24 months
staff: {panel: {people: 9, hours: 1}}
states:
  draft:
    ways:
      send: {share: 0.9, days: {median: 1, p90: 6}, before: closing}
      lapse: {}
  look:
    ways:
      grant: {share: 0.5, days: {low: 1, mode: 2, high: 6}}
      refuse: {share: 0.3, days: {median: 8, p90: 30}}
      back: {share: 0.2, days: {mean: 5}}
  mend:
    ways:
      again: {days: {values: [3, 5, 14]}}
reviews:
  scores: {choosing: {days: 2}, sheet: {days: {median: 6, p90: 15}}, conflict: 0.1}
"""


def known() -> Scenario:
    return scenario.load(KNOWN, circle())


def look_at(history_until: float) -> datetime:
    return at_wall(datetime.fromisoformat("2027-01-04T00:00") + timedelta(hours=history_until), circle().zone)


@pytest.fixture
def whole(app: Flask) -> tuple[Scenario, History]:
    """The known round to its end, and its history as it is read from the database two years later."""
    round_, _ = kept(circle(), known(), seed=3)
    with clock.standing_at(look_at(20_000)):
        return known(), read(round_.slug, circle())


def test_shares_and_durations_with_open_cases_are_those_of_the_textbook() -> None:
    """Six lives, two of them open: Kaplan-Meier by hand is 5/6, 5/6 * 3/4, then 5/6 * 3/4 * 1/2."""
    seen = [Lasting(1, "a"), Lasting(2, None), Lasting(3, "b"), Lasting(4, None), Lasting(5, "a"), Lasting(6, None)]
    found = incidence(seen)
    assert [length for length, _ in found["a"]] == [1, 5]
    assert [jump for _, jump in found["a"]] == pytest.approx([1 / 6, 5 / 6 * 3 / 4 / 2])
    assert [length for length, _ in found["b"]] == [3]
    assert [jump for _, jump in found["b"]] == pytest.approx([5 / 6 / 4])
    assert survival_quantile(seen, 0.15) == 1
    assert survival_quantile(seen, 0.5) == 5
    assert survival_quantile(seen, 0.9) is None
    assert sum(shares(seen).values()) == pytest.approx(1)


def test_leaving_out_what_is_open_would_say_less_and_this_does_not() -> None:
    """Long lives are cut off more often: the plain mean of those that ended is far too short, and this is not."""
    random = Random(1)
    seen, ended = [], []
    for _ in range(4000):
        way = "fast" if random.random() < 0.5 else "slow"
        length, cut = random.expovariate(1 / (2 if way == "fast" else 20)), random.uniform(0, 60)
        seen.append(Lasting(min(length, cut), way if length <= cut else None))
        if length <= cut:
            ended.append(way)
    assert ended.count("slow") / len(ended) < 0.44
    assert shares(seen)["slow"] == pytest.approx(0.5, abs=0.03)
    slow = lengths(seen, "slow")
    # Nobody was seen for more than sixty: of an exponential with mean 20, those below have a mean of 16.86.
    assert slow is not None and slow.mean == pytest.approx(16.86, rel=0.05)
    assert sum(each.length for each in seen if each.end == "slow") / ended.count("slow") < 14


def test_a_distribution_keeps_its_shape_in_few_points() -> None:
    random = Random(2)
    values = [random.lognormvariate(1, 0.8) for _ in range(5000)]
    few = thinned(values)
    assert len(few.values) == 60
    assert few.mean == pytest.approx(sum(values) / 5000, rel=0.05)
    drawn = [few.draw(random) for _ in range(5000)]
    assert quantile(drawn, 0.5) == pytest.approx(quantile(values, 0.5), rel=0.06)
    assert quantile(drawn, 0.9) == pytest.approx(quantile(values, 0.9), rel=0.06)


def test_a_rush_is_found_where_there_is_one() -> None:
    random = Random(3)
    closing = 60 * DAY
    even = [random.uniform(0, closing) for _ in range(500)]
    assert rush(even, closing) is None
    late = [closing - random.uniform(0, 5 * DAY) if random.random() < 0.6 else at for at in even]
    found = rush(late, closing)
    assert found is not None and found.days == 5
    assert found.share == pytest.approx(0.6 + 0.4 * 5 / 60, abs=0.06)


def test_known_parameters_are_found_again(whole: tuple[Scenario, History]) -> None:
    _, history = whole
    found = fitted(circle(), history)
    assert scenario.load(scenario.written(found), circle()).workflow == "circle"

    def is_about(share: float, expected: float, count: int) -> bool:
        return abs(share - expected) < 3 * sqrt(expected * (1 - expected) / count)

    looks = len(history.of_state("look"))
    for name, expected in (("refuse", 0.3), ("back", 0.2), ("grant", 0.5)):
        assert is_about(found.states["look"].ways[name].share, expected, looks), name
    assert is_about(found.states["draft"].ways["send"].share, 0.9, 400)
    again = found.states["mend"].ways["again"].effort.days
    assert isinstance(again, Observed)
    assert {round(value) for value in again.values} == {3, 5, 14}
    sent = found.states["draft"].ways["send"].effort
    assert sent.before == "closing"
    refuse = found.states["look"].ways["refuse"].effort.days
    assert isinstance(refuse, Observed)
    assert refuse.mean == pytest.approx(13.3, rel=0.25)
    grant = found.states["look"].ways["grant"].effort.days
    assert grant is not None and grant.mean == pytest.approx(3, rel=0.1)
    sheets = found.reviews["scores"]
    assert sheets.choosing.days is not None and sheets.choosing.days.mean == pytest.approx(2, abs=0.01)
    assert sheets.sheet.days is not None and isinstance(sheets.sheet.days, Observed)
    drawn = [sheets.sheet.days.draw(Random(n)) for n in range(2000)]
    assert quantile(drawn, 0.5) == pytest.approx(6, rel=0.15)
    assert quantile(drawn, 0.9) == pytest.approx(15, rel=0.15)
    assert is_about(sheets.conflict, 0.1, len(history.sheets))
    assert (sheets.picks, sheets.waits_for) == ("fewest", "quorum")
    assert found.staff["panel"].people == 9
    assert found.arrivals.count == 400 and found.arrivals.rush is not None
    assert found.arrivals.rush.days == 5
    assert is_about(found.arrivals.rush.share, 0.5, 400)
    assert found.opening.amount.mean == pytest.approx(700 / 3, rel=0.1)
    assert found.opening.budget == 100_000
    assert (found.opening.opens, found.opening.closes) == (known().opening.opens, known().opening.closes)


def test_what_was_fitted_plays_as_what_it_was_fitted_from(whole: tuple[Scenario, History]) -> None:
    first, history = whole
    before = simulate(circle(), first, runs=15, seed=5)
    after = simulate(circle(), fitted(circle(), history), runs=15, seed=6)
    for what in (
        ("state", "look", "p50"),
        ("state", "look", "p90"),
        ("state", "mend", "p50"),
        ("round", "", "decided"),
    ):
        assert after[what].mean == pytest.approx(before[what].mean, rel=0.15), what
    written = sum(not sheet.is_recused for sheet in history.sheets) / 9
    assert after["review", "scores", "sheets"].mean == pytest.approx(written, rel=0.1)


def test_a_round_that_is_not_over_gives_nearly_the_same_figures(app: Flask) -> None:
    """Looked at ten days after the closing, when most that take long are open: they are not taken for quick."""
    until = 64 * DAY
    round_, _ = kept(circle(), known(), seed=3, until=until)
    with clock.standing_at(look_at(until)):
        history = read(round_.slug, circle())
    open_ = sum(visit.left is None for visit in history.visits)
    assert open_ > 60
    found = fitted(circle(), history)
    refused = [visit for visit in history.of_state("look") if visit.way == "refuse"]
    plain = len(refused) / sum(visit.way is not None for visit in history.of_state("look"))
    assert abs(found.states["look"].ways["refuse"].share - 0.3) < 0.12
    days = found.reviews["scores"].sheet.days
    assert isinstance(days, Observed)
    sent = [(sheet.sent - sheet.asked) / DAY for sheet in history.sheets if sheet.sent is not None]
    assert quantile([days.draw(Random(n)) for n in range(2000)], 0.5) > quantile(sent, 0.5)
    assert plain > 0


def test_the_first_seventy_of_a_hundred_predict_the_others(whole: tuple[Scenario, History]) -> None:
    _, history = whole
    found = backtest(circle(), history, runs=60)
    assert found is not None
    assert (found.fitted, found.held_out) == (280, 120)
    assert {line.state for line in found.lines} == {"draft", "look", "mend"}
    held, of = found.held
    assert of == 6 and held >= 5
    look = next(line for line in found.lines if line.state == "look")
    assert look.was_nine is not None
    assert look.nine.mean == pytest.approx(look.was_nine, rel=0.25)
    assert 0.8 <= look.within <= 1


def test_a_prediction_from_another_world_does_not_hold(app: Flask) -> None:
    """The back-test can fail: later applications are read three times as slowly as the first."""
    round_, _ = kept(circle(), known(), seed=4)
    with clock.standing_at(look_at(30_000)):
        history = read(round_.slug, circle())
    order = [number for _, number in history.arrivals]
    late = set(order[280:])
    slowed = replace(
        history,
        visits=tuple(
            replace(v, left=v.came + 3 * (v.left - v.came))
            if v.application in late and v.state == "look" and v.left is not None
            else v
            for v in history.visits
        ),
    )
    found = backtest(circle(), slowed, runs=40)
    assert found is not None
    look = next(line for line in found.lines if line.state == "look")
    assert look.held == [False, False]
    assert look.within < 0.6


@pytest.mark.skipif(ON_POSTGRES, reason="the command runs on an embedded database of its own")
def test_the_command_writes_the_scenario_and_tells_how_well_it_predicts(app: Flask, tmp_path: Path) -> None:
    for name, text in (("circle.yaml", CIRCLE), ("ask.yaml", FORM), ("score.yaml", SCORE)):
        (tmp_path / name).write_text(text)
    round_, _ = kept(circle(), known(), seed=6)
    own = tmp_path / "own.yaml"
    file = str(tmp_path / "circle.yaml")
    done = run(tmp_path, "simulate", file, "--fit", round_.slug, "--runs", "30", "-o", str(own))
    assert done.returncode == 0, done.stderr
    assert f"wrote {own}" in done.stdout
    assert "back-test: the first 280 applications predict the other 120; in days" in done.stdout
    held = re.search(r"(\d) of 6 actual figures lie between", done.stdout)
    assert held is not None and int(held[1]) >= 4
    assert scenario.read(own, circle()).arrivals.count == 400
    assert run(tmp_path, "simulate", file, str(own), "--runs", "3").returncode == 0
    unknown = run(tmp_path, "simulate", file, "--fit", "nowhere")
    assert unknown.returncode == 1 and "There is no round “nowhere”" in unknown.stderr


def test_rounds_that_are_not_there_or_ran_by_other_rules_are_refused(app: Flask) -> None:
    with pytest.raises(NoSuchRound, match="no round “nowhere”"):
        read("nowhere", circle())
    round_, _ = kept(circle(), known(), seed=5)
    with pytest.raises(OtherWorkflow, match="Nothing that happened"):
        read(round_.slug, queue())


def test_a_round_without_applications_gives_the_scenario_to_begin_with(app: Flask) -> None:
    round_ = factories.a_round(workflow=circle())
    history = read(round_.slug, circle())
    found = fitted(circle(), history)
    assert found.arrivals.count == 0
    assert found.states == scenario.default(circle()).states
    assert backtest(circle(), history) is None


def test_real_commands_leave_a_history_that_can_be_read(app: Flask) -> None:
    """Not rows of ours: an application driven by people, its acts and its sheets."""
    workflow = factories.a_workflow()
    round_ = factories.a_round(workflow=workflow)
    for _ in range(2):
        factories.an_application(round_, state="disbursed")
    third = factories.an_application(round_, state="scored")
    with transaction():  # an event that is no step, as an outage leaves one
        acts.record(third.id, "outage", "report_due", key="outage:1", actor=SYSTEM)
    history = read(round_.slug, workflow)
    ways = [(visit.application, visit.state, visit.way) for visit in history.visits]
    assert ways.count((0, "draft", "submit")) == 1
    assert [way for number, _, way in ways if number == 1] == ["submit", "approve", "disburse", None]
    assert [(state, way) for number, state, way in ways if number == 2] == [("draft", "submit"), ("review", None)]
    assert len(history.sheets) == 9
    assert all(sheet.sent is not None and sheet.sent >= sheet.asked for sheet in history.sheets)
    found = fitted(workflow, history)
    assert found.states["review"].ways["approve"].share == 1
    assert "From fewer than 5 stays: draft, review, approved." in found.note
    assert "Invented, for nobody left them: disbursed." in found.note
    assert scenario.load(scenario.written(found), workflow).id == found.id
    assert simulate(workflow, found, runs=2)["round", "", "came"].mean == 3
