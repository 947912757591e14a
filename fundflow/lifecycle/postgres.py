"""A command's two statements for PostgreSQL, each doing in one journey what SQLite is told step by step."""

from __future__ import annotations

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

_AT_ONCE = sa.literal_column("interval '5 milliseconds'")
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
    present = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))
    instant = sa.bindparam("instant", type_=sa.DateTime(timezone=True)) if is_moved else present
    fresh = sa.select(sa.func.count()).select_from(_taken).scalar_subquery()
    groups: sa.ColumnElement[Any] = sa.null()
    for column in registry.membership_columns:
        held = column(sa.bindparam("actor_id", type_=sa.Uuid), _locked.c.round_id)
        none = sa.literal_column("ARRAY[]::text[]")
        is_at_once = present < sa.func.statement_timestamp() + _AT_ONCE
        groups = sa.case((is_at_once, sa.func.coalesce(held, none)))
    return Prepared(
        sa.select(*_locked.c, sa.type_coerce(instant, UtcDateTime).label("instant"), fresh.label("is_first"), groups)
    )


_moved = (
    sa.update(_applications)
    .where(_applications.c.id == sa.bindparam("id_"), _applications.c.revision == sa.bindparam("revision_"))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("state", "outcome", "state_since", "revision", "head", "last_event_at", "submitted_at")
        }
    )
    .returning(_applications.c.id)
    .cte("moved")
)
_noted = (
    sa.insert(_events)
    .values({column.name: sa.bindparam(f"event_{column.name}") for column in _events.c})
    .returning(_events.c.seq)
    .cte("noted")
)
_wanted = (
    sa.func.jsonb_to_recordset(sa.bindparam("jobs", type_=Json))
    .table_valued(
        sa.column("id", sa.Uuid),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("key", sa.Text),
        sa.column("kind", sa.Text),
        sa.column("payload", postgresql.JSONB),
        sa.column("run_at", sa.DateTime(timezone=True)),
        name="wanted",
    )
    .render_derived(with_types=True)
)
_queued = (
    postgresql.insert(Job)
    .from_select(
        ["id", "created_at", "key", "kind", "payload", "run_at", "attempts"],
        sa.select(*_wanted.c, sa.literal(0)),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(Job.id)
    .cte("queued")
)
RECORD = Prepared(sa.select(sa.func.count()).select_from(_moved).add_cte(_noted, _queued))
"""Move the application, append the event and fill the outbox; gives how many applications were moved, 1 or 0."""
