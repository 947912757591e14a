"""The versions of an agreement, and what differs between two of them, line by line.

Each agreement that was made is a version of the plan: its facts are kept for good under their digest. Refuses nothing;
a table that only one of the two has was added or removed as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fundflow.awards.models import Document
from fundflow.db import db
from fundflow.lifecycle.models import Application

AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class Version:
    """One agreement: its number among them, the document, and what it changed of the one before."""

    number: int
    document: Document
    changes: list[dict[str, Any]]


def number(application: Application, version: int) -> str:
    """What the agreement is called: the first has no ending."""
    return f"GA-{application.number}" + (f"/{version}" if version > 1 else "")


def count(application: Application) -> int:
    """How many versions there are."""
    made = sa.select(sa.func.count(sa.distinct(Document.event_seq))).where(
        Document.application_id == application.id, Document.kind == AGREEMENT
    )
    return db.session.scalar(made) or 0


def latest(application: Application) -> Document | None:
    """The newest version, in any language."""
    return db.session.scalars(_made(application).order_by(Document.event_seq.desc()).limit(1)).first()


def last_two(application: Application, language: str) -> tuple[Document | None, Document | None]:
    """The version before the newest, and the newest, in a language."""
    newest = db.session.scalars(_made(application, language).order_by(Document.event_seq.desc()).limit(2)).all()
    return (newest[1] if len(newest) > 1 else None), (newest[0] if newest else None)


def versions_of(application: Application, language: str) -> list[Version]:
    """Every version, the newest first; in this language, or in the one that prevails where it was not made in it."""
    spoken = language if db.session.scalar(sa.select(sa.exists(_made(application, language).subquery()))) else "en"
    made = db.session.scalars(_made(application, spoken).order_by(Document.event_seq)).all()
    before: Mapping[str, Any] | None = None
    found = []
    for position, document in enumerate(made, start=1):
        found.append(Version(position, document, [] if before is None else changes(before, document.facts)))
        before = document.facts
    return found[::-1]


def _made(application: Application, language: str | None = None) -> sa.Select[Document]:
    made = sa.select(Document).where(Document.application_id == application.id, Document.kind == AGREEMENT)
    return made if language is None else made.where(Document.language == language)


def changes(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the second says otherwise: `part` (grant, time, budget, payments or table), `of` which table, `label` the
    line, `field` the column, and the values before and after with their kind; empty where a line came or went.
    """
    found = [
        _change(part, "", "", name, kind, was.get(name), becomes.get(name))
        for part, name, kind in (("grant", "amount", "money"), ("time", "starts_on", "day"), ("time", "ends_on", "day"))
    ]
    found += _lines("budget", "", was["budget"], becomes["budget"])
    old, new = was["payments"], becomes["payments"]
    for at in range(max(len(old), len(new))):
        one, other = (old[at] if at < len(old) else {}), (new[at] if at < len(new) else {})
        for name, kind in (("amount", "money"), ("due_on", "day"), ("condition", "text")):
            found.append(_change("payments", "", str(at + 1), name, kind, one.get(name), other.get(name)))
    titles = list(dict.fromkeys(table["label"] for facts in (was, becomes) for table in facts["tables"]))
    for title in titles:
        tables: list[Mapping[str, Any]] = [
            next((table for table in facts["tables"] if table["label"] == title), {"columns": [], "rows": []})
            for facts in (was, becomes)
        ]
        found += _lines("table", title, *tables)
    return [each for each in found if each is not None]


def _lines(part: str, title: str, was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    """Lines are known by their texts; their figures are compared."""
    old, new = dict(_rows(was)), dict(_rows(becomes))
    found = []
    for label in dict.fromkeys([*old, *new]):
        one, other = old.get(label, {}), new.get(label, {})
        for name in dict.fromkeys([*one, *other]):
            kind = (one or other)[name][0]
            values = [row[name][1] if name in row else None for row in (one, other)]
            found.append(_change(part, title, label, name, kind, *values))
    return found


def _rows(table: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, tuple[str, Any]]]]:
    columns: Sequence[Mapping[str, Any]] = table["columns"]
    seen: dict[str, int] = {}
    for row in table["rows"]:
        cells = list(zip(columns, row, strict=True))
        label = " · ".join(str(cell) for column, cell in cells if column["kind"] == "text" and cell)
        seen[label] = seen.get(label, 0) + 1
        figures = {c["label"]: (c["kind"], cell) for c, cell in cells if c["kind"] != "text"}
        yield (label if seen[label] == 1 else f"{label} ({seen[label]})"), figures or {"": ("text", label)}


def _change(part: str, of: str, label: str, field: str, kind: str, was: Any, becomes: Any) -> dict[str, Any] | None:
    before, after = ("" if value is None else value for value in (was, becomes))
    if before == after:
        return None
    return {"part": part, "of": of, "label": label, "field": field, "kind": kind, "was": before, "becomes": after}
