"""The proof that the runner of examples says the truth: every shipped example, step by step, on the engine as well."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from flask import Flask

from fundflow.config import ROOT
from fundflow.lifecycle import registry
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import Example
from tests.lifecycle.replaying import Engine, leaves, paper

SHIPPED = ("small_grant", "global_cities_fund")


@cache
def with_examples(name: str) -> Workflow:
    return loader.read(ROOT / "workflows" / f"{name}.yaml", examples=True)


STORIES: list[Any] = [
    pytest.param(name, chain, id=f"{name}-{chain[-1].name}")
    for name in SHIPPED
    for chain in leaves(with_examples(name).examples)
]

AGREED: set[tuple[str, str]] = set()
"""The examples that the engine and the runner were found to agree on."""


@pytest.fixture(autouse=True)
def _papers(app: Flask) -> Iterator[None]:
    before = list(registry.papers)
    registry.papers[:] = [paper]
    yield
    registry.papers[:] = before


@pytest.mark.parametrize(("name", "chain"), STORIES)
def test_the_engine_does_what_the_example_says(name: str, chain: list[Example]) -> None:
    workflow = with_examples(name)
    engine = Engine(chain[-1], {example.name: example for example in workflow.examples}, workflow.id)
    for example in chain:
        # What another story told before agrees already, and is only told again to get where this one begins.
        is_known = (name, example.name) in AGREED
        for step in example.steps:
            engine.tell(step, is_known=is_known)
        if not is_known:
            engine.look(example.line)
        AGREED.add((name, example.name))


def test_every_shipped_example_is_told_to_the_engine() -> None:
    for name in SHIPPED:
        told = {example.name for chain in leaves(with_examples(name).examples) for example in chain}
        assert told == {example.name for example in with_examples(name).examples}
