"""Bank accounts, their changes, and checks on file."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "bank_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("tail", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("call", sa.Text(), nullable=True),
        sa.Column("called_at", INSTANT, nullable=True),
        sa.Column("called_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("usable_from", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('entered', 'called', 'verified', 'frozen', 'refused', 'withdrawn', 'replaced')",
            name=op.f("ck_bank_accounts_status"),
        ),
        sa.CheckConstraint("(called_by IS NULL) = (called_at IS NULL)", name=op.f("ck_bank_accounts_called")),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_bank_accounts_confirmed")),
        sa.CheckConstraint("called_by <> entered_by", name=op.f("ck_bank_accounts_second_person")),
        sa.CheckConstraint(
            "confirmed_by <> entered_by AND confirmed_by <> called_by", name=op.f("ck_bank_accounts_third_person")
        ),
        sa.CheckConstraint("status <> 'called' OR called_by IS NOT NULL", name=op.f("ck_bank_accounts_called_by")),
        sa.CheckConstraint(
            "status <> 'verified' OR (called_by IS NOT NULL AND usable_from IS NOT NULL"
            " AND (replaces_id IS NULL OR confirmed_by IS NOT NULL))",
            name=op.f("ck_bank_accounts_verified"),
        ),
        sa.CheckConstraint(
            "status IN ('entered', 'called', 'verified') OR (ended_at IS NOT NULL AND ended_by IS NOT NULL)",
            name=op.f("ck_bank_accounts_ended"),
        ),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_bank_accounts_application_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["bank_accounts.id"], name=op.f("fk_bank_accounts_replaces_id")),
        sa.ForeignKeyConstraint(["entered_by"], ["users.id"], name=op.f("fk_bank_accounts_entered_by")),
        sa.ForeignKeyConstraint(["called_by"], ["users.id"], name=op.f("fk_bank_accounts_called_by")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["users.id"], name=op.f("fk_bank_accounts_confirmed_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["users.id"], name=op.f("fk_bank_accounts_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_accounts")),
        sa.UniqueConstraint("application_id", "number", name=op.f("uq_bank_accounts_application_id_number")),
    )
    waiting = sa.text("status IN ('entered', 'called', 'frozen')")
    op.create_index(
        "ix_bank_accounts_waiting",
        "bank_accounts",
        ["application_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "bank_looks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("looked_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["bank_accounts.id"], name=op.f("fk_bank_looks_account_id")),
        sa.ForeignKeyConstraint(["looked_by"], ["users.id"], name=op.f("fk_bank_looks_looked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_looks")),
    )
    op.create_index("ix_bank_looks_account", "bank_looks", ["account_id"], unique=False)
    op.create_table(
        "screenings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("list_name", sa.String(length=200), nullable=False),
        sa.Column("list_day", sa.Date(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("screened_by", sa.Uuid(), nullable=False),
        sa.Column("used_seq", INTEGER, nullable=True),
        sa.CheckConstraint("subject IN ('city', 'signatory', 'bank')", name=op.f("ck_screenings_subject")),
        sa.CheckConstraint("result IN ('clear', 'false_hit', 'true_hit')", name=op.f("ck_screenings_result")),
        sa.CheckConstraint("result = 'clear' OR note <> ''", name=op.f("ck_screenings_note")),
        sa.CheckConstraint("(subject = 'bank') = (account_id IS NOT NULL)", name=op.f("ck_screenings_account")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_screenings_application_id")),
        sa.ForeignKeyConstraint(["account_id"], ["bank_accounts.id"], name=op.f("fk_screenings_account_id")),
        sa.ForeignKeyConstraint(["screened_by"], ["users.id"], name=op.f("fk_screenings_screened_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screenings")),
    )
    op.create_index("ix_screenings_application", "screenings", ["application_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_screenings_application", table_name="screenings")
    op.drop_table("screenings")
    op.drop_index("ix_bank_looks_account", table_name="bank_looks")
    op.drop_table("bank_looks")
    op.drop_index("ix_bank_accounts_waiting", table_name="bank_accounts")
    op.drop_table("bank_accounts")
