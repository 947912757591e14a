"""A witness outside the database: every night one root over the heads of all applications, chained to the one before.

Whoever rewrites the end of a history, head and all, no longer agrees with the file that the night before left in the
anchors folder, nor with the root that was mailed to the auditors. Refuses to overwrite a file, ever.

An anchor's `tree` is the Merkle tree hash of RFC 6962 over its leaves, sorted by number: a leaf is sha256 of a zero
byte, the application's number and its head in hexadecimal, a node is sha256 of a one byte and its two children. Its
`root` is sha256 of the canonical JSON of everything else that it says, the root of the anchor before included.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.engine import Connection

from fundflow.config import Settings
from fundflow.db import begin_reading, canonical_json, db, inserting, instant, transaction
from fundflow.errors import Refused
from fundflow.jobs import worker
from fundflow.lifecycle.breaks import Break
from fundflow.lifecycle.models import Anchor, Application, Event

SECONDS = 300.0
"""How often a worker looks whether tonight's anchor was made."""
AT_ONCE = 500
"""How many heads are looked up in one statement."""

Leaf = tuple[str, int, str]
"""Number, revision and head of an application."""


class AnchorInTheWay(Refused):
    """{file} does not continue the anchors that the database knows, so none was made. Run: fundflow verify"""

    status = 500


@dataclass(frozen=True, slots=True)
class Witness:
    """An anchor as its file keeps it."""

    anchor: int
    day: str | None
    made_at: str
    previous: str
    count: int
    tree: str
    root: str
    leaves: Sequence[Leaf]

    def sealed(self) -> str:
        """The root that belongs to what it says."""
        return seal(self.anchor, self.day, self.made_at, self.previous, self.count, self.tree)

    @property
    def name(self) -> str:
        return f"anchor-{self.anchor:05}-{self.made_at[:10]}.json"


announcers: list[Callable[[Anchor], None]] = []


def announcer(run: Callable[[Anchor], None]) -> Callable[[Anchor], None]:
    """Tell somebody of every new anchor, in the transaction that makes it."""
    announcers.append(run)
    return run


def leaf_hash(number: str, head: str) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + number.encode() + head.encode()).digest()


def tree_hash(leaves: Sequence[bytes]) -> str:
    """RFC 6962's Merkle tree hash over leaf hashes, in hexadecimal: the left part is the largest power of two.

    Whole parts wait on a stack until another of their size joins them, so it takes no recursion.
    """
    parts: list[tuple[int, bytes]] = []
    for leaf in leaves:
        parts.append((1, leaf))
        while len(parts) > 1 and parts[-1][0] == parts[-2][0]:
            _join(parts)
    while len(parts) > 1:
        _join(parts)
    return (parts[0][1] if parts else hashlib.sha256(b"").digest()).hex()


def _join(parts: list[tuple[int, bytes]]) -> None:
    (size, right), (more, left) = parts.pop(), parts.pop()
    parts.append((size + more, hashlib.sha256(b"\x01" + left + right).digest()))


def seal(anchor: int, day: str | None, made_at: str, previous: str, count: int, tree: str) -> str:
    """The root: one hash over all that an anchor says."""
    said = {"anchor": anchor, "count": count, "day": day, "made_at": made_at, "previous": previous, "tree": tree}
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def nightly() -> Anchor | None:
    """Make the anchor of the present UTC day, unless it is made or there is nothing to witness.

    Every worker calls this; the day is a unique column, so however many there are, one anchor is made.
    """
    begin_reading()
    today = db.session.execute(sa.select(instant())).scalar_one().date()
    is_made = db.session.execute(sa.select(Anchor.number).where(Anchor.day == today)).first() is not None
    is_empty = db.session.execute(sa.select(Application.id).limit(1)).first() is None
    db.session.rollback()
    return None if is_made or is_empty else make(today)


def make(day: date | None = None) -> Anchor | None:
    """Make an anchor now: `day`'s, or one that somebody asks for; None where another worker is making it.

    In one transaction the row takes its number, the file is written and the mail is asked for. A file that was written
    by a transaction which then failed is taken over as it is: nothing outside is ever said twice in two ways.
    """
    while True:
        with transaction():
            last = db.session.execute(
                sa.select(Anchor.number, Anchor.root).order_by(Anchor.number.desc()).limit(1)
            ).first()
            number, previous = (last.number + 1, last.root) if last else (1, "")
            left = _left_behind(number, previous)
            witness = left or _witness(number, day, previous)
            row = _row(witness)
            if not _is_taken(row):
                db.session.rollback()
                if day is not None:
                    return None
                continue
            if left is None:
                _write(folder() / witness.name, witness)
            for run in announcers:
                run(row)
        if left is None or (day is not None and row.day == day):
            return row


def _is_taken(row: Anchor) -> bool:
    """Insert the row; False where its number or day is already there. Waits for whoever is just inserting it."""
    values = {name: getattr(row, name) for name in ("number", "day", "made_at", "previous", "count", "tree", "root")}
    taken = inserting(Anchor).values(**values).on_conflict_do_nothing().returning(Anchor.number)
    return db.session.connection().execute(taken).first() is not None


def _row(witness: Witness) -> Anchor:
    return Anchor(
        number=witness.anchor,
        day=date.fromisoformat(witness.day) if witness.day else None,
        made_at=datetime.fromisoformat(witness.made_at),
        previous=witness.previous,
        count=witness.count,
        tree=witness.tree,
        root=witness.root,
    )


