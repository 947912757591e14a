"""The fund's own accounts, payment batches, orders, and what the bank says of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "bank_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("message", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.String(length=140), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["received_by"], ["users.id"], name=op.f("fk_bank_files_received_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_files")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_files_sha256")),
    )
    op.create_table(
        "paying_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("window_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("tail", sa.String(length=8), nullable=False),
        sa.Column("charges", sa.String(length=4), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.CheckConstraint("charges IN ('SHAR', 'DEBT', 'CRED')", name=op.f("ck_paying_accounts_charges")),
        sa.CheckConstraint("(closed_by IS NULL) = (closed_at IS NULL)", name=op.f("ck_paying_accounts_closed")),
        sa.CheckConstraint(
            "(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_paying_accounts_confirmed")
        ),
        sa.CheckConstraint("confirmed_by <> entered_by", name=op.f("ck_paying_accounts_two_people")),
        sa.ForeignKeyConstraint(["closed_by"], ["users.id"], name=op.f("fk_paying_accounts_closed_by")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["users.id"], name=op.f("fk_paying_accounts_confirmed_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["users.id"], name=op.f("fk_paying_accounts_entered_by")),
        sa.ForeignKeyConstraint(["window_id"], ["windows.id"], name=op.f("fk_paying_accounts_window_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paying_accounts")),
    )
    op.create_table(
        "payment_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=35), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("execute_on", sa.Date(), nullable=False),
        sa.Column("prepared_by", sa.Uuid(), nullable=False),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("discarded_by", sa.Uuid(), nullable=True),
        sa.Column("discarded_at", INSTANT, nullable=True),
        sa.Column("written_at", INSTANT, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("count", INTEGER, nullable=True),
        sa.Column("minor", INTEGER, nullable=True),
        sa.Column("sent_by", sa.Uuid(), nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(discarded_by IS NULL) = (discarded_at IS NULL)", name=op.f("ck_payment_batches_discarded")
        ),
        sa.CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name=op.f("ck_payment_batches_released")),
        sa.CheckConstraint("(sent_by IS NULL) = (sent_at IS NULL)", name=op.f("ck_payment_batches_sent")),
        sa.CheckConstraint("released_by <> prepared_by", name=op.f("ck_payment_batches_two_people")),
        sa.CheckConstraint("released_by IS NULL OR discarded_by IS NULL", name=op.f("ck_payment_batches_one_answer")),
        sa.CheckConstraint("sent_at IS NULL OR sha256 IS NOT NULL", name=op.f("ck_payment_batches_sent_file")),
        sa.CheckConstraint(
            "sha256 IS NULL OR (written_at IS NOT NULL AND count > 0 AND minor > 0)",
            name=op.f("ck_payment_batches_file"),
        ),
        sa.CheckConstraint("written_at IS NULL OR released_at IS NOT NULL", name=op.f("ck_payment_batches_written")),
        sa.ForeignKeyConstraint(["account_id"], ["paying_accounts.id"], name=op.f("fk_payment_batches_account_id")),
        sa.ForeignKeyConstraint(["discarded_by"], ["users.id"], name=op.f("fk_payment_batches_discarded_by")),
        sa.ForeignKeyConstraint(["prepared_by"], ["users.id"], name=op.f("fk_payment_batches_prepared_by")),
        sa.ForeignKeyConstraint(["released_by"], ["users.id"], name=op.f("fk_payment_batches_released_by")),
        sa.ForeignKeyConstraint(["sent_by"], ["users.id"], name=op.f("fk_payment_batches_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_batches")),
        sa.UniqueConstraint("key", name=op.f("uq_payment_batches_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_payment_batches_message_id")),
    )
    op.create_table(
        "payment_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("child_key", sa.Text(), nullable=False),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=True),
        sa.Column("end_to_end_id", sa.String(length=35), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("booked_minor", INTEGER, nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("status <> 'booked' OR booked_minor = minor", name=op.f("ck_payment_orders_booked")),
        sa.CheckConstraint(
            "status <> 'part_booked' OR (booked_minor > 0 AND booked_minor < minor)",
            name=op.f("ck_payment_orders_part_booked"),
        ),
        sa.CheckConstraint(
            "status IN ('cleared', 'sent', 'accepted', 'part_booked', 'booked', 'failed', 'returned')",
            name=op.f("ck_payment_orders_status"),
        ),
        sa.CheckConstraint("booked_minor BETWEEN 0 AND minor", name=op.f("ck_payment_orders_booked_minor")),
        sa.CheckConstraint("minor > 0", name=op.f("ck_payment_orders_minor")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_payment_orders_application_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["payment_batches.id"], name=op.f("fk_payment_orders_batch_id")),
        sa.ForeignKeyConstraint(["ordered_by"], ["users.id"], name=op.f("fk_payment_orders_ordered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_orders")),
        sa.UniqueConstraint("application_id", "event_seq", name=op.f("uq_payment_orders_application_id_event_seq")),
        sa.UniqueConstraint("end_to_end_id", name=op.f("uq_payment_orders_end_to_end_id")),
    )
    op.create_index("ix_payment_orders_batch", "payment_orders", ["batch_id"], unique=False)
    op.create_index(
        "ix_payment_orders_under_way",
        "payment_orders",
        ["application_id", "kind", "child_key"],
        unique=True,
        sqlite_where=sa.text("status IN ('cleared', 'sent', 'accepted', 'part_booked')"),
        postgresql_where=sa.text("status IN ('cleared', 'sent', 'accepted', 'part_booked')"),
    )
    op.create_table(
        "bank_lines",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", INTEGER, autoincrement=False, nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("end_to_end_id", sa.String(length=140), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("minor", INTEGER, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("ordered_minor", INTEGER, nullable=True),
        sa.Column("ordered_currency", sa.String(length=3), nullable=True),
        sa.Column("fee_minor", INTEGER, nullable=True),
        sa.Column("fee_currency", sa.String(length=3), nullable=True),
        sa.Column("rate", sa.String(length=64), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("event_seq", INTEGER, nullable=True),
        sa.Column("applied_by", sa.Uuid(), nullable=True),
        sa.Column("applied_at", INSTANT, nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("result IN ('done', 'nothing', 'look')", name=op.f("ck_bank_lines_result")),
        sa.CheckConstraint(
            "what IN ('accepted', 'pending', 'rejected', 'booked', 'returned', 'other')",
            name=op.f("ck_bank_lines_what"),
        ),
        sa.CheckConstraint("(result IS NULL) = (applied_at IS NULL)", name=op.f("ck_bank_lines_applied")),
        sa.CheckConstraint("(settled_at IS NULL) = (note IS NULL)", name=op.f("ck_bank_lines_settled")),
        sa.ForeignKeyConstraint(["applied_by"], ["users.id"], name=op.f("fk_bank_lines_applied_by")),
        sa.ForeignKeyConstraint(["file_id"], ["bank_files.id"], name=op.f("fk_bank_lines_file_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_orders.id"], name=op.f("fk_bank_lines_order_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["users.id"], name=op.f("fk_bank_lines_settled_by")),
        sa.PrimaryKeyConstraint("file_id", "position", name=op.f("pk_bank_lines")),
    )
    op.create_index(
        "ix_bank_lines_done",
        "bank_lines",
        ["identity"],
        unique=True,
        sqlite_where=sa.text("result = 'done'"),
        postgresql_where=sa.text("result = 'done'"),
    )
    op.create_index("ix_bank_lines_order", "bank_lines", ["order_id"], unique=False)
    op.create_index("ix_bank_lines_result", "bank_lines", ["result", "settled_at"], unique=False)
    op.create_table(
        "batch_lines",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", INTEGER, autoincrement=False, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("child_key", sa.Text(), nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("NOT is_open OR (order_id IS NULL AND refusal IS NULL)", name=op.f("ck_batch_lines_open")),
        sa.CheckConstraint("minor > 0", name=op.f("ck_batch_lines_minor")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_batch_lines_application_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["payment_batches.id"], name=op.f("fk_batch_lines_batch_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_orders.id"], name=op.f("fk_batch_lines_order_id")),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_batch_lines")),
    )
    op.create_index(
        "ix_batch_lines_open",
        "batch_lines",
        ["application_id", "kind", "child_key"],
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("order_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("rate", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("fee_minor", INTEGER, nullable=True))
        batch_op.add_column(sa.Column("fee_currency", sa.String(length=3), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_payments_order_id"), "payment_orders", ["order_id"], ["id"])
        batch_op.create_check_constraint(batch_op.f("ck_payments_fee"), "(fee_minor IS NULL) = (fee_currency IS NULL)")


def downgrade() -> None:
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_payments_fee"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_payments_order_id"), type_="foreignkey")
        batch_op.drop_column("fee_currency")
        batch_op.drop_column("fee_minor")
        batch_op.drop_column("rate")
        batch_op.drop_column("order_id")

    op.drop_index("ix_batch_lines_open", table_name="batch_lines")
    op.drop_table("batch_lines")
    op.drop_index("ix_bank_lines_result", table_name="bank_lines")
    op.drop_index("ix_bank_lines_order", table_name="bank_lines")
    op.drop_index("ix_bank_lines_done", table_name="bank_lines")
    op.drop_table("bank_lines")
    op.drop_index("ix_payment_orders_under_way", table_name="payment_orders")
    op.drop_index("ix_payment_orders_batch", table_name="payment_orders")
    op.drop_table("payment_orders")
    op.drop_table("payment_batches")
    op.drop_table("paying_accounts")
    op.drop_table("bank_files")
