"""The answers of an application as a document prints them: in words, in its language, with the tables it looks for.

From a proposal it takes, whatever the form is called: as the budget the table whose sum must equal a field (or that is
named `budget`), as the payment plan the table with an amount and a date (or named `tranches` or `payments`), as the
period of the project the dates `starts_on` and `ends_on` or the number `months`, and as the summary every other text,
choice and figure. Reads only the forms it is told to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal

from fundflow.applications import queries as applications
from fundflow.awards.refusals import PlanDiffers
from fundflow.documents import written_day
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.record import plain
from fundflow.money import Money
from fundflow.workflow.definition import Workflow
from fundflow.workflow.forms import Field, Form

BUDGETS = ("budget", "budget_lines")
PLANS = ("tranches", "tranche_plan", "payments", "payment_plan")
ELSEWHERE = ("title", "requested")
"""Answers that a document states in a place of their own."""
STARTS, ENDS, MONTHS = (
    ("starts_on", "start_date", "start"),
    ("ends_on", "end_date", "end"),
    ("months", "duration_months"),
)


def day(value: date | None) -> str:
    """A day as facts hold it; empty where there is none."""
    return value.isoformat() if value else ""


class Answered:
    """The answers of one application in these forms."""

    def __init__(self, application: Application, workflow: Workflow, language: str, forms: Collection[str]) -> None:
        self.language = language
        self.currency = application.currency
        stored = applications.answers(application.id)
        self.forms: list[tuple[Form, Mapping[str, Any]]] = [
            (form, form.values(dict(stored[name].data), application.currency))
            for name, form in workflow.answer_forms.items()
            if name in stored and name in forms
        ]
        self.budget_field = self._table(BUDGETS, lambda field: bool(field.sum_equals) and not _has(field, "date"))
        self.plan_field = self._table(PLANS, lambda field: _has(field, "money") and _has(field, "date"))
        self.used = {id(field) for field, _ in (self.budget_field, self.plan_field) if field}

    def _table(self, names: tuple[str, ...], fits: Any) -> tuple[Field | None, tuple[Mapping[str, Any], ...]]:
        tables = [(f, values[f.id]) for form, values in self.forms for f in form.fields.values() if f.type == "table"]
        named = [each for each in tables if each[0].id in names]
        fitting = [each for each in tables if fits(each[0]) and each not in named]
        for field, rows in [*named, *fitting]:
            if _has(field, "money") and rows:
                return field, rows
        return None, ()

    def _first(self, names: tuple[str, ...], type_: str) -> Any:
        for form, values in self.forms:
            for field in form.fields.values():
                if field.type == type_ and field.id in names and values[field.id] is not None:
                    self.used.add(id(field))
                    return values[field.id]
        return None

    def first_date(self, names: tuple[str, ...]) -> date | None:
        found = self._first(names, "date")
        return found if isinstance(found, date) else None

    def first_number(self, names: tuple[str, ...]) -> int:
        return int(self._first(names, "number") or 0)

    def first_money(self, names: tuple[str, ...]) -> Money | None:
        found = self._first(names, "money")
        return found if isinstance(found, Money) else None

    def payments(self, amount: Money) -> list[dict[str, Any]]:
        """The city's plan, or one payment of everything."""
        field, rows = self.plan_field
        if field is None:
            return [{"amount": plain(amount), "due_on": "", "condition": ""}]
        paid = next(column.id for column in field.columns.values() if column.type == "money")
        due = next((column.id for column in field.columns.values() if column.type == "date"), None)
        planned = sum((row[paid] for row in rows if row[paid]), Money.zero(self.currency))
        if planned != amount:
            raise PlanDiffers(planned=planned.format(self.language), amount=amount.format(self.language))
        return [
            {
                "amount": plain(row[paid]),
                "due_on": day(row[due] if due else None),
                "condition": " – ".join(
                    text
                    for column in field.columns.values()
                    if column.id not in (paid, due)
                    and column.type != "number"
                    and (text := self._text(column, row[column.id]))
                ),
            }
            for row in rows
            if row[paid]
        ]

    def budget(self) -> dict[str, Any]:
        """The lines with the amount last, and their sum."""
        field, rows = self.budget_field
        if field is None:
            return {"columns": [], "rows": [], "total": ""}
        summed = field.sum_column or next(c.id for c in field.columns.values() if c.type == "money")
        columns = sorted(field.columns.values(), key=lambda column: column.id == summed)
        total = sum((row[summed] for row in rows if row[summed]), Money.zero(self.currency))
        return {**self._lines(columns, rows), "total": plain(total)}

    def tables(self) -> list[dict[str, Any]]:
        """Every other table with lines, such as the activities, under its question."""
        return [
            {"label": field.label.in_(self.language), **self._lines(list(field.columns.values()), values[field.id])}
            for form, values in self.forms
            for field in form.fields.values()
            if field.type == "table" and id(field) not in self.used and values[field.id]
        ]

    def _lines(self, columns: list[Field], rows: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
        figures = ("money", "number")
        return {
            "columns": [
                {"label": column.label.in_(self.language), "kind": column.type if column.type in figures else "text"}
                for column in columns
            ],
            "rows": [
                [
                    (plain(row[column.id]) if row[column.id] is not None else "")
                    if column.type in figures
                    else self._text(column, row[column.id])
                    for column in columns
                ]
                for row in rows
            ],
        }

    def summary(self, *types: str) -> list[dict[str, str]]:
        """Every other answer of these types that can be read as text, under its question."""
        return [
            {"label": field.label.in_(self.language), "text": text}
            for form, values in self.forms
            for field in form.fields.values()
            if field.type in types
            and id(field) not in self.used
            and field.id not in ELSEWHERE
            and (text := self._text(field, values[field.id]))
        ]

    def _text(self, field: Field, value: Any) -> str:
        """One answer in words; empty where there is none or where it is a file or another table."""
        if value is None or value == ():
            return ""
        match field.type:
            case "short_text" | "long_text" | "email":
                return str(value).strip()
            case "choice":
                option = field.option(value)
                return option.label.in_(self.language) if option else ""
            case "choices":
                labels = [option.label.in_(self.language) for each in value if (option := field.option(each))]
                return format_list(labels, locale=self._locale)
            case "country":
                return str(Locale.parse(self._locale).territories.get(value, value))
            case "date":
                return written_day(value, self.language)
            case "number":
                return format_decimal(value, locale=self._locale)
            case "money":
                return str(value.format(self._locale))
        return ""

    @property
    def _locale(self) -> str:
        return {"en": "en_001"}.get(self.language, self.language.replace("-", "_"))


def _has(table: Field, type_: str) -> bool:
    return any(column.type == type_ for column in table.columns.values())
