# ruff: noqa: E501 - each row of a table of mistakes stays on its line
"""Every mistake an author makes is found, on its line, with its code; and all of them at once."""

from __future__ import annotations

import random

import pytest

from fundflow.config import ROOT
from fundflow.workflow import checker, loader
from fundflow.workflow.problems import Problems
from tests.workflow.files import MAIN, changed, problems_of, small_grant, texts

PROPOSAL = "forms/small_proposal.yaml"
SCORE = "forms/small_score.yaml"


def line_of(needle: str, files: dict[str, str], file: str) -> int:
    """The line of the first place that a changed text stands at."""
    return files[file][: files[file].index(needle)].count("\n") + 1


# What stands there, what the author wrote instead, the words that mark the line, the code, a part of the message.
MAIN_MISTAKES = [
    ("format: fundflow/1", "format: fundflow/2", "format: fundflow/2", "FF012", "did you mean 'fundflow/1'"),
    ("version: 1", "version: 0", "version: 0", "FF012", "whole number from 1"),
    ("version: 1", "version: one", "version: one", "FF012", "'one'"),
    ("workflow: small-grant", "workflow: Small Grant", "workflow: Small", "FF014", "small-grant"),
    ("currency: EUR", "currency: EURO", "currency: EURO", "FF012", "not a currency code"),
    ("languages: [en, fr]", "languages: [en, fx]", "languages: [en, fx]", "FF012", "'fx'"),
    ("Europe/Paris", "Europe/Pari", "Europe/Pari", "FF161", "did you mean 'Europe/Paris'"),
    ("timezone: Europe/Paris}", "timezone: Europe/Paris, holidays: FX}", "holidays: FX", "FF162", "no public holidays"),
    ("is: team,", "is: teem,", "is: teem", "FF012", "did you mean 'team'"),
    ("is: team,", "is: field,", "applicant: {is: field", "FF011", "needs 'field'"),
    ("is: panel, review: panel", "is: panel, review: pannel", "review: pannel", "FF165", "did you mean 'panel'"),
    ("never_also: [officer,", "never_also: [oficer,", "never_also: [oficer,", "FF130", "did you mean 'officer'"),
    ("forms/small_score.yaml", "forms/small_scores.yaml", "small_scores", "FF016", "no file"),
    ("forms/small_score.yaml", "../small_score.yaml", "../small_score", "FF016", "no file"),
    ("edit: {applicant: [proposal]}", "edit: {applicant: [propsal]}", "[propsal]", "FF140", "did you mean 'proposal'"),
    ("edit: {applicant: [proposal]}", "edit: {aplicant: [proposal]}", "aplicant", "FF130", "did you mean 'applicant'"),
    ("final: success", "final: succes", "final: succes", "FF012", "did you mean 'success'"),
    ("    final: success", "    final: success\n    edit: {applicant: [report], officer: [report]}", "edit: {applicant: [report], officer", "FF143", "nothing may be edited"),
    ("    final: success", "    final: success\n    tasks: {a: {by: oficer, label: {en: A, fr: A}}}", "by: oficer", "FF130", "did you mean 'officer'"),
    ("quorum: 2\n", "quorum: 4\n", "quorum: 4", "FF163", "only 3 reviewers"),
    ("quorum: 2\n", "quorum: {count: 2, share: 60}\n", "share: 60", "FF012", "such as 0.6"),
    ("score: {aggregate: mean}", "score: {aggregate: average}", "average", "FF012", "'mean'"),
    ("score: {aggregate: mean}", "score: {aggregate: trimed_mean}", "trimed_mean", "FF012", "did you mean 'trimmed_mean'"),
    ("conflicts: [declared]", "conflicts: [declared, prior_contrct]", "prior_contrct", "FF012", "did you mean 'prior_contract'"),
    ("count: 3}", "count: 3, reserve: -1}", "reserve: -1", "FF012", "whole number from 0"),
    ("count: 3}", "count: 3, resrve: 1}", "resrve", "FF010", "did you mean 'reserve'"),
    ("score: {aggregate: mean}", "discussed_by: chairr", "chairr", "FF130", "no role"),
    ("score: {aggregate: mean}", "score: {weights: {impct: 100}}", "impct", "FF166", "did you mean 'impact'"),
    ("score: {aggregate: mean}", "score: {weights: {impact: 90}}", "impact: 90", "FF167", "add up to 90"),
    ("due: 14 days", "due: P14D", "due: P14D", "FF013", "write e.g. '14 days'"),
    ("due: 14 days", "due: 10 workdays", "10 workdays", "FF013", "5 working days"),
    ("by: reviewer\n", "by: officer\n", "by: officer\n    assign", "FF168", "is: panel"),
    ("    from: draft\n    to: review", "    from: darft\n    to: review", "from: darft", "FF101", "did you mean 'draft'"),
    ("    to: review", "    to: reveiw", "to: reveiw", "FF101", "did you mean 'review'"),
    ("    to: review", "    to: review\n    end: sent", "submit:", "FF102", "exactly one of"),
    ("    end: withdrawn", "    end: withdrwn", "end: withdrwn", "FF107", "did you mean 'withdrawn'"),
    ("    by: applicant\n    deadline", "    by: aplicant\n    deadline", "by: aplicant", "FF130", "did you mean"),
    ("deadline: closing", "deadline: closng", "deadline: closng", "FF155", "did you mean 'closing'"),
    ("deadline: closing", "deadline: report_due", "deadline: report_due", "FF155", "does not run in 'draft'"),
    ("{complete: proposal}", "{complete: proposl}", "{complete: proposl}", "FF140", "did you mean 'proposal'"),
    ("{complete: proposal}", "{compleet: proposal}", "{compleet", "FF010", "did you mean 'complete'"),
    ("{complete: proposal}", "{tasks: [a]}", "{tasks: [a]}", "FF126", "there is no task 'a'"),
    ("- {quorum: panel}", "- {quorum: pannel}", "pannel", "FF165", "did you mean 'panel'"),
    ("application.requested <= round.cap", "application.reqested <= round.cap", "reqested", "FF110", "did you mean 'requested'"),
    ("application.requested <= round.cap", "application.requested <= round.cab", "round.cab", "FF110", "did you mean 'cap'"),
    ("application.requested <= round.cap", "application.requested <= 50000", "<= 50000", "FF110", 'money("100.00")'),
    ("application.requested <= round.cap", "application.requested", "if: application.requested\n", "FF110", "true or false is needed"),
    ("application.requested <= round.cap", "application.requested <", "requested <\n", "FF110", "something is missing"),
    ("application.requested <= round.cap", "application.cofinance <= round.cap", "cofinance <=", "FF110", "may be null"),
    ("reviews.panel.score != null && ", "", "if: reviews.panel.score >=", "FF110", "reviews.panel.score may be null"),
    ("reviews.panel.score >= 6.0", "reviews.panel.score = 6.0", "score = 6.0", "FF110", "write == instead of ="),
    ("reviews.panel.score != null && reviews.panel.score >= 6.0", "reviews.panel.score != null and true", "null and", "FF110", "write && instead of and"),
    ("now < round.closes_at", "today < round.closes_at", "today <", "FF110", "compare dates with today"),
    ("en: Ask for at least {round.floor}", "en: Ask for at least {round.flor}", "{round.flor}", "FF122", "did you mean 'floor'"),
    ("fr: Demandez au moins {round.floor} ; vous demandez {application.requested}.", "fr: Demandez plus.", "else:\n          en: Ask for at least", "FF188", "same {placeholders}"),
    ("        else:\n          en: Ask for at least {round.floor}; you ask for {application.requested}.\n          fr: Demandez au moins {round.floor} ; vous demandez {application.requested}.\n", "", "- if: application.requested >= round.floor", "FF123", "say what the person should read"),
    ("reason: required", "reason: requird", "reason: requird", "FF012", "did you mean 'required'"),
    ("reason: required", "reasons: required", "reasons: required", "FF010", "did you mean 'reason'"),
    ("not_same_actor_as: [approve]", "not_same_actor_as: [aprove]", "[aprove]", "FF132", "did you mean 'approve'"),
    ("type: money\n", "type: monney\n", "type: monney", "FF012", "did you mean 'money'"),
    ("{notify: received, to: applicant}", "{notify: received, to: aplicant}", "to: aplicant}", "FF130", "did you mean"),
    ("{notify: received, to: applicant}", "{notify: received}", "{notify: received}", "FF011", "needs 'to'"),
    ("{notify: received, to: applicant}", "{notify: received, document: x, to: applicant}", "document: x", "FF170", "one thing"),
    ("{notify: received, to: applicant}", "{cancel: revews}", "{cancel: revews}", "FF012", "did you mean 'reviews'"),
    ("{ledger: commit, amount: application.requested}", "{ledger: reserv, amount: application.requested}", "ledger: reserv", "FF012", "did you mean 'reserve'"),
    ("{ledger: commit, amount: application.requested}", "{ledger: commit}", "{ledger: commit}", "FF011", "needs 'amount'"),
    ("{ledger: commit, amount: application.requested}", "{ledger: commit, amount: application.title}", "application.title", "FF110", "an amount of money is needed"),
    ("then: lapse", "then: laps", "then: laps", "FF150", "did you mean 'lapse'"),
    ("then: lapse", "then: withdraw", "then: withdraw", "FF153", "does not include system"),
    ("then: lapse", "then: cancel", "then: cancel", "FF152", "cannot leave 'draft'"),
    ("at: round.closes_at", "at: round.closes_at\n    after: 3 days", "closing:\n    label", "FF151", "either at:"),
    ("at: round.closes_at", "at: ledger.available", "at: ledger.available", "FF110", "nothing here is called 'ledger'"),
    ("remind: [7 days, 1 day]", "remind: [7 dayz, 1 day]", "7 dayz", "FF013", "not a length of time"),
    ("overdue_with: report_late", "repeat: 3 days", "repeat: 3 days", "FF011", "overdue_with"),
    ("overdue_with: report_late", "overdue_with: report_late\n    if_blocked: officer", "if_blocked: officer", "FF011", "add then:"),
    ("at: round.closes_at", "at: round.closes_at\n    sla: true", "sla: true", "FF151", "goes with after"),
    ("    by: officer\n    reason: required\n    do:\n      - {ledger: release}", "    auto: true\n    reason: required\n    do:\n      - {ledger: release}", "reason: required\n    do:\n      - {ledger: release}", "FF118", "happens by itself"),
    ("    by: officer\n    reason: required\n    do:\n      - {ledger: release}", "    auto: true\n    do:\n      - {ledger: release}", "cancel:\n    label", "FF118", "say when"),
    ("{complete: proposal}", "{signed: all}", "{signed: all}", "FF184", "nobody signs"),
    ("- {ledger: release}", "- {rearm: closng}", "closng", "FF150", "did you mean 'closing'"),
    ("- {ledger: release}", "- {children: tranche}", "{children: tranche}", "FF192", "no kind of child"),
    ("timers:\n", "migrate: [{from: 0}]\ntimers:\n", "migrate:", "FF012", "whole number"),
    ("timers:\n", "migrate: [{from: 2, states: {a: reveiw}}]\ntimers:\n", "migrate:", "FF196", "did you mean 'review'"),
    ("overdue_with: report_late", "escalate: {after: 3 days}", "escalate:", "FF011", "needs 'to'"),
    ("label: {en: Cancel the grant, fr: Annuler la subvention}", "help: {en: a, fr: b}", "cancel:\n    help", "FF186", "needs a label"),
    ("label: {en: Cancel the grant, fr: Annuler la subvention}", "label: {en: Cancel the grant}", "{en: Cancel the grant}", "FF185", "missing in 'fr'"),
    ("label: {en: Cancel the grant, fr: Annuler la subvention}", "label: {en: Cancel, then pay, fr: A}", "then pay", "FF187", "in quotes"),
    ("confirm: true", "confirm: yes", "confirm: yes", "FF006", 'write "yes" in quotes'),
    ("grace: 15 minutes", "grace: 12:30", "grace: 12:30", "FF006", "in quotes"),
    ("reviews:\n", "phases: {p: {label: {en: P, fr: P}, states: [draft]}}\nreviews:\n", "  review:\n    label", "FF109", "in no phase"),
    ("states:\n", "staets:\n", "staets:", "FF010", "did you mean 'states'"),
    ("  cancelled: {en", "  withdrawn: {en", "withdrawn: {en: Cancelled", "FF003", "written twice; the first is on line"),
    ("  draft:\n    label", "  Draft:\n    label", "Draft:\n    label", "FF014", "small letters"),
    ("title: {en: Small grant", "title: &t {en: Small grant", "&t", "FF005", "anchors"),
    ("    final: success", "    final: !!str success", "!!str", "FF005", "tags"),
    ("help:\n      en: The money that", "help:\n\ten: The money that", "\ten: The money", "FF001", "tabs"),
    ("en: Only {ledger.available} is left", "en: Only: {ledger.available} is left", "Only: {ledger", "FF001", "in quotes"),
]  # fmt: skip

