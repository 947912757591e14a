"""Keyset paging: the next page begins after the last row shown, so page one thousand costs what page one does.

Refuses an OFFSET, keys that may be null, and a place that it did not write itself.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from fundflow.errors import NotFound

Row = TypeVar("Row")
SIZE = 50


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order. The columns together must be unique and never null: end with the primary key."""

    column: Any
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page; `after` is the place this page began at, `next` the place the following one begins at."""

    items: Sequence[Row]
    after: str | None = None
    next: str | None = None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def next_url(self) -> str | None:
        """This request's address at the next page, with its filters; None on the last page."""
        return _address(self.next) if self.next else None

    @property
    def first_url(self) -> str | None:
        """This request's address at the first page; None when this is it."""
        return _address(None) if self.after else None


def read(
    session: Session, statement: sa.Select[Any], keys: Sequence[Key], after: str | None = None, size: int = SIZE
) -> Page[Any]:
    """One page of the statement in the order of the keys. A statement of one entity or column gives just these; any
    other gives rows, which also carry the keys' columns at their end.

    NotFound where `after` was not written by this function for these keys.
    """
    columns = [key.column for key in keys]
    if after:
        statement = statement.where(_beyond(keys, _values(after, len(keys))))
    ordered = statement.order_by(*(key.column.desc() if key.descending else key.column.asc() for key in keys))
    found = session.execute(ordered.add_columns(*columns).limit(size + 1)).all()
    shown = found[:size]
    following = _place(shown[-1][-len(keys) :]) if len(found) > size else None
    is_single = len(statement.selected_columns) == 1 or len(statement.column_descriptions) == 1
    return Page([row[0] if is_single else row for row in shown], after or None, following)


def _beyond(keys: Sequence[Key], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    if len({key.descending for key in keys}) == 1:
        # A row comparison, which an index over the keys answers in one step.
        mine = sa.tuple_(*(key.column for key in keys))
        theirs = sa.tuple_(
            *(sa.bindparam(None, value, type_=key.column.type) for key, value in zip(keys, values, strict=True))
        )
        return mine < theirs if keys[0].descending else mine > theirs
    ways = []
    for at, key in enumerate(keys):
        same = [keys[n].column == values[n] for n in range(at)]
        ways.append(sa.and_(*same, key.column < values[at] if key.descending else key.column > values[at]))
    return sa.or_(*ways)


def _place(values: Sequence[Any]) -> str:
    tagged = [_tagged(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(tagged, separators=(",", ":")).encode()).decode().rstrip("=")


def _tagged(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, UUID):
        return {"u": value.hex}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    return value


_READERS: dict[str, Any] = {"t": datetime.fromisoformat, "d": date.fromisoformat, "u": UUID, "n": Decimal}


def _values(place: str, count: int) -> list[Any]:
    try:
        tagged = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
        values = [
            _READERS[next(iter(each))](next(iter(each.values()))) if isinstance(each, dict) else each for each in tagged
        ]
    except (ValueError, ArithmeticError, LookupError, TypeError, StopIteration, AttributeError, binascii.Error):
        raise NotFound from None
    if len(values) != count or not all(
        isinstance(each, str | int | datetime | date | UUID | Decimal) for each in values
    ):
        raise NotFound
    return values


def _address(place: str | None) -> str:
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name != "after"]
    if place:
        arguments.append(("after", place))
    return request.path + (f"?{urlencode(arguments)}" if arguments else "")
