"""Every mistake in a scenario is told with its line and what to write; nothing is passed over."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from fundflow.config import ROOT
from fundflow.simulation import format, scenario
from fundflow.simulation.writing import written
from fundflow.workflow import loader
from fundflow.workflow.format import names
from fundflow.workflow.problems import Problems
from tests.simulation.queues import CIRCLE, CIRCLE_SCENARIO, FORM, SCORE, circle
from tests.workflow.files import large_grant

# ruff: noqa: E501
MISTAKES = [
    ("workflow: circle", "workflow: circel", "SC101", "there is no workflow in the file it goes with 'circel'; did you mean 'circle'?"),
    ("opens: 2027-01-04", "opens: 4 January", "SC105", "'opens' needs a date such as 2027-01-11, not '4 January'"),
    ("opens: 2027-01-04", "opens: 2027-02-30", "SC105", "not '2027-02-30'"),
    ("closes: 2027-02-26", "closes: 2026-02-26", "SC105", "closes on 2026-02-26, before it opens"),
    ("amount: 10", "amount: -10", "SC104", "'amount' cannot be negative; it is -10"),
    ("count: 60", "count: 60, per_day: 2", "SC107", "say how many come"),
    ("count: 60, ", "", "SC107", "say how many come"),
    ("count: 60", "per_day: 9000", "SC104", "this brings 486,000 applications; at most 100,000 come"),
    ("count: 60", "count: 600000", "FF012", "from 0 to 100,000, not 600000"),
    ("count: 60", "count: 6.5", "FF012", "count needs a whole number"),
    ("share: 0.5, days: 5", "share: 50, days: 5", "SC103", "a share lies between 0 and 1, not 50; write 0.5 for 50 %"),
    ("count: 60", "into: lok, count: 60", "SC102", "there is no state 'lok'; did you mean 'look'?"),
    ("count: 60", "into: done, count: 60", "SC102", "'done' is final"),
    ("until: 24 months", "until: 24", "FF013", "is not a length of time"),
    ("until: 24 months", "until: 90 years", "SC104", "at most 20 years"),
    ("until: 24 months", "untill: 24 months", "FF010", "a scenario has no setting 'untill'; did you mean 'until'?"),
    ("clerk: {people: 1, hours: 5}", "clark: {people: 1, hours: 5}", "SC102", "there is no role 'clark'; did you mean 'clerk'?"),
    ("people: 6, hours: 1", "people: 0, hours: 1", "FF012", "people needs a whole number from 1"),
    ("people: 6, hours: 1", "people: 6, hours: 25", "SC104", "'hours' can be at most 24 hours a day; it is 25"),
    ("people: 6, hours: 1", "people: 1, hours: 1", "SC108", "the quorum is 2, but 'panel' has only 1 people"),
    ("  panel: {people: 6, hours: 1}\n", "", "SC108", "nobody is there to review"),
    ("  chief: {people: 1, hours: 1}\n", "", "SC108", "nobody is there to do this: 'chief' has no staff"),
    ("chief: {people: 1, hours: 1}", "chief: {same_as: cheif}", "SC102", "there is no role in staff 'cheif'; did you mean 'chief'?"),
    ("chief: {people: 1, hours: 1}", "chief: {same_as: chief}", "SC107", "'chief' has no people of its own"),
    ("share: 0.6, hours", "share: 0.7, hours", "SC103", "the shares of 'look' add up to 1.1, not 1"),
    ("share: 0.6, hours", "share: 0.5, hours", "SC103", "the shares of 'look' add up to 0.9, not 1"),
    ("share: 0.6, hours: 0.5", "hours: 0.5", "", ""),
    ("refuse: {share: 0.2, hours", "refuse: {hours", "", ""),
    ("share: 0.6, hours: 0.5", "share: -0.2, hours: 0.5", "SC103", "a share lies between 0 and 1, not -0.2"),
    ("send: {share: 0.9, days", "send: {days", "SC103", "only one way may leave out its share, not 'send' and 'lapse'"),
    ("grant: {share", "grand: {share", "SC102", "there is no transition 'grand' out of 'look'; did you mean 'grant'?"),
    ("refuse: {share", "again: {share", "SC102", "'again' does not leave 'look', only 'mend'"),
    ("papers: {hours", "paper: {hours", "SC102", "'look' has no task 'paper'; did you mean 'papers'?"),
    ("papers: {hours: {mean: 0.5}}", "papers: {hours: {mean: 0}}", "SC104", "a mean of 0 is no distribution"),
    ("papers: {hours: {mean: 0.5}}", "papers: {hours: {mean: -1}}", "SC104", "'mean' cannot be negative (hours); it is -1"),
    ("papers: {hours: {mean: 0.5}}", "papers: {hours: {maen: 1}}", "FF010", "did you mean 'mean'?"),
    ("papers: {hours: {mean: 0.5}}", "papers: {hours: {mean: 1, median: 1}}", "SC106", "is a number or one of"),
    ("papers: {hours: {mean: 0.5}}", "papers: {hours: {median: 1}}", "SC106", "'hours' needs 'p90' beside 'median'"),
    ("median: 1, p90: 3", "median: 3, p90: 1", "SC106", "nine of ten cannot lie below 1 when half lie above"),
    ("low: 0.2, mode: 0.5, high: 1", "low: 0.2, mode: 5, high: 1", "SC106", "low, mode and high must rise"),
    ("values: [1, 2, 9]", "values: []", "SC106", "values lists at least one number"),
    ("values: [1, 2, 9]", "values: [1, 2, -9]", "SC104", "cannot be negative"),
    ("values: [1, 2, 9]", "values: [1, 2, 9], shares: [0.5, 0.5]", "SC106", "there are 3 values and 2 shares"),
    ("values: [1, 2, 9]", "values: [1, 2, 9], shares: [0.5, 0.4, 0.2]", "SC103", "these shares add up to 1.1, not 1"),
    ("before: closing", "before: closng", "SC102", "there is no timer 'closng'; did you mean 'closing'?"),
    ("before: closing", "before: look_due", "SC102", "the timer 'look_due' does not run in 'draft'"),
    ("days: {median: 1, p90: 8}, before", "before", "SC107", "say in days: how long before it is due"),
    ("grant: {share: 0.6, ", "grant: {share: 0.6, by: clerk, ", "SC108", "'clerk' may not do this; 'chief' may"),
    ("limit: 20 working days", "limit: twenty days", "FF013", "is not a length of time"),
    ("scores: {choosing", "score: {choosing", "SC102", "there is no review 'score'; did you mean 'scores'?"),
    ("conflict: 0.1", "conflict: 10", "SC103", "write 0.1 for 10 %"),
    ("conflict: 0.1", "conflict: 0.1, picks: fewst", "FF012", "did you mean 'fewest'?"),
    ("  mend:\n    ways:\n      again: {days: {values: [1, 2, 9]}}\n", "", "", ""),
    ("  look:\n    limit", "  loook:\n    limit", "SC102", "there is no state 'loook'; did you mean 'look'?"),
    ("  draft:\n", "  done: {}\n  draft:\n", "SC102", "'done' is final: nothing happens there"),
    ("scenario: around", "scenario: &a around", "FF005", "anchors"),
    ("scenario: around", "scenario: around\nscenario: twice", "FF003", "is written twice; the first is on line 2"),
]  # fmt: skip


def problems_of(text: str) -> list[str]:
    with pytest.raises(Problems) as wrong:
        scenario.load(text, circle())
    return [str(problem) for problem in wrong.value.problems]


@pytest.mark.parametrize(("old", "new", "code", "says"), MISTAKES)
def test_a_mistake_is_told_at_its_line(old: str, new: str, code: str, says: str) -> None:
    text = CIRCLE_SCENARIO.replace(old, new, 1)
    if not code:
        assert scenario.load(text, circle()).workflow == "circle"
        return
    assert text != CIRCLE_SCENARIO
    found = [line for line in problems_of(text) if f" {code} " in line and says in line]
    assert found, problems_of(text)
    line = int(found[0].split(":")[1])
    changed = [
        n for n, (a, b) in enumerate(zip(CIRCLE_SCENARIO.splitlines(), text.splitlines(), strict=False), 1) if a != b
    ]
    # What is missing is told at what needed it, which is not always the line that changed.
    assert (
        line in changed
        or len(text.splitlines()) < len(CIRCLE_SCENARIO.splitlines())
        or code in ("SC108", "SC103", "FF003")
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = CIRCLE_SCENARIO.replace("amount: 10", "amount: -1").replace("conflict: 0.1", "conflict: 7")
    assert [line.split(" ")[1] for line in problems_of(text)] == ["SC104", "SC103"]


def test_states_that_nothing_leads_out_of_are_named_with_the_ways_there_are() -> None:
    text = CIRCLE_SCENARIO.replace("    ways:\n      grant", "    wayz:\n      grant")
    assert any("has no setting 'wayz'; did you mean 'ways'?" in line for line in problems_of(text))
    cut = CIRCLE_SCENARIO[: CIRCLE_SCENARIO.index("  look:\n")] + CIRCLE_SCENARIO[CIRCLE_SCENARIO.index("  mend:\n") :]
    found = problems_of(cut)
    assert any("say which ways applications leave 'look': 'back', 'grant' and 'refuse'" in line for line in found)


def test_a_circle_without_an_end_is_refused_with_its_path() -> None:
    text = (
        CIRCLE_SCENARIO.replace("grant: {share: 0.6", "grant: {share: 0")
        .replace("refuse: {share: 0.2", "refuse: {share: 0")
        .replace("back: {share: 0.2", "back: {share: 1")
    )
    assert any("applications that come to 'look' never end: look → mend → look" in line for line in problems_of(text))


def test_a_moment_that_only_an_application_knows_must_be_given() -> None:
    text = (ROOT / "workflows" / "scenarios" / "gcf_committee_12.yaml").read_text()
    with pytest.raises(
        Problems, match="only an application knows when 'project_end' is due: say in timers how many days"
    ):
        scenario.load(text.replace("  project_end: {low: 360, mode: 540, high: 730}\n", ""), large_grant())
    counted = text.replace("announce: {days: {low: 5, mode: 15, high: 30}", "announce: {days: 3, before: announce_by")
    scenario.load(counted, large_grant())
    with pytest.raises(Problems, match="only an application knows when 'announce_by' is due"):
        scenario.load(counted.replace("  announce_by: {low: 20, mode: 40, high: 90}\n", ""), large_grant())


def test_a_step_of_the_system_that_no_timer_starts_there_is_refused() -> None:
    changed = CIRCLE.replace("from: draft, end: lapsed", "from: [draft, mend], end: lapsed")
    workflow = loader.load({"circle.yaml": changed, "ask.yaml": FORM, "score.yaml": SCORE}, "circle.yaml")
    text = CIRCLE_SCENARIO.replace("again: {days", "lapse: {share: 0.1}\n      again: {days")
    with pytest.raises(Problems, match="only the system does 'lapse', and no timer starts it in 'mend'"):
        scenario.load(text, workflow)


def test_a_scenario_says_only_what_differs_from_the_one_it_is_based_on() -> None:
    small = "format: fundflow-scenario/1\nbased_on: base.yaml\nscenario: small\nworkflow: circle\n"
    base = {"base.yaml": CIRCLE_SCENARIO}
    found = scenario.load(small + "staff: {panel: {people: 3}}\n", circle(), "small.yaml", base)
    assert found.staff["panel"].people == 3 and found.staff["panel"].hours == 1
    assert found.states == scenario.load(CIRCLE_SCENARIO, circle()).states
    more = scenario.load(small + "arrivals: {per_day: 2}\n", circle(), "small.yaml", base)
    assert more.arrivals.count is None and more.arrivals.per_day == 2
    with pytest.raises(Problems, match=r"small.yaml:5:28: FF012 people needs a whole number"):
        scenario.load(small + "staff: {panel: {people:    none}}\n", circle(), "small.yaml", base)
    with pytest.raises(Problems, match=r"there is no scenario 'other.yaml' beside this file"):
        scenario.load(small.replace("base.yaml", "other.yaml"), circle(), "small.yaml", base)
    with pytest.raises(Problems, match=r"cannot be based on each other: small.yaml → small.yaml"):
        scenario.load(small.replace("base.yaml", "small.yaml"), circle(), "small.yaml", base)


def test_what_is_written_reads_as_the_same_scenario() -> None:
    first = scenario.load(CIRCLE_SCENARIO, circle())
    again = scenario.load(written(first), circle())
    assert again == first
    odd = replace(
        first, id="no", title='A "quoted": {title} # é', note="- 1\n2", opening=replace(first.opening, budget=None)
    )
    told = scenario.load(written(odd), circle())
    assert (told.id, told.title, told.note, told.opening.budget) == ("no", odd.title, "- 1 2", None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "a: &a [*a]", "x" * 300_000, "a: {" * 2000, "states: " + "[" * 500, "\x00", "{a: 1, a: 2}", "- " * 5000],
    ids=["empty", "list", "alias", "large", "open", "deep", "nul", "twice", "dashes"],
)
def test_what_is_no_scenario_at_all_is_refused_in_a_moment(text: str) -> None:
    begun = time.perf_counter()
    assert problems_of(text)
    assert time.perf_counter() - begun < 2


def test_the_example_of_the_documentation_and_every_setting_stand_as_they_are() -> None:
    """What the page shows is a piece of a scenario that can be played, and it names every setting there is."""
    words = (ROOT / "docs" / "simulation.md").read_text()
    example = words.split("```yaml\n")[1].split("```")[0]
    with pytest.raises(Problems) as wrong:
        scenario.load(example, large_grant())
    # The rest of its states is missing, and nothing else is.
    assert {problem.code for problem in wrong.value.problems} <= {"SC108", "SC109"}
    for part in (format.Scenario, format.State, format.Review, format.Staff, format.Arrivals, format.Distribution):
        for setting in names(part):
            assert setting in words, setting
