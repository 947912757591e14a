"""What is wrong in a file with children that have forms, timers and a beginning of their own is told at its place."""

# Pieces of a workflow file are easier to read on one line.

from __future__ import annotations

import pytest

from fundflow.workflow import checker
from fundflow.workflow.problems import Problems
from tests.lifecycle.delivery import CHANGE, PERIODIC, STORY, a_delivery_workflow

EXPECTED = "applicant: [ask, report, amendment]"
CLOCK = "then: report.begin"
MISTAKES = [
    (
        ("draft: {edit: {applicant: [ask]}}", "draft: {edit: {applicant: [ask, periodic]}}"),
        "FF140",
        "belongs to 'report'",
    ),
    (("edit: {applicant: [periodic]}", "edit: {applicant: [periodc]}"), "FF140", "there is no form 'periodc'"),
    (("view: {applicant: [change]}", "view: {applicant: [ask]}"), "FF140", "is no form that some 'amendment' fills in"),
    (
        (
            "{applicant: [change]}}\n    transitions",
            "{applicant: [change]}, edit: {applicant: [change]}}\n    transitions",
        ),
        "FF143",
        "is final",
    ),
    ((CLOCK, "then: report.bgin"), "FF150", "there is no transition 'report.bgin'"),
    ((CLOCK, "then: report.send"), "FF152", "cannot leave 'planned'"),
    (("in: report.planned", "in: report.plannd"), "FF101", "there is no state 'report.plannd'"),
    (("in: report.planned", "in: [report.planned, draft]"), "FF101", "there is no state 'draft'"),
    (("at: self.due,", "at: self.decided,"), "FF110", "decided"),
    (("complete: periodic", "complete: change"), "FF140", "there is no form 'change'"),
    (("set: self.due, to: input.until", "set: self.nr, to: input.until"), "FF110", "a whole number is needed"),
    (("set: self.due, to:", "set: self.spent, to:"), "FF122", "self"),
    (("{child: amendment, fields", "{child: amendmnt, fields"), "FF192", "there is no kind of child 'amendmnt'"),
    (("about: input.about, because", "abut: input.about, because"), "FF122", "'amendment' has no field 'abut'"),
    (("about: input.about, because", "decided: input.about, because"), "FF110", "an amount of money is needed"),
    (("nr: 2, due", "nr: \"'two'\", due"), "FF110", "a whole number is needed"),
    (("r.state == 'accepted') &&", "r.spent > money('1')) &&"), "FF110", "null"),
    (("fields: {about: string,", "fields: {state: string, about: string,"), "FF025", "every child has 'state' anyway"),
    (("fields: {about: string,", "fields: {new_start: date, about: string,"), "FF025", "two things"),
    (("do: [{children: report}]", "do: [{children: amendment}]"), "FF193", "nothing says which 'amendment' to make"),
    (("deadline: report_due, when", "deadline: change_dropped, when"), "FF155", "there is no timer 'change_dropped'"),
]


@pytest.mark.parametrize(
    ("change", "code", "says"), MISTAKES, ids=[f"{code}-{says[:20]}" for _, code, says in MISTAKES]
)
def test_a_mistake_is_told(change: tuple[str, str], code: str, says: str) -> None:
    with pytest.raises(Problems) as problems:
        a_delivery_workflow((STORY, ""), change)
    assert any(each.code == code and says in each.message for each in problems.value.problems), str(problems.value)


FORMS = [
    ("periodic", PERIODIC, ("if: self.is_last == 'yes'", "if: self.spent != null"), "FF110", "spent"),
    ("periodic", PERIODIC, ("from: application.budget", "from: application.requested"), "FF110", "a list"),
    ("change", CHANGE, ("from: application.starts_on", "from: application.title"), "FF110", "a date is needed"),
    (
        "periodic",
        PERIODIC,
        ("accept: [pdf, txt]}", "accept: [pdf, txt], from: application.title}"),
        "FF020",
        "a file has",
    ),
]


@pytest.mark.parametrize(("name", "text", "change", "code", "says"), FORMS)
def test_a_mistake_in_a_form_is_told(name: str, text: str, change: tuple[str, str], code: str, says: str) -> None:
    assert change[0] in text
    with pytest.raises(Problems) as problems:
        a_delivery_workflow(**{name: text.replace(*change)})
    assert any(each.code == code and says in each.message for each in problems.value.problems), str(problems.value)


NEVER = [
    (("then: report.begin", "overdue_with: report_late, to: manager"), "FF158"),
    (
        (
            "do: [{children: report, each: drop}, {children: amendment, each: drop}]",
            "do: [{children: report, each: drop}]",
        ),
        "FF190",
    ),
    (
        (
            "applicant: [periodic], manager: [periodic]}}\n      dropped",
            "finance: [periodic], manager: [periodic]}}\n      dropped",
        ),
        "FF144",
    ),
]


@pytest.mark.parametrize(("change", "code"), NEVER, ids=[code for _, code in NEVER])
def test_what_can_never_work_is_found(change: tuple[str, str], code: str) -> None:
    found = checker.check(a_delivery_workflow((STORY, ""), change))
    assert any(each.code == code for each in found), [str(each) for each in found]


def test_the_file_itself_has_nothing_to_mend() -> None:
    assert [each for each in checker.check(a_delivery_workflow()) if each.code != "FF178"] == []
