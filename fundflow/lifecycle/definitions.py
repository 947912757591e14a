"""Published workflows: pinned by the digest of their texts, loaded once a process.

Refuses a stored text that no longer has the digest it was pinned under.
"""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from fundflow import clock
from fundflow.config import ROOT
from fundflow.db import db, inserting
from fundflow.errors import NotFound, Refused
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


def pin(workflow: Workflow) -> str:
    """Keep a workflow's texts for ever and return their digest; pinning the same texts again changes nothing."""
    db.session.connection().execute(
        inserting(Definition)
        .values(
            sha256=workflow.sha256,
            workflow=workflow.id,
            version=workflow.version,
            main=workflow.main,
            files=dict(workflow.files),
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )
    return workflow.sha256


def get(sha256: str) -> Workflow:
    """The workflow pinned under this digest, loaded once a process; NotFound where there is none."""
    known = _loaded.get(sha256)
    if known is not None:
        return known
    row = db.session.execute(
        sa.select(Definition.workflow, Definition.version, Definition.main, Definition.files).where(
            Definition.sha256 == sha256
        )
    ).first()
    if row is None:
        raise NotFound()
    with _loading:
        if sha256 not in _loaded:
            workflow = loader.load(row.files, row.main)
            if workflow.sha256 != sha256:
                raise AlteredDefinition(workflow=row.workflow, version=row.version)
            _loaded[sha256] = workflow
    return _loaded[sha256]


def shipped() -> list[Workflow]:
    """The workflows in `workflows/`, by file name, read again when one changed; loader.Problems when one is wrong."""
    texts = sorted(FOLDER.rglob("*.yaml"))
    stamp = tuple((str(path), path.stat().st_mtime_ns) for path in texts)
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        known = _shipped.get(path)
        if known is None or known[0] != stamp:
            known = _shipped[path] = (stamp, loader.read(path))
        found.append(known[1])
    return found
