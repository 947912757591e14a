"""Nothing is published with an error, or with a warning that nobody answers for, through whichever door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sqlalchemy as sa

from fundflow.config import ROOT, Settings
from fundflow.db import db, transaction
from fundflow.lifecycle import definitions, migrating, proof
from fundflow.lifecycle.models import Definition, DefinitionChange
from fundflow.lifecycle.proof import Unproven
from fundflow.rounds import rules
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from tests import factories as make
from tests.commands import run
from tests.conftest import ON_POSTGRES
from tests.workflow.files import MAIN, changed

pytestmark = pytest.mark.usefixtures("app")

NEXT = ("version: 1\n", "version: 2\n")
FRAGILE = ("    quorum: 2\n", "    quorum: 3\n")
BLIND = (
    "    view: {applicant: [proposal], reviewer: [proposal], officer: [proposal, panel]",
    "    view: {applicant: [proposal], officer: [proposal, panel]",
)
ACCEPT = (
    "accept:\n",
    "accept:\n  - {code: FF164, at: reviews.panel.quorum, because: All three read it., by: 'Ada, 2026-11-20'}\n",
)


def small_grant(*changes: tuple[str, str]) -> Workflow:
    """The shipped workflow as version 2, with pieces of its text replaced."""
    files = changed(*NEXT)
    for old, new in changes:
        assert old in files[MAIN], old
        files[MAIN] = files[MAIN].replace(old, new, 1)
    return loader.load(files, MAIN)


def kept() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Definition)) or 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([BLIND], "FF168"),
        ([FRAGILE], "FF164"),
        ([FRAGILE, BLIND, ACCEPT], "FF168"),
        ([ACCEPT], "FF212"),
        ([("      - {ledger: release}\n", "")], "FF176"),
        ([("{notify: sent_back,", "{notify: awarded,")], None),
    ],
)
def test_pinning_refuses_what_the_check_finds_and_keeps_nothing(
    changes: list[tuple[str, str]], code: str | None
) -> None:
    before = kept()
    workflow = small_grant(*changes)
    if code is None:
        with transaction():
            definitions.pin(workflow)
        assert kept() == before + 1
        return
    with pytest.raises(Unproven) as refused, transaction():
        definitions.pin(workflow)
    assert code in {each.code for each in refused.value.problems}
    assert f"small_grant.yaml:{refused.value.problems[0].line}: {refused.value.problems[0].code}" in str(refused.value)
    assert kept() == before


def test_a_warning_that_somebody_answers_for_does_not_block() -> None:
    workflow = definitions.complete(small_grant(FRAGILE, ACCEPT))
    with transaction():
        assert definitions.pin(workflow) == workflow.sha256
    [found] = [each for each in proof.findings(workflow) if each.code == "FF164"]
    assert found.is_accepted and found.accepted_by == "Ada, 2026-11-20" and not found.blocks
    assert definitions.get(workflow.sha256).accepted[0].because == "All three read it."


def test_what_is_shipped_may_be_published() -> None:
    for workflow in definitions.shipped():
        assert [str(each) for each in proof.findings(workflow) if each.blocks] == []


def test_one_number_is_never_two_rule_books() -> None:
    with transaction():
        definitions.pin(make.a_workflow())
    with pytest.raises(Unproven, match="give this one version 2"), transaction():
        definitions.pin(loader.load(changed("    confirm: true\n", ""), MAIN))
    with transaction():
        definitions.pin(loader.load(changed("title: {en: Small grant", "title: {en: Little grant"), MAIN))


def test_no_other_way_leads_in() -> None:
    """Applying a migration, proposing other rules and both commands go through the same door."""
    round_ = make.a_round()
    make.an_application(round_)
    old, new = make.a_workflow(), small_grant(FRAGILE)
    before = kept()
    plan = migrating.plan(old, new)
    db.session.rollback()
    with pytest.raises(Unproven):
        migrating.apply(plan)
    with pytest.raises(Unproven), transaction():
        rules.propose(round_, new, actor=make.acting(make.a_person(groups=[make.MANAGERS])), reason="More people.")
    db.session.rollback()
    assert kept() == before
    assert db.session.scalar(sa.select(sa.func.count()).select_from(DefinitionChange)) == 0


@pytest.mark.skipif(ON_POSTGRES, reason="the commands run on an embedded database of their own")
def test_the_commands_are_refused_as_well(settings: Settings, tmp_path: Path) -> None:
    round_ = make.a_round()
    manager = make.a_person(groups=[make.MANAGERS])
    for name, text in small_grant(FRAGILE).files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    file, before, slug, email = str(tmp_path / MAIN), kept(), round_.slug, manager.email
    db.session.rollback()
    moved = run(settings.instance, "migrate", "small-grant@1", file)
    assert moved.returncode == 1 and "FF164 one recusal makes the quorum of 3 impossible" in moved.stderr
    asked = run(settings.instance, "change", slug, file, "--by", email, "--reason", "More people.")
    assert asked.returncode == 1 and "cannot be published while the check finds this in it" in asked.stderr
    assert kept() == before


def test_only_the_door_keeps_what_is_published() -> None:
    """`keep` stores without a proof; in the package nobody but `pin` calls it, and nothing else writes the table."""
    callers, writers = [], []
    for path in sorted((ROOT / "fundflow").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for function in (each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef)):
            for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
                called = ast.unparse(call.func)
                if called in ("keep", "definitions.keep", "pinned.keep"):
                    callers.append((path.name, function.name))
                if called in ("Definition", "inserting", "sa.insert", "sa.update") and (
                    called == "Definition" or (call.args and ast.unparse(call.args[0]) == "Definition")
                ):
                    writers.append((path.name, function.name))
    assert callers == [("definitions.py", "pin")]
    assert writers == [("definitions.py", "keep")]
