"""Published workflows: pinned by the digest of their texts, loaded once a process.

The texts are the workflow file, its forms, and every mail and document it names with what these are built on. Refuses
to pin a workflow whose mail or document does not exist, and a stored text that no longer has the digest it was pinned
under.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from fundflow import clock, documents, mail
from fundflow.config import ROOT
from fundflow.db import db, inserting
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Definition
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow

FOLDER = ROOT / "workflows"

_loaded: dict[str, Workflow] = {}
_shipped: dict[Path, tuple[tuple[tuple[str, int], ...], Workflow]] = {}
_loading = threading.Lock()


class AlteredDefinition(Refused):
    """The rules of {workflow}, version {version}, were altered after they were pinned, so nothing is done by them.

    Nothing but a hand in the database can cause this; restore the row from a backup.
    """

    status = 500


class MissingTemplate(Refused):
    """{workflow} names the message or document “{template}”, which does not exist in templates/; write it first."""

    status = 422


def pin(workflow: Workflow) -> str:
    """Keep a workflow's texts for ever and return their digest; pinning the same texts again changes nothing.

    MissingTemplate where it names a message or document that does not exist.
    """
    workflow = complete(workflow)
    db.session.connection().execute(
        inserting(Definition)
        .values(
            sha256=workflow.sha256,
            workflow=workflow.id,
            version=workflow.version,
            main=workflow.main,
            files=dict(workflow.files),
            templates=dict(workflow.templates),
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )
    return workflow.sha256


def complete(workflow: Workflow) -> Workflow:
    """The workflow with the texts of its mails and documents as they stand now, where it does not have them yet."""
    if workflow.templates:
        return workflow
    templates: dict[str, str] = {}
    for kind, name in _named(workflow):
        try:
            if kind == "mail":
                templates |= mail.texts(name)
            else:
                templates |= documents.texts(registry.document_templates.get(name, name))
        except (mail.UnknownTemplate, documents.UnknownTemplate):
            raise MissingTemplate(workflow=workflow.id, template=name) from None
    return replace(workflow, templates=templates, sha256=loader.digest(workflow.files, templates))


def _named(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Every mail and document that a workflow names."""
    for transition in workflow.every_transition():
        for effect in transition.do:
            if effect.notify:
                yield "mail", effect.notify
            if effect.document:
                yield "document", effect.document
    for timer in workflow.timers.values():
        for name in (timer.remind_with, timer.overdue_with, timer.escalate.template if timer.escalate else None):
            if name:
                yield "mail", name
    for state in workflow.states.values():
        if state.signatures is not None:
            yield "document", state.signatures.document


@mail.pinned_texts
def templates_of(sha256: str) -> Mapping[str, str]:
    """The texts of mails and documents that a workflow was pinned with, by path below `templates/`."""
    return get(sha256).templates


def get(sha256: str) -> Workflow:
    """The workflow pinned under this digest, loaded once a process; NotFound where there is none."""
    known = _loaded.get(sha256)
    if known is not None:
        return known
    row = db.session.execute(
        sa.select(
            Definition.workflow, Definition.version, Definition.main, Definition.files, Definition.templates
        ).where(Definition.sha256 == sha256)
    ).first()
    if row is None:
        raise NotFound()
    with _loading:
        if sha256 not in _loaded:
            workflow = loader.load(row.files, row.main)
            found = loader.digest(workflow.files, row.templates)
            workflow = replace(workflow, templates=row.templates, sha256=found)
            if workflow.sha256 != sha256:
                raise AlteredDefinition(workflow=row.workflow, version=row.version)
            _loaded[sha256] = workflow
    return _loaded[sha256]


def shipped() -> list[Workflow]:
    """The workflows in `workflows/`, by file name, with their mails and documents, read again when a text changed.

    loader.Problems when one is wrong, MissingTemplate where one names what does not exist.
    """
    texts = sorted([*FOLDER.rglob("*.yaml"), *mail.FOLDER.rglob("*.txt"), *documents.FOLDER.rglob("*.*")])
    stamp = tuple((str(path), path.stat().st_mtime_ns) for path in texts)
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        known = _shipped.get(path)
        if known is None or known[0] != stamp:
            known = _shipped[path] = (stamp, complete(loader.read(path)))
        found.append(known[1])
    return found
