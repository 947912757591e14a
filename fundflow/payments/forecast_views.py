"""The pages of the cash forecast and of the accounting export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from babel.dates import format_date
from flask import Blueprint, Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from fundflow import charts, clock
from fundflow.accounts.policy import in_group
from fundflow.errors import Refused
from fundflow.payments import accounting, forecast
from fundflow.payments.forecast import Outlook
from fundflow.rounds.policy import SEES_MONEY, scopes
from fundflow.rounds.queries import money_rounds
from fundflow.web import csv, reader, xlsx
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item

pages = Blueprint("forecasts", __name__)

sees_money = in_group(*SEES_MONEY)


def init_app(app: Flask) -> None:
    """Serve the pages and put them with the money."""
    app.register_blueprint(pages)
    nav_item(_l("Forecast"), "forecasts.show", sees_money, 55, within="payments.index")
    nav_item(_l("Postings"), "forecasts.postings", sees_money, 57, within="payments.index")


@pages.get("/money/forecast")
@requires(sees_money)
def show() -> ResponseReturnValue:
    """What is planned month by month in each currency, against what is promised and not paid."""
    today = clock.now().date()
    found = forecast.outlook_for(g.actor, money_rounds(g.actor), today)
    months = [_month(each) for each in forecast.months_from(today)]
    currencies = sorted({each.currency for each in found})
    return render_template(
        "payments/forecast.html",
        outlook=found,
        currencies=currencies,
        drawn={
            each: _chart(each, of, months) if any(at.planned for at in of) else ""
            for each in currencies
            for of in [[at for at in found if at.currency == each]]
        },
        month=months[0],
    )


@pages.get("/money/accounting")
@requires(sees_money)
def postings() -> ResponseReturnValue:
    """Choose a period for the bookkeeping; with `format`, the file of it."""
    first, last = _period()
    kind = request.args.get("format", "")
    rounds = [each.id for each in money_rounds(g.actor)]
    problem = None
    if kind in ("csv", "xlsx") or request.args:
        try:
            if first is None or last is None:
                raise accounting.WrongPeriod
            found = accounting.postings(rounds, first, last, of_lines=scopes(g.actor, *SEES_MONEY) is None)
            name = f"postings-{first}-{last}"
            if kind == "csv":
                return csv.response((each.cells() for each in found), header=accounting.HEADER, filename=f"{name}.csv")
            if kind == "xlsx":
                sheet = ("Postings", accounting.HEADER, (each.cells() for each in found))
                return xlsx.response(sheet, filename=f"{name}.xlsx")
        except Refused as refusal:
            problem = refusal
    today = clock.now().date()
    page = render_template(
        "payments/accounting.html",
        first=first or today.replace(day=1),
        last=last or today,
        chart=accounting.chart_of_accounts(),
        refusal=None if problem is None else sentence(problem),
    )
    return page, 200 if problem is None else problem.status


def _period() -> tuple[date | None, date | None]:
    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(request.args.get(name, ""))
        except ValueError:
            return None

    return day("first"), day("last")


def _month(first: date) -> str:
    return str(format_date(first, "LLL yyyy", locale=reader.locale()))


def _chart(currency: str, found: Sequence[Outlook], months: Sequence[str]) -> Markup:
    """Bars by month, made of the windows; more windows than can be told apart are one part of their own."""
    windows: dict[str, list[Outlook]] = {}
    for each in sorted(found, key=lambda each: -each.planned.minor):
        windows.setdefault(each.window, []).append(each)
    shown = list(windows.items())
    few = shown if len(shown) <= charts.MOST_SERIES else shown[: charts.MOST_SERIES - 1]
    rest = [each for _window, lines in shown[len(few) :] for each in lines]
    labels = [*months, _("Later"), _("Without a day")]

    def values(of: Sequence[Outlook]) -> list[float]:
        columns = [[*each.months, each.later, each.undated] for each in of]
        return [float(sum((c[n].amount for c in columns), 0)) for n in range(len(labels))]

    series = [charts.Series(window, values(lines)) for window, lines in few]
    if rest:
        series.append(charts.Series(_("Other windows"), values(rest)))
    title = _("Planned payments in %(currency)s", currency=currency)
    drawn = charts.stacked(
        f"forecast-{currency.lower()}",
        title,
        labels,
        series,
        charts.Numbers(language=reader.language(), currency=currency),
        heading=_("Month"),
        says=_("What is planned to be paid in each month, by window."),
        words=charts.Words(
            value=_("Amount"),
            data=_("The figures as a table"),
            named=_("%(what)s: %(says)s", what="{what}", says="{says}"),
        ),
    )
    return Markup(drawn.figure())  # noqa: S704 - everything in it is escaped where it is drawn
