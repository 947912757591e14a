"""Declared forms as inputs: a WTForms form made of exactly the fields that a workflow's form declares.

What the form does not declare does not exist here, so nothing else can be written through it. Saving a draft tells what
cannot be read as its type and never runs the rules for sending: those are the declared form's own `check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from flask import Flask
from flask_babel import gettext as _
from wtforms import Form as Inputs
from wtforms.fields import Field as Input

from fundflow.money import Money, exponent
from fundflow.web import fields, reader, refusals
from fundflow.workflow import forms as declared

Mode = Literal["edit", "view"]

FEW = 7
"""Up to this many options are all shown at once; more become a list to open."""


@dataclass(frozen=True, slots=True)
class BoundSection:
    """Inputs under one heading."""

    id: str
    title: str
    help: str
    fields: list[Input]


class BoundForm:
    """A declared form with someone's answers in it. `form` is the WTForms form, for the error summary and tests."""

    def __init__(self, form: declared.Form, inputs: Inputs, language: str, currency: str) -> None:
        self.declared, self.form, self.language, self.currency = form, inputs, language, currency
        self.form.validate()

    def __iter__(self) -> Iterator[BoundSection]:
        return iter(self.sections)

    @property
    def sections(self) -> list[BoundSection]:
        return [
            BoundSection(
                section.id,
                section.title.in_(self.language),
                section.help.in_(self.language) if section.help else "",
                [self.form[field.id] for field in section.fields],
            )
            for section in self.declared.sections
        ]

    @property
    def errors(self) -> Mapping[str, Any]:
        """What could not be read as its type, by field."""
        return dict(self.form.errors)

    def stored(self) -> dict[str, Any]:
        """The answers as they are kept: plain JSON, without the questions left open."""
        return {name: kept for name in self.declared.fields if (kept := self.form[name].stored) is not None}

    def press(self, sent: Mapping[str, str]) -> bool:
        """Obey the buttons that work without scripts, `add-row` and `remove-row`; whether one of them was pressed."""
        if name := sent.get("add-row"):
            table = self._table(name)
            if table is not None:
                table.with_room()
                table.add_row()
        if name := sent.get("remove-row"):
            table_name, _dash, index = name.rpartition("-")
            table = self._table(table_name)
            if table is not None:
                table.remove_row(index)
                self.form.validate()
        return bool(sent.get("add-row") or sent.get("remove-row"))

    def _table(self, name: str) -> fields.Table | None:
        found = self.form[name] if name in self.declared.fields else None
        return found if isinstance(found, fields.Table) else None


def build(
    form: declared.Form,
    language: str,
    currency: str,
    data: Mapping[str, Any] | None = None,
    *,
    mode: Mode = "edit",
    sent: Any = None,
    locale: str = "",
) -> BoundForm:
    """The form with stored `data` in it, and over it what a request `sent` (a MultiDict), field by field.

    `language` is that of the texts; `locale` (else the language) decides how amounts, numbers and dates are read. With
    `mode="view"` nothing of what was sent is read and every input is disabled.
    """
    is_open = mode == "edit"
    made = _class_of(form.fields, language, currency, locale or language)
    bound = BoundForm(form, made(sent if is_open else None, data=dict(data or {})), language, currency)
    if not is_open:
        for field in bound.form:
            field.render_kw = {**(field.render_kw or {}), "disabled": True}
    return bound


def _class_of(questions: Mapping[str, declared.Field], language: str, currency: str, locale: str) -> type[Inputs]:
    inputs = {name: _input(question, language, currency, locale) for name, question in questions.items()}
    return type("DeclaredForm", (Inputs,), inputs)


