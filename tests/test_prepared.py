"""Prepared statements: the same values, columns, errors and listeners as without the short way to the driver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Thread
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


def test_a_first_statement_that_fails_leaves_a_transaction_to_be_undone(app: Flask) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite is told through the toolkit.")
    wrong = Prepared(sa.select(sa.cast(1 / sa.bindparam("by", type_=sa.Integer), sa.Integer)))
    for _ in range(2):
        db.session.rollback()
        with pytest.raises(sa.exc.DataError, match="division by zero") as caught:
            read(wrong, by=0)
        assert not caught.value.connection_invalidated
    with pytest.raises(sa.exc.DBAPIError, match="aborted"):
        read(wrong, by=1)
    db.session.rollback()
    assert read(wrong, by=1) == [(1,)]


def test_what_is_prepared_outlives_a_transaction_that_is_undone(app: Flask) -> None:
    often = sa.text("SELECT count(*) FROM jobs")
    for _ in range(3):
        assert read(LATER, kind="test", since=NOON) == []
        for _ in range(7):
            assert db.session.execute(often).scalar_one() == 0
        db.session.rollback()


def test_a_connection_lost_between_transactions_leaves_the_pool(app: Flask) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite has no server to lose.")
    assert read(LATER, kind="test", since=NOON) == []
    pid = db.session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    db.session.rollback()
    with db.engine.connect() as first, db.engine.connect() as other:
        pids = {each: each.execute(sa.text("SELECT pg_backend_pid()")).scalar_one() for each in (first, other)}
        lost, sound = (first, other) if pids[first] == pid else (other, first)
        assert pids[lost] == pid
        lost.rollback()
        sound.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(sa.exc.OperationalError) as caught:
            LATER.all(lost, {"kind": "test", "since": NOON})
        assert caught.value.connection_invalidated and lost.invalidated
    assert read(LATER, kind="test", since=NOON) == []


def test_a_transaction_of_another_kind_is_begun_as_that(app: Flask) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite knows one kind.")
    asked = Prepared(
        sa.select(sa.func.current_setting("transaction_isolation"), sa.func.current_setting("transaction_read_only"))
    )
    with db.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        assert asked.first(connection, {}) == ("repeatable read", "on")
    assert asked.first(db.session.connection(), {}) == ("read committed", "off")


def test_others_go_on_while_one_waits_for_the_server(app: Flask) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite is told through the toolkit.")
    lock = Prepared(
        sa.select(sa.cast(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)), sa.Text))
    )
    reached: list[str] = []

    def wait() -> None:
        with app.app_context():
            reached.append("asks")
            read(lock, lock=7)
            reached.append("has it")
            db.session.rollback()

    read(lock, lock=7)
    waiting = Thread(target=wait)
    waiting.start()
    blocked = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(1000):
        if db.session.execute(blocked).scalar_one():
            break
    assert reached == ["asks"]
    db.session.rollback()
    waiting.join(30)
    assert reached == ["asks", "has it"]


def test_columns_are_converted_by_type_not_by_name(app: Flask) -> None:
    named = Prepared(sa.select(sa.type_coerce(sa.bindparam("at", type_=UtcDateTime), UtcDateTime).label("id")))
    assert read(named, at=NOON) == [(NOON,)]
