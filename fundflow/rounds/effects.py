"""What workflows may ask of a round: the fact `round`.

It carries the terms that guards and deadlines read; it takes no lock, for a published round's terms only ever move in
the applicant's favour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.db import db
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import fact
from fundflow.rounds.models import Round


@fact("round")
def round_facts(application: Application) -> Mapping[str, Any]:
    """Floor, cap and budget as money, the opening and closing instants, and the title."""
    round_ = db.session.get_one(Round, application.round_id)
    return {
        "floor": round_.floor,
        "cap": round_.cap,
        "budget": round_.budget,
        "opens_at": round_.opens_at,
        "closes_at": round_.closes_at,
        "title": round_.title,
        "zone": round_.zone,
    }
