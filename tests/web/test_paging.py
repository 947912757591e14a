"""Pages that begin after the last row shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from fundflow.db import UtcDateTime
from fundflow.errors import NotFound
from fundflow.web.paging import Key, Page, read
from tests.conftest import ON_POSTGRES

things = sa.Table(
    "paged_things",
    sa.MetaData(),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("due_at", UtcDateTime),
    sa.Column("n", sa.Integer),
    prefixes=["TEMPORARY"],
)


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    address = request.getfixturevalue("postgres_url") if ON_POSTGRES else "sqlite://"
    engine = sa.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection, Session(connection) as session:
        things.create(connection)
        first = datetime(2027, 1, 1, tzinfo=UTC)
        session.execute(
            things.insert(), [{"id": uuid4(), "due_at": first + timedelta(days=n // 4), "n": n} for n in range(23)]
        )
        yield session
    engine.dispose()


def _all(session: Session, keys: list[Key]) -> list[int]:
    seen: list[int] = []
    after = None
    while True:
        page: Page[sa.Row[tuple[UUID, int]]] = read(session, sa.select(things.c.id, things.c.n), keys, after, size=5)
        seen += [row.n for row in page]
        after = page.next
        if after is None:
            return seen


def test_pages_together_show_every_row_once_in_order(session: Session) -> None:
    up = [Key(things.c.due_at), Key(things.c.id)]
    expected = list(session.scalars(sa.select(things.c.n).order_by(things.c.due_at, things.c.id)))
    assert _all(session, up) == expected
    down = [Key(things.c.due_at, descending=True), Key(things.c.id, descending=True)]
    assert _all(session, down) == expected[::-1]


def test_directions_may_differ_between_columns(session: Session) -> None:
    expected = list(session.scalars(sa.select(things.c.n).order_by(things.c.due_at.desc(), things.c.id)))
    assert _all(session, [Key(things.c.due_at, descending=True), Key(things.c.id)]) == expected


@pytest.mark.parametrize("place", ["x", "bnVsbA", "W10", "W3sidSI6ICJub3QifV0", "WzEsMiwzXQ", "%%%", "eyJhIjoxfQ"])
def test_a_place_written_by_somebody_else_is_not_found(session: Session, place: str) -> None:
    with pytest.raises(NotFound):
        read(session, sa.select(things.c.n), [Key(things.c.due_at), Key(things.c.id)], place)


def test_addresses_keep_the_filters(bare: Flask) -> None:
    with bare.test_request_context("/board?state=open&after=here&city=Beira"):
        page = Page([1], after="here", next="there")
        assert page.next_url == "/board?state=open&city=Beira&after=there"
        assert page.first_url == "/board?state=open&city=Beira"
    with bare.test_request_context("/board"):
        assert (Page([1]).next_url, Page([1]).first_url) == (None, None)
