"""Documents: a template of ours and JSON facts become one file that is PDF/A-3a and PDF/UA-1, with the facts in it.

Refuses a template with a fact missing, every address outside templates/agreements, files that a page would carry along,
and a document that takes too long or too much memory; it is printed in a process of its own, so none of these can take
the server down. The same facts, template and fonts give the same bytes: a document may be rendered again at any time.

A document of the fund is sealed with its certificate, and `verify` says of any file whether it is one.

A document of an application is made from the texts that its workflow was pinned with: the functions take them as
`texts`, by path below `templates/`, and read the disk without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.db import canonical_json
from fundflow.documents.archive import FACTS
from fundflow.documents.certificates import Certificate, SealUnusable
from fundflow.documents.printing import Press, RenderFailed, press
from fundflow.documents.reports import SealReport, SealState
from fundflow.documents.seals import Sealed, require_seal, seal, verify
from fundflow.documents.templates import (
    FOLDER,
    MissingFact,
    Texts,
    UnknownTemplate,
    digest,
    html,
    languages,
    style_of,
    template_sha256,
    texts,
)
from fundflow.documents.typesetting import own_files, to_pdf
from fundflow.documents.words import in_words, written_day

__all__ = [
    "FACTS",
    "FOLDER",
    "Certificate",
    "MissingFact",
    "Press",
    "RenderFailed",
    "SealReport",
    "SealState",
    "SealUnusable",
    "Sealed",
    "UnknownTemplate",
    "digest",
    "html",
    "in_words",
    "languages",
    "own_files",
    "press",
    "render",
    "require_seal",
    "seal",
    "template_sha256",
    "texts",
    "to_pdf",
    "verify",
    "written_day",
]


def render(
    template: str,
    facts: Mapping[str, Any],
    language: str,
    texts: Texts | None = None,
    *,
    images: Mapping[str, bytes] | None = None,
    to_be_sealed: bool = False,
) -> bytes:
    """The PDF, with the facts attached. MissingFact and RenderFailed are its only refusals; it may take two minutes.

    One that is `to_be_sealed` has the field that the seal goes into.
    """
    page = html(template, facts, language, texts, images or {})
    return press.print(page, style_of(template, texts), canonical_json(facts), to_be_sealed=to_be_sealed)
