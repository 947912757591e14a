"""Due moments of applications: armed on entering a state, cancelled on leaving it, swept by workers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fundflow.lifecycle.models import Application


def due(application: Application) -> list[tuple[str, datetime]]:
    """The running timers of an application and when each is due, the next first."""
    raise NotImplementedError


def sweep(limit: int = 200) -> int:
    """Do what is due now: reminders and ends of timers; how many timers acted."""
    raise NotImplementedError


def rearm_round(round_id: UUID) -> int:
    """Compute again when the running timers of a round's applications are due; how many moved."""
    raise NotImplementedError
