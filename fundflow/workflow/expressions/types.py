"""The types of the expression language and of the facts it may read.

A type that may be null says so; nothing converts by itself but a whole number to a decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal[
    "bool", "int", "decimal", "money", "date", "instant", "duration", "string", "list", "record", "null", "wrong"
]

_WORDS: dict[str, str] = {
    "bool": "true or false",
    "int": "a whole number",
    "decimal": "a decimal number",
    "money": "an amount of money",
    "date": "a date",
    "instant": "a moment",
    "duration": "a length of time",
    "string": "a text",
    "list": "a list",
    "record": "a group of facts",
    "null": "null",
    "wrong": "a mistake",
}
Unit = Literal["", "minutes", "days", "months"]


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `options` are the only texts it can be; `item` and `size` belong to lists, `fields` to records.

    `is_answer` marks an answer a form requires: never null when the form is complete, but not there before. `unit` is
    what a length of time counts: months have no fixed length, so they move dates and compare with nothing.
    Facts of these types: decimals are finite, with at most a thousand digits on either side of the point; moments are
    aware and in UTC; all amounts of one evaluation are in one currency; lists are tuples and records are mappings.
    """

    kind: Kind
    nullable: bool = False
    is_answer: bool = False
    options: tuple[str, ...] = ()
    item: Type | None = None
    size: int = 50
    fields: Mapping[str, Type] = field(default_factory=dict, hash=False)
    unit: Unit = ""

    @property
    def is_number(self) -> bool:
        return self.kind in ("int", "decimal")

    def solid(self) -> Type:
        """The same type without null."""
        return replace(self, nullable=False)

    def or_null(self) -> Type:
        return replace(self, nullable=True, is_answer=False)

    def __str__(self) -> str:
        if self.kind == "list" and self.item is not None:
            return f"a list of {str(self.item.solid()).removeprefix('a ').removeprefix('an ')}"
        if self.unit == "months":
            return "a number of months"
        return _WORDS[self.kind] + (" or null" if self.nullable and self.kind != "null" else "")


BOOL, INT, DECIMAL, MONEY = Type("bool"), Type("int"), Type("decimal"), Type("money")
DATE, INSTANT, STRING = Type("date"), Type("instant"), Type("string")
MINUTES, DAYS, MONTHS = (
    Type("duration", unit="minutes"),
    Type("duration", unit="days"),
    Type("duration", unit="months"),
)
NULL, WRONG = Type("null", nullable=True), Type("wrong")


Known = frozenset[str]
"""Paths that are known not to be null at this place."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The type of a node, and the paths that are not null when it is true, or when it is false."""

    type: Type
    if_true: Known = frozenset()
    if_false: Known = frozenset()


def record(fields: Mapping[str, Type]) -> Type:
    return Type("record", fields=fields)


def list_of(item: Type, size: int = 50) -> Type:
    return Type("list", item=item, size=size)


def joined(one: Type, other: Type) -> Type | None:
    """The type of what is one or the other, or None where they do not go together.

    Only plain numbers mix: a list of whole numbers is no list of decimals.
    """
    nullable = one.nullable or other.nullable
    if "null" in (one.kind, other.kind):
        return replace(other if one.kind == "null" else one, nullable=True, is_answer=False)
    if one.is_number and other.is_number:
        return Type("decimal" if one.kind != other.kind else one.kind, nullable=nullable)
    if one.kind != other.kind or one.unit != other.unit or one.fields != other.fields:
        return None
    item = one.item
    if item is not None and other.item is not None:
        item = joined(item, other.item) if item.kind == other.item.kind else None
        if item is None:
            return None
    options = one.options if one.options == other.options else ()
    size = max(one.size, other.size)
    return Type(one.kind, nullable, options=options, item=item, size=size, fields=one.fields, unit=one.unit)
