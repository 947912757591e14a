"""Whether a document is what the fund issued: answered to anyone, by its code, its fingerprint, or the file itself.

Refuses to say anything that whoever holds the document does not read in it: no city, no title, no amount; and while
the application stands where its own city is shown something else, nothing of what came after the document either.
Unknown, guessed and forbidden are answered alike. A file that is shown is read in memory and never kept.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import zlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import pikepdf
import sqlalchemy as sa

from fundflow import documents, storage
from fundflow.awards.models import Document
from fundflow.db import db
from fundflow.documents import codes
from fundflow.documents.reports import SealState
from fundflow.errors import Refused
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application
from fundflow.workflow import access

_LARGEST_FACTS = 4 * 1024 * 1024
_LARGEST_STREAM = 32 * 1024 * 1024
# For the whole process, as the library has it: a small file may unpack to more memory than the server has.
pikepdf.settings.set_qpdf_limits(
    flate_max_memory=_LARGEST_STREAM,
    png_max_memory=_LARGEST_STREAM,
    run_length_max_memory=_LARGEST_STREAM,
    tiff_max_memory=_LARGEST_STREAM,
)


class Verdict(StrEnum):
    """What checking a document found."""

    VALID = "valid"
    REPLACED = "replaced"
    EXPIRED = "expired"
    """It is what was issued, but the certificate that sealed it is over."""
    TAMPERED = "tampered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The same shape whatever was found; without a document of ours only the verdict is filled."""

    verdict: Verdict
    kind: str = ""
    language: str = ""
    fund: str = ""
    day: date | None = None
    signatures: int = 0


UNKNOWN = Answer(Verdict.UNKNOWN)


def by_code(text: str) -> Answer:
    """The answer for a code as it is printed, or for the whole fingerprint of a file or of its facts."""
    code = re.sub(r"[\s:-]", "", text).lower()
    if not re.fullmatch(rf"[0-9a-f]{{{codes.LETTERS},64}}", code):
        return UNKNOWN
    found = _found(code)
    if found is None:
        return UNKNOWN
    document, application = found
    try:
        content = storage.get(document.sha256 or "")
    except Refused:
        content = b""  # whoever asks for the file itself is told that it is lost; that it was issued stays true
    return _answer(document, application, documents.verify(content).state)


def by_file(content: bytes) -> Answer:
    """The answer for a file that somebody was given."""
    if found := _found(hashlib.sha256(content).hexdigest()):
        return _answer(*found, documents.verify(content).state)
    facts = _facts_in(content)
    # Facts of ours in another file, or a file made like ours whose seal is broken: somebody changed it.
    if facts is not None and (_found(facts) or documents.verify(content).state is SealState.ALTERED):
        return Answer(Verdict.TAMPERED)
    return UNKNOWN


def _found(code: str) -> tuple[Document, Application] | None:
    """The printed document whose file or facts have this digest, or one that begins so."""
    head = code[: codes.LETTERS]
    if len(head) < codes.LETTERS:
        return None
    rows = db.session.execute(
        sa.select(Document, Application)
        .join(Application, Application.id == Document.application_id)
        .where(
            Document.sha256.is_not(None),
            sa.or_(*(column.between(head, f"{head}g") for column in (Document.sha256, Document.facts_sha256))),
        )
        .order_by(Document.event_seq)
        .limit(4)
    ).all()
    hit: tuple[Document, Application] | None = None
    for document, application in rows:
        # Each is compared in full and in constant time, so that nothing tells how near a guess came.
        if any(_is(code, digest) for digest in (document.sha256 or "", document.facts_sha256)):
            hit = document, application
    return hit


def _is(code: str, digest: str) -> bool:
    return hmac.compare_digest(code, digest[: len(code)])


def _answer(document: Document, application: Application, seal: SealState) -> Answer:
    verdict = Verdict.EXPIRED if seal is SealState.EXPIRED else Verdict.VALID
    if _is_told(application) and _is_replaced(document):
        verdict = Verdict.REPLACED
    facts = document.facts
    about = facts["letter"] if "letter" in facts else facts["agreement"]  # a letter names an agreement by its number
    return Answer(
        verdict=verdict,
        kind=document.kind,
        language=document.language,
        fund=facts["fund"]["name"],
        day=date.fromisoformat(about["date"]),
        signatures=len(facts.get("signed_by", ())),
    )


def _is_told(application: Application) -> bool:
    """Whether the application stands where its city is told it does: else nothing that came since may be told."""
    workflow = definitions.get(application.definition_sha)
    teams = [role.id for role in workflow.roles.values() if role.kind == "team"]
    return access.shown_state(workflow, application.state, teams) == application.state


def _is_replaced(document: Document) -> bool:
    """Whether a later one of this kind was printed for the same application."""
    later = sa.select(sa.func.count()).where(
        Document.application_id == document.application_id,
        Document.kind == document.kind,
        Document.event_seq > document.event_seq,
        Document.sha256.is_not(None),
    )
    return bool(db.session.scalar(later))


def _facts_in(content: bytes) -> str | None:
    """The digest of the facts that a file carries; empty where they cannot be read, None where it carries none."""
    try:
        with pikepdf.open(io.BytesIO(content)) as file:
            attached = file.attachments.get(documents.FACTS)
            if attached is None:
                return None
            raw = attached.get_file().obj.read_raw_bytes()
            text = zlib.decompressobj().decompress(raw, _LARGEST_FACTS)  # a small file may unpack to a huge one
            return documents.digest(_plain(text))
    except pikepdf.PdfError:
        return None
    except (zlib.error, ValueError, TypeError, AttributeError, RecursionError):
        return ""


def _plain(text: bytes) -> dict[str, Any]:
    facts = json.loads(text)
    if not isinstance(facts, dict):
        raise ValueError("facts are an object")
    return facts
