"""The shipped workflow for tests: its texts to change, itself loaded once, and situations to decide on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from fundflow.config import ROOT
from fundflow.money import Money
from fundflow.workflow import loader
from fundflow.workflow.decide import Situation
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem, Problems

MAIN = "small_grant.yaml"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@cache
def texts() -> Mapping[str, str]:
    """The shipped files by path."""
    folder = ROOT / "workflows"
    return {
        path: (folder / path).read_text(encoding="utf-8")
        for path in (MAIN, *(f"forms/small_{form}.yaml" for form in ("proposal", "score", "report")))
    }


@cache
def small_grant() -> Workflow:
    """The shipped workflow."""
    return loader.load(texts(), MAIN)


@cache
def large_grant() -> Workflow:
    """The other shipped workflow, of two stages."""
    folder = ROOT / "workflows"
    paths = [folder / "global_cities_fund.yaml", *folder.glob("forms/gcf_*.yaml")]
    return loader.load(
        {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}, paths[0].name
    )


def changed(old: str, new: str, file: str = MAIN) -> dict[str, str]:
    """The shipped files with one text in one of them replaced where it first stands."""
    assert old in texts()[file], old
    return {**texts(), file: texts()[file].replace(old, new, 1)}


def problems_of(files: Mapping[str, str], **more: Any) -> list[Problem]:
    """Everything the loader has to say; none where the files load."""
    try:
        loader.load(files, MAIN, **more)
    except Problems as problems:
        return problems.problems
    return []


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def facts(**more: Any) -> dict[str, Any]:
    """Facts under which everything is allowed that facts decide, but for what is given."""
    return {
        "application": {"requested": euro("40000"), "spent": euro("39000")},
        "round": {"floor": euro("5000"), "cap": euro("50000"), "closes_at": NOW + timedelta(days=1)},
        "ledger": {
            "available": euro("100000"),
            "committed": euro("0"),
            "paid": euro("0"),
            "undisbursed": euro("0"),
        },
        "reviews": {
            "panel": {
                "assigned": 3,
                "submitted": 2,
                "recused": 0,
                "quorum_met": True,
                "score": Decimal("7.25"),
                "spread": Decimal("1.50"),
            }
        },
        "forms": {
            "proposal": {"complete": True, "missing": []},
            "report": {"complete": True, "missing": []},
        },
        "timers": {
            "closing": {"due_at": NOW + timedelta(days=1)},
            "report_due": {"due_at": NOW - timedelta(days=1)},
        },
        "input": {"reference": "SEPA 1", "paid_on": NOW.date(), "amount": euro("40000")},
        **more,
    }


def situation(state: str, *roles: str, **more: Any) -> Situation:
    """Where an application is and who asks; `more` replaces parts."""
    given: dict[str, Any] = {
        "state": state,
        "now": NOW,
        "received_at": NOW,
        "actor": "ana",
        "roles": frozenset(roles),
        "facts": facts(),
        **more,
    }
    return Situation(**given)
