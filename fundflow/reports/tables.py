"""Where a form keeps promises, figures and costs: the tables that reports read, told by their columns.

A table with a number column `target` is a table of indicators: a plan, or with `actual` too, a report. One with an
amount `spent` beside another amount, what was planned, is a budget against what was spent; the plan's budget is a table
of amounts without dates whose sum must equal a field. The numbers `people_expected` and `people_reached` are one more
indicator, the people reached directly, and number fields named like a group are its groups. The workflow's author gives
these names; nothing else about a form matters. Answers that are not of their question's shape count as not given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fundflow.money import Money
from fundflow.workflow.forms import Field, Form

GROUPS = ("women", "men", "other_gender", "children", "disabilities", "displaced", "host")
"""Columns that say how many of those counted in `actual` belong to a group."""
BASELINE, TARGET, ACTUAL = "baseline", "target", "actual"
SPENT, WHY = "spent", "why"
FREE = "other"
"""The option of a catalogue that says: none of these, it is in my own words."""
REACHED, EXPECTED = "people_reached", "people_expected"
"""The indicator that every city can tell: how many people, each counted once."""
PEOPLE, SHARES = "people_", "share_"
"""How the ids of options begin that count people, and that are parts of a whole."""

GOES_ON, ENDED, FURTHER = "goes_on", "ended", "further_money"
"""Whether the work goes on after the grant (any answer but `ended` says so), and what money came beside it."""
AFTER = {GOES_ON: "choice", FURTHER: "money"}

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator as one form has it. `measure` is the option of the catalogue, None for one in free words."""

    measure: str | None
    words: str
    baseline: Decimal | None = None
    target: Decimal | None = None
    actual: Decimal | None = None
    groups: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def counts_people(self) -> bool:
        return self.measure is not None and self.measure.startswith(PEOPLE)

    @property
    def is_comparable(self) -> bool:
        """Whether figures of this measure may be added up: those of the catalogue that are no shares."""
        return self.measure is not None and not self.measure.startswith(SHARES)

    @property
    def key(self) -> str:
        """What tells which line of a report answers which line of the plan."""
        return self.measure or " ".join(self.words.casefold().split())


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of a budget: what was planned for it, and what it took so far where a report says so."""

    item: str
    kind: str | None
    planned: Money
    spent: Money | None = None
    why: str = ""


def indicators(form: Form) -> Field | None:
    """The table of indicators of a form."""
    return next((each for each in form.fields.values() if _is(each, "number", TARGET)), None)


def is_report(form: Form) -> bool:
    """Whether the form tells of what was reached or spent."""
    table = indicators(form)
    told = _number(form, REACHED) or (table is not None and ACTUAL in table.columns)
    return told or against_costs(form) is not None


def is_follow_up(form: Form) -> bool:
    """Whether the form asks if the work goes on, or what further money came."""
    return any(name in form.fields and form.fields[name].type == type_ for name, type_ in AFTER.items())


def is_plan(form: Form) -> bool:
    """Whether the form promises what reports are held against."""
    return not is_report(form) and (indicators(form) is not None or _number(form, EXPECTED))


def budget(form: Form) -> Field | None:
    """The table of costs of a form: planned and spent, else the budget itself."""
    return against_costs(form) or next(
        (each for each in form.fields.values() if each.sum_equals and not _has_date(each) and planned_in(each)), None
    )


def catalogue(form: Form) -> Mapping[str, Any]:
    """The options of the form's catalogue of indicators: id to label."""
    table = indicators(form)
    column = _first(table, "choice") if table is not None else None
    return {option.id: option.label for option in column.options if option.id != FREE} if column is not None else {}


def lines(form: Form, data: Mapping[str, Any], currency: str) -> tuple[Line, ...]:
    """The indicators that stored answers hold, in order; a line that says nothing of what it counts is left out."""
    table, values = indicators(form), form.values(data, currency)
    found = list(_people(form, values))
    if table is None:
        return tuple(found)
    measure, words = _first(table, "choice"), _first(table, "short_text")
    for row in values[table.id]:
        code = row[measure.id] if measure is not None else None
        line = Line(
            measure=None if code == FREE else code,
            words=(row[words.id] or "").strip() if words is not None else "",
            baseline=row.get(BASELINE),
            target=row.get(TARGET),
            actual=row.get(ACTUAL),
            groups={name: row[name] for name in GROUPS if row.get(name) is not None},
        )
        if line.key:
            found.append(line)
    return tuple(found)


def _people(form: Form, values: _Row) -> Iterator[Line]:
    """The people reached directly, as far as the form asks for them outside its table."""
    asked = [name for name in (EXPECTED, REACHED) if _number(form, name)]
    if not any(values[name] is not None for name in asked):
        return
    yield Line(
        measure=REACHED,
        words="",
        baseline=Decimal(0),
        target=values.get(EXPECTED) if EXPECTED in asked else None,
        actual=values.get(REACHED) if REACHED in asked else None,
        groups={name: values[name] for name in GROUPS if _number(form, name) and values[name] is not None},
    )


def _number(form: Form, name: str) -> bool:
    return name in form.fields and form.fields[name].type == "number"


def costs(form: Form, data: Mapping[str, Any], currency: str) -> tuple[Cost, ...]:
    """The lines of the budget that stored answers hold, in their order; one without an amount is left out."""
    table = budget(form)
    if table is None:
        return ()
    item, kind, amount = _first(table, "short_text"), _first(table, "choice"), planned_in(table)
    return tuple(
        Cost(
            item=(row[item.id] or "").strip() if item is not None else "",
            kind=_label_of(kind, row),
            planned=row[amount],
            spent=row.get(SPENT),
            why=(row.get(WHY) or "").strip(),
        )
        for row in form.values(data, currency)[table.id]
        if row[amount] is not None
    )


def _label_of(column: Field | None, row: _Row) -> str | None:
    return row[column.id] if column is not None else None


def after(form: Form, data: Mapping[str, Any], currency: str) -> tuple[bool | None, Money | None]:
    """Whether the work goes on, and the further money; None where the form does not say."""
    values = form.values(data, currency)
    known = {name: values[name] for name, type_ in AFTER.items() if name in values and form.fields[name].type == type_}
    goes_on, further = known.get(GOES_ON), known.get(FURTHER)
    return None if goes_on is None else goes_on != ENDED, further


def against_costs(form: Form) -> Field | None:
    """The table that holds costs against the budget."""
    return next((each for each in form.fields.values() if _is(each, "money", SPENT) and planned_in(each)), None)


def planned_in(table: Field) -> str:
    """The column of planned amounts; empty where there is none."""
    return next((name for name, column in table.columns.items() if column.type == "money" and name != SPENT), "")


def _is(table: Field, type_: str, name: str) -> bool:
    return table.type == "table" and name in table.columns and table.columns[name].type == type_


def _first(table: Field, type_: str) -> Field | None:
    return next((column for column in table.columns.values() if column.type == type_), None)


def _has_date(table: Field) -> bool:
    return any(column.type == "date" for column in table.columns.values())
