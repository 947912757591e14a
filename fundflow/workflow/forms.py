"""A form as its file declares it: sections of fields with their rules; what the pages draw and the engine judges.

A form knows nothing of pages or storage. Answers that are not of a field's shape count as not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from fundflow.workflow.expressions import Expression
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
    source: Expression | None = None
    """What its first answer is copied from, when the form is opened to somebody."""
    when: Expression | None = None
    """In a form of a child: asked only where this holds of the child; absent otherwise."""

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
    when: Expression | None = None
    """In a form of a child: there only where this holds of the child; absent otherwise."""


class OwnForm(NamedTuple):
    """A form of one child, as answers and files are kept under it: ``report:1:periodic``."""

    kind: str
    key: str
    form: str

    def __str__(self) -> str:
        return ":".join(self)

    @classmethod
    def read(cls, written: str) -> OwnForm | None:
        """The form of a child of that name; None for a form of the application."""
        kind, colon, rest = written.partition(":")
        key, _, form = rest.rpartition(":")
        return cls(kind, key, form) if colon else None


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

    def asked_of(self, child: Mapping[str, Any]) -> Form:
        """The form with only what is asked of this child, whose own fields are given as expressions read them."""
        facts = {"self": child}

        def holds(when: Expression | None) -> bool:
            return when is None or when.evaluate(facts) is True

        sections = []
        for section in self.sections:
            fields = tuple(each for each in section.fields if holds(each.when))
            if fields and holds(section.when):
                sections.append(section if fields == section.fields else replace(section, fields=fields))
        return self if sections == list(self.sections) else replace(self, sections=tuple(sections))

    @property
    def is_bound(self) -> bool:
        """It reads facts of its workflow, so it means nothing by itself."""
        return self.is_conditional or any(each.source for each in self.fields.values())

    @property
    def is_conditional(self) -> bool:
        """Some of it is asked only on a condition."""
        return any(s.when or any(f.when for f in s.fields) for s in self.sections)

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
