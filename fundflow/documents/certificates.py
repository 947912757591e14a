"""The fund's certificate: what seals documents, from a PKCS#12 or PEM file, and what pages say of one.

Refuses a file that is missing, of another form, under another passphrase or without its key, and a certificate that is
not valid at the moment or not meant for sealing: each in a sentence for whoever runs the site.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from fundflow import clock, jobs
from fundflow.config import Settings

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SELF_MADE = "seal.pem"
"""The seal of a development or demonstration site, in its instance folder."""
SELF_MADE_YEARS = 20


class SealUnusable(jobs.NotYet):
    """Nothing can be sealed until the fund's certificate is put right; documents wait for it."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is said of a certificate; `sha256` is its fingerprint."""

    subject: str
    issuer: str
    valid_from: datetime
    valid_until: datetime
    sha256: str
    is_self_made: bool
    """Vouched for by nobody but itself."""

    def is_valid_at(self, moment: datetime) -> bool:
        return self.valid_from <= moment <= self.valid_until


@dataclass(frozen=True, slots=True)
class Keeper:
    """The fund's key with its certificate and those above it."""

    key: RSAPrivateKey | EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def about(self) -> Certificate:
        return described(self.certificate)


def usable(settings: Settings) -> Keeper:
    """The fund's seal, ready to be used now, or SealUnusable."""
    keeper, now = load(settings), clock.now()
    about = keeper.about
    if now > about.valid_until:
        raise SealUnusable(
            f"The certificate of the seal, {about.subject}, expired on {about.valid_until:%Y-%m-%d}; "
            "put a new one where FUNDFLOW_SEAL points, and the old one into FUNDFLOW_SEAL_TRUST"
        )
    if now < about.valid_from:
        raise SealUnusable(
            f"The certificate of the seal, {about.subject}, is valid only from {about.valid_from:%Y-%m-%d}"
        )
    if not _is_meant_for_sealing(keeper.certificate):
        raise SealUnusable(f"The certificate of the seal, {about.subject}, is not meant for signing by its key usage")
    return keeper


def load(settings: Settings) -> Keeper:
    """The key and certificate that the settings name, valid or not; read again when the file changed."""
    if not settings.seal and settings.production:
        raise SealUnusable("No seal is set: FUNDFLOW_SEAL must name a PKCS#12 or PEM file with the fund's certificate")
    path = Path(settings.seal).expanduser() if settings.seal else settings.instance / SELF_MADE
    if not settings.seal and not path.exists():
        _make(path, settings.fund_name)
    try:
        stamp = path.stat().st_mtime_ns
        return _read(path, stamp, settings.seal_passphrase)
    except OSError as problem:
        raise SealUnusable(f"The seal at {path} cannot be read: {problem.strerror}") from None


@lru_cache(maxsize=4)
def _read(path: Path, _stamp: int, passphrase: str) -> Keeper:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
    from cryptography.x509 import load_pem_x509_certificates

    content, secret = path.read_bytes(), passphrase.encode() or None
    try:
        if b"-----BEGIN " in content:
            found = load_pem_x509_certificates(content)
            encrypted = b"ENCRYPTED" in content
            key = load_pem_private_key(content, secret if encrypted else None)
        else:
            bundle = pkcs12.load_pkcs12(content, secret)
            own = [bundle.cert] if bundle.cert else []
            found = [each.certificate for each in (*own, *bundle.additional_certs)]
            if bundle.key is None:
                raise SealUnusable(f"The seal at {path} holds a certificate, but not its key")
            key = bundle.key
    except UnsupportedAlgorithm as problem:
        raise SealUnusable(f"The seal at {path} is encrypted in a way that is no longer read: {problem}") from None
    except (ValueError, TypeError):
        # The library says little and not always the same; the two causes cannot be told apart from outside either.
        raise SealUnusable(
            f"The seal at {path} cannot be opened: FUNDFLOW_SEAL_PASSPHRASE is not its passphrase, "
            "or the file is neither PKCS#12 nor PEM with a key and a certificate"
        ) from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise SealUnusable(f"The seal at {path} has a key that is neither RSA nor on an elliptic curve")
    matching = [each for each in found if each.public_key() == key.public_key()]
    if not matching:
        raise SealUnusable(f"The seal at {path} holds no certificate for its key")
    return Keeper(key, matching[0], tuple(each for each in found if each != matching[0]))


def trusted(settings: Settings) -> tuple[x509.Certificate, ...]:
    """The certificates that a good seal may come from: the fund's own, and those of `FUNDFLOW_SEAL_TRUST`."""
    from cryptography.x509 import load_pem_x509_certificates

    found: list[x509.Certificate] = []
    try:
        keeper = load(settings)
        found += [keeper.certificate]
    except SealUnusable:
        pass  # seals of before can be checked all the same
    if settings.seal_trust:
        path = Path(settings.seal_trust).expanduser()
        try:
            found += load_pem_x509_certificates(path.read_bytes())
        except OSError as problem:
            raise SealUnusable(f"FUNDFLOW_SEAL_TRUST, {path}, cannot be read: {problem.strerror}") from None
        except ValueError:
            raise SealUnusable(f"FUNDFLOW_SEAL_TRUST, {path}, holds no certificates in PEM") from None
    return tuple(found)


def described(certificate: x509.Certificate) -> Certificate:
    """What is said of it."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return Certificate(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(SHA256()).hex(),
        is_self_made=certificate.subject == certificate.issuer,
    )


def _name(of: x509.Name) -> str:
    """What people call it: its common name, else all of it."""
    from cryptography.x509.oid import NameOID

    common = of.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else of.rfc4514_string()


def _is_meant_for_sealing(certificate: x509.Certificate) -> bool:
    from cryptography.x509 import ExtensionNotFound, KeyUsage

    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
    except ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _make(path: Path, fund: str) -> None:
    """A key and a certificate for a site that has none yet; it seals, but only this site trusts it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{fund[:44]} (demonstration)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # From before the site began: a demonstration tells what happened in the years until today.
        .not_valid_before(now - timedelta(days=365 * SELF_MADE_YEARS))
        .not_valid_after(now + timedelta(days=365 * SELF_MADE_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid4().hex}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    try:
        os.link(aside, path)  # whole or not at all, and never over one that another process has made meanwhile
    except FileExistsError:
        pass
    finally:
        aside.unlink()
