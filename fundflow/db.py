"""The database: model base, column types, the session, and `transaction()`, the only place that commits.

SQLite is made as strict as PostgreSQL: foreign keys on, write transactions take the write lock when they begin (so no
update is lost), and readers never wait for writers. Refuses naive timestamps and floats where money is meant.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects import plugins, postgresql, sqlite
from sqlalchemy.engine import Connection, CreateEnginePlugin, Dialect, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import Pool

from fundflow import clock
from fundflow.prepared import Prepared, Question

BUSY_MS = 10_000
"""How long an SQLite writer waits for another before it gives up."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware on the way in, aware UTC on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A timestamp without a time zone means nothing; pass an aware one.")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(sa.types.TypeDecorator[Any]):
    """Plain JSON data; decimals are kept as text by whoever writes them. JSONB on PostgreSQL."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))


class ExactDecimal(sa.types.TypeDecorator[Decimal]):
    """A decimal kept exactly on both databases, as its own digits."""

    impl = sa.String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if isinstance(value, float):
            raise ValueError("A float cannot be kept exactly; pass a Decimal.")
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Model(DeclarativeBase):
    """Base of every kept thing."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        Decimal: ExactDecimal,
        dict[str, Any]: Json,
        list[str]: Json,
        list[Any]: Json,
        int: sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        UUID: sa.Uuid,
        str: sa.Text,
    }


class Identified:
    """Mixin: a random UUID as the primary key, and the instant of creation."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, sort_order=-1)


db = SQLAlchemy(session_options={"expire_on_commit": False})


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what the block did, or undo all of it and let the error through. Blocks do not nest."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def begin_reading() -> None:
    """Let the current session only read until it ends: on SQLite it then takes no write lock."""
    db.session.connection(execution_options={"sqlite_begin": "DEFERRED"})


def read(statement: Prepared, /, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a prepared read in the present transaction, after what the session still has to write."""
    ahead = _ahead.get()
    key = None
    if ahead is not None:
        key = (statement, *sorted(values.items()))
        if key in ahead:
            # What a command may change is foreseen for its first reader alone.
            is_kept = statement.is_steady or _NOTHING_CHANGES in ahead
            known: list[tuple[Any, ...]] = ahead[key] if is_kept else ahead.pop(key)
            return known
    session = db.session
    if session.autoflush:
        session.flush()
    rows = statement.all(session.connection(), values)
    if ahead is not None and key is not None and (statement.is_steady or _NOTHING_CHANGES in ahead):
        ahead[key] = rows
    return rows


_ahead: ContextVar[dict[Any, Any] | None] = ContextVar("ahead", default=None)


_NOTHING_CHANGES = ("nothing changes",)


@contextmanager
def reading_ahead(*, nothing_changes: bool = False) -> Iterator[None]:
    """Ask steady reads once in the block, and take from what was `foreseen` before going to the database.

    On a page, where nothing changes while it is made, every read is steady.
    """
    token = _ahead.set({_NOTHING_CHANGES: []} if nothing_changes else {})
    try:
        yield
    finally:
        _ahead.reset(token)


def kept_ahead() -> dict[Any, Any] | None:
    """Where a feature may keep, under a key of its own, what it knows for the present block; None outside one."""
    return _ahead.get()


def foreseen(statement: Prepared, rows: list[tuple[Any, ...]], /, **values: Any) -> None:
    """Have the next `read` of this statement with these values answered by these rows, inside `reading_ahead`.

    The caller has read them in this transaction, under the same locks under which they will be used.
    """
    ahead = _ahead.get()
    if ahead is not None:
        ahead[(statement, *sorted(values.items()))] = rows


def read_together(questions: Sequence[Question]) -> None:
    """Ask all of these in one journey, in this order, for the reads to come; inside `reading_ahead`.

    What the database can only be asked one by one is left to those reads.
    """
    session = db.session
    if session.autoflush:
        session.flush()
    found = Prepared.together(session.connection(), questions)
    for (statement, values), rows in zip(questions, found or (), strict=bool(found)):
        foreseen(statement, rows, **values)


