"""A workflow is drawn whole, for eyes, ears and Mermaid: nothing overlaps, nothing is left out or drawn twice."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.config import ROOT
from fundflow.workflow import diagram, diagram_text, loader
from fundflow.workflow.cards import Card, Column, Exit, Machine, Mark, MarkKind, Picture, by_distance, picture
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diagram import Tallies, Tally
from fundflow.workflow.layout import Layout, Lines, Shape, lay_out
from fundflow.workflow.lettering import Piece
from tests.workflow.files import large_grant, small_grant

SVG = "{http://www.w3.org/2000/svg}"
Rect = tuple[float, float, float, float]
FILES = sorted(
    str(path.relative_to(ROOT / "workflows"))
    for path in [*(ROOT / "workflows").glob("*.yaml"), *(ROOT / "workflows" / "examples").glob("*.yaml")]
)
SHAPES: tuple[Shape, Shape] = ("wide", "tall")


def shipped(name: str) -> Workflow:
    return small_grant() if name == "small_grant" else large_grant()


def drawn(workflow: Workflow, **how: object) -> ET.Element:
    return ET.fromstring(diagram.svg(workflow, **{"language": "en", **how}))  # type: ignore[arg-type]


def named(root: ET.Element, what: str) -> list[str]:
    return [found for g in root.iter(f"{SVG}g") if (found := g.get(what)) is not None]


# ---- what is drawn ----


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["small_grant", "global_cities_fund"])
def test_every_state_outcome_and_way_out_is_drawn_exactly_once(name: str, shape: Shape) -> None:
    workflow = shipped(name)
    root = drawn(workflow, shape=shape)
    children = workflow.children.values()
    states = [*workflow.states, *(f"{child.id}.{state}" for child in children for state in child.states)]
    assert Counter(named(root, "data-state")) == Counter(states)
    assert Counter(named(root, "data-outcome")) == Counter(list(workflow.outcomes))
    ways = [(g.get("data-transition"), g.get("data-from")) for g in root.iter(f"{SVG}g") if g.get("data-transition")]
    assert Counter(ways) == Counter((t.id, source) for t in workflow.every_transition() for source in t.sources)
    lines = [path for path in root.iter(f"{SVG}path") if path.get("class") == "flow-line"]
    arrows = [1 for t in workflow.every_transition() for source in t.sources if t.destination(source) is not None]
    assert len(lines) == len(arrows)


def test_the_same_rules_give_the_same_drawing_to_the_letter() -> None:
    assert diagram.svg(large_grant(), "fr") == diagram.svg(large_grant(), "fr")
    assert diagram_text.mermaid(large_grant(), "fr") == diagram_text.mermaid(large_grant(), "fr")


@pytest.mark.parametrize("current", ["review", "declined"])
def test_where_the_application_is_stands_out_once(current: str) -> None:
    root = drawn(small_grant(), current=current)
    marked = [g for g in root.iter(f"{SVG}g") if "is-current" in (g.get("class") or "")]
    assert [g.get("data-state") or g.get("data-outcome") for g in marked] == [current]
    words = root.find(f"{SVG}desc")
    assert words is not None and (words.text or "").startswith("Now: ")


def test_it_has_a_title_and_a_description_and_neither_script_nor_style() -> None:
    root = drawn(small_grant(), language="fr")
    title, told = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and told is not None
    assert title.text == "Petite subvention"
    assert "Approuver la subvention (Gestionnaire du fonds, engage les fonds) → Approuvée." in (told.text or "")
    assert root.get("aria-labelledby") == title.get("id") and root.get("aria-describedby") == told.get("id")
    assert not any(element.get("style") or element.tag.endswith(("script", "style")) for element in root.iter())
    assert len(drawn(small_grant(), is_brief=True).findtext(f"{SVG}desc") or "") < 60


def test_phases_clocks_money_children_and_what_happens_by_itself_are_marked() -> None:
    root = drawn(large_grant())
    others = {"tranche", "report", "followup", "amendment", "ends", "legend"}
    assert set(large_grant().phases) | others == set(named(root, "data-frame"))
    words = {" ".join("".join(text.itertext()).split()) for text in root.iter(f"{SVG}text")}
    assert {"Full proposal due: 70 days", "Eligibility check due: 10 working days", "Closing of the round"} <= words
    assert {"reserves money", "commits money", "pays", "frees money", "settles money", "begins: Payment"} <= words
    assert "by itself" in words and "the calendar" in words
    classes = Counter(g.get("class") for g in root.iter(f"{SVG}g"))
    assert classes["flow-state is-final is-success"] == 5 and classes["flow-state is-final is-failure"] == 7


# ---- for one role ----


def test_a_role_is_shown_no_state_that_is_hidden_from_it_and_what_it_may_do_stands_out() -> None:
    root = drawn(large_grant(), role="applicant")
    hidden = {name for name, state in large_grant().states.items() if "applicant" in state.shown_as}
    assert hidden == {"committee", "decision"}
    assert set(named(root, "data-state")) & set(large_grant().states) == set(large_grant().states) - hidden
    ways = [g for g in root.iter(f"{SVG}g") if g.get("data-transition")]
    assert not {"open_review", "close_review"} & {g.get("data-transition") for g in ways}
    own = {g.get("data-transition") for g in ways if "is-own" in (g.get("class") or "")}
    may = {t.id for t in large_grant().every_transition() if "applicant" in t.by}
    assert own == may
    # What leads out of a hidden state leads out of the one that is shown for it, once.
    from_screening = Counter(g.get("data-transition") for g in ways if g.get("data-from") == "screening")
    assert from_screening == Counter(
        ["request_changes", "reject", "withdraw", "award", "place_on_reserve", "defer", "not_select"]
    )
    assert "Committee review due" not in "".join(root.itertext())


def test_states_in_which_a_role_reads_nothing_are_drawn_as_such() -> None:
    root = drawn(large_grant(), role="finance")
    unseen = {g.get("data-state") for g in root.iter(f"{SVG}g") if "is-unseen" in (g.get("class") or "")}
    may_read = {name for name, state in large_grant().states.items() if "finance" in {*state.view, *state.edit}}
    assert unseen == set(large_grant().states) - may_read and "draft" in unseen


def test_a_role_that_the_workflow_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        picture(small_grant(), "en", "aplicant")


# ---- where it stands ----


def rects_of(lines: Lines) -> Iterator[tuple[Rect, str]]:
    for span in lines.spans:
        x, y = lines.x + span.x, lines.y + span.line * lines.step
        yield (x, y, x + span.piece.width, y + lines.step), span.piece.text


def words_of(layout: Layout) -> list[tuple[Rect, str]]:
    found = []
    for _, box in layout.boxes:
        assert box.head is not None
        for lines in (box.head, *(lines for _, lines in box.notes), *(row.lines for row in box.rows)):
            found += list(rects_of(lines))
    for frame in layout.frames:
        for lines in (frame.title, *frame.words):
            found += list(rects_of(lines))
    return found


def overlap(one: Rect, other: Rect) -> bool:
    slack = 0.01
    return (
        one[0] < other[2] - slack
        and other[0] < one[2] - slack
        and one[1] < other[3] - slack
        and other[1] < one[3] - slack
    )


def faults(layout: Layout) -> Iterator[str]:
    """Everything that nobody wants to see in a drawing."""
    boxes = {(m.id, b.card.id): (b.x, b.y, b.right, b.bottom) for m, b in layout.boxes}
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        if overlap(a, b):
            yield f"{one} lies on {other}"
    for (one_words, a_text), (other_words, b_text) in itertools.combinations(
        [(rect, text) for rect, text in words_of(layout)], 2
    ):
        if overlap(one_words, other_words):
            yield f"“{a_text}” lies on “{b_text}”"
    for rect, what in [*words_of(layout), *((rect, str(name)) for name, rect in boxes.items())]:
        if rect[0] < 0 or rect[1] < 0 or rect[2] > layout.width or rect[3] > layout.height:
            yield f"{what} leaves the drawing"
    for _, box in layout.boxes:
        assert box.head is not None
        for lines in (box.head, *(lines for _, lines in box.notes), *(row.lines for row in box.rows)):
            for rect, text in rects_of(lines):
                if rect[0] < box.x or rect[2] > box.right or rect[1] < box.y or rect[3] > box.bottom:
                    yield f"“{text}” leaves {box.card.id}"
    for machine, box in layout.boxes:
        for row in box.rows:
            if (row.exit.target is not None) != bool(row.path):
                yield f"{row.exit.id} from {box.card.id} has no arrow, or one too many"
            for x, y in row.path:
                if not (0 < x < layout.width and 0 < y < layout.height):
                    yield f"{row.exit.id} leaves the drawing"
            for (x1, y1), (x2, y2) in itertools.pairwise(row.path):
                line = (min(x1, x2) + 0.1, min(y1, y2) - 0.05, max(x1, x2) - 0.1, max(y1, y2) + 0.05)
                for (of, name), rect in boxes.items():
                    if of == machine.id and overlap(line, rect):
                        yield f"{row.exit.id} from {box.card.id} runs through {name}"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("file", FILES)
def test_nothing_overlaps_or_leaves_the_drawing_of_a_shipped_workflow(file: str, shape: Shape) -> None:
    workflow = loader.read(ROOT / "workflows" / file)
    for language, role in itertools.product(workflow.languages, (None, *workflow.roles)):
        legend = [Piece("note", "a sign in words", "clock")] * 9
        layout = lay_out(picture(workflow, language, role), shape, legend, "Other ends")
        assert list(faults(layout)) == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["small_grant", "global_cities_fund"])
def test_arrows_to_different_places_never_run_on_each_other_and_seldom_cross(name: str, shape: Shape) -> None:
    layout = lay_out(picture(shipped(name), "en"), shape)
    lines = []
    for machine, box in layout.boxes:
        for row in box.rows:
            for (x1, y1), (x2, y2) in itertools.pairwise(row.path):
                if (x1, y1) != (x2, y2):
                    rect = (min(x1, x2) - 0.4, min(y1, y2) - 0.4, max(x1, x2) + 0.4, max(y1, y2) + 0.4)
                    lines.append((rect, x1 == x2, (machine.id, row.exit.target)))
    for (one, is_upright, to), (other, also, elsewhere) in itertools.combinations(lines, 2):
        assert is_upright != also or to == elsewhere or not overlap(one, other), (to, elsewhere)
    assert layout.crossings <= {"small_grant": 1, "global_cities_fund": 62}[name]
    others = lay_out(Picture("", "en", picture(shipped(name), "en").machines[:1]), shape)
    assert others.crossings <= {"small_grant": 1, "global_cities_fund": 9}[name], "children stand apart"


def test_on_a_telephone_the_drawing_is_no_wider_than_the_screen() -> None:
    for workflow in (small_grant(), large_grant()):
        assert lay_out(picture(workflow, "fr"), "tall").width <= 390


MARKS: tuple[MarkKind, ...] = ("money", "children")
words = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzÉßWMÖ ’–,.漢字ก"), min_size=1, max_size=90).filter(str.strip)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Any machine at all: unconnected, with loops, with labels of any length."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 9)))]
    outcomes = {f"o{n}": draw(words) for n in range(draw(st.integers(0, 3)))}
    kinds = st.sampled_from(MARKS)
    cards = {}
    for name in names:
        exits = []
        for number in range(draw(st.integers(0, 4))):
            target = draw(st.sampled_from([*names, *outcomes]))
            is_end = target in outcomes
            marks = tuple(Mark(draw(kinds), draw(words)) for _ in range(draw(st.integers(0, 2))))
            exits.append(
                Exit(
                    id=f"t{number}",
                    source=name,
                    label=draw(words),
                    who=draw(words),
                    target=None if is_end else target,
                    outcome=target if is_end else None,
                    outcome_label=outcomes.get(target, ""),
                    by=draw(st.sampled_from(["people", "auto", "clock"])),
                    marks=marks,
                    is_own=True,
                )
            )
        notes = [Mark("clock", draw(words), is_whole=False) for _ in range(draw(st.integers(0, 2)))]
        cards[name] = Card(name, draw(words), draw(st.sampled_from([None, "success", "failure"])), notes, exits)
    machine = Machine("m", draw(words), "", "s0", by_distance(cards, "s0"))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(names)))
        parts = [names[:cut], names[cut:]]
        machine.columns = [
            Column(f"p{n}", draw(words), [cards[name] for name in part]) for n, part in enumerate(parts) if part
        ]
    return Picture("Any", "en", [machine], outcomes)


@settings(max_examples=60, deadline=None)
@given(any_picture=pictures(), shape=st.sampled_from(SHAPES))
def test_nothing_overlaps_in_a_drawing_of_anything(any_picture: Picture, shape: Shape) -> None:
    layout = lay_out(any_picture, shape, ends="Other ends")
    assert list(faults(layout)) == []
    assert {box.card.id for _, box in layout.boxes} == set(any_picture.machines[0].cards)
    assert {name for frame in layout.frames for name in frame.places} == set(any_picture.outcomes)


def test_a_file_of_thousands_of_states_is_drawn_in_a_moment() -> None:
    cards = {
        f"s{n}": Card(
            f"s{n}", f"State {n}", None, [], [way(f"s{n}", f"s{(n * 7 + 1) % 3000}"), way(f"s{n}", f"s{n + 1}")]
        )
        for n in range(2999)
    }
    cards["s2999"] = Card("s2999", "The last", "success", [], [])
    machine = Machine("m", "Many", "", "s0", by_distance(cards, "s0"))
    began = perf_counter()
    layout = lay_out(Picture("Many", "en", [machine], {}))
    assert len(layout.boxes) == 3000 and perf_counter() - began < 10


def way(source: str, target: str) -> Exit:
    return Exit(f"{source}-{target}", source, "On", "Somebody", target, None, "", "people", (), is_own=True)


# ---- counts ----


def test_counts_stand_on_their_states_and_ends_and_lead_to_the_lists() -> None:
    tallies = Tallies(
        {
            "draft": Tally(3, "Draft: 3 applications", "/board?state=draft&round=x"),
            "review": Tally(0, "Under review: 0"),
        },
        {"declined": Tally(1, "Declined: 1 application", "/board?state=ended:declined")},
    )
    root = drawn(small_grant(), tallies=tallies)
    links = {a.get("href"): a.get("aria-label") for a in root.iter(f"{SVG}a")}
    assert links == {
        "/board?state=draft&round=x": "Draft: 3 applications",
        "/board?state=ended:declined": "Declined: 1 application",
    }
    assert root.get("role") == "group", "what holds links is no image"
    badges = [g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("flow-badge")]
    assert ["".join(g.itertext()) for g in badges] == ["1", "3", "0"]


# ---- in letters ----


def test_mermaid_names_every_arrow_with_who_may_follow_it() -> None:
    text = diagram_text.mermaid(small_grant(), "en")
    assert "s_draft --> s_review : Submit the application, City team" in text
    assert "s_review --> e_declined : Decline, Fund manager" in text
    assert text.count(" --> ") == 11 + 1 + 5 + 1
    large = diagram_text.mermaid(large_grant(), "en", "applicant")
    assert 'state "Full proposal" as p_proposal_stage {' in large and "c_tranche_ordered --> c_tranche_paid" in large
    assert "s_committee" not in large and not re.search(r"[<>](?!\s)|\"\w+: ", large.replace("-->", ""))


def test_the_table_says_every_way_out_once() -> None:
    rows = diagram_text.markdown(large_grant(), "en").splitlines()
    ways = sum(len(t.sources) for t in large_grant().every_transition())
    assert len(rows) == ways + 2
    assert "| Decision | Award the grant | Director of the fund | Checks before signing | reserves money |" in rows
