"""The schema's versions: one head, up and down and up again with data, and equal to the models at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from flask import Flask

from fundflow.app import create_app, migrations
from fundflow.config import Settings
from fundflow.db import Model, db, make_database_file
from fundflow.ledger import constraints
from tests.conftest import ON_POSTGRES

BOOKED_BEFORE = """
INSERT INTO users (id, created_at, email, name, language, timezone, active, fs_uniquifier)
VALUES ('{id}1', '{at}', 'ada@city.example', '', 'en', 'UTC', TRUE, 'x');
INSERT INTO windows (id, created_at, name, theme, text, donors) VALUES ('{id}2', '{at}', 'Water', '', '', '');
INSERT INTO definitions (sha256, workflow, version, main, files, templates, created_at)
VALUES ('a', 'small-grant', 1, 'main.yaml', '{{}}', '{{}}', '{at}');
INSERT INTO rounds (id, created_at, window_id, slug, title, theme, summary, text, zone, opens_wall, closes_wall,
opens_at, closes_at, currency, floor_minor, cap_minor, budget_minor, countries, definition_sha, status, published_at,
revision) VALUES ('{id}3', '{at}', '{id}2', 'water', 'Water', '', '', '', 'UTC', '2026-01-01T00:00',
'2027-01-01T00:00', '{at}', '2027-01-01 00:00:00', 'EUR', 0, 100, 100, '[]', 'a', 'published', '{at}', 1);
INSERT INTO cities (id, created_at, name, country, kind, languages, is_demo, created_by)
VALUES ('{id}4', '{at}', 'Lund', 'SE', 'city', '[]', FALSE, '{id}1');
INSERT INTO applications (id, created_at, number, round_id, city_id, definition_sha, state, state_since, revision, head,
last_event_at, title, currency, created_by)
VALUES ('{id}5', '{at}', 'A-1', '{id}3', '{id}4', 'a', 'here', '{at}', 4, '', '{at}', '', 'EUR', '{id}1');
INSERT INTO ledger_entries (id, created_at, round_id, application_id, event_seq, kind, credit, debit, minor, currency)
VALUES ('{id}9', '2026-01-01 01:00:00', '{id}3', NULL, NULL, 'appropriation', 'budget', 'available', 100, 'EUR'),
('{id}8', '2026-01-01 02:00:00', '{id}3', '{id}5', 2, 'reservation', 'available', 'reserved', 60, 'EUR'),
('{id}7', '2026-01-01 03:00:00', '{id}3', '{id}5', 3, 'commitment', 'reserved', 'committed', 60, 'EUR'),
('{id}6', '2026-01-01 04:00:00', '{id}3', '{id}5', 4, 'payment', 'committed', 'paid', 60, 'EUR')"""
"""What a fund had in its tables before the ledger knew lines."""


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An installation whose database has no tables at all."""
    url = ""
    if ON_POSTGRES:
        server = request.getfixturevalue("postgres_url")
        engine = sa.create_engine(
            server.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE migrating"))
        url = str(sa.make_url(server).set(database="migrating").render_as_string(hide_password=False))
    app = create_app(Settings(instance=tmp_path, database_url=url, secret_key="for tests only, never elsewhere"))
    make_database_file(app.extensions["settings"].database)
    with app.app_context():
        yield app
        db.session.close()
    with app.app_context():
        db.engine.dispose()
    if ON_POSTGRES:
        with engine.connect() as connection:
            connection.execute(sa.text("DROP DATABASE migrating WITH (FORCE)"))
        engine.dispose()


def _tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_there_is_one_head_and_every_version_says_what_it_is_for(app: Flask) -> None:
    script = migrations.script_directory
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert revision.doc
        assert revision.revision.isdigit()


def test_the_schema_goes_up_and_down_and_up(empty: Flask) -> None:
    migrations.upgrade()
    assert _tables() == set(Model.metadata.tables)
    migrations.downgrade("base")
    assert _tables() == set()
    migrations.upgrade()
    assert _tables() == set(Model.metadata.tables)


def test_a_database_in_use_takes_the_studio_and_gives_it_back(empty: Flask) -> None:
    migrations.upgrade("0001")
    sha256, kept = "a" * 64, sa.text("SELECT workflow, version FROM definitions")
    with db.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO definitions (sha256, workflow, version, main, files, templates, created_at) "
                "VALUES (:sha256, 'small-grant', 1, 'main.yaml', '{}', '{}', '2026-01-01 00:00:00+00:00')"
            ),
            {"sha256": sha256},
        )
    migrations.upgrade()
    assert {"drafts", "draft_revisions", "draft_editors", "publications"} <= _tables()
    with db.engine.begin() as connection:
        assert connection.execute(kept).all() == [("small-grant", 1)]
    migrations.downgrade("0001")
    assert not {"drafts", "publications"} & _tables()
    with db.engine.begin() as connection:
        assert connection.execute(kept).all() == [("small-grant", 1)]
    migrations.upgrade()


def test_a_ledger_in_use_is_carried_over_and_given_back(empty: Flask) -> None:
    migrations.upgrade("0002")
    with db.engine.begin() as connection:
        for statement in BOOKED_BEFORE.split(";"):
            connection.execute(sa.text(statement.format(at="2026-01-01 00:00:00", id="0" * 31).strip()))
    accounts = sa.text("SELECT account, minor FROM ledger_balances ORDER BY account")
    before = sa.text("SELECT kind, credit, debit, minor, currency FROM ledger_entries ORDER BY created_at")
    with db.engine.begin() as connection:
        booked = connection.execute(before).all()
    migrations.upgrade()
    with db.engine.begin() as connection:
        assert connection.execute(accounts).all() == [
            ("available", 40),
            ("committed", 0),
            ("donor", -100),
            ("paid", 60),
            ("reserved", 0),
            ("unallocated", 0),
        ]
        assert connection.execute(sa.text("SELECT name, currency FROM donor_lines")).all() == [("Own funds", "EUR")]
    migrations.downgrade("0002")
    with db.engine.begin() as connection:
        assert connection.execute(before).all() == booked
    migrations.upgrade()


def test_the_migrated_ledger_is_as_strict_as_the_models(empty: Flask) -> None:
    migrations.upgrade()
    asked = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
    if ON_POSTGRES:
        asked = "SELECT prosrc FROM pg_proc WHERE proname LIKE 'ledger%'"
    with db.engine.begin() as connection:
        found = [" ".join(text.split()) for text in connection.scalars(sa.text(asked))]
    put = [" ".join(text.split()) for text in constraints.statements(db.engine.dialect.name)]
    assert len(found) == (3 if ON_POSTGRES else len(put))
    assert all(any(text in each for each in put) for text in found)


def test_the_migrated_schema_equals_the_models(empty: Flask) -> None:
    migrations.upgrade()
    context = next(iter(migrations.migration_contexts.values()))
    differences: list[Any] = compare_metadata(context, Model.metadata)
    assert differences == []
