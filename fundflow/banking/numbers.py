"""Whether an account that somebody typed can exist: IBAN and BIC by their own rules, other numbers by their country's.

Refuses what cannot be an account, at the field where it stands; whose account it is, only a bank can say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import pycountry
from schwifty import BIC, IBAN
from schwifty import registry as formats
from schwifty.exceptions import InvalidChecksumDigits, SchwiftyException

from fundflow.errors import Refused

TAIL = 4
"""How many of the last characters are shown to everybody who may know of the account at all."""
LONGEST = 140


class Mistyped(Refused):
    """This cannot be read."""

    status = 422


class Missing(Mistyped):
    """Fill this in."""


class TooLong(Mistyped):
    """Write at most {most} characters."""


class NoCountry(Mistyped):
    """Choose the country in which the bank keeps the account."""


class IbanNeeded(Mistyped):
    """Banks in {country} need the IBAN. It begins with {prefix} and has {length} characters."""


class IbanLength(Mistyped):
    """An IBAN that begins with {prefix} has {length} characters; this one has {count}."""


class IbanTypo(Mistyped):
    """This IBAN has a mistake in it: its check digits do not fit. Compare it with the letter of the bank."""


class IbanElsewhere(Mistyped):
    """This IBAN belongs to {prefix}, and the bank is said to be in {country}."""


class NotABic(Mistyped):
    """A SWIFT code (BIC) has 8 or 11 characters, such as DEUTDEFF or DEUTDEFF500."""


class BicElsewhere(Mistyped):
    """This SWIFT code belongs to a bank in {prefix}, not in {country}."""


class NotANumber(Mistyped):
    """An account number has 4 to 34 letters and digits, at least three of them digits."""


class NationalNumber(Mistyped):
    """In {country} an account number has {shape}."""


class NationalCode(Mistyped):
    """In {country} the code of a bank has {shape}."""


class CheckDigit(Mistyped):
    """This number has a mistake in it: its check digit does not fit."""


class CodeNeeded(Mistyped):
    """Give the SWIFT code (BIC) or the bank code, so that the money finds its bank."""


class NoCurrency(Mistyped):
    """“{currency}” is no currency; write three letters, such as USD."""


class NoAddress(Mistyped):
    """This is no e-mail address."""


class WrongDetails(Exception):
    """`problems` has a refusal for each field that cannot be so."""

    def __init__(self, problems: Mapping[str, Refused]) -> None:
        super().__init__(problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Details:
    """An account as it is kept. Either `iban` or `number` is there; the contact is the city's finance office."""

    holder: str
    country: str
    bank_name: str
    contact_name: str
    contact_email: str
    contact_phone: str
    iban: str | None = None
    number: str | None = None
    bic: str | None = None
    bank_code: str | None = None
    currency: str | None = None

    @property
    def told_by(self) -> str:
        """The IBAN, or the number."""
        return self.iban or self.number or ""

    @property
    def tail(self) -> str:
        """All of it that a page shows."""
        return self.told_by[-TAIL:]

    def kept(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Details:
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in known})


@dataclass(frozen=True, slots=True)
class National:
    """How a country without IBAN writes its accounts: number, bank code, each with words and perhaps a check."""

    number: str
    number_words: str
    code: str = ""
    code_words: str = ""
    checks_number: Callable[[str], bool] | None = None
    checks_code: Callable[[str], bool] | None = None


def _aba(digits: str) -> bool:
    """Nine digits of which the weighted sum, 3, 7, 1 and so on, is a multiple of ten."""
    return sum(int(digit) * (3, 7, 1)[n % 3] for n, digit in enumerate(digits)) % 10 == 0


def _clabe(digits: str) -> bool:
    """The same weights over seventeen digits, of each product its last digit; the eighteenth completes the ten."""
    return (sum(int(digit) * (3, 7, 1)[n % 3] % 10 for n, digit in enumerate(digits[:17])) + int(digits[17])) % 10 == 0


NATIONAL: Mapping[str, National] = {
    "AU": National(r"\d{5,9}", "5 to 9 digits", r"\d{6}", "6 digits (BSB)"),
    "CA": National(r"\d{7,12}", "7 to 12 digits", r"\d{8,9}", "8 or 9 digits (institution and transit)"),
    "IN": National(r"\d{9,18}", "9 to 18 digits", r"[A-Z]{4}0[A-Z0-9]{6}", "11 characters (IFSC)"),
    "JP": National(r"\d{7}", "7 digits", r"\d{7}", "7 digits (bank and branch)"),
    "KE": National(r"\d{6,16}", "6 to 16 digits", r"\d{5}", "5 digits (bank and branch)"),
    "MX": National(r"\d{18}", "18 digits (CLABE)", checks_number=_clabe),
    "NG": National(r"\d{10}", "10 digits (NUBAN)", r"\d{3}|\d{6}|\d{9}", "3, 6 or 9 digits"),
    "NZ": National(r"\d{15,16}", "15 or 16 digits"),
    "US": National(r"\d{4,17}", "4 to 17 digits", r"\d{9}", "9 digits (ABA)", checks_code=_aba),
    "ZA": National(r"\d{7,11}", "7 to 11 digits", r"\d{6}", "6 digits"),
}
"""Countries whose rules are known; all others are read by plain checks."""

