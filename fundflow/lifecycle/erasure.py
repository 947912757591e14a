"""Erasing what was said: payloads of an application's events, so that its chain still holds and tells of the erasure.

Refuses while the application runs: what was said in it is still what people are held to. What was erased cannot be had
back: with the payload goes its salt, so nobody can try out what the digest in the chain stood for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.jobs.models import Job
from fundflow.lifecycle import acts, signing
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.claims import Held
from fundflow.lifecycle.models import Event, Override
from fundflow.lifecycle.record import ERASED


class StillRuns(Refused):
    """{number} still runs: duties and money depend on what was said in it. It can be erased when it has ended."""


class NothingToErase(Refused):
    """There is nothing left to erase in {number}."""


class NoSuchEvents(Refused):
    """{number} has no event {seqs} with anything to erase."""

    status = 404


def erase(
    application_id: UUID,
    *,
    key: str,
    reason: str,
    seqs: Collection[int] | None = None,
    said_by: UUID | None = None,
) -> int:
    """Erase what was said with these events, with those of one person, or with all, in the caller's transaction.

    The event `erased` names their numbers; `reason` is kept with it and must name nobody. How many were erased; the
    same key again erases nothing more. Raises NotFound, StillRuns, NoSuchEvents, NothingToErase.
    """
    erased: list[int] = []

    def change(held: Held, _facts: Any) -> Mapping[str, Any]:
        number = held.application.number
        if held.application.outcome is None:
            raise StillRuns(number=number)
        erased.extend(_erasable(application_id, said_by))
        if seqs is not None:
            if missing := sorted(set(seqs) - set(erased)):
                raise NoSuchEvents(number=number, seqs=", ".join(map(str, missing)))
            erased[:] = sorted(set(seqs))
        if not erased:
            raise NothingToErase(number=number)
        _remove(application_id, number, erased, everything=seqs is None and said_by is None)
        return {"events": erased, **({"person": said_by} if said_by else {})}

    acts.record(application_id, ERASED, "", key=key, actor=SYSTEM, reason=reason, change=change)
    return len(erased)


def _erasable(application_id: UUID, said_by: UUID | None) -> list[int]:
    wanted = sa.select(Event.seq).where(
        Event.application_id == application_id, Event.payload.is_not(None), Event.transition != ERASED
    )
    if said_by is not None:
        wanted = wanted.where(sa.or_(Event.actor_id == said_by, Event.acting_for == said_by))
    return list(db.session.scalars(wanted.order_by(Event.seq)))


def _remove(application_id: UUID, number: str, seqs: list[int], *, everything: bool) -> None:
    """The payloads, and what else repeats them: signatures, wishes to override, and with all of it the mails."""
    session = db.session
    session.execute(
        sa.update(Event)
        .where(Event.application_id == application_id, Event.seq.in_(seqs))
        .values(payload=None, salt=None)
        .execution_options(synchronize_session=False)
    )
    signing.forget(application_id, seqs)
    of_events = sa.true() if everything else Override.event_seq.in_(seqs)
    session.execute(
        sa.update(Override)
        .where(Override.application_id == application_id, of_events)
        .values(reason="", input={}, answer=None)
        .execution_options(synchronize_session=False)
    )
    if everything:
        empty_mails(_said(Job.payload, "facts", "number") == number)
    session.expire_all()


def empty_mails(which: sa.ColumnElement[bool]) -> None:
    """Forget what these messages said and to whom, once they were sent or given up."""
    db.session.execute(
        sa.update(Job)
        .where(Job.kind == "mail.send", sa.or_(Job.done_at.is_not(None), Job.dead_at.is_not(None)), which)
        .values(payload={}, last_error=None)
        .execution_options(synchronize_session=False)
    )


def sent_to(email: str) -> sa.ColumnElement[bool]:
    """The messages to one address, as a clause over jobs."""
    clause: sa.ColumnElement[bool] = _said(Job.payload, "email") == email
    return clause


def _said(column: Any, *path: str) -> Any:
    return sa.type_coerce(column, sa.JSON)[path].as_string()


__all__ = ["NotFound", "NothingToErase", "StillRuns", "empty_mails", "erase", "sent_to"]
