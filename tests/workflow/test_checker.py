# ruff: noqa: E501 - each row of a table of mistakes stays on its line
"""What is sound in form and wrong in sense is found, where it stands."""

from __future__ import annotations

import pytest

from fundflow.config import ROOT
from fundflow.workflow import checker, loader
from fundflow.workflow.problems import Problem
from tests.workflow.files import MAIN, changed

NEW_STATE = "  review:\n    label: {en: Under review"
LIMBO = "  limbo:\n    label: {en: Limbo, fr: Limbes}\n    view: {officer: [proposal], applicant: [proposal]}\n"
GO = "  go:\n    label: {en: Go, fr: Aller}\n    from: review\n    to: limbo\n    by: officer\n    do: [{notify: a, to: applicant}]\n"
BACK = "  round:\n    label: {en: R, fr: R}\n    from: limbo\n    to: limbo\n    by: officer\n    do: [{notify: a, to: applicant}]\n"


def findings(files: dict[str, str]) -> list[Problem]:
    return checker.check(loader.load(files, MAIN))


def line_of(needle: str, files: dict[str, str]) -> int:
    return files[MAIN][: files[MAIN].index(needle)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "at", "code", "words"),
    [
        (NEW_STATE, LIMBO + NEW_STATE, "limbo:", "FF103", "no application can ever get to 'limbo'"),
        (NEW_STATE, LIMBO + NEW_STATE, "limbo:", "FF104", "dead end"),
        ("    final: success\n", "", "reported:\n", "FF104", "'reported' is a dead end"),
        ("from: disbursed\n    to: reported", "from: [disbursed, reported]\n    to: reported", "from: [disbursed, reported]", "FF105", "nothing can leave it"),
        ("    then: lapse\n", "", "by: system", "FF158", "no timer starts it in 'draft'"),
        ("in: disbursed\n", "in: reported\n", "in: reported", "FF154", "can do nothing"),
        ("remind: [30 days, 7 days]", "remind: [300 working days]", "remind: [300 working days]", "FF160", "lasts only 12 months"),
        ("remind: [30 days, 7 days]", "remind: [13 months]", "remind: [13 months]", "FF160", "lasts only 12 months"),
        ("reviewer: [proposal], officer: [proposal, panel]", "officer: [proposal, panel]", "review:\n    label", "FF168", "reviewers ('reviewer') cannot see anything"),
        ("applicant: [proposal], reviewer", "applicant: [proposal, panel], reviewer", "view: {applicant: [proposal, panel]", "FF169", "could read the reviews"),
        ("quorum: 2\n", "quorum: 3\n", "quorum: 3", "FF164", "one recusal"),
        ("edit: {applicant: [report]}", "edit: {applicant: [proposal]}", "{complete: report}", "FF141", "nobody can fill it in"),
        ("edit: {applicant: [report]}", "edit: {applicant: [proposal]}", "report: forms/", "FF142", "nobody can ever fill in"),
        ("forms:\n", "  observer: {is: group, group: auditors, label: {en: A, fr: A}}\n\nforms:\n", "observer:", "FF137", "never used"),
        ("{ledger: commit, amount: application.requested}", "{document: letter}", "ledger: pay", "FF175", "when disburse leaves 'approved'"),
        ("      - {ledger: release}\n", "", "cancel:\n    label", "FF176", "money still committed"),
        ("      - {ledger: commit, amount: application.requested}\n", "      - {ledger: reserve, amount: application.requested}\n", "ledger: pay", "FF175", "may not be committed"),
        ("      - {ledger: pay, amount: input.amount}\n", "      - {ledger: commit, amount: input.amount}\n", "ledger: commit, amount: input", "FF174", "committed already"),
        ("{ledger: pay, amount: input.amount}", "{ledger: refund, amount: input.amount}", "ledger: refund", "FF175", "no money may be paid"),
        ("{ledger: pay, amount: input.amount}", "{ledger: fail, amount: input.amount}", "ledger: fail", "FF175", "no money may be ordered"),
        ("    do: [{document: statement_of_reasons}, {notify: declined, to: applicant}]\n", "", "decline:\n    label", "FF178", "nobody tells the applicant about decline"),
    ],
)  # fmt: skip
def test_a_finding_stands_where_it_was_made(old: str, new: str, at: str, code: str, words: str) -> None:
    files = changed(old, new)
    found = findings(files)
    fitting = [p for p in found if p.code == code and words in p.message]
    assert fitting, "\n".join(map(str, found)) or "nothing was found"
    assert fitting[0].line == line_of(at, files)


