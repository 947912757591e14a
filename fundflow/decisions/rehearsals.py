"""The letters of a decision before it is taken: the real command is fired, its papers and mails read, and all undone.

Nothing is kept: the whole runs in a transaction that is rolled back, and what it would have queued goes with it.
Refuses what the command itself would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import current_app

from fundflow import clock, documents, mail
from fundflow.accounts import queries as accounts
from fundflow.awards.kinds import KINDS
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import db
from fundflow.decisions.agenda import Line
from fundflow.jobs.models import Job
from fundflow.lifecycle import commands, definitions, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that the decision would make."""

    kind: str
    language: str
    facts: Mapping[str, Any]
    texts: Mapping[str, str]

    def html(self) -> str:
        """As a page."""
        return documents.html(KINDS[self.kind].template, self.facts, self.language, self.texts)

    def pdf(self) -> bytes:
        """As it would be printed, without the seal that only the real one gets."""
        return documents.render(KINDS[self.kind].template, self.facts, self.language, self.texts)


@dataclass(frozen=True, slots=True)
class Message:
    """A mail that the decision would send."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything that one decision would send, and in whose name."""

    papers: tuple[Paper, ...]
    messages: tuple[Message, ...]
    by: str


def rehearse(line: Line, viewer: Actor) -> Rehearsal:
    """Fire the decision of a line as whoever would release it, and undo it; the refusal where it would be refused."""
    assert line.item.transition is not None  # noqa: S101 - the caller shows a page without letters otherwise
    application_id, transition = line.application.id, line.item.transition
    texts = definitions.templates_of(line.application.definition_sha)
    reason = line.item.reason or None
    decider = _decider(line.application, transition, viewer)
    db.session.rollback()
    # The one transaction of a page that takes the write lock; it never commits.
    db.session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
    try:
        began = clock.now()
        queued = sa.select(Job.id, Job.payload).where(Job.kind == "mail.send", Job.created_at >= began)
        before = {row.id for row in db.session.execute(queued)}
        revision = db.session.get_one(Application, application_id).revision
        fired = commands.fire(
            application_id, transition, actor=decider, key=f"rehearsal:{uuid4()}", revision=revision, reason=reason
        )
        papers = tuple(
            Paper(each.kind, each.language, dict(each.facts), texts)
            for each in db.session.scalars(
                sa.select(Document)
                .where(Document.application_id == application_id, Document.event_seq >= fired.event_seq)
                .order_by(Document.kind, Document.language)
            )
        )
        link = f"/applications/{application_id}"
        payloads = [
            row.payload
            for row in db.session.execute(queued)
            if row.id not in before and row.payload.get("facts", {}).get("link") == link
        ]
    finally:
        db.session.rollback()
    settings: Settings = current_app.extensions["settings"]
    return Rehearsal(papers, tuple(_message(mail.compose(each, settings)) for each in payloads), decider.name)


def _message(composed: EmailMessage) -> Message:
    body = composed.get_body(("plain",))
    return Message(str(composed["To"]), str(composed["Subject"]), body.get_content() if body is not None else "")


def _decider(application: Application, transition: str, viewer: Actor) -> Actor:
    """The viewer where the decision is theirs to take, else the first of those whose it is."""
    workflow = definitions.get(application.definition_sha)
    roles = workflow.transitions[transition].by_from(application.state)
    if commands.roles_of(application, viewer) & roles:
        return viewer
    for name in sorted(roles & workflow.roles.keys()):
        for person in registry.members_of(application, workflow.roles[name]):
            found = accounts.actor_for(person.id)
            if commands.roles_of(application, found) & roles:
                return found
    return viewer
