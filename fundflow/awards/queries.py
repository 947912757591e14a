"""Reading documents; the only way from an address to one of them.

What a person may not read is answered like what does not exist.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from fundflow.awards import policy
from fundflow.awards.models import Document
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application


def documents_of(actor: Actor, application: Application) -> list[Document]:
    """The documents of an application that the actor may read, newest first; also those still being prepared."""
    query = (
        sa.select(Document)
        .join(Application, Application.id == Document.application_id)
        .where(Document.application_id == application.id, policy.documents_seen_by(actor))
        .order_by(Document.event_seq.desc(), Document.kind, Document.language)
    )
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


def paper_of(application: Application, kind: str) -> str | None:
    """The digest of the newest document of this kind in the language that prevails; None until that is printed.

    English prevails where it exists, as the agreements say; else the first language does.
    """
    query = (
        sa.select(Document.sha256)
        .where(Document.application_id == application.id, Document.kind == kind)
        .order_by(Document.event_seq.desc(), Document.language != "en", Document.language)
        .limit(1)
    )
    return db.session.scalars(query).first()


def document_for(actor: Actor, document_id: UUID) -> tuple[Document, Application]:
    """The document and its application if the actor may read it, or NotFound."""
    row = db.session.execute(
        sa.select(Document, Application)
        .join(Application, Application.id == Document.application_id)
        .where(Document.id == document_id, policy.documents_seen_by(actor))
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1]
