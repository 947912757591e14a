"""What the runner makes of stories: they pass where they are true, and each untruth is told at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fundflow.cli import main
from fundflow.config import ROOT
from fundflow.workflow import examples, format, loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples.coverage import unexercised
from fundflow.workflow.examples.statement import VERBS
from tests.lifecycle.estate import ASK, ESTATE
from tests.workflow.examples.stories import MAIN, PEOPLE, estate, shipped, told

SENT = ("{ana: fill ask, with: {requested: 1000, plan: [{nr: 1, amount: 600}, {nr: 2, amount: 400}]}}", "{ana: send}")
CHECKED = (*SENT, "{mona: task papers}", "{fin: task bank}", "{mona: task risk low}")
SIGNING = (*CHECKED, "{mona: agree}")
FIRST = ESTATE.count("\n") + 5
"""The line of a story's first step."""


def differences(workflow: Workflow) -> list[tuple[int, str]]:
    return [(each.line, each.sentence) for result in examples.run(workflow) for each in result.differences]


@pytest.mark.parametrize("name", ["small_grant", "global_cities_fund"])
def test_every_shipped_example_is_as_it_says(name: str) -> None:
    results = examples.run(shipped(name))
    assert [str(each) for result in results for each in result.differences] == []
    assert len(results) > 20 and all(result.steps for result in results)


WRONG = [
    (SENT, "{ana: agree}", "ana cannot do 'agree': [role] This can be done only by: Manager."),
    (SENT, "{mona: agree, refused: tasks}", "refused also for another reason: if,"),
    (SENT, "{mona: agree, refused: [tasks, The risk must be high]}", "refused, but not for “The risk must be high”"),
    (CHECKED, "{mona: agree, refused: tasks}", "mona can do 'agree', but should be refused"),
    (CHECKED, "{mona: agree, then: {state: active}}", "state is 'signing', not 'active'"),
    (SIGNING, "{then: {ledger: {reserved: 999}}}", "ledger.reserved is 1000, not 999"),
    (SIGNING, "{then: {timers: {}}}", "the timer 'sign_by' runs (until 2027-01-24T09:00)"),
    (SIGNING, "{then: {timers: {sign_by: 2027-01-25}}}", "is due 2027-01-24T09:00, not 2027-01-25"),
    (SIGNING, "{then: {timers: {sign_by: 2027-01-24, closing: 2027-01-14}}}", "the timer 'closing' does not run"),
    (SIGNING, "{then: {signed: city}}", "signed is nothing, not 'city'"),
    (SIGNING, "{sees: {ana: []}}", "ana can read also 'ask'"),
    (SIGNING, "{sees: {ana: {state: draft}}}", "ana is shown 'signing', not 'draft'"),
    (SIGNING, "{sees: {ana: {writes: ask}}}", "ana can change not 'ask'"),
    (SIGNING, "{can: {mona: []}}", "mona can do also 'reopen'"),
    (SIGNING, "{holds: {sara: signatory}}", "sara holds also 'applicant'"),
    (SIGNING, "{mona: reopen, reason: No., makes: agreement}", "makes nothing, not 'agreement'"),
    (SIGNING, "{mona: reopen, refused: reason, then: {tasks: {papers: done}}}", ""),
    (SIGNING, "{at: 2027-01-01T09:00}", "time does not go back: it is 2027-01-04T09:00 already"),
    (SIGNING, "{after: 20 days, then: {outcome: none}}", "outcome is 'unsigned', not none"),
    (SENT, "{then: {children: {tranche: {1: planned}}}}", "children.tranche.1 is none, not 'planned'"),
    (SENT, "{then: {application: {requested: 900}}}", "application.requested is 1000, not 900"),
    (SENT, "{ana: tranche.request 1, refused: [state]}", ""),
]


@pytest.mark.parametrize(("before", "step", "sentence"), WRONG, ids=[step for _, step, _ in WRONG])
def test_an_untruth_is_told_at_its_line(before: tuple[str, ...], step: str, sentence: str) -> None:
    found = differences(told(*before, step))
    if not sentence:
        assert found == []
        return
    assert [line for line, _ in found] == [FIRST + len(before)]
    assert sentence in found[0][1]


def test_a_story_that_cannot_go_on_says_so_once_and_so_do_those_that_continue_it() -> None:
    workflow = told("{ana: agree}", "{mona: agree}", more="  another: {continues: a story, then: {state: draft}}\n")
    one, two = examples.run(workflow)
    assert len(one.differences) == 1 and not one.passed
    assert [each.sentence for each in two.differences] == ["'a story', which this continues, does not come to its end"]
    assert [result.name for result in examples.run(workflow, only="ANOTHER")] == ["another"]


def test_what_continues_begins_where_the_other_ended_and_changes_nothing_of_it() -> None:
    more = "  one: {continues: a story, steps: [{mona: return, reason: No.}], then: {state: draft}}\n"
    more += "  two: {continues: a story, then: {state: checking, tasks: {papers: open}}}\n"
    assert differences(told(*SENT, more=more)) == []


def test_time_passes_in_order_and_what_ends_by_the_calendar_ends() -> None:
    assert differences(told(*SIGNING, "{at: 2027-01-24T08:59, then: {state: signing}}")) == []
    ended = "{after: 20 days, then: {outcome: unsigned, ledger: {reserved: 0, available: 50000}}}"
    assert differences(told(*SIGNING, ended)) == []


