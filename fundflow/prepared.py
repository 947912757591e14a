"""The statements of the hottest path, prepared once a connection; on PostgreSQL they are handed to its library itself.

What toolkit and driver do around a statement costs more than the statement: compiled forms are looked up, results
described and wrapped, the answer waited for step by step. What they guarantee stays: values and columns go through the
same types and adapters, an error is the driver's error, a lost connection leaves the pool, and other threads go on
while the server works. Whoever listens to statements is told of these too. Refuses lists as values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Connection, Dialect

from fundflow.wire import Row, Statement

_NUMBERED: Dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
"""Spells statements as the server does, with numbered parameters."""
_names = count(1)


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
            rows = native.all(connection, values)
            return rows[0] if rows else None
        row = connection.execute(self._statement, values).first()
        return None if row is None else tuple(row)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Every row."""
        if (native := self._for(connection)) is not None:
            return native.all(connection, values)
        return [tuple(row) for row in connection.execute(self._statement, values)]

    @staticmethod
    def together(connection: Connection, questions: Sequence[Question]) -> list[list[Row]] | None:
        """The rows of each of several, asked in one journey; None where that is no better than one after the other."""
        told = []
        for prepared, values in questions:
            if (native := prepared._for(connection)) is None:
                return None
            told.append((native, values))
        return _Native.all_of(connection, told)

    def later(self, connection: Connection, values: Mapping[str, Any], *, at_once: bool = False) -> None:
        """Have it done in this transaction, before whatever is asked next: that, or the commit, raises its errors.

        For what nobody waits for. `at_once` has a server begin with it while the caller goes on.
        """
        if (native := self._for(connection)) is not None:
            native.later(connection, values, at_once)
        else:
            connection.execute(self._statement, values)

    def _for(self, connection: Connection) -> _Native | None:
        """What the library is told, where it can be told by itself and nobody listens."""
        if connection.dialect.name != "postgresql" or connection.engine.dispatch.before_cursor_execute:
            return None
        if self._native is None:
            self._native = _Native(self._statement)
        return self._native


Question = tuple[Prepared, Mapping[str, Any]]
"""A statement with its values."""


class _Native:
    """The statement in PostgreSQL's words, with what its types make of values on the way in and out."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]) -> None:
        compiled = statement.compile(dialect=_NUMBERED)
        text = str(compiled)
        if "POSTCOMPILE" in text:
            raise ValueError("A prepared statement has no lists of values.")
        self.places = tuple(compiled.positiontup or ())
        self.told = Statement(f"fundflow_{next(_names)}".encode(), text.encode())
        self.given = {name: value for name, value in compiled.params.items() if value is not None}
        types = {name: bound.type.dialect_impl(_NUMBERED) for bound, name in compiled.bind_names.items()}
        self.into = _conversions((at, types[name].bind_processor(_NUMBERED)) for at, name in enumerate(self.places))
        self.outof = _conversions(
            (at, column.type.dialect_impl(_NUMBERED).result_processor(_NUMBERED, None))
            for at, column in enumerate(statement.selected_columns)
        )

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        wire: Any = connection.connection.dbapi_connection
        bound = self._bound(values)
        try:
            rows = wire.ask(self.told, bound)
        except psycopg.Error as error:
            raise _wrapped(connection, wire, error, [self]) from error
        return self._converted(rows)

    @staticmethod
    def all_of(connection: Connection, questions: Sequence[tuple[_Native, Mapping[str, Any]]]) -> list[list[Row]]:
        wire: Any = connection.connection.dbapi_connection
        try:
            found = wire.ask_all([(native.told, native._bound(values)) for native, values in questions])
        except psycopg.Error as error:
            raise _wrapped(connection, wire, error, [native for native, _ in questions]) from error
        return [native._converted(rows) for (native, _), rows in zip(questions, found, strict=True)]

    def later(self, connection: Connection, values: Mapping[str, Any], at_once: bool) -> None:
        wire: Any = connection.connection.dbapi_connection
        bound = self._bound(values)
        try:
            wire.tell(self.told, bound, at_once=at_once)
        except psycopg.Error as error:
            raise _wrapped(connection, wire, error, [self]) from error

    def _bound(self, values: Mapping[str, Any]) -> list[Any]:
        given = self.given
        bound = [values[name] if name in values else given[name] for name in self.places]
        for at, convert in self.into:
            bound[at] = convert(bound[at])
        return bound

    def _converted(self, rows: list[Row]) -> list[Row]:
        return [self._row(row) for row in rows] if self.outof else rows

    def _row(self, row: Row) -> Row:
        columns = list(row)
        for at, convert in self.outof:
            columns[at] = convert(columns[at])
        return tuple(columns)


def _wrapped(connection: Connection, driver: Any, error: Any, asked: Sequence[_Native]) -> Any:
    """The toolkit's error for the driver's, naming all that was asked together."""
    is_lost = connection.dialect.is_disconnect(error, driver, None)
    if is_lost:
        connection.invalidate(error)
    return sa.exc.DBAPIError.instance(
        ";\n".join(each.told.text.decode() for each in asked),
        None,
        error,
        psycopg.Error,
        connection_invalidated=is_lost,
        dialect=connection.dialect,
    )


def _conversions(found: Any) -> list[tuple[Any, Callable[[Any], Any]]]:
    """Only where a type does something."""
    return [(which, convert) for which, convert in found if convert is not None]
