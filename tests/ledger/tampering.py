"""The ledger without its triggers: what somebody could do who owns the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from fundflow.db import db
from tests.conftest import ON_POSTGRES

TABLES = ("ledger_entries", "ledger_balances")


@contextmanager
def unguarded() -> Iterator[None]:
    """No trigger of the ledger works inside the block; its balances have forgotten which entry moved them last."""
    kept: list[str] = []
    with db.engine.begin() as connection:
        if ON_POSTGRES:
            for table in TABLES:
                connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            found = connection.execute(
                sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'")
            ).all()
            kept = [row.sql for row in found]
            for row in found:
                connection.execute(sa.text(f"DROP TRIGGER {row.name}"))
        connection.execute(sa.text("UPDATE ledger_balances SET entry_id = NULL"))
    try:
        yield
    finally:
        db.session.rollback()
        with db.engine.begin() as connection:
            for table in TABLES if ON_POSTGRES else ():
                connection.execute(sa.text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
            for statement in kept:
                connection.exec_driver_sql(statement)