def _witness(number: int, day: date | None, previous: str) -> Witness:
    made_at = db.session.execute(sa.select(instant())).scalar_one().isoformat(timespec="microseconds")
    rows = db.session.execute(sa.select(Application.number, Application.revision, Application.head))
    leaves = sorted((row.number, row.revision, row.head) for row in rows)
    tree = tree_hash([leaf_hash(name, head) for name, _, head in leaves])
    that_day = day.isoformat() if day else None
    root = seal(number, that_day, made_at, previous, len(leaves), tree)
    return Witness(number, that_day, made_at, previous, len(leaves), tree, root, leaves)


def folder() -> Path:
    """Where the files are kept."""
    settings: Settings = current_app.extensions["settings"]
    return settings.anchor_folder


def files() -> dict[int, Path]:
    """The files in the folder, by the number of their anchor."""
    found = {}
    for path in sorted(folder().glob("anchor-*.json")):
        number = path.name.split("-")[1]
        if number.isdigit():
            found[int(number)] = path
    return found


def _left_behind(number: int, previous: str) -> Witness | None:
    """The file of an anchor whose row was never committed; AnchorInTheWay where it is not the next of the chain."""
    path = files().get(number)
    if path is None:
        return None
    try:
        witness = read(path)
    except Unreadable:
        witness = None
    if witness is None or (witness.anchor, witness.previous) != (number, previous) or any(_flaws(witness)):
        raise AnchorInTheWay(file=path.name)
    return witness


class Unreadable(Exception):
    """Not the file of an anchor."""


def read(path: Path) -> Witness:
    """The anchor in a file; Unreadable where it is none."""
    try:
        said = json.loads(path.read_bytes())
        said["leaves"] = [(str(number), int(revision), str(head)) for number, revision, head in said["leaves"]]
        witness = Witness(**said)
        _row(witness)
        return witness
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise Unreadable(path.name) from problem


def _write(path: Path, witness: Witness) -> None:
    """Put the file in place, whole or not at all, and only where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {name: getattr(witness, name) for name in Witness.__slots__}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False, encoding="utf-8") as out:
        out.write(canonical_json(said) + "\n")
        out.flush()
        os.fsync(out.fileno())
    written = Path(out.name)
    try:
        written.chmod(0o444)
        os.link(written, path)
    finally:
        written.unlink()
    place = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def latest(limit: int) -> Sequence[Anchor]:
    """The last anchors, the newest first."""
    return db.session.scalars(sa.select(Anchor).order_by(Anchor.number.desc()).limit(limit)).all()


def breaks(connection: Connection, only: Collection[str] | None = None) -> Iterator[Break]:
    """Where anchors, their files and the events disagree; of the events, only those of these applications, or all.

    A head that an anchor repeats from the one before was looked up there, so this costs one look for each event that
    was ever a head, and holds two files at a time.
    """
    kept = files()
    previous, before = "", frozenset[Leaf]()
    for row in connection.execute(sa.select(*Anchor.__table__.c).order_by(Anchor.number)):
        path = kept.pop(row.number, None)
        try:
            witness = read(path) if path else None
        except Unreadable:
            yield Break("", None, f"the file of anchor {row.number} cannot be read as one.")
            previous = row.root
            continue
        if witness is None:
            yield Break("", None, f"anchor {row.number} has no file in the anchors folder: it was removed or moved.")
            previous = row.root
            continue
        for says in (*_flaws(witness), *_differences(witness, row), *_order(witness, previous)):
            yield Break("", None, f"anchor {row.number} {says}")
        leaves = frozenset(witness.leaves)
        asked = sorted(leaf for leaf in leaves - before if only is None or leaf[0] in only)
        yield from _rewritten(connection, witness, asked)
        previous, before = witness.root, leaves
    for number in kept:
        yield Break("", None, f"anchor {number} is in the anchors folder, but the database does not know it.")


def _flaws(witness: Witness) -> Iterator[str]:
    """What does not hold in a file by itself."""
    if witness.count != len(witness.leaves):
        yield f"says it covers {witness.count} applications, but its file has {len(witness.leaves)}."
    if any(one[0] >= other[0] for one, other in pairwise(witness.leaves)):
        yield "has its applications out of order."
    if tree_hash([leaf_hash(number, head) for number, _, head in witness.leaves]) != witness.tree:
        yield "was altered: its heads do not give its tree."
    if witness.sealed() != witness.root:
        yield "was altered: what it says does not give its root."


def _differences(witness: Witness, row: Any) -> Iterator[str]:
    kept = _row(witness)
    for name in ("number", "day", "made_at", "previous", "count", "tree", "root"):
        if getattr(kept, name) != getattr(row, name):
            yield f"has another {name} in the database than in its file."


def _order(witness: Witness, previous: str) -> Iterator[str]:
    if witness.previous != previous:
        yield "does not follow the anchor before it: one of the two was replaced."


def _rewritten(connection: Connection, witness: Witness, leaves: Sequence[Leaf]) -> Iterator[Break]:
    """The anchored heads that no event has any more."""
    on = witness.made_at[:10]
    for start in range(0, len(leaves), AT_ONCE):
        part = leaves[start : start + AT_ONCE]
        wanted = sa.tuple_(Application.number, Event.seq).in_([(number, revision) for number, revision, _ in part])
        rows = connection.execute(
            sa.select(Application.number, Event.seq, Event.hash)
            .join(Event, Event.application_id == Application.id)
            .where(wanted)
        )
        kept = {(row.number, row.seq): row.hash for row in rows}
        for number, revision, head in part:
            found = kept.get((number, revision))
            if found is None:
                says = f"event {revision}, which anchor {witness.anchor} saw on {on}, is gone."
                yield Break(number, revision, says)
            elif found != head:
                says = f"event {revision} is not the one that anchor {witness.anchor} saw on {on}: it was rewritten."
                yield Break(number, revision, says)


worker.periodic(nightly, SECONDS)
