"""The workflows of other funds on the engine: each pinned, with a round, and one application from first word to end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from flask import Flask

from fundflow.config import ROOT
from fundflow.db import transaction
from fundflow.lifecycle import definitions, registry
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from tests.lifecycle.replaying import Engine, paper

LAST = {
    "single_stage_call": "the report is accepted",
    "rolling_fund": "the note comes",
    "advisers_award": "the prize is paid at once",
    "european_call": "the audit years end",
}
"""The story with which the main path of each ends; it continues all others of that path."""
ELSEWHERE = {"role", "access", "reason", "input", "candidate", "conflict", "reserve"}
"""Refusals that are the same for every workflow, which the stories of the shipped ones tell to the engine."""


@cache
def fund(name: str) -> Workflow:
    return loader.read(ROOT / "workflows" / "examples" / f"{name}.yaml", examples=True)


@pytest.fixture(autouse=True)
def _papers(app: Flask) -> Iterator[None]:
    before = list(registry.papers)
    registry.papers[:] = [paper]
    yield
    registry.papers[:] = before


@pytest.mark.parametrize("name", LAST)
def test_it_can_be_published_as_it_is(name: str) -> None:
    """With its messages and documents in both languages, and no finding that nobody answers for."""
    workflow = fund(name)
    with transaction():
        sha256 = definitions.pin(workflow)
    assert definitions.get(sha256).id == workflow.id


@pytest.mark.parametrize("name", LAST)
def test_an_application_goes_its_whole_way_on_the_engine(name: str) -> None:
    """Every step, and what a condition refuses, has on the database the effect that the story says."""
    workflow = fund(name)
    known = {example.name: example for example in workflow.examples}
    chain = [known[LAST[name]]]
    while chain[0].continues is not None:
        chain.insert(0, known[chain[0].continues])
    engine = Engine(chain[-1], known, workflow.id)
    for example in chain:
        for step in example.steps:
            if not step.refused or not ELSEWHERE.issuperset(step.refused):
                engine.tell(step)
    engine.look(chain[-1].line)
    state = workflow.states[engine.world.state]
    assert state.final == "success"
    assert engine.world.outcome is None
