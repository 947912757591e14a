"""Changing drafts: beginning one, saving a file of it, going back to a revision, proposing it, and answering.

Refuses to save over what somebody else saved meanwhile, and whoever may not publish; each change of a draft makes void
what was proposed of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock, mail
from fundflow.accounts import queries as accounts
from fundflow.db import db, inserting
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions, publishing, registry, wording
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Definition, Publication
from fundflow.lifecycle.publishing import NotAPublisher, OtherText
from fundflow.lifecycle.refusals import KeyReused
from fundflow.studio import queries
from fundflow.studio.checking import MOST_FILES
from fundflow.studio.models import Draft, DraftEditor, DraftRevision
from fundflow.studio.refusals import (
    BadMessageName,
    BadName,
    FileThere,
    MainFile,
    NoSuchFile,
    NotOpen,
    SavedMeanwhile,
    TooLarge,
    TooManyFiles,
)
from fundflow.workflow.definition import Workflow
from fundflow.workflow.source import LARGEST

SITTING = timedelta(minutes=10)
"""What one person saves within so long of their last saving belongs to the same revision."""
FORM_FILE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*\.yaml")
NEW_FORM = """title: {en: New form}
sections:
  questions:
    title: {en: Questions}
    fields:
      first:
        type: short_text
        label: {en: First question}
"""
NEW_MESSAGE = """Subject: {% trans %}About {{ number }}{% endtrans %}

{% trans trimmed %}
Write here what {{ city }} should know about “{{ title }}”.
{% endtrans %}
"""
_VERSION = re.compile(r"^version:\s*[0-9]+", re.MULTILINE)


def mark_of(text: str) -> str:
    """A short mark of a file's text: a page saves over exactly the text that it was made from, or not at all."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def begin(sha256: str, *, actor: Actor, key: str) -> Draft:
    """A draft of the next version, from one that is pinned or carried. The same key again gives the same draft."""
    person = _may(actor)
    known = db.session.scalar(sa.select(Draft).where(Draft.key == key))
    if known is not None:
        if known.created_by != person:
            raise KeyReused()
        return known
    base = queries.definition(sha256)
    definitions.pin(base)
    files = {**_examples_of(base), **base.files}
    files[base.main] = _VERSION.sub(f"version: {_next_version(base.id, base.version)}", files[base.main], count=1)
    draft = Draft(
        key=key,
        workflow=base.id,
        main=base.main,
        files=files,
        base_sha=base.sha256,
        created_by=person,
        saved_by=person,
        created_at=clock.now(),
        saved_at=clock.now(),
    )
    db.session.add(draft)
    db.session.flush()
    _keep(draft, person)
    return draft


def _examples_of(base: Workflow) -> dict[str, str]:
    """The examples that stand in a file beside a version: as they were published with it, or as they are shipped."""
    name = base.examples_file
    if name is None:
        return {}
    wish = next((each for each in publishing.published() if each.sha256 == base.sha256), None)
    if wish is not None:
        text = wish.account["examples"]["text"]
        return {name: text} if text else {}
    # The name comes from a file of the installation itself here, never from what somebody wrote in a browser.
    for folder, carried in (
        (definitions.FOLDER, definitions.shipped()),
        (definitions.OTHERS, definitions.of_other_funds()),
    ):
        if any(each.sha256 == base.sha256 for each in carried) and (folder / name).is_file():
            return {name: (folder / name).read_text(encoding="utf-8")}
    return {}


def _next_version(workflow_id: str, version: int) -> int:
    highest = db.session.scalar(sa.select(sa.func.max(Definition.version)).where(Definition.workflow == workflow_id))
    carried = [each.version for each in definitions.shipped() if each.id == workflow_id]
    return max([version, highest or 0, *carried]) + 1