def _input(question: declared.Field, language: str, currency: str, locale: str) -> Any:
    help_text = question.help.in_(language) if question.help else ""
    attributes: dict[str, Any] = {}
    common: dict[str, Any] = {"label": question.label.in_(language), "render_kw": attributes}
    typed: dict[str, Any] = {"says": refusals.sentence}
    match question.type:
        case "short_text" | "long_text":
            if question.words:
                attributes["data-words-max"] = str(question.words)
            if question.type == "long_text":
                attributes["rows"] = str(max(4, min(16, (question.words or 150) // 25)))
            made = fields.Words(**common, is_long=question.type == "long_text")
        case "email":
            attributes |= {"inputmode": "email", "autocomplete": "email", "spellcheck": "false"}
            made = fields.Words(**common)
        case "number":
            attributes["inputmode"] = "decimal" if question.places or (question.min or 0) < 0 else "numeric"
            made = fields.Typed(**common, **typed, **fields.number_ways(locale))
        case "money":
            attributes |= {"inputmode": "decimal", "data-currency": currency, "autocomplete": "off"}
            made = fields.Typed(**common, **typed, **fields.money_ways(currency, locale))
        case "date":
            made = fields.Typed(**common, **typed, **fields.date_ways(locale))
        case "choice":
            options = [(option.id, _option(option, language)) for option in question.options]
            made = (fields.PickOne if len(options) <= FEW else fields.Pick)(**common, choices=options)
        case "choices":
            made = fields.PickSome(**common, choices=[(o.id, _option(o, language)) for o in question.options])
        case "country":
            attributes["autocomplete"] = "off"
            made = fields.Pick(**common, choices=fields.countries(locale))
        case "score":
            made = _score(question, language, locale, common, typed)
            help_text = " ".join(filter(None, (help_text, _weight(question))))
        case "file":
            made = fields.Files(**common)
        case "table":
            line = _class_of(question.columns, language, currency, locale)
            made = fields.Table(**common, line=line, most=question.max_rows, least=question.min_rows)
    made.kwargs["description"] = help_text
    made.kwargs["validators"] = [_Flags(question)]
    return made


def _option(option: declared.Option, language: str) -> str:
    label = option.label.in_(language)
    return f"{label} – {option.help.in_(language)}" if option.help else label


def _score(question: declared.Field, language: str, locale: str, common: Any, typed: Any) -> Any:
    """Every figure in sight with its words where there are few; typed where there are many or parts of one."""
    low, high = int(question.min or 0), int(question.max if question.max is not None else 10)
    if question.places or high - low > 10:
        common["render_kw"]["inputmode"] = "decimal"
        return fields.Typed(**common, **typed, **fields.number_ways(locale))
    words = {figure: text.in_(language) for figure, text in question.anchors.items()}
    figures = [(str(n), f"{n} – {words[n]}" if n in words else str(n)) for n in range(low, high + 1)]
    return fields.PickOne(**common, choices=figures)


def _weight(question: declared.Field) -> str:
    return _("Weight: %(weight)s.", weight=question.weight) if question.weight else ""


class _Flags:
    """Marks a question that may stay open; it judges nothing, because a draft may stay open anywhere."""

    def __init__(self, question: declared.Field) -> None:
        is_asked = question.required or bool(question.min_rows)
        self.field_flags = {} if is_asked else {"optional": True}

    def __call__(self, form: Any, field: Any) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer for reading: `kind` is the field's type, `value` ready for its filter, `raw` what is not read."""

    id: str
    label: str
    kind: str
    value: Any
    raw: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    total: Any = None


@dataclass(frozen=True, slots=True)
class ShownSection:
    """Answers under one heading."""

    id: str
    title: str
    answers: list[Shown]


def shown(form: declared.Form, data: Mapping[str, Any], language: str, currency: str = "") -> list[ShownSection]:
    """Stored answers for reading, in the form's order; what stands in no field of the form is not shown."""
    currency = currency or _currency_in(data)
    return [
        ShownSection(
            section.id,
            section.title.in_(language),
            [_shown(question, data.get(question.id), language, currency) for question in section.fields],
        )
        for section in form.sections
    ]


def shown_field(question: declared.Field, stored: Any, language: str, currency: str) -> Shown:
    """One stored answer for reading."""
    return _shown(question, stored, language, currency)


def _shown(question: declared.Field, stored: Any, language: str, currency: str) -> Shown:
    from fundflow.workflow import answers

    raw = str(stored["raw"]) if isinstance(stored, Mapping) and "raw" in stored else ""
    value = answers.value(question, stored, currency)
    label, total = question.label.in_(language), None
    columns: tuple[tuple[str, str], ...] = ()
    match question.type:
        case "choice":
            value = _picked(question, value, language)
        case "choices":
            value = [_picked(question, each, language) for each in value]
        case "score":
            anchor = question.anchors.get(int(value)) if value is not None else None
            columns = (("anchor", anchor.in_(language)),) if anchor else ()
        case "table":
            rows = [row for row in stored or [] if isinstance(row, Mapping)]
            if question.sum_column and rows:
                total = answers.sum_of(question, value, currency)
            columns = tuple((column.id, column.label.in_(language)) for column in question.columns.values())
            value = [
                [_shown(column, row.get(name), language, currency) for name, column in question.columns.items()]
                for row in rows
            ]
    return Shown(question.id, label, question.type, value, raw, columns, total)


def _picked(question: declared.Field, value: Any, language: str) -> str | None:
    option = question.option(value)
    return option.label.in_(language) if option else None


def _currency_in(data: Any) -> str:
    """The currency of the first amount found in stored answers; all amounts of an application share one."""
    if isinstance(data, Mapping):
        if "minor" in data and "currency" in data:
            return str(data["currency"])
        return next(filter(None, map(_currency_in, data.values())), "")
    if isinstance(data, list):
        return next(filter(None, map(_currency_in, data)), "")
    return ""


def places_of(question: declared.Field, currency: str) -> int:
    """Decimal places of a table's sum: the currency's, or what its column of numbers allows."""
    column = question.columns.get(question.sum_column or "")
    return exponent(currency) if column is None or column.type == "money" else column.places


def in_smallest_units(value: Any, places: int) -> int | None:
    """An amount or a number counted in its smallest unit, as the scripts that add up columns want it."""
    if value is None:
        return None
    return value.minor if isinstance(value, Money) else int(value.scaleb(places))


def input_attributes(field: Input) -> dict[str, str]:
    """What ties an input to its help and its error for assistive technology."""
    told = ["help"] if field.description else []
    told += ["error"] if field.errors else []
    tied = {"aria-describedby": " ".join(f"{field.id}-{each}" for each in told)} if told else {}
    return {**tied, "aria-invalid": "true"} if field.errors else tied


def file_size(count: int) -> str:
    """A number of bytes in words."""
    if count < 1024:
        return str(_("%(count)s bytes", count=count))
    if count < 1024 * 1024:
        return str(_("%(count)s kB", count=reader.decimal(-(-count // 1024))))
    tenths = -(-count * 10 // (1024 * 1024))
    return str(_("%(count)s MB", count=reader.decimal(Decimal(tenths) / 10)))


def init_app(app: Flask) -> None:
    """Give the templates what components/declared.html draws with."""
    app.jinja_env.globals.update(
        shown_answers=shown, shown_answer=shown_field, places_of=places_of, input_attributes=input_attributes
    )
    app.jinja_env.filters.update(smallest_units=in_smallest_units, bytes=file_size)
