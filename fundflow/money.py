"""Exact money: an integer count of a currency's smallest unit; never a float.

Refuses to mix currencies and to round in silence: what does not fit the currency's smallest unit is refused when it
is read, and rounded half-even only where a product is asked for.
"""

from __future__ import annotations

import re
import unicodedata
from copy import copy
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache

from babel import Locale
from babel.numbers import NumberPattern, format_decimal, get_decimal_symbol, get_group_symbol

from fundflow.errors import Refused

# ISO 4217 list one: the currencies whose smallest unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}

LARGEST_MINOR = 10**15
"""Amounts beyond this many smallest units are refused: no fund holds them, and every database's integer does."""


class NotAnAmount(Refused):
    """“{text}” is not an amount of money. Write digits only, for example {example}."""

    status = 422


class TooPrecise(Refused):
    """“{text}” is finer than {currency} allows; use at most {places} decimal places."""

    status = 422


class TooLarge(Refused):
    """“{text}” is larger than any amount this fund can hold."""

    status = 422


class MixedCurrencies(Refused):
    """{left} and {right} are in different currencies and cannot be added or compared."""


def exponent(currency: str) -> int:
    """How many decimal places the currency has (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's smallest unit; negative amounts are allowed, as differences."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """From a plain decimal such as ``"1250.50"``; TooPrecise where the currency has fewer places."""
        text = str(amount)
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise NotAnAmount(text=text, example="1250.50") from None
        if not value.is_finite():
            raise NotAnAmount(text=text, example="1250.50")
        places = exponent(currency)
        if value.adjusted() > 18:
            raise TooLarge(text=text)
        minor = value.scaleb(places)
        if minor != minor.to_integral_value():
            raise TooPrecise(text=text, currency=currency, places=places)
        if abs(minor) > LARGEST_MINOR:
            raise TooLarge(text=text)
        return cls(int(minor), currency)

    @classmethod
    def read(cls, text: str, currency: str, locale: str = "en") -> Money:
        """What a person typed, in their locale: ``1 250,50``, ``1,250.50``, ``1'250``, digits of any script.

        Refuses exponents, signs, ``NaN``, and whatever could be read as two different amounts.
        """
        plain = typed_decimal(text, locale)
        if plain is None:
            example = Decimal("1250.50") if exponent(currency) >= 2 else Decimal("1250")
            raise NotAnAmount(text=text, example=plain_decimal(example, locale))
        try:
            return cls.of(plain, currency)
        except TooPrecise:
            raise TooPrecise(text=text, currency=currency, places=exponent(currency)) from None

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @property
    def amount(self) -> Decimal:
        """The amount in the currency's main unit, with exactly its decimal places."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def format(self, locale: str = "en") -> str:
        """By locale, with the currency's sign or code and always its own number of places: ``1 250,50 €``."""
        return str(
            _pattern(locale, exponent(self.currency)).apply(
                self.amount, locale, currency=self.currency, currency_digits=False
            )
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise MixedCurrencies(left=str(self), right=str(other))

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        """Scaled, rounded half-even to the smallest unit."""
        return Money(int((Decimal(self.minor) * factor).quantize(Decimal(1), ROUND_HALF_EVEN)), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor > other.minor

    def __ge__(self, other: Money) -> bool:
        self._same(other)
        return self.minor >= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0


@cache
def _pattern(locale: str, places: int) -> NumberPattern:
    pattern: NumberPattern = copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return pattern


def plain_decimal(value: Decimal, locale: str) -> str:
    """A decimal the way a person of this locale would type it, ungrouped."""
    return format_decimal(value, locale=locale, group_separator=False, decimal_quantization=False)


def typed_decimal(text: str, locale: str) -> Decimal | None:
    """Typed text to an exact decimal, or None where it is no amount or could mean two."""
    typed = "".join(
        str(unicodedata.digit(c)) if c.isdigit() else "" if c.isspace() or c in "'’٬" else "." if c == "٫" else c
        for c in unicodedata.normalize("NFKC", text.strip())
    )
    if re.fullmatch(r"[0-9]+", typed):
        return Decimal(typed)
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+\.[0-9]+", typed) or re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3})+,[0-9]+", typed):
        whole, fraction = re.split(r"[.,](?=[0-9]+$)", typed)
        return Decimal(f"{re.sub('[.,]', '', whole)}.{fraction}")
    if re.fullmatch(r"[0-9]{1,3}([.,])[0-9]{3}(\1[0-9]{3})+", typed):
        return Decimal(re.sub("[.,]", "", typed))
    lone = re.fullmatch(r"([0-9]+)([.,])([0-9]+)", typed)
    if lone is None:
        return None
    whole, sign, fraction = lone.groups()
    if len(fraction) == 3 and len(whole) <= 3:
        # "1.250" is a thousand to some and one and a quarter to others: only the reader's own locale may decide.
        if sign == get_group_symbol(locale):
            return Decimal(whole + fraction)
        if sign != get_decimal_symbol(locale):
            return None
    return Decimal(f"{whole}.{fraction}")
