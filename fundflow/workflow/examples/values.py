"""Values of examples as people write them: moments, amounts, answers to questions; each wrong one with its place.

An answer is read as its form keeps it. Refuses what the question could not hold; whether it may be sent is another
matter, and often what an example is about.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.errors import Refused
from fundflow.money import Money
from fundflow.workflow import answers
from fundflow.workflow.definition import Input
from fundflow.workflow.durations import at_wall
from fundflow.workflow.forms import Field
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
NONE = "none"
"""How an example says that there is no value."""


def wall(place: Place) -> str | None:
    """A day or a minute as it is written, once it is one."""
    value = place.value
    try:
        if isinstance(value, str) and DAY.fullmatch(value):
            date.fromisoformat(value)
            return value
        if isinstance(value, str) and MINUTE.fullmatch(value):
            datetime.fromisoformat(value)
            return value
    except ValueError:
        pass
    place.error("FF238", f"'{value}' is not a moment; write 2027-03-01T17:00, or a day as 2027-03-01")
    return None


def moment(place: Place, zone: ZoneInfo) -> datetime | None:
    """A minute on the clock of the zone; a day stands for its beginning."""
    written = wall(place)
    return None if written is None else at_wall(datetime.fromisoformat(written), zone)


def amount(place: Place, currency: str) -> Money | None:
    """An amount in the workflow's own currency."""
    number = place.decimal()
    if number is None:
        return None
    try:
        return Money.of(number, currency)
    except Refused as refusal:
        place.error("FF240", str(refusal))
        return None


def texts(place: Place) -> list[Place]:
    """One text or several; also none at all, which says that there is nothing."""
    return place.items() if isinstance(place.value, list) else [place]


def count(place: Place) -> int | None:
    return place.integer(0, 1_000_000)


def asked(place: Place, given: Input, currency: str) -> Any:
    """A value for what a transition asks."""
    match given.type:
        case "text":
            return place.string()
        case "date":
            return _day(place)
        case "money":
            return amount(place, currency)
        case "integer":
            return place.integer(-1_000_000_000, 1_000_000_000)
        case _:
            return place.decimal()


def answer(place: Place, field: Field, currency: str) -> Any:
    """An answer as the form keeps it; None where it cannot be one."""
    match field.type:
        case "money":
            money = amount(place, currency)
            return None if money is None else {"minor": money.minor, "currency": money.currency}
        case "number" | "score":
            number = place.decimal()
            return None if number is None else str(number)
        case "date":
            day = _day(place)
            return None if day is None else day.isoformat()
        case "choice":
            return _option(place, field)
        case "choices":
            return [name for name in (_option(each, field) for each in texts(place)) if name]
        case "country":
            return _country(place)
        case "file":
            number_of = place.integer(0, 100)
            return None if number_of is None else [f"file-{n}" for n in range(1, number_of + 1)]
        case "table":
            return [_row(each, field, currency) for each in place.items()]
        case _:
            return place.string()


def claimed(place: Place, field: Field, currency: str) -> Any:
    """The typed value that an answer should have; None for `none`."""
    if place.value == NONE:
        return None
    return answers.value(field, answer(place, field, currency), currency)


def _row(place: Place, table: Field, currency: str) -> dict[str, Any]:
    if not isinstance(place.value, dict):
        place.error("FF012", f"a line of '{table.id}' needs its columns (name: value)")
        return {}
    row: dict[str, Any] = {}
    for name in place.value:
        inner = place.at(name)
        column = table.columns.get(str(name))
        if column is None:
            close = did_you_mean(str(name), table.columns)
            inner.error("FF236", f"'{table.id}' has no column '{name}'{close}", key=True)
        else:
            row[str(name)] = answer(inner, column, currency)
    return row


def _option(place: Place, field: Field) -> str | None:
    options = [option.id for option in field.options]
    if isinstance(place.value, str) and place.value in options:
        return place.value
    place.error("FF237", f"'{field.id}' has no answer '{place.value}'{did_you_mean(str(place.value), options)}")
    return None


def _country(place: Place) -> str | None:
    if isinstance(place.value, str) and place.value in answers.countries():
        return place.value
    place.error("FF240", f"'{place.value}' is not the two letters of a country")
    return None


def _day(place: Place) -> date | None:
    try:
        if isinstance(place.value, str) and DAY.fullmatch(place.value):
            return date.fromisoformat(place.value)
    except ValueError:
        pass
    place.error("FF240", f"'{place.value}' is not a day; write 2027-03-01")
    return None


def written(value: Any) -> Any:
    """A typed or kept value as an example writes it."""
    match value:
        case None:
            return NONE
        case Money():
            return plain_number(value.amount)
        case Decimal():
            return plain_number(value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M")
        case date():
            return value.isoformat()
        case {"minor": int(), "currency": str()}:
            return plain_number(Money(value["minor"], value["currency"]).amount)
        case dict():
            return {name: written(each) for name, each in value.items() if not name.startswith("_")}
        case tuple() | list() | frozenset():
            return [written(each) for each in value]
        case _:
            return value


def plain_number(number: Decimal) -> Decimal | int:
    """Without a fraction that says nothing."""
    return int(number) if number == number.to_integral_value() else number.normalize()
