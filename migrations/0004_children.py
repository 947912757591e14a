"""Children with forms, timers and a beginning of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("timers") as timers:
        timers.add_column(sa.Column("subject", sa.Text(), nullable=False, server_default=""))
        timers.drop_constraint(op.f("uq_timers_application_id_name_generation"), type_="unique")
        timers.create_unique_constraint(
            op.f("uq_timers_application_id_name_subject_generation"),
            ["application_id", "name", "subject", "generation"],
        )
    with op.batch_alter_table("timers") as timers:
        timers.alter_column("subject", server_default=None)


def downgrade() -> None:
    # Timers of children have no place in the older schema, nor anybody who would sweep them.
    op.execute("DELETE FROM timers WHERE subject <> ''")
    with op.batch_alter_table("timers") as timers:
        timers.drop_constraint(op.f("uq_timers_application_id_name_subject_generation"), type_="unique")
        timers.create_unique_constraint(
            op.f("uq_timers_application_id_name_generation"), ["application_id", "name", "generation"]
        )
        timers.drop_column("subject")
