"""One shared machine fires what was decided, and nothing that the file does not name."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fundflow.workflow.decide import DefinitionMismatch
from fundflow.workflow.machine import Compiled, Cursor
from tests.workflow.files import facts, situation, small_grant


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return Compiled(small_grant())


def test_there_is_no_way_past_the_guards(compiled: Compiled) -> None:
    assert set(compiled.graphs[""].events) == set(small_grant().transitions)
    assert not any(name.startswith("to_") for name in compiled.graphs[""].events)
    assert compiled.graphs[""].models == []


def test_an_allowed_transition_gives_the_new_state(compiled: Compiled) -> None:
    state, outcome, decision = compiled.fire("draft", "submit", situation("draft", "applicant"))
    assert (state, outcome, decision.allowed) == ("review", None, True)


def test_an_end_gives_the_outcome_and_no_state(compiled: Compiled) -> None:
    state, outcome, decision = compiled.fire("review", "decline", situation("review", "officer"))
    assert (state, outcome, decision.outcome) == (None, "declined", "declined")


def test_a_refusal_moves_nothing_and_says_why(compiled: Compiled) -> None:
    state, outcome, decision = compiled.fire("draft", "submit", situation("draft", "officer"))
    assert (state, outcome) == (None, None)
    assert decision.refusals("en") == ["This can be done only by: City team."]


def test_from_a_state_that_it_does_not_leave_it_is_refused_in_words(compiled: Compiled) -> None:
    state, outcome, decision = compiled.fire("draft", "approve", situation("draft", "officer"))
    assert (state, outcome) == (None, None)
    assert decision.failing("state")


@pytest.mark.parametrize("given", [{}, {"reference": "x", "paid_on": None, "amount": None}])
def test_what_was_asked_and_not_given_is_never_passed_over(compiled: Compiled, given: dict[str, Any]) -> None:
    asked = situation("approved", "finance", facts=facts(input=given))
    state, outcome, decision = compiled.fire("approved", "disburse", asked)
    assert (state, outcome, decision.allowed) == (None, None, False)
    assert decision.refusals("en")[0].startswith("Fill in first: ")


def test_a_state_or_transition_of_another_workflow_is_a_mistake_of_the_caller(compiled: Compiled) -> None:
    for state, transition in (("nowhere", "submit"), ("draft", "fly")):
        with pytest.raises(DefinitionMismatch):
            compiled.fire(state, transition, situation(state, "applicant"))
    with pytest.raises(DefinitionMismatch):
        compiled.fire("draft", "submit", situation("review", "applicant"))


def test_a_cursor_holds_a_state_and_nothing_else() -> None:
    with pytest.raises(AttributeError):
        Cursor("draft").revision = 1  # type: ignore[attr-defined]


def test_threads_share_one_machine_without_mixing_applications(compiled: Compiled) -> None:
    path = [
        ("draft", "submit", "applicant", "review"),
        ("review", "approve", "officer", "approved"),
        ("approved", "disburse", "finance", "disbursed"),
        ("disbursed", "report", "applicant", "reported"),
    ]
    wrong: list[object] = []

    def drive() -> None:
        for _ in range(25):
            for source, transition, role, target in path:
                moved = compiled.fire(source, transition, situation(source, role))
                refused = compiled.fire(source, transition, situation(source))
                if moved[0] != target or refused[0] is not None or refused[2].allowed:
                    wrong.append((source, transition))

    threads = [threading.Thread(target=drive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
