"""Decision meetings: what is prepared for one round, by whom it was proposed and released, and what came of each item.

Refuses, as constraints, a release by whoever proposed it, a release without its moments, and one application in two
meetings at once.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow.db import Identified, Model


class Meeting(Identified, Model):
    """open, then proposed, released, and (after the undo window and the embargo) carried out.

    Where something was refused it is open again, with one more `attempt`; who proposed and released the attempts before
    stands in the acts. `embargo_wall` is the moment as the clock of `zone` shows it; `embargo_at` follows from it.
    """

    __tablename__ = "meetings"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    round_id: Mapped[UUID] = mapped_column(sa.ForeignKey("rounds.id"))
    title: Mapped[str] = mapped_column(sa.String(200))
    day: Mapped[date]
    minutes: Mapped[str] = mapped_column(default="")
    attended: Mapped[list[Any]] = mapped_column(default=list)
    """The people who were there, by id."""
    zone: Mapped[str] = mapped_column(sa.String(64))
    embargo_wall: Mapped[str | None] = mapped_column(sa.String(16))
    embargo_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    proposed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    proposed_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    released_at: Mapped[datetime | None]
    undo_until: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """When it is carried out: the later of the end of the undo window and of the embargo."""
    began_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("revision >= 0 AND attempt > 0", name="numbers"),
        sa.CheckConstraint("(embargo_wall IS NULL) = (embargo_at IS NULL)", name="embargo"),
        sa.CheckConstraint("(proposed_by IS NULL) = (proposed_at IS NULL)", name="proposed"),
        sa.CheckConstraint("released_by <> proposed_by", name="two_people"),
        sa.CheckConstraint(
            "(released_by IS NULL) = (released_at IS NULL) AND (released_by IS NULL) = (undo_until IS NULL)"
            " AND (released_by IS NULL) = (due_at IS NULL)",
            name="released",
        ),
        sa.CheckConstraint("released_by IS NULL OR proposed_by IS NOT NULL", name="proposed_first"),
        sa.CheckConstraint("began_at IS NULL OR released_by IS NOT NULL", name="began"),
        sa.CheckConstraint("done_at IS NULL OR began_at IS NOT NULL", name="done"),
        sa.Index("ix_meetings_round", "round_id", "day"),
    )

    @property
    def status(self) -> str:
        """open, proposed, released, running or done."""
        if self.done_at is not None:
            return "done"
        if self.began_at is not None:
            return "running"
        if self.released_by is not None:
            return "released"
        return "open" if self.proposed_by is None else "proposed"

    @property
    def is_open(self) -> bool:
        return self.status == "open"


class MeetingItem(Identified, Model):
    """One application of a meeting: what is recommended, and what came of it.

    What the chair writes about it stands in the workflow's own form; here stands only what that form does not ask.
    `seen_revision` is the application's as it was prepared: whatever happens to it meanwhile voids the item.
    """

    __tablename__ = "meeting_items"

    meeting_id: Mapped[UUID] = mapped_column(sa.ForeignKey("meetings.id"))
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    seen_revision: Mapped[int]
    transition: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")
    exception: Mapped[str] = mapped_column(default="")
    """Why it is out of the order of the scores."""
    place: Mapped[int | None]
    """On the reserve list, from 1."""
    stayed_out: Mapped[list[Any]] = mapped_column(default=list)
    """Those who left the meeting for this item, by id, beside those who declared a conflict in the committee."""
    revision: Mapped[int] = mapped_column(default=0)
    previewed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    previewed_at: Mapped[datetime | None]
    previewed: Mapped[str | None] = mapped_column(sa.String(64))
    """The digest of everything its letters said when they were read."""
    attempt: Mapped[int | None]
    """The attempt that came to the result below."""
    event_seq: Mapped[int | None]
    refusal: Mapped[str | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        sa.UniqueConstraint("meeting_id", "application_id"),
        sa.CheckConstraint("place > 0", name="place"),
        sa.CheckConstraint(
            "(previewed IS NULL) = (previewed_by IS NULL) AND (previewed IS NULL) = (previewed_at IS NULL)",
            name="previewed",
        ),
        sa.CheckConstraint("event_seq IS NULL OR refusal IS NULL", name="one_result"),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (event_seq IS NULL AND refusal IS NULL)"
            " AND (answered_at IS NULL) = (attempt IS NULL)",
            name="answered",
        ),
        sa.Index(
            "uq_meeting_items_waiting",
            "application_id",
            unique=True,
            postgresql_where=sa.text("event_seq IS NULL"),
            sqlite_where=sa.text("event_seq IS NULL"),
        ),
    )

    @property
    def is_done(self) -> bool:
        return self.event_seq is not None


class MeetingAct(Identified, Model):
    """What somebody did with a meeting, or what the system did with it: never changed."""

    __tablename__ = "meeting_acts"

    meeting_id: Mapped[UUID] = mapped_column(sa.ForeignKey("meetings.id"))
    what: Mapped[str] = mapped_column(sa.String(20))
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    attempt: Mapped[int]
    count: Mapped[int | None]

    __table_args__ = (
        sa.CheckConstraint(
            "what IN ('begun', 'proposed', 'taken_back', 'released', 'undone', 'carried_out')", name="what"
        ),
        sa.Index("ix_meeting_acts_meeting", "meeting_id", "created_at"),
    )
