"""Where the record does not hold, each place in a sentence, and the further checks that features add to `audit`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow import storage


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the record does not hold, in a sentence. `number` is the application's, or empty."""

    number: str
    seq: int | None
    says: str

    def __str__(self) -> str:
        return f"{self.number}: {self.says}" if self.number else self.says


Check = Callable[[Connection, sa.ColumnElement[bool], bool], Iterator[Break]]
"""Given a connection that sees one moment of the database, a clause over applications, and whether to open files."""

checks: list[Check] = []


def check(run: Check) -> Check:
    """Have `audit.verify` compare this feature's rows with the events that they go back to."""
    checks.append(run)
    return run


def unreadable(sha256: str) -> str:
    """What is wrong with the content kept under this digest, as the end of a sentence; empty where it is itself."""
    try:
        storage.get(sha256)
    except storage.ContentLost:
        return "is lost, or is not what was kept under its digest."
    except storage.StorageDown:
        return "cannot be read now: the place where files are kept does not answer."
    return ""
