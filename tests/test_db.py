"""The database base: exact types, no lost update, no lost file unnoticed."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import ExactDecimal, UtcDateTime, canonical_json, db, transaction
from tests.conftest import ON_POSTGRES


def test_a_naive_timestamp_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect)  # noqa: DTZ001


def test_a_float_is_refused_where_exactness_is_promised() -> None:
    with pytest.raises(ValueError, match="float"):
        ExactDecimal().process_bind_param(0.1, sa.create_engine("sqlite://").dialect)  # type: ignore[arg-type]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_canonical_json_is_one_text_for_one_value(value: object) -> None:
    import json

    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


def test_canonical_json_refuses_floats_that_are_no_numbers_and_keeps_decimals_as_digits() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
    assert canonical_json(
        {"b": Decimal("1.50"), "a": datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))}
    ) == ('{"a":"2026-01-01T11:00:00.000000+00:00","b":"1.50"}')


def test_a_failed_transaction_leaves_nothing(app: Flask) -> None:
    from fundflow.rounds.models import Window

    with pytest.raises(RuntimeError), transaction():
        db.session.add(Window(name="half"))
        db.session.flush()
        raise RuntimeError
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Window)) == 0


def _count_up(settings: Settings, times: int) -> None:
    app = create_app(settings)
    with app.app_context():
        for _ in range(times):
            with transaction():
                lock = " FOR UPDATE" if db.engine.dialect.name == "postgresql" else ""
                n = int(db.session.scalar(sa.text(f"SELECT description FROM tallies{lock}")) or 0)
                db.session.execute(sa.text("UPDATE tallies SET description = :n"), {"n": str(n + 1)})
            db.session.remove() if hasattr(db.session, "remove") else db.session.close()


def test_no_update_is_lost_between_processes(app: Flask, settings: Settings) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tallies (description text)"))
        connection.execute(sa.text("INSERT INTO tallies VALUES ('0')"))
    try:
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=_count_up, args=(settings, 50)) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert db.session.scalar(sa.text("SELECT description FROM tallies")) == "150"
    finally:
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE tallies"))


@pytest.mark.skipif(ON_POSTGRES, reason="only the embedded database is a file")
def test_a_lost_database_file_is_noticed_and_never_silently_started_anew(app: Flask, settings: Settings) -> None:
    db.session.execute(sa.text("SELECT count(*) FROM users"))
    db.session.rollback()
    for each in settings.instance.glob("fundflow.db*"):
        each.unlink()
    with pytest.raises(sa.exc.OperationalError, match="unable to open database file"):
        db.session.execute(sa.text("SELECT count(*) FROM users"))
    db.session.rollback()
    assert not (settings.instance / "fundflow.db").exists()


def test_the_clock_stands_where_a_test_puts_it() -> None:
    from fundflow import clock

    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    with clock.standing_at(moment):
        assert clock.now() == moment
    with clock.shifted(timedelta(days=-2)):
        assert clock.now() < datetime.now(UTC) - timedelta(days=1)
