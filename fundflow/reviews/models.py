"""Reviews: one reviewer's place and sheet for one application, and who stands by for a place that comes free.

Refuses, as constraints, a sheet that is sent without a declaration or a score, and a conflict without a reason.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Json, Model


class Review(Identified, Model):
    """assigned, then declared (none or conflict), then drafted, then sent; or withdrawn by whoever assigns.

    A place that its own reviewer withdrew is declined.

    `state` is the state of the workflow in which the review takes place. `generation` counts the times the application
    has come to that state, from 1: when it leaves, its unsent sheets are closed, and when it comes back, a new
    generation begins. Both follow from the application's events, so nothing has to be written for a sheet to close.
    """

    __tablename__ = "reviews"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    name: Mapped[str]
    state: Mapped[str]
    generation: Mapped[int] = mapped_column(default=1)
    reviewer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    assigned_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    due_at: Mapped[datetime]
    due_wall: Mapped[str] = mapped_column(sa.String(16))
    """The due moment as the clock of `due_zone` shows it; `due_at` is computed from it."""
    due_zone: Mapped[str] = mapped_column(sa.String(64))
    conflict: Mapped[str | None]
    conflict_reason: Mapped[str | None]
    declared_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    score: Mapped[Decimal | None]
    """The weighted total when it was sent, on the review's scale, to two places."""
    first_data: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """The sheet as it was first sent, where it was revised after a discussion; `data` and `score` are the revision."""
    first_score: Mapped[Decimal | None]
    first_sent_at: Mapped[datetime | None]
    late_at: Mapped[datetime | None]
    """When a sheet arrived that came after the review had closed: it is kept, and does not count."""
    closed_at: Mapped[datetime | None]
    """When the workflow cancelled the review while this sheet was not sent yet."""
    reminded_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    withdrawn_reason: Mapped[str | None]

    __table_args__ = (
        sa.CheckConstraint("generation > 0", name="generation"),
        sa.CheckConstraint("revision >= 0", name="revision"),
        sa.CheckConstraint("conflict IN ('none', 'declared')", name="conflict"),
        sa.CheckConstraint("(conflict IS NULL) = (declared_at IS NULL)", name="declared"),
        sa.CheckConstraint("conflict <> 'declared' OR conflict_reason IS NOT NULL", name="reason"),
        sa.CheckConstraint("(sent_at IS NULL) = (score IS NULL)", name="scored"),
        sa.CheckConstraint(
            "sent_at IS NULL OR (declared_at IS NOT NULL AND conflict = 'none' AND withdrawn_at IS NULL)", name="sent"
        ),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        sa.CheckConstraint(
            "(first_sent_at IS NULL) = (first_score IS NULL) AND (first_sent_at IS NULL OR sent_at IS NOT NULL)",
            name="revised",
        ),
        sa.CheckConstraint("late_at IS NULL OR sent_at IS NULL", name="late"),
        sa.CheckConstraint("closed_at IS NULL OR sent_at IS NULL", name="closed"),
        # A withdrawn place stays as history, and the same person may be given a new one.
        sa.Index(
            "uq_reviews_place",
            "application_id",
            "name",
            "generation",
            "reviewer_id",
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
            sqlite_where=sa.text("withdrawn_at IS NULL"),
        ),
        sa.Index("ix_reviews_reviewer", "reviewer_id", "due_at"),
    )

    @property
    def is_recused(self) -> bool:
        return self.conflict == "declared"

    @property
    def is_declared_free(self) -> bool:
        """Declared to have no conflict, and still holding the place."""
        return self.conflict == "none" and self.withdrawn_at is None

    @property
    def is_sent(self) -> bool:
        return self.sent_at is not None

    @property
    def is_revised(self) -> bool:
        return self.first_sent_at is not None

    @property
    def is_declined(self) -> bool:
        """Given back by the reviewer."""
        return self.withdrawn_at is not None and self.withdrawn_by == self.reviewer_id

    @property
    def step(self) -> str:
        """declined, withdrawn, recused, sent, draft (something written), score (nothing yet) or declare."""
        if self.withdrawn_at is not None:
            return "declined" if self.is_declined else "withdrawn"
        if self.conflict is None:
            return "declare"
        if self.is_recused:
            return "recused"
        if self.is_sent:
            return "sent"
        return "draft" if self.revision else "score"


class StandBy(Identified, Model):
    """Somebody who takes a place that comes free, the one with the lowest `position` first.

    It is no place: whoever stands by sees nothing, counts nowhere and is not written to until they are called.
    """

    __tablename__ = "stand_bys"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    name: Mapped[str]
    generation: Mapped[int]
    position: Mapped[int]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    named_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    called_at: Mapped[datetime | None]
    review_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("reviews.id"))
    """The place they were given."""
    instead_of: Mapped[UUID | None] = mapped_column(sa.ForeignKey("reviews.id"))
    """The place that had come free; null where whoever assigns asked them directly."""
    dropped_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("generation > 0 AND position > 0", name="numbers"),
        sa.CheckConstraint("(called_at IS NULL) = (review_id IS NULL)", name="called"),
        sa.CheckConstraint("called_at IS NULL OR dropped_at IS NULL", name="dropped"),
        sa.CheckConstraint("instead_of IS NULL OR called_at IS NOT NULL", name="instead"),
        sa.Index(
            "uq_stand_bys_waiting",
            "application_id",
            "name",
            "generation",
            "person_id",
            unique=True,
            postgresql_where=sa.text("called_at IS NULL AND dropped_at IS NULL"),
            sqlite_where=sa.text("called_at IS NULL AND dropped_at IS NULL"),
        ),
        sa.UniqueConstraint("review_id"),
        sa.UniqueConstraint("instead_of"),
    )
