"""Prepared statements: the same values, columns, errors and listeners as without the short way to the driver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.db import UtcDateTime, db, read, transaction
from fundflow.jobs.models import Job
from fundflow.prepared import Prepared
from tests.conftest import ON_POSTGRES

LATER = Prepared(
    sa.select(Job.id, Job.run_at, Job.payload, Job.attempts)
    .where(Job.kind == sa.bindparam("kind"), Job.run_at >= sa.bindparam("since"))
    .order_by(Job.run_at)
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAYLOAD: dict[str, Any] = {"amount": {"minor": 12}, "names": ["é", None]}


def a_job(run_at: datetime = NOON) -> Job:
    with transaction():
        job = Job(id=uuid4(), key=str(uuid4()), kind="test", payload=PAYLOAD, run_at=run_at, attempts=0)
        db.session.add(job)
    return job


def test_values_and_columns_go_through_their_types(app: Flask) -> None:
    job = a_job()
    in_paris = NOON.astimezone(timezone(timedelta(hours=1)))
    assert read(LATER, kind="test", since=in_paris) == [(job.id, NOON, PAYLOAD, 0)]
    ((_, run_at, _, _),) = read(LATER, kind="test", since=in_paris)
    assert run_at.tzinfo is UTC
    assert LATER.first(db.session.connection(), {"kind": "other", "since": NOON}) is None
    assert read(LATER, kind="test", since=NOON + timedelta(seconds=1)) == []
    with pytest.raises((ValueError, sa.exc.StatementError), match="without a time zone"):
        read(LATER, kind="test", since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_read_sees_what_the_session_still_has_to_write(app: Flask) -> None:
    job = Job(id=uuid4(), key="k", kind="test", payload=PAYLOAD, run_at=NOON, attempts=0)
    db.session.add(job)
    assert [row[0] for row in read(LATER, kind="test", since=NOON)] == [job.id]
    db.session.rollback()
    assert read(LATER, kind="test", since=NOON) == []


def test_whoever_listens_to_statements_is_told(app: Flask) -> None:
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        told.append(statement)

    job = a_job()
    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert [row[0] for row in read(LATER, kind="test", since=NOON)] == [job.id]
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    assert len([text for text in told if "FROM jobs" in text]) == 1


def test_a_list_of_values_is_refused_and_an_error_is_its_error(app: Flask) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite is told through the toolkit.")
    several = Prepared(sa.select(Job.id).where(Job.kind.in_(sa.bindparam("kinds", expanding=True))))
    with pytest.raises(ValueError, match="no lists"):
        read(several, kinds=["test"])
    wrong = Prepared(sa.select(sa.cast(1 / sa.bindparam("by", type_=sa.Integer), sa.Integer)))
    with pytest.raises(sa.exc.DataError, match="division by zero"):
        read(wrong, by=0)
    db.session.rollback()


def test_a_lost_connection_leaves_the_pool(app: Flask) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite has no server to lose.")
    lost = db.session.connection()
    pid = lost.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with db.engine.connect() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(sa.exc.OperationalError) as caught:
        read(LATER, kind="test", since=NOON)
    assert caught.value.connection_invalidated
    assert lost.invalidated
    db.session.rollback()
    assert read(LATER, kind="test", since=NOON) == []


def test_columns_are_converted_by_type_not_by_name(app: Flask) -> None:
    named = Prepared(sa.select(sa.type_coerce(sa.bindparam("at", type_=UtcDateTime), UtcDateTime).label("id")))
    assert read(named, at=NOON) == [(NOON,)]
