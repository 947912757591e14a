"""Spreadsheet downloads: text stays text, dates are dates, and amounts are numbers with their own decimals.

Refuses to hand a spreadsheet a formula: nothing that was typed is ever read as one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from flask import Response

from fundflow.money import Money, exponent

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXACT = 10**15
"""A cell's number has 15 exact digits; a longer amount is text rather than rounded."""
_PLAIN = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}

Sheet = tuple[str, Sequence[Any], Iterable[Sequence[Any]]]
"""Its name, its header, and its rows: instants are written in UTC, money as a number with its currency elsewhere."""


def response(*sheets: Sheet, filename: str) -> Response:
    """A download of these sheets."""
    answer = Response(workbook(*sheets), mimetype=KIND)
    answer.headers.set("Content-Disposition", "attachment", filename=filename)
    return answer


def workbook(*sheets: Sheet) -> bytes:
    """The file itself."""
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, _PLAIN) as book:
        bold, formats = book.add_format({"bold": True}), {}
        for name, header, rows in sheets:
            page = book.add_worksheet("".join(" " if each in "[]:*?/\\" else each for each in str(name))[:31])
            page.write_row(0, 0, [str(each) for each in header], bold)
            page.freeze_panes(1, 0)
            for number, row in enumerate(rows, 1):
                for column, value in enumerate(row):
                    if isinstance(value, Money) and (places := exponent(value.currency)) not in formats:
                        zeros = f".{'0' * places}" if places else ""
                        formats[places] = book.add_format({"num_format": f"#,##0{zeros}"})
                    _write(page, number, column, value, formats)
            page.autofit()
    return kept.getvalue()


def _write(page: Any, row: int, column: int, value: Any, formats: dict[int, Any]) -> None:
    match value:
        case None:
            pass
        case Money() if abs(value.minor) < EXACT:
            page.write_number(row, column, value.amount, formats[exponent(value.currency)])
        case Money():
            page.write_string(row, column, str(value.amount))
        case int() | Decimal():
            page.write_number(row, column, value)
        case datetime():
            page.write_string(row, column, value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
        case date():
            page.write_datetime(row, column, value)
        case _:
            page.write_string(row, column, str(value))
