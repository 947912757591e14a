"""Separation of duties is proven over all paths, or broken with the roles, the people and the path."""

from __future__ import annotations

import pytest

from fundflow.workflow import checker, loader
from fundflow.workflow.checker import Context, Directory
from fundflow.workflow.checker.separation import UnknownDuty, duties_of, separated
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem
from tests.workflow.files import MAIN, large_grant, small_grant, texts
from tests.workflow.test_checker_paths import LARGE, large, line_of

OFFICER = ("group: fund-managers, never_also: [applicant],", "group: fund-managers,")
FINANCE = ("group: finance, never_also: [officer, applicant],", "group: finance,")
SAME = ("    not_same_actor_as: [approve]\n", "")
FREE = (OFFICER, FINANCE, SAME)
PEOPLE = Directory(
    groups={
        "fund-managers": frozenset({"1", "2"}),
        "finance": frozenset({"2", "3"}),
        "reviewers": frozenset({"4"}),
        "auditors": frozenset({"5"}),
    },
    team=frozenset({"2", "6"}),
    names={"1": "Ana", "2": "Bo", "3": "Cora", "4": "Dev", "6": "Eve"},
)


def small(*changes: tuple[str, str]) -> Workflow:
    return loader.load(small_files(*changes), MAIN)


def small_files(*changes: tuple[str, str]) -> dict[str, str]:
    files = dict(texts())
    for old, new in changes:
        assert old in files[MAIN], old
        files[MAIN] = files[MAIN].replace(old, new, 1)
    return files


def of(code: str, workflow: Workflow, context: Context | None = None) -> list[Problem]:
    return [problem for problem in checker.check(workflow, context or Context()) if problem.code == code]


def test_the_shipped_workflows_keep_the_three_duties_apart() -> None:
    assert duties_of(small_grant()) == {"submit": ("submit",), "decide": ("approve",), "pay": ("disburse",)}
    assert duties_of(large_grant()) == {
        "submit": ("submit_concept",),
        "decide": ("award",),
        "pay": ("tranche.order", "tranche.pay"),
    }
    for workflow in (small_grant(), large_grant()):
        proof = separated(workflow)
        assert proof.holds
        assert proof.sentences[0] == (
            f"no one person can submit, decide and pay: proved over all paths ({proof.situations} situations)"
        )
        assert not of("FF138", workflow)


@pytest.mark.parametrize("kept", [OFFICER, FINANCE, SAME], ids=["never_also", "never_also of finance", "not the same"])
def test_each_rule_alone_keeps_them_apart(kept: tuple[str, str]) -> None:
    workflow = small(*(change for change in FREE if change is not kept))
    assert separated(workflow).holds
    assert not of("FF138", workflow)


def test_without_any_rule_it_is_broken_and_the_path_is_said() -> None:
    files = small_files(*FREE)
    workflow = loader.load(files, MAIN)
    proof = separated(workflow)
    assert not proof.holds
    assert proof.sentences == [
        "one person can submit, decide and pay as 'applicant', 'finance' and 'officer': submit → approve → disburse"
    ]
    [found] = of("FF138", workflow)
    assert found.path == ("submit", "approve", "disburse")
    assert found.line == line_of(r"    by: officer\n    confirm: true\n    when:\n      - \{quorum", files[MAIN])


def test_people_who_could_are_named() -> None:
    workflow = small(*FREE)
    [breach] = separated(workflow, directory=PEOPLE).breaches
    assert breach.people == ("Bo",)
    [found] = of("FF138", workflow, Context(directory=PEOPLE))
    assert "(now: Bo)" in found.message


def test_never_also_holds_in_one_direction_and_for_people() -> None:
    workflow = small(SAME, FINANCE)
    proof = separated(workflow, ("decide", "pay"), PEOPLE)
    [breach] = proof.breaches
    assert breach.roles == ("finance", "officer")
    assert breach.people == (), "Bo is of a city's team, so never_also keeps Bo from being an officer"
    assert separated(small(SAME), ("decide", "pay"), PEOPLE).holds


