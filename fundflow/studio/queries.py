"""Reading workflows as a fund manager knows them: versions with who made them, what goes by each, drafts, proposals.

The only way from an id in an address to a draft or a proposal. It reads counts of applications, never their content.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.policy import DIRECTORS, MANAGERS
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions, publishing
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Definition, DefinitionChange, Publication
from fundflow.rounds import policy as rounds
from fundflow.rounds.models import Round
from fundflow.studio.models import Draft, DraftEditor, DraftRevision
from fundflow.studio.policy import may_write
from fundflow.workflow.definition import Workflow

PRESENT = timedelta(seconds=90)
"""After so long without a sign of life, a person is no longer said to have a draft open."""


@dataclass(slots=True)
class Version:
    """One version of a workflow: how it came to be, which rounds go by it, and how many applications live by it."""

    sha256: str
    workflow: str
    version: int
    created_at: datetime | None
    """None for a version that the installation carries and nothing has used yet."""
    is_shipped: bool = False
    publication: Publication | None = None
    rounds: list[Round] = field(default_factory=list)
    applications: int = 0

    @property
    def title(self) -> str:
        return f"{self.workflow}@{self.version}"

    @property
    def is_in_use(self) -> bool:
        return bool(self.rounds or self.applications)


@dataclass(slots=True)
class Known:
    """One workflow: its versions, the newest first, and the drafts of a next one."""

    id: str
    versions: list[Version]
    drafts: list[Draft]

    @property
    def applications(self) -> int:
        return sum(version.applications for version in self.versions)

    @property
    def rounds(self) -> list[Round]:
        return [round_ for version in self.versions for round_ in version.rounds]

    @property
    def newest(self) -> Version:
        return self.versions[0]


def workflows() -> list[Known]:
    """Every workflow of this installation, by name."""
    versions = _versions()
    names = sorted({version.workflow for version in versions})
    drafts = open_drafts()
    return [
        Known(
            name,
            [version for version in versions if version.workflow == name],
            [draft for draft in drafts if draft.workflow == name],
        )
        for name in names
    ]


def workflow(name: str) -> Known:
    """One workflow, or NotFound."""
    found = next((known for known in workflows() if known.id == name), None)
    if found is None:
        raise NotFound
    return found


def _versions() -> list[Version]:
    rows = db.session.execute(
        sa.select(Definition.sha256, Definition.workflow, Definition.version, Definition.created_at)
    ).all()
    found = {row.sha256: Version(*row) for row in rows}
    for each in definitions.shipped():
        version = found.setdefault(each.sha256, Version(each.sha256, each.id, each.version, None))
        version.is_shipped = True
    for wish in publishing.published():
        if wish.sha256 in found:
            found[wish.sha256].publication = wish
    for round_ in db.session.scalars(sa.select(Round).order_by(Round.closes_at.desc(), Round.slug)):
        found[round_.definition_sha].rounds.append(round_)
    counted = db.session.execute(
        sa.select(Application.definition_sha, sa.func.count())
        .where(Application.outcome.is_(None))
        .group_by(Application.definition_sha)
    )
    for sha256, count in counted:
        found[sha256].applications = count
    return sorted(
        found.values(),
        key=lambda each: (each.version, each.created_at is None, each.created_at or clock.now(), each.sha256),
        reverse=True,
    )


def version(sha256: str) -> tuple[Version, Workflow]:
    """A version that is pinned or carried, with its workflow; NotFound for any other digest."""
    found = next((each for each in _versions() if each.sha256 == sha256), None)
    if found is None:
        raise NotFound
    return found, definition(sha256)


def definition(sha256: str) -> Workflow:
    """The workflow of a version that is pinned, or that the installation carries."""
    carried = next((each for each in definitions.shipped() if each.sha256 == sha256), None)
    if carried is not None:
        return carried
    try:
        return definitions.get(sha256)
    except NotFound:
        # Only whoever begins from another fund's rules asks for what is neither: their files are not looked at before.
        for each in definitions.of_other_funds():
            if each.sha256 == sha256:
                return each
        raise


def other_funds(known: Iterable[Known]) -> list[Workflow]:
    """Rules of other kinds of funds that are not among what is known here already, by title in English."""
    begun = {each.id for each in known}
    found = [each for each in definitions.of_other_funds() if each.id not in begun]
    return sorted(found, key=lambda each: each.title.in_("en"))


def open_drafts() -> list[Draft]:
    """Every draft that is being worked on, the one saved last first."""
    return list(
        db.session.scalars(sa.select(Draft).where(Draft.status == "open").order_by(Draft.saved_at.desc(), Draft.id))
    )


def draft_for(draft_id: UUID) -> Draft:
    """A draft, also one that was discarded or published; NotFound where there is none."""
    found = db.session.get(Draft, draft_id)
    if found is None:
        raise NotFound
    return found


def revisions(draft: Draft) -> list[DraftRevision]:
    """Every revision of a draft, the newest first."""
    return list(
        db.session.scalars(
            sa.select(DraftRevision).where(DraftRevision.draft_id == draft.id).order_by(DraftRevision.number.desc())
        )
    )


def revision(draft: Draft, number: int) -> DraftRevision:
    """One revision of a draft, or NotFound."""
    found = db.session.get(DraftRevision, (draft.id, number))
    if found is None:
        raise NotFound
    return found


def editors(draft_id: UUID, *, but: UUID | None) -> list[DraftEditor]:
    """Who else has the draft open now, the longest first."""
    return list(
        db.session.scalars(
            sa.select(DraftEditor)
            .where(
                DraftEditor.draft_id == draft_id,
                DraftEditor.user_id != but,
                DraftEditor.seen_at > clock.now() - PRESENT,
            )
            .order_by(DraftEditor.since)
        )
    )


def waiting(workflow_id: str | None = None) -> list[Publication]:
    """What was proposed and nobody has answered, the oldest first."""
    return list(
        db.session.scalars(
            sa.select(Publication)
            .where(
                Publication.answered_at.is_(None),
                Publication.void_at.is_(None),
                sa.true() if workflow_id is None else Publication.workflow == workflow_id,
            )
            .order_by(Publication.created_at, Publication.id)
        )
    )


def waiting_for(actor: Actor) -> list[Publication]:
    """What somebody else proposed and this person may answer; nothing for whoever may not."""
    if not may_write(actor):
        return []
    return [each for each in waiting() if each.proposed_by != actor.id]


def publication(publication_id: UUID) -> Publication:
    """A proposal, whatever became of it; NotFound where there is none."""
    found = db.session.get(Publication, publication_id)
    if found is None:
        raise NotFound
    return found


def proposal_of(draft: Draft) -> Publication | None:
    """The newest proposal of a draft, whatever became of it."""
    return db.session.scalars(
        sa.select(Publication)
        .where(Publication.draft_id == draft.id)
        .order_by(Publication.created_at.desc(), Publication.id)
        .limit(1)
    ).first()


def history(workflow_id: str) -> list[Publication]:
    """Everything that was proposed for a workflow and answered, the newest first."""
    return list(
        db.session.scalars(
            sa.select(Publication)
            .where(Publication.workflow == workflow_id, Publication.answered_at.is_not(None))
            .order_by(Publication.answered_at.desc(), Publication.id)
        )
    )


def changes_for(actor: Actor) -> list[Round]:
    """The rounds whose rules somebody else wants to change, and this person may agree."""
    if not actor.is_in(MANAGERS, DIRECTORS):
        return []
    return list(
        db.session.scalars(
            sa.select(Round)
            .join(DefinitionChange, DefinitionChange.round_id == Round.id)
            .where(
                DefinitionChange.answered_at.is_(None),
                DefinitionChange.proposed_by != actor.id,
                DefinitionChange.old_sha == Round.definition_sha,
                rounds.within(actor, MANAGERS, DIRECTORS, own=True),
            )
            .order_by(DefinitionChange.created_at)
        )
    )


def changes_waiting(round_id: UUID) -> list[DefinitionChange]:
    """Other rules that were proposed for a round and that nobody has answered."""
    return list(
        db.session.scalars(
            sa.select(DefinitionChange)
            .where(DefinitionChange.round_id == round_id, DefinitionChange.answered_at.is_(None))
            .order_by(DefinitionChange.created_at)
        )
    )
