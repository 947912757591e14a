"""What an application's events add up to, compared with the rows that say where it stands.

State is a column, not a fold over the events: this is the check that both tell the same. It knows only what events
say for good, so it works after an erasure too, and it reads no workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.lifecycle.models import Application, Child, Signature, TaskResult
from fundflow.lifecycle.record import ERASED

AFTER_THE_END = frozenset({ERASED})
"""What may still happen to an application that has ended."""
Beside = dict[str, list[Any]]


class Rows:
    """The rows beside an application in several tables, read in its order, one application's at a time."""

    def __init__(self, streams: dict[str, Any]) -> None:
        self._groups = {name: groupby(rows, key=lambda row: row.application_id) for name, rows in streams.items()}
        self._next = {name: self._taken(name) for name in self._groups}

    def _taken(self, name: str) -> tuple[UUID, list[Any]] | None:
        found = next(self._groups[name], None)
        return None if found is None else (found[0], list(found[1]))

    def of(self, application_id: UUID) -> Beside:
        """This application's rows, by table; applications are asked for in order."""
        own: Beside = {}
        for name, waiting in self._next.items():
            if waiting is not None and waiting[0] == application_id:
                own[name] = waiting[1]
                self._next[name] = self._taken(name)
            else:
                own[name] = []
        return own


def rows_beside(connection: Connection, chosen: sa.ColumnElement[bool]) -> Rows:
    """The children, task results and signatures of the chosen applications."""
    return Rows(
        {
            model.__tablename__: connection.execute(
                sa.select(*model.__table__.c)
                .join(Application, Application.id == model.application_id)
                .where(chosen)
                .order_by(model.application_id)
                .execution_options(yield_per=1000)
            )
            for model in (Child, TaskResult, Signature)
        }
    )


class Replay:
    """The fold over one application's events."""

    def __init__(self, row: Any, beside: Beside) -> None:
        self._row, self._beside = row, beside
        self._state: str | None = None
        self._outcome: str | None = None
        self._seq = 0

    def after(self, event: Any) -> Iterator[str]:
        """Take the next event; a sentence for each way in which it cannot follow those before."""
        if event.from_state != self._state:
            yield f"event {event.seq} leaves “{event.from_state}”, but it stood in “{self._state}”."
        if self._outcome is not None and event.transition not in AFTER_THE_END:
            yield f"event {event.seq} ({event.transition}) happened after it had ended as “{self._outcome}”."
        self._state = event.to_state or event.from_state
        self._outcome = event.outcome or self._outcome
        self._seq = event.seq

    def end(self) -> Iterator[str]:
        """A sentence for each row that says something else than the events."""
        row = self._row
        if row.its_state != self._state:
            yield f"it stands in “{row.its_state}”, but its last event left it in “{self._state}”."
        if row.its_outcome != self._outcome:
            yield f"its outcome is “{row.its_outcome}”, but its events say “{self._outcome}”."
        if row.its_revision != self._seq:
            yield f"its revision is {row.its_revision}, but its last event is number {self._seq}."