def test_a_trap_is_a_state_from_which_no_end_can_be_reached() -> None:
    files = changed(NEW_STATE, LIMBO + NEW_STATE)
    files[MAIN] = files[MAIN].replace("  send_back:\n", GO + BACK + "  send_back:\n", 1)
    assert any(p.code == "FF106" and "only goes round 'limbo'" in p.message for p in findings(files))


def test_a_quorum_nobody_waits_for_is_found() -> None:
    files = changed("      - {quorum: panel}\n", "")
    files[MAIN] = files[MAIN].replace("    when: [{quorum: panel}]\n", "")
    assert "FF165" in {p.code for p in findings(files)}


def test_a_quorum_of_everybody_is_fragile_only_without_stand_bys() -> None:
    files = changed("quorum: 2\n", "quorum: 3\n")
    assert "FF164" in {p.code for p in findings(files)}
    files[MAIN] = files[MAIN].replace("count: 3}", "count: 3, reserve: 1}")
    assert "FF164" not in {p.code for p in findings(files)}


def test_whoever_decides_must_see_something() -> None:
    files = changed(", finance: [proposal]}\n  disbursed", "}\n  disbursed")
    assert any(p.code == "FF144" and "'finance' can do 'disburse'" in p.message for p in findings(files))


def test_a_hidden_state_is_given_away_by_mail_by_views_and_by_buttons() -> None:
    old = "    view: {applicant: [proposal], officer: [proposal, panel], auditor: [proposal, panel], finance"
    new = (
        "    shown_as: {applicant: review}\n    view: {officer: [proposal, panel], auditor: [proposal, panel], finance"
    )
    assert {"FF145", "FF146", "FF147"} <= {p.code for p in findings(changed(old, new))}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("      - {ledger: release}\n", "      - {ledger: close}\n"),
        ("    remind: [30 days, 7 days]\n", "    remind: [250 working days]\n"),
        (
            "    after: 12 months\n    remind: [30 days, 7 days]\n",
            "    at: application.ends_on\n    remind: [30 days]\n",
        ),
    ],
)
def test_closing_working_days_and_a_day_as_a_moment_are_sound(old: str, new: str) -> None:
    assert not any(each.blocks for each in findings(changed(old, new)))


def test_money_that_is_only_reserved_must_not_be_left_behind() -> None:
    files = changed("ledger: commit, amount: application.requested", "ledger: reserve, amount: application.requested")
    files[MAIN] = files[MAIN].replace("      - {ledger: release}\n", "", 1)
    assert any(p.code == "FF176" and "money still reserved" in p.message for p in findings(files))


def test_what_happens_by_itself_needs_no_timer() -> None:
    auto = "  go:\n    label: {en: Go, fr: Aller}\n    from: review\n    to: limbo\n    auto: true\n    when: [{quorum: panel}]\n"
    end = "  out:\n    label: {en: O, fr: O}\n    from: limbo\n    end: declined\n    by: officer\n    do: [{notify: a, to: applicant}]\n"
    files = changed(NEW_STATE, LIMBO + NEW_STATE)
    files[MAIN] = files[MAIN].replace("  send_back:\n", auto + end + "  send_back:\n", 1)
    assert not any(p.code == "FF158" for p in findings(files))


def test_what_the_system_did_names_no_role_that_is_gone() -> None:
    workflow = loader.read(ROOT / "workflows" / "small_grant.yaml")

    def codes(acted: dict[str, int]) -> set[str]:
        return {problem.code for problem in checker.check(workflow, checker.Context(acted=acted))}

    assert "FF205" in codes({"chair": 1})
    assert "FF205" not in codes({"system": 3, "officer": 2})
