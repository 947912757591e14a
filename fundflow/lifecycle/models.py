"""What the lifecycle keeps: definitions, applications, commands, events, collected facts, children, timers, outages.

An application's state, outcome, revision and head change only together, by a command; nothing else may write them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow import clock
from fundflow.db import Identified, Model
from fundflow.lifecycle.record import rejoined


class Definition(Model):
    """A published workflow with its forms, mails and documents, immutable, named by the digest of their texts."""

    __tablename__ = "definitions"

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    workflow: Mapped[str]
    version: Mapped[int]
    main: Mapped[str]
    files: Mapped[dict[str, Any]]
    templates: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The texts of the mails and documents that it names, by path below `templates/`."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (sa.UniqueConstraint("workflow", "version", "sha256"),)


class DefinitionChange(Identified, Model):
    """One person's wish to give an open round another version of its rules, and what a second one answered."""

    __tablename__ = "definition_changes"

    round_id: Mapped[UUID] = mapped_column(sa.ForeignKey("rounds.id"))
    old_sha: Mapped[str] = mapped_column(sa.ForeignKey("definitions.sha256"))
    new_sha: Mapped[str] = mapped_column(sa.ForeignKey("definitions.sha256"))
    kind: Mapped[str]
    reason: Mapped[str]
    proposed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    approved_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    refused_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("kind IN ('policy', 'structure')", name="kind"),
        sa.CheckConstraint("approved_by <> proposed_by", name="two_people"),
        sa.CheckConstraint("approved_by IS NULL OR refused_by IS NULL", name="one_answer"),
        sa.CheckConstraint("(answered_at IS NULL) = (approved_by IS NULL AND refused_by IS NULL)", name="answered"),
        sa.CheckConstraint("old_sha <> new_sha", name="changes"),
        sa.Index("ix_definition_changes_round", "round_id"),
    )


class Publication(Identified, Model):
    """A version of a workflow as one person proposed it, and what a second one answered: published, or sent back.

    `files` and `templates` are the very texts that were proposed, `sha256` is their digest.
    """

    __tablename__ = "publications"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    draft_id: Mapped[UUID] = mapped_column(sa.ForeignKey("drafts.id"))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    workflow: Mapped[str]
    version: Mapped[int]
    main: Mapped[str]
    files: Mapped[dict[str, Any]]
    templates: Mapped[dict[str, Any]]
    base_sha: Mapped[str] = mapped_column(sa.ForeignKey("definitions.sha256"))
    """The version that it is told against."""
    reason: Mapped[str]
    account: Mapped[dict[str, Any]]
    """What both people were shown: the warnings that were accepted, the differences, the examples, the dry run."""
    proposed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    published_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    returned_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """The second person; or the first, who took it back."""
    answer: Mapped[str | None]
    """Why it was sent back."""
    answered_at: Mapped[datetime | None]
    void_at: Mapped[datetime | None]
    """When the draft that it came from was changed: from then on nobody can publish it."""

    __table_args__ = (
        sa.CheckConstraint("published_by <> proposed_by", name="two_people"),
        sa.CheckConstraint("published_by IS NULL OR returned_by IS NULL", name="one_answer"),
        sa.CheckConstraint("(answered_at IS NULL) = (published_by IS NULL AND returned_by IS NULL)", name="answered"),
        sa.CheckConstraint("void_at IS NULL OR answered_at IS NULL", name="void"),
        sa.Index("ix_publications_draft", "draft_id"),
        sa.Index("ix_publications_sha256", "sha256"),
    )


class Application(Identified, Model):
    """Where one application is. `title` and `requested_minor` repeat two answers so that lists need no form data."""

    __tablename__ = "applications"

    number: Mapped[str] = mapped_column(unique=True)
    round_id: Mapped[UUID] = mapped_column(sa.ForeignKey("rounds.id"))
    city_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cities.id"))
    definition_sha: Mapped[str] = mapped_column(sa.ForeignKey("definitions.sha256"))
    state: Mapped[str]
    outcome: Mapped[str | None]
    state_since: Mapped[datetime] = mapped_column(default=clock.now)
    revision: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(sa.String(64), default="")
    last_event_at: Mapped[datetime] = mapped_column(default=clock.now)
    submitted_at: Mapped[datetime | None]
    title: Mapped[str] = mapped_column(default="")
    requested_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(sa.String(3))
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    officer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """Who of the fund looks after it, where the workflow has a role for that."""

    __table_args__ = (
        sa.CheckConstraint("revision >= 0", name="revision"),
        sa.CheckConstraint("requested_minor IS NULL OR requested_minor >= 0", name="requested"),
        sa.Index("ix_applications_round_state", "round_id", "state", "outcome"),
        sa.Index("ix_applications_city", "city_id"),
        sa.Index("ix_applications_officer", "officer_id"),
    )


