"""Money: exact, one currency at a time, read the way people write it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundflow.money import LARGEST_MINOR, MixedCurrencies, Money, NotAnAmount, TooLarge, TooPrecise, exponent

CURRENCIES = ["EUR", "USD", "JPY", "TND", "GBP"]
amounts = st.builds(Money, st.integers(-LARGEST_MINOR, LARGEST_MINOR), st.sampled_from(CURRENCIES))
LIST_ONE = Path(__file__).parents[2] / "shared" / "standards" / "codelists" / "iso4217-list-one-2026-01-01.xml"


@pytest.mark.parametrize(
    ("typed", "locale", "minor"),
    [
        ("1250", "en", 125000),
        ("1,250.50", "en", 125050),
        ("1 250,50", "fr", 125050),
        ("1\u202f250,50", "fr", 125050),
        ("1 250,50", "en", 125050),
        ("1250.5", "fr", 125050),
        ("1.250", "es", 125000),
        ("1,250", "en", 125000),
        ("1.250.000,50", "de", 125000050),
        ("1'250", "en", 125000),
        ("١٢٥٠٫٥", "ar", 125050),
        (" 0 ", "en", 0),
    ],
)
def test_an_amount_is_read_the_way_people_write_it(typed: str, locale: str, minor: int) -> None:
    assert Money.read(typed, "EUR", locale) == Money(minor, "EUR")


@pytest.mark.parametrize(
    "typed", ["", "1e9", "-1", "NaN", "Infinity", "+5", "1..2", "1,2,3", "12,34.5", "€5", "0x10", "one"]
)
def test_what_is_no_amount_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(NotAnAmount, match=r"for example 1250\.5"):
        Money.read(typed, "EUR", "en")


def test_what_could_be_two_amounts_is_refused_rather_than_guessed() -> None:
    with pytest.raises(NotAnAmount):
        Money.read("1.250", "EUR", "fr")


def test_an_amount_finer_than_the_currency_is_refused() -> None:
    with pytest.raises(TooPrecise, match="at most 0 decimal places"):
        Money.read("10.5", "JPY")
    assert Money.read("10.125", "TND", "en") == Money(10125, "TND")


def test_an_amount_beyond_every_fund_is_refused() -> None:
    with pytest.raises(TooLarge):
        Money.read("9" * 40, "EUR")


def test_currencies_never_mix() -> None:
    with pytest.raises(MixedCurrencies):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(MixedCurrencies):
        assert Money(1, "EUR") < Money(1, "USD")


def test_amounts_are_written_by_locale_with_the_currencys_own_places() -> None:
    assert Money(125050, "EUR").format("en") == "€1,250.50"
    assert Money(1250, "JPY").format("en") == "¥1,250"
    assert Money(1250125, "TND").format("en").endswith("1,250.125")
    assert Money(125050, "EUR").format("fr").replace("\u202f", " ").replace("\xa0", " ") == "1 250,50 €"


@given(amounts)
def test_an_amount_survives_its_own_decimal(money: Money) -> None:
    assert Money.of(money.amount, money.currency) == money


@given(amounts.filter(lambda money: money.minor >= 0), st.sampled_from(["en", "fr", "de", "es", "pt"]))
def test_what_is_written_for_a_person_is_read_back_the_same(money: Money, locale: str) -> None:
    from fundflow.money import plain_decimal

    typed = plain_decimal(money.amount, locale)
    assert Money.read(typed, money.currency, locale) == money


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.sampled_from(CURRENCIES))
def test_sums_are_exact_in_any_order(minors: list[int], currency: str) -> None:
    total = Money.zero(currency)
    for minor in minors:
        total += Money(minor, currency)
    assert total.minor == sum(minors)


def test_a_product_is_rounded_half_even() -> None:
    assert Money(5, "EUR") * Decimal("0.5") == Money(2, "EUR")
    assert Decimal("0.5") * Money(15, "EUR") == Money(8, "EUR")


@pytest.mark.skipif(not LIST_ONE.exists(), reason="the ISO 4217 list is not beside the project")
def test_every_currencys_places_agree_with_iso_4217() -> None:
    for entry in ElementTree.parse(LIST_ONE).iter("CcyNtry"):
        code, units = entry.findtext("Ccy"), entry.findtext("CcyMnrUnts")
        if code and units and units.isdigit():
            assert exponent(code) == int(units), code
