"""Sealed documents, signatures as they were given, and what verifies them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("documents") as documents:
        documents.alter_column("sealed_seq", new_column_name="told_seq")
        documents.add_column(sa.Column("printed_sha256", sa.String(length=64), nullable=True))
        documents.add_column(sa.Column("sealed_at", INSTANT, nullable=True))
        documents.add_column(sa.Column("seal_sha256", sa.String(length=64), nullable=True))
        documents.create_check_constraint(op.f("ck_documents_sealed"), "(sealed_at IS NULL) = (seal_sha256 IS NULL)")
    op.create_index("ix_documents_sha256", "documents", ["sha256"])
    op.create_index("ix_documents_facts_sha256", "documents", ["facts_sha256"])
    with op.batch_alter_table("signatures") as signatures:
        signatures.add_column(sa.Column("made", sa.Text(), server_default="typed", nullable=False))
        signatures.add_column(sa.Column("image_sha256", sa.String(length=64), nullable=True))
        signatures.create_check_constraint(op.f("ck_signatures_made"), "made IN ('typed', 'drawn', 'uploaded')")
        signatures.create_check_constraint(op.f("ck_signatures_image"), "made <> 'typed' OR image_sha256 IS NULL")


def downgrade() -> None:
    with op.batch_alter_table("signatures") as signatures:
        signatures.drop_constraint(op.f("ck_signatures_image"), type_="check")
        signatures.drop_constraint(op.f("ck_signatures_made"), type_="check")
        signatures.drop_column("image_sha256")
        signatures.drop_column("made")
    op.drop_index("ix_documents_facts_sha256", "documents")
    op.drop_index("ix_documents_sha256", "documents")
    with op.batch_alter_table("documents") as documents:
        documents.drop_constraint(op.f("ck_documents_sealed"), type_="check")
        documents.drop_column("seal_sha256")
        documents.drop_column("sealed_at")
        documents.drop_column("printed_sha256")
        documents.alter_column("told_seq", new_column_name="sealed_seq")
