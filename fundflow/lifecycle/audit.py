"""Whether the record is whole: every chain recomputed, replayed and compared with the rows, the files and the anchors.

Reports each break in a sentence and goes on; it changes nothing. It reads one moment of the database, an application at
a time, so it may run beside a site at work. What it cannot find is a history rewritten from some event to its end
before any anchor saw it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import anchors
from fundflow.lifecycle.breaks import Break, checks
from fundflow.lifecycle.models import Anchor, Application, Command, Definition, Event
from fundflow.lifecycle.record import ERASED, STARTED, Link, digest_of
from fundflow.lifecycle.replay import ITS, Replay, rows_beside
from fundflow.workflow.loader import digest

__all__ = ["Break", "Report", "one_moment", "verify"]

Which = UUID | sa.ColumnElement[bool] | None
"""One application by its id, those that a clause over applications chooses, or all."""


@dataclass(slots=True)
class Report:
    """What was checked and every break that was found.

    `digest` is the Merkle tree hash over the heads of what was checked: for all applications, the `tree` of an anchor
    made at this moment. `erased` counts the payloads that an event says were erased.
    """

    applications: int = 0
    events: int = 0
    erased: int = 0
    anchors: int = 0
    breaks: list[Break] = field(default_factory=list)
    digest: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.breaks

    @property
    def summary(self) -> str:
        """The whole check in one line, for a terminal."""
        checked = f"{self.applications} applications, {self.events} events, {self.anchors} anchors"
        if self.erased:
            checked += f", {self.erased} payloads erased"
        if self.breaks:
            return f"{checked}: {len(self.breaks)} breaks"
        return f"{checked}: every chain holds, digest {self.digest}"


def verify(which: Which = None, *, files: bool = False) -> Report:
    """Check one application, those that a clause chooses, or all; NotFound when there is no application of that id.

    With `files` the stored files are read too and compared with their digests, which takes as long as reading them.
    """
    chosen = Application.id == which if isinstance(which, UUID) else sa.true() if which is None else which
    report = Report()
    heads: list[tuple[str, str]] = []
    with one_moment() as connection:
        for part in (
            _chains(connection, chosen, report, heads),
            _commands_without_event(connection, chosen),
            _altered_definitions(connection) if which is None else (),
            *(run(connection, chosen, files) for run in checks),
        ):
            report.breaks += _as_far_as_readable(part)
        if isinstance(which, UUID) and not report.applications:
            raise NotFound()
        report.anchors = connection.execute(sa.select(sa.func.count()).select_from(Anchor)).scalar_one()
        checked = None if which is None else {number for number, _ in heads}
        report.breaks += _as_far_as_readable(anchors.breaks(connection, checked))
    heads.sort()
    report.digest = anchors.tree_hash([anchors.leaf_hash(number, head) for number, head in heads])
    return report


@contextmanager
def one_moment() -> Iterator[Connection]:
    """A connection of its own on which every statement sees the database as it was at the first; nothing is written."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            yield connection.execution_options(sqlite_begin="DEFERRED")


def _as_far_as_readable(part: Iterable[Break]) -> Iterator[Break]:
    """These breaks; where a stored value cannot be what its column holds, that is one more, and the part ends there."""
    last = ""
    try:
        for found in part:
            last = f" after {found.number}" if found.number else ""
            yield found
    except (ValueError, TypeError, AttributeError, LookupError) as problem:
        yield Break("", None, f"something{last} cannot be read any more, a value was damaged: {problem}")


def _chains(
    connection: Connection, chosen: sa.ColumnElement[bool], report: Report, heads: list[tuple[str, str]]
) -> Iterator[Break]:
    """Check every chain and its replay, an event at a time, and take down each application's number and head."""
    about = [column for column in Application.__table__.c if column.key in ITS]
    rows = connection.execute(
        sa.select(*(column.label(f"its_{column.key}") for column in about), *Event.__table__.c)
        .join(Event, Event.application_id == Application.id, isouter=True)
        .where(chosen)
        .order_by(Application.id, Event.seq)
        .execution_options(yield_per=1000)
    )
    beside = rows_beside(connection, chosen)
    for _, own in groupby(rows, key=lambda row: row.its_id):
        events = iter(own)
        first = next(events)
        report.applications += 1
        heads.append((first.its_number, first.its_head))
        yield from _breaks(first, events, report, beside.of(first.its_id))


def _breaks(first: Any, rest: Iterator[Any], report: Report, beside: Any) -> Iterator[Break]:
    """What does not hold in one chain. After a gap nothing more can be said of it."""
    number = first.its_number
    if first.seq is None:
        yield Break(number, None, "it has no events, not even its start.")
        return
    replay = Replay(first, beside)
    prev, last_at, expected = "", None, 0
    absent: set[int] = set()
    erased: set[int] = set()

    def found(says: str) -> Break:
        return Break(number, event.seq, says)

    event = first
    while event is not None:
        expected += 1
        report.events += 1
        name = f"event {event.seq} ({event.transition})"
        if event.seq != expected:
            yield found(f"event {expected} is missing; the next one kept is {event.seq}.")
            for _ in rest:
                report.events += 1
            return
        if event.prev != prev:
            yield found(f"event {event.seq} does not follow the event before it: one of the two was replaced.")
        if link_of(event).hash(event.prev) != event.hash:
            yield found(f"{name} was altered after it was written.")
        kept = (event.payload is not None, event.salt is not None, event.payload_digest is not None)
        if kept == (False, False, True):
            absent.add(event.seq)
        elif any(kept) and (not all(kept) or digest_of(event.salt, event.payload) != event.payload_digest):
            yield found(f"what was said with {name} was altered afterwards.")
        if expected == 1 and event.transition != STARTED:
            yield found(f"its first event is “{event.transition}”, not its start.")
        if last_at is not None and event.at <= last_at:
            yield found(f"event {event.seq} is not later than the one before it.")
        if event.transition == ERASED:
            erased |= {seq for seq in event.body.get("events", ()) if isinstance(seq, int) and seq < event.seq}
        for says in replay.after(event):
            yield found(says)
        prev, last_at = event.hash, event.at
        event = next(rest, None)
    report.erased += len(absent & erased)
    for seq in sorted(absent - erased):
        yield Break(number, seq, f"what was said with event {seq} was removed, and no event says that it was erased.")
    for seq in sorted(erased - absent):
        yield Break(number, seq, f"what was said with event {seq} was erased, but it is there again.")
    for says in replay.end():
        yield Break(number, expected, says)
    if first.its_head != prev:
        says = "its head is not the hash of its last event: an event at the end was removed or replaced."
        yield Break(number, expected, says)


def link_of(event: Any) -> Link:
    """What the hash of a kept event covers, from its row."""
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


def _commands_without_event(connection: Connection, chosen: sa.ColumnElement[bool]) -> Iterator[Break]:
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
        .where(Event.seq.is_(None), chosen)
        .order_by(Application.number, Command.event_seq)
    )
    for number, key, seq in connection.execute(missing):
        yield Break(number, seq, f"the command “{key}” was accepted as event {seq}, which is not kept.")


def _altered_definitions(connection: Connection) -> Iterator[Break]:
    for row in connection.execute(
        sa.select(Definition.sha256, Definition.workflow, Definition.version, Definition.files, Definition.templates)
    ):
        if digest(row.files, row.templates) != row.sha256:
            yield Break(
                "", None, f"the rules of {row.workflow}, version {row.version}, were altered after being pinned."
            )
