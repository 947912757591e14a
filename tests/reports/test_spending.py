"""Budget against actual: where a reason is asked for, to the smallest unit of currencies with 0, 2 and 3 places."""

from __future__ import annotations

import pytest

from fundflow.money import Money
from fundflow.reports.spending import Compared, compared
from fundflow.reports.tables import Cost
from fundflow.reports.variance import needs_reason
from tests.workflow.files import large_grant


@pytest.mark.parametrize(
    ("currency", "planned", "last"),
    # 115% of 1,003 is 1,153.45: the last amount that passes is the whole unit below; no rounding decides.
    [("JPY", 1_003, 1_153), ("TND", 1_010_010, 1_161_511), ("USD", 10_000, 11_500)],
)
@pytest.mark.parametrize("form", ["periodic_report", "final_report"])
def test_workflow_wants_a_reason_from_the_first_unit_above_the_free_part(
    form: str, currency: str, planned: int, last: int
) -> None:
    def asked(spent: int) -> bool:
        line = Compared("Staff", "staff", Money(planned, currency), Money(spent, currency))
        return needs_reason(large_grant(), form, line)

    assert [asked(last), asked(last + 1)] == [False, True]


def test_lines_of_one_name_are_one_and_the_sums_are_exact() -> None:
    def dinars(minor: int) -> Money:
        return Money(minor, "TND")

    plan = [
        Cost("Staff", "staff", dinars(100_001)),
        Cost("Staff ", "staff", dinars(2)),
        Cost("Rooms", "events", dinars(1)),
        Cost("Staff", "services", dinars(7)),
    ]
    report = [
        Cost("staff", "staff", dinars(999), dinars(50_000), "Began late."),
        Cost("Bus", "events", dinars(5), dinars(3)),
        Cost("Rooms", "events", dinars(1), None),
    ]
    found = compared(plan, report, "TND")
    assert [(each.item, each.planned.minor, each.spent and each.spent.minor) for each in found.lines] == [
        ("Staff", 100_003, 50_000),  # what was planned, the plan says
        ("Rooms", 1, None),
        ("Staff", 7, None),
        ("Bus", 0, 3),
    ]
    assert (found.planned, found.spent, found.left) == (dinars(100_011), dinars(50_003), dinars(50_008))
    assert needs_reason(large_grant(), "final_report", found.lines[3]), "what was not planned needs one at once"
    assert compared([], report, "TND").planned == dinars(1_005), "without a plan the report's own counts"
