"""What workflows may ask of a round: the fact `round`.

It carries the terms that guards and deadlines read; it takes no lock, for a published round's terms only ever move in
the applicant's favour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import asks, fact
from fundflow.prepared import Question
from fundflow.rounds import queries


@fact("round")
def round_facts(application: Application) -> Mapping[str, Any]:
    """Floor, cap and budget as money, the opening and closing instants, and the title."""
    return queries.terms_of(application.round_id)


@asks("round")
def terms_asked(application: Application, _name: str, _actor: Actor) -> Question:
    """What the round says."""
    return queries.terms_asked(application.round_id)
