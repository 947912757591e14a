"""Sealed documents, signatures as they were given, and what verifies them."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
