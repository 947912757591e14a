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


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `options` are the only texts it can be; `item` and `size` belong to lists, `fields` to records.

    `is_answer` marks an answer a form requires: never null when the form is complete, but not there before.
    """

    kind: Kind
    nullable: bool = False
    is_answer: bool = False
    options: tuple[str, ...] = ()
    item: Type | None = None
    size: int = 50
    fields: Mapping[str, Type] = field(default_factory=dict, hash=False)

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
        return _WORDS[self.kind] + (" or null" if self.nullable else "")


BOOL, INT, DECIMAL, MONEY = Type("bool"), Type("int"), Type("decimal"), Type("money")
DATE, INSTANT, DURATION, STRING = Type("date"), Type("instant"), Type("duration"), Type("string")
NULL, WRONG = Type("null", nullable=True), Type("wrong")


def record(fields: Mapping[str, Type]) -> Type:
    return Type("record", fields=fields)


def list_of(item: Type, size: int = 50) -> Type:
    return Type("list", item=item, size=size)
