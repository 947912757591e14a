"""The download of an application's evidence, for auditors alone."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, g, render_template, stream_with_context
from flask.typing import ResponseReturnValue

from fundflow import clock
from fundflow.accounts.policy import AUDITORS, in_group
from fundflow.applications.queries import application_for, city_of, round_of
from fundflow.oversight import evidence, queries
from fundflow.web import reader
from fundflow.web.gate import requires

pages = Blueprint("oversight", __name__)

auditors = in_group(AUDITORS)


def init_app(app: Flask) -> None:
    """Serve the download."""
    app.register_blueprint(pages)


@pages.get("/applications/<uuid:application_id>/evidence.zip")
@requires(auditors)
def pack(application_id: UUID) -> ResponseReturnValue:
    """Case, files, trail, ledger and verifier in one file; 404 for what the auditor may not look into."""
    application = application_for(g.actor, application_id)
    forms = queries.forms_of(application, g.actor)
    page = render_template(
        "oversight/case.html",
        application=application,
        city=city_of(application),
        round=round_of(application),
        sent=queries.sent_forms(application, forms),
        lines=queries.lines_of(application, reader.language()),
        now=clock.now(),
    )
    fund = current_app.extensions["settings"].fund_name
    return Response(
        stream_with_context(evidence.pieces(application, fund=fund, forms=forms, page=page)),
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{application.number}-evidence.zip"'},
    )
