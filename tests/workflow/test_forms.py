# ruff: noqa: E501 - each row of a table stays on its line
"""A form judges stored answers by its own rules, in both languages, and types them without ever failing."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.workflow.forms import Form, count_words
from tests.workflow.files import euro, small_grant


def money(amount: str) -> dict[str, Any]:
    return {"minor": euro(amount).minor, "currency": "EUR"}


GOOD: dict[str, Any] = {
    "title": "A house for arrivals",
    "summary": "Words that a resident understands.",
    "theme": "housing",
    "objectives": ["reception", "inclusion"],
    "project_country": "CO",
    "need": "We asked two hundred people.",
    "people_expected": "250",
    "voice": "They decide with us.",
    "starts_on": "2027-01-01",
    "ends_on": "2027-12-31",
    "activities": [{"_id": "1", "activity": "Open the house", "who": "The city", "done_by": "2027-03-01"}],
    "requested": money("40000.00"),
    "budget": [
        {"_id": "1", "item": "Rent", "kind": "other", "amount": money("39998.99")},
        {"_id": "2", "item": "Keys", "kind": "material", "amount": money("1.01")},
    ],
    "contact_name": "Ana Ruiz",
    "contact_email": "ana@example.org",
    "letter": ["5f0c"],
}


def proposal() -> Form:
    return small_grant().forms["proposal"]


def missing(**more: Any) -> list[str]:
    return [m.sentence.in_("en") for m in proposal().check({**GOOD, **more}, "EUR")]


def test_complete_answers_may_be_sent() -> None:
    assert missing() == []
    assert proposal().is_complete(GOOD)


def test_an_empty_form_names_every_required_field_once_and_in_order() -> None:
    found = proposal().check({}, "EUR")
    required = [f.id for f in proposal().fields.values() if f.required]
    assert [m.field for m in found] == required
    assert all(set(m.sentence) == {"en", "fr"} for m in found)
    assert found[0].sentence.in_("fr") == "Répondez à « Titre du projet »."


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"title": "word " * 16}, "“Title of the project” has 16 words; use at most 15."),
        ({"title": "   "}, "Answer “Title of the project”."),
        ({"theme": "hosing"}, "What is written for “Main theme” cannot be read."),
        ({"objectives": []}, "Choose at least one answer for “Which objectives does it serve?”."),
        ({"objectives": ["access", "drivers", "inclusion", "reception"]}, "Choose at most 3."),
        ({"project_country": "NO"}, None),
        ({"project_country": "XX"}, "What is written for “Country where it takes place” cannot be read."),
        ({"project_country": False}, "What is written for “Country where it takes place” cannot be read."),
        ({"people_expected": "0"}, "Give at least 1."),
        ({"people_expected": "10000001"}, "Give at most 10,000,000."),
        ({"people_expected": "2.5"}, "Give a whole number."),
        ({"people_expected": "NaN"}, "What is written for “How many people will it reach directly?” cannot be read."),
        ({"people_expected": "1e9999"}, "What is written for “How many people will it reach directly?” cannot be read."),
        ({"ends_on": "2027-01-01"}, "This date must come after “Start” (1 January 2027)."),
        ({"ends_on": "soon"}, "What is written for “End” cannot be read."),
        ({"requested": money("0")}, "Give at least €1.00."),
        ({"requested": {"minor": 4_000_000, "currency": "USD"}}, "What is written for “Amount requested” cannot be read."),
        ({"requested": money("40000.01")}, "The lines add up to €40,000.00, but “Amount requested” is €40,000.01. They must be equal."),
        ({"contact_email": "ana at example"}, "“ana at example” is not an e-mail address."),
        ({"letter": []}, "Attach a file for “Letter of the mayor”."),
        ({"letter": ["a", "b"]}, "Too many files: attach at most 1."),
        ({"activities": []}, "Add at least one line to “Main activities”."),
        ({"activities": [{"activity": "x", "who": "", "done_by": "2027-01-01"}]}, "Line 1, Who does it: Answer “Who does it”."),
    ],
)  # fmt: skip
def test_a_rule_that_is_broken_is_said_in_words(more: dict[str, Any], sentence: str | None) -> None:
    assert missing(**more)[:1] == ([] if sentence is None else [sentence])


def test_a_wrong_cell_is_named_by_line_and_column() -> None:
    rows = copy.deepcopy(GOOD["budget"])
    rows[1]["amount"] = None
    cells = [m for m in proposal().check({**GOOD, "budget": rows}, "EUR") if m.row is not None]
    assert [(m.field, m.row, m.column) for m in cells] == [("budget", 2, "amount")]


def test_values_are_typed_exactly() -> None:
    values = proposal().values(GOOD, "EUR")
    assert values["requested"] == euro("40000")
    assert values["people_expected"] == Decimal(250)
    assert values["starts_on"] == date(2027, 1, 1)
    assert values["objectives"] == ("reception", "inclusion")
    assert values["budget"][1]["amount"] == euro("1.01")
    assert values["cofinance"] is None
    assert proposal().values({}, "EUR")["budget"] == ()


def test_the_answers_of_all_forms_make_up_the_application() -> None:
    workflow = small_grant()
    values = workflow.application_values({"proposal": GOOD, "report": {"spent": money("12.50")}})
    assert values["spent"] == euro("12.50")
    assert values["title"] == "A house for arrivals"
    assert "impact" not in values


def test_the_score_sheet_weighs_a_hundred_and_says_what_its_figures_mean() -> None:
    workflow = small_grant()
    criteria = [f for f in workflow.forms["score"].fields.values() if f.type == "score"]
    assert sum(f.weight or 0 for f in criteria) == 100
    assert workflow.reviews["panel"].weights == {f.id: f.weight for f in criteria}
    assert all(set(f.anchors) == {0, 3, 5, 8, 10} and f.required for f in criteria)
    sheet = {f.id: "11" for f in criteria}
    assert [m.sentence.in_("en") for m in workflow.forms["score"].check(sheet)][:1] == ["Give at most 10."]


def test_every_text_of_the_shipped_files_is_in_both_languages() -> None:
    workflow = small_grant()
    texts = [field.label for form in workflow.forms.values() for field in form.fields.values()]
    texts += [t.label for t in workflow.transitions.values()] + [s.label for s in workflow.states.values()]
    texts += [t.help for t in workflow.transitions.values() if t.help] + list(workflow.outcomes.values())
    assert all(set(text) == {"en", "fr"} for text in texts)


@pytest.mark.parametrize(("text", "count"), [("", 0), ("  a  b\n c ", 3), ("d’accord", 1), ("a\u00a0b", 2)])
def test_words_are_counted_between_spaces(text: str, count: int) -> None:
    assert count_words(text) == count


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["minor", "currency", "amount", "item", "_id"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(st.sampled_from(sorted(GOOD)), junk))
def test_whatever_is_stored_is_judged_and_typed_without_failing(data: dict[str, Any]) -> None:
    stored = {**GOOD, **data}
    found = proposal().check(stored, "EUR")
    assert proposal().is_complete(stored) is (found == [])
    proposal().values(stored, "EUR")
