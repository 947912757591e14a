"""Reviews: one reviewer's sheet for one application."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model


class Review(Identified, Model):
    """assigned, then declared (none or conflict), then drafted, then sent; or withdrawn by whoever assigned it.

    `generation` grows when an application comes back to the state: a sheet of an earlier one is kept and not counted.
    """

    __tablename__ = "reviews"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    name: Mapped[str]
    generation: Mapped[int] = mapped_column(default=1)
    reviewer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    assigned_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    due_at: Mapped[datetime | None]
    conflict: Mapped[str | None]
    conflict_reason: Mapped[str | None]
    declared_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    score: Mapped[Decimal | None]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        sa.UniqueConstraint("application_id", "name", "generation", "reviewer_id"),
        sa.CheckConstraint("conflict IN ('none', 'declared')", name="conflict"),
        sa.CheckConstraint("(conflict IS NULL) = (declared_at IS NULL)", name="declared"),
        sa.CheckConstraint("sent_at IS NULL OR (conflict = 'none' AND score IS NOT NULL)", name="sent"),
        sa.Index("ix_reviews_reviewer", "reviewer_id", "due_at"),
    )
