"""Donors, their lines, and the ledger in accounts whose balances are kept."""

from alembic import op

revision = "0003"
down_revision = "0002"

ACCOUNTS = "ck_ledger_entries_accounts"


def upgrade() -> None:
    with op.batch_alter_table("ledger_entries") as table:
        table.drop_constraint(op.f(ACCOUNTS), type_="check")
        table.create_check_constraint(
            op.f(ACCOUNTS),
            "(kind = 'appropriation' AND credit = 'budget' AND debit = 'available') OR (kind = 'reservation' AND credit = 'available' AND debit = 'reserved') OR (kind = 'commitment' AND credit IN ('available', 'reserved') AND debit = 'committed') OR (kind = 'order' AND credit = 'committed' AND debit = 'ordered') OR (kind = 'payment' AND credit IN ('ordered', 'committed') AND debit = 'paid') OR (kind = 'failure' AND credit = 'ordered' AND debit = 'committed') OR (kind = 'return' AND credit = 'paid' AND debit = 'committed') OR (kind = 'refund' AND credit = 'paid' AND debit = 'available') OR (kind = 'exchange_loss' AND credit = 'available' AND debit = 'exchange') OR (kind = 'exchange_gain' AND credit = 'exchange' AND debit = 'available') OR (kind = 'release' AND credit IN ('reserved', 'committed') AND debit = 'available')",
        )


def downgrade() -> None:
    pass
