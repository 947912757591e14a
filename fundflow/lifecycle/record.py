"""The form in which events are kept and hashed: plain JSON, one text for one value, each chained to the one before.

Refuses floats and whatever has no exact plain form, so that what was hashed can be read back and hashed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fundflow.db import canonical_json
from fundflow.money import Money

STARTED = "started"
"""The transition name of an application's first event."""


@dataclass(frozen=True, slots=True)
class Link:
    """Everything of an event that its hash covers."""

    application_id: UUID
    seq: int
    at: datetime
    actor_id: UUID | None
    transition: str
    from_state: str | None
    to_state: str | None
    outcome: str | None
    definition_sha: str
    reason: str | None
    body: Mapping[str, Any]

    def hash(self, prev: str) -> str:
        """sha256 over the previous hash and the canonical JSON of this link, in hexadecimal."""
        text = canonical_json(
            {
                "actor": self.actor_id,
                "application": self.application_id,
                "at": self.at,
                "body": self.body,
                "definition": self.definition_sha,
                "from": self.from_state,
                "outcome": self.outcome,
                "reason": self.reason,
                "seq": self.seq,
                "to": self.to_state,
                "transition": self.transition,
            }
        )
        return hashlib.sha256(prev.encode() + text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """A value as plain JSON: money as its minor units and currency, decimals as text, instants in UTC, sets sorted."""
    if value is None or isinstance(value, str | int):
        return value
    match value:
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case Decimal() | UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=canonical_json)
    raise TypeError(f"{type(value).__name__} cannot be kept in an event.")
