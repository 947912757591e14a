"""What workflows may read of a city's bank account and of the screenings on file; neither shows a number or a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fundflow.banking import queries, screenings
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import fact, foresight


@foresight
def foresee_accounts(applications: Sequence[Application], wanted: frozenset[str]) -> None:
    """The accounts and the screenings of all of them, where a condition looks at any."""
    ids = [application.id for application in applications]
    if wanted & {"bank", "screening"}:
        queries.foresee(ids)
    if "screening" in wanted:
        screenings.foresee(ids)


@fact("bank")
def bank_facts(application: Application) -> Mapping[str, Any]:
    """`status`, whether it is `usable`, and until when an account cools off (null where none does)."""
    standing = queries.standing(application)
    until = standing.waits_until
    zone = definitions.get(application.definition_sha).zone
    return {
        "status": standing.status,
        "usable": standing.is_usable,
        "waits_until": None if until is None else until.astimezone(zone),
    }


@fact("screening")
def screening_facts(application: Application) -> Mapping[str, Any]:
    """How many `days` ago the oldest of the checks on file was made, null where one is missing, and what they found."""
    return screenings.facts_of(application)
