"""Pages of reports: the portfolio with its downloads, the reports of one grant, and one report beside the plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, abort, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from fundflow import clock
from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import files_of
from fundflow.charts import Numbers
from fundflow.reports import exports, naming, pictures, portfolio
from fundflow.reports.overview import Overview, overview
from fundflow.reports.policy import sees_portfolio
from fundflow.reports.reading import labels_of, reading_for
from fundflow.reports.rollup import figures
from fundflow.reports.schemes import report_of
from fundflow.reports.tables import GROUPS
from fundflow.rounds.models import Round
from fundflow.web import csv, reader, xlsx
from fundflow.web.gate import requires
from fundflow.web.shell import nav_item

pages = Blueprint("reports", __name__)


def init_app(app: Flask) -> None:
    """Serve the pages and put the portfolio into the navigation."""
    app.register_blueprint(pages)
    app.jinja_env.globals["report_of_form"] = report_of
    nav_item(_l("Portfolio"), "reports.index", sees_portfolio, 55)


@pages.get("/portfolio")
@requires(sees_portfolio)
def index() -> ResponseReturnValue:
    """What the chosen grants promised, reached, received and spent, and which reports are owed."""
    rounds, choice = _chosen()
    found = overview(portfolio.grants_of(g.actor, choice, clock.now()))
    return render_template(
        "reports/portfolio.html",
        found=found,
        choice=choice,
        rounds=rounds,
        windows=sorted({each.window.name for each in rounds}),
        chart=Markup(pictures.progress(found.sums, found.labels)),  # noqa: S704 - charts escape what they are told
        **_words(),
    )


@pages.get("/portfolio.csv")
@requires(sees_portfolio)
def indicators_csv() -> ResponseReturnValue:
    """Every indicator of every chosen grant as a flat list."""
    rows = exports.indicators(_found())
    return csv.response(rows, header=exports.indicator_header(), filename=f"indicators-{clock.now():%Y-%m-%d}.csv")


@pages.get("/portfolio.xlsx")
@requires(sees_portfolio)
def indicators_xlsx() -> ResponseReturnValue:
    """The same with sums, costs and what is owed, as a workbook."""
    return xlsx.response(*exports.sheets(_found()), filename=f"indicators-{clock.now():%Y-%m-%d}.xlsx")


def _chosen() -> tuple[list[Round], portfolio.Choice]:
    """The rounds to choose from, and the choice; a round or window out of sight is no choice."""
    rounds = list(portfolio.rounds_of(g.actor))
    choice = portfolio.Choice(request.args.get("round", ""), request.args.get("window", ""))
    if choice.round and choice.round not in {each.slug for each in rounds}:
        abort(404)
    if choice.window and choice.window not in {each.window.name for each in rounds}:
        abort(404)
    return rounds, choice


def _found() -> Overview:
    _rounds, choice = _chosen()
    return overview(portfolio.grants_of(g.actor, choice, clock.now()))


@pages.get("/applications/<uuid:application_id>/reports")
@requires(signed_in)
def of_grant(application_id: UUID) -> ResponseReturnValue:
    """Plan and results of one grant by its latest accepted report, its costs, and all its reports."""
    reading = reading_for(g.actor, application_id, clock.now())
    grant = reading.grant
    return render_template(
        "reports/grant.html",
        reading=reading,
        grant=grant,
        figures=figures(grant.promised),
        labels=labels_of(grant),
        chart=Markup(pictures.costs(grant.spending) if grant.has_costs else ""),  # noqa: S704
        **_words(),
    )


@pages.get("/applications/<uuid:application_id>/reports/<report_id>")
@requires(signed_in)
def of_report(application_id: UUID, report_id: str) -> ResponseReturnValue:
    """One report beside the plan and the report before, for whoever reviews it and for the city itself."""
    reading = reading_for(g.actor, application_id, clock.now())
    sheet = reading.sheet(report_id)
    people = sheet.told.lines(reading.grant.workflow, reading.grant.application.currency)
    return render_template(
        "reports/sheet.html",
        reading=reading,
        grant=reading.grant,
        sheet=sheet,
        groups=next((line.groups for line in people if line.groups), {}),
        files=files_of(application_id),
        chart=Markup(pictures.costs(sheet.spending) if sheet.told.has_figures else ""),  # noqa: S704
        **_words(),
    )


def _words() -> dict[str, Any]:
    """What templates call things, and how they write shares."""
    return {
        "measure_name": naming.measure,
        "group_name": naming.group,
        "turn_name": naming.turn,
        "group_ids": GROUPS,
        "percent": _percent,
    }


def _percent(share: Decimal | None) -> str:
    """A share to a tenth of a percent; nothing where there is none."""
    return "" if share is None else Numbers(reader.locale(), is_share=True)(float(share))
