"""Stored answers judged and typed: what is missing before a form may be sent, and what its values are.

Never raises for what is stored: an answer that is not of its field's shape is an answer not given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from babel import Locale

from fundflow.errors import Refused
from fundflow.money import Money
from fundflow.workflow import sentences
from fundflow.workflow.forms import Field, Form, Missing, count_words
from fundflow.workflow.text import Text

_EMAIL = re.compile(r"[^@\s\"<>(),:;\[\]\\]{1,64}@(?!-)[A-Za-z0-9\u00a1-\uffff.-]{1,250}\.[A-Za-z\u00a1-\uffff]{2,63}")
_NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


@cache
def countries() -> frozenset[str]:
    """The two-letter codes of countries and territories."""
    codes = map(str, Locale("en").territories)
    return frozenset(code for code in codes if re.fullmatch("[A-Z]{2}", code)) - _NOT_COUNTRIES


def value(field: Field, stored: Any, currency: str) -> Any:
    """One stored answer as the type that expressions read; None (or an empty tuple) where there is none."""
    match field.type:
        case "choices":
            return tuple(v for v in stored if field.option(v)) if isinstance(stored, list) else ()
        case "file":
            return tuple(str(v) for v in stored) if isinstance(stored, list) else ()
        case "table":
            rows = stored if isinstance(stored, list) else []
            return tuple(
                {name: value(column, row.get(name), currency) for name, column in field.columns.items()}
                for row in rows
                if isinstance(row, Mapping)
            )
        case "number" | "score":
            return _decimal(stored)
        case "money":
            return _money(stored, currency)
        case "date":
            return _date(stored)
        case "choice":
            return stored if field.option(stored) else None
        case "country":
            return stored if isinstance(stored, str) and stored in countries() else None
        case _:
            return stored if isinstance(stored, str) and stored.strip() else None


def _decimal(stored: Any) -> Decimal | None:
    if isinstance(stored, bool) or not isinstance(stored, str | int):
        return None
    try:
        number = Decimal(stored)
    except InvalidOperation:
        return None
    return number if number.is_finite() and -18 <= number.adjusted() <= 18 else None


def _money(stored: Any, currency: str) -> Money | None:
    if not isinstance(stored, Mapping) or stored.get("currency") != currency:
        return None
    minor = stored.get("minor")
    return Money(minor, currency) if isinstance(minor, int) and not isinstance(minor, bool) else None


def _date(stored: Any) -> date | None:
    try:
        return date.fromisoformat(stored) if isinstance(stored, str) and len(stored) == 10 else None
    except ValueError:
        return None


def check(form: Form, data: Mapping[str, Any], currency: str) -> list[Missing]:
    """See `Form.check`."""
    values = form.values(data, currency)
    found: list[Missing] = []
    for field in form.fields.values():
        for sentence in _wrong(field, data.get(field.id), values[field.id], form, values, currency):
            found.append(Missing(field.id, sentence, field.label))
        if field.type == "table":
            found += _wrong_cells(field, data.get(field.id), currency)
    return found


def _wrong_cells(table: Field, stored: Any, currency: str) -> Iterator[Missing]:
    rows = [row for row in stored if isinstance(row, Mapping)] if isinstance(stored, list) else []
    for number, row in enumerate(rows, 1):
        for name, column in table.columns.items():
            cell = value(column, row.get(name), currency)
            for sentence in _wrong(column, row.get(name), cell, None, {}, currency):
                whole = sentences.fill(sentences.IN_ROW, row=number, column=column.label, sentence=sentence)
                yield Missing(table.id, whole, table.label, number, name)


def _wrong(
    field: Field, stored: Any, typed: Any, form: Form | None, values: Mapping[str, Any], currency: str
) -> Iterator[Text]:
    """Every rule of one field that its answer breaks."""
    if typed is None or typed == ():
        is_blank = stored in (None, "", [], {}) or (isinstance(stored, str) and not stored.strip())
        if not is_blank and field.type not in ("file", "table", "choices"):
            yield sentences.fill(sentences.NOT_READABLE, label=field.label)
        elif field.required or field.min_rows:
            yield sentences.fill(sentences.BY_TYPE.get(field.type, sentences.REQUIRED), label=field.label)
        return
    match field.type:
        case "short_text" | "long_text":
            count = count_words(typed)
            if field.words is not None and count > field.words:
                yield sentences.fill(sentences.TOO_MANY_WORDS, words=field.words, count=count, label=field.label)
        case "email":
            if not _EMAIL.fullmatch(typed.strip()):
                yield sentences.fill(sentences.NOT_AN_EMAIL, text=typed)
        case "number" | "score" | "money":
            yield from _out_of_bounds(field, typed, currency)
        case "choices":
            if field.min is not None and len(typed) < field.min:
                yield sentences.fill(sentences.TOO_FEW_CHOICES, count=field.min)
            if field.max is not None and len(typed) > field.max:
                yield sentences.fill(sentences.TOO_MANY_CHOICES, count=field.max)
        case "file":
            if len(typed) > field.max_files:
                yield sentences.fill(sentences.TOO_MANY_FILES, count=field.max_files)
        case "date":
            first = values.get(field.after) if field.after else None
            if first is not None and typed <= first and form is not None and field.after is not None:
                yield sentences.fill(sentences.NOT_AFTER, label=form.fields[field.after].label, first=first)
        case "table":
            yield from _table(field, typed, form, values, currency)


def _out_of_bounds(field: Field, typed: Decimal | Money, currency: str) -> Iterator[Text]:
    amount = typed.amount if isinstance(typed, Money) else typed

    def shown(bound: Decimal) -> Decimal | Money:
        try:
            return Money.of(bound, currency) if isinstance(typed, Money) else bound
        except Refused:
            return bound  # finer than this currency's smallest unit, so it cannot be written as an amount of it

    lowest = Decimal(0) if field.min is None and field.type in ("money", "score") else field.min
    highest = Decimal(10) if field.max is None and field.type == "score" else field.max
    if lowest is not None and amount < lowest:
        yield sentences.fill(sentences.TOO_SMALL, bound=shown(lowest))
    if highest is not None and amount > highest:
        yield sentences.fill(sentences.TOO_LARGE, bound=shown(highest))
    if isinstance(typed, Decimal) and typed != round(typed, field.places):
        yield sentences.fill(sentences.TOO_PRECISE if field.places else sentences.WHOLE, places=field.places)


def _table(
    field: Field, rows: tuple[Mapping[str, Any], ...], form: Form | None, values: Mapping[str, Any], currency: str
) -> Iterator[Text]:
    if len(rows) < field.min_rows:
        yield sentences.fill(sentences.TOO_FEW_ROWS, count=field.min_rows)
    if len(rows) > field.max_rows:
        yield sentences.fill(sentences.TOO_MANY_ROWS, count=field.max_rows)
    target = values.get(field.sum_equals) if field.sum_equals else None
    if target is None or form is None or field.sum_column is None or field.sum_equals is None:
        return
    total = sum_of(field, rows, currency)
    if total != target:
        label = form.fields[field.sum_equals].label
        yield sentences.fill(sentences.SUM_DIFFERS, sum=total, label=label, target=target)


def sum_of(field: Field, rows: tuple[Mapping[str, Any], ...], currency: str) -> Money | Decimal:
    """The exact sum of a table's `sum_column` over typed rows; what is not answered counts nothing."""
    cells = [row[field.sum_column] for row in rows if field.sum_column and row.get(field.sum_column) is not None]
    if field.sum_column and field.columns[field.sum_column].type == "money":
        return sum(cells, Money.zero(currency))
    return sum(cells, Decimal(0))
