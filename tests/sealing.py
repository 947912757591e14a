"""Certificates to seal with, good and bad: an authority, what it issues, and a timestamp service of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from asn1crypto import keys, tsp
from asn1crypto.x509 import Certificate as Theirs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from flask import Flask
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from fundflow import clock
from fundflow.config import Settings

PASSPHRASE = "sésame, ouvre-toi"


@dataclass(frozen=True)
class Issued:
    """A key and its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@lru_cache(maxsize=8)
def _rsa(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def issued(
    name: str,
    by: Issued | None = None,
    *,
    days: tuple[int, int] = (-10, 400),
    for_sealing: bool = True,
    for_time: bool = False,
) -> Issued:
    """A certificate that is valid on these days from now; of an authority where nobody issues it."""
    key = _rsa(name)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    usage |= {"key_cert_sign": by is None, "content_commitment": for_sealing, "key_encipherment": not for_sealing}
    usage["digital_signature"] = for_time
    now = clock.now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(by.certificate.subject if by else called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    if for_time:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return Issued(key, builder.sign(by.key if by else key, hashes.SHA256()))


def pkcs12_at(path: Path, seal: Issued, above: Issued) -> Path:
    """The seal with its authority in a PKCS#12 file under `PASSPHRASE`."""
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"seal", seal.key, seal.certificate, [above.certificate], encryption)
    )
    return path


def pem_at(path: Path, seal: Issued) -> Path:
    """The seal in a PEM file without a passphrase."""
    path.write_bytes(seal.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + seal.pem)
    return path


def other_key_at(path: Path, seal: Issued) -> Path:
    """A certificate beside a key that is not its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + seal.pem)
    return path


@contextmanager
def timestamps(by: Issued, at: datetime) -> Iterator[str]:
    """The address of an RFC 3161 service that says it is this moment; below it, one refuses and one talks."""
    service = DummyTimeStamper(
        Theirs.load(by.certificate.public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(by.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        fixed_dt=at,
    )

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/refusing":
                answer = tsp.TimeStampResp({"status": {"status": "rejection"}}).dump()
            elif self.path == "/talking":
                answer = b"<html>Come back later"
            else:
                answer = service.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def a_site(folder: Path, **settings: Any) -> Iterator[None]:
    """Where a seal is looked for: only settings, no database."""
    site = Flask("seals")
    site.extensions["settings"] = Settings(instance=folder, **settings)
    with site.app_context():
        yield