FORM_MISTAKES = [
    (PROPOSAL, "type: short_text", "type: shorttext", "type: shorttext", "FF012", "did you mean 'short_text'"),
    (PROPOSAL, "        words: 15\n", "        max: 15\n", "max: 15", "FF020", "a short_text has no 'max'"),
    (PROPOSAL, "        words: 15\n", "        wrods: 15\n", "wrods: 15", "FF010", "did you mean 'words'"),
    (PROPOSAL, "        words: 15\n", "        words: many\n", "words: many", "FF012", "whole number"),
    (PROPOSAL, "after: starts_on", "after: starts", "after: starts\n", "FF024", "did you mean 'starts_on'"),
    (PROPOSAL, "sum: {column: amount,", "sum: {column: amout,", "column: amout", "FF024", "did you mean 'amount'"),
    (PROPOSAL, "equals: requested", "equals: request", "equals: request", "FF024", "did you mean 'requested'"),
    (PROPOSAL, "equals: requested", "equals: people_expected", "equals: people", "FF024", "cannot equal"),
    (PROPOSAL, "accept: [pdf]", "accept: [exe]", "accept: [exe]", "FF012", "'exe'"),
    (PROPOSAL, "max_mb: 10", "max_mb: 900", "max_mb: 900", "FF012", "from 1 to 50"),
    (PROPOSAL, "required: true", "required: on", "required: on", "FF006", "in quotes"),
    (PROPOSAL, "      summary:\n", "      title:\n", "title:\n        type: long_text", "FF003", "first is on line"),
    (PROPOSAL, "      risks:\n", "      need:\n", "need:\n        type: long_text\n        label: {en: \"What could", "FF022", "already a field"),
    (PROPOSAL, "      risks:\n", "      number:\n", "forms/small_proposal.yaml", "FF025", "every application has"),
    (PROPOSAL, "        min: 1\n        max: 3\n", "        min: 1\n        max: 9\n", "max: 9", "FF023", "only 7 options"),
    (PROPOSAL, "title: {en: Proposal, fr: Proposition}", "title: {en: Proposal}", "title: {en: Proposal}", "FF185", "missing in 'fr'"),
    (PROPOSAL, "          housing: {en", "          no: {en", "no: {en", "FF006", 'write "no" in quotes'),
    (SCORE, "weight: 35", "weight: 30", "form: score\n", "FF167", "add up to 95, not 100"),
    (SCORE, "          10: {en: Outstanding", "          11: {en: Outstanding", "11: {en: Outstanding", "FF023", "0 to 10"),
    ("forms/small_report.yaml", "      spent:\n        type: money", "      requested:\n        type: money", "report: forms", "FF025", "also in the form 'proposal'"),
]  # fmt: skip


