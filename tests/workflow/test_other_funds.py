"""Workflows for other funds in `workflows/examples`: nothing to mend, every story true, each word in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import pytest

from fundflow import mail
from fundflow.awards.kinds import KINDS
from fundflow.config import ROOT
from fundflow.workflow import checker, examples, loader
from fundflow.workflow.cards import picture
from fundflow.workflow.definition import Workflow
from fundflow.workflow.text import Text

FOLDER = ROOT / "workflows" / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def fund(name: str) -> Workflow:
    return loader.read(FOLDER / f"{name}.yaml", examples=True)


def test_there_are_four() -> None:
    assert NAMES == ["advisers_award", "european_call", "rolling_fund", "single_stage_call"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_keeps_it_from_being_published(name: str) -> None:
    found = checker.check(fund(name))
    assert [str(each) for each in found if each.blocks] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_story_is_true(name: str) -> None:
    results = examples.run(fund(name))
    assert [str(each) for result in results for each in result.differences] == []
    assert len(results) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_every_transition_is_taken_in_some_story(name: str) -> None:
    """By somebody, by the clock or by itself; so every state is reached, too."""
    workflow = fund(name)
    told = examples.Run(workflow, workflow.examples)
    taken = {
        event.transition for each in workflow.examples if (world := told.world(each.name)) for event in world.events
    }
    assert {step.id for step in workflow.every_transition()} - taken == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_in_both_languages(name: str) -> None:
    texts = list(_texts(fund(name)))
    assert len(texts) > 100
    assert [text for text in texts if set(text) != {"en", "fr"}] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_message_and_document_that_it_names_exists(name: str) -> None:
    workflow = fund(name)
    effects = [effect for step in workflow.every_transition() for effect in step.do]
    messages = {effect.notify for effect in effects if effect.notify}
    for timer in workflow.timers.values():
        late = timer.escalate.template if timer.escalate else None
        messages |= {each for each in (timer.remind_with, timer.overdue_with, late) if each}
    assert messages - mail.names() == set()
    assert {effect.document for effect in effects if effect.document} - KINDS.keys() == set()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", NAMES)
def test_its_picture_has_a_card_for_each_state(name: str, language: str) -> None:
    workflow = fund(name)
    machines = picture(workflow, language).machines
    assert [set(machine.cards) for machine in machines] == [
        set(workflow.states),
        *(set(child.states) for child in workflow.children.values()),
    ]


def _texts(part: Any, seen: set[int] | None = None) -> Iterator[Text]:
    """Every text in a part of a workflow, wherever it stands."""
    seen = set() if seen is None else seen
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, Text):
        yield part
    elif isinstance(part, dict):
        for each in part.values():
            yield from _texts(each, seen)
    elif isinstance(part, (list, tuple)):
        for each in part:
            yield from _texts(each, seen)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _texts(getattr(part, field.name), seen)
