"""A command's two statements for PostgreSQL, each doing in one journey what SQLite is told step by step.

Both exist a second time, for many commands at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from fundflow.db import Json, UtcDateTime
from fundflow.jobs.models import Job
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Application, Command, Event
from fundflow.prepared import Prepared

_applications: Any = Application.__table__
_events: Any = Event.__table__

_AT_ONCE: sa.ColumnElement[Any] = sa.literal_column("interval '5 milliseconds'")
"""Within which a statement that waited for nobody has its lock."""
_locked = sa.select(_applications).where(_applications.c.id == sa.bindparam("id")).with_for_update().cte("locked")
_taken = (
    postgresql.insert(Command)
    .from_select(
        ["key", "application_id", "transition", "actor_id", "event_seq", "created_at"],
        sa.select(
            sa.bindparam("key", type_=sa.Text),
            _locked.c.id,
            sa.bindparam("transition", type_=sa.Text),
            sa.bindparam("actor_id", type_=sa.Uuid),
            _locked.c.revision + 1,
            sa.bindparam("now", type_=UtcDateTime),
        ),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(Command.key)
    .cte("taken")
)


@cache
def claiming(*, is_moved: bool) -> Prepared:
    """Lock the application `id`, then insert the command; gives its columns, the instant, and how many were inserted.

    Then the groups of the actor, or null where the lock had to be waited for: they are read as the statement began, so
    by then somebody may have left one. With `is_moved` the instant is given, for a clock that a test moved.

    Under READ COMMITTED a lock that had to be waited for gives the row as its last owner left it, and the insert, which
    takes its application from there, meets a key that was committed meanwhile.
    """
    fresh = sa.select(sa.func.count()).select_from(_taken).scalar_subquery()
    return Prepared(sa.select(*_locked.c, _instant(is_moved), fresh.label("is_first"), _groups(_locked.c.round_id)))


_PRESENT = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))


def _instant(is_moved: bool) -> sa.ColumnElement[Any]:
    instant = sa.bindparam("instant", type_=sa.DateTime(timezone=True)) if is_moved else _PRESENT
    return sa.type_coerce(instant, UtcDateTime).label("instant")


def _groups(round_id: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    for column in registry.membership_columns.values():
        held = sa.func.coalesce(column(sa.bindparam("actor_id", type_=sa.Uuid), round_id), sa.text("ARRAY[]::text[]"))
        return sa.case((sa.func.statement_timestamp() + _AT_ONCE > _PRESENT, held))
    return sa.null()


_MOVED = ("state", "outcome", "state_since", "revision", "head", "last_event_at", "submitted_at")


def _records(name: str, columns: Iterable[sa.Column[Any]], **more: sa.types.TypeEngine[Any]) -> sa.FromClause:
    """Rows that come as one JSON text, under a parameter of this name."""
    listed = [sa.column(column.name, _type_of(column)) for column in columns]
    listed += [sa.column(each, kind) for each, kind in more.items()]
    text = sa.cast(sa.bindparam(name, type_=sa.Text), postgresql.JSONB)
    return sa.func.jsonb_to_recordset(text).table_valued(*listed, name=f"{name}_given").render_derived(with_types=True)


def _type_of(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    if isinstance(column.type, Json):
        return postgresql.JSONB()
    return sa.DateTime(timezone=True) if isinstance(column.type, UtcDateTime) else column.type


def _only_if(moved: sa.CTE, many: sa.ColumnElement[int]) -> sa.Select[Any]:
    """Divides by zero unless so many were moved: the statement fails in the server, for nobody waits for its answer."""
    return sa.select(sa.cast(1 / sa.case((sa.func.count() == many, 1), else_=0), sa.Integer)).select_from(moved)


def _given(column: sa.Column[Any], prefix: str) -> Any:
    """The parameter for a column; JSON comes as a text, that of an event as it was hashed."""
    if isinstance(column.type, Json):
        return sa.cast(sa.bindparam(f"{prefix}{column.name}", type_=sa.Text), postgresql.JSONB)
    return sa.bindparam(f"{prefix}{column.name}")


_moved = (
    sa.update(_applications)
    .where(_applications.c.id == sa.bindparam("id_"), _applications.c.revision == sa.bindparam("revision_"))
    .values({name: sa.bindparam(name) for name in _MOVED})
    .returning(_applications.c.id)
    .cte("moved")
)
_noted = (
    sa.insert(_events)
    .values({column.name: _given(column, "event_") for column in _events.c})
    .returning(_events.c.seq)
    .cte("noted")
)
_jobs: Any = Job.__table__
_ASKED_OF_A_JOB = ("id", "created_at", "key", "kind", "payload", "run_at")
_wanted = _records("jobs", [_jobs.c[name] for name in _ASKED_OF_A_JOB])
_queued = (
    postgresql.insert(Job)
    .from_select([*_ASKED_OF_A_JOB, "attempts"], sa.select(*_wanted.c, sa.literal(0)), include_defaults=False)
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(Job.id)
    .cte("queued")
)
_queued_one = (
    postgresql.insert(Job)
    .values({name: _given(_jobs.c[name], "job_") for name in _ASKED_OF_A_JOB} | {"attempts": sa.literal(0)})
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(Job.id)
    .cte("queued_one")
)


@cache
def recording(jobs: int) -> Prepared:
    """Move the application, append the event and put so many jobs into the outbox.

    An error where the application is no longer as it was. One job comes as `job_` parameters, several as `jobs`, a
    JSON text.
    """
    outbox = {0: (), 1: (_queued_one,)}.get(jobs, (_queued,))
    return Prepared(_only_if(_moved, sa.literal(1)).add_cte(_noted, *outbox))


_moves = _records("moves", [_applications.c[name] for name in _MOVED], id_=sa.Uuid(), revision_=sa.BigInteger())
_all_moved = (
    sa.update(_applications)
    .where(_applications.c.id == _moves.c.id_, _applications.c.revision == _moves.c.revision_)
    .values({name: _moves.c[name] for name in _MOVED})
    .returning(_applications.c.id)
    .cte("all_moved")
)
_events_given = _records("events", _events.c)
_all_noted = (
    sa.insert(_events)
    .from_select([column.name for column in _events.c], sa.select(*_events_given.c), include_defaults=False)
    .returning(_events.c.seq)
    .cte("all_noted")
)
RECORD_ALL = Prepared(_only_if(_all_moved, sa.bindparam("many", type_=sa.BigInteger)).add_cte(_all_noted, _queued))
"""The same for `many` applications, each with one event: `moves`, `events` and `jobs` as JSON texts."""

_asked = _records("asked", [], asked_id=sa.Uuid(), key=sa.Text(), transition=sa.Text())
_asked_once = sa.select(*_asked.c).cte("asked")
_all_locked = (
    sa.select(_applications)
    .where(_applications.c.id.in_(sa.select(_asked_once.c.asked_id)))
    .order_by(_applications.c.id)
    .with_for_update()
    .cte("all_locked")
)
_all_taken = (
    postgresql.insert(Command)
    .from_select(
        ["key", "application_id", "transition", "actor_id", "event_seq", "created_at"],
        sa.select(
            _asked_once.c.key,
            _all_locked.c.id,
            _asked_once.c.transition,
            sa.bindparam("actor_id", type_=sa.Uuid),
            _all_locked.c.revision + 1,
            sa.bindparam("now", type_=UtcDateTime),
        ).join(_asked_once, _asked_once.c.asked_id == _all_locked.c.id),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(Command.key)
    .cte("all_taken")
)


@cache
def claiming_all(*, is_moved: bool) -> Prepared:
    """Lock every application `asked` for, in the order of their ids, then insert their commands: see `claiming`."""
    is_first = _asked_once.c.key.in_(sa.select(_all_taken.c.key)).label("is_first")
    return Prepared(
        sa.select(*_all_locked.c, _instant(is_moved), is_first, _groups(_all_locked.c.round_id)).join(
            _asked_once, _asked_once.c.asked_id == _all_locked.c.id
        )
    )
