"""Whether the record is whole: every chain recomputed, every application compared with its last event."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the record does not hold, in a sentence."""

    number: str
    seq: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked and every break that was found."""

    applications: int
    events: int
    breaks: tuple[Break, ...]

    @property
    def is_whole(self) -> bool:
        return not self.breaks


def verify(application_id: UUID | None = None) -> Report:
    """Recompute the chain of one application, or of all."""
    raise NotImplementedError
