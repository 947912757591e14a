"""A workflow that names amounts knows it, wherever they stand."""

from __future__ import annotations

import pytest

from fundflow.workflow import loader
from fundflow.workflow.amounts import names_amounts
from tests.workflow.files import MAIN, changed, small_grant


def test_the_shipped_workflow_suits_any_currency() -> None:
    assert not names_amounts(small_grant())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("application.requested <= round.cap", "application.requested <= round.cap * 1 + money('5')"),
        ("{ledger: commit, amount: application.requested}", "{ledger: commit, amount: 'money(\"5\")'}"),
        (
            "application.requested <= round.cap",
            '"application.budget.map(b, b.amount).sum() <= round.cap"',
        ),
    ],
)
def test_one_amount_anywhere_ties_a_workflow_to_its_currency(old: str, new: str) -> None:
    assert names_amounts(loader.load(changed(old, new), MAIN))
