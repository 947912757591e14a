"""The indicators of a portfolio as files: a workbook with sums, grants, costs and what is owed, and one flat list.

Texts stay texts: a cell that looks like a formula is written as what it says. Money is a plain amount, its currency
beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from fundflow.reports import naming
from fundflow.reports.overview import Overview
from fundflow.reports.rollup import figures
from fundflow.reports.tables import GROUPS
from fundflow.web import reader
from fundflow.web.xlsx import Sheet


def indicator_header() -> list[str]:
    """The headings of `indicators`."""
    asked = [_("Number"), _("City"), _("Country"), _("Round"), _("Code"), _("Kind"), _("Indicator")]
    told = [_("At the beginning"), _("Planned"), _("Reached"), _("Progress")]
    return [*asked, *told, *(naming.group(name) for name in GROUPS)]


def indicators(found: Overview) -> Iterator[list[Any]]:
    """Every indicator of every grant, by the latest accepted report."""
    for grant in found.grants:
        for figure in figures(grant.promised):
            yield [
                grant.application.number,
                grant.city,
                grant.country,
                grant.round.title,
                figure.measure,
                naming.measure(figure.measure, found.labels),
                figure.words,
                figure.baseline,
                figure.target,
                figure.actual,
                _rounded(figure.progress),
                *(figure.groups.get(name) for name in GROUPS),
            ]


def _sums(found: Overview) -> Iterator[list[Any]]:
    for each in found.sums:
        groups = [cell for name in GROUPS for cell in _pair(each.groups.get(name))]
        yield [
            each.measure,
            naming.measure(each.measure, found.labels),
            each.grants,
            each.reported,
            each.baseline,
            each.target,
            each.actual,
            _rounded(each.progress),
            *groups,
        ]


def _pair(group: Any) -> list[Any]:
    return [None, None] if group is None else [group.count, group.among]


def _costs(found: Overview) -> Iterator[list[Any]]:
    for grant in found.grants:
        for line in grant.spending.lines:
            yield [
                grant.application.number,
                grant.city,
                line.item,
                line.planned,
                line.spent,
                line.planned.currency,
                _rounded(line.share),
                line.why,
            ]


def _owed(found: Overview) -> Iterator[list[Any]]:
    for grant, owed in found.owed:
        label, place = owed.label.in_(reader.language()), owed.place.in_(reader.language())
        yield [grant.application.number, grant.city, label, owed.key if owed.kind else None, place, owed.due]


def sheets(found: Overview) -> tuple[Sheet, ...]:
    """Four sheets: sums, grants, costs, reports."""
    whole = [_("Code"), _("Indicator"), _("Grants"), _("With an accepted report"), *indicator_header()[7:11]]
    split = [cell for name in GROUPS for cell in (naming.group(name), _("counted among"))]
    money = [_("Budget"), _("Spent"), _("Currency"), _("Share"), _("Reason")]
    due = [_("Number"), _("City"), _("Report"), _("No."), _("State"), _("Due")]
    return (
        (_("Sums"), [*whole, *split], _sums(found)),
        (_("Indicators"), indicator_header(), indicators(found)),
        (_("Costs"), [_("Number"), _("City"), _("Item"), *money], _costs(found)),
        (_("Reports"), due, _owed(found)),
    )


def _rounded(share: Decimal | None) -> Decimal | None:
    """A share to a tenth of a percent, as it is shown."""
    return None if share is None else round(share, 3)
