"""A connection to PostgreSQL that is told prepared statements by its library itself, several in one journey.

What driver and toolkit do around a statement costs more than the statement, and a journey to the server costs as much
again. So a transaction's BEGIN travels with its first statement, and what need not be answered at once travels with
the next statement or with COMMIT. Nobody can overtake it: whatever else the driver is asked, in whatever way, comes
after it. An error is the driver's error, and other threads go on while the server works.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.engine import Dialect, Engine

Row = tuple[Any, ...]
_FINE = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with numbered parameters, and the name it has wherever it is prepared."""

    name: bytes
    text: bytes


_BEGIN = Statement(b"fundflow_begin", b"BEGIN")
_COMMIT = Statement(b"fundflow_commit", b"COMMIT")


def _text(value: str) -> bytes:
    written = value.encode()
    if 0 in written:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return written


_WRITTEN: Mapping[type, Callable[[Any], bytes]] = {
    str: _text,
    int: lambda value: b"%d" % value,
    UUID: lambda value: value.hex.encode(),
    datetime: lambda value: value.isoformat().encode(),
}


class Wire(psycopg.Connection[Any]):
    """What the driver gives, with `ask` and `tell` beside it. Of one thread at a time, as the pool hands it out."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.cursor_factory = _Cursor
        self._known: set[bytes] = set()
        self._under_way = 0
        """Statements that were told and not yet answered; the library is then in pipeline mode."""
        self._adapting: Any = None
        self._is_unicode = False
        self._heard, self._either = select.poll(), select.poll()
        self._heard.register(self.pgconn.socket, select.POLLIN)
        self._either.register(self.pgconn.socket, select.POLLIN | select.POLLOUT)

    def ask(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """The rows of its answer, after the answers to all that was told before; begins a transaction if none is."""
        return self._rows(self._answer(statement, values, begins=True))

    def ask_all(self, questions: Sequence[tuple[Statement, Sequence[Any]]]) -> list[list[Row]]:
        """The rows of each, all asked in one journey and answered in this order."""
        for statement, _ in questions:
            # What is not known yet is made known by itself, which would end the journey.
            self._prepare(statement)
        for statement, values in questions[:-1]:
            self.tell(statement, values)
        return [self._rows(answer) for answer in self._all_answers(*questions[-1], begins=True)[-len(questions) :]]

    def tell(self, statement: Statement, values: Sequence[Any], *, at_once: bool = False) -> None:
        """Have it done before whatever is asked next, or with the commit: that raises what it raises.

        Its rows are of no interest. `at_once` sends it now, for the server to begin while the caller goes on.
        """
        given = self._dumped(values)
        self._prepare(statement)
        try:
            if not self._under_way:
                self._begin()
            self._send(statement, given)
            if at_once:
                self.pgconn.flush()
        except BaseException:
            self.close()
            raise

    def settle(self) -> None:
        """Wait for the answers to all that was told, and raise the first error among them."""
        if self._under_way:
            self._check(self._answers())

    def commit(self) -> None:
        """Commit what was done, all that was told with it; an error where there is only something to undo."""
        if not self._under_way and self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        if self._answer(_COMMIT, (), begins=False).command_status != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("a statement failed, so there is nothing to commit")

    def rollback(self) -> None:
        """Undo what was done, and all that was told."""
        if self._under_way:
            self._answers()
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()

    def cursor(self, *given: Any, **named: Any) -> Any:
        """The driver's; what it will be asked comes after all that was told."""
        self.settle()
        return super().cursor(*given, **named)

    def wait(self, *given: Any, **named: Any) -> Any:
        """What the driver does is done after all that was told."""
        if self._under_way:
            self.settle()
        return super().wait(*given, **named)

    def _rows(self, answer: PGresult) -> list[Row]:
        self._adapting.set_pgresult(answer)
        rows: list[Row] = self._adapting.load_rows(0, answer.ntuples, tuple)
        return rows

    def _answer(self, statement: Statement, values: Sequence[Any], *, begins: bool) -> PGresult:
        return self._all_answers(statement, values, begins=begins)[-1]

    def _all_answers(self, statement: Statement, values: Sequence[Any], *, begins: bool) -> list[PGresult]:
        """The answer to this, after those to all that was told before."""
        given = self._dumped(values)
        self._prepare(statement)
        try:
            if begins and not self._under_way:
                self._begin()
            self._send(statement, given)
            answers = self._answers()
        except BaseException:
            # After half an answer nothing but a new connection is sure to be understood again.
            self.close()
            raise
        self._check(answers)
        return answers

    def _dumped(self, values: Sequence[Any]) -> list[Any]:
        """The values as the server reads them. What is met most needs no more than this; the driver knows the rest."""
        if self._adapting is None:
            self._adapting = Transformer(self)
            self._is_unicode = self.info.encoding == "utf-8"
        if self._is_unicode:
            try:
                return [None if value is None else _WRITTEN[type(value)](value) for value in values]
            except KeyError:
                pass
        return list(self._adapting.dump_sequence(values, [PyFormat.TEXT] * len(values)))

    def _prepare(self, statement: Statement) -> None:
        if statement.name not in self._known:
            self.settle()
            self._check([self.pgconn.prepare(statement.name, statement.text)])
            self._known.add(statement.name)

    def _begin(self) -> None:
        """Send BEGIN where a transaction is to be begun; one of another kind than usual the driver begins."""
        if self.autocommit or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return
        if (self.isolation_level, self.read_only, self.deferrable) == (None, None, None):
            self._prepare(_BEGIN)
            self._send(_BEGIN, [])
        else:
            self.execute("SELECT")

    def _send(self, statement: Statement, given: Any) -> None:
        if not self._under_way:
            self.pgconn.enter_pipeline_mode()
        self.pgconn.send_query_prepared(statement.name, given)
        self._under_way += 1

    def _answers(self) -> list[PGresult]:
        """The answers to all that is under way."""
        server = self.pgconn
        try:
            server.pipeline_sync()
            while server.flush():
                if self._either.poll()[0][1] & select.POLLIN:
                    server.consume_input()
            answers = [self._next() for _ in range(self._under_way)]
            self._wait()
            server.get_result()
            server.exit_pipeline_mode()
        except BaseException:
            self.close()
            raise
        finally:
            self._under_way = 0
        return answers

    def _next(self) -> PGresult:
        """One statement's answer, and past its end."""
        self._wait()
        answer = self.pgconn.get_result()
        if answer is None:
            raise psycopg.OperationalError("the server's answer was cut off")
        if self.pgconn.get_result() is not None:
            raise psycopg.OperationalError("the server answered more than was asked")
        return answer

    def _wait(self) -> None:
        """Wait until something can be taken, while other threads go on."""
        server = self.pgconn
        while server.is_busy():
            self._heard.poll()
            server.consume_input()

    def _check(self, answers: Sequence[PGresult]) -> None:
        """Raise the first error; what came after it was not done."""
        for answer in answers:
            if answer.status not in _FINE:
                encoding = self.info.encoding
                if self.broken:
                    raise psycopg.OperationalError(answer.get_error_message(encoding))
                raise error_from_result(answer, encoding)


class _Cursor(psycopg.Cursor[Any]):
    """What the driver itself would do in several statements begins after what the connection was told."""

    def executemany(self, *given: Any, **named: Any) -> None:
        wire: Any = self.connection
        wire.settle()
        super().executemany(*given, **named)

    def stream(self, *_given: Any, **_named: Any) -> Any:
        """Refused: the library would go on giving row by row what is asked after it."""
        raise psycopg.NotSupportedError("rows are streamed by a cursor of the server: give it a name")


@sa.event.listens_for(Engine, "do_connect")
def _connect(dialect: Dialect, _record: Any, given: Any, named: Any) -> Any:
    if dialect.driver != "psycopg":
        return None
    # The driver prepares what it meets often, and at every rollback takes back all that is prepared, ours too. A
    # rollback ends every page, so what it prepared itself hardly ever served again.
    return Wire.connect(*given, **named, prepare_threshold=None)
