"""Downloads that a spreadsheet reads safely."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from fundflow.money import Money
from fundflow.web import csv


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", " =1", "＝1"])
def test_formulas_are_defused(text: str) -> None:
    assert csv.cell(text) == "'" + text


@pytest.mark.parametrize("text", ["-12", "+3.5", "-1250,50", "plain", "a=b", ""])
def test_plain_numbers_and_words_stay_as_they_are(text: str) -> None:
    assert csv.cell(text) == text


def test_values_are_written_for_machines() -> None:
    assert csv.cell(Money(-125050, "EUR")) == "-1250.50"
    assert csv.cell(datetime(2027, 3, 1, 12, tzinfo=UTC)) == "2027-03-01T12:00:00Z"
    assert csv.cell(date(2027, 3, 1)) == "2027-03-01"
    assert csv.cell(None) == ""


def test_a_download_is_streamed_with_a_name_and_a_mark(bare: Flask) -> None:
    with bare.test_request_context():
        answer = csv.response(([n, "Beira, Moçambique"] for n in range(3)), header=["n", "city"], filename="board.csv")
        text = answer.get_data(as_text=True)
    assert text == '\ufeffn,city\r\n0,"Beira, Moçambique"\r\n1,"Beira, Moçambique"\r\n2,"Beira, Moçambique"\r\n'
    assert answer.headers["Content-Disposition"] == "attachment; filename=board.csv"
