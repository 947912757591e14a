"""Features plug in by name: what nobody provides is found before anything is served, and nothing is provided twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.lifecycle import commands, definitions, registry
from fundflow.lifecycle.actor import ANONYMOUS, SYSTEM
from fundflow.lifecycle.models import Definition
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round, a_toy_workflow, payment

pytestmark = pytest.mark.usefixtures("app")


def without(monkeypatch: pytest.MonkeyPatch, table: dict[str, Any], name: str) -> None:
    monkeypatch.delitem(table, name)


def test_everything_the_shipped_workflows_name_is_provided() -> None:
    registry.seal(definitions.shipped())
    registry.seal([a_toy_workflow()])


@pytest.mark.parametrize(
    ("table", "name", "says"),
    [
        (registry.effects, "ledger", "nobody provides the effect “ledger” (transition grant)"),
        (registry.facts, "round", "nobody provides the fact “round” (transition send)"),
        (registry.facts, "forms", "nobody provides the fact “forms.ask” (transition send)"),
        (registry.role_tests, "group", "nobody provides roles of the kind “group” (role manager)"),
    ],
)
def test_a_gap_is_named_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch, table: dict[str, Any], name: str, says: str
) -> None:
    without(monkeypatch, table, name)
    with pytest.raises(registry.Unprovided) as refused:
        registry.seal([a_toy_workflow()])
    assert f"toy-grant version 1: {says}" in str(refused.value)


def test_a_gap_that_appears_later_refuses_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    application = a_toy(state="sent")
    manager = make.a_person(groups=[make.MANAGERS])
    with monkeypatch.context() as patch:
        without(patch, registry.effects, "ledger")
        with pytest.raises(commands.UnknownEffect, match="“ledger”"):
            make.press(application, "grant", manager)
    with monkeypatch.context() as patch:
        without(patch, registry.role_tests, "group")
        with pytest.raises(commands.NotAllowed):
            make.press(application, "grant", manager)
    assert make.press(application, "grant", manager).state == "granted"


def test_a_role_test_must_say_true_and_nothing_else_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    application = a_toy(state="sent")
    manager = make.a_person(groups=[make.MANAGERS])
    monkeypatch.setitem(registry.role_tests, "group", lambda *_: "yes")
    with pytest.raises(commands.NotAllowed):
        make.press(application, "grant", manager)


def test_nobody_provides_what_another_provides_already() -> None:
    with pytest.raises(ValueError, match="fact “round” is already provided by"):

        @registry.fact("round")
        def other(application: Any) -> Mapping[str, Any]:
            return {}

    with pytest.raises(ValueError, match="can lock only rounds"):
        registry.fact("new", locks="users")


def test_the_system_and_nobody_hold_no_role_of_a_person() -> None:
    application = a_toy()
    assert commands.roles_of(application, SYSTEM) == {"system"}
    assert commands.roles_of(application, ANONYMOUS) == frozenset()
    assert commands.cell_of(application, SYSTEM).view == frozenset()


def test_a_pinned_workflow_is_the_same_afterwards_and_pinning_again_changes_nothing() -> None:
    workflow = definitions.complete(a_toy_workflow())
    for _ in range(2):
        with transaction():
            assert definitions.keep(workflow) == workflow.sha256
    definitions._loaded.clear()
    assert definitions.get(workflow.sha256).sha256 == workflow.sha256
    assert definitions.get(workflow.sha256) is definitions.get(workflow.sha256)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Definition)) == 1
    with pytest.raises(NotFound):
        definitions.get("0" * 64)


def test_rules_that_were_altered_in_the_database_are_not_followed() -> None:
    round_ = a_toy_round()
    row = db.session.get_one(Definition, round_.definition_sha)
    files = {name: text.replace("by: finance", "by: applicant") for name, text in row.files.items()}
    with transaction():
        db.session.execute(sa.update(Definition).values(files=files))
    definitions._loaded.clear()
    with pytest.raises(definitions.AlteredDefinition, match="toy-grant, version 1"):
        definitions.get(round_.definition_sha)


def test_rules_follow_the_round_that_pinned_them_and_not_what_is_shipped_later() -> None:
    strict = ("reference: {type: text, label: {en: Reference}}\n      ", "")
    old, new = a_toy(a_toy_round(), state="sent"), a_toy(a_toy_round(strict), state="sent")
    manager, finance = make.a_person(groups=[make.MANAGERS]), make.a_person(groups=[make.FINANCE])
    make.press(old, "grant", manager)
    make.press(new, "grant", manager)
    make.press(old, "pay", finance, input=payment("10000"))
    with pytest.raises(commands.WrongInput, match="“reference” is not asked here"):
        make.press(new, "pay", finance, input=payment("10000"))