def test_the_shipped_files_have_nothing_to_report() -> None:
    assert problems_of(texts()) == []
    assert not any(each.blocks for each in checker.check(small_grant()))


@pytest.mark.parametrize(("old", "new", "at", "code", "words"), MAIN_MISTAKES, ids=[m[3] + " " + m[1].strip()[:30] for m in MAIN_MISTAKES])  # fmt: skip
def test_a_mistake_in_the_workflow_is_shown_where_it_was_made(
    old: str, new: str, at: str, code: str, words: str
) -> None:
    files = changed(old, new)
    _expect(files, MAIN, at, code, words)


@pytest.mark.parametrize(("file", "old", "new", "at", "code", "words"), FORM_MISTAKES, ids=[m[4] + " " + m[2].strip()[:30] for m in FORM_MISTAKES])  # fmt: skip
def test_a_mistake_in_a_form_is_shown_where_it_was_made(file: str, old: str, new: str, at: str, code: str, words: str) -> None:  # fmt: skip
    files = changed(old, new, file)
    shown = file if at in files[file] else MAIN
    _expect(files, shown, at, code, words)


def _expect(files: dict[str, str], file: str, at: str, code: str, words: str) -> None:
    found = problems_of(files)
    wanted = line_of(at, files, file)
    fitting = [p for p in found if p.code == code and p.file == file and p.line == wanted and words in p.message]
    assert fitting, f"wanted {file}:{wanted} {code} …{words}…, found:\n" + "\n".join(map(str, found))
    assert 1 <= fitting[0].column <= len(files[file].splitlines()[wanted - 1]) + 1


