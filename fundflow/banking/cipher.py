"""What is kept of bank accounts is unreadable without the key, and each text belongs to the row that it was kept for.

Refuses, in words, what was kept under a key that is not there any more, and what was moved to another row or altered.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

from fundflow.config import Settings
from fundflow.db import canonical_json
from fundflow.errors import Refused

NONCE = 12
"""Bytes; one is drawn for every text, so equal accounts do not look alike."""


class WrongKey(Refused):
    """These bank details cannot be read: the key they were kept with is not in FUNDFLOW_DATA_KEY.

    Whoever runs the site adds that key behind the present one; nothing is lost.
    """

    status = 500


class Tampered(Refused):
    """These bank details cannot be trusted: what is kept of them was altered, or belongs to another account.

    Nothing is paid to such an account; it has to be entered anew.
    """

    status = 500


def seal(details: Mapping[str, Any], application_id: UUID, account_id: UUID) -> tuple[str, str]:
    """What may be kept of these details for this row: the name of the key, and the text that it alone opens."""
    name, cipher = next(iter(_ciphers().items()))
    nonce = os.urandom(NONCE)
    hidden = cipher.encrypt(nonce, canonical_json(dict(details)).encode(), _belongs(application_id, account_id))
    return name, base64.b64encode(nonce + hidden).decode()


def unseal(key: str, sealed: str, application_id: UUID, account_id: UUID) -> dict[str, Any]:
    """The details that were kept for this row. Raises WrongKey, Tampered."""
    cipher = _ciphers().get(key)
    if cipher is None:
        raise WrongKey()
    try:
        whole = base64.b64decode(sealed, validate=True)
        found: dict[str, Any] = orjson.loads(
            cipher.decrypt(whole[:NONCE], whole[NONCE:], _belongs(application_id, account_id))
        )
    except (InvalidTag, ValueError):
        raise Tampered() from None
    return found


def present_key() -> str:
    """The name of the key that everything new is kept with."""
    return next(iter(_ciphers()))


def _belongs(application_id: UUID, account_id: UUID) -> bytes:
    return f"bank_accounts:{application_id}:{account_id}".encode()


def _ciphers() -> Mapping[str, AESGCM]:
    settings: Settings = current_app.extensions["settings"]
    return _made_of(settings.data_keys())


@lru_cache(maxsize=8)
def _made_of(keys: tuple[str, ...]) -> Mapping[str, AESGCM]:
    """By name, the first first. A name says which key it was and nothing about it."""
    found = {}
    for text in keys:
        key = hashlib.sha256(b"fundflow bank accounts\0" + text.encode()).digest()
        found[hashlib.sha256(b"name\0" + key).hexdigest()[:16]] = AESGCM(key)
    return found
