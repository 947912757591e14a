"""The statements of the hottest path, compiled once a process; on PostgreSQL they are handed to the driver itself.

What the toolkit does around a statement costs more than the statement: compiled forms are looked up, results described
and wrapped. What it guarantees stays: bound values and columns go through the same types, an error is its error, and
a lost connection leaves the pool. Whoever listens to statements is told of these too. Refuses lists as values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

Row = tuple[Any, ...]
_CURSOR = "fundflow.prepared"
"""Under which name a pooled connection keeps its cursor."""


class Prepared:
    """One statement, made with `bindparam`s, that gives plain rows in the order of its columns.

    `is_steady` says that no command on applications changes what it reads, so that many in one go ask it but once.
    """

    def __init__(self, statement: sa.Select[*tuple[Any, ...]], *, is_steady: bool = False) -> None:
        self.is_steady = is_steady
        self._statement = statement
        self._native: _Native | None = None

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""
        if (native := self._for(connection)) is not None:
            return native.first(connection, values)
        row = connection.execute(self._statement, values).first()
        return None if row is None else tuple(row)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Every row."""
        if (native := self._for(connection)) is not None:
            return native.all(connection, values)
        return [tuple(row) for row in connection.execute(self._statement, values)]

    def _for(self, connection: Connection) -> _Native | None:
        """What the driver is told, where it can be told by itself and nobody listens."""
        if connection.dialect.name != "postgresql" or connection.dispatch.before_cursor_execute:
            return None
        if self._native is None:
            self._native = _Native(self._statement, connection.dialect)
        return self._native


class _Native:
    """The statement in PostgreSQL's words, with what its types make of values on the way in and out."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        if "POSTCOMPILE" in self.text:
            raise ValueError("A prepared statement has no lists of values.")
        self.given = {name: value for name, value in compiled.params.items() if value is not None}
        self.into = _conversions(
            (name, bound.type.dialect_impl(dialect).bind_processor(dialect))
            for bound, name in compiled.bind_names.items()
        )
        self.outof = _conversions(
            (at, column.type.dialect_impl(dialect).result_processor(dialect, None))
            for at, column in enumerate(statement.selected_columns)
        )

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        rows = self.all(connection, values)
        return rows[0] if rows else None

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        bound = {**self.given, **values}
        for name, convert in self.into:
            bound[name] = convert(bound[name])
        rows = self._told(connection, bound)
        return [self._row(row) for row in rows] if self.outof else rows

    def _told(self, connection: Connection, bound: Mapping[str, Any]) -> list[Row]:
        pooled = connection.connection
        driver: Any = pooled.driver_connection
        # One cursor serves a connection for as long as it lives: everything is fetched before it is used again.
        cursor: Any = pooled.info.get(_CURSOR)
        if cursor is None:
            cursor = pooled.info[_CURSOR] = driver.cursor()
        try:
            cursor.execute(self.text, bound)
            rows: list[Row] = cursor.fetchall()
        except psycopg.Error as error:
            known: Any = error
            is_lost = connection.dialect.is_disconnect(known, driver, None)
            if is_lost:
                connection.invalidate(error)
            raise sa.exc.DBAPIError.instance(
                self.text,
                None,
                error,
                psycopg.Error,
                connection_invalidated=is_lost,
                dialect=connection.dialect,
            ) from error
        return rows

    def _row(self, row: Row) -> Row:
        columns = list(row)
        for at, convert in self.outof:
            columns[at] = convert(columns[at])
        return tuple(columns)


def _conversions(found: Any) -> list[tuple[Any, Callable[[Any], Any]]]:
    """Only where a type does something."""
    return [(which, convert) for which, convert in found if convert is not None]