def test_a_role_that_both_submits_and_decides_is_found() -> None:
    changes = ("    to: approved\n    by: officer", "    to: approved\n    by: [officer, applicant]")
    files = small_files(changes)
    [found] = of("FF138", loader.load(files, MAIN))
    assert found.message == "role 'applicant' both submits (submit) and decides (approve)"
    assert found.path == ("submit", "approve")
    assert found.line == line_of(r"    by: \[officer, applicant\]", files[MAIN])
    apart = (
        "    confirm: true\n    when:\n      - {quorum",
        "    not_same_actor_as: [submit]\n    when:\n      - {quorum",
    )
    assert not of("FF138", loader.load(small_files(changes, apart), MAIN))


def test_duties_may_be_any_transitions() -> None:
    workflow = small(*FREE)
    proof = separated(workflow, ("approve", "write_off"))
    [breach] = proof.breaches
    assert breach.roles == ("officer",)
    assert breach.own == ("approve", "write_off")
    assert breach.path == ("submit", "approve", "disburse", "write_off")
    with pytest.raises(UnknownDuty, match="'aprove' is no duty and no transition; did you mean 'approve'"):
        separated(workflow, ("submit", "aprove"))


def test_steps_that_no_path_has_together_are_apart() -> None:
    assert separated(small(*FREE), ("decline", "disburse")).holds
    assert separated(small(*FREE), ("cancel", "disburse")).holds


VERIFY = ("        to: verified\n        by: officer", "        to: verified\n        by: [officer, finance]")


def test_what_was_done_to_another_child_does_not_count() -> None:
    workflow = loader.load(large(VERIFY), LARGE)
    [breach] = [b for b in separated(workflow, ("tranche.verify", "tranche.pay")).breaches if b.roles == ("finance",)]
    assert breach.own == ("tranche.verify", "tranche.pay")
    one = loader.load(large(VERIFY, ("    max: 12\n    ledger", "    max: 1\n    ledger")), LARGE)
    [again] = separated(one, ("tranche.verify", "tranche.pay")).breaches
    assert again.path[-3:] == ("tranche.come_back", "tranche.reopen", "tranche.verify"), "only what came back, anew"


def test_nothing_to_pay_is_no_breach() -> None:
    workflow = small(("      - {ledger: pay, amount: input.amount}\n", ""))
    proof = separated(workflow)
    assert proof.absent == ("pay",)
    assert proof.sentences == ["nothing in this workflow is to pay, so no one can do all of it"]


def test_money_that_moves_by_itself_is_decided_by_somebody_whom_no_step_names() -> None:
    """An officer approves, the money is committed by itself, and the same officer pays: that must not look safe."""
    commit = "      - {ledger: commit, amount: application.requested}\n"
    pledge = (
        "  pledge:\n    label: {en: Pledge, fr: Engager}\n    from: agreed\n    to: approved\n    auto: true\n"
        "    when:\n      - if: application.requested <= ledger.available\n        else: {en: None left., fr: Rien.}\n"
        "    do: [{ledger: commit, amount: application.requested}]\n\n  decline:\n"
    )
    agreed = "  agreed:\n    label: {en: Agreed, fr: Convenue}\n    view: {officer: [proposal]}\n  approved:\n"
    workflow = small(
        (commit, ""),
        ("    to: approved\n", "    to: agreed\n"),
        ("  decline:\n    label", f"{pledge}    label"),
        ("  approved:\n", agreed),
    )
    proof = separated(workflow)
    assert (proof.holds, dict(proof.by_itself)) == (False, {"decide": ("pledge",)})
    [said] = proof.sentences
    assert said.startswith("not decided: whether one person can submit, decide and pay, for pledge decides by itself")
    assert said in [problem.message for problem in of("FF116", workflow)]
    assert separated(workflow, ("submit", "approve", "pay")).holds


