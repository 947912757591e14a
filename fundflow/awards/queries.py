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
    """The digest of the newest document of this kind in the language that prevails; None until that is printed."""
    found = text_of_record(application, kind)
    return None if found is None else found.sha256


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


def text_of_record(application: Application, kind: str) -> Document | None:
    """The one file of a kind that is signed: of the newest set the English text, else the first by language.

    None where none was asked for. It may still be being printed; an older one does not stand in for it.
    """
    return db.session.scalars(
        sa.select(Document)
        .where(Document.application_id == application.id, Document.kind == kind)
        .order_by(Document.event_seq.desc(), sa.case((Document.language == "en", 0), else_=1), Document.language)
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def languages_of(document: Document) -> int:
    """In how many languages the document exists that this is the text of record of."""
    same = sa.select(sa.func.count()).where(
        Document.application_id == document.application_id,
        Document.kind == document.kind,
        Document.event_seq == document.event_seq,
    )
    return db.session.scalars(same).one()