def test_all_mistakes_are_reported_at_once_and_in_order() -> None:
    files = changed("reason: required", "reasons: required")
    files[MAIN] = files[MAIN].replace("currency: EUR", "currency: EURO").replace("then: lapse", "then: laps")
    files[PROPOSAL] = files[PROPOSAL].replace("words: 15", "wrods: 15")
    found = problems_of(files)
    assert {"FF010", "FF012", "FF150"} <= {p.code for p in found}
    assert {p.file for p in found} == {MAIN, PROPOSAL}
    assert found == sorted(found)


def test_several_mistakes_in_one_expression_are_all_reported_at_their_place() -> None:
    files = changed("application.requested <= round.cap", "application.a <= round.cap && round.b == 1")
    found = [p for p in problems_of(files) if p.code == "FF110"]
    line = files[MAIN].splitlines()[found[0].line - 1]
    assert [line[p.column - 1 :][:2] for p in found] == ["a ", "b "]


def test_an_expression_in_quotes_is_pointed_at_inside_the_quotes() -> None:
    files = changed("if: application.requested <= round.cap", 'if: "application.requested <= round.cab"')
    (found,) = problems_of(files)
    assert files[MAIN].splitlines()[found.line - 1][found.column - 1 :].startswith("cab")


def test_an_unquoted_expression_with_a_comma_is_explained() -> None:
    old = "{if: input.paid_on <= today}"
    files = changed("when: [{overdue: report_due}]", "when: [{if: application.budget.all(b, b.amount > round.cap)}]")
    assert old not in files[MAIN]
    assert "FF004" in {p.code for p in problems_of(files)}


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        (
            "type: money\n        label: {en: Amount requested",
            "type: monny\n        label: {en: Amount requested",
            ["FF012"],
        ),
        ("sections:\n  project:", "sections:\n  - project:", ["FF001"]),
    ],
)
def test_a_mistake_in_a_form_is_not_repeated_by_all_who_use_it(old: str, new: str, codes: list[str]) -> None:
    assert [p.code for p in problems_of(changed(old, new, PROPOSAL))] == codes