def instant(ahead: timedelta = timedelta(0)) -> sa.ColumnElement[datetime]:
    """A column holding the present instant, or one so far ahead, by the one clock that decides: the database server's.

    With several machines their clocks differ; the server's does not. SQLite has no clock of its own, and a clock that
    a test moved overrules both.
    """
    if db.engine.dialect.name != "postgresql" or clock.is_moved():
        return sa.bindparam("instant", clock.now() + ahead, UtcDateTime, unique=True)
    now = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))
    return sa.type_coerce(now + sa.literal(ahead, sa.Interval) if ahead else now, UtcDateTime)


def present() -> datetime:
    """The present instant by the same clock, read now; while nothing changes, one instant for all."""
    ahead = _ahead.get()
    known = ahead.get(_NOTHING_CHANGES) if ahead is not None else None
    if known:
        held: datetime = known[0][0]
        return held
    now: datetime = db.session.execute(sa.select(instant())).scalar_one()
    if known is not None:
        known.append((now,))
    return now


def inserting(entity: Any) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`, which both databases spell alike."""
    return postgresql.insert(entity) if db.engine.dialect.name == "postgresql" else sqlite.insert(entity)


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, no floats. The base of every digest."""
    return _CANONICAL.encode(value)


def canonical_plain(value: Any) -> str:
    """The same text, sooner, of a value that is known to hold no float at all: nothing here would refuse one."""
    try:
        return orjson.dumps(value, default=_plain, option=_AS_CANONICAL).decode()
    except TypeError:
        # Numbers beyond 64 bits, keys that are no text, and what has no form at all: slower, and with the last word.
        return _CANONICAL.encode(value)


def json_text(value: Any) -> str:
    """Rows as JSON for a statement that takes many at once: instants with their offset, keys in their own order.

    For values that are known to hold no float, as with `canonical_plain`; a JSON column is stricter by itself.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:
        return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID | Decimal):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical JSON")


_AS_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
)


def make_database_file(url: str) -> None:
    """Make the embedded database's empty file where there is none yet; connections themselves never make one.

    So a file that is lost while the site runs is told to people, instead of silently being started anew.
    """
    path = _sqlite_path(sa.make_url(url))
    if path is not None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sqlite3.connect(path).close()


def _sqlite_path(url: sa.URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or not url.database.startswith("file:"):
        return None
    return Path(unquote(url.database.removeprefix("file:")))


@event.listens_for(Pool, "checkout")
def _notice_a_lost_file(connection: Any, record: Any, _proxy: Any) -> None:
    """A pooled connection whose file was removed would go on writing to nowhere: give it up and open anew."""
    if "file" in record.info:
        path, identity = record.info["file"]
        try:
            status = path.stat()
        except OSError:
            raise DisconnectionError("the database file is gone") from None
        if (status.st_dev, status.st_ino) != identity:
            raise DisconnectionError("the database file was replaced")


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        if path:
            status = Path(path).stat()
            record.info["file"] = (Path(path), (status.st_dev, status.st_ino))
        # The driver's own transaction handling lets a SELECT run before BEGIN, which loses updates without an error.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")


class Begins(CreateEnginePlugin):
    """Has SQLite's transactions begin as they should. Only its engine is listened to: elsewhere each step would pay."""

    def update_url(self, url: sa.URL) -> sa.URL:
        return url

    def engine_created(self, engine: Engine) -> None:
        if engine.dialect.name == "sqlite":
            event.listen(engine, "begin", _begin_sqlite)


plugins.register("fundflow", __name__, Begins.__name__)


def engine_options(url: str, *, hide_parameters: bool = False) -> dict[str, Any]:
    """How the engine of a database is made."""
    return {"url": url, "hide_parameters": hide_parameters, "plugins": ["fundflow"]}


only_reading: list[Callable[[], bool]] = []
"""Whether what is done now will only read, for all that anybody said: it then takes no write lock on SQLite."""


def _begin_sqlite(connection: Connection) -> None:
    begins = connection.get_execution_options().get("sqlite_begin")
    if begins is None:
        begins = "DEFERRED" if any(is_so() for is_so in only_reading) else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {begins}")
