"""Decision meetings and what they release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "meetings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=False),
        sa.Column("attended", JSON, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("embargo_wall", sa.String(length=16), nullable=True),
        sa.Column("embargo_at", INSTANT, nullable=True),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("attempt", INTEGER, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", INSTANT, nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("undo_until", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("began_at", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.CheckConstraint("(embargo_wall IS NULL) = (embargo_at IS NULL)", name=op.f("ck_meetings_embargo")),
        sa.CheckConstraint("(proposed_by IS NULL) = (proposed_at IS NULL)", name=op.f("ck_meetings_proposed")),
        sa.CheckConstraint(
            "(released_by IS NULL) = (released_at IS NULL) AND (released_by IS NULL) = (undo_until IS NULL) AND (released_by IS NULL) = (due_at IS NULL)",
            name=op.f("ck_meetings_released"),
        ),
        sa.CheckConstraint("began_at IS NULL OR released_by IS NOT NULL", name=op.f("ck_meetings_began")),
        sa.CheckConstraint("done_at IS NULL OR began_at IS NOT NULL", name=op.f("ck_meetings_done")),
        sa.CheckConstraint("released_by <> proposed_by", name=op.f("ck_meetings_two_people")),
        sa.CheckConstraint("released_by IS NULL OR proposed_by IS NOT NULL", name=op.f("ck_meetings_proposed_first")),
        sa.CheckConstraint("revision >= 0 AND attempt > 0", name=op.f("ck_meetings_numbers")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_meetings_created_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["users.id"], name=op.f("fk_meetings_proposed_by")),
        sa.ForeignKeyConstraint(["released_by"], ["users.id"], name=op.f("fk_meetings_released_by")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_meetings_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings")),
        sa.UniqueConstraint("key", name=op.f("uq_meetings_key")),
    )
    op.create_index("ix_meetings_round", "meetings", ["round_id", "day"], unique=False)
    op.create_table(
        "meeting_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("seen_revision", INTEGER, nullable=False),
        sa.Column("transition", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("exception", sa.Text(), nullable=False),
        sa.Column("place", INTEGER, nullable=True),
        sa.Column("stayed_out", JSON, nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("previewed_by", sa.Uuid(), nullable=True),
        sa.Column("previewed_at", INSTANT, nullable=True),
        sa.Column("previewed", sa.String(length=64), nullable=True),
        sa.Column("attempt", INTEGER, nullable=True),
        sa.Column("event_seq", INTEGER, nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (event_seq IS NULL AND refusal IS NULL) AND (answered_at IS NULL) = (attempt IS NULL)",
            name=op.f("ck_meeting_items_answered"),
        ),
        sa.CheckConstraint(
            "(previewed IS NULL) = (previewed_by IS NULL) AND (previewed IS NULL) = (previewed_at IS NULL)",
            name=op.f("ck_meeting_items_previewed"),
        ),
        sa.CheckConstraint("event_seq IS NULL OR refusal IS NULL", name=op.f("ck_meeting_items_one_result")),
        sa.CheckConstraint("place > 0", name=op.f("ck_meeting_items_place")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_meeting_items_application_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meetings.id"], name=op.f("fk_meeting_items_meeting_id")),
        sa.ForeignKeyConstraint(["previewed_by"], ["users.id"], name=op.f("fk_meeting_items_previewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_items")),
        sa.UniqueConstraint("meeting_id", "application_id", name=op.f("uq_meeting_items_meeting_id_application_id")),
    )
    op.create_index(
        "uq_meeting_items_waiting",
        "meeting_items",
        ["application_id"],
        unique=True,
        postgresql_where=sa.text("event_seq IS NULL"),
        sqlite_where=sa.text("event_seq IS NULL"),
    )
    op.create_table(
        "meeting_acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", INTEGER, nullable=False),
        sa.Column("count", INTEGER, nullable=True),
        sa.CheckConstraint(
            "what IN ('begun', 'proposed', 'taken_back', 'released', 'undone', 'carried_out')",
            name=op.f("ck_meeting_acts_what"),
        ),
        sa.ForeignKeyConstraint(["meeting_id"], ["meetings.id"], name=op.f("fk_meeting_acts_meeting_id")),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_meeting_acts_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_acts")),
    )
    op.create_index("ix_meeting_acts_meeting", "meeting_acts", ["meeting_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("meeting_acts")
    op.drop_table("meeting_items")
    op.drop_table("meetings")
