"""How amounts, dates and numbers are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from fundflow import clock
from fundflow.money import Money
from fundflow.web import reader

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def test_an_instant_always_names_its_zone(bare: Flask) -> None:
    with bare.test_request_context():
        assert reader.moment(NOON) == "1 March 2027, 12:00 (UTC)"
        assert reader.moment(NOON, "America/Bogota") == "1 March 2027, 07:00 (Bogota, UTC−5)"
        assert reader.moment(NOON, "Asia/Kathmandu") == "1 March 2027, 17:45 (Kathmandu, UTC+5:45)"
        with force_locale("fr"):
            assert reader.moment(NOON, "Europe/Paris") == "1 mars 2027, 13:00 (Paris, UTC+1)"


def test_two_zones_differ_only_when_their_clocks_do(bare: Flask) -> None:
    with bare.test_request_context(headers={"Cookie": "zone=Europe/London"}):
        assert not reader.differs(NOON, "UTC")
        assert reader.differs(NOON + timedelta(days=120), "UTC")


def test_amounts_name_their_currency_beyond_doubt(bare: Flask) -> None:
    with bare.test_request_context():
        assert reader.money(Money(125050, "USD")) == "US$1,250.50"
        assert reader.money(Money(1250, "XOF")).split() == ["F", "CFA", "1,250"]
        assert reader.money(None) == "—"


def test_numbers_keep_every_digit(bare: Flask) -> None:
    with bare.test_request_context():
        assert reader.decimal(Decimal("1234567.890123")) == "1,234,567.890123"
        assert reader.decimal(Decimal("0.5"), 2) == "0.50"
        assert reader.decimal(3, 0) == "3"


def test_distances_are_told_in_one_unit(bare: Flask) -> None:
    with bare.test_request_context(), clock.standing_at(NOON):
        assert reader.since(NOON - timedelta(days=3)) == "3 days ago"
        assert reader.since(NOON + timedelta(hours=2)) == "in 2 hours"


@pytest.mark.parametrize(
    ("value", "said"), [(True, "yes"), (date(2027, 3, 1), "1 March 2027"), (1200, "1,200"), (["a", "b"], "a and b")]
)
def test_facts_are_written_for_people(bare: Flask, value: object, said: str) -> None:
    with bare.test_request_context():
        assert reader.fact(value) == said
