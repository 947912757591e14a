"""The record as a .zip file that an auditor can check without fundflow: events, ends, anchors, rules and a script.

Written a row at a time from one moment of the database. It has what was said as far as it was not erased, so it is as
confidential as the applications themselves.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow import clock
from fundflow.db import canonical_json, db
from fundflow.lifecycle import anchors, audit
from fundflow.lifecycle.models import Anchor, Application, Definition, Event

PIECE = 256 * 1024
VERIFIER = Path(__file__).with_name("verifier.py")
README = """The audit trail of {fund}, as it stood on {at}.

applications.jsonl  where each application stands
events.jsonl        everything that happened, by application; each event is chained to the one before by its digest
anchors.jsonl       the nightly anchors, each with the heads that changed since the one before
definitions.jsonl   the rules by which the events happened, under their digests
verify.py           checks all of this: python3 verify.py THIS_FILE.zip [ROOT ...]

A ROOT is one that was mailed to you. Give the script those you kept: whoever could rewrite this whole record could not
rewrite your mail. How the digests are made is told in docs/audit.md of fundflow, and in the script itself.
"""


class _Pipe:
    """What a .zip is written to before it goes on in pieces."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        self._held.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing to do: whoever takes, takes all."""

    def take(self) -> bytes:
        taken = b"".join(self._held)
        self._held, self.size = [], 0
        return taken


def count(chosen: sa.ColumnElement[bool]) -> int:
    """How many applications an export would have."""
    return db.session.execute(sa.select(sa.func.count()).select_from(Application).where(chosen)).scalar_one()


Parts = Iterable[tuple[str, Iterable[bytes]]]
"""Files by their names in the export, each in as many pieces as it takes."""


def pieces(
    chosen: sa.ColumnElement[bool],
    *,
    fund: str,
    readme: str = README,
    more: Callable[[Connection], Parts] = lambda _connection: (),
) -> Iterator[bytes]:
    """The export of the chosen applications, as it is made: nothing of it is held for longer than a piece.

    `more` adds files from the same moment of the database; `readme` then says what they are.
    """
    pipe = _Pipe()
    with (
        audit.one_moment() as connection,
        zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_DEFLATED) as whole,
    ):
        for name, rows in (
            ("applications.jsonl", _applications(connection, chosen)),
            ("events.jsonl", _events(connection, chosen)),
            ("anchors.jsonl", _anchors(connection)),
            ("definitions.jsonl", _definitions(connection, chosen)),
        ):
            with whole.open(name, "w", force_zip64=True) as out:
                for row in rows:
                    out.write((canonical_json(row) + "\n").encode())
                    if pipe.size > PIECE:
                        yield pipe.take()
        for name, content in more(connection):
            with whole.open(name, "w", force_zip64=True) as out:
                for piece in content:
                    out.write(piece)
                    if pipe.size > PIECE:
                        yield pipe.take()
        at = clock.now().isoformat(timespec="seconds")
        whole.writestr("README.txt", readme.format(fund=fund, at=at))
        whole.write(VERIFIER, "verify.py")
    yield pipe.take()


def write(out: IO[bytes], chosen: sa.ColumnElement[bool], *, fund: str) -> int:
    """Write the export into a file; how many applications it has."""
    for piece in pieces(chosen, fund=fund):
        out.write(piece)
    return count(chosen)


def _applications(connection: Connection, chosen: sa.ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    names = ("id", "number", "state", "outcome", "revision", "head")
    columns = [Application.__table__.c[name] for name in names]
    for row in connection.execute(sa.select(*columns).where(chosen).order_by(Application.number)):
        yield row._asdict()


def _events(connection: Connection, chosen: sa.ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    rows = (
        sa.select(*Event.__table__.c)
        .join(Application, Application.id == Event.application_id)
        .where(chosen)
        .order_by(Application.number, Event.application_id, Event.seq)
        .execution_options(yield_per=1000)
    )
    for row in connection.execute(rows):
        covered = audit.link_of(row).covered()
        yield {**covered, "prev": row.prev, "hash": row.hash, "payload": row.payload, "salt": row.salt}


def _anchors(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every anchor with the heads that changed since the one before; with none where its file is not to be had."""
    kept, before = anchors.files(), frozenset[anchors.Leaf]()
    for row in connection.execute(sa.select(*Anchor.__table__.c).order_by(Anchor.number)):
        said = {name: getattr(row, name) for name in ("day", "made_at", "previous", "count", "tree", "root")}
        leaves = frozenset[anchors.Leaf]()
        try:
            leaves = frozenset(anchors.read(kept[row.number]).leaves)
        except (KeyError, anchors.Unreadable):
            leaves = before
        yield {"anchor": row.number, **said, "leaves": sorted(leaves - before)}
        before = leaves


def _definitions(connection: Connection, chosen: sa.ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    used = (
        sa.select(Event.definition_sha)
        .join(Application, Application.id == Event.application_id)
        .where(chosen)
        .union(sa.select(Application.definition_sha).where(chosen))
    )
    names = ("sha256", "workflow", "version", "files", "templates")
    columns = [Definition.__table__.c[name] for name in names]
    for row in connection.execute(
        sa.select(*columns).where(Definition.sha256.in_(used)).order_by(Definition.workflow, Definition.version)
    ):
        yield row._asdict()
