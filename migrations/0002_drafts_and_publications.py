"""Drafts of workflows, their revisions and editors, and what two people made of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("main", sa.Text(), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("base_sha", sa.String(length=64), nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.CheckConstraint("status IN ('open', 'discarded', 'published')", name=op.f("ck_drafts_status")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_drafts_revision")),
        sa.ForeignKeyConstraint(["base_sha"], ["definitions.sha256"], name=op.f("fk_drafts_base_sha")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_drafts_created_by")),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name=op.f("fk_drafts_saved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        sa.UniqueConstraint("key", name=op.f("uq_drafts_key")),
    )
    op.create_index("ix_drafts_workflow", "drafts", ["workflow", "status"], unique=False)
    op.create_table(
        "draft_editors",
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name=op.f("fk_draft_editors_draft_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_draft_editors_user_id")),
        sa.PrimaryKeyConstraint("draft_id", "user_id", name=op.f("pk_draft_editors")),
    )
    op.create_table(
        "draft_revisions",
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("is_fixed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name=op.f("fk_draft_revisions_draft_id")),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name=op.f("fk_draft_revisions_saved_by")),
        sa.PrimaryKeyConstraint("draft_id", "number", name=op.f("pk_draft_revisions")),
    )
    op.create_table(
        "publications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("main", sa.Text(), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("templates", JSON, nullable=False),
        sa.Column("base_sha", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account", JSON, nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("returned_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("void_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (published_by IS NULL AND returned_by IS NULL)",
            name=op.f("ck_publications_answered"),
        ),
        sa.CheckConstraint("published_by <> proposed_by", name=op.f("ck_publications_two_people")),
        sa.CheckConstraint("published_by IS NULL OR returned_by IS NULL", name=op.f("ck_publications_one_answer")),
        sa.CheckConstraint("void_at IS NULL OR answered_at IS NULL", name=op.f("ck_publications_void")),
        sa.ForeignKeyConstraint(["base_sha"], ["definitions.sha256"], name=op.f("fk_publications_base_sha")),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name=op.f("fk_publications_draft_id")),
        sa.ForeignKeyConstraint(["proposed_by"], ["users.id"], name=op.f("fk_publications_proposed_by")),
        sa.ForeignKeyConstraint(["published_by"], ["users.id"], name=op.f("fk_publications_published_by")),
        sa.ForeignKeyConstraint(["returned_by"], ["users.id"], name=op.f("fk_publications_returned_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.UniqueConstraint("key", name=op.f("uq_publications_key")),
    )
    op.create_index("ix_publications_draft", "publications", ["draft_id"], unique=False)
    op.create_index("ix_publications_sha256", "publications", ["sha256"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_publications_sha256", table_name="publications")
    op.drop_index("ix_publications_draft", table_name="publications")
    op.drop_table("publications")
    op.drop_table("draft_revisions")
    op.drop_table("draft_editors")
    op.drop_index("ix_drafts_workflow", table_name="drafts")
    op.drop_table("drafts")
