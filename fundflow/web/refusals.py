"""What a request that cannot be served answers: one page, or JSON problem details, in words a person can act on.

Refuses to say more than a stranger may know: an unexpected error shows a reference number, never its cause.
"""

from __future__ import annotations

import secrets
import traceback
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, current_app, g, jsonify, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, TooManyRequests
from werkzeug.wrappers import Response

from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.web import gate, reader

log = structlog.get_logger("fundflow.web")

_NEVER_SENT_BACK = ("csrf", "password", "token", "code", "secret")


def init_app(app: Flask) -> None:
    """Answer every kind of failure that can reach the edge of the application."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(CSRFError, _expired)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(TooManyRequests, _too_many)
    for lost in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(lost, _database_lost)
    app.register_error_handler(DataError, _unusable)
    app.register_error_handler(InternalServerError, _unexpected)
    app.register_error_handler(HTTPException, _http)
    if app.extensions["settings"].production:
        # Flask would log the message of the error as well, and a message may quote what a person typed.
        app.log_exception = lambda exc_info: None  # type: ignore[method-assign]


def sentences(refusal: Refused) -> list[str]:
    """What the refusal says, in the reader's language and way of writing; one sentence for each failing clause."""
    decision = getattr(refusal, "decision", None)
    if decision is not None:
        said = list(decision.refusals(reader.language()))
        if said:
            return said
    facts = {name: reader.fact(value) for name, value in refusal.facts.items()}
    return [_(refusal.template()).format(**facts)]


def sentence(refusal: Refused) -> str:
    """The refusal as one run of text."""
    return " ".join(sentences(refusal))


def wants_json() -> bool:
    """Whether the request was made by a script of ours rather than by a person following a link."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return request.is_json or (best or "").endswith("json")


def problem(
    status: int, title: str, says: list[str], *, template: str = "errors/problem.html", **more: Any
) -> Response:
    """The page or the problem details of a failure. Falls back to plain words if even the page fails."""
    door = gate.door_here()
    if door is not None:
        return door.problem(status, title, says, **_plain(more))
    if wants_json():
        answer = jsonify(type="about:blank", title=title, status=status, detail=" ".join(says), **_plain(more))
        answer.mimetype = "application/problem+json"
    else:
        try:
            page = render_template(template, status=status, title=title, says=says, **more)
        except (TemplateError, HTTPException, OperationalError, LookupError) as second:
            log.error("error_page_failed", error=type(second).__name__)
            page = f"<!doctype html><meta charset=utf-8><title>{status}</title><h1>{title}</h1><p>{' '.join(says)}</p>"
        answer = current_app.response_class(page, mimetype="text/html")
    answer.status_code = status
    return answer


def _plain(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if isinstance(value, str | int | bool)}


def _refused(refusal: Refused) -> Response:
    # The view's transaction is undone already; reading the page's own frame must not meet a failed session.
    db.session.rollback()
    if isinstance(refusal, NotFound) or refusal.status == 404:
        return problem(404, _("Page not found"), sentences(refusal))
    title = {403: _("This is not open to you"), 422: _("Something needs correcting")}.get(
        refusal.status, _("This cannot be done now")
    )
    return problem(refusal.status, title, sentences(refusal), refusal=type(refusal).__name__, back=_came_from())


def _expired(error: CSRFError) -> Response:
    """Only what the person sent from our own page is offered again: another site's form must not be."""
    if "actor" not in g:  # this check runs before the gate reads who is asking
        g.actor = current_app.extensions["gate.read"]()
    origin = request.headers.get("Origin", "")
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin" or urlsplit(origin).netloc == request.host
    kept: list[tuple[str, str]] = []
    if is_ours:
        kept = [
            (name, value)
            for name, value in request.form.items(multi=True)
            if not any(part in name.lower() for part in _NEVER_SENT_BACK)
        ]
    says = [_("This page was open for too long, or in another session, so we could not be sure that it was you.")]
    if kept:
        says.append(_("What you wrote is kept below. Send it again and it will be taken."))
    else:
        says.append(_("Go back, reload the page and try again."))
    return problem(400, _("Please send that again"), says, template="errors/expired.html", kept=kept)


def _too_large(error: RequestEntityTooLarge) -> Response:
    says = [
        _(
            "What you sent is larger than %(limit)s MB, the most this site takes at once.",
            limit=reader.settings().upload_mb,
        ),
        _("Nothing was changed. Go back and choose a smaller file."),
    ]
    return problem(413, _("That is too large"), says, back=_came_from())


def _too_many(error: TooManyRequests) -> Response:
    says = [_("There were too many attempts from here in a short time. Wait a few minutes, then try again.")]
    answer = problem(429, _("Too many attempts"), says)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _database_lost(error: Exception) -> Response:
    db.session.rollback()
    g.reference = reference = _new_reference()
    log.error("database_unavailable", reference=reference, error=type(error).__name__, request_id=g.get("request_id"))
    says = [
        _("The service cannot reach its records just now, so nothing was changed."),
        _("What you wrote is still in your browser: go back, wait a minute and send it again."),
    ]
    answer = problem(503, _("The service is briefly unavailable"), says, reference=reference)
    answer.headers["Retry-After"] = "60"
    return answer


def _unusable(error: DataError) -> Response:
    """Characters or numbers that the database cannot hold, such as a NUL in an address; nobody types them."""
    db.session.rollback()
    log.warning("unusable_data", request_id=g.get("request_id"), error=type(error.orig).__name__)
    says = [_("What was sent could not be understood. Go back and try again.")]
    return problem(400, _("This could not be read"), says, back=_came_from())


def _unexpected(error: InternalServerError) -> Response:
    cause = error.original_exception or error
    g.reference = reference = _new_reference()
    where = [f"{each.filename}:{each.lineno} {each.name}" for each in traceback.extract_tb(cause.__traceback__)]
    # A message may quote what a person typed, so it is kept out of production logs; the places suffice to find it.
    detail = {} if reader.settings().production else {"message": str(cause)}
    log.error(
        "unexpected",
        reference=reference,
        error=type(cause).__name__,
        where=where,
        request_id=g.get("request_id"),
        **detail,
    )
    says = [_("Something went wrong on our side. Nothing of what you asked was done, and it has been recorded.")]
    return problem(500, _("Something went wrong"), says, reference=reference)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()
    title, says = {
        400: (_("This could not be read"), _("What was sent could not be understood. Go back and try again.")),
        401: (_("Please sign in"), _("Sign in to see this page.")),
        403: (_("This is not open to you"), _("Your account may not do this.")),
        404: (_("Page not found"), _("There is nothing here that you may see.")),
        405: (_("This cannot be done that way"), _("This address does not take what was sent to it.")),
    }.get(status, (_("This cannot be done now"), _("The request was refused.")))
    answer = problem(status, title, [says])
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value
    return answer


def _came_from() -> str | None:
    """The page of ours that the person came from, to offer a way back."""
    before = urlsplit(request.referrer or "")
    if before.netloc == request.host and before.path.startswith("/") and before.path != request.path:
        return before.path + (f"?{before.query}" if before.query else "")
    return None


def _new_reference() -> str:
    letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    text = "".join(secrets.choice(letters) for _each in range(8))
    return f"{text[:4]}-{text[4:]}"