class Command(Model):
    """One attempt that was accepted, by the key its caller gave: the same key again returns the same result."""

    __tablename__ = "commands"

    key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    transition: Mapped[str]
    actor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    event_seq: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Counter(Model):
    """The last number given out under a name, such as the applications of one workflow in one year."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    value: Mapped[int]


class Event(Model):
    """The audit row of a transition that happened, chained to the one before by its digest."""

    __tablename__ = "events"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    acting_for: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """Whose role the actor used, where it was delegated."""
    transition: Mapped[str]
    """The transition, or the act that is none: ``started``, ``task``, ``sign``, ``assign``, ``discuss``, …"""
    subject: Mapped[str | None]
    """What beside the application it happened to: a child (``tranche:1``), a task, a party, a field, a review."""
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    outcome: Mapped[str | None]
    definition_sha: Mapped[str] = mapped_column(sa.String(64))
    body: Mapped[dict[str, Any]]
    """What is kept for good, as it was hashed: the command key, roles, kinds of clauses, effects, digests of forms."""
    payload: Mapped[dict[str, Any] | None]
    """What may be personal and can be erased: the reason, the input, the clauses' values. `record` says what it is."""
    salt: Mapped[str | None] = mapped_column(sa.String(32))
    payload_digest: Mapped[str | None] = mapped_column(sa.String(64))
    """sha256 of salt and payload, covered by the hash; it stays when both are erased."""
    prev: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))

    __table_args__ = (sa.Index("ix_events_actor", "application_id", "transition", "actor_id"),)

    @property
    def reason(self) -> str | None:
        """Why, in the actor's words; None where none was given and after it was erased."""
        return (self.payload or {}).get("reason")

    @property
    def account(self) -> dict[str, Any]:
        """Everything that was kept of it: body and payload as one, as far as the payload was not erased."""
        return rejoined(self.body, self.payload)


class Override(Identified, Model):
    """One administrator's wish to fire a transition against its conditions, and what a second one answered.

    It holds only for the revision at which it was asked, and only until `expires_at`.
    """

    __tablename__ = "overrides"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    revision: Mapped[int]
    transition: Mapped[str]
    child: Mapped[str | None]
    """The key of the child that it is about, for a child's transition."""
    input: Mapped[dict[str, Any]]
    """What was entered, as it was typed."""
    reason: Mapped[str]
    asked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    approved_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    refused_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """The second administrator; or the first, who took it back."""
    answer: Mapped[str | None]
    """Why it was refused."""
    answered_at: Mapped[datetime | None]
    event_seq: Mapped[int | None]
    """The event that it became."""

    __table_args__ = (
        sa.CheckConstraint("approved_by IS NULL OR refused_by IS NULL", name="one_answer"),
        sa.CheckConstraint("approved_by <> asked_by", name="second_person"),
        sa.CheckConstraint("(approved_by IS NULL) = (event_seq IS NULL)", name="event"),
        sa.CheckConstraint("(answered_at IS NULL) = (approved_by IS NULL AND refused_by IS NULL)", name="answered"),
        sa.Index("ix_overrides_application", "application_id", "event_seq"),
    )


class Anchor(Model):
    """One root over the heads of all applications at a moment, chained to the one before; its leaves are in a file."""

    __tablename__ = "anchors"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date | None] = mapped_column(unique=True)
    """The UTC day whose nightly anchor it is; null where somebody asked for it."""
    made_at: Mapped[datetime]
    previous: Mapped[str] = mapped_column(sa.String(64))
    """The root of the anchor before, empty for the first."""
    count: Mapped[int]
    tree: Mapped[str] = mapped_column(sa.String(64))
    root: Mapped[str] = mapped_column(sa.String(64))


class TaskResult(Model):
    """What a task came to; removed when the application enters the task's state anew, for then it is done again."""

    __tablename__ = "task_results"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"), primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    """One of the task's values, or ``done``."""
    event_seq: Mapped[int]
    done_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    done_at: Mapped[datetime]


