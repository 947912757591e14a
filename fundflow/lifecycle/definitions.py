"""Published workflows: pinned by the digest of their texts, loaded once a process.

The texts are the workflow file, its forms, and every mail and document it names with what these are built on. Refuses
to pin a workflow whose mail or document does not exist, and a stored text that no longer has the digest it was pinned
under.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from fundflow import clock, documents, mail
from fundflow.config import ROOT
from fundflow.db import db, inserting
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Application, Definition
from fundflow.lifecycle.refusals import shorten
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow

FOLDER = ROOT / "workflows"
OTHERS = FOLDER / "examples"

_loaded: dict[str, Workflow] = {}
_shipped: dict[Path, tuple[tuple[tuple[str, int], ...], Workflow]] = {}
_remembered: list[str] = []
_loading = threading.Lock()

MOST_REMEMBERED = 32
"""How many versions that are not kept a process holds on to: drafts are planned with again and again."""


class AlteredDefinition(Refused):
    """The rules of {workflow}, version {version}, were altered after they were pinned, so nothing is done by them.

    Nothing but a hand in the database can cause this; restore the row from a backup.
    """

    status = 500


class MissingTemplate(Refused):
    """{workflow} names the message or document “{template}”, which does not exist in templates/; write it first."""

    status = 422


class NoSuchVersion(Refused):
    """There is no version “{name}” here; write its digest or name@version, as `fundflow definitions` lists them."""

    status = 404


class ManyVersions(Refused):
    """“{name}” can be any of these: {found}; write the digest of the one you mean."""


def pin(workflow: Workflow) -> str:
    """Publish a workflow: keep its texts for ever and return their digest. Texts that are kept change nothing again.

    The one door through which rules come in. MissingTemplate where it names a message or document that does not exist,
    `proof.Unproven` while the check finds an error in it, or a warning that nobody accepted.
    """
    from fundflow.lifecycle import proof

    workflow = complete(workflow)
    if not _is_kept(workflow.sha256):
        proof.prove(workflow)
    return keep(workflow)


def _is_kept(sha256: str) -> bool:
    return db.session.scalar(sa.select(sa.true()).where(Definition.sha256 == sha256)) is not None


def keep(workflow: Workflow) -> str:
    """Store the texts without any proof. Only `pin` calls it, behind the proof, and tests whose toys prove nothing."""
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


def complete(workflow: Workflow, given: Mapping[str, str] | None = None) -> Workflow:
    """The workflow with the texts of its mails and documents as they stand now, where it does not have them yet.

    Texts that are `given`, by path below `templates/`, take the place of those that stand here.
    """
    if workflow.templates:
        return workflow
    given = given or {}
    templates: dict[str, str] = {}
    for kind, name in _named(workflow):
        try:
            if kind == "mail":
                templates |= mail.texts(name)
            else:
                templates |= documents.texts(registry.document_templates.get(name, name))
        except (mail.UnknownTemplate, documents.UnknownTemplate):
            if kind == "mail" and f"mail/{name}.txt" in given:
                continue
            raise MissingTemplate(workflow=workflow.id, template=name) from None
    templates |= given
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


@dataclass(frozen=True, slots=True)
class Pinned:
    """One pinned version: how many rounds have it, and how many of its applications have not ended."""

    sha256: str
    workflow: str
    version: int
    rounds: int
    applications: int


def listed() -> list[Pinned]:
    """Every pinned version, by name and number, the oldest of a number first."""
    rounds = sa.table("rounds", sa.column("definition_sha", sa.Text))
    counted = (
        sa.select(sa.func.count()).select_from(rounds).where(rounds.c.definition_sha == Definition.sha256),
        sa.select(sa.func.count()).where(
            Application.definition_sha == Definition.sha256, Application.outcome.is_(None)
        ),
    )
    rows = db.session.execute(
        sa.select(
            Definition.sha256, Definition.workflow, Definition.version, *(each.scalar_subquery() for each in counted)
        ).order_by(Definition.workflow, Definition.version, Definition.created_at, Definition.sha256)
    )
    return [Pinned(*row) for row in rows]


def find(name: str) -> Workflow:
    """A pinned version by its digest, the first characters of it (four at least), or as ``small-grant@3``.

    NoSuchVersion where there is none, ManyVersions where there are several.
    """
    workflow, at, version = name.partition("@")
    if at:
        is_it = sa.and_(
            Definition.workflow == workflow, Definition.version == (int(version) if version.isdigit() else -1)
        )
    elif re.fullmatch(r"[0-9a-f]{4,64}", name):
        is_it = Definition.sha256.startswith(name)
    else:
        raise NoSuchVersion(name=shorten(name))
    found = db.session.scalars(sa.select(Definition.sha256).where(is_it).order_by(Definition.sha256)).all()
    if not found:
        raise NoSuchVersion(name=shorten(name))
    if len(found) > 1:
        raise ManyVersions(name=name, found=", ".join(sha256[:12] for sha256 in found))
    return get(found[0])


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


def remember(workflow: Workflow) -> Workflow:
    """The complete workflow, from now on also found by its digest in this process, though nothing of it is kept yet."""
    found = complete(workflow)
    with _loading:
        if found.sha256 not in _loaded:
            _remembered.append(found.sha256)
            for sha256 in _remembered[:-MOST_REMEMBERED]:
                # One that was pinned since is loaded again when it is asked for.
                _remembered.remove(sha256)
                _loaded.pop(sha256, None)
        return _loaded.setdefault(found.sha256, found)


def shipped() -> list[Workflow]:
    """The workflows in `workflows/`, by file name, with their mails and documents, read again when a text changed.

    loader.Problems when one is wrong, MissingTemplate where one names what does not exist.
    """
    return _carried(FOLDER)


def of_other_funds() -> list[Workflow]:
    """The workflows in `workflows/examples/`, for funds of other kinds to begin from; a round cannot choose them."""
    return _carried(OTHERS)


def _carried(folder: Path) -> list[Workflow]:
    texts = sorted([*FOLDER.rglob("*.yaml"), *mail.FOLDER.rglob("*.txt"), *documents.FOLDER.rglob("*.*")])
    stamp = tuple((str(path), path.stat().st_mtime_ns) for path in texts)
    found = []
    for path in sorted(folder.glob("*.yaml")):
        known = _shipped.get(path)
        if known is None or known[0] != stamp:
            known = _shipped[path] = (stamp, complete(loader.read(path)))
        found.append(known[1])
    return found
