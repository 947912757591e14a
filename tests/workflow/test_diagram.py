"""A workflow is drawn whole, for eyes, for ears and for Mermaid, without script or inline style."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from fundflow.workflow import diagram
from fundflow.workflow.layout import lay_out, width_of
from tests.workflow.files import large_grant, small_grant

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


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", ["small_grant", "global_cities_fund"])
def test_no_words_of_a_shipped_workflow_lie_on_others(name: str, language: str) -> None:
    workflow = small_grant() if name == "small_grant" else large_grant()
    found = re.findall(
        r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" text-anchor="(\w+)"[^>]*>([^<]*)<',
        diagram.svg(workflow, language),
    )
    places = []
    for x, y, size, anchor, words in found:
        wide = width_of(words, float(size)) * 0.9
        left = float(x) - (wide / 2 if anchor == "middle" else 0)
        places.append((left, left + wide, float(y) - float(size) * 0.7, float(y), words))
    assert len(places) > 20
    clashes = [
        (one[4], other[4])
        for number, one in enumerate(places)
        for other in places[number + 1 :]
        if one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
    ]
    assert clashes == []


def test_what_happens_by_itself_is_not_put_on_the_calendar() -> None:
    drawn = diagram.svg(large_grant(), "en")
    words = re.findall(r"<text[^>]*>([^<]*)<", drawn)
    assert words[words.index("Signed by both") + 1] == "by itself"
