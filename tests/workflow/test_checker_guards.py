# ruff: noqa: E501 - each row of a table of mistakes stays on its line
"""Conditions that contradict, say nothing, overlap or close every way out are found, with facts that show it."""

from __future__ import annotations

import pytest

from fundflow.workflow import checker, loader
from fundflow.workflow.checker import Context
from fundflow.workflow.problems import Problem
from tests.workflow.files import MAIN, changed, large_grant, small_grant

ALONE = Context(may_use_solver=False)
CAP = "      - if: application.requested <= round.cap\n"
SCORE = "      - if: reviews.panel.score != null && reviews.panel.score >= 6.0\n"
ELSE = '        else: {en: "No.", fr: "Non."}\n'


def findings(files: dict[str, str], context: Context | None = None) -> list[Problem]:
    return checker.check(loader.load(files, MAIN), context or Context())


def line_of(needle: str, files: dict[str, str]) -> int:
    return files[MAIN][: files[MAIN].index(needle)].count("\n") + 1


def clause(text: str, before: str = CAP) -> dict[str, str]:
    return changed(before, f"      - if: {text}\n{ELSE}{before}")


def test_the_shipped_workflows_are_sound_with_and_without_the_solver() -> None:
    for workflow in (small_grant(), large_grant()):
        assert not any(each.blocks for each in checker.check(workflow))
        assert not any(each.blocks for each in checker.check(workflow, ALONE))


CONTRADICTIONS = [
    ("reviews.panel.score != null && reviews.panel.score < 6.0", SCORE),
    ("reviews.panel.submitted < 2", SCORE),
    ("application.requested > ledger.available", SCORE),
    ("application.state == 'draft'", SCORE),
    ("round.floor > round.cap", CAP),
]
"""The second contradicts the quorum, the fourth the state, the last what every round is."""


@pytest.mark.parametrize(("text", "before"), CONTRADICTIONS)
@pytest.mark.parametrize("context", [Context(), ALONE])
def test_conditions_that_contradict_are_found(text: str, before: str, context: Context) -> None:
    files = clause(text, before)
    [found] = [p for p in findings(files, context) if p.code == "FF112"]
    name = "approve" if before == SCORE else "submit"
    assert found.message == f"{name} can never happen: its conditions contradict each other"
    whole = files[MAIN]
    assert found.line == whole[: whole.index("    when:", whole.index(f"  {name}:\n"))].count("\n") + 1


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("reviews.panel.score != null && reviews.panel.score < 6.1", SCORE),
        ("reviews.panel.submitted < 3", SCORE),
        ("application.requested >= ledger.available", SCORE),
        ("application.state == 'review'", SCORE),
    ],
)
def test_conditions_that_can_hold_together_are_not(text: str, before: str) -> None:
    assert "FF112" not in {p.code for p in findings(clause(text, before))}


def test_a_contradiction_from_one_of_several_states_names_it() -> None:
    files = changed(
        "    confirm: true\n    do: [{notify: withdrawn",
        '    confirm: true\n    when: [{if: "application.state == \'draft\'", else: {en: "No.", fr: "Non."}}]\n    do: [{notify: withdrawn',
    )
    [found] = [p for p in findings(files) if p.code == "FF112"]
    assert found.message == "withdraw can never happen from 'review': its conditions contradict each other"


@pytest.mark.parametrize(
    "text",
    [
        'application.requested > money("5") || application.requested <= money("5")',
        "round.floor <= round.cap",
        "reviews.panel.submitted >= 0",
        "reviews.panel.score.orValue(0.0) <= 10.0",
    ],
)
def test_a_condition_that_is_always_true_is_found(text: str) -> None:
    files = clause(text)
    [found] = [p for p in findings(files) if p.code == "FF113"]
    assert found.message == "this condition is always true; remove it"
    assert found.line == line_of(f"if: {text}", files)


@pytest.mark.parametrize(
    "text", ["round.floor < round.cap", "reviews.panel.submitted > 0", "reviews.panel.score.orValue(0.0) < 10.0"]
)
def test_a_condition_that_can_fail_is_not_always_true(text: str) -> None:
    assert not {"FF113", "FF114"} & {p.code for p in findings(clause(text))}


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("application.requested <= round.budget", Context()),
        ("application.requested <= round.cap * 2", Context()),
        ("application.requested < round.cap || application.requested == round.cap", ALONE),
    ],
)
def test_a_condition_that_the_others_imply_is_found(text: str, context: Context) -> None:
    files = clause(text)
    [found] = [p for p in findings(files, context) if p.code == "FF114"]
    assert found.message == "this condition adds nothing: the others already imply it"
    assert found.line in (line_of(f"if: {text}", files), line_of("if: application.requested <= round.cap\n", files))


