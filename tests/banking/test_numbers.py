"""What can be an account and what cannot: typing mistakes are told at their field, whatever country they come from."""

from __future__ import annotations

import pytest

from fundflow.banking import numbers as bank_numbers
from fundflow.banking.numbers import (
    BicElsewhere,
    CheckDigit,
    CodeNeeded,
    IbanElsewhere,
    IbanLength,
    IbanNeeded,
    IbanTypo,
    Missing,
    NationalCode,
    NationalNumber,
    NoAddress,
    NoCountry,
    NoCurrency,
    NotABic,
    NotANumber,
    WrongDetails,
)

SAID = {
    "holder": "City of Saint-Amary",
    "bank_name": "Invented Municipal Bank",
    "contact_name": "Fatou Sarr",
    "contact_email": "finance@saint-amary.example",
    "contact_phone": "+221 33 000 00 01",
}


def told(**typed: str) -> dict[str, type]:
    try:
        bank_numbers.read({**SAID, **typed})
    except WrongDetails as wrong:
        return {name: type(problem) for name, problem in wrong.problems.items()}
    return {}


def test_iban_is_read_with_or_without_spaces_and_its_bank_must_be_where_it_says() -> None:
    kept = bank_numbers.read({**SAID, "country": "de", "number": " de89 3704 0044 0532 0130 00", "bic": "cobadeffxxx"})
    assert (kept.iban, kept.number, kept.bic, kept.tail) == ("DE89370400440532013000", None, "COBADEFFXXX", "3000")
    assert told(country="FR", number="FR14 2004 1010 0505 0001 3M02 606", bic="PSSTFRPPLIL") == {}


@pytest.mark.parametrize(
    ("typed", "problems"),
    [
        ({"country": "DE", "number": "DE89370400440532013001"}, {"number": IbanTypo}),
        ({"country": "DE", "number": "DE98370400440532013000"}, {"number": IbanTypo}),
        ({"country": "DE", "number": "DE8937040044053201300"}, {"number": IbanLength}),
        ({"country": "FR", "number": "DE89370400440532013000"}, {"number": IbanElsewhere}),
        ({"country": "DE", "number": "0532013000"}, {"number": IbanNeeded}),
        ({"country": "DE", "number": "DE89370400440532013000", "bic": "PSSTFRPP"}, {"bic": BicElsewhere}),
        ({"country": "DE", "number": "DE89370400440532013000", "bic": "COBADE"}, {"bic": NotABic}),
        ({"country": "KE", "number": "0112345678901", "bank_code": "01100"}, {}),
        ({"country": "KE", "number": "0112345678901"}, {"bank_code": CodeNeeded}),
        ({"country": "KE", "number": "0112345678901", "bank_code": "011"}, {"bank_code": NationalCode}),
        ({"country": "US", "number": "000123456789", "bank_code": "021000021"}, {}),
        ({"country": "US", "number": "000123456789", "bank_code": "021000012"}, {"bank_code": CheckDigit}),
        ({"country": "MX", "number": "032180000118359719", "bic": "BNMXMXMM"}, {}),
        ({"country": "MX", "number": "032180000118359791", "bic": "BNMXMXMM"}, {"number": CheckDigit}),
        ({"country": "NG", "number": "012345678", "bank_code": "044"}, {"number": NationalNumber}),
        ({"country": "ID", "number": "123-456 7890", "bic": "CENAIDJA"}, {}),
        ({"country": "ID", "number": "account", "bic": "CENAIDJA"}, {"number": NotANumber}),
        ({"country": "XX", "number": "12345678"}, {"country": NoCountry}),
        ({"country": "ID", "number": "1234567890", "bic": "CENAIDJA", "currency": "EURO"}, {"currency": NoCurrency}),
        ({"country": "ID", "number": "", "holder": " ", "contact_email": "nobody"},
         {"number": Missing, "holder": Missing, "contact_email": NoAddress}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_at_its_field(typed: dict[str, str], problems: dict[str, type]) -> None:
    assert told(**typed) == problems


def test_a_refusal_repeats_nothing_of_the_number() -> None:
    with pytest.raises(WrongDetails) as wrong:
        bank_numbers.read({**SAID, "country": "DE", "number": "DE89370400440532013001"})
    assert "3704" not in str(wrong.value.problems["number"])
