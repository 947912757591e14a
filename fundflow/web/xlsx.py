"""Spreadsheet downloads of one sheet: text stays text, and amounts are numbers.

Refuses to hand a spreadsheet a formula: nothing that was typed is ever read as one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from flask import Response

from fundflow.money import Money

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def response(rows: Iterable[Sequence[Any]], *, header: Sequence[Any], sheet: str, filename: str) -> Response:
    """A download of the rows under their header; instants in UTC, money as a number with its currency elsewhere."""
    answer = Response(workbook(rows, header=header, sheet=sheet), mimetype=KIND)
    answer.headers.set("Content-Disposition", "attachment", filename=filename)
    return answer


def workbook(rows: Iterable[Sequence[Any]], *, header: Sequence[Any], sheet: str) -> bytes:
    """The file itself."""
    kept = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(kept, options) as book:
        page = book.add_worksheet("".join(" " if each in "[]:*?/\\" else each for each in sheet)[:31])
        page.write_row(0, 0, [str(each) for each in header], book.add_format({"bold": True}))
        page.freeze_panes(1, 0)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, Money):
                    page.write_number(number, column, value.amount)
                elif isinstance(value, int | Decimal):
                    page.write_number(number, column, value)
                elif isinstance(value, datetime):
                    page.write_string(number, column, value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
                elif value is not None:
                    page.write_string(number, column, str(value))
        page.autofit()
    return kept.getvalue()
