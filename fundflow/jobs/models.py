"""The outbox: work that a committed change asked for, each piece under a key that makes it happen once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow import clock
from fundflow.db import Identified, Model


class Job(Identified, Model):
    """One piece of work. Done, dead and waiting are told apart by `done_at` and `dead_at`."""

    __tablename__ = "jobs"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    run_at: Mapped[datetime] = mapped_column(default=clock.now)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_by: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    __table_args__ = (
        sa.CheckConstraint("done_at IS NULL OR dead_at IS NULL", name="one_end"),
        sa.Index(
            "ix_jobs_waiting",
            "run_at",
            postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
            sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        ),
    )
