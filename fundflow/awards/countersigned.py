"""What a countersigned agreement says, as JSON: the very facts of the file that was signed, and who signed it how.

There is none before everyone has signed one and the same file. Refuses where the words of the agreement were changed
since it was issued: then a new print would not be what was signed.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fundflow.accounts import queries as people
from fundflow.awards.models import Document
from fundflow.awards.refusals import WordsChanged
from fundflow.db import db
from fundflow.documents import MissingFact
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Event, Signature
from fundflow.lifecycle.registry import EffectContext

FRAME = "grant_agreement."


def countersigned(ctx: EffectContext, language: str) -> dict[str, Any]:
    """The facts of the signed agreement, with `signed`, what that was, and `signed_by`, in the order of signing."""
    found = _signed(ctx)
    if found is None:
        raise MissingFact(document="countersigned agreement", fact="signatures")
    document, given = found
    if _words(ctx.workflow.templates) != _words(
        definitions.templates_of(_event(ctx, document.event_seq).definition_sha)
    ):
        raise WordsChanged()
    return {
        **document.facts,
        "signed": {"sha256": document.sha256, "facts_sha256": document.facts_sha256, "event": document.event_seq},
        "signed_by": [_given(ctx, row, language) for row in given],
    }


def language_signed(ctx: EffectContext) -> str | None:
    """The language of the file that was signed; None where nobody signed, as when administrators let it go on."""
    found = _signed(ctx)
    return found[0].language if found else None


def _signed(ctx: EffectContext) -> tuple[Document, list[Signature]] | None:
    """The file and its signatures, in the state that this event leaves."""
    mine = sa.and_(Signature.application_id == ctx.application.id, Signature.state == ctx.from_state)
    rows = list(db.session.scalars(sa.select(Signature).where(mine).order_by(Signature.event_seq)))
    state = ctx.workflow.states.get(ctx.from_state or "")
    asked = set(state.signatures.parties) if state and state.signatures else set()
    if not rows or {row.party for row in rows} != asked or len({row.sha256 for row in rows}) != 1:
        return None
    document = db.session.scalars(
        sa.select(Document).where(
            Document.application_id == ctx.application.id,
            Document.sha256 == rows[0].sha256,
            Document.kind == "agreement",
        )
    ).first()
    return None if document is None else (document, rows)


def _given(ctx: EffectContext, row: Signature, language: str) -> dict[str, Any]:
    told = _event(ctx, row.event_seq).payload or {}
    proof, mark = told.get("proof", {}), told.get("mark", {})
    person = people.person(row.signed_by)
    assert person is not None  # noqa: S101 - the row refers to it
    signatures = ctx.workflow.states[row.state].signatures
    assert signatures is not None  # noqa: S101 - _signed asked for them
    role = ctx.workflow.roles[signatures.parties[row.party]]
    return {
        "party": row.party,
        "side": "city" if role.kind == "team" else "fund",
        "role": role.label.in_(language),
        "name": row.name,
        "account": person.name,
        "at": row.signed_at.isoformat(timespec="seconds"),
        "zone": person.timezone,
        "method": proof.get("method", ""),
        "proven_at": proof.get("at", ""),
        "address": proof.get("address", ""),
        "agent": proof.get("agent", ""),
        "made": row.made,
        "image": mark.get("image", ""),
        "event": row.event_seq,
    }


def _event(ctx: EffectContext, seq: int) -> Event:
    return db.session.scalars(
        sa.select(Event).where(Event.application_id == ctx.application.id, Event.seq == seq)
    ).one()


def _words(texts: Any) -> dict[str, str]:
    """The texts of the agreement itself among those that a workflow was pinned with."""
    return {path: text for path, text in texts.items() if path.rpartition("/")[2].startswith(FRAME)}
