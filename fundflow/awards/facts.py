"""What an agreement says, as JSON: read once, at the moment of the decision, in the language of the document.

Refuses an award without an amount and a payment plan that does not add up to it.

From a proposal it takes, whatever the form is called: as the budget the table whose sum must equal a field (or that is
named `budget`), as the payment plan the table with an amount and a date (or named `tranches` or `payments`), as the
period of the project the dates `starts_on` and `ends_on` or the number `months`, and as the summary every other text,
choice and figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal
from flask import current_app

from fundflow.accounts import queries as people
from fundflow.accounts.policy import FINANCE_OFFICER, FOCAL_POINT, SIGNATORY
from fundflow.applications import queries as applications
from fundflow.awards.refusals import NoAmount, PlanDiffers
from fundflow.config import Settings
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.record import plain
from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money
from fundflow.workflow.definition import Workflow
from fundflow.workflow.forms import Field, Form

BUDGETS = ("budget", "budget_lines")
PLANS = ("tranches", "tranche_plan", "payments", "payment_plan")
ELSEWHERE = ("title", "requested")
"""Answers that the agreement states in a place of their own."""
STARTS, ENDS, MONTHS = (
    ("starts_on", "start_date", "start"),
    ("ends_on", "end_date", "end"),
    ("months", "duration_months"),
)
REPORT_AFTER_END = timedelta(days=60)
"""When a report is due that no timer of the workflow asks for."""


def agreement(ctx: EffectContext, language: str) -> dict[str, Any]:
    """Everything that the grant agreement of this decision says."""
    application, workflow = ctx.application, ctx.workflow
    settings: Settings = current_app.extensions["settings"]
    round_, city = applications.round_of(application), applications.city_of(application)
    zone = ZoneInfo(round_.zone)
    team = people.team_of(city.id)

    def with_duty(duty: str) -> str:
        return next((colleague.user.name for colleague in team if duty in colleague.duties), "")

    amount = _award(application)
    answered = _Answered(application, workflow, language)
    starts_on, ends_on = answered.first_date(STARTS), answered.first_date(ENDS)
    if not (starts_on and ends_on and starts_on <= ends_on):
        starts_on = ends_on = None
    return {
        "agreement": {
            "number": f"GA-{application.number}",
            "date": ctx.now.astimezone(zone).date().isoformat(),
            "event": ctx.event_seq,
        },
        "fund": {"name": settings.fund_name, "signatory": ctx.actor.name},
        "city": {
            "name": city.name,
            "country": city.country,
            "kind": city.kind,
            "is_demo": city.is_demo,
            "signatory": with_duty(SIGNATORY),
            "focal_point": with_duty(FOCAL_POINT),
            "finance_officer": with_duty(FINANCE_OFFICER),
        },
        "round": {"title": round_.title},
        "application": {
            "number": application.number,
            "title": application.title or application.number,
            "submitted_on": _day(
                application.submitted_at.astimezone(zone).date() if application.submitted_at else None
            ),
        },
        "amount": plain(amount),
        "starts_on": _day(starts_on),
        "ends_on": _day(ends_on),
        "months": 0 if starts_on else answered.first_number(MONTHS),
        "payments": answered.payments(amount),
        "budget": answered.budget(),
        "glance": answered.summary("short_text", "choice", "choices", "country", "number", "money", "date", "email"),
        "summary": answered.summary("long_text"),
        "tables": answered.tables(),
        "reports": _reports(workflow, language, ends_on),
        "workflow": {"id": workflow.id, "version": workflow.version, "sha256": workflow.sha256},
    }


def _award(application: Application) -> Money:
    """What was committed for this application where there is a ledger, else what it asked for."""
    ledger = registry.facts.get("ledger")
    committed = ledger.run(application).get("committed") if ledger else None
    if isinstance(committed, Money) and committed.minor > 0:
        return committed
    if not application.requested_minor:
        raise NoAmount(number=application.number)
    return Money(application.requested_minor, application.currency)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _reports(workflow: Workflow, language: str, ends_on: date | None) -> list[dict[str, Any]]:
    """A report is a form that the city fills in after the first state; when it is due, a timer of that state says."""
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    teams = {role.id for role in workflow.roles.values() if role.kind == "team"}
    first = set(_edited(workflow, workflow.initial, teams))
    for state in workflow.states:
        after = next((timer.after for timer in workflow.timers.values() if state in timer.states and timer.after), None)
        for form in _edited(workflow, state, teams):
            if form in first or form in seen:
                continue
            seen.add(form)
            report = {"name": workflow.forms[form].title.in_(language), "due_on": "", "count": 0, "unit": "days"}
            if after is not None:
                report |= {"count": after.months or after.days, "unit": "months" if after.months else "days"}
            elif ends_on is not None:
                report["due_on"] = _day(ends_on + REPORT_AFTER_END)
            else:
                report |= {"count": 12, "unit": "months"}
            found.append(report)
    return found


def _edited(workflow: Workflow, state: str, roles: set[str]) -> Iterator[str]:
    for role, forms in workflow.states[state].edit.items():
        if role in roles:
            yield from forms


class _Answered:
    """The answers of one application, read for an agreement."""

    def __init__(self, application: Application, workflow: Workflow, language: str) -> None:
        self.language = language
        self.currency = application.currency
        stored = applications.answers(application.id)
        self.forms: list[tuple[Form, Mapping[str, Any]]] = [
            (form, form.values(dict(stored[name].data), application.currency))
            for name, form in workflow.answer_forms.items()
            if name in stored
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
                "due_on": _day(row[due] if due else None),
                "condition": " – ".join(
                    text
                    for column in field.columns.values()
                    if column.id not in (paid, due) and (text := self._text(column, row[column.id]))
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
                return format_date(value, "long", self._locale)
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