SHARED_BICS: Mapping[str, frozenset[str]] = {
    "FR": frozenset({"GF", "GP", "MQ", "RE", "PM", "YT", "NC", "PF", "WF", "BL", "MF"}),
    "GB": frozenset({"GG", "IM", "JE"}),
}
"""Where the IBAN names one country and the bank's own code a part of it."""


def read(typed: Mapping[str, str]) -> Details:
    """The account that was typed, in the form in which it is kept. WrongDetails tells everything that cannot be so."""
    problems: dict[str, Refused] = {}
    given = {name: " ".join(unicodedata.normalize("NFKC", text or "").split()) for name, text in typed.items()}
    for name in ("holder", "bank_name", "contact_name", "contact_phone", "contact_email", "number"):
        if not given.get(name):
            problems[name] = Missing()
    for name, text in given.items():
        if len(text) > LONGEST:
            problems[name] = TooLong(most=LONGEST)
    country = given.get("country", "").upper()
    if len(country) != 2 or pycountry.countries.get(alpha_2=country) is None:
        problems["country"] = NoCountry()
    if "contact_email" not in problems and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", given["contact_email"]):
        problems["contact_email"] = NoAddress()
    currency = given.get("currency", "").upper() or None
    if currency is not None and pycountry.currencies.get(alpha_3=currency) is None:
        problems["currency"] = NoCurrency(currency=currency[:8])
    number, bic, code = (_compact(given.get(name, "")) for name in ("number", "bic", "bank_code"))
    if "country" not in problems:
        # What was typed is told at its field, never repeated: refusals end in logs.
        is_iban = _check_number(country, number, code, bic, problems) if "number" not in problems else False
        if bic:
            _check_bic(country, bic, problems)
    else:
        is_iban = False
    if problems:
        raise WrongDetails(problems)
    return Details(
        holder=given["holder"],
        country=country,
        bank_name=given["bank_name"],
        contact_name=given["contact_name"],
        contact_email=given["contact_email"],
        contact_phone=given["contact_phone"],
        iban=number if is_iban else None,
        number=None if is_iban else number,
        bic=bic or None,
        bank_code=code or None,
        currency=currency,
    )


def _compact(text: str) -> str:
    return re.sub(r"[\s./-]", "", text).upper()


def _check_number(country: str, number: str, code: str, bic: str, problems: dict[str, Refused]) -> bool:
    """Whether it is an IBAN; what is wrong with it is put among the problems."""
    prefix = number[:2]
    if re.match(r"[A-Z]{2}\d{2}", number) and (known := iban_length(prefix)) is not None:
        if prefix != country:
            problems["number"] = IbanElsewhere(prefix=prefix, country=country)
        elif len(number) != known:
            problems["number"] = IbanLength(prefix=prefix, length=known, count=len(number))
        else:
            try:
                IBAN(number)
            except InvalidChecksumDigits:
                problems["number"] = IbanTypo()
            except SchwiftyException:
                problems["number"] = IbanNeeded(country=country, prefix=prefix, length=known)
        return True
    if (length := iban_length(country, is_needed=True)) is not None:
        problems["number"] = IbanNeeded(country=country, prefix=country, length=length)
        return True
    _check_national(country, number, code, bic, problems)
    return False


def _check_national(country: str, number: str, code: str, bic: str, problems: dict[str, Refused]) -> None:
    if not re.fullmatch(r"[A-Z0-9]{4,34}", number) or sum(each.isdigit() for each in number) < 3:
        problems["number"] = NotANumber()
    if not code and not bic:
        problems["bank_code"] = CodeNeeded()
    if code and not re.fullmatch(r"[A-Z0-9]{2,15}", code):
        problems["bank_code"] = NationalCode(country=country, shape="2 to 15 letters and digits")
    rules = NATIONAL.get(country)
    if rules is None:
        return
    if "number" not in problems:
        if not re.fullmatch(rules.number, number):
            problems["number"] = NationalNumber(country=country, shape=rules.number_words)
        elif rules.checks_number is not None and not rules.checks_number(number):
            problems["number"] = CheckDigit()
    if rules.code and code and "bank_code" not in problems:
        if not re.fullmatch(rules.code, code):
            problems["bank_code"] = NationalCode(country=country, shape=rules.code_words)
        elif rules.checks_code is not None and not rules.checks_code(code):
            problems["bank_code"] = CheckDigit()


def _check_bic(country: str, bic: str, problems: dict[str, Refused]) -> None:
    try:
        found = BIC(bic)
    except (SchwiftyException, ValueError):
        problems["bic"] = NotABic()
        return
    if found.country_code != country and found.country_code not in SHARED_BICS.get(country, ()):
        problems["bic"] = BicElsewhere(prefix=found.country_code, country=country)


def iban_length(country: str, *, is_needed: bool = False) -> int | None:
    """How long an IBAN of this country is; None where there are none, and, asked so, where banks do without."""
    try:
        spec = formats.get_iban_spec(country)
    except (KeyError, ValueError):
        return None
    return None if is_needed and spec.aspirational else int(spec.iban_length)
