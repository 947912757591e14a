"""What must be there before a step is waited for: signatures in order, tasks, forms, reviewers, what is overdue."""

from __future__ import annotations

from random import Random

import pytest

from fundflow.config import ROOT
from fundflow.simulation import run, scenario
from fundflow.simulation.days import DAY
from fundflow.simulation.log import Log
from fundflow.simulation.model import compiled
from fundflow.workflow.definition import Workflow
from tests.workflow.files import large_grant, small_grant

FOLDER = ROOT / "workflows" / "scenarios"


def stays(workflow: Workflow, file: str, state: str, **changes: str) -> tuple[list[float], Log]:
    """How many days each of a few applications stays in a state into which they come, with these figures changed."""
    text = (FOLDER / file).read_text()
    start = text.index("arrivals: ")
    text = text.replace(text[start : text.index("\n", start)], f"arrivals: {{into: {state}, count: 5}}")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    model = compiled(workflow, scenario.load(text, workflow))
    log = run.once(model, Random(1), keeps_passes=True)
    number = [each.id for each in model.states].index(state)
    return [stay / DAY for stay in log.states[number].stays], log


def test_parties_sign_one_after_the_other_where_the_file_says_so() -> None:
    found, _ = stays(
        large_grant(),
        "gcf_committee_12.yaml",
        "signature",
        **{
            "city: {days: {median: 8, p90: 30}}": "city: {days: 3}",
            "fund: {hours: 0.2}": "fund: {days: 4}",
            "decline_award: {share: 0.01, days: {median: 10, p90: 30}}": "decline_award: {share: 0}",
            "expire: {share: 0.02}": "expire: {share: 0}",
        },
    )
    assert found == pytest.approx([7.0] * 5)


def test_who_does_not_sign_in_time_is_ended_by_the_timer() -> None:
    found, log = stays(
        large_grant(),
        "gcf_committee_12.yaml",
        "signature",
        **{"city: {days: {median: 8, p90: 30}}": "city: {days: 99}"},
    )
    assert {case.outcome for case in log.cases} <= {"not_signed", "declined_by_city"}
    assert max(found) == pytest.approx(60.5, abs=0.6)


def test_tasks_and_forms_run_side_by_side() -> None:
    fixed = {
        "sanctions: {hours: {median: 0.5, p90: 2}}": "sanctions: {days: 2}",
        "risk: {hours: {median: 1, p90: 3}}": "risk: {days: 5}",
        "adapted: {days: {median: 9, p90: 30}}": "adapted: {days: 1}",
        "issue_agreement: {hours: {median: 1, p90: 2}}": "issue_agreement: {days: 1}",
        "fail_checks: {share: 0.03, hours: 1}": "fail_checks: {share: 0}",
        "decline_award: {share: 0.02, days: {median: 10, p90: 30}}": "decline_award: {share: 0}",
    }
    bank = "bank: {days: {median: 9, p90: 30}}"
    slow, _ = stays(large_grant(), "gcf_committee_12.yaml", "due_diligence", **fixed, **{bank: "bank: {days: 9}"})
    assert slow == pytest.approx([10.0] * 5)
    quick, _ = stays(large_grant(), "gcf_committee_12.yaml", "due_diligence", **fixed, **{bank: "bank: {days: 3}"})
    assert quick == pytest.approx([6.0] * 5)


def test_reviewers_who_are_chosen_before_are_waited_for_before() -> None:
    found, _ = stays(
        large_grant(),
        "gcf_committee_12.yaml",
        "screening",
        **{
            "choosing: {hours: 0.3}": "choosing: {days: 4}",
            "open_review: {hours: {median: 1, p90: 2}}": "open_review: {days: 1}",
            "request_changes: {share: 0.15": "request_changes: {share: 0",
            "reject: {share: 0.05": "reject: {share: 0",
        },
    )
    assert found == pytest.approx([5.0] * 5)


def test_what_needs_something_overdue_waits_until_it_is() -> None:
    found, log = stays(
        small_grant(),
        "small_panel_12.yaml",
        "disbursed",
        **{
            "write_off: {share: 0.06, days: {low: 20, mode: 40, high: 60}}": "write_off: {share: 1, days: 10}",
            "report: {days": "report: {share: 0, days",
        },
    )
    assert {case.outcome for case in log.cases} == {"report_missing"}
    assert all(374.9 <= stay <= 376.1 for stay in found)  # twelve months, and ten days more


def test_what_a_timer_starts_happens_when_it_is_due() -> None:
    found, _ = stays(
        large_grant(),
        "gcf_committee_12.yaml",
        "active",
        **{
            "project_end: {low: 360, mode: 540, high: 730}": "project_end: 100",
            "ask_amendment: {share: 0.15": "ask_amendment: {share: 0",
            "suspend: {share: 0.04": "suspend: {share: 0",
            "terminate: {share: 0.02, days: {low: 30, mode: 200, high: 400}}": "terminate: {share: 0}",
        },
    )
    assert found == pytest.approx([100.0] * 5)


def test_what_a_person_may_do_before_the_timer_is_done_when_the_scenario_says() -> None:
    found, _ = stays(
        large_grant(),
        "gcf_committee_12.yaml",
        "active",
        **{
            "start_reporting: {}": "start_reporting: {days: 20}",
            "project_end: {low: 360, mode: 540, high: 730}": "project_end: 100",
            "ask_amendment: {share: 0.15": "ask_amendment: {share: 0",
            "suspend: {share: 0.04": "suspend: {share: 0",
            "terminate: {share: 0.02, days: {low: 30, mode: 200, high: 400}}": "terminate: {share: 0}",
        },
    )
    assert found == pytest.approx([20.0] * 5)
