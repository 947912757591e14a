"""What `fundflow verify` asks of documents: that their facts and files are those that the events tell of."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from fundflow.awards.models import Document
from fundflow.documents import digest
from fundflow.lifecycle.breaks import Break, check, unreadable
from fundflow.lifecycle.models import Application, Event


@check
def documents(connection: Connection, chosen: sa.ColumnElement[bool], files: bool) -> Iterator[Break]:
    """The facts are under the digest that the asking event has; the file under the one that a later event has."""
    asked, telling = aliased(Event), aliased(Event)
    rows = connection.execute(
        sa.select(*Document.__table__.c, Application.number, asked.body.label("asked"), telling.body.label("telling"))
        .join(Application, Application.id == Document.application_id)
        .outerjoin(asked, sa.and_(asked.application_id == Document.application_id, asked.seq == Document.event_seq))
        .outerjoin(
            telling, sa.and_(telling.application_id == Document.application_id, telling.seq == Document.told_seq)
        )
        .where(chosen)
        .order_by(Application.number, Document.event_seq, Document.language)
        .execution_options(yield_per=200)
    )
    for row in rows:
        what = f"the document {row.kind} ({row.language}) of event {row.event_seq}"
        told = [
            effect["facts_sha256"].get(row.language)
            for effect in (row.asked or {}).get("effects", ())
            if effect.get("document") == row.kind and "facts_sha256" in effect
        ]
        if row.facts_sha256 not in told:
            yield Break(row.number, row.event_seq, f"{what} has other facts than the event tells of.")
        elif digest(row.facts) != row.facts_sha256:
            yield Break(row.number, row.event_seq, f"{what} had its facts altered afterwards.")
        kept = [
            each["sha256"]
            for note in (row.telling or {}).get("notes", ())
            for each in note.get("documents", ())
            if (each["document"], each["language"], each["event"]) == (row.kind, row.language, row.event_seq)
        ]
        if row.told_seq is not None and row.sha256 not in kept:
            yield Break(row.number, row.event_seq, f"{what} has another file than event {row.told_seq} tells of.")
        if files and row.sha256 is not None and (why := unreadable(row.sha256)):
            yield Break(row.number, row.event_seq, f"{what} {why}")
