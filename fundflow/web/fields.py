"""The fields that declared forms are made of: each knows what a person typed and what of it can be stored.

Refuses to lose anything typed: text that cannot be read as its type is stored as `{"raw": text}` and told on the field.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date, parse_date
from flask_babel import gettext as _
from wtforms import Form as Inputs
from wtforms import RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields import Field as Input
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TextArea, TextInput

from fundflow.errors import Refused
from fundflow.money import Money, exponent, plain_decimal, typed_decimal

ROW_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
MOST_ROWS = 500
"""More rows than this are never read from one request, whatever a form allows."""


class NotANumber(Refused):
    """“{text}” is not a number. Write digits only, for example {example}."""

    status = 422


class NotADate(Refused):
    """“{text}” is not a date. Write it like {example}."""

    status = 422


def clean(text: str) -> str:
    """What was typed, fit for every database: line ends are one character, NUL and half characters are gone."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "replace").decode("utf-8") if any("\ud800" <= c <= "\udfff" for c in text) else text


def read_number(text: str, locale: str) -> str:
    """A typed number as the plain decimal that is stored; a leading minus is allowed, exponents are not."""
    typed = text.strip()
    is_negative = typed[:1] in ("-", "−")
    number = typed_decimal(typed[1:] if is_negative else typed, locale)
    if number is None or number.adjusted() > 17 or len(str(number)) > 40:
        raise NotANumber(text=text, example=plain_decimal(Decimal("1250.5"), locale))
    return str(-number if is_negative and number else number)


def read_date(text: str, locale: str) -> str:
    """A typed date as ISO text: as browsers send it, or in the order of day, month and year of the reader's locale."""
    typed = unicodedata.normalize("NFKC", text.strip())
    try:
        found = date.fromisoformat(typed) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", typed) else parse_date(typed, locale)
    except (ValueError, IndexError, AttributeError):
        found = None
    if found is None or not 1900 <= found.year < 2200:
        raise NotADate(text=text, example=format_date(date(2027, 3, 31), "short", locale=locale)) from None
    return found.isoformat()


class Words(StringField):
    """Text as it was typed; one line, or many."""

    def __init__(self, *args: Any, is_long: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_long = is_long
        self.type = "TextAreaField" if is_long else "StringField"
        self.widget = TextArea() if is_long else TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            text = clean(valuelist[0])
            self.data = text.strip("\n") if self.is_long else " ".join(text.split("\n"))

    @property
    def stored(self) -> Any:
        return self.data if self.data and self.data.strip() else None


class Typed(StringField):
    """Text that means something else: a number, an amount, a date."""

    def __init__(
        self,
        *args: Any,
        read: Callable[[str], Any],
        write: Callable[[Any], str],
        input_type: str = "text",
        says: Callable[[Refused], str] = str,
        **kwargs: Any,
    ) -> None:
        self.read, self.write, self.says = read, write, says
        self.text = ""
        self.problem: str | None = None
        super().__init__(*args, **kwargs)
        self.widget = TextInput()
        self.widget.input_type = input_type
        self.type = "DateField" if input_type == "date" else "DecimalField"

    def process_data(self, value: Any) -> None:
        self.problem = None
        if isinstance(value, Mapping) and "raw" in value:
            self._take(str(value["raw"]))
        else:
            self.data, self.text = value, "" if value is None else self.write(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self._take(clean(valuelist[0]))

    def _take(self, text: str) -> None:
        self.text, self.problem = text, None
        if not text.strip():
            self.data = None
            return
        try:
            self.data = self.read(text)
        except Refused as problem:
            self.data, self.problem = {"raw": text}, self.says(problem)
            if self.widget.input_type == "date":
                self.widget.input_type = "text"  # a date input would show nothing of what was typed

    def pre_validate(self, form: Any) -> None:
        if self.problem:
            raise ValidationError(self.problem)

    def _value(self) -> str:
        return self.text

    @property
    def stored(self) -> Any:
        return self.data


def number_ways(locale: str) -> dict[str, Any]:
    """How numbers are read and written."""
    return {
        "read": lambda text: read_number(text, locale),
        "write": lambda stored: plain_decimal(Decimal(str(stored)), locale),
    }


def money_ways(currency: str, locale: str) -> dict[str, Any]:
    """How amounts are read and written; whole amounts stay whole, others show all their places."""

    def read(text: str) -> dict[str, Any]:
        amount = Money.read(text, currency, locale)
        return {"minor": amount.minor, "currency": currency}

    def write(stored: Mapping[str, Any]) -> str:
        amount = Money(int(stored["minor"]), str(stored["currency"])).amount
        if amount == amount.to_integral_value():
            return str(int(amount))
        places = exponent(str(stored["currency"]))
        return plain_decimal(amount, locale) if places != 2 else _with_places(amount, locale)

    return {"read": read, "write": write}


def _with_places(amount: Decimal, locale: str) -> str:
    whole, _point, fraction = f"{amount:f}".partition(".")
    sign = plain_decimal(Decimal("0.5"), locale).strip("05")
    return f"{whole}{sign}{fraction}"


def date_ways(locale: str) -> dict[str, Any]:
    """How dates are read and written."""
    return {"read": lambda text: read_date(text, locale), "write": str, "input_type": "date"}


def _options(choices: Sequence[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value=value, label=label) for value, label in choices]


class _Picked:
    """What both kinds of picking one option share: an unknown value is told and never stored."""

    data: Any
    choices: Any
    raw_data: Any

    def pre_validate(self, form: Any) -> None:
        if self.data and self.stored is None:
            raise ValidationError(_("Choose one of the answers listed."))

    @property
    def stored(self) -> Any:
        return self.data if self.data and any(self.data == each.value for each in self.choices) else None


class Pick(_Picked, SelectField):
    """One of a long list."""

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, choices=_options([("", _("Choose …")), *choices]), validate_choice=False, **kwargs)
        self.type = "SelectField"


class PickOne(_Picked, RadioField):
    """One of a few, all in sight."""

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, choices=_options(choices), validate_choice=False, **kwargs)
        self.type = "RadioField"


