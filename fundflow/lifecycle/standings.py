"""What of applications decides how they come to another version: read for many at once, in a handful of statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import Json, UtcDateTime, db
from fundflow.lifecycle.models import Application, Child, Event, Timer
from fundflow.workflow.migration import Standing

# Answers and reviews belong to higher features; of them, this one only counts and reads.
_answers = sa.table(
    "answers", sa.column("application_id", sa.Uuid), sa.column("form", sa.Text), sa.column("data", Json)
)
_reviews = sa.table(
    "reviews",
    *(sa.column("application_id", sa.Uuid), sa.column("name", sa.Text)),
    *(sa.column("sent_at", UtcDateTime), sa.column("withdrawn_at", UtcDateTime)),
)


def standings(applications: Iterable[Application]) -> dict[UUID, Standing]:
    """How each of these stands now, by id."""
    known: dict[UUID, dict[str, Any]] = {
        each.id: {"state": each.state, "currency": each.currency, "timers": set(), "sheets": {}, "answers": {}}
        | {"children": {}, "steps": []}
        for each in applications
    }
    ids = list(known)
    db.session.flush()
    for application_id, name in db.session.execute(
        sa.select(Timer.application_id, Timer.name).where(
            Timer.application_id.in_(ids), Timer.status == "armed", Timer.subject == ""
        )
    ):
        known[application_id]["timers"].add(name)
    for application_id, name, count in db.session.execute(
        sa.select(_reviews.c.application_id, _reviews.c.name, sa.func.count())
        .where(_reviews.c.application_id.in_(ids), _reviews.c.sent_at.is_not(None), _reviews.c.withdrawn_at.is_(None))
        .group_by(_reviews.c.application_id, _reviews.c.name)
    ):
        known[application_id]["sheets"][name] = count
    for application_id, form, data in db.session.execute(
        sa.select(_answers.c.application_id, _answers.c.form, _answers.c.data).where(_answers.c.application_id.in_(ids))
    ):
        known[application_id]["answers"][form] = data
    for application_id, kind, key, state in db.session.execute(
        sa.select(Child.application_id, Child.kind, Child.key, Child.state)
        .where(Child.application_id.in_(ids))
        .order_by(Child.kind, Child.position)
    ):
        known[application_id]["children"].setdefault(kind, {})[key] = state
    for application_id, transition, left, came in db.session.execute(
        sa.select(Event.application_id, Event.transition, Event.from_state, Event.to_state)
        .where(Event.application_id.in_(ids), Event.subject.is_(None), Event.to_state.is_not(None))
        .where(Event.from_state.is_not(None))
        .order_by(Event.application_id, Event.seq)
    ):
        known[application_id]["steps"].append((transition, left, came))
    return {
        application_id: Standing(**{**facts, "timers": frozenset(facts["timers"]), "steps": tuple(facts["steps"])})
        for application_id, facts in known.items()
    }
