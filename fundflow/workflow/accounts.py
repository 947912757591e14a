"""Where the bank accounts of one grant stand at a moment, worked out of their rows alone.

Pure: the pages, the guards of payments and the examples of workflow files all ask this one function.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ENTERED, CALLED, VERIFIED = "entered", "called", "verified"
FROZEN, REFUSED, WITHDRAWN, REPLACED = "frozen", "refused", "withdrawn", "replaced"
WAITING = (ENTERED, CALLED, FROZEN)
"""What keeps every payment waiting, beside an account in its cooling-off period."""
COOLING_OFF_DAYS = 10
"""How long, where an installation says nothing else."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which account is in force, and what keeps payments waiting.

    `status` is ``none``, ``entered``, ``verified``, ``cooling_off`` or ``frozen``. `waits_until` is the end of the
    cooling-off period.
    """

    status: str
    in_force: Any
    waiting: Any
    waits_until: datetime | None

    @property
    def is_usable(self) -> bool:
        """Money may go to the account in force: nothing that would take its place waits."""
        return self.in_force is not None and self.waiting is None


def standing(rows: Iterable[tuple[Any, str, datetime | None]], now: datetime) -> Standing:
    """Out of what each account is called, its status, and from when on it is used; in the order of their entry."""
    in_force: Any = None
    waiting: tuple[Any, str, datetime | None] | None = None
    for name, status, usable_from in rows:
        if status == VERIFIED and usable_from is not None and usable_from <= now:
            in_force = name
        elif status == VERIFIED:
            waiting = (name, "cooling_off", usable_from)
        elif status in WAITING:
            waiting = (name, FROZEN if status == FROZEN else ENTERED, None)
    if waiting is None:
        return Standing("none" if in_force is None else VERIFIED, in_force, None, None)
    return Standing(waiting[1], in_force, waiting[0], waiting[2])