def save(draft_id: UUID, path: str, text: str, *, revision: str, actor: Actor) -> Draft:
    """Save one file over the text whose mark is `revision`, or SavedMeanwhile with the text that stands there now.

    The very text that is kept already changes nothing. Raises NotOpen, NoSuchFile, TooLarge.
    """
    person = _may(actor)
    draft = _open(draft_id)
    if path not in draft.files:
        raise NoSuchFile(path=path[:100])
    size = len(text.encode("utf-8"))
    if size > LARGEST:
        raise TooLarge(size=-(-size // 1024))
    stands = str(draft.files[path])
    if stands == text:
        return draft
    if mark_of(stands) != revision:
        raise SavedMeanwhile(name=name_of(draft.saved_by), theirs=stands, revision=mark_of(stands))
    _write(draft, {**draft.files, path: text}, person)
    return draft


def add_file(draft_id: UUID, name: str, *, actor: Actor) -> str:
    """A new, empty form file beside the others; its path."""
    person = _may(actor)
    draft = _open(draft_id)
    path = name.strip().removeprefix("forms/")
    if not FORM_FILE.fullmatch(path) or len(path) > 80:
        raise BadName(name=name.strip()[:100])
    path = f"forms/{path}"
    if path in draft.files:
        raise FileThere(path=path)
    if len(draft.files) >= MOST_FILES:
        raise TooManyFiles(most=MOST_FILES)
    _write(draft, {**draft.files, path: NEW_FORM}, person)
    return path


def add_message(draft_id: UUID, name: str, *, actor: Actor) -> str:
    """The text of a message with its translations, to be changed here; a new one where there is none. Its path."""
    person = _may(actor)
    draft = _open(draft_id)
    name = name.strip()
    path = f"mail/{name}.txt"
    if wording.MESSAGE.fullmatch(path) is None or len(name) > 60:
        raise BadMessageName(name=name[:100])
    if path in draft.files:
        raise FileThere(path=path)
    stands = dict(definitions.get(draft.base_sha).templates)
    if path not in stands and name in mail.names():
        stands = mail.texts(name)
    texts = {path: stands.get(path, NEW_MESSAGE)}
    for each, text in stands.items():
        match = wording.TRANSLATION.fullmatch(each)
        if match is not None and match["name"] == name:
            texts[each] = json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"
    if len(draft.files) + len(texts) > MOST_FILES:
        raise TooManyFiles(most=MOST_FILES)
    _write(draft, {**draft.files, **texts}, person)
    return path


def remove_file(draft_id: UUID, path: str, *, actor: Actor) -> Draft:
    """Leave a file out; it stays in the revisions before."""
    person = _may(actor)
    draft = _open(draft_id)
    if path == draft.main:
        raise MainFile()
    if path not in draft.files:
        raise NoSuchFile(path=path[:100])
    _write(draft, {name: text for name, text in draft.files.items() if name != path}, person)
    return draft


def restore(draft_id: UUID, number: int, *, actor: Actor) -> Draft:
    """Let the draft be again as it was in a revision; what it was until now stays a revision too."""
    person = _may(actor)
    draft = _open(draft_id)
    found = queries.revision(draft, number)
    _fix(draft)
    if dict(found.files) != dict(draft.files):
        _write(draft, dict(found.files), person)
        _fix(draft)
    return draft


def discard(draft_id: UUID, *, actor: Actor) -> Draft:
    """Put the draft aside for good; its revisions stay to be read and to begin others from."""
    _may(actor)
    draft = _open(draft_id)
    draft.status = "discarded"
    publishing.void(draft.id)
    db.session.flush()
    return draft


def opened(draft_id: UUID, *, actor: Actor) -> None:
    """Note that this person has the draft open now."""
    person = _may(actor)
    now = clock.now()
    known = db.session.get(DraftEditor, (draft_id, person))
    if known is None:
        db.session.execute(
            inserting(DraftEditor)
            .values(draft_id=draft_id, user_id=person, since=now, seen_at=now)
            .on_conflict_do_nothing()
        )
        return
    if known.seen_at < now - queries.PRESENT:
        known.since = now
    known.seen_at = now
    db.session.flush()


def propose(
    draft_id: UUID,
    *,
    digest: str,
    actor: Actor,
    key: str,
    reason: str,
    accepted: Collection[str],
    seen: Mapping[str, Any],
) -> Publication:
    """Propose the draft as the person saw it: OtherText where it is another by now. What the door raises, this raises.

    The revision that was proposed is kept as it is.
    """
    _may(actor)
    draft = _locked(draft_id)
    if draft.status == "open" and digest != digest_of(draft):
        raise OtherText()
    if draft.status != "open":
        raise NotOpen()
    wish = publishing.propose(
        workflow_files(draft),
        draft.main,
        messages_of(draft),
        base_sha=draft.base_sha,
        draft_id=draft.id,
        actor=actor,
        key=key,
        reason=reason,
        accepted=accepted,
        seen=seen,
    )
    _fix(draft)
    return wish


def publish(publication_id: UUID, *, sha256: str, actor: Actor) -> Publication:
    """Publish as the second person; the draft is done with then."""
    draft = _locked(queries.publication(publication_id).draft_id)
    wish = publishing.publish(publication_id, actor=actor, sha256=sha256)
    if draft.status == "open":
        draft.status = "published"
        db.session.flush()
    return wish


def digest_of(draft: Draft) -> str:
    """One digest of everything that stands in a draft, as a page carries it along."""
    return hashlib.sha256(repr(sorted(draft.files.items())).encode()).hexdigest()


def workflow_files(draft: Draft) -> dict[str, str]:
    """The workflow and its forms."""
    return {path: text for path, text in draft.files.items() if not path.startswith("mail/")}


def templates_of(draft: Draft) -> dict[str, str]:
    """The messages and documents: those of the version before, and over them what the draft says otherwise."""
    return {**definitions.get(draft.base_sha).templates, **messages_of(draft)}


def messages_of(draft: Draft) -> dict[str, str]:
    """The messages and translations that the draft has of its own."""
    return {path: str(text) for path, text in draft.files.items() if path.startswith("mail/")}


def name_of(person_id: UUID | None) -> str:
    """What this person is called."""
    return accounts.people_named([person_id]).get(person_id, "") if person_id else ""


def _may(actor: Actor) -> UUID:
    if actor.id is None or not registry.is_publisher(actor.id):
        raise NotAPublisher()
    return actor.id


def _locked(draft_id: UUID) -> Draft:
    draft = db.session.scalar(
        sa.select(Draft).where(Draft.id == draft_id).with_for_update().execution_options(populate_existing=True)
    )
    if draft is None:
        raise NotFound
    return draft


def _open(draft_id: UUID) -> Draft:
    draft = _locked(draft_id)
    if draft.status != "open":
        raise NotOpen()
    return draft


def _write(draft: Draft, files: Mapping[str, str], person: UUID) -> None:
    draft.files = dict(files)
    draft.revision += 1
    draft.saved_by, draft.saved_at = person, clock.now()
    publishing.void(draft.id)
    db.session.flush()
    _keep(draft, person)


def _keep(draft: Draft, person: UUID) -> None:
    """Keep what stands now as a revision: the sitting's own, or a new one."""
    last = _last(draft)
    now = clock.now()
    # The first revision of a draft is what it was begun from.
    is_same = last is not None and last.number > 1 and not last.is_fixed and last.saved_by == person
    if last is not None and is_same and last.saved_at > now - SITTING:
        last.files, last.saved_at = dict(draft.files), now
        db.session.flush()
        return
    db.session.add(
        DraftRevision(
            draft_id=draft.id,
            number=last.number + 1 if last else 1,
            files=dict(draft.files),
            saved_by=person,
            since=now,
            saved_at=now,
        )
    )
    db.session.flush()


def _fix(draft: Draft) -> None:
    last = _last(draft)
    if last is not None:
        last.is_fixed = True
        db.session.flush()


def _last(draft: Draft) -> DraftRevision | None:
    return db.session.scalars(
        sa.select(DraftRevision)
        .where(DraftRevision.draft_id == draft.id)
        .order_by(DraftRevision.number.desc())
        .limit(1)
    ).first()
