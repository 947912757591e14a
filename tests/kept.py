"""What a test's database and files hold, kept once a run and put into the empty installation of a later test.

Driving a large grant to its agreement prints and seals a dozen documents; putting its rows and files back takes a
fraction of that. Refused: to put anything beside other people, on another day, or where a test holds the clock.
"""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.db import Model, db
from tests.conftest import ON_POSTGRES, _empty_tables

DATABASE = shutil.ignore_patterns("fundflow.db*")


@dataclass(frozen=True)
class Kept:
    """The rows, as a database in memory or by table; the files; and the values by which a test finds its way."""

    rows: Any
    files: Path
    values: dict[str, Any]
    day: date

    @property
    def fits(self) -> bool:
        return not clock.is_moved() and clock.now().date() == self.day and is_empty()


def is_empty() -> bool:
    """Nobody is there yet."""
    found = db.session.scalar(sa.select(sa.func.count()).select_from(User))
    db.session.rollback()
    return not found


def keep(values: dict[str, Any]) -> Kept:
    """All that is there now; rows among the values are found again by their keys."""
    db.session.rollback()
    folder = Path(tempfile.mkdtemp(dir=_folder()))
    shutil.copytree(_instance(), folder, ignore=DATABASE, dirs_exist_ok=True)
    named = {name: _name(value) for name, value in values.items()}
    db.session.rollback()
    return Kept(_rows(), folder, named, clock.now().date())


def put(kept: Kept) -> dict[str, Any]:
    """Put it back, and give the values as this session knows them."""
    db.session.rollback()
    db.session.expunge_all()
    shutil.copytree(kept.files, _instance(), dirs_exist_ok=True)
    if ON_POSTGRES:
        _empty_tables()
        with db.engine.begin() as connection:
            # Keys and triggers had their say when this was written.
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            for table, rows in kept.rows:
                connection.execute(sa.insert(table), rows)
    else:
        with db.engine.connect() as connection:
            kept.rows.backup(connection.connection.driver_connection)
    found = {name: _found(value) for name, value in kept.values.items()}
    db.session.rollback()
    return found


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fundflow-kept-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _instance() -> Path:
    instance: Path = current_app.extensions["settings"].instance
    return instance


def _rows() -> Any:
    with db.engine.connect() as connection:
        if not ON_POSTGRES:
            memory = sqlite3.connect(":memory:", check_same_thread=False)
            connection.connection.driver_connection.backup(memory)  # type: ignore[union-attr]
            return memory
        read = (
            (table, connection.execute(sa.select(table)).mappings().all()) for table in Model.metadata.sorted_tables
        )
        return [(table, [dict(row) for row in rows]) for table, rows in read if rows]


_ONCE: dict[str, Kept] = {}


def once(name: str, drive: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `drive` gives: it is asked where nothing of this name is kept, or what is kept does not fit."""
    if name in _ONCE and _ONCE[name].fits:
        return put(_ONCE[name])
    may_keep = is_empty() and not clock.is_moved()
    values = drive()
    if may_keep:
        _ONCE[name] = keep(values)
    return values


@dataclass(frozen=True)
class _Row:
    of: type[Model]
    key: Any


def _name(value: Any) -> Any:
    if isinstance(value, list):
        return [_name(each) for each in value]
    return _Row(type(value), sa.inspect(value).identity) if isinstance(value, Model) else value


def _found(value: Any) -> Any:
    if isinstance(value, list):
        return [_found(each) for each in value]
    return db.session.get_one(value.of, value.key) if isinstance(value, _Row) else value