def test_a_stricter_condition_makes_the_weaker_one_idle_and_not_itself() -> None:
    files = clause("application.requested <= round.cap * 0.5")
    [found] = [p for p in findings(files) if p.code == "FF114"]
    assert found.line == line_of("if: application.requested <= round.cap\n", files)


LIMBO = """  limbo:
    label: {en: Limbo, fr: Limbes}
    view: {officer: [proposal], applicant: [proposal]}
"""
STEP = """  {name}:
    label: {{en: {name}, fr: {name}}}
    from: {source}
    {to}
    {by}
    when:
      - if: "{text}"
        else: {{en: "No.", fr: "Non."}}
    do: [{{notify: received, to: applicant}}]
"""
NEW_STATE, NEW_STEP = "  review:\n    label: {en: Under review", "  send_back:\n"


def with_steps(*steps: dict[str, str]) -> dict[str, str]:
    files = changed(NEW_STATE, LIMBO + NEW_STATE)
    text = "".join(STEP.format(**{"by": "by: officer", **step}) for step in steps)
    files[MAIN] = files[MAIN].replace(NEW_STEP, text + NEW_STEP, 1)
    return files


IN = {"name": "hold", "source": "review", "to": "to: limbo", "text": "reviews.panel.submitted >= 1"}


def automatic(one: str, other: str) -> dict[str, str]:
    return with_steps(
        IN,
        {"name": "up", "source": "limbo", "to": "to: approved", "by": "auto: true", "text": one},
        {"name": "down", "source": "limbo", "to": "end: declined", "by": "auto: true", "text": other},
    )


@pytest.mark.parametrize("context", [Context(), ALONE])
def test_two_automatic_steps_that_may_both_happen_are_found_with_facts(context: Context) -> None:
    files = automatic("application.requested <= round.cap", "application.requested >= round.floor")
    [found] = [p for p in findings(files, context) if p.code == "FF111"]
    assert found.line == line_of("  down:\n", files)
    assert found.message.startswith("up and down can both fire from 'limbo', e.g. when application.requested = ")
    assert found.message.endswith("; make the conditions exclude each other")
    values = dict(found.example)
    assert {"application.requested", "round.cap", "round.floor"} <= values.keys()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("application.requested * 0.5 <= round.floor", "application.requested * 0.5 > round.floor"),
        ("reviews.panel.submitted >= 2", "reviews.panel.submitted < 2"),
        ("reviews.panel.discussed", "!reviews.panel.discussed"),
    ],
)
def test_automatic_steps_that_exclude_each_other_are_not(one: str, other: str) -> None:
    assert not {"FF111", "FF116"} & {p.code for p in findings(automatic(one, other))}


def test_without_the_solver_what_cannot_be_tried_out_is_said_to_be_undecided() -> None:
    files = automatic("application.requested * 0.3 <= round.floor", "application.requested * 0.3 > round.floor")
    found = [p for p in findings(files, ALONE) if p.code == "FF116"]
    assert any("not decided: whether up and down can both fire from 'limbo'" in p.message for p in found)
    assert all(p.is_warning and "install fundflow[prove]" in p.message for p in found)
    assert not any("both fire" in p.message for p in findings(files))


def limbo(*texts: str) -> dict[str, str]:
    outs = [
        {"name": f"out_{number}", "source": "limbo", "to": "end: declined", "text": text}
        for number, text in enumerate(texts)
    ]
    return with_steps(IN, *outs)


@pytest.mark.parametrize("context", [Context(), ALONE])
def test_a_state_that_some_facts_close_for_good_is_found_with_them(context: Context) -> None:
    files = limbo("reviews.panel.submitted >= 3", "reviews.panel.recused >= 1")
    [found] = [p for p in findings(files, context) if p.code == "FF115"]
    assert found.line == line_of("  limbo:\n", files)
    assert found.message.startswith(
        "an application can get stuck in 'limbo': every way out has a condition, and all fail, e.g. when "
    )
    values = dict(found.example)
    assert int(values["reviews.panel.submitted"]) < 3
    assert int(values["reviews.panel.recused"]) < 1


@pytest.mark.parametrize(
    "texts",
    [
        ("reviews.panel.submitted >= 3", "reviews.panel.submitted < 3"),
        ("application.requested <= round.cap",),
        ("application.requested <= ledger.available",),
        ("now > round.closes_at",),
        ("reviews.panel.submitted >= 1",),
    ],
    ids=["one of two", "known since submit", "money of others", "time passes", "known on entry"],
)
def test_a_state_that_always_opens_again_is_not(texts: tuple[str, ...]) -> None:
    assert not {"FF115", "FF116"} & {p.code for p in findings(limbo(*texts))}


def test_time_that_only_runs_out_is_no_way_out() -> None:
    files = limbo("now < round.closes_at")
    [found] = [p for p in findings(files) if p.code == "FF115"]
    assert "limbo" in found.message