def test_what_is_only_committed_by_itself_was_reserved_by_somebody() -> None:
    assert not separated(large_grant()).by_itself


def test_more_roles_than_can_be_looked_at_are_undecided() -> None:
    names = [f"r{number}" for number in range(33)]
    roles = "".join(f"  {name}: {{is: group, group: {name}}}\n" for name in names)
    duties = [", ".join(names[at : at + 11]) for at in (0, 11, 22)]
    text = (
        f"format: fundflow/1\nworkflow: w\nversion: 1\ntitle: W\ncurrency: EUR\nroles:\n{roles}"
        "states: {a: {}, b: {}, c: {}, d: {final: success}}\ntransitions:\n"
        f"  ask: {{from: a, to: b, by: [{duties[0]}]}}\n"
        f"  award: {{from: b, to: c, by: [{duties[1]}], do: [{{ledger: commit, amount: round.cap}}]}}\n"
        f"  pay: {{from: c, to: d, by: [{duties[2]}], do: [{{ledger: pay, amount: round.cap}}]}}\n"
    )
    workflow = loader.load({"w.yaml": text}, "w.yaml")
    assert separated(workflow).sentences == [
        "not decided: whether one person can submit, decide and pay; there are too many situations, or roles"
    ]
    assert of("FF116", workflow) and not of("FF138", workflow)


def people(**groups: set[str]) -> Context:
    usual = {"fund-managers": {"Ana", "Bo"}, "finance": {"Cora", "Dev"}, "reviewers": {"R"}, "auditors": {"A"}}
    members = {**usual, **{name.replace("_", "-"): names for name, names in groups.items()}}
    return Context(directory=Directory(groups={name: frozenset(names) for name, names in members.items()}))


def test_two_people_are_needed_where_there_is_one() -> None:
    files = small_files(OFFICER, FINANCE)
    workflow = loader.load(files, MAIN)
    [found] = of("FF133", workflow, people(fund_managers={"Ana"}, finance={"Ana"}))
    assert (
        found.message
        == "two different people are needed for approve and disburse, but 'finance' has only 1 member (Ana)"
    )
    assert found.line == line_of(r"not_same_actor_as: \[approve\]", files[MAIN])
    assert not of("FF133", workflow, people(fund_managers={"Ana"}, finance={"Ana", "Bo"}))
    assert not of("FF133", workflow)


TWO = (
    OFFICER,
    FINANCE,
    (
        "    end: report_missing\n    by: officer",
        "    end: report_missing\n    not_same_actor_as: [approve, disburse]\n    by: officer",
    ),
)


def test_when_whoever_acted_before_leaves_nobody_it_is_said_with_the_path() -> None:
    files = small_files(*TWO)
    workflow = loader.load(files, MAIN)
    [found] = of("FF139", workflow, people(fund_managers={"Ana", "Bo"}, finance={"Ana", "Bo"}))
    assert found.message == (
        "nobody is left for write_off: 'approve', 'disburse' and 'write_off' need different people,"
        " and there are only 2 (Ana, Bo)"
    )
    assert found.path == ("submit", "approve", "disburse", "write_off")
    assert found.line == line_of(r"not_same_actor_as: \[approve, disburse\]", files[MAIN])
    assert not of("FF139", workflow, people(fund_managers={"Ana", "Bo"}, finance={"Ana", "Bo", "Cora"}))
    assert not of("FF139", workflow)


def test_the_same_people_are_enough_where_another_way_leads_there() -> None:
    other = (
        "    end: report_missing\n    not_same_actor_as: [approve, disburse]",
        "    end: report_missing\n    not_same_actor_as: [cancel, disburse]",
    )
    workflow = loader.load(small_files(*TWO, other), MAIN)
    assert not of("FF139", workflow, people(fund_managers={"Ana", "Bo"}, finance={"Ana", "Bo"}))
