"""Sealing a document with the fund's certificate (PAdES B-B, or B-T with a timestamp), and checking a seal.

The seal is added behind what was printed, whose bytes stay as they are, into the field that was printed for it: so the
file stays PDF/A-3a and PDF/UA-1. The key stays in this process; the press, which lays out what others wrote, never sees
it. A seal is valid only for the whole file: nothing may be added behind it, and no single bit may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from fundflow import clock
from fundflow.documents import certificates
from fundflow.documents.certificates import Certificate
from fundflow.documents.reports import SealReport, SealState


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file, when it was sealed, and the fingerprint of the certificate."""

    content: bytes
    at: datetime
    seal_sha256: str


def require_seal() -> Certificate:
    """The certificate that seals documents now, or SealUnusable; cheap, so that nothing is printed in vain."""
    return certificates.usable(current_app.extensions["settings"]).about


def seal(content: bytes) -> Sealed:
    """The file with the fund's seal behind it, or SealUnusable. Takes a tenth of a second, and longer for a timestamp.

    Ask for it outside any transaction: a timestamp comes over the network.
    """
    settings = current_app.extensions["settings"]
    keeper = certificates.usable(settings)
    at = clock.now().replace(microsecond=0)
    from fundflow.documents import sealing  # pyHanko takes a second to read, so only where something is sealed

    sealed = sealing.sealed(content, keeper, at, settings.timestamp_url)
    return Sealed(sealed, at, keeper.about.sha256)


def verify(content: bytes) -> SealReport:
    """What the seal of this file is worth, whatever the file is; asks nobody over the network.

    SealUnusable only where `FUNDFLOW_SEAL_TRUST` itself cannot be read.
    """
    trusted = certificates.trusted(current_app.extensions["settings"])
    if b"/ByteRange" not in content:
        return SealReport(SealState.NONE)  # spares reading the library for most of what is no sealed file
    from fundflow.documents import checking

    try:
        return checking.checked(content, trusted, clock.now())
    except Exception:
        # A file made to mislead can break the reader in any place; none of them makes it a sealed one.
        return SealReport(SealState.ALTERED)
