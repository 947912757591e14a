"""Kept content: every piece lies under the SHA-256 of its bytes, in a local folder or in an S3 bucket.

Refuses to leave anything half-written: content appears whole under its digest or not at all, and a full disk is told
in a sentence. What is kept is never changed; the same bytes twice are kept once. Only what a person may
have erased is ever removed.
"""

from __future__ import annotations

import errno
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

import obstore
import structlog
from flask import Flask, current_app
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from fundflow.config import Settings
from fundflow.errors import Refused

log = structlog.get_logger(__name__)

CHUNK = 1024 * 1024
_FULL = re.compile(r"No space left|StorageFull|QuotaExceeded|FileTooLarge|os error (?:28|27|122|112)\b")


class StorageFull(Refused):
    """There is no room left to keep this file. Nothing was changed; try again later, or tell the fund.

    Raised where the disk, a quota or the largest size of a file is reached.
    """

    status = 507


class StorageDown(Refused):
    """The place where files are kept does not answer. Nothing was changed; please try again in a few minutes."""

    status = 503


class ContentLost(Refused):
    """The content of this file cannot be found any more. Please tell the fund; its fingerprint is {sha256}."""

    status = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """The digest and the size in bytes of content that is now kept."""

    sha256: str
    size: int


def init_app(app: Flask) -> None:
    """Open the store that the settings name; nothing is written before the first file."""
    app.extensions["storage"] = _open(app.extensions["settings"])


def _open(settings: Settings) -> ObjectStore:
    if not settings.storage_url:
        return LocalStore(settings.instance / "files", mkdir=True)
    place = urlsplit(settings.storage_url)
    if place.scheme == "s3":
        return S3Store(place.netloc, prefix=place.path.strip("/") or None)
    if place.scheme == "file":
        return LocalStore(place.path, mkdir=True)
    raise ValueError("FUNDFLOW_STORAGE_URL must begin with s3:// or file://")


def _store() -> ObjectStore:
    store: ObjectStore = current_app.extensions["storage"]
    return store


def _path(sha256: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("Content is kept under the 64 hexadecimal digits of its SHA-256")
    return f"{sha256[:2]}/{sha256[2:]}"


def put(content: bytes | IO[bytes]) -> Kept:
    """Keep bytes, or a seekable stream read twice in pieces; StorageFull or StorageDown leave nothing."""
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    digest, size = hashlib.sha256(), 0
    stream.seek(0)
    while piece := stream.read(CHUNK):
        digest.update(piece)
        size += len(piece)
    kept = Kept(digest.hexdigest(), size)
    if exists(kept.sha256):
        return kept
    stream.seek(0)
    try:
        # Written beside its place and renamed into it when it is whole: the store's own promise, held by tests.
        obstore.put(_store(), _path(kept.sha256), stream)
    except (OSError, BaseError) as problem:
        raise _refusal(problem) from problem
    return kept


def exists(sha256: str) -> bool:
    """Whether content of this digest is kept."""
    try:
        obstore.head(_store(), _path(sha256))
    except FileNotFoundError:
        return False
    except (OSError, BaseError) as problem:
        raise _refusal(problem) from problem
    return True


def remove(sha256: str) -> None:
    """Forget content for good, because it was somebody's and is to be erased; what is not there is gone already."""
    try:
        obstore.delete(_store(), _path(sha256))
    except FileNotFoundError:
        return
    except (OSError, BaseError) as problem:
        raise _refusal(problem) from problem


def get(sha256: str) -> bytes:
    """The whole content, checked against its digest; ContentLost where it is missing or not itself any more."""
    content = b"".join(stream(sha256))
    if hashlib.sha256(content).hexdigest() != sha256:
        log.error("content_damaged", sha256=sha256)
        raise ContentLost(sha256=sha256[:12])
    return content


def stream(sha256: str) -> Iterator[bytes]:
    """The content in pieces. It is opened before this returns, so that ContentLost still can become a page."""
    try:
        found = obstore.get(_store(), _path(sha256))
    except FileNotFoundError:
        log.error("content_lost", sha256=sha256)
        raise ContentLost(sha256=sha256[:12]) from None
    except (OSError, BaseError) as problem:
        raise _refusal(problem) from problem
    return (bytes(piece) for piece in found.stream(min_chunk_size=CHUNK))


def is_full(problem: Exception) -> bool:
    """Whether this failure means that there is no room left: the disk, a quota, or the largest size of a file."""
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    return bool(_FULL.search(str(problem)))


def _refusal(problem: Exception) -> Refused:
    full = is_full(problem)
    log.error("storage_refused", problem=str(problem).partition("\n")[0], full=full)
    return StorageFull() if full else StorageDown()
