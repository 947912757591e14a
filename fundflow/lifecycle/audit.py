"""Whether the record is whole: every chain recomputed, every application compared with its last event.

Reports each break in a sentence and goes on; it changes nothing. What it cannot find is a record rewritten from some
event to the end with every hash made anew: for that, keep the heads it returns somewhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import canonical_json, db
from fundflow.errors import NotFound
from fundflow.lifecycle.models import Application, Command, Definition, Event
from fundflow.lifecycle.record import STARTED, Link, digest_of
from fundflow.workflow.loader import digest


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the record does not hold, in a sentence. `number` is the application's, or empty."""

    number: str
    seq: int | None
    says: str

    def __str__(self) -> str:
        return f"{self.number}: {self.says}" if self.number else self.says


@dataclass(slots=True)
class Report:
    """What was checked and every break that was found; `digest` is one hash over all heads, to be kept elsewhere."""

    applications: int = 0
    events: int = 0
    breaks: list[Break] = field(default_factory=list)
    digest: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.breaks

    @property
    def summary(self) -> str:
        """The whole check in one line, for a terminal."""
        checked = f"{self.applications} applications, {self.events} events"
        if self.breaks:
            return f"{checked}: {len(self.breaks)} breaks"
        return f"{checked}: every chain holds, digest {self.digest}"


Standing = sa.Row[UUID, str, str, str | None, int, str]
"""Id, number, state, outcome, revision and head of an application."""


def verify(application_id: UUID | None = None) -> Report:
    """Recompute the chain of one application, or of all; NotFound when there is no such application."""
    report = Report()
    heads = []
    known = set()
    for application, events in _chains(application_id):
        known.add(application.id)
        report.applications += 1
        report.events += len(events)
        report.breaks += _breaks(application, events)
        heads.append([application.number, application.head])
    if application_id is not None and not known:
        raise NotFound()
    report.breaks += _commands_without_event(application_id)
    if application_id is None:
        report.breaks += _altered_definitions()
    report.digest = hashlib.sha256(canonical_json(sorted(heads)).encode()).hexdigest()
    return report


def _chains(
    application_id: UUID | None,
) -> Iterator[tuple[Standing, list[Any]]]:
    """Every application with its events, a few thousand rows in memory at a time."""
    chosen = sa.true() if application_id is None else Application.id == application_id
    applications = db.session.execute(
        sa.select(
            Application.id,
            Application.number,
            Application.state,
            Application.outcome,
            Application.revision,
            Application.head,
        )
        .where(chosen)
        .order_by(Application.id)
    ).all()
    events = db.session.execute(
        sa.select(*Event.__table__.c)
        .where(sa.true() if application_id is None else Event.application_id == application_id)
        .order_by(Event.application_id, Event.seq)
        .execution_options(yield_per=2000)
    )
    grouped = groupby(events, key=lambda event: event.application_id)
    found = next(grouped, None)
    for application in applications:
        own: list[Any] = []
        if found is not None and found[0] == application.id:
            own = list(found[1])
            found = next(grouped, None)
        yield application, own


def _breaks(application: Standing, events: list[Any]) -> Iterator[Break]:
    def found(seq: int | None, says: str) -> Break:
        return Break(application.number, seq, says)

    if not events:
        yield found(None, "it has no events, not even its start.")
        return
    prev, state, last_at = "", None, None
    for expected, event in enumerate(events, start=1):
        if event.seq != expected:
            yield found(event.seq, f"event {expected} is missing; the next one kept is {event.seq}.")
            return
        if event.prev != prev:
            yield found(
                event.seq, f"event {event.seq} does not follow the event before it: one of the two was replaced."
            )
        if _link(event).hash(event.prev) != event.hash:
            yield found(event.seq, f"event {event.seq} ({event.transition}) was altered after it was written.")
        if event.payload is not None and digest_of(event.salt or "", event.payload) != event.payload_digest:
            yield found(event.seq, f"what was said with event {event.seq} ({event.transition}) was altered afterwards.")
        if event.payload is None and event.salt is None and event.payload_digest is not None:
            yield found(event.seq, f"what was said with event {event.seq} ({event.transition}) was removed.")
        if expected == 1 and event.transition != STARTED:
            yield found(event.seq, f"its first event is “{event.transition}”, not its start.")
        if event.from_state != state:
            yield found(event.seq, f"event {event.seq} leaves “{event.from_state}”, but it stood in “{state}”.")
        if last_at is not None and event.at <= last_at:
            yield found(event.seq, f"event {event.seq} is not later than the one before it.")
        prev, state, last_at = event.hash, event.to_state or event.from_state, event.at
    last = events[-1]
    if application.state != state:
        yield found(last.seq, f"it stands in “{application.state}”, but its last event left it in “{state}”.")
    if application.outcome != last.outcome:
        yield found(last.seq, f"its outcome is “{application.outcome}”, but its last event says “{last.outcome}”.")
    if application.revision != last.seq:
        yield found(last.seq, f"its revision is {application.revision}, but its last event is number {last.seq}.")
    if application.head != last.hash:
        yield found(
            last.seq, "its head is not the hash of its last event: an event at the end was removed or replaced."
        )


def _link(event: Any) -> Link:
    return Link(
        application_id=event.application_id,
        seq=event.seq,
        at=event.at,
        actor_id=event.actor_id,
        transition=event.transition,
        from_state=event.from_state,
        to_state=event.to_state,
        outcome=event.outcome,
        definition_sha=event.definition_sha,
        body=event.body,
        payload=event.payload,
        salt=event.salt,
        payload_digest=event.payload_digest,
        acting_for=event.acting_for,
        subject=event.subject,
    )


def _commands_without_event(application_id: UUID | None) -> Iterator[Break]:
    missing = (
        sa.select(Application.number, Command.key, Command.event_seq)
        .join(Application, Application.id == Command.application_id)
        .join(
            Event,
            sa.and_(
                Event.application_id == Command.application_id,
                Event.seq == Command.event_seq,
                Event.transition == Command.transition,
            ),
            isouter=True,
        )
        .where(Event.seq.is_(None), sa.true() if application_id is None else Command.application_id == application_id)
        .order_by(Application.number, Command.event_seq)
    )
    for number, key, seq in db.session.execute(missing):
        yield Break(number, seq, f"the command “{key}” was accepted as event {seq}, which is not kept.")


def _altered_definitions() -> Iterator[Break]:
    for row in db.session.execute(
        sa.select(Definition.sha256, Definition.workflow, Definition.version, Definition.files, Definition.templates)
    ):
        if digest(row.files, row.templates) != row.sha256:
            yield Break(
                "", None, f"the rules of {row.workflow}, version {row.version}, were altered after being pinned."
            )
