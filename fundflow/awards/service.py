"""Asking for a document in the transaction of a decision, and making it later in a job.

Refuses a document whose facts are incomplete before anything of the decision is kept. Making one twice changes nothing.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import pikepdf
import sqlalchemy as sa

from fundflow import clock, documents, jobs, storage
from fundflow.awards import countersigned
from fundflow.awards.kinds import KINDS
from fundflow.awards.models import Document
from fundflow.awards.refusals import UnknownDocument
from fundflow.db import begin_reading, db
from fundflow.errors import Refused
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application, Event
from fundflow.lifecycle.registry import EffectContext

TEMPLATES = {name: kind.template for name, kind in KINDS.items()}
"""The template of each kind of document that a workflow may name."""
PREVAILS = "en"
"""The language whose text counts where a document exists in several, as the agreement itself says."""


def ask(ctx: EffectContext, kind: str) -> dict[str, Any]:
    """Keep the facts of a document, one row for every language it exists in, and a job for each.

    MissingFact, NoAmount and PlanDiffers refuse the whole decision. Returns the digests that the event keeps.
    """
    if kind not in TEMPLATES:
        raise UnknownDocument(document=kind)
    template, texts = TEMPLATES[kind], ctx.workflow.templates
    template_sha256 = documents.template_sha256(texts)
    digests: dict[str, str] = {}
    for language in _languages(ctx, kind):
        said = KINDS[kind].facts(ctx, language)
        digests[language] = documents.digest(said)
        # Filled in once now, without printing: a hole in the facts must stop the decision, not a job after it.
        documents.html(template, said, language, texts)
        document = Document(
            id=uuid4(),
            application_id=ctx.application.id,
            kind=kind,
            language=language,
            event_seq=ctx.event_seq,
            template_sha256=template_sha256,
            facts=said,
            facts_sha256=digests[language],
        )
        db.session.add(document)
        jobs.enqueue("document.render", {"document_id": str(document.id)}, f"document:{ctx.key()}:{kind}:{language}")
    return {"document": kind, "template_sha256": template_sha256, "facts_sha256": digests}


def _languages(ctx: EffectContext, kind: str) -> tuple[str, ...]:
    """The languages of the workflow in which the document exists, and English, which counts where there are several.

    A workflow that does not speak a language could not be read in it by its city: its forms, conditions and reports
    would stand in another one in the midst of the text. That a template exists is no reason to print it for everybody.
    """
    exist = documents.languages(KINDS[kind].template, ctx.workflow.templates)
    if KINDS[kind].is_signed:
        return tuple(language for language in exist if language == countersigned.language_signed(ctx))
    wanted = {PREVAILS, *ctx.workflow.languages}
    return tuple(language for language in exist if language in wanted) or exist[:1]


@jobs.handler("document.render")
def render(payload: dict[str, Any]) -> None:
    """Print, seal and keep one document.

    A full disk, a broken rendering process and a seal that cannot be used are raised, so that the job comes again; a
    document that takes a seal is never kept without one.
    """
    document_id = UUID(payload["document_id"])
    begin_reading()
    document = db.session.get_one(Document, document_id)
    kind, said, language = KINDS[document.kind], document.facts, document.language
    is_done = document.rendered_at is not None
    texts = _texts_of(document)
    db.session.rollback()  # printing takes seconds: no transaction may stay open for so long
    if is_done:
        return
    if kind.is_sealed:
        documents.require_seal()
    images = {each["image"]: storage.get(each["image"]) for each in said.get("signed_by", ()) if each["image"]}
    printed = documents.render(kind.template, said, language, texts, images=images, to_be_sealed=kind.is_sealed)
    sealed = documents.seal(printed) if kind.is_sealed else None
    kept = storage.put(sealed.content if sealed else printed)
    db.session.execute(
        sa.update(Document)
        .where(Document.id == document_id, Document.rendered_at.is_(None))
        .values(
            rendered_at=clock.now(),
            sha256=kept.sha256,
            size=kept.size,
            printed_sha256=hashlib.sha256(printed).hexdigest(),
            sealed_at=sealed.at if sealed else None,
            seal_sha256=sealed.seal_sha256 if sealed else None,
        )
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def _texts_of(document: Document) -> Mapping[str, str]:
    """The texts of the rules that the event which asked for it was decided by, wherever the application is by now."""
    definition_sha = db.session.execute(
        sa.select(Event.definition_sha).where(
            Event.application_id == document.application_id, Event.seq == document.event_seq
        )
    ).scalar_one()
    return definitions.templates_of(definition_sha)


def tell_digests(ctx: EffectContext) -> dict[str, Any] | None:
    """The digests of the files printed since the event before: what makes each part of the chain of events."""
    if ctx.from_state not in _after_a_document(ctx.workflow.sha256):
        return None  # the states before any document cost nothing
    fresh = db.session.execute(
        sa.update(Document)
        .where(
            Document.application_id == ctx.application.id,
            Document.rendered_at.is_not(None),
            Document.told_seq.is_(None),
        )
        .values(told_seq=ctx.event_seq)
        .returning(Document.kind, Document.language, Document.event_seq, Document.sha256)
        .execution_options(synchronize_session=False)
    ).all()
    if not fresh:
        return None
    listed = sorted(tuple(row) for row in fresh)
    return {
        "documents": [
            {"document": kind, "language": language, "event": event, "sha256": sha256}
            for kind, language, event, sha256 in listed
        ]
    }


@lru_cache(maxsize=64)
def _after_a_document(definition_sha: str) -> frozenset[str]:
    """The states of a workflow that an application can be in when it has a document."""
    workflow = definitions.get(definition_sha)
    steps = workflow.transitions.values()
    reached: set[str] = set()
    for step in steps:
        if any(effect.kind == "document" for effect in step.do):
            reached |= {step.destination(source) or source for source in step.sources}
    while True:
        more = {step.destination(s) or s for step in steps for s in step.sources if s in reached} - reached
        if not more:
            return frozenset(reached)
        reached |= more


def pages(sha256: str) -> int:
    """How many pages a kept file has; 0 where it cannot be read, which whoever opens it is told."""
    try:
        return _pages(sha256)
    except (Refused, pikepdf.PdfError):
        return 0


@lru_cache(maxsize=256)
def _pages(sha256: str) -> int:
    """Counted once: content under a digest never changes."""
    with pikepdf.open(io.BytesIO(storage.get(sha256))) as file:
        return len(file.pages)


def is_sound(document: Document, application: Application) -> bool:
    """Whether the row, its facts and the kept file still agree with each other."""
    if documents.digest(document.facts) != document.facts_sha256 or document.application_id != application.id:
        return False
    return document.sha256 is None or hashlib.sha256(storage.get(document.sha256)).hexdigest() == document.sha256
