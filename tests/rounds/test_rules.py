"""Other rules for a published round: words by one person, everything else by two, with notice to every city."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app

from fundflow import mail
from fundflow.accounts.models import User
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit, definitions, queries
from fundflow.lifecycle.migrating import MIGRATED, MigrationBlocked
from fundflow.lifecycle.models import Application, DefinitionChange
from fundflow.lifecycle.refusals import ReasonMissing
from fundflow.rounds import rules
from fundflow.rounds.models import Round
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from tests import factories as make
from tests.commands import run
from tests.conftest import ON_POSTGRES
from tests.workflow import versions
from tests.workflow.test_migration import RENAMED
from tests.workflow.versions import texts

pytestmark = pytest.mark.usefixtures("app")


def version(number: int, *changes: tuple[str, str], **forms: str) -> Workflow:
    """That version of the toy, which is published."""
    return make.kept(versions.version(number, *changes, **forms))


WORDS = ("title: {en: Two versions}", "title: {en: Two editions}")
QUORUM = ("    quorum: 2", "    quorum: 3")


def a_draft(round_: Round, applicant: User | None = None) -> Application:
    applicant = applicant or make.a_person()
    return make.started(round_, make.a_city(focal_point=applicant), applicant)


def now(row: Any) -> Any:
    """The row as it is now."""
    db.session.rollback()
    return db.session.get_one(type(row), row.id, populate_existing=True)


def proposed(round_: Round, new: Workflow, by: User) -> DefinitionChange:
    with transaction():
        return rules.propose(now(round_), new, actor=make.acting(by), reason="The committee is larger now.")


def manager() -> User:
    return make.a_person(groups=[make.MANAGERS])


def director() -> User:
    return make.a_person(groups=["directors"])


def test_words_are_changed_at_once_and_what_is_written_from_then_on_has_them() -> None:
    round_ = make.a_round(workflow=version(1))
    draft = a_draft(round_)
    new = definitions.complete(version(1, WORDS))
    result = rules.repin_text(now(round_), version(1, WORDS), actor=make.acting(manager()))
    assert result.moved == 1
    assert now(round_).definition_sha == now(draft).definition_sha == new.sha256
    assert queries.history(draft.id)[-1].transition == MIGRATED
    # The event before keeps the rules that it was decided by.
    assert queries.history(draft.id)[0].definition_sha == definitions.complete(version(1)).sha256
    assert audit.verify().is_whole


def test_words_of_a_mail_are_words_too() -> None:
    old = make.a_workflow()
    round_ = make.a_round(workflow=old)
    templates = {**old.templates, "mail/received.txt": "Subject: It came\n\nIt came in.\n"}
    other = replace(old, templates=templates, sha256=loader.digest(old.files, templates))
    rules.repin_text(now(round_), other, actor=make.acting(manager()))
    make.an_application(now(round_), state="review")
    payload = db.session.scalars(sa.select(Job.payload).where(Job.kind == "mail.send")).all()
    [said] = [each for each in payload if each["template"] == "received"]
    assert mail.compose(said, current_app.extensions["settings"])["Subject"] == "It came"


@pytest.mark.parametrize("change", [QUORUM, ("reason: required}\n  grant", "reason: required, max: 1}\n  grant")])
def test_whatever_is_more_than_words_is_refused_to_one_person(change: tuple[str, str]) -> None:
    round_ = make.a_round(workflow=version(1))
    before = round_.definition_sha
    with pytest.raises(rules.NotOnlyText) as refused:
        rules.repin_text(now(round_), version(2, WORDS, change), actor=make.acting(manager()))
    assert "a second manager or director has to agree: " in str(refused.value)
    assert now(round_).definition_sha == before


def test_two_people_change_the_rules_and_every_team_is_told_what_and_why() -> None:
    round_ = make.a_round(workflow=version(1))
    applicant = make.a_person(language="fr")
    draft = a_draft(round_, applicant)
    new = definitions.complete(version(2, QUORUM))
    wish = proposed(round_, version(2, QUORUM), manager())
    assert (wish.kind, now(round_).definition_sha == new.sha256) == ("policy", False)
    result = rules.approve(wish.id, actor=make.acting(director()))
    assert (result.moved, result.rounds) == (1, 1)
    assert now(round_).definition_sha == now(draft).definition_sha == new.sha256
    kept = now(wish)
    assert kept.approved_by is not None and kept.approved_by != kept.proposed_by and kept.answered_at is not None
    payloads = db.session.scalars(sa.select(Job.payload).where(Job.kind == "mail.send")).all()
    [said] = [each for each in payloads if each["template"] == rules.NOTICE]
    assert said["email"] == applicant.email
    body = mail.compose(said, current_app.extensions["settings"]).get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert "Le quorum de « Panel » : 3 ; auparavant 2." in text and "The committee is larger now." in text
    assert audit.verify().is_whole
    # Pressing twice tells nobody twice.
    with pytest.raises(rules.Answered):
        rules.approve(wish.id, actor=make.acting(director()))


def test_the_one_who_proposed_cannot_approve_and_nobody_answers_twice() -> None:
    round_ = make.a_round(workflow=version(1))
    first = manager()
    wish = proposed(round_, version(2, QUORUM), first)
    with pytest.raises(rules.SecondPerson):
        rules.approve(wish.id, actor=make.acting(first))
    with transaction():
        rules.refuse(wish.id, actor=make.acting(first))
    for answer in (rules.approve, rules.refuse):
        with pytest.raises(rules.Answered):
            answer(wish.id, actor=make.acting(director()))
        db.session.rollback()


@pytest.mark.parametrize("turn", [False, True])
def test_nobody_approves_for_whom_they_stand_in(turn: bool) -> None:
    round_ = make.a_round(workflow=version(1))
    first, second = manager(), director()
    wish = proposed(round_, version(2, QUORUM), first)
    make.stand_in(*((second, first) if turn else (first, second)))
    with pytest.raises(rules.StandsIn):
        rules.approve(wish.id, actor=make.acting(second))
    db.session.rollback()
    assert now(round_).definition_sha == now(wish).old_sha
    assert rules.approve(wish.id, actor=make.acting(director())).rounds == 1


def test_what_somebody_proposed_who_left_since_is_approved_by_nobody() -> None:
    round_ = make.a_round(workflow=version(1))
    first = manager()
    wish = proposed(round_, version(2, QUORUM), first)
    with transaction():
        db.session.get_one(User, first.id).active = False
    with pytest.raises(rules.ProposerLeft):
        rules.approve(wish.id, actor=make.acting(director()))
    db.session.rollback()
    assert now(round_).definition_sha == now(wish).old_sha


@pytest.mark.parametrize("groups", [[], [make.FINANCE], [make.AUDITORS], [make.REVIEWERS], [make.ADMINISTRATORS]])
def test_only_managers_and_directors_of_the_round_may_change_its_rules(groups: list[str]) -> None:
    round_ = make.a_round(workflow=version(1))
    wish = proposed(round_, version(2, QUORUM), manager())
    other_round = make.a_round(workflow=version(1))
    of_another = make.a_person(groups=[(make.MANAGERS, other_round)])
    for person in (make.acting(make.a_person(groups=groups)), make.acting(of_another)):
        for attempt in (
            lambda actor: rules.repin_text(now(round_), version(1, WORDS), actor=actor),
            lambda actor: rules.propose(now(round_), version(2, QUORUM), actor=actor, reason="x"),
            lambda actor: rules.approve(wish.id, actor=actor),
            lambda actor: rules.refuse(wish.id, actor=actor),
        ):
            with pytest.raises(rules.NotOfThisRound):
                attempt(person)
            db.session.rollback()


def test_what_has_nothing_to_change_or_no_reason_or_strands_an_application_is_not_proposed() -> None:
    round_ = make.a_round(workflow=version(1))
    person = make.a_person()
    draft = a_draft(round_, person)
    make.fill(draft, "ask", person, requested=10_000)
    make.press(draft, "send", person)
    actor = make.acting(manager())
    cases: list[tuple[Workflow, str, type[Refused]]] = [
        (version(1), "Why", rules.NothingDiffers),
        (version(1, WORDS), "Why", rules.OnlyText),
        (version(2, QUORUM), " ", ReasonMissing),
        (version(2, *RENAMED), "Why", MigrationBlocked),
    ]
    for new, reason, refusal in cases:
        with pytest.raises(refusal):
            rules.propose(now(round_), new, actor=actor, reason=reason)
        db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(DefinitionChange)) == 0


def test_a_proposal_for_rules_that_have_changed_since_is_stale() -> None:
    round_ = make.a_round(workflow=version(1))
    wish = proposed(round_, version(2, QUORUM), manager())
    rules.repin_text(now(round_), version(1, WORDS), actor=make.acting(manager()))
    with pytest.raises(rules.RulesChanged):
        rules.approve(wish.id, actor=make.acting(director()))


@pytest.mark.skipif(ON_POSTGRES, reason="the commands run on an embedded database of their own")
def test_command_publishes_words_and_takes_two_people_for_all_else(settings: Settings, tmp_path: Path) -> None:
    round_ = make.a_round(workflow=version(1))
    a_draft(round_)
    first, second, slug = manager().email, director().email, round_.slug
    for name, text in texts(WORDS).items():
        (tmp_path / name).write_text(text)
    new = str(tmp_path / "main.yaml")
    version(1, WORDS), version(1, WORDS, QUORUM)
    worded = run(settings.instance, "change", slug, new, "--by", first)
    assert worded.stdout == "1 applications moved, 0 held, 1 rounds follow\n", worded.stderr
    (tmp_path / "main.yaml").write_text(texts(WORDS, QUORUM)["main.yaml"])
    asked = run(settings.instance, "change", slug, new, "--by", first, "--reason", "More people.")
    assert asked.stdout.startswith("proposed (policy)"), asked.stderr
    alone = run(settings.instance, "change", slug, new, "--by", first)
    assert alone.returncode == 1 and "another manager or director of the round has to" in alone.stderr
    agreed = run(settings.instance, "change", slug, new, "--by", second)
    assert agreed.stdout == "1 applications moved, 0 held, 1 rounds follow\n", agreed.stderr
