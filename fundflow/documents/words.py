"""What templates print with: amounts in words, and days as a letter writes them.

Refuses a negative amount, which has no place in an agreement.
"""

from __future__ import annotations

from datetime import date, datetime
from unicodedata import bidirectional
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_name

from fundflow.money import Money, exponent

_MINOR_UNITS = {
    "en": {
        **dict.fromkeys(["EUR", "USD", "CAD", "AUD", "NZD", "ZAR", "KES", "SLE"], ("cent", "cents")),
        "GBP": ("penny", "pence"),
        **dict.fromkeys(["TND", "LYD"], ("millime", "millimes")),
        **dict.fromkeys(["KWD", "BHD", "IQD", "JOD"], ("fils", "fils")),
    },
    "fr": {
        **dict.fromkeys(["EUR", "CHF", "MAD", "DZD"], ("centime", "centimes")),
        **dict.fromkeys(["USD", "CAD", "AUD", "NZD", "ZAR", "KES", "SLE"], ("cent", "cents")),
        **dict.fromkeys(["TND", "LYD"], ("millime", "millimes")),
        **dict.fromkeys(["KWD", "BHD", "IQD", "JOD"], ("fils", "fils")),
    },
}
_FEMININE = {"GBP", "EGP", "LBP", "SYP", "SDG", "SEK", "NOK", "DKK", "CZK", "ISK", "INR", "PKR", "LKR", "TRY", "MRU"}
"""Currencies whose French name is feminine."""


def in_words(money: Money, language: str) -> str:
    """The amount as a contract writes it out: “forty-five thousand euros and fifty cents”.

    Whole and smallest units both count; a smallest unit without a name here is written as a fraction (“and 50/100”).
    In Arabic it is the exact figure with the currency's name and code: the library that counts in words gets duals and
    hundreds of thousands wrong there, and a wrong word in a contract is worse than none.
    """
    from num2words import num2words

    if money.minor < 0:
        raise ValueError("A negative amount has no place in an agreement")
    places = exponent(money.currency)
    if language == "ar":
        return _in_figures(money, places)
    whole, rest = divmod(money.minor, 10**places)
    counted = str(num2words(whole, lang=language)).replace(",", "")
    if language == "fr" and money.currency in _FEMININE and counted.split()[-1].split("-")[-1] == "un":
        counted += "e"
    name = get_currency_name(money.currency, whole, locale=language)
    if language == "fr" and whole and whole % 1_000_000 == 0:
        name = f"d’{name}" if name[0].lower() in "aeiouyéh" and not name.startswith("yen") else f"de {name}"
    text = f"{counted} {name}"
    if not rest:
        return text
    joined = {"fr": "et"}.get(language, "and")
    units = _MINOR_UNITS.get(language, {}).get(money.currency)
    if units is None:
        return f"{text} {joined} {rest:0{places}d}/{10**places}"
    one = rest == 1
    return f"{text} {joined} {num2words(rest, lang=language)} {units[0] if one else units[1]}"


def _in_figures(money: Money, places: int) -> str:
    """The amount with every place, and the name of its currency as this number asks for it."""
    pattern = "#,##0" + ("." + "0" * places if places else "")
    name = get_currency_name(money.currency, money.minor // 10**places, locale="ar")
    return f"{format_decimal(money.amount, pattern, locale='ar')} {name}، {money.currency}"


def written_moment(value: datetime, zone: str, language: str) -> str:
    """A moment to the second in this zone, with the zone's name: “26 November 2026, 07:44:12 UTC”."""
    there = value.astimezone(ZoneInfo(zone))
    comma = "،" if language == "ar" else ","
    return f"{written_day(there.date(), language)}{comma} {there:%H:%M:%S} {zone}"


def written_day(value: date, language: str) -> str:
    """A day as a letter writes it: “1 March 2027”, “1er mars 2027”."""
    written = str(format_date(value, "long", locale_of(language)))
    # French writes the first of a month as an ordinal, which the locale data does not.
    return f"1er{written[1:]}" if language == "fr" and written[:2] in ("1 ", "1\u00a0") else written


def side_of(text: str, otherwise: str) -> str:
    """Where a text begins, by its first letter: a question in English stays one in an Arabic document."""
    for letter in text:
        if (kind := bidirectional(letter)) in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return otherwise


def locale_of(language: str) -> str:
    """English without a country would write dates and dollars the way of one country."""
    return {"en": "en_001"}.get(language, language.replace("-", "_"))
