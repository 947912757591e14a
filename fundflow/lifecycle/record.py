"""The form in which events are kept and hashed: plain JSON, one text for one value, each chained to the one before.

What may be personal stands apart in a payload that the chain holds only a salted digest of, so that it can be erased.
Refuses floats and whatever has no exact plain form, so that what was hashed can be read back and hashed again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from orjson import Fragment

from fundflow.db import canonical_json, canonical_plain
from fundflow.money import Money

STARTED = "started"
"""The transition name of an application's first event."""
ERASED = "erased"
"""That payloads of events before this one were erased; its body names their numbers."""


KEPT = frozenset(
    "key received_at number roles decision effects notes definition document sha256 cause timer party review "
    "override child result person events outage migration".split()
)
"""What of an event's account is kept for good. All else may be personal and goes into the payload, also what is new."""
KEPT_OF_EACH: Mapping[str, frozenset[str]] = {
    "decision": frozenset({"kind", "holds", "overridden"}),
    "effects": frozenset(
        "kind ledger amount notify people document template_sha256 facts_sha256 set "
        "children each renew keys to gone gone_to cancel rearm".split()
    ),
    "notes": frozenset({"sent", "documents", "reviews"}),
}
"""The same for each clause of a decision (not its sentence, not its values), each effect and each hook's note."""


class Link(NamedTuple):
    """Everything of an event that its hash covers; of the payload it covers the digest, which outlives it."""

    application_id: UUID
    seq: int
    at: datetime
    actor_id: UUID | None
    transition: str
    from_state: str | None
    to_state: str | None
    outcome: str | None
    definition_sha: str
    body: Mapping[str, Any]
    payload: Mapping[str, Any] | None = None
    salt: str | None = None
    payload_digest: str | None = None
    acting_for: UUID | None = None
    subject: str | None = None
    body_text: str | None = None
    payload_text: str | None = None
    """The canonical JSON of both, where it is known already: it is hashed, and written as it was hashed."""

    @classmethod
    def of(cls, *, reason: str | None = None, body: Mapping[str, Any], **what: Any) -> Link:
        """The link of an event that just happened; `reason` and whatever else may be personal becomes its payload."""
        kept, payload = parted(plain(body))
        if reason is not None:
            payload["reason"] = reason
        body_text = canonical_plain(kept)
        if not payload:
            return cls(**what, body=kept, body_text=body_text)
        salt, payload_text = secrets.token_hex(16), canonical_plain(payload)
        digest = _sha256(salt, payload_text)
        return cls(
            **what,
            body=kept,
            payload=payload,
            salt=salt,
            payload_digest=digest,
            body_text=body_text,
            payload_text=payload_text,
        )

    def hash(self, prev: str) -> str:
        """sha256 over the previous hash and the canonical JSON of this link, in hexadecimal."""
        body = Fragment(canonical_plain(self.body) if self.body_text is None else self.body_text)
        return _sha256(prev, canonical_plain({**self.covered(), "body": body}))

    def covered(self) -> dict[str, Any]:
        """What the hash covers, by the names under which an export tells it too."""
        return {
            "acting_for": self.acting_for,
            "actor": self.actor_id,
            "application": self.application_id,
            "at": self.at,
            "body": self.body,
            "definition": self.definition_sha,
            "from": self.from_state,
            "outcome": self.outcome,
            "payload_digest": self.payload_digest,
            "seq": self.seq,
            "subject": self.subject,
            "to": self.to_state,
            "transition": self.transition,
        }


def digest_of(salt: str, payload: Mapping[str, Any]) -> str:
    """sha256 over the salt and the payload's canonical JSON. Without the salt nobody can try out what was erased."""
    return _sha256(salt, canonical_plain(payload))


def _sha256(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()


def parted(account: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What happened, in plain JSON, as the part that is kept for good and the part that can be erased."""
    kept: dict[str, Any] = {}
    payload: dict[str, Any] = {}
    for name, value in account.items():
        if name not in KEPT:
            if value:
                payload[name] = value
        elif name not in KEPT_OF_EACH or not isinstance(value, list):
            kept[name] = value
        else:
            lasting = KEPT_OF_EACH[name]
            kept[name] = [{key: item[key] for key in item if key in lasting} for item in value]
            others = [{key: item[key] for key in item if key not in lasting} for item in value]
            if any(others):
                payload[name] = others
    return kept, payload


def rejoined(kept: Mapping[str, Any], payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """The whole account again, as far as its payload was not erased."""
    whole = dict(kept)
    for name, value in (payload or {}).items():
        known = kept.get(name)
        if isinstance(known, list) and isinstance(value, list):
            whole[name] = [{**one, **other} for one, other in zip(known, value, strict=False)]
        else:
            whole[name] = value
    return whole


def _named(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        name if type(name) is str else str(name): item if type(item) in _PLAIN else plain(item)
        for name, item in value.items()
    }


def _listed(value: Iterable[Any]) -> list[Any]:
    return [item if type(item) in _PLAIN else plain(item) for item in value]


def _at(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _sorted(value: Iterable[Any]) -> list[Any]:
    return sorted(_listed(value), key=canonical_json)


def _money(value: Money) -> dict[str, Any]:
    return {"minor": value.minor, "currency": value.currency}


_FORMS: dict[type, Callable[[Any], Any]] = {
    dict: _named,
    list: _listed,
    tuple: _listed,
    set: _sorted,
    frozenset: _sorted,
    Money: _money,
    UUID: str,
    Decimal: str,
    datetime: _at,
    date: date.isoformat,
}
"""The forms of what is met most, and of every kind of mapping that was met."""
_PLAIN = frozenset({type(None), str, int, bool})


def plain(value: Any) -> Any:
    """A value as plain JSON: money as its minor units and currency, decimals as text, instants in UTC, sets sorted."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if (form := _FORMS.get(kind)) is not None:
        return form(value)
    if isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        _FORMS[kind] = _named
        return _named(value)
    for known, form in _FORMS.items():
        if isinstance(value, known):
            return form(value)
    raise TypeError(f"{type(value).__name__} cannot be kept in an event.")
