"""Every component on one page, in development only: what designers look at and what the accessibility tests drive.

Keeps nothing: what is sent to its form comes back with errors, so that these can be looked at too.
"""

from __future__ import annotations

from datetime import timedelta

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
    widgets,
)
from wtforms.fields.choices import SelectChoice

from fundflow import clock
from fundflow.money import Money
from fundflow.web.gate import public


def _choices(**labels: str) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


class _Sample(FlaskForm):
    class Meta:
        csrf = False

    title = StringField("Title of the project", [validators.InputRequired("Write a title.")])
    summary = TextAreaField(
        "What will change for people?",
        [validators.InputRequired("Say what will change.")],
        description="Write for somebody who has never been to your city.",
        render_kw={"rows": 5, "data-words-max": "120"},
    )
    start = DateField("First day of work", [validators.Optional()], description="For example 1 September 2027.")
    country = SelectField("Country", choices=_choices(MZ="Mozambique", CO="Colombia", TR="Türkiye"))
    kind = RadioField("Who applies?", choices=_choices(city="A city", county="A county", group="Several together"))
    themes = SelectMultipleField(
        "Themes",
        choices=_choices(housing="Housing", jobs="Jobs", health="Health"),
        description="Choose one or two.",
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    plan = FileField("Council decision", description="PDF, at most 25 MB.")
    agreed = BooleanField("The council has agreed to this application.")


@public
def page() -> ResponseReturnValue:
    """The page; `?dir=rtl` turns it round, `?errors` shows its form refused."""
    now = clock.now()
    form = _Sample(data={"summary": "New arrivals find a home within a month.", "kind": "city", "themes": ["housing"]})
    if request.method == "POST" or "errors" in request.args:
        form = _Sample(formdata=None) if request.method == "GET" else _Sample()
        form.validate()
        flash("This page keeps nothing.", "info")
    return render_template(
        "dev/components.html",
        page_direction="rtl" if request.args.get("dir") == "rtl" else None,
        form=form,
        now=now,
        ago=lambda **span: now - timedelta(**span),
        ahead=lambda **span: now + timedelta(**span),
        eur=lambda minor: Money(minor, "EUR"),
    )
