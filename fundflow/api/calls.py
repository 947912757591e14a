"""A command as it was sent: its headers and its body, read strictly and once.

Refuses what could be read in two ways: repeated names, fractions, control characters, anything but one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import request
from pydantic import ValidationError

from fundflow import clock
from fundflow.api import refusals
from fundflow.api.schemas import Command
from fundflow.errors import Refused
from fundflow.lifecycle.inputs import Missing, NotAsked
from fundflow.lifecycle.refusals import WrongInput, shorten

LARGEST_BODY = 64 * 1024
_KEY = re.compile(r'"?([!#-~]{1,100})"?')
_REVISION = re.compile(r'"([0-9]{1,9})"')


@dataclass(frozen=True, slots=True)
class Call:
    """One command. `key` and `fingerprint` are digests: the one of who sent which key, the other of what for."""

    key: str
    fingerprint: str
    revision: int
    said: Command
    given: frozenset[str]
    received_at: datetime


def read(actor_id: UUID | None) -> Call:
    """The command of the present request; a refusal for whatever it lacks or could not be read."""
    received_at = clock.now()
    key, revision = _key(), _revision()
    raw = _body()
    try:
        said = Command.model_validate(raw)
    except ValidationError as error:
        raise WrongInput(dict(_problems(error))) from None
    digest = hashlib.sha256(f"{actor_id}:{key}".encode()).hexdigest()
    what = json.dumps([request.path, raw], sort_keys=True, ensure_ascii=True, default=str)
    fingerprint = hashlib.sha256(f"{key}:{what}".encode()).hexdigest()
    return Call(digest, fingerprint, revision, said, frozenset(raw), received_at)


def _key() -> str:
    text = request.headers.get("Idempotency-Key")
    if text is None:
        raise refusals.NoKey()
    found = _KEY.fullmatch(text.strip())
    if found is None:
        raise refusals.UnusableKey()
    return found[1]


def _revision() -> int:
    text = request.headers.get("If-Match")
    if text is None or text.strip() == "*":
        raise refusals.NoRevision()
    found = _REVISION.fullmatch(text.strip())
    if found is None:
        raise refusals.UnusableRevision()
    return int(found[1])


def _body() -> dict[str, Any]:
    request.max_content_length = LARGEST_BODY
    raw = request.get_data(cache=False)
    if request.mimetype != "application/json":
        raise refusals.OtherType()
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise refusals.NotJson() from None
    if not isinstance(found, dict) or any(_is_unusable(text) for text in _texts(found)):
        raise refusals.NotJson()
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)


def _is_unusable(text: str) -> bool:
    return any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t" for letter in text)


def _problems(error: ValidationError) -> Iterator[tuple[str, Refused]]:
    """A refusal for each value, under its dotted name; of the kinds that one might have been, the name only once."""
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        where = [str(part) for part in each["loc"]]
        name = shorten(".".join(where[:2] if where[:1] == ["input"] else where[:1]))
        if each["type"] == "extra_forbidden" and where[:1] != ["input"]:
            yield name, NotAsked(field=name)
        elif each["type"] == "missing" and where[:1] != ["input"]:
            yield name, Missing(field=name)
        else:
            yield name, refusals.WrongKind(field=name)
