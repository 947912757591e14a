"""The one door by which a workflow written in the browser becomes a version: one person proposes, a second publishes.

Refuses a text with a mistake, a warning that nobody accepted, a number that was given away, the same person twice or
one who stands in for the other, a digest other than the one looked at, and whatever was proposed before its draft
changed. Both times the texts are loaded and checked here, so nothing that a page or a request says of them is believed.
Nobody may publish where no feature says who may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock, documents, mail
from fundflow.db import db
from fundflow.errors import Forbidden, NotFound, Refused, Stale
from fundflow.lifecycle import definitions, inputs, registry, surroundings, wording
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Definition, Publication
from fundflow.lifecycle.refusals import KeyReused
from fundflow.workflow import checker, examples, loader
from fundflow.workflow.checker import codes
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diff import changes
from fundflow.workflow.problems import Problem, Problems


class NotAPublisher(Forbidden):
    """Only a fund manager of every round or an administrator may do this; ask one of them."""


class SecondPerson(Refused):
    """Whoever proposed this cannot publish it: another fund manager or administrator has to."""


class StandsIn(Refused):
    """One of you stands in for the other, so another fund manager or administrator has to publish this."""


class ProposerLeft(Stale):
    """Whoever proposed this may not propose any more, so it counts for nothing; propose it yourself as it is now."""


class Answered(Refused):
    """This has been answered already."""


class Void(Stale):
    """The draft was changed after this was proposed, so it can no longer be published; propose it as it is now."""


class OtherText(Stale):
    """This is not the text that you looked at. Look at it as it is now, then decide again."""


class HasErrors(Refused):
    """Nothing was proposed, because there are mistakes in it ({count}): {first}"""

    status = 422


class CannotPublish(Refused):
    """Nothing was published, because there are mistakes in it ({count}): {first}"""


class NotAccepted(Refused):
    """Nothing was done, because nobody accepted these warnings ({count}): {first}"""

    status = 422


class ExamplesFail(Refused):
    """It cannot be published, because {count} of its examples are not as they say: {first}"""

    status = 422


class NotSigned(Refused):
    """Nothing was done, because nobody answers for these warnings in the file itself ({count}): {first}"""

    status = 422


class NothingDiffers(Refused):
    """Nothing differs from the version that this was begun from, so there is nothing to publish."""

    status = 422


class OtherWorkflow(Refused):
    """This draft is of the workflow “{base}”, but it calls itself “{workflow}”. Begin a draft of that one instead."""

    status = 422


def known_templates(templates: Mapping[str, str]) -> frozenset[str]:
    """The mails and documents that a workflow may name: those of this installation, and those given by their paths."""
    here = {path.stem for path in mail.FOLDER.glob("*.txt")} | {
        path.name.partition(".")[0] for path in documents.FOLDER.glob("*.html")
    }
    given = {path.removeprefix("mail/").removesuffix(".txt") for path in templates if path.endswith(".txt")}
    names = here | given | set(registry.document_templates)
    return frozenset(name for name in names if "/" not in name and not name.startswith("_"))


def assembled(files: Mapping[str, str], main: str, templates: Mapping[str, str]) -> Workflow:
    """The workflow of these texts with all it is made of, its examples too; loader.Problems for mistakes.

    A mail or document that is not among the `templates` is taken as it stands in this installation.
    """
    return definitions.complete(loaded(files, main, known_templates(templates)), templates)


def loaded(files: Mapping[str, str], main: str, known: Collection[str] | None = None) -> Workflow:
    """The workflow in these files; with the examples of a file of their own where that is among them."""
    workflow = loader.load(files, main, known)
    if workflow.examples_file is not None and workflow.examples_file in files:
        workflow = loader.load(files, main, known, examples=True)
    return workflow


def findings(workflow: Workflow, messages: Mapping[str, str]) -> list[Problem]:
    """What the checker says of it here and now: in this installation, with its people, versions and applications.

    `messages` are those of its texts that somebody wrote in the browser: they are templates, and looked at first.
    """
    found = [problem for path, text in messages.items() for problem in wording.faults(path, text)]
    context = surroundings.of(workflow)
    if not found and context.installation is not None:
        known = dict(context.installation.messages or {})
        for path in messages:
            match = wording.MESSAGE.fullmatch(path) or wording.TRANSLATION.fullmatch(path)
            if match is not None and f"mail/{match['name']}.txt" in workflow.templates:
                known[match["name"]] = wording.printed(match["name"], workflow.templates)
        context = replace(context, installation=replace(context.installation, messages=known))
    found += checker.check(workflow, context)
    highest = db.session.scalar(
        sa.select(sa.func.max(Definition.version)).where(
            Definition.workflow == workflow.id, Definition.sha256 != workflow.sha256
        )
    )
    if highest is not None and workflow.version <= highest and all(each.code != "FF194" for each in found):
        says = f"there is a version {highest} already; give this one version {highest + 1}"
        found.append(Problem(*workflow.places.get("version", (workflow.main, 1, 1)), "FF194", says))
    return sorted(found)


def check_examples(workflow: Workflow) -> int:
    """How many examples it has; ExamplesFail where one of them is not as it says."""
    results = examples.run(workflow)
    failed = [result for result in results if not result.passed]
    if failed:
        first = failed[0]
        where = first.differences[0]
        raise ExamplesFail(count=len(failed), first=f"“{first.name}”, {where.file}:{where.line}: {where.sentence}")
    return len(results)


def mark_of(problem: Problem) -> str:
    """A short name for a warning, by which a person accepts it; it stays the same while the warning says the same."""
    return hashlib.sha256(f"{problem.file} {problem.code} {problem.message}".encode()).hexdigest()[:16]


def propose(
    files: Mapping[str, str],
    main: str,
    messages: Mapping[str, str],
    *,
    base_sha: str,
    draft_id: UUID,
    actor: Actor,
    key: str,
    reason: str,
    accepted: Collection[str] = (),
    seen: Mapping[str, Any] | None = None,
) -> Publication:
    """Keep these texts for a second person to publish; an older proposal of the draft is void from now on.

    `messages` are the texts of messages and their translations that differ from those of the version it was begun from;
    all other messages and documents are that version's. `accepted` are the marks of the warnings that the person
    accepts, `seen` what else they were shown.

    Raises NotAPublisher, ReasonMissing, HasErrors, NotSigned, NotAccepted, OtherWorkflow, ExamplesFail, NothingDiffers,
    and KeyReused where the key was another's; the same key again gives the proposal that is there.
    """
    person = _may(actor)
    known = db.session.scalar(sa.select(Publication).where(Publication.key == key))
    if known is not None:
        if (known.proposed_by, known.draft_id) != (person, draft_id):
            raise KeyReused()
        return known
    text = inputs.read_reason(reason, True) or ""
    base = definitions.get(base_sha)
    try:
        workflow = assembled(files, main, {**base.templates, **messages})
    except Problems as wrong:
        raise HasErrors(count=len(wrong.problems), first=str(wrong.problems[0])) from None
    if workflow.id != base.id:
        raise OtherWorkflow(base=base.id, workflow=workflow.id)
    if workflow.sha256 == base.sha256:
        raise NothingDiffers()
    found = findings(workflow, messages)
    errors = [problem for problem in found if not problem.is_warning]
    if errors:
        raise HasErrors(count=len(errors), first=str(errors[0]))
    warnings = [problem for problem in found if problem.is_warning]
    _accepted(warnings, accepted)
    stories = {"count": check_examples(workflow), "file": workflow.examples_file, "text": ""}
    if workflow.examples_file is not None:
        stories["text"] = files.get(workflow.examples_file, "")
    void(draft_id)
    wish = Publication(
        key=key,
        draft_id=draft_id,
        sha256=workflow.sha256,
        workflow=workflow.id,
        version=workflow.version,
        main=workflow.main,
        files=dict(workflow.files),
        templates=dict(workflow.templates),
        base_sha=base_sha,
        reason=text,
        account={
            "warnings": [{"mark": mark_of(each), **_told(each)} for each in warnings],
            "examples": stories,
            "messages": sorted(messages),
            "changes": [
                {"kind": each.kind, "place": each.place, "says": dict(each.says)} for each in changes(base, workflow)
            ],
            "seen": dict(seen or {}),
        },
        proposed_by=person,
        created_at=clock.now(),
    )
    db.session.add(wish)
    db.session.flush()
    return wish


def publish(publication_id: UUID, *, actor: Actor, sha256: str) -> Publication:
    """Make a version of what was proposed, as the second person, who looked at exactly the text of this digest.

    Raises NotAPublisher, SecondPerson, StandsIn, Answered, Void, OtherText, ProposerLeft, CannotPublish and
    NotAccepted. Whoever published it may say so again: it changes nothing.
    """
    person = _may(actor)
    wish = _locked(publication_id)
    if wish.published_by == person and wish.sha256 == sha256:
        return wish
    if person == wish.proposed_by:
        raise SecondPerson()
    if registry.are_one(person, wish.proposed_by):
        raise StandsIn()
    _open(wish)
    if sha256 != wish.sha256:
        raise OtherText()
    if not registry.is_publisher(wish.proposed_by):
        raise ProposerLeft()
    workflow = workflow_of(wish)
    # Whoever gives out a number of this workflow waits here: two versions never get the same one.
    db.session.execute(sa.select(Definition.sha256).where(Definition.workflow == wish.workflow).with_for_update())
    found = findings(workflow, messages_of(wish))
    errors = [problem for problem in found if not problem.is_warning]
    if errors:
        raise CannotPublish(count=len(errors), first=str(errors[0]))
    _accepted([each for each in found if each.is_warning], {each["mark"] for each in wish.account["warnings"]})
    check_examples(workflow)
    definitions.pin(workflow)
    wish.published_by, wish.answered_at = person, clock.now()
    db.session.flush()
    return wish


def send_back(publication_id: UUID, *, actor: Actor, answer: str) -> Publication:
    """Answer no, with a reason; whoever proposed it may take it back in the same way."""
    person = _may(actor)
    wish = _locked(publication_id)
    _open(wish)
    text = inputs.read_reason(answer, True)
    wish.returned_by, wish.answer, wish.answered_at = person, text, clock.now()
    db.session.flush()
    return wish


def void(draft_id: UUID) -> None:
    """The draft changed: what was proposed of it can no longer be published."""
    db.session.execute(
        sa.update(Publication)
        .where(Publication.draft_id == draft_id, Publication.answered_at.is_(None), Publication.void_at.is_(None))
        .values(void_at=clock.now())
        .execution_options(synchronize_session="fetch")
    )


def workflow_of(wish: Publication) -> Workflow:
    """The workflow as it was proposed; OtherText where a hand in the database altered it, CannotPublish where this
    version of the engine does not read it any more.
    """
    if loader.digest(wish.files, wish.templates) != wish.sha256:
        raise OtherText()
    stories = wish.account["examples"]
    files = {**wish.files, **({stories["file"]: stories["text"]} if stories["text"] else {})}
    try:
        workflow = loaded(files, wish.main)
    except Problems as wrong:
        raise CannotPublish(count=len(wrong.problems), first=str(wrong.problems[0])) from None
    return replace(workflow, templates=dict(wish.templates), sha256=wish.sha256)


def messages_of(wish: Publication) -> dict[str, str]:
    """The messages and translations in it that somebody wrote in the browser."""
    return {path: wish.templates[path] for path in wish.account["messages"]}


def published() -> list[Publication]:
    """Everything that was ever published by two people, the newest first."""
    return list(
        db.session.scalars(
            sa.select(Publication)
            .where(Publication.published_by.is_not(None))
            .order_by(Publication.answered_at.desc(), Publication.id)
        )
    )


def is_published(sha256: str) -> bool:
    """Whether two people made this a version."""
    return bool(
        db.session.scalar(
            sa.select(sa.exists().where(Publication.sha256 == sha256, Publication.published_by.is_not(None)))
        )
    )


def _may(actor: Actor) -> UUID:
    if actor.id is None or not registry.is_publisher(actor.id):
        raise NotAPublisher()
    return actor.id


def _told(problem: Problem) -> dict[str, Any]:
    """A warning as the second person is shown it: where, what, and who answers for it in the file itself."""
    says = f"{problem.file}, {problem.line}: {problem.code} {problem.sentence}"
    return {"says": says, "because": problem.accepted_because, "by": problem.accepted_by}


def unsigned(found: list[Problem]) -> list[Problem]:
    """Warnings that the file could answer for and does not: nobody can publish it by accepting them elsewhere."""
    return [each for each in found if each.is_warning and each.blocks and not codes.holds_only_now(each.code)]


def _accepted(warnings: list[Problem], accepted: Collection[str]) -> None:
    if open_ones := unsigned(warnings):
        raise NotSigned(count=len(open_ones), first=str(open_ones[0]))
    left = [problem for problem in warnings if problem.blocks and mark_of(problem) not in accepted]
    if left:
        raise NotAccepted(count=len(left), first=str(left[0]))


def _open(wish: Publication) -> None:
    if wish.answered_at is not None:
        raise Answered()
    if wish.void_at is not None:
        raise Void()


def _locked(publication_id: UUID) -> Publication:
    wish = db.session.scalar(
        sa.select(Publication)
        .where(Publication.id == publication_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if wish is None:
        raise NotFound
    return wish