def test_conditions_on_what_stands_in_a_form_that_cannot_be_read_are_no_mistakes_of_their_own() -> None:
    """They are in a rule, too, whose name stays known; a loop over a table that is not there has no types at all."""
    folder = ROOT / "workflows"
    files = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")}
    files["forms/gcf_proposal.yaml"] += '\n"'
    with pytest.raises(Problems) as problems:
        loader.load(files, "global_cities_fund.yaml")
    # The table that the payments are made of is missed where it is named, and nowhere else.
    assert [each.code for each in problems.value.problems] == ["FF001", "FF193"]


def test_no_change_of_the_files_makes_the_loader_fail_in_another_way() -> None:
    chance = random.Random(7)
    for _ in range(25):
        file = chance.choice([MAIN, MAIN, PROPOSAL, SCORE])
        lines = texts()[file].splitlines()
        at = chance.randrange(len(lines))
        name = lines[at].partition(":")[0]
        lines[at] = chance.choice(
            [
                "",
                lines[at][:-3],
                f"{name}: []",
                f"{name}: {{}}",
                f"{name}: 1",
                f"{name}:",
                lines[at] + " }",
                f"{name}: null",
            ]
        )
        found = problems_of({**texts(), file: "\n".join(lines)})
        assert all(p.line >= 1 and p.column >= 1 and p.message for p in found)


def test_an_unknown_template_is_reported_only_where_templates_are_known() -> None:
    known = {"received", "agreement"}
    found = problems_of(texts(), known_templates=known)
    assert {p.code for p in found} == {"FF180"}
    assert any("'approved'" in p.message for p in found)


@pytest.mark.parametrize("text", ["", "---\n---\n", "[]", "just words", "a: b: c", '"', "{", "\x00", "? [a]\n: b", "- " * 40 + "x"])  # fmt: skip
def test_whatever_is_no_workflow_is_refused_without_a_crash(text: str) -> None:
    assert problems_of({**texts(), MAIN: text})


def test_a_file_beyond_256_kilobytes_is_refused() -> None:
    assert [p.code for p in problems_of({**texts(), MAIN: "# " + "x" * 300_000})] == ["FF002"]


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(Problems, match=r"nowhere\.yaml:1:1: FF016"):
        loader.load(texts(), "nowhere.yaml")


def test_an_alias_is_refused_at_its_place() -> None:
    files = changed("fr: Petite subvention}", "fr: *x}")
    assert any(p.code in ("FF001", "FF005") and p.line == line_of("*x", files, MAIN) for p in problems_of(files))
