"""A workflow is drawn whole, for eyes, for ears and for Mermaid, without script or inline style."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from fundflow.workflow import diagram
from fundflow.workflow.layout import lay_out
from tests.workflow.files import small_grant

SVG = "{http://www.w3.org/2000/svg}"


def drawn(current: str | None = None, language: str = "en") -> ET.Element:
    return ET.fromstring(diagram.svg(small_grant(), language, current))


def test_every_state_and_transition_is_drawn() -> None:
    root = drawn()
    assert {g.get("data-state") for g in root.iter(f"{SVG}g")} - {None} == set(small_grant().states)
    assert {g.get("data-transition") for g in root.iter(f"{SVG}g")} - {None} == set(small_grant().transitions)


@pytest.mark.parametrize("current", ["review", "declined"])
def test_where_the_application_is_stands_out_once_or_at_each_end_of_that_name(current: str) -> None:
    marked = [g for g in drawn(current).iter(f"{SVG}g") if "is-current" in (g.get("class") or "")]
    assert len(marked) == 1
    words = drawn(current).find(f"{SVG}desc")
    assert words is not None
    assert (words.text or "").startswith("Now: ")


def test_it_has_a_title_and_a_description_and_neither_script_nor_style() -> None:
    root = drawn(language="fr")
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "Petite subvention"
    assert not any(element.get("style") or element.tag.endswith(("script", "style")) for element in root.iter())


def test_states_stand_in_columns_and_nothing_overlaps_or_leaves_the_drawing() -> None:
    layout = lay_out(small_grant(), "fr")
    boxes = list(layout.boxes.values())
    assert [box.column for box in boxes] == [0, 1, 2, 3, 4]
    for left, right in itertools.pairwise(boxes):
        assert left.right + 40 < right.x
    assert all(box.x > 0 and box.right < layout.width and box.y + box.height <= layout.height for box in boxes)


def test_mermaid_names_every_arrow_with_who_may_follow_it() -> None:
    text = diagram.mermaid(small_grant(), "en")
    assert "s_draft --> s_review : Submit the application, City team" in text
    assert "s_review --> e_declined : Decline, Fund manager" in text
    assert text.count(" --> ") == 11 + 1 + 5 + 1
