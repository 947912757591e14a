"""Plans of rounds for tests."""

from __future__ import annotations

from typing import Any

from fundflow.lifecycle.actor import SYSTEM
from fundflow.money import Money
from fundflow.rounds import service
from fundflow.rounds.models import Round
from fundflow.rounds.plans import Plan


def a_plan(**changes: Any) -> Plan:
    """A plan that can be saved: open from the first of January 2027 to the end of March, in Paris."""
    currency = changes.get("currency", "EUR")
    every: dict[str, Any] = {
        "window_id": None,
        "new_window": "Inclusion",
        "title": "Small grants 2027",
        "slug": "small-2027",
        "zone": "Europe/Paris",
        "opens_wall": "2027-01-01T09:00",
        "closes_wall": "2027-03-31T17:00",
        "currency": currency,
        "floor": Money.of("5000", currency),
        "cap": Money.of("50000", currency),
        "budget": Money.of("100000", currency),
        "workflow": "small-grant",
        "summary": "For what cities do with newcomers.",
    }
    return Plan(**(every | changes))


def a_draft(**changes: Any) -> Round:
    """A draft round; flushed, not committed."""
    return service.create_round(a_plan(**changes), actor=SYSTEM)
