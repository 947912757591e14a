"""What workflows may cause here: the effect `document`, what is signed, and in later events what was printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.awards import queries, service
from fundflow.awards.kinds import KINDS
from fundflow.lifecycle import registry
from fundflow.lifecycle.registry import EffectContext, effect, entering
from fundflow.workflow.checker import Printed

registry.document_templates.update(service.TEMPLATES)
registry.document_prints.update({name: Printed(prints=kind.prints, asks=kind.asks) for name, kind in KINDS.items()})
registry.paper(queries.paper_of)


@effect("document")
def ask_for_document(ctx: EffectContext, asked: Any) -> Mapping[str, Any]:
    """Keep the facts of the decision and ask for the document; the event keeps the digests of facts and template."""
    return service.ask(ctx, asked.document)


@entering
def tell_digests_of_documents(ctx: EffectContext) -> Mapping[str, Any] | None:
    """Put the digest of every file that was printed since the last event into this one."""
    return service.tell_digests(ctx)