class Signature(Model):
    """That a party signed the document of a state; removed when the application enters that state anew."""

    __tablename__ = "signatures"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"), primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    party: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    """As the person typed it."""
    sha256: Mapped[str] = mapped_column(sa.String(64))
    """The digest of what was signed."""
    made: Mapped[str] = mapped_column(default="typed", server_default="typed")
    """How: typed, drawn or uploaded."""
    image_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    """The drawn or uploaded image; empty again once it was erased."""
    event_seq: Mapped[int]
    signed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    signed_at: Mapped[datetime]

    __table_args__ = (
        sa.CheckConstraint("made IN ('typed', 'drawn', 'uploaded')", name="made"),
        sa.CheckConstraint("made <> 'typed' OR image_sha256 IS NULL", name="image"),
    )


class Child(Identified, Model):
    """A bounded machine beside the application, such as one tranche. It changes only by a command, as its parent does.

    `key` names it among its kind, `fields` are its columns as answers keep them.
    """

    __tablename__ = "children"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    kind: Mapped[str]
    key: Mapped[str]
    position: Mapped[int]
    state: Mapped[str]
    state_since: Mapped[datetime]
    fields: Mapped[dict[str, Any]]

    __table_args__ = (sa.UniqueConstraint("application_id", "kind", "key"),)


class Timer(Identified, Model):
    """A due moment of one application or child. The wall time and zone are the truth; `due_at` is computed from them.

    `armed` until it acts, then `fired`; `paused` while its application is elsewhere and its time stands still.
    """

    __tablename__ = "timers"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey("applications.id"))
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    """The child whose timer it is (``report:1``); empty for one of the application."""
    generation: Mapped[int] = mapped_column(default=1)
    wall: Mapped[str]
    zone: Mapped[str]
    due_at: Mapped[datetime]
    act_at: Mapped[datetime]
    """When it acts: the due moment plus its grace."""
    status: Mapped[str] = mapped_column(default="armed")
    next_at: Mapped[datetime | None]
    """The next moment a sweep must look at it: a reminder, `act_at`, or what follows once it is late."""
    starts: Mapped[str | None]
    """The transition that it starts when it acts."""
    acted_at: Mapped[datetime | None]
    """When that transition happened."""
    reminded: Mapped[list[Any]] = mapped_column(default=list)
    """What was sent or passed over: reminders as they are written in the workflow, and ``escalated``."""
    repeats: Mapped[int] = mapped_column(default=0)
    """How many repetitions of the late notice were sent or passed over."""
    blocked: Mapped[str | None]
    """Why the transition it starts was refused, in the fund's words; empty again once it went through."""
    retry_at: Mapped[datetime | None]
    """When a refused transition is tried again at the latest."""
    tried_revision: Mapped[int | None]
    """The application's revision at which it was refused: any later one is a reason to try again."""
    extended: Mapped[int] = mapped_column(default=0)
    """By how many seconds outages have moved it."""
    remaining: Mapped[int | None]
    """While it is paused: how many seconds were left, negative where it was late already."""
    pauses: Mapped[list[Any]] = mapped_column(default=list)
    """When it stood still: ``[from, until]`` as instants in ISO 8601, the last one open while it is paused."""

    __table_args__ = (
        sa.UniqueConstraint("application_id", "name", "subject", "generation"),
        sa.CheckConstraint("status IN ('armed', 'paused', 'fired', 'cancelled')", name="status"),
        sa.CheckConstraint("(status = 'paused') = (remaining IS NOT NULL)", name="remaining"),
        sa.Index("ix_timers_next", "next_at"),
        sa.Index("ix_timers_starting", "act_at", "status"),
        sa.Index("ix_timers_acted", "acted_at"),
        sa.Index("ix_timers_tried", "tried_revision"),
    )


class Brake(Model):
    """So many timers were about to start transitions within a minute that all of them wait for a person."""

    __tablename__ = "brakes"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    count: Mapped[int]
    released_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """Nobody where it was released from the command line."""
    reason: Mapped[str | None]

    __table_args__ = (sa.CheckConstraint("(released_at IS NULL) = (reason IS NULL)", name="reason"),)


class Outage(Identified, Model):
    """A time in which nobody could work, by which running timers were extended. `created_at` is when it was told."""

    __tablename__ = "outages"

    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    reason: Mapped[str]
    recorded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    """Nobody where it was told from the command line."""
    applications: Mapped[int] = mapped_column(default=0)
    timers: Mapped[int] = mapped_column(default=0)

    __table_args__ = (sa.CheckConstraint("from_at < until_at", name="span"),)
