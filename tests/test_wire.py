"""What is told on the way: done before whatever comes next, undone with everything else, and never lost in silence."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.db import db, foreseen, read, read_together, reading_ahead, transaction
from fundflow.jobs.models import Job
from fundflow.lifecycle import writes
from fundflow.lifecycle.record import Link
from fundflow.lifecycle.refusals import Stale
from fundflow.prepared import Prepared
from tests import factories as make
from tests.conftest import ON_POSTGRES

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite is told through the toolkit.")

_added = (
    sa.insert(Job)
    .values(
        id=sa.bindparam("id", type_=sa.Uuid),
        created_at=sa.func.now(),
        key=sa.bindparam("key", type_=sa.Text),
        kind=sa.bindparam("kind", type_=sa.Text),
        payload=sa.text("'{}'::jsonb"),
        run_at=sa.func.now(),
        attempts=sa.bindparam("attempts", type_=sa.Integer),
    )
    .returning(Job.id)
    .cte("added")
)
JOBS = sa.table("jobs", sa.column("kind"))
ADD = Prepared(sa.select(sa.func.count()).select_from(_added))
KINDS = Prepared(sa.select(Job.kind).order_by(Job.kind))
DIVIDED = Prepared(sa.select(sa.cast(10 / sa.bindparam("by", type_=sa.Integer), sa.Integer)))


def tell(kind: str, *, at_once: bool = False) -> None:
    values = {"id": uuid4(), "key": str(uuid4()), "kind": kind, "attempts": 0}
    ADD.later(db.session.connection(), values, at_once=at_once)


def kinds() -> list[str]:
    return [kind for (kind,) in read(KINDS)]


@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_told_is_committed_with_all_else(app: Flask, at_once: bool) -> None:
    with transaction():
        tell("a", at_once=at_once)
        tell("b", at_once=at_once)
    with db.engine.connect() as other:
        assert list(other.scalars(sa.select(Job.kind).order_by(Job.kind))) == ["a", "b"]


@pytest.mark.parametrize("at_once", [False, True])
def test_whatever_is_asked_next_comes_after_it(app: Flask, at_once: bool) -> None:
    count = sa.text("SELECT count(*) FROM jobs")
    with transaction():
        tell("a", at_once=at_once)
        assert kinds() == ["a"]
        tell("b", at_once=at_once)
        assert db.session.execute(count).scalar_one() == 2
        tell("c", at_once=at_once)
        db.session.execute(
            sa.update(JOBS).where(JOBS.c.kind == sa.bindparam("was")).values(kind=sa.bindparam("now")),
            [{"was": "a", "now": "x"}, {"was": "c", "now": "z"}],
        )
        wire: Any = db.session.connection().connection.dbapi_connection
        tell("d", at_once=at_once)
        with wire.cursor().copy("COPY (SELECT kind FROM jobs ORDER BY kind) TO STDOUT") as rows:
            assert b"".join(rows) == b"b\nd\nx\nz\n"
        tell("e", at_once=at_once)
        streamed = (
            db.session.connection().execution_options(yield_per=1).scalars(sa.select(Job.kind).order_by(Job.kind))
        )
        assert next(streamed) == "b"
        tell("f", at_once=at_once)
        assert list(streamed) == ["d", "e", "x", "z"]
        with pytest.raises(psycopg.NotSupportedError):
            wire.cursor().stream("SELECT kind FROM jobs")
        assert "f" in kinds()


@pytest.mark.parametrize("at_once", [False, True])
def test_undoing_undoes_what_was_told(app: Flask, at_once: bool) -> None:
    tell("a", at_once=at_once)
    db.session.rollback()
    assert kinds() == []
    tell("b", at_once=at_once)
    db.session.close()
    assert kinds() == []


def test_its_error_is_raised_by_whatever_comes_next_and_nothing_of_it_is_done(app: Flask) -> None:
    for ask in (kinds, db.session.commit, lambda: db.session.execute(sa.text("SELECT 1"))):
        tell("before")
        DIVIDED.later(db.session.connection(), {"by": 0})
        tell("after")
        with pytest.raises(sa.exc.DataError, match="division by zero"):
            ask()
        db.session.rollback()
        assert kinds() == []
        db.session.rollback()


def test_a_transaction_in_which_something_failed_is_not_called_committed(app: Flask) -> None:
    tell("a")
    with pytest.raises(sa.exc.DataError):
        read(DIVIDED, by=0)
    with pytest.raises(sa.exc.DBAPIError, match="nothing to commit"):
        db.session.commit()
    db.session.rollback()
    assert kinds() == []


def test_a_connection_lost_meanwhile_is_told_at_the_commit_and_leaves_the_pool(app: Flask) -> None:
    lost = db.session.connection()
    pid = lost.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    tell("a")
    with db.engine.connect() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with pytest.raises(sa.exc.OperationalError):
        db.session.commit()
    db.session.rollback()
    assert kinds() == []


def test_much_more_than_the_server_takes_in_at_once_is_told_whole(app: Flask) -> None:
    long = "x" * 200_000
    with transaction():
        for number in range(40):
            tell(f"{number:02}{long}", at_once=True)
    assert [kind[:2] for kind in kinds()] == [f"{number:02}" for number in range(40)]


def test_text_that_the_server_would_cut_off_is_refused(app: Flask) -> None:
    with pytest.raises(sa.exc.DataError, match="NUL"):
        tell("cut\x00off")
    db.session.rollback()
    assert kinds() == []


def test_a_connection_of_another_encoding_keeps_every_letter(app: Flask) -> None:
    url = app.extensions["settings"].database.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, connect_args={"client_encoding": "latin1"})
    try:
        with engine.begin() as connection:
            values = {"id": uuid4(), "key": "k", "kind": "Größe", "attempts": 0}
            assert ADD.first(connection, values) == (1,)
            assert KINDS.all(connection, {}) == [("Größe",)]
    finally:
        engine.dispose()
    assert kinds() == ["Größe"]


def test_several_are_asked_together_in_their_order(app: Flask) -> None:
    with transaction(), reading_ahead():
        tell("a")
        read_together([(KINDS, {}), (DIVIDED, {"by": 5}), (DIVIDED, {"by": 2})])
        tell("b")
        assert read(DIVIDED, by=2) == [(5,)]
        assert read(DIVIDED, by=5) == [(2,)]
        assert kinds() == ["a"], "asked before the second was told"
        assert kinds() == ["a", "b"], "only the first to ask is answered from then"
        foreseen(KINDS, [("z",)])
        assert kinds() == ["z"]


def test_an_error_among_several_is_the_database_s_own(app: Flask) -> None:
    with reading_ahead():
        with pytest.raises(sa.exc.DataError, match="division by zero"):
            read_together([(KINDS, {}), (DIVIDED, {"by": 0}), (KINDS, {})])
        db.session.rollback()
        assert kinds() == []


def test_a_change_of_an_application_that_is_no_longer_as_it_was_fails_with_its_commit(app: Flask) -> None:
    """Nobody can do it while the application is locked; should it happen all the same, nothing is half written."""
    application = make.an_application()
    link = Link.of(
        application_id=application.id,
        seq=application.revision + 2,
        at=application.last_event_at,
        actor_id=None,
        transition="send",
        from_state=application.state,
        to_state="elsewhere",
        outcome=None,
        definition_sha=application.definition_sha,
        body={"key": "k"},
    )
    values = {
        "state": "elsewhere",
        "outcome": None,
        "state_since": application.state_since,
        "revision": link.seq,
        "head": link.hash(application.head),
        "last_event_at": application.last_event_at,
        "submitted_at": None,
    }
    before = application.state, application.revision
    with pytest.raises((sa.exc.DataError, Stale)), transaction():
        writes.record(application, values, link, application.head, [])
    db.session.expire_all()
    assert (application.state, application.revision) == before


def test_the_driver_is_used_as_ever_beside_it(app: Flask) -> None:
    wire: Any = db.session.connection().connection.dbapi_connection
    assert isinstance(wire, psycopg.Connection)
    tell("a")
    assert wire.execute("SELECT kind FROM jobs").fetchone() == ("a",)
    db.session.rollback()