def test_while_the_workers_sleep_a_deadline_holds_all_the_same() -> None:
    filled = SENT[0]
    late = "{at: 2027-01-14T09:16, asleep: true, then: {outcome: none}}"
    story = told(filled, late, "{ana: send, refused: deadline}", "{after: 1 minute, then: {outcome: lapsed}}")
    assert differences(story) == []


def test_an_example_of_another_version_fails_in_words() -> None:
    workflow = told(*SENT)
    other = estate("").transitions
    lacking = {name: step for name, step in other.items() if name != "send"}
    from dataclasses import replace

    (result,) = examples.run(replace(workflow, transitions=lacking))
    assert "there is no transition 'send'" in result.differences[0].sentence


def test_time_that_no_calendar_has_and_timers_without_end_are_answered_in_words() -> None:
    assert [s for _, s in differences(told("{after: 9000 years}"))] == ["time does not go that far"]
    far = estate("examples: {a: {given: {now: 9999-12-31T23:00, people: {ana: applicant}}, then: {state: draft}}}\n")
    assert [s for _, s in differences(far)] == ["time does not go that far"]
    nagging = ESTATE.replace("grace: 15 minutes, then: lapse}", "overdue_with: late, to: applicant, repeat: 1 minute}")
    story = f"examples: {{a: {{given: {{{PEOPLE}}}, steps: [{{after: 1 year}}]}}}}\n"
    assert nagging != ESTATE
    workflow = loader.load({MAIN: nagging + story, "ask.yaml": ASK}, MAIN)
    assert [s for _, s in differences(workflow)] == ["timers go on without end"]


def test_a_long_chain_of_examples_is_followed_to_its_end() -> None:
    chain = "".join(f"  e{n}: {{continues: e{n - 1}, then: {{state: draft}}}}\n" for n in range(1, 1500))
    workflow = estate(f"examples:\n  e0: {{given: {{{PEOPLE}}}, then: {{state: draft}}}}\n{chain}")
    assert all(result.passed for result in examples.run(workflow, workflow.examples[-1:] + workflow.examples[:-1]))


def test_which_conditions_stopped_somebody_is_known() -> None:
    (result,) = examples.run(told(*SENT, "{mona: agree, refused: [tasks, The risk must be low]}"))
    assert result.stopped == {("agree", 0), ("agree", 1)}


def test_conditions_that_stop_nobody_are_warned_of_at_their_line() -> None:
    workflow = told(*SENT, "{mona: agree, refused: [tasks, The risk must be low]}")
    found = unexercised(workflow, examples.run(workflow))
    agree = next(number for number, line in enumerate(ESTATE.splitlines(), 1) if line == "  agree:")
    assert all(each.code == "FF204" and each.is_warning for each in found)
    left = {(each.line, each.message) for each in found}
    assert (agree + 7, "no example is stopped by this condition of 'agree'") in left
    assert not any(line in (agree + 5, agree + 6) for line, _ in left)
    assert not any("conclude" in message or "activate" in message for _, message in left), "it happens by itself"


def test_the_stories_of_the_documentation_are_true() -> None:
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    story = page.partition("```yaml\n")[2].partition("```")[0]
    workflow = shipped("small_grant")
    main_text = workflow.files[workflow.main].partition("\nexamples:")[0]
    results = examples.run(loader.load({**workflow.files, workflow.main: f"{main_text}\n{story}"}, workflow.main))
    assert [str(each) for result in results for each in result.differences] == [] and len(results) == 2
    verbs = [verb for verb in VERBS if f"{verb} " not in page]
    settings = [name for part in (format.Step, format.Standing, format.Given) for name in format.names(part)]
    kinds = [f"`{kind}`" for kind in ("role", "state", "deadline", "quorum", "conflict")]
    assert verbs == [] and [name for name in (*settings, *kinds) if name not in page] == []


def _write(folder: Path, story: str) -> Path:
    (folder / "ask.yaml").write_text(ASK, encoding="utf-8")
    file = folder / "estate.yaml"
    file.write_text(ESTATE + story, encoding="utf-8")
    return file


def test_the_command_says_what_differs_and_exits_by_it(tmp_path: Path) -> None:
    begin = f"examples:\n  a story:\n    given: {{{PEOPLE}}}\n"
    run = CliRunner().invoke
    good = run(main, ["test", str(_write(tmp_path, f"{begin}    then: {{state: draft}}\n"))])
    assert good.exit_code == 0 and good.output.endswith("1 examples, 1 steps: all as they say\n")
    file = _write(tmp_path, f"{begin}    then: {{state: closed}}\n")
    bad = run(main, ["test", str(file)])
    line = f"{file}:{ESTATE.count(chr(10)) + 4}: state is 'draft', not 'closed'"
    assert bad.exit_code == 1 and line in bad.output and "FAIL a story" in bad.output
    unread = run(main, ["test", str(_write(tmp_path, f"{begin}    then: {{state: clsd}}\n"))])
    assert unread.exit_code == 1 and "FF101" in unread.output
    for nothing in (run(main, ["test", str(file), "--only", "moon"]), run(main, ["test", str(_write(tmp_path, ""))])):
        assert nothing.exit_code in (1, 2)
    assert run(main, ["test", str(_write(tmp_path, ""))]).exit_code == 2
    assert run(main, ["test", str(ROOT / "workflows" / "small_grant.yaml"), "--only", "lapses"]).exit_code == 0
