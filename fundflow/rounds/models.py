"""Windows and rounds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fundflow.db import Identified, Model
from fundflow.money import Money


class Window(Identified, Model):
    """A themed part of the fund."""

    __tablename__ = "windows"

    name: Mapped[str] = mapped_column(unique=True)
    theme: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    donors: Mapped[str] = mapped_column(default="")


class Round(Identified, Model):
    """One dated opening of a window. The wall times and the zone are the truth; the instants follow from them."""

    __tablename__ = "rounds"

    window_id: Mapped[UUID] = mapped_column(sa.ForeignKey("windows.id"))
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    title: Mapped[str]
    theme: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    zone: Mapped[str] = mapped_column(sa.String(64))
    opens_wall: Mapped[str] = mapped_column(sa.String(16))
    closes_wall: Mapped[str] = mapped_column(sa.String(16))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    currency: Mapped[str] = mapped_column(sa.String(3))
    floor_minor: Mapped[int]
    cap_minor: Mapped[int]
    budget_minor: Mapped[int]
    countries: Mapped[list[str]] = mapped_column(default=list)
    """ISO 3166 codes of where cities may apply from; empty for everywhere."""
    definition_sha: Mapped[str] = mapped_column(sa.ForeignKey("definitions.sha256"))
    status: Mapped[str] = mapped_column(default="draft")
    published_at: Mapped[datetime | None]
    published_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    created_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    cloned_from_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    revision: Mapped[int] = mapped_column(default=1)

    window: Mapped[Window] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012
    __table_args__ = (
        sa.CheckConstraint(
            "floor_minor >= 0 AND cap_minor >= floor_minor AND budget_minor >= cap_minor", name="amounts"
        ),
        sa.CheckConstraint("closes_at > opens_at", name="dates"),
        sa.CheckConstraint("status IN ('draft', 'published')", name="status"),
        sa.CheckConstraint("(status = 'published') = (published_at IS NOT NULL)", name="published"),
    )

    @property
    def floor(self) -> Money:
        return Money(self.floor_minor, self.currency)

    @property
    def cap(self) -> Money:
        return Money(self.cap_minor, self.currency)

    @property
    def budget(self) -> Money:
        return Money(self.budget_minor, self.currency)
