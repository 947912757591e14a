"""The balances of many applications and of their rounds, read once and moved along with every entry.

Kept only inside `db.reading_ahead`: by a page, where nothing changes meanwhile, and by commands that follow each other
in one transaction and have locked the rounds. Outside it each command reads its own anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db, kept_ahead
from fundflow.ledger.models import HOLDERS, DonorLine, LedgerBalance
from fundflow.lifecycle.models import Application

_KEPT = ("ledger",)


class Book:
    """What stands in each account of these applications, and what is available in their rounds."""

    def __init__(self, applications: Collection[UUID]) -> None:
        self._applications = frozenset(applications)
        self._places: dict[UUID, int] = {}
        self._held: dict[UUID, dict[str, dict[UUID, int]]] = {}

    def covers(self, application_id: UUID) -> bool:
        return application_id in self._applications

    def put(self, holder_id: UUID, line_id: UUID, account: str, minor: int) -> None:
        """Note a balance; lines are noted in their order."""
        self._places.setdefault(line_id, len(self._places))
        self._held.setdefault(holder_id, {}).setdefault(account, {})[line_id] = minor

    def move(self, application_id: UUID | None, round_id: UUID | None, account: str, line_id: UUID, minor: int) -> None:
        """Let an entry change what stands in one of its accounts."""
        holder_id = {"application_id": application_id, "round_id": round_id, "line_id": line_id}[HOLDERS[account]]
        if holder_id is not None:
            lines = self._held.setdefault(holder_id, {}).setdefault(account, {})
            self._places.setdefault(line_id, len(self._places))
            lines[line_id] = lines.get(line_id, 0) + minor

    def of(self, application_id: UUID, round_id: UUID) -> dict[str, dict[UUID, int]]:
        """What the application holds, by account and line, and what is available in its round; the lines in order."""
        accounts = {
            **self._held.get(application_id, {}),
            "available": self._held.get(round_id, {}).get("available", {}),
        }
        return {
            account: {
                line_id: lines[line_id] for line_id in sorted(lines, key=self._places.__getitem__) if lines[line_id]
            }
            for account, lines in accounts.items()
        }


def kept() -> Book | None:
    """The book of the present block, where one was opened."""
    ahead = kept_ahead()
    return None if ahead is None else ahead.get(_KEPT)


def open_for(applications: Collection[Application]) -> None:
    """Read the balances of all of these at once, for as long as the present block reads ahead."""
    ahead = kept_ahead()
    if ahead is None:
        return
    rounds = {application.round_id for application in applications}
    ids = [application.id for application in applications]
    rows = db.session.connection().execute(
        sa.select(DonorLine.id, LedgerBalance.holder_id, LedgerBalance.account, LedgerBalance.minor)
        .join(
            LedgerBalance,
            sa.and_(
                LedgerBalance.line_id == DonorLine.id,
                sa.or_(
                    LedgerBalance.holder_id.in_(ids),
                    sa.and_(LedgerBalance.holder_id.in_(rounds), LedgerBalance.account == "available"),
                ),
            ),
        )
        .order_by(DonorLine.position, DonorLine.created_at, DonorLine.id)
    )
    book = ahead[_KEPT] = Book(ids)
    for line_id, holder_id, account, minor in rows:
        book.put(holder_id, line_id, account, minor)


def follow(
    application_id: UUID | None, round_id: UUID | None, credit: str, debit: str, shares: Mapping[UUID, int]
) -> None:
    """Move the balances of the book, where one is open, as the database moves its own."""
    book = kept()
    if book is not None:
        for line_id, minor in shares.items():
            book.move(application_id, round_id, credit, line_id, -minor)
            book.move(application_id, round_id, debit, line_id, minor)
