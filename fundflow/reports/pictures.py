"""The charts of reports, each with its table: how far measures are, and what lines of a budget took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from fundflow import charts
from fundflow.charts import Bar, Numbers, Series, Words
from fundflow.money import Money
from fundflow.reports import naming
from fundflow.reports.rollup import Sum
from fundflow.reports.spending import Spending
from fundflow.web import reader
from fundflow.workflow.text import Text

LONGEST = 38
"""Characters of a label beside a bar; the table has the whole of it."""


def progress(sums: Sequence[Sum], labels: Mapping[str, Text]) -> str:
    """How far each measure came on the way to what was planned; empty where none has a way to go."""
    items = [
        Bar(_short(naming.measure(each.measure, labels)), float(each.progress))
        for each in sums
        if each.progress is not None
    ]
    if not items:
        return ""
    numbers = Numbers(language=reader.locale(), is_share=True)
    return charts.bars(
        "progress", _("Progress towards what was planned"), items, numbers, heading=_("Indicator"), words=_words()
    ).figure()


def costs(spending: Spending, name: str = "costs") -> str:
    """What each line of a budget took and has left; what it took beyond its budget is a part of its own."""
    lines = [line for line in spending.lines if line.planned or line.spent]
    if not lines:
        return ""
    zero = Money.zero(spending.planned.currency)
    within = [min(line.spent or zero, line.planned) for line in lines]
    beyond = [max((line.spent or zero) - line.planned, zero) for line in lines]
    left = [max(line.left, zero) for line in lines]
    parts = [
        Series(_("Spent within the budget"), [float(each.amount) for each in within]),
        Series(_("Left"), [float(each.amount) for each in left]),
    ]
    if any(beyond):
        parts.insert(1, Series(_("Spent beyond it"), [float(each.amount) for each in beyond]))
    numbers = Numbers(language=reader.locale(), currency=zero.currency)
    labels = [_short(line.item) for line in lines]
    title = _("Budget and costs by line")
    return charts.stacked(name, title, labels, parts, numbers, heading=_("Item"), words=_words()).figure()


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1].rstrip()}…"


def _words() -> Words:
    return Words(value=_("Value"), data=_("Data"), named=_("%(what)s: %(says)s", what="{what}", says="{says}"))
