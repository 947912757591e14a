"""Settings, all of them from the environment, each with its default and one line of help.

`HOST` and `PORT` keep their customary names; every other variable begins with `FUNDFLOW_`. What is wrong is said at
start-up, every mistake at once, before anything listens.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder: workflows, templates and migrations lie beside the package."""


class BadSettings(Exception):
    """One sentence per setting that cannot be used."""


def _setting(default: Any, env: str, text: str) -> Any:
    return field(default=default, metadata={"env": env, "help": text})


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs. `Settings.from_environment()` reads it; tests build it directly."""

    host: str = _setting("127.0.0.1", "HOST", "address the server listens on")
    port: int = _setting(8000, "PORT", "port the server listens on")
    mode: str = _setting("development", "FUNDFLOW_MODE", "development, or production: stricter, no demo, no mail page")
    instance: Path = _setting(
        ROOT / "instance", "FUNDFLOW_INSTANCE", "folder for the embedded database, files and mail"
    )
    database_url: str = _setting(
        "", "FUNDFLOW_DATABASE_URL", "PostgreSQL address; empty means SQLite in the instance folder"
    )
    secret_key: str = _setting(
        "", "FUNDFLOW_SECRET_KEY", "signs sessions; empty means a key kept in the instance folder"
    )
    data_key: str = _setting(
        "",
        "FUNDFLOW_DATA_KEY",
        "encrypts bank accounts; several keys, comma separated: the first encrypts, all decrypt;"
        " empty means a key kept in the instance folder",
    )
    cooling_off: int = _setting(
        10, "FUNDFLOW_COOLING_OFF", "days before money goes to a bank account that takes another's place"
    )
    base_url: str = _setting("", "FUNDFLOW_BASE_URL", "public address of this site, for links in mail")
    storage_url: str = _setting(
        "", "FUNDFLOW_STORAGE_URL", "where files go, e.g. s3://bucket/prefix; empty means the instance folder"
    )
    anchors: str = _setting(
        "", "FUNDFLOW_ANCHORS", "folder for the nightly anchors of the audit trail; empty means the instance folder"
    )
    seal: str = _setting(
        "",
        "FUNDFLOW_SEAL",
        "PKCS#12 or PEM file with the key and certificate that seal documents; empty means one made in the instance "
        "folder, which nobody else trusts (not in production)",
    )
    seal_passphrase: str = _setting("", "FUNDFLOW_SEAL_PASSPHRASE", "passphrase of that file, if it has one")
    seal_trust: str = _setting(
        "",
        "FUNDFLOW_SEAL_TRUST",
        "PEM file with certificates of earlier seals and of authorities for seals and timestamps, for checking seals",
    )
    timestamp_url: str = _setting(
        "", "FUNDFLOW_TIMESTAMP_URL", "RFC 3161 service that proves when a document was sealed; empty means none"
    )
    mail_url: str = _setting(
        "", "FUNDFLOW_MAIL_URL", "smtp://user:password@host:587 or smtps://…; empty writes .eml files"
    )
    mail_from: str = _setting("fund@fundflow.example", "FUNDFLOW_MAIL_FROM", "sender address of all mail")
    fund_name: str = _setting(
        "Global Cities Fund for Migrants and Refugees",
        "FUNDFLOW_FUND_NAME",
        "name of the fund on pages, mail and agreements",
    )
    languages: tuple[str, ...] = _setting(
        ("en", "fr"), "FUNDFLOW_LANGUAGES", "interface languages, comma separated, first is the default"
    )
    upload_mb: int = _setting(25, "FUNDFLOW_UPLOAD_MB", "largest upload in megabytes")
    embedded_worker: bool = _setting(
        True, "FUNDFLOW_EMBEDDED_WORKER", "run background jobs inside the server process (yes or no)"
    )
    threads: int = _setting(8, "FUNDFLOW_THREADS", "web threads of the embedded server")
    trusted_proxies: int = _setting(
        0, "FUNDFLOW_TRUSTED_PROXIES", "reverse proxies in front whose X-Forwarded headers are believed"
    )
    rate_limits: bool = _setting(True, "FUNDFLOW_RATE_LIMITS", "limit attempts to sign in (yes or no)")
    rate_limit_url: str = _setting(
        "memory://", "FUNDFLOW_RATE_LIMIT_URL", "where attempts are counted; redis://… when there are several servers"
    )
    brake: int = _setting(
        200, "FUNDFLOW_BRAKE", "deadlines that may end applications within one minute before a person is asked"
    )
    undo_minutes: int = _setting(
        30, "FUNDFLOW_UNDO_MINUTES", "minutes in which a released decision meeting can be taken back"
    )
    demo: bool = _setting(
        True, "FUNDFLOW_DEMO", "load demo people and rounds into an empty database (yes or no, never in production)"
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read every setting; BadSettings names all that cannot be used, each with what to write instead."""
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        problems: list[str] = []
        for each in fields(cls):
            name = each.metadata["env"]
            text = environ.get(name, "").strip()
            if not text:
                continue
            try:
                given[each.name] = _read(each.default, text)
            except ValueError as problem:
                problems.append(f"{name}={text!r}: {problem}")
        settings = cls(**given)
        problems += settings._contradictions()
        known = {each.metadata["env"] for each in fields(cls)}
        problems += [
            f"{name} is not a setting of fundflow; see the list in the README"
            for name in environ
            if name.startswith("FUNDFLOW_") and name not in known and not name.startswith("FUNDFLOW_TEST_")
        ]
        if problems:
            raise BadSettings("\n".join(problems))
        return settings

    def _contradictions(self) -> list[str]:
        problems = []
        if self.mode not in ("development", "production"):
            problems.append(f"FUNDFLOW_MODE={self.mode!r}: write development or production")
        if not 0 <= self.port <= 65535:
            problems.append(f"PORT={self.port}: a port lies between 0 and 65535")
        if self.brake < 1:
            problems.append(f"FUNDFLOW_BRAKE={self.brake}: write a whole number from 1")
        if self.undo_minutes < 0:
            problems.append(f"FUNDFLOW_UNDO_MINUTES={self.undo_minutes}: write a whole number from 0")
        if self.database_url and not self.database_url.startswith(("postgresql://", "postgresql+psycopg://")):
            problems.append("FUNDFLOW_DATABASE_URL must begin with postgresql://")
        if self.cooling_off < 1:
            problems.append(f"FUNDFLOW_COOLING_OFF={self.cooling_off}: write a whole number of days from 1")
        if self.mail_url and urlsplit(self.mail_url).scheme not in ("smtp", "smtps"):
            problems.append("FUNDFLOW_MAIL_URL must begin with smtp:// or smtps://")
        if self.timestamp_url and not self.timestamp_url.startswith(("https://", "http://")):
            problems.append("FUNDFLOW_TIMESTAMP_URL must begin with https:// or http://")
        if self.mode == "production":
            if not self.seal:
                problems.append("FUNDFLOW_SEAL must be set in production: a PKCS#12 or PEM file with the fund's seal")
            if len(self.secret_key) < 32:
                problems.append("FUNDFLOW_SECRET_KEY must be set in production, with 32 characters or more")
            if not self.data_key or any(len(key) < 32 for key in self._given_keys()):
                problems.append("FUNDFLOW_DATA_KEY must be set in production, each key with 32 characters or more")
            if not self.base_url.startswith("https://"):
                problems.append("FUNDFLOW_BASE_URL must be set in production and begin with https://")
        return problems

    @property
    def production(self) -> bool:
        return self.mode == "production"

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        if self.database_url:
            return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        return f"sqlite:///file:{quote(str(self.instance / 'fundflow.db'))}?mode=rw&uri=true"

    @property
    def anchor_folder(self) -> Path:
        """Where the nightly anchors are written: best a place that whoever runs the database cannot change."""
        return Path(self.anchors).expanduser().resolve() if self.anchors else self.instance / "anchors"

    @property
    def url(self) -> str:
        """The public address of the site, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    def secret(self) -> str:
        """The signing key: the setting, or one made on first use and kept, readable by the owner only."""
        return self.secret_key or self._kept("secret.key")

    def data_keys(self) -> tuple[str, ...]:
        """The keys of bank accounts, the one that encrypts first: the setting, or one that is made and kept."""
        return self._given_keys() or (self._kept("data.key"),)

    def _given_keys(self) -> tuple[str, ...]:
        return tuple(key.strip() for key in self.data_key.split(",") if key.strip())

    def _kept(self, name: str) -> str:
        kept = self.instance / name
        if not kept.exists():
            self.instance.mkdir(parents=True, exist_ok=True)
            mine = self.instance / f".{name}.{secrets.token_hex(8)}"
            with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(48))
            try:
                # Nobody ever reads half a key; where another process was first, its key serves both.
                os.link(mine, kept)
            except FileExistsError:
                pass
            finally:
                mine.unlink()
        return kept.read_text()


def _read(default: Any, text: str) -> Any:
    if isinstance(default, bool):
        if text.lower() in ("1", "yes", "true", "on"):
            return True
        if text.lower() in ("0", "no", "false", "off"):
            return False
        raise ValueError("write yes or no")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise ValueError("write a whole number") from None
    if isinstance(default, Path):
        return Path(text).expanduser().resolve()
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text
