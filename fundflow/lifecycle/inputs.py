"""What a person entered for a transition, read by the types that its file declares.

Refuses, for all fields at once, what is missing, not declared, or not of its type.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from fundflow.errors import Refused
from fundflow.lifecycle.refusals import ReasonMissing, WrongInput, shorten
from fundflow.money import Money
from fundflow.workflow.definition import Input, Transition

LONGEST_TEXT = 4_000
YEARS = range(1900, 2200)
"""What a date can mean here; all else, such as the year 26, is a slip of the keyboard."""


class Missing(Refused):
    """Fill in “{field}”."""

    status = 422


class NotAsked(Refused):
    """“{field}” is not asked here."""

    status = 422


class NotADate(Refused):
    """“{text}” is not a date. Write it as year-month-day, for example 2026-11-23."""

    status = 422


class NotANumber(Refused):
    """“{text}” is not a number."""

    status = 422


class NotAWholeNumber(Refused):
    """“{text}” is not a whole number."""

    status = 422


class OtherCurrency(Refused):
    """“{text}” is not in {currency}."""

    status = 422


class TooLong(Refused):
    """“{field}” is too long: use at most {longest} characters."""

    status = 422


class UnusableCharacters(Refused):
    """“{field}” contains characters that cannot be kept."""

    status = 422


def read(
    transition: Transition, given: Mapping[str, Any] | None, currency: str, language: str
) -> tuple[dict[str, Any], dict[str, Refused]]:
    """The typed values and the problems, by field. A field with a problem has the value None."""
    given = given or {}
    values: dict[str, Any] = dict.fromkeys(transition.input)
    problems: dict[str, Refused] = {}
    for name, field in transition.input.items():
        try:
            values[name] = _read(field, given.get(name), currency, language)
        except Refused as problem:
            problems[name] = problem
    for name in given:
        if name not in transition.input:
            problems[name] = NotAsked(field=shorten(name))
    return values, problems


def read_reason(reason: str | None, is_required: bool) -> str | None:
    """The reason, tidied; None where none was given and none is needed."""
    text = (reason or "").strip()
    if not shows(text):
        if is_required:
            raise ReasonMissing()
        return None
    try:
        return _text(text, "reason")
    except Refused as problem:
        raise WrongInput({"reason": problem}) from None


def _read(field: Input, value: Any, currency: str, language: str) -> Any:
    if isinstance(value, str):
        value = value.strip()
    if value is None or (isinstance(value, str) and not shows(value)):
        raise Missing(field=field.label.in_(language))
    match field.type:
        case "text":
            return _text(value, field.label.in_(language))
        case "date":
            return day_of(value)
        case "money":
            return _money(value, currency, language)
        case "integer":
            return _integer(value)
        case "decimal":
            return _decimal(value)
    raise NotAsked(field=field.id)


def shows(text: str) -> bool:
    """Whether there is anything to see in it: spaces and invisible marks alone are no reason, and no name."""
    return any(not c.isspace() and unicodedata.category(c) != "Cf" for c in text)


def line(text: str | None) -> str:
    """The text on one line, without what no database keeps; empty where there is nothing to see in it."""
    kept = "".join(c for c in text or "" if c.isspace() or can_be_kept(c))
    return " ".join(kept.split()) if shows(kept) else ""


def can_be_kept(text: str) -> bool:
    """Whether every database keeps it: no control characters but new lines and tabs, no halves of characters."""
    return not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text)


def _text(value: Any, label: str) -> str:
    if not isinstance(value, str):
        raise UnusableCharacters(field=label)
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n"))
    if len(text) > LONGEST_TEXT:
        raise TooLong(field=label, longest=LONGEST_TEXT)
    if not can_be_kept(text):
        raise UnusableCharacters(field=label)
    return text


def day_of(value: Any) -> date:
    """A day as it was typed, year first; NotADate where it is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            day = date.fromisoformat(value)
            if day.year in YEARS:
                return day
    except ValueError:
        pass
    raise NotADate(text=shorten(value))


def _money(value: Any, currency: str, language: str) -> Money:
    if isinstance(value, Money):
        if value.currency != currency:
            raise OtherCurrency(text=str(value), currency=currency)
        return value
    return Money.read(str(value), currency, language.replace("-", "_"))


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,15}", value):
        return int(value)
    raise NotAWholeNumber(text=shorten(value))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,15}([.,][0-9]{1,15})?", value):
        return Decimal(value.replace(",", "."))
    try:
        if isinstance(value, Decimal | int) and not isinstance(value, bool) and Decimal(value).is_finite():
            return Decimal(value)
    except InvalidOperation:
        pass
    raise NotANumber(text=shorten(value))
