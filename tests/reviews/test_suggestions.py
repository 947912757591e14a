"""Whom to ask, suggested: balanced exactly, the same for the same records."""

from __future__ import annotations

from itertools import combinations, product
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.reviews import suggestions
from fundflow.reviews.suggestions import Need
from tests.reviews.committee import WITH_RESERVE, Scene, a_workflow
from tests.reviews.test_pages import page

PEOPLE = [UUID(int=n) for n in range(1, 5)]


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Need], dict[UUID, int]]:
    needs = [
        Need(UUID(int=100 + n), draw(st.integers(0, 2)), draw(st.integers(0, 2)), tuple(draw(st.permutations(free))))
        for n, free in enumerate(draw(st.lists(st.lists(st.sampled_from(PEOPLE), unique=True), max_size=4)))
    ]
    return needs, {person: draw(st.integers(0, 4)) for person in PEOPLE}


def cost(loads: dict[UUID, int], chosen: list[tuple[UUID, ...]]) -> int:
    return sum((loads[person] + sum(person in each for each in chosen)) ** 2 for person in loads)


@settings(deadline=None)
@given(batches())
def test_no_other_choice_is_better_balanced_and_everybody_is_free_and_asked_once(
    batch: tuple[list[Need], dict[UUID, int]],
) -> None:
    needs, loads = batch
    found = suggestions.for_all(needs, loads)

    for need in needs:
        got = found[need.id]
        assert len(got.people) == min(need.people, len(need.free))
        assert len(got.reserve) == min(need.reserve, len(need.free) - len(got.people))
        both = got.people + got.reserve
        assert len(set(both)) == len(both) and set(both) <= set(need.free)
    every = product(*(combinations(need.free, min(need.people, len(need.free))) for need in needs))
    best = min(cost(loads, list(choice)) for choice in every)
    assert cost(loads, [found[need.id].people for need in needs]) == best
    assert suggestions.for_all(needs, loads) == found


@pytest.mark.usefixtures("app")
def test_the_page_suggests_who_was_given_least_in_this_round_and_asks_nobody(client: FlaskClient) -> None:
    scene = Scene(workflow=a_workflow(WITH_RESERVE))
    names = ("Anna", "Bela", "Cora", "Dora", "Edda", "Fina")
    people = {name: scene.reviewer(f"{name} Reader") for name in names}
    other = scene.another("Second")
    (place,) = scene.ready(people["Anna"], application=other)
    scene.score(place, people["Anna"])
    scene.ask(people["Bela"], application=other)
    path = f"/applications/{scene.application.id}/reviewers"
    shown = page(client, f"{path}?suggest=yes", scene.manager)

    checked = {name for name, who in people.items() if f'id="person-{who.id}" checked' in shown}
    assert checked == {"Cora", "Dora", "Edda"}
    standing = [name for name, who in people.items() if f'<option value="{who.id}" selected>' in shown]
    assert sorted(standing) == ["Anna", "Fina"]
    assert "this round: 0 open, 1 sent" in shown
    assert "Nobody has been asked yet." in page(client, path)
