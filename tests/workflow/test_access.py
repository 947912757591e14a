"""The access matrix gives what the file gives, and nothing more."""

from __future__ import annotations

import itertools

from fundflow.workflow import access, loader
from tests.workflow.files import MAIN, changed, small_grant

EXPECTED: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("draft", "applicant"): ({"proposal"}, {"proposal"}),
    ("review", "applicant"): (set(), {"proposal"}),
    ("review", "reviewer"): (set(), {"proposal"}),
    ("review", "officer"): (set(), {"proposal", "panel"}),
    ("review", "auditor"): (set(), {"proposal", "panel"}),
    ("approved", "auditor"): (set(), {"proposal", "panel"}),
    ("disbursed", "auditor"): (set(), {"proposal", "panel", "report"}),
    ("reported", "auditor"): (set(), {"proposal", "panel", "report"}),
    ("approved", "applicant"): (set(), {"proposal"}),
    ("approved", "officer"): (set(), {"proposal", "panel"}),
    ("approved", "finance"): (set(), {"proposal"}),
    ("disbursed", "applicant"): ({"report"}, {"proposal", "report"}),
    ("disbursed", "officer"): (set(), {"proposal", "panel", "report"}),
    ("disbursed", "finance"): (set(), {"proposal"}),
    ("reported", "applicant"): (set(), {"proposal", "report"}),
    ("reported", "officer"): (set(), {"proposal", "panel", "report"}),
    ("reported", "finance"): (set(), {"proposal", "report"}),
}


def test_the_matrix_of_the_small_grant_is_this_table_and_all_else_is_denied() -> None:
    for place, cell in access.matrix(small_grant()).items():
        edit, view = EXPECTED.get(place, (set(), set()))
        assert (set(cell.edit), set(cell.view)) == (edit, view), place


def test_several_roles_together_see_what_each_sees() -> None:
    workflow = small_grant()
    for state in workflow.states:
        for first, second in itertools.combinations(workflow.roles, 2):
            both = access.cell(workflow, state, (first, second))
            alone = [access.cell(workflow, state, (role,)) for role in (first, second)]
            assert both.view == alone[0].view | alone[1].view
            assert both.edit == alone[0].edit | alone[1].edit
            assert both.edit <= both.view


def test_nobody_the_system_and_strangers_see_nothing() -> None:
    workflow = small_grant()
    for roles in ((), ("system",), ("mayor",)):
        assert access.cell(workflow, "reported", roles) == access.NOTHING
    assert access.cell(workflow, "nowhere", ("applicant",)) == access.NOTHING


def test_an_ended_application_is_read_and_never_edited() -> None:
    cell = access.cell(small_grant(), "draft", ("applicant",), has_ended=True)
    assert (set(cell.edit), set(cell.view)) == (set(), {"proposal"})


def test_a_reviewer_never_sees_the_reviews_and_finance_never_a_draft() -> None:
    workflow = small_grant()
    assert all("panel" not in access.cell(workflow, state, ("reviewer",)).view for state in workflow.states)
    assert access.visible_states(workflow, ("finance",)) == {"approved", "disbursed", "reported"}


def test_a_masked_state_is_shown_as_another_unless_a_role_may_know() -> None:
    files = changed(
        "    view: {applicant: [proposal], reviewer",
        "    shown_as: {applicant: draft}\n    view: {applicant: [proposal], reviewer",
    )
    workflow = loader.load(files, MAIN)
    assert access.shown_state(workflow, "review", ("applicant",)) == "draft"
    assert access.shown_state(workflow, "review", ("applicant", "officer")) == "review"
    assert access.shown_state(workflow, "review", ()) == "draft"
    assert access.shown_state(workflow, "approved", ("applicant",)) == "approved"
