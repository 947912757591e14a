"""How pyHanko is made to check a seal: asking nobody, and taking nothing for whole of which a single bit differs.

Imported only when something is checked; reading the library takes a second. Whatever it raises means that the file is
not as it was sealed.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from asn1crypto.cms import ContentInfo, SignedData, SignerInfo
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from fundflow.documents.archive import FIELD
from fundflow.documents.certificates import described
from fundflow.documents.reports import SealReport, SealState

# A file that somebody shows us is no event of this site, however badly it is made.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
# Tables of objects are all that is unpacked to find a seal: some KB in a file of ours. Of a file that is made for it, a
# few hundred KB unpack to millions of entries, which would keep a server busy for minutes.
_LIMITS = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=2**20),
    document_budget=DocumentDecodeBudget(base_allowance=2**24, max_ratio=1),
)
_USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)


def checked(content: bytes, trusted: Sequence[x509.Certificate], now: datetime) -> SealReport:
    """What the one seal in this file is worth."""
    found = PdfFileReader(io.BytesIO(content), decode_limits=_LIMITS).embedded_signatures
    if not found:
        return SealReport(SealState.NONE)
    if len(found) > 1 or found[0].field_name != FIELD:
        return SealReport(SealState.ALTERED)
    [signature] = found
    about = described(x509.load_der_x509_certificate(signature.signer_cert.dump()))
    said = signature.self_reported_timestamp or about.valid_from
    roots = list(load_certs_from_pemder_data(b"".join(each.public_bytes(Encoding.PEM) for each in trusted)))

    def context(moment: datetime) -> ValidationContext:
        return ValidationContext(trust_roots=roots, allow_fetching=False, moment=moment, revocation_mode="soft-fail")

    status = validate_pdf_signature(
        signature,
        # Who sealed, and whether in time, are two questions: the chain is looked at on a day when it was valid.
        context(min(max(said, about.valid_from), about.valid_until)),
        context(now),
        key_usage_settings=_USAGE,
        skip_diff=True,  # there is nothing behind a seal that covers the entire file
    )
    covers = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    if not (status.intact and status.valid and covers and _is_exact(content, signature)):
        return SealReport(SealState.ALTERED)
    stamp = status.timestamp_validity
    proven = stamp.timestamp if stamp and stamp.intact and stamp.valid and stamp.trusted else None
    at = (proven or said).astimezone(UTC)
    if not status.trusted:
        state = SealState.UNKNOWN
    elif not about.is_valid_at(at) or (proven is None and now > about.valid_until):
        state = SealState.EXPIRED
    else:
        state = SealState.VALID
    return SealReport(state, about, at, proven is not None)


def _is_exact(content: bytes, signature: Any) -> bool:
    """The bytes that hold the signature, the only ones it does not cover, are written in the one way that we write.

    Else the case of a digit, the zeros behind it, and what frames the signed attributes could differ unnoticed.
    """
    _, before, after, _ = (int(each) for each in signature.byte_range)
    held = content[before:after]
    raw = bytes.fromhex(held[1:-1].decode("ascii"))
    message = ContentInfo.load(raw)["content"]
    [info] = message["signer_infos"]
    certificate = signature.signer_cert
    frame = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": {"issuer": certificate.issuer, "serial_number": certificate.serial_number}},
        "digest_algorithm": {"algorithm": "sha256"},
    }
    kept = ("signature_algorithm", "signature", "signed_attrs", "unsigned_attrs")
    info = SignerInfo(frame | {name: info[name] for name in kept if info[name]})
    signed = SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data"},
            "certificates": message["certificates"],
            "signer_infos": [info],
        }
    )
    written = ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return bool(held == b"<" + written.ljust(len(raw), b"\0").hex().upper().encode() + b">")
