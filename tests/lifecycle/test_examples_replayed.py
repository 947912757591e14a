"""The proof that the runner of examples says the truth: every shipped example, step by step, on the engine as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from flask import Flask

from fundflow.config import ROOT
from fundflow.lifecycle import registry
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import Example, clockwork
from fundflow.workflow.examples.account import Account
from fundflow.workflow.examples.running import everybody
from fundflow.workflow.examples.statement import Person
from fundflow.workflow.examples.world import World
from tests.conftest import ON_POSTGRES
from tests.lifecycle.replaying import Engine, Halfway, leaves, paper

SHIPPED = ("small_grant", LARGE := "global_cities_fund")
EVERY = 4 if ON_POSTGRES else 1
"""The runner is held against the engine; the engine on one database against that on the other, elsewhere."""

# One worker tells them all, so that each goes on from where another ended.
pytestmark = pytest.mark.xdist_group("stories")


@cache
def with_examples(name: str) -> Workflow:
    return loader.read(ROOT / "workflows" / f"{name}.yaml", examples=True)


STORIES: list[Any] = [
    pytest.param(name, chain, id=f"{name}-{chain[-1].name}")
    for name in SHIPPED
    for chain in leaves(with_examples(name).examples)[:: EVERY if name == LARGE else 1]
]

HALFWAY: dict[tuple[str, str, tuple[Person, ...]], Halfway] = {}
"""Where engine and runner were found to agree at the end of an example that others, of the same people, go on from."""


@pytest.fixture(autouse=True)
def _papers(app: Flask) -> Iterator[None]:
    before = list(registry.papers)
    registry.papers[:] = [paper]
    yield
    registry.papers[:] = before


def tell(name: str, chain: list[Example], halfway: dict[tuple[str, str, tuple[Person, ...]], Halfway]) -> None:
    """Tell a story to both, from where another one that was told came to the same point."""
    workflow = with_examples(name)
    known = {example.name: example for example in workflow.examples}
    people = everybody(chain[-1], known)
    told = next((at for at in range(len(chain), 0, -1) if (name, chain[at - 1].name, people) in halfway), 0)
    last = (name, chain[told - 1].name, people)
    engine = halfway[last].resumed() if told else Engine(chain[-1], known, workflow.id)
    for example in chain[told:]:
        for step in example.steps:
            engine.tell(step)
        engine.look(example.line)
        if example is not chain[-1]:
            halfway[name, example.name, people] = engine.kept()


@pytest.mark.parametrize(("name", "chain"), STORIES)
def test_the_engine_does_what_the_example_says(name: str, chain: list[Example]) -> None:
    tell(name, chain, HALFWAY)


def _tells_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(clockwork, "tell", lambda *_: None)


def _releases_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Account, "release", lambda account, _amount: account)


def _keeps_no_roles_apart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(World, "roles", lambda world, who: frozenset(r for r in world.workflow.roles if world.holds(who, r)))


def _timers_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(clockwork, "cancel", lambda *_: None)


@pytest.mark.parametrize("broken", [_tells_nobody, _releases_nothing, _keeps_no_roles_apart, _timers_go_on])
def test_a_runner_that_is_broken_in_one_place_is_noticed(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = next(each for each in leaves(with_examples("small_grant").examples) if "cancelled" in each[-1].name)
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        tell("small_grant", chain, {})


def test_every_shipped_example_is_told_to_the_engine() -> None:
    for name in SHIPPED:
        told = {example.name for chain in leaves(with_examples(name).examples) for example in chain}
        assert told == {example.name for example in with_examples(name).examples}
