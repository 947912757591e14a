"""A form as its file declares it: sections of fields with their rules; what the pages draw and the engine judges.

A form knows nothing of pages or storage. Answers that are not of a field's shape count as not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from fundflow.workflow.text import Text

FieldType = Literal[
    "short_text",
    "long_text",
    "number",
    "money",
    "date",
    "choice",
    "choices",
    "country",
    "email",
    "file",
    "table",
    "score",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer to pick; what is stored is its id."""

    id: str
    label: Text
    help: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question. Which of the rules apply depends on its type; the others keep their default.

    `min` and `max` bound numbers, amounts of money in the main unit, scores, and how many choices to pick.
    """

    id: str
    type: FieldType
    label: Text
    help: Text | None = None
    required: bool = False
    personal: bool = False
    """It says who a person is or how to reach them; the checker tells when reviewers could read it."""
    words: int | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    places: int = 0
    after: str | None = None
    """The date field that this date must follow."""
    options: tuple[Option, ...] = ()
    accept: tuple[str, ...] = ()
    """File name extensions in lower case, without the dot."""
    max_mb: int = 10
    max_files: int = 1
    columns: Mapping[str, Field] = field(default_factory=dict)
    min_rows: int = 0
    max_rows: int = 50
    sum_column: str | None = None
    sum_equals: str | None = None
    """The money or number field that the column's sum must equal when the form is sent."""
    weight: int | None = None
    anchors: Mapping[int, Text] = field(default_factory=dict)
    """What a score means in words, by its figure."""

    def option(self, name: object) -> Option | None:
        """The option of that id, if there is one."""
        return next((option for option in self.options if option.id == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Questions under one heading."""

    id: str
    title: Text
    help: Text | None = None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """What keeps a form from being sent: the field, and a sentence that is already filled in for every language.

    In a table, `row` counts from one and `column` names the column.
    """

    field: str
    sentence: Text
    label: Text
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A declared form. `fields` holds the fields of all sections in order; their ids are unique in the form."""

    id: str
    title: Text
    intro: Text | None = None
    sections: tuple[Section, ...]
    fields: Mapping[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", {f.id: f for section in self.sections for f in section.fields})

    def check(self, data: Mapping[str, Any], currency: str = "EUR") -> list[Missing]:
        """Everything that keeps these stored answers from being sent, in the form's order."""
        from fundflow.workflow import answers

        return answers.check(self, data, currency)

    def is_complete(self, data: Mapping[str, Any], currency: str = "EUR") -> bool:
        """These stored answers may be sent as they are."""
        return not self.check(data, currency)

    def values(self, data: Mapping[str, Any], currency: str) -> dict[str, Any]:
        """Typed values by field: str, Decimal, Money, date, or tuples for choices, files and tables; else None."""
        from fundflow.workflow import answers

        return {name: answers.value(f, data.get(name), currency) for name, f in self.fields.items()}


def count_words(text: str) -> int:
    """Words as a person counts them: runs of anything between spaces."""
    return len(text.split())
