"""What `fundflow verify` asks of applications: that sent answers are those the events tell of, and files are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.applications.models import File, SentAnswers
from fundflow.db import canonical_json
from fundflow.lifecycle.breaks import Break, check, unreadable
from fundflow.lifecycle.models import Application, Event


@check
def sent_answers(connection: Connection, chosen: sa.ColumnElement[bool], files: bool) -> Iterator[Break]:
    """Each form that an event says was sent is kept under the digest that the event has, and no other."""
    rows = connection.execute(
        sa.select(Application.number, Event.seq, Event.body, SentAnswers.form, SentAnswers.data, SentAnswers.sha256)
        .join(Event, Event.application_id == Application.id)
        .outerjoin(
            SentAnswers,
            sa.and_(SentAnswers.application_id == Event.application_id, SentAnswers.event_seq == Event.seq),
        )
        .where(chosen)
        .order_by(Application.number, Event.seq)
        .execution_options(yield_per=1000)
    )
    for (number, seq), own in groupby(rows, key=lambda row: (row.number, row.seq)):
        kept = list(own)
        told = {form: sha256 for note in kept[0].body.get("notes", ()) for form, sha256 in note.get("sent", {}).items()}
        forms = {row.form: row for row in kept if row.form is not None}
        for form in sorted(told.keys() | forms.keys()):
            row = forms.get(form)
            if row is None:
                yield Break(number, seq, f"the answers of “{form}” that were sent with event {seq} are not kept.")
            elif row.sha256 != told.get(form):
                yield Break(number, seq, f"the answers of “{form}” kept for event {seq} are not those it tells of.")
            elif hashlib.sha256(canonical_json(row.data).encode()).hexdigest() != row.sha256:
                yield Break(number, seq, f"the answers of “{form}” sent with event {seq} were altered afterwards.")


@check
def uploaded_files(connection: Connection, chosen: sa.ColumnElement[bool], files: bool) -> Iterator[Break]:
    """With `files`: the content of every uploaded file is kept, and is itself."""
    if not files:
        return
    rows = connection.execute(
        sa.select(Application.number, File.name, File.sha256)
        .join(Application, Application.id == File.application_id)
        .where(chosen)
        .order_by(Application.number, File.name)
    )
    for number, name, sha256 in rows:
        if why := unreadable(sha256):
            yield Break(number, None, f"the file “{name}” {why}")
