"""How pyHanko is made to seal: with a key that is in memory already, at the fund's time, and without other changes.

Imported only when something is sealed; reading the library takes a second.
"""

from __future__ import annotations

import io
import urllib.request
from datetime import datetime
from http.client import HTTPException
from typing import Any

from asn1crypto import tsp
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from fundflow.documents.archive import FIELD
from fundflow.documents.certificates import Keeper, SealUnusable

SECONDS = 20
"""How long the timestamp service may take to answer."""
ROOM, ROOM_FOR_A_STAMP = 2_000, 12_000
"""Bytes kept free for a signature, beside its certificates, and for a timestamp in it."""


def sealed(content: bytes, keeper: Keeper, at: datetime, timestamp_url: str) -> bytes:
    """The same bytes with the seal behind them."""
    signer = _InMemory(keeper)
    room = ROOM + sum(len(each.dump()) for each in (signer.signing_cert, *signer.cert_registry))
    metadata = PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, name=keeper.about.subject
    )
    stamper = _Stamper(timestamp_url) if timestamp_url else None
    sealing = _Sealing(metadata, signer, timestamper=stamper)
    sealing.at = at
    try:
        written = sealing.sign_pdf(
            _Untouched(io.BytesIO(content)),
            existing_fields_only=True,
            bytes_reserved=2 * (room + (ROOM_FOR_A_STAMP if stamper else 0)),
        )
    except TimestampRequestError as problem:
        raise SealUnusable(f"The timestamp service at {timestamp_url} gave no timestamp: {problem}") from None
    return bytes(written.getvalue())


class _Untouched(IncrementalPdfFileWriter):
    """Adds the signature and nothing else: the library would rewrite the metadata so that it is PDF/A no more.

    And leaves the table of what it added as it is. Compressed, one in 256 ended in a carriage return, of which
    validators say that the stream is one byte shorter than its length; as it is, its last byte is always nought.
    """

    def _update_meta(self) -> None:
        pass

    def _populate_trailer(self, trailer: Any) -> None:
        super()._populate_trailer(trailer)  # type: ignore[no-untyped-call]
        trailer.pop("/Filter", None)


class _Sealing(PdfSigner):
    at: datetime

    def init_signing_session(self, *args: Any, **options: Any) -> Any:
        session = super().init_signing_session(*args, **options)
        session.system_time = self.at
        return session


class _InMemory(Signer):
    """Signs with the key as it is; the library's own signer reads and proves the key anew each time, which for RSA
    took ten times as long as sealing.
    """

    def __init__(self, keeper: Keeper) -> None:
        def theirs(certificate: Any) -> Certificate:
            return Certificate.load(certificate.public_bytes(Encoding.DER))

        self.key = keeper.key
        super().__init__(
            signing_cert=theirs(keeper.certificate),
            cert_registry=SimpleCertificateStore.from_certs([theirs(each) for each in keeper.chain]),  # type: ignore[no-untyped-call]
        )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(data, PKCS1v15(), SHA256())
        return self.key.sign(data, ECDSA(SHA256()))


class _Stamper(TimeStamper):
    """Asks an RFC 3161 service."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        asked = urllib.request.Request(self.url, req.dump(), headers)  # noqa: S310 -- the settings take http(s) alone
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310
                response = tsp.TimeStampResp.load(answer.read(1_000_000))
                response.native  # noqa: B018 -- reads all of it now: what cannot be read is no answer
                return response
        except (OSError, ValueError, HTTPException) as problem:
            raise SealUnusable(f"The timestamp service at {self.url} did not answer: {problem}") from None
