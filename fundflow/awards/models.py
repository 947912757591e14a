"""Documents as they were asked for, printed, and sealed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model


class Document(Identified, Model):
    """A document of an application: asked for by an event with its facts, rendered by a job, kept under its digest."""

    __tablename__ = "documents"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    kind: Mapped[str]
    language: Mapped[str] = mapped_column(sa.String(12))
    event_seq: Mapped[int]
    template_sha256: Mapped[str] = mapped_column(sa.String(64))
    facts: Mapped[dict[str, Any]]
    facts_sha256: Mapped[str] = mapped_column(sa.String(64))
    rendered_at: Mapped[datetime | None]
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    size: Mapped[int | None]
    printed_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    """The digest of what was printed, before the seal was added behind it: the same facts give it again."""
    sealed_at: Mapped[datetime | None]
    seal_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    """The fingerprint of the certificate that sealed the file; None for a document that takes no seal."""
    told_seq: Mapped[int | None]
    """The later event that carries the digest of the file."""

    @property
    def is_ready(self) -> bool:
        """Printed and kept; until then it is being prepared."""
        return self.sha256 is not None

    def filename(self, number: str) -> str:
        """A plain name for the downloaded file: ``SG-2026-0007-agreement-en.pdf``."""
        return f"{re.sub('[^A-Za-z0-9-]', '', number)}-{self.kind}-{self.language}.pdf"

    __table_args__ = (
        sa.UniqueConstraint("application_id", "kind", "language", "event_seq"),
        sa.CheckConstraint("(rendered_at IS NULL) = (sha256 IS NULL)", name="rendered"),
        sa.CheckConstraint("(sealed_at IS NULL) = (seal_sha256 IS NULL)", name="sealed"),
        sa.Index("ix_documents_sha256", "sha256"),
        sa.Index("ix_documents_facts_sha256", "facts_sha256"),
    )
