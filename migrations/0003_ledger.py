"""Donors, their lines, and the ledger in accounts whose balances are kept."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
