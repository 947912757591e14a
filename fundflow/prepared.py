"""The statements of the hottest path, prepared once a connection; on PostgreSQL they are handed to its library itself.

What toolkit and driver do around a statement costs more than the statement: compiled forms are looked up, results
described and wrapped, the answer waited for step by step. What they guarantee stays: values and columns go through the
same types and adapters, an error is the driver's error, a lost connection leaves the pool, and other threads go on
while the server works. Whoever listens to statements is told of these too. Refuses lists as values.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Connection, Dialect, Engine

Row = tuple[Any, ...]
_KEPT = "fundflow.prepared"
"""Under which name a pooled connection keeps what was prepared on it."""
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

    def _for(self, connection: Connection) -> _Native | None:
        """What the library is told, where it can be told by itself and nobody listens."""
        if connection.dialect.name != "postgresql" or connection.dispatch.before_cursor_execute:
            return None
        if self._native is None:
            self._native = _Native(self._statement)
        return self._native


class _Native:
    """The statement in PostgreSQL's words, with what its types make of values on the way in and out."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]) -> None:
        compiled = statement.compile(dialect=_NUMBERED)
        text = str(compiled)
        if "POSTCOMPILE" in text:
            raise ValueError("A prepared statement has no lists of values.")
        self.name, self.text = f"fundflow_{next(_names)}".encode(), text.encode()
        self.places = tuple(compiled.positiontup or ())
        self.formats = [PyFormat.TEXT] * len(self.places)
        self.given = {name: value for name, value in compiled.params.items() if value is not None}
        self.into = _conversions(
            (name, bound.type.dialect_impl(_NUMBERED).bind_processor(_NUMBERED))
            for bound, name in compiled.bind_names.items()
        )
        self.outof = _conversions(
            (at, column.type.dialect_impl(_NUMBERED).result_processor(_NUMBERED, None))
            for at, column in enumerate(statement.selected_columns)
        )

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        bound = {**self.given, **values}
        for name, convert in self.into:
            bound[name] = convert(bound[name])
        pooled = connection.connection
        kept: _Kept | None = pooled.info.get(_KEPT)
        if kept is None:
            kept = pooled.info[_KEPT] = _Kept(pooled.driver_connection)
        try:
            rows = kept.told(self, [bound[name] for name in self.places])
        except psycopg.Error as error:
            raise self._wrapped(connection, kept.driver, error) from error
        return [self._row(row) for row in rows] if self.outof else rows

    def _wrapped(self, connection: Connection, driver: Any, error: Any) -> Any:
        is_lost = connection.dialect.is_disconnect(error, driver, None)
        if is_lost:
            connection.invalidate(error)
        return sa.exc.DBAPIError.instance(
            self.text.decode(),
            None,
            error,
            psycopg.Error,
            connection_invalidated=is_lost,
            dialect=connection.dialect,
        )

    def _row(self, row: Row) -> Row:
        columns = list(row)
        for at, convert in self.outof:
            columns[at] = convert(columns[at])
        return tuple(columns)


@sa.event.listens_for(Engine, "connect")
def _prepare_nothing_else(connection: Any, _record: Any) -> None:
    """The driver prepares what it meets often, and at every rollback takes back all that is prepared, ours too.

    A rollback ends every page, so what it prepared itself hardly ever served again.
    """
    if isinstance(connection, psycopg.Connection):
        connection.prepare_threshold = None


class _Kept:
    """One connection as the library knows it, with the names of what is prepared on it."""

    def __init__(self, driver: Any) -> None:
        self.driver: psycopg.Connection[Any] = driver
        self.adapting = Transformer(driver)
        self.prepared: set[bytes] = set()
        self._heard, self._either = select.poll(), select.poll()
        self._heard.register(driver.pgconn.socket, select.POLLIN)
        self._either.register(driver.pgconn.socket, select.POLLIN | select.POLLOUT)

    def told(self, statement: _Native, values: list[Any]) -> list[Row]:
        """The rows of an answer; raises the driver's error."""
        server, adapting = self.driver.pgconn, self.adapting
        if statement.name not in self.prepared:
            self._checked(server.prepare(statement.name, statement.text))
            self.prepared.add(statement.name)
        given: Any = adapting.dump_sequence(values, statement.formats)
        begins = server.transaction_status == TransactionStatus.IDLE and self._begins_plainly()
        try:
            if begins:
                answer = self._with_begin(statement.name, given)
            else:
                server.send_query_prepared(statement.name, given)
                answer = self._next()
        except BaseException:
            # Half an answer may be under way: nothing but a new connection is sure to be understood again.
            self.driver.close()
            raise
        adapting.set_pgresult(self._checked(answer))
        return adapting.load_rows(0, answer.ntuples, tuple)

    def _begins_plainly(self) -> bool:
        """Whether a transaction is to be begun, as the server is set up; one of another kind the driver begins."""
        driver = self.driver
        if driver.autocommit:
            return False
        if (driver.isolation_level, driver.read_only, driver.deferrable) == (None, None, None):
            return True
        driver.execute("SELECT")
        return False

    def _with_begin(self, name: bytes, given: Any) -> PGresult:
        """The answer to a transaction's first statement, sent together with its BEGIN: one journey instead of two."""
        server = self.driver.pgconn
        server.enter_pipeline_mode()
        server.send_query_params(b"BEGIN", None)
        server.send_query_prepared(name, given)
        server.pipeline_sync()
        begun, answer = self._next(), self._next()
        self._wait()
        server.get_result()
        server.exit_pipeline_mode()
        return answer if begun.status in _FINE else begun

    def _next(self) -> PGresult:
        """One statement's answer, and past its end."""
        server = self.driver.pgconn
        self._wait()
        answer = server.get_result()
        if answer is None:
            raise psycopg.OperationalError("the server's answer was cut off")
        self._wait()
        if server.get_result() is not None:
            raise psycopg.OperationalError("the server answered more than was asked")
        return answer

    def _wait(self) -> None:
        """Send what is still to be sent and wait until something can be taken, while other threads go on."""
        server = self.driver.pgconn
        while server.flush():
            if self._either.poll()[0][1] & select.POLLIN:
                server.consume_input()
        while server.is_busy():
            self._heard.poll()
            server.consume_input()

    def _checked(self, answer: PGresult) -> PGresult:
        if answer.status not in _FINE:
            if self.driver.broken:
                raise psycopg.OperationalError(answer.get_error_message(self.adapting.encoding))
            raise error_from_result(answer, self.adapting.encoding)
        return answer


_FINE = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


def _conversions(found: Any) -> list[tuple[Any, Callable[[Any], Any]]]:
    """Only where a type does something."""
    return [(which, convert) for which, convert in found if convert is not None]
