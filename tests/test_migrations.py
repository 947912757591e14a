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
from tests.conftest import ON_POSTGRES


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


def test_the_migrated_schema_equals_the_models(empty: Flask) -> None:
    migrations.upgrade()
    context = next(iter(migrations.migration_contexts.values()))
    differences: list[Any] = compare_metadata(context, Model.metadata)
    assert differences == []
