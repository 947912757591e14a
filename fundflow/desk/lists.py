"""The lists of the fund's people: the pipeline and its export, the jobs, and the check of the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, current_app, flash, g, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts.policy import AUDITORS, administrator, in_group
from fundflow.applications.policy import SEE_ROUNDS
from fundflow.db import transaction
from fundflow.desk import board as pipeline
from fundflow.desk import queries
from fundflow.desk.board import Filters, Line, Names
from fundflow.desk.masks import Masks
from fundflow.desk.views import pages
from fundflow.errors import NotFound
from fundflow.jobs import queries as outbox
from fundflow.jobs import service as jobs_service
from fundflow.lifecycle import anchors, export
from fundflow.web import csv, reader
from fundflow.web.gate import requires
from fundflow.web.shell import nav_item

staff = in_group(*SEE_ROUNDS)
auditors = in_group(AUDITORS)


def add_to_navigation() -> None:
    """The lists that stand in the menu of those who may open them."""
    nav_item(_l("Pipeline"), "desk.board", staff, 30)
    nav_item(_l("Audit"), "desk.audit", auditors, 80)
    nav_item(_l("Jobs"), "desk.jobs", administrator, 90)


@pages.get("/board")
@requires(staff)
def board() -> ResponseReturnValue:
    """The pipeline: counts and sums by state, and the applications behind them."""
    filters = Filters.read(request.args)
    workflows = queries.workflows_in_use()
    names, masks = Names(workflows, reader.language()), Masks(g.actor, workflows)
    heaps = queries.heaps(g.actor, masks, pipeline.narrow(filters, masks, with_place=False))
    every = pipeline.lanes(heaps, names)
    return render_template(
        "desk/board.html",
        filters=filters,
        stages=pipeline.stages(every),
        names=names,
        lanes=every,
        page=pipeline.page(g.actor, filters, request.args.get("after"), masks),
        shown=masks.shown,
        rounds=pipeline.rounds_of(g.actor),
        countries=sorted(pipeline.countries_of(g.actor), key=reader.country),
        title_of=pipeline.title_of,
        requested_of=pipeline.requested_of,
        now=clock.now(),
    )


@pages.get("/board.csv")
@requires(staff)
def board_csv() -> ResponseReturnValue:
    """The filtered pipeline as a file, in the order of the page."""
    workflows = queries.workflows_in_use()
    names, masks = Names(workflows, reader.language()), Masks(g.actor, workflows)
    header = [
        _("Number"),
        _("Title"),
        _("City"),
        _("Country"),
        _("Round"),
        _("State"),
        _("Since"),
        _("Submitted"),
        _("Requested"),
        _("Currency"),
    ]
    rows = pipeline.every(g.actor, Filters.read(request.args), masks)
    return csv.response(_cells(rows, names, masks), header=header, filename=f"applications-{clock.now():%Y-%m-%d}.csv")


def _cells(rows: Iterator[Line], names: Names, masks: Masks) -> Iterator[list[Any]]:
    for row in rows:
        each = row.application
        yield [
            each.number,
            pipeline.title_of(row),
            row.city,
            row.country,
            row.round_title,
            names.place(each.definition_sha, masks.shown(each), each.outcome),
            row.since,
            each.submitted_at,
            pipeline.requested_of(row),
            each.currency,
        ]


@pages.get("/admin/jobs")
@requires(administrator)
def jobs() -> ResponseReturnValue:
    """What waits in the outbox, and what was given up."""
    return render_template(
        "desk/jobs.html", counts=outbox.counts(), dead=outbox.dead(), waiting=outbox.open_jobs(20), now=clock.now()
    )


@pages.post("/admin/jobs/<uuid:job_id>/retry")
@requires(administrator)
def retry(job_id: UUID) -> ResponseReturnValue:
    """Give a dead letter new attempts."""
    with transaction():
        jobs_service.retry(job_id)
    flash(_("The job will be tried again now."), "success")
    return redirect(url_for(".jobs"), 303)


@pages.get("/audit")
@requires(auditors)
def audit() -> ResponseReturnValue:
    """The digest under which each application's record stands, and on demand the check of every chain."""
    report = queries.verified(g.actor) if request.args.get("check") else None
    return render_template(
        "desk/audit.html",
        report=report,
        page=pipeline.page(g.actor, Filters(sort="newest"), request.args.get("after"), Masks(g.actor, {})),
        anchors=anchors.latest(5),
        rounds=pipeline.rounds_of(g.actor),
        now=clock.now(),
    )


@pages.get("/audit.zip")
@requires(auditors)
def audit_export() -> ResponseReturnValue:
    """The record of all applications that the auditor may look into, of one round or of one application, to check."""
    chosen = queries.record_for(g.actor, request.args.get("round"), request.args.get("application"))
    if not export.count(chosen):
        raise NotFound
    fund = current_app.extensions["settings"].fund_name
    name = f"audit-trail-{clock.now():%Y-%m-%d}.zip"
    return Response(
        stream_with_context(export.pieces(chosen, fund=fund)),
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
