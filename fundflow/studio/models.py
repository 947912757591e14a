"""Drafts of workflows: the files as they stand, the revisions they went through, and who has one open.

A draft is no version of a workflow and nothing runs by it: what becomes one is decided in `lifecycle.publishing`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow import clock
from fundflow.db import Identified, Model


class Draft(Identified, Model):
    """The files that may become a version of a workflow, and how often they were saved."""

    __tablename__ = "drafts"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    """Of the command that began it: sent twice, it begins one draft."""
    workflow: Mapped[str]
    main: Mapped[str]
    files: Mapped[dict[str, Any]]
    """By path: the workflow, its forms, and below `mail/` the messages that differ from those of the version before."""
    base_sha: Mapped[str] = mapped_column(sa.ForeignKey("definitions.sha256"))
    """The version that it was begun from; messages and documents that it does not change are that version's."""
    revision: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(default="open")
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    saved_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    saved_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        sa.CheckConstraint("status IN ('open', 'discarded', 'published')", name="status"),
        sa.CheckConstraint("revision > 0", name="revision"),
        sa.Index("ix_drafts_workflow", "workflow", "status"),
    )


class DraftRevision(Model):
    """The files of a draft as they stood once; what one person saves in one sitting is one revision."""

    __tablename__ = "draft_revisions"

    draft_id: Mapped[UUID] = mapped_column(sa.ForeignKey("drafts.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    files: Mapped[dict[str, Any]]
    saved_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    since: Mapped[datetime] = mapped_column(default=clock.now)
    """When the sitting began."""
    saved_at: Mapped[datetime] = mapped_column(default=clock.now)
    is_fixed: Mapped[bool] = mapped_column(default=False)
    """It was proposed or restored, so no later saving goes over it."""


class DraftEditor(Model):
    """Who has a draft open, since when, and when they were last heard of."""

    __tablename__ = "draft_editors"

    draft_id: Mapped[UUID] = mapped_column(sa.ForeignKey("drafts.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
