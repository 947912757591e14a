"""Inputs made of declared forms: every type reads what people type, keeps what it cannot read, takes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict

from fundflow.web import forms
from fundflow.workflow.forms import Field, Form, Option, Section
from fundflow.workflow.text import Text


def text(words: str) -> Text:
    return Text({"en": words})


def field(name: str, kind: Any, **more: Any) -> Field:
    return Field(id=name, type=kind, label=text(name.title()), **more)


def form_of(*questions: Field) -> Form:
    return Form(
        id="proposal", title=text("Proposal"), sections=(Section(id="all", title=text("All"), fields=questions),)
    )


@pytest.fixture(autouse=True)
def within_a_request(bare: Flask) -> Iterator[None]:
    forms.init_app(bare)
    with bare.test_request_context("/"):
        yield


def sent(question: Field, *values: str, locale: str = "en", currency: str = "EUR") -> tuple[Any, list[str]]:
    """What is stored of one typed answer, and what is told about it."""
    bound = forms.build(
        form_of(question), "en", currency, sent=MultiDict([(question.id, v) for v in values]), locale=locale
    )
    return bound.stored().get(question.id), [str(each) for each in bound.form[question.id].errors]


@pytest.mark.parametrize(
    ("typed", "locale", "minor"),
    [
        ("1 250,50", "fr", 125050),
        ("1 250,50", "en", 125050),
        ("1.250,50", "en", 125050),
        ("1,250.50", "fr", 125050),
        ("1,250", "en", 125000),
        ("١٢٥٠", "en", 125000),
        ("12'500", "en", 1250000),
        ("0", "en", 0),
    ],
)
def test_amounts_are_read_in_the_readers_way_of_writing(typed: str, locale: str, minor: int) -> None:
    assert sent(field("asked", "money"), typed, locale=locale) == ({"minor": minor, "currency": "EUR"}, [])


@pytest.mark.parametrize(
    "typed", ["1e9", "-1", "NaN", "abc", "12 EUR", "1.234,5.6", "∞", "💶", "0x10", "1_000", "1.2345"]
)
def test_what_is_no_amount_is_kept_as_it_was_typed_and_told(typed: str) -> None:
    kept, told = sent(field("asked", "money"), typed)
    assert kept == {"raw": typed}
    assert len(told) == 1 and typed in told[0]


def test_an_amount_must_fit_its_currency() -> None:
    assert sent(field("asked", "money"), "1.5", currency="JPY")[0] == {"raw": "1.5"}
    assert sent(field("asked", "money"), "1,5", currency="TND", locale="fr")[0] == {"minor": 1500, "currency": "TND"}
    assert sent(field("asked", "money"), "9" * 30)[0] == {"raw": "9" * 30}


@pytest.mark.parametrize(
    ("typed", "kept"), [("12", "12"), ("-3", "-3"), ("−3", "-3"), ("1 250", "1250"), ("2,5", "2.5")]
)
def test_numbers_are_read_exactly(typed: str, kept: str) -> None:
    assert sent(field("people", "number"), typed, locale="fr") == (kept, [])


@pytest.mark.parametrize("typed", ["1e9", "NaN", "Infinity", "--1", "1/2", "nine", "1" * 60])
def test_what_is_no_number_is_kept_and_told(typed: str) -> None:
    kept, told = sent(field("people", "number"), typed)
    assert kept == {"raw": typed} and len(told) == 1


@pytest.mark.parametrize(
    ("typed", "locale", "kept"),
    [
        ("2027-03-31", "en_001", "2027-03-31"),
        ("31/03/2027", "fr", "2027-03-31"),
        ("31/03/2027", "en_001", "2027-03-31"),
    ],
)
def test_dates_are_read_as_browsers_and_people_write_them(typed: str, locale: str, kept: str) -> None:
    assert sent(field("start", "date"), typed, locale=locale) == (kept, [])


@pytest.mark.parametrize("typed", ["2027-02-30", "soon", "31", "0001-01-01", "2027-13-01", "99999-01-01", "-"])
def test_what_is_no_date_is_kept_and_shown_as_text(typed: str) -> None:
    question = field("start", "date")
    kept, told = sent(question, typed, locale="en_001")
    assert kept == {"raw": typed} and len(told) == 1
    again = forms.build(form_of(question), "en", "EUR", {"start": kept}, locale="en_001")
    assert f'value="{typed}"' in again.form["start"]() and 'type="text"' in again.form["start"]()
    assert again.errors["start"]


def test_texts_are_kept_as_written_whatever_the_script() -> None:
    words = "Häuser für 🏘️ مدينة \u202eend\nsecond line"
    assert sent(field("plan", "long_text"), words.replace("\n", "\r\n")) == (words, [])
    assert sent(field("name", "short_text"), "two\r\nlines") == ("two lines", [])
    assert sent(field("plan", "long_text"), "a\x00b\ud800c") == ("ab?c", [])
    assert sent(field("plan", "long_text"), "  \n ") == (None, [])


def test_ten_thousand_words_are_saved_and_only_sending_counts_them() -> None:
    question = field("plan", "long_text", words=150)
    many = "word " * 10_000
    kept, told = sent(question, many)
    assert kept.split() == many.split() and told == []
    assert "10,000" in form_of(question).check({"plan": kept})[0].sentence.in_("en")


def test_a_draft_is_never_held_to_the_rules_for_sending() -> None:
    form = form_of(
        field("title", "short_text", required=True, words=1),
        field("people", "number", required=True, min=Decimal(10)),
        field("mail", "email", required=True),
        field("aims", "choices", min=Decimal(2), options=(Option(id="a", label=text("A")),)),
    )
    bound = forms.build(
        form,
        "en",
        "EUR",
        sent=MultiDict([("title", "far too many words"), ("people", "1"), ("mail", "nobody"), ("aims", "a")]),
    )
    assert bound.errors == {}
    assert bound.stored() == {"title": "far too many words", "people": "1", "mail": "nobody", "aims": ["a"]}
    assert len(form.check(bound.stored())) == 4


def test_only_listed_choices_are_stored() -> None:
    options = (Option(id="a", label=text("A")), Option(id="b", label=text("B")))
    assert sent(field("theme", "choice", options=options), "b") == ("b", [])
    assert sent(field("theme", "choice", options=options), "z") == (None, ["Choose one of the answers listed."])
    assert sent(field("aims", "choices", options=options), "b", "z", "a") == (["a", "b"], [])
    assert sent(field("land", "country"), "KE") == ("KE", [])
    assert sent(field("land", "country"), "XX")[0] is None
    many = tuple(Option(id=f"o{n}", label=text(str(n))) for n in range(12))
    assert sent(field("theme", "choice", options=many), "o11") == ("o11", [])


def test_scores_show_their_words_and_weight() -> None:
    question = field("impact", "score", weight=35, anchors={0: text("Nothing"), 10: text("Everything")})
    assert sent(question, "8") == ("8", [])
    assert sent(question, "11")[0] is None
    bound = forms.build(form_of(question), "en", "EUR")
    labels = [each.label.text for each in bound.form["impact"]]
    assert labels[0] == "0 – Nothing" and labels[10] == "10 – Everything" and len(labels) == 11
    assert bound.form["impact"].description == "Weight: 35."


def table() -> Field:
    columns = {"item": field("item", "short_text"), "amount": field("amount", "money")}
    return field("budget", "table", columns=columns, sum_column="amount", sum_equals="asked", max_rows=3)


def test_rows_keep_the_order_of_the_page_their_ids_and_what_cannot_be_read() -> None:
    form = form_of(field("asked", "money"), table())
    rows = [
        ("budget-rows", "1"),
        ("budget-7-_id", "kept"),
        ("budget-7-item", "Rooms"),
        ("budget-7-amount", "0.10"),
        ("budget-2-_id", "kept"),
        ("budget-2-item", "People"),
        ("budget-2-amount", "x"),
        ("budget-3-_id", "empty"),
        ("budget-3-item", ""),
        ("budget-3-amount", " "),
    ]
    bound = forms.build(form, "en", "EUR", sent=MultiDict(rows))
    first, second = bound.stored()["budget"]
    assert first == {"_id": "kept", "item": "Rooms", "amount": {"minor": 10, "currency": "EUR"}}
    assert second["amount"] == {"raw": "x"} and second["_id"] not in ("kept", "")
    assert list(bound.errors) == ["budget"] and "Line 2" in bound.form["budget"].errors[0]


def test_sums_of_tables_are_exact() -> None:
    form = form_of(field("asked", "money"), table())
    rows = [("budget-rows", "1"), ("asked", "0.60")]
    rows += [pair for n in range(3) for pair in ((f"budget-{n}-item", "x"), (f"budget-{n}-amount", f"0.{n + 1}"))]
    bound = forms.build(form, "en", "EUR", sent=MultiDict(rows))
    assert form.check(bound.stored()) == []
    shown = forms.shown(form, bound.stored(), "en")[0].answers[1]
    assert shown.total.minor == 60


def test_an_emptied_table_is_empty_and_an_absent_one_stays() -> None:
    form = form_of(field("asked", "money"), table())
    kept = {"budget": [{"_id": "a", "item": "Rooms"}]}
    assert forms.build(form, "en", "EUR", kept, sent=MultiDict([("budget-rows", "1")])).stored() == {}
    assert forms.build(form, "en", "EUR", kept, sent=MultiDict([("asked", "")])).stored() == kept


def test_rows_come_and_go_by_buttons() -> None:
    form = form_of(field("asked", "money"), table())
    bound = forms.build(form, "en", "EUR", {"budget": [{"_id": "a", "item": "Rooms"}, {"_id": "b", "item": "People"}]})
    assert bound.press({"add-row": "budget"})
    assert [row.index for row in bound.form["budget"].rows] == [0, 1, 2]
    bound.press({"add-row": "budget"})
    assert len(bound.form["budget"].rows) == 3, "not beyond what the table may hold"
    bound.press({"remove-row": "budget-0"})
    assert [row["item"] for row in bound.stored()["budget"]] == ["People"]
    assert not bound.press({}) and bound.press({"add-row": "no-such-table"})


def test_nothing_outside_the_form_can_be_sent() -> None:
    form = form_of(field("title", "short_text"), field("letter", "file"), table())
    rows = [
        ("title", "Mine"),
        ("state", "approved"),
        ("requested_minor", "1"),
        ("letter", "0b2f7d7e-0000-4000-8000-000000000000"),
        ("budget-rows", "1"),
        ("budget-0-item", "x"),
        ("budget-0-secret", "y"),
        ("_id", "z"),
    ]
    bound = forms.build(form, "en", "EUR", {"letter": ["kept"]}, sent=MultiDict(rows))
    stored = bound.stored()
    assert set(stored) == {"title", "letter", "budget"} and stored["letter"] == ["kept"]
    assert set(stored["budget"][0]) == {"_id", "item"}
    assert set(bound.form.data) == {"title", "letter", "budget"}


def test_stored_answers_come_back_as_they_were_typed() -> None:
    form = form_of(field("asked", "money"), field("people", "number"), field("start", "date"))
    data = {"asked": {"minor": 125050, "currency": "EUR"}, "people": "1250.5", "start": "2027-03-31"}
    french = forms.build(form, "fr", "EUR", data, locale="fr")
    assert [french.form[name]._value() for name in data] == ["1250,50", "1250,5", "2027-03-31"]
    again = forms.build(form, "fr", "EUR", sent=MultiDict([(n, french.form[n]._value()) for n in data]), locale="fr")
    assert again.stored() == data


def test_a_form_to_look_at_takes_nothing() -> None:
    form = form_of(field("title", "short_text"))
    bound = forms.build(form, "en", "EUR", {"title": "Kept"}, mode="view", sent=MultiDict([("title", "New")]))
    assert bound.stored() == {"title": "Kept"} and "disabled" in bound.form["title"]()


def test_answers_are_escaped_where_they_are_read() -> None:
    form = form_of(field("title", "short_text"), field("plan", "long_text"), field("asked", "money"), table())
    hurt = "<script>alert(1)</script>"
    data = {"title": hurt, "plan": hurt, "budget": [{"_id": "a", "item": hurt, "amount": {"raw": hurt}}]}
    page = render_template_string(
        '{% import "components/declared.html" as declared with context %}{{ declared.answers(form, data, "en") }}'
        "{{ declared.fields(bound) }}",
        form=form,
        data=data,
        bound=forms.build(form, "en", "EUR", data),
    )
    assert "<script" not in page and page.count("&lt;script&gt;") >= 7
