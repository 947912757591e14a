"""How many queries a page takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from flask.testing import FlaskClient

from fundflow.db import db

READING_THE_PERSON = 3
"""The session's person, their teams and their groups."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to the database inside the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def queries_of(client: FlaskClient, path: str) -> int:
    """How many statements a page needs, beyond finding out who asks."""
    client.get(path)
    db.session.rollback()
    db.session.expunge_all()
    with counted() as sent:
        answer = client.get(path)
        # What is streamed is read only when somebody takes it.
        assert answer.status_code == 200
        assert answer.data
    return len([each for each in sent if each.lstrip().startswith("SELECT")]) - READING_THE_PERSON
