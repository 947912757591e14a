"""What the checker is told beside a workflow file: this installation, its people, its versions, its live applications.

Reads everything and judges nothing; whoever calls has begun a transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import UtcDateTime, db
from fundflow.lifecycle import definitions, printing, registry
from fundflow.lifecycle.models import Application, Definition, Event
from fundflow.lifecycle.standings import standings
from fundflow.workflow.checker import Context, Directory, Installation, Life
from fundflow.workflow.definition import Workflow

BATCH = 200
"""Applications that are read at once."""

_rounds = sa.table(
    "rounds",
    *(sa.column("title", sa.Text), sa.column("status", sa.Text), sa.column("definition_sha", sa.Text)),
    sa.column("closes_at", UtcDateTime),
)


def of(workflow: Workflow) -> Context:
    """All of it, as far as it concerns this workflow."""
    earlier = versions(workflow)
    life, acted = _lives(earlier)
    return Context(
        directory=directory(),
        installation=installation(),
        earlier=earlier,
        life=life,
        acted=acted,
        today=clock.now().date(),
    )


def installation() -> Installation:
    """What the features of this installation provide, and the messages and documents that it has."""
    return Installation(
        effects=frozenset(registry.effects),
        facts=frozenset(registry.facts) | registry.OWN_FACTS,
        role_kinds=frozenset(registry.role_tests),
        messages=printing.messages(),
        documents=printing.documents(),
    )


def directory() -> Directory:
    """The people as they are now; nobody where no feature knows any."""
    return next((read() for read in registry.directories), Directory())


def versions(workflow: Workflow) -> tuple[Workflow, ...]:
    """Those of this name that are published, the oldest first, without this very text."""
    found = db.session.execute(
        sa.select(Definition.sha256, Definition.files)
        .where(Definition.workflow == workflow.id)
        .order_by(Definition.version, Definition.created_at, Definition.sha256)
    )
    return tuple(definitions.get(row.sha256) for row in found.all() if row.files != dict(workflow.files))


def _lives(earlier: Sequence[Workflow]) -> tuple[dict[str, Life], Counter[str]]:
    found: dict[str, Life] = {}
    acted: Counter[str] = Counter()
    for old in earlier:
        live = sa.and_(Application.definition_sha == old.sha256, Application.outcome.is_(None))
        final = [state.id for state in old.states.values() if state.is_final]
        query = sa.select(Application).where(live, Application.state.not_in(final)).order_by(Application.id)
        states, answers, sheets, timers = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        for applications in _batches(query):
            for standing in standings(applications).values():
                states[standing.state] += 1
                states.update(f"{kind}.{at}" for kind, each in standing.children.items() for at in each.values())
                for form, data in standing.answers.items():
                    answers.update(f"{form}.{name}" for name, given in data.items() if given not in (None, "", [], {}))
                sheets.update(dict(standing.sheets))
                timers.update(standing.timers)
            ids = [each.id for each in applications]
            bodies = db.session.scalars(sa.select(Event.body["roles"]).where(Event.application_id.in_(ids)))
            acted.update(role for roles in bodies if isinstance(roles, list) for role in roles)
        rounds = db.session.scalars(
            sa.select(_rounds.c.title)
            .where(_rounds.c.definition_sha == old.sha256, _rounds.c.status == "published")
            .where(_rounds.c.closes_at > clock.now())
            .order_by(_rounds.c.title)
        )
        life = Life(states=states, answers=answers, sheets=sheets, timers=timers, rounds=tuple(rounds))
        if states or life.rounds:
            found[old.sha256] = life
    return found, acted


def _batches(query: sa.Select[Application]) -> Iterator[Sequence[Application]]:
    last = None
    while True:
        part = query if last is None else query.where(Application.id > last)
        applications = db.session.scalars(part.limit(BATCH)).all()
        if not applications:
            return
        yield applications
        last = applications[-1].id
