"""What messages and documents are made of, as far as the checker must know: their languages and what they print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from jinja2 import nodes

from fundflow import documents as papers
from fundflow import mail
from fundflow.lifecycle import registry
from fundflow.workflow.checker import Printed

GIVEN = frozenset({*mail.NOTIFY_FACTS, "name", "fund", "site", "zone"})
"""What every message about an application may print."""
SOURCE = "en"
"""The language that messages are written in; all others come from the catalogue."""


def messages() -> dict[str, Printed]:
    """Every message a workflow may name; read again when one of them or a catalogue changed."""
    read = [*mail.FOLDER.rglob("*.txt"), *mail.CATALOGUES.rglob("*.mo")]
    return dict(_messages(tuple((str(path), path.stat().st_mtime_ns) for path in sorted(read))))


@lru_cache(maxsize=2)
def _messages(_stamp: tuple[tuple[str, int], ...]) -> dict[str, Printed]:
    return {name: message(name) for name in sorted(mail.names()) if "/" not in name}


def documents() -> dict[str, Printed]:
    """Every kind of document that some feature makes."""
    return {
        kind: replace(registry.document_prints.get(kind, Printed()), languages=frozenset(papers.languages(template)))
        for kind, template in registry.document_templates.items()
    }


def message(name: str) -> Printed:
    """One message as it stands on the disk now."""
    missing = mail.untranslated(name)
    return replace(
        _printed(mail.parsed(name)),
        languages=frozenset({SOURCE, *(language for language, sentences in missing.items() if not sentences)}),
        untranslated={language: sentences for language, sentences in missing.items() if sentences},
    )


def written(text: str, translations: Mapping[str, frozenset[str]]) -> Printed:
    """One message as a person wrote it, with the sentences that each language has a translation of."""
    template, wanted = mail.read(text)
    missing = {
        language: tuple(each for each in wanted if each not in known) for language, known in translations.items()
    }
    return replace(
        _printed(template),
        languages=frozenset({SOURCE, *(language for language, sentences in missing.items() if not sentences)}),
        untranslated={language: sentences for language, sentences in missing.items() if sentences},
    )


def _printed(template: nodes.Template) -> Printed:
    paths = list(_paths(template, frozenset()))
    return Printed(
        prints=frozenset(path for path, _ in paths),
        reads=frozenset(path for path, guarded in paths if not guarded),
        given=GIVEN,
    )


def _paths(node: nodes.Node, guarded: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Every fact that is printed or asked for, and whether it is so only where it is known to be there."""
    match node:
        case nodes.If(test=test, body=body, elif_=elif_, else_=else_):
            yield from _paths(test, guarded | set(_defined(test)))
            for each in body:
                yield from _paths(each, guarded | set(_defined(test)))
            for each in (*elif_, *else_):
                yield from _paths(each, guarded)
        case nodes.Test(name="defined"):
            return
        case nodes.Getattr(node=nodes.Name(name=root, ctx="load"), attr=attribute):
            yield f"{root}.{attribute}", f"{root}.{attribute}" in guarded
        case nodes.Name(name=root, ctx="load"):
            if root not in ("gettext", "ngettext", "_"):
                yield root, root in guarded
        case _:
            for each in node.iter_child_nodes():
                yield from _paths(each, guarded)


def _defined(test: nodes.Node) -> Iterator[str]:
    """What a condition makes sure of: all parts of an `and`."""
    match test:
        case nodes.And(left=left, right=right):
            yield from _defined(left)
            yield from _defined(right)
        case nodes.Test(name="defined", node=nodes.Getattr(node=nodes.Name(name=root), attr=attribute)):
            yield f"{root}.{attribute}"
        case nodes.Test(name="defined", node=nodes.Name(name=root)):
            yield root