class PickSome(SelectMultipleField):
    """Any of a few, as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, choices=_options(choices), validate_choice=False, **kwargs)
        self.type = "SelectMultipleField"

    @property
    def stored(self) -> Any:
        given = set(self.data or ())
        return [each.value for each in self.choices if each.value in given] or None


class Files(Input):
    """The ids of files attached already. Nothing a request says changes them: files come and go on their own."""

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        pass

    @property
    def stored(self) -> Any:
        return list(self.data) if self.data else None


class Row:
    """One line of a table: its inputs, its number in their names, and the id it keeps for life."""

    def __init__(self, index: int | str, row_id: str, inputs: Inputs) -> None:
        self.index, self.id, self.inputs = index, row_id, inputs

    def __iter__(self) -> Iterator[Input]:
        return iter(self.inputs)

    def stored(self) -> dict[str, Any] | None:
        """The cells that are answered, under the row's id; None for a row without any."""
        cells = {field.short_name: field.stored for field in self.inputs if field.stored is not None}
        return {"_id": self.id, **cells} if cells else None


class Table(Input):
    """Rows of inputs named `<table>-<n>-<column>`, in the order of the page; `<table>-rows` says they were sent."""

    widget = TextInput()

    def __init__(self, *args: Any, line: type[Inputs], most: int, least: int = 0, **kwargs: Any) -> None:
        self.line, self.most, self.least = line, most, least
        self.rows: list[Row] = []
        super().__init__(*args, **kwargs)

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.process_errors: list[str] = []
        self.data = self.object_data = data if isinstance(data, list) else []
        if formdata is not None and f"{self.name}-rows" in formdata:
            self.rows = self._sent(formdata)
        else:
            kept = [row for row in self.data if isinstance(row, Mapping)]
            self.rows = [self._row(n, str(row.get("_id") or ""), data=row) for n, row in enumerate(kept)]

    def _sent(self, formdata: Any) -> list[Row]:
        numbered = re.compile(rf"{re.escape(self.name)}-([0-9]{{1,6}})-")
        order = dict.fromkeys(int(found[1]) for key in formdata if (found := numbered.match(key)))
        rows: list[Row] = []
        for index in list(order)[:MOST_ROWS]:
            row_id = formdata.get(f"{self.name}-{index}-_id", "")
            taken = {row.id for row in rows}
            rows.append(self._row(index, "" if row_id in taken else row_id, formdata=formdata))
        return rows

    def _row(self, index: int | str, row_id: str, *, formdata: Any = None, data: Any = None) -> Row:
        inputs = self.line(formdata, prefix=f"{self.name}-{index}-", data=data or {})
        return Row(index, row_id if ROW_ID.fullmatch(row_id) else secrets.token_hex(6), inputs)

    def add_row(self) -> Row:
        """An empty line at the end, to be filled in; not beyond what the table may hold."""
        index = max((int(row.index) for row in self.rows), default=-1) + 1
        row = self._row(index, "")
        if len(self.rows) < self.most:
            self.rows.append(row)
        return row

    def remove_row(self, index: str) -> None:
        """Take out the line of this number, if there is one."""
        self.rows = [row for row in self.rows if str(row.index) != index]

    def with_room(self) -> list[Row]:
        """The lines to show: at least as many as the form asks for, and one to begin with."""
        while len(self.rows) < min(max(self.least, 1), self.most):
            self.add_row()
        return self.rows

    def blank(self) -> Row:
        """The line that scripts copy; `__n__` in its names stands for the next number."""
        return Row("__n__", f"{secrets.token_hex(4)}-__n__", self._row("__n__", "").inputs)

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        self.errors = []
        for number, row in enumerate(self.rows, 1):
            row.inputs.validate()
            self.errors += [
                _("Line %(number)s, %(column)s: %(problem)s", number=number, column=cell.label.text, problem=problem)
                for cell in row
                for problem in cell.errors
            ]
        return not self.errors

    @property
    def stored(self) -> Any:
        return [kept for row in self.rows if (kept := row.stored()) is not None] or None


def countries(locale: str) -> list[tuple[str, str]]:
    """Code and name of every country and territory, in the order of the reader's language."""
    from fundflow.workflow.answers import countries as codes

    names = Locale.parse(locale).territories
    listed = [(code, names.get(code, code)) for code in codes()]
    return sorted(listed, key=lambda each: unicodedata.normalize("NFKD", each[1]).casefold())
