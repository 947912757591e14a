"""The evidence of one application as one .zip file: the case to read, its files, its trail, its money, the verifier.

Written from one moment of the database, a piece at a time. It holds what its reader may see of the application and no
other form; content that is lost is named in place of being left out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow import storage
from fundflow.accounts.models import User
from fundflow.applications.models import File, SentAnswers
from fundflow.awards.models import Document
from fundflow.db import canonical_json
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle import export
from fundflow.lifecycle.models import Application, Event
from fundflow.payments.models import Payment
from fundflow.web.csv import cell

README = """The evidence of one application to {fund}, as it stood on {at}.

case.html           what was asked and answered, and what happened, to be read in any browser
answers/            each form exactly as it was sent, by the number of its event
files/              what was handed in with the forms
documents/          the agreement and the letters
ledger/             every movement of its money and every payment; event_seq is the event that caused it
people.csv          who the identifiers in the trail are
SHA256SUMS          the digest of each file above: sha256sum -c SHA256SUMS

applications.jsonl, events.jsonl, anchors.jsonl, definitions.jsonl
                    the trail, each event chained to the one before by its digest
verify.py           checks the trail: python3 verify.py THIS_FILE.zip [ROOT ...]

A ROOT is one that was mailed to you. The events carry the digests of the sent answers ("sent") and of the documents
("documents") among their notes, so that what verify.py finds whole holds for those files as well. Keep this file as
you keep the applications: it has what people wrote.
"""


def pieces(application: Application, *, fund: str, forms: Collection[str], page: str) -> Iterator[bytes]:
    """The .zip file with these forms and this page as ``case.html``, as it is made."""
    identity = application.id
    return export.pieces(
        Application.id == identity,
        fund=fund,
        readme=README,
        more=lambda connection: _parts(connection, identity, forms, page),
    )


def _parts(connection: Connection, application_id: UUID, forms: Collection[str], page: str) -> export.Parts:
    sums: dict[str, str] = {}

    def counted(name: str, content: Iterable[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in content:
            digest.update(piece)
            yield piece
        sums[name] = digest.hexdigest()

    yield "case.html", counted("case.html", [page.encode()])
    for make in (_answers, _uploads, _documents):
        for name, content in make(connection, application_id, forms):
            yield name, counted(name, content)
    for name, rows in _tables(connection, application_id):
        yield name, counted(name, [_csv(rows)])
    yield "SHA256SUMS", ["".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()]


def _answers(connection: Connection, application_id: UUID, forms: Collection[str]) -> export.Parts:
    sent = SentAnswers.__table__.c
    rows = connection.execute(
        sa.select(sent.event_seq, sent.form, sent.data)
        .where(sent.application_id == application_id)
        .order_by(sent.event_seq, sent.form)
    )
    for row in rows:
        if row.form in forms:
            yield f"answers/{row.event_seq:04d}-{_plain(row.form)}.json", [canonical_json(row.data).encode()]


def _uploads(connection: Connection, application_id: UUID, forms: Collection[str]) -> export.Parts:
    file = File.__table__.c
    rows = connection.execute(
        sa.select(*file).where(file.application_id == application_id).order_by(file.form, file.field, file.created_at)
    )
    for row in rows:
        if row.form in forms:
            folder = f"files/{_plain(row.form)}/{_plain(row.field)}"
            yield _kept(f"{folder}/{str(row.id)[:8]}-{_plain(row.name)}", row.sha256)


def _documents(connection: Connection, application_id: UUID, _forms: Collection[str]) -> export.Parts:
    document = Document.__table__.c
    rows = connection.execute(
        sa.select(document.kind, document.language, document.event_seq, document.sha256)
        .where(document.application_id == application_id, document.sha256.is_not(None))
        .order_by(document.event_seq, document.kind, document.language)
    )
    for row in rows:
        yield _kept(f"documents/{row.event_seq:04d}-{_plain(row.kind)}-{_plain(row.language)}.pdf", row.sha256)


def _kept(name: str, sha256: str) -> tuple[str, Iterable[bytes]]:
    """The content under its name; where it is lost, a note of that under the name with ``.lost.txt``."""
    try:
        return name, storage.stream(sha256)
    except storage.ContentLost:
        return f"{name}.lost.txt", [f"The content with the SHA-256 {sha256} cannot be found any more.\n".encode()]


def _tables(connection: Connection, application_id: UUID) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    people: set[UUID] = set()

    def found(select: sa.Select[*tuple[Any, ...]]) -> list[Mapping[str, Any]]:
        return [dict(row) for row in connection.execute(select).mappings()]

    for name, table in (("ledger/entries.csv", LedgerEntry), ("ledger/payments.csv", Payment)):
        columns = table.__table__.c
        rows = found(
            sa.select(*columns)
            .where(columns.application_id == application_id)
            .order_by(columns.event_seq, columns.created_at, columns.id)
        )
        people |= {row["recorded_by"] for row in rows if row.get("recorded_by")}
        yield name, rows
    event, user = Event.__table__.c, User.__table__.c
    for column in (event.actor_id, event.acting_for):
        people |= set(
            connection.scalars(sa.select(column).where(event.application_id == application_id, column.is_not(None)))
        )
    yield "people.csv", found(sa.select(user.id, user.name).where(user.id.in_(people)).order_by(user.id))


def _csv(rows: list[Mapping[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if rows:
        writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return out.getvalue().encode()


def _plain(name: str) -> str:
    """A name that no file system and no archive takes for a path."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".")[:80] or "unnamed"
