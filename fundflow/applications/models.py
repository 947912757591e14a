"""Answers and files of applications."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model


class Answers(Model):
    """What stands in one form of one application now; `revision` tells a stale save."""

    __tablename__ = "answers"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"), primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))


class SentAnswers(Model):
    """The answers exactly as they stood when a transition happened, under their digest; never changed."""

    __tablename__ = "sent_answers"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"), primary_key=True)
    event_seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    form: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(sa.String(64))


class File(Identified, Model):
    """An uploaded file; its content lies in storage under its digest."""

    __tablename__ = "files"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    form: Mapped[str]
    field: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    uploaded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (sa.Index("ix_files_application", "application_id"),)
