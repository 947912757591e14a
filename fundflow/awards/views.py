"""Handing out documents."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from fundflow import storage
from fundflow.awards import checking, queries
from fundflow.awards.titles import document_title
from fundflow.web.gate import SIGNED_IN, requires

pages = Blueprint("awards", __name__)


def init_app(app: Flask) -> None:
    """Serve the documents."""
    app.register_blueprint(pages)
    checking.init_app(app)
    app.jinja_env.globals["document_title"] = document_title


@pages.get("/documents/<uuid:document_id>")
@requires(SIGNED_IN)
def download(document_id: UUID) -> ResponseReturnValue:
    """The PDF, or a page that says it is being prepared."""
    document, application = queries.document_for(g.actor, document_id)
    if document.sha256 is None:
        return render_template("awards/preparing.html", document=document, application=application), 202
    response = Response(mimetype="application/pdf")
    response.set_etag(document.sha256)
    response.headers["Content-Disposition"] = f'attachment; filename="{document.filename(application.number)}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Who may read it can change, so every use asks again; the tag makes asking cheap.
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    if response.status_code != 304:
        response.set_data(storage.get(document.sha256))
    return response
