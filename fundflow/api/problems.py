"""Failures of the API as problem documents (RFC 9457), each with a type that programs can tell apart.

Refuses to say more than the pages do: what may not be seen answers like what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, g
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from fundflow.api import refusals, schemas
from fundflow.api.calls import LARGEST_BODY
from fundflow.api.decisions import clauses_of
from fundflow.db import db
from fundflow.errors import Forbidden, Refused, Stale
from fundflow.lifecycle.acts import NoName, NotACandidate
from fundflow.lifecycle.refusals import HasEnded, KeyReused, NotAllowed, ReasonMissing, WrongInput
from fundflow.web.refusals import sentence, sentences

MEDIA_TYPE = "application/problem+json"
_NAMES: Mapping[int, str] = {
    400: "malformed",
    401: "unknown-caller",
    403: "forbidden",
    404: "not-found",
    405: "wrong-method",
    409: "refused",
    412: "stale",
    413: "too-large",
    415: "wrong-media-type",
    422: "wrong-input",
    428: "precondition-required",
    429: "too-many",
    503: "unavailable",
}
_TYPES: Mapping[type[Refused], str] = {
    NotAllowed: "not-allowed",
    HasEnded: "ended",
    KeyReused: "key-reused",
    refusals.KeyUsed: "key-reused",
    refusals.NoKey: "key-missing",
    refusals.NoRevision: "revision-missing",
}
_FIELDS: Mapping[type[Refused], str] = {ReasonMissing: "reason", NoName: "input.name", NotACandidate: "value"}


def problem(status: int, title: str, says: list[str], *, name: str = "", **more: Any) -> Response:
    """The document. Its instance names the request, as the log does."""
    known = {key: more.get(key) for key in ("clauses", "fields", "reference")}
    document = schemas.Problem(
        type=f"urn:fundflow:problem:{name or _NAMES.get(status, 'failure')}",
        title=title,
        status=status,
        detail=" ".join(says),
        instance=f"urn:fundflow:request:{g.get('request_id', '')}",
        **known,
    )
    body = document.model_dump_json(exclude={name for name, value in known.items() if value is None})
    answer: Response = current_app.response_class(body, status=status, mimetype=MEDIA_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    if status == 429:
        answer.headers["Retry-After"] = "60"  # every limit here counts by the minute
    return answer


def unknown_caller() -> Response:
    """Nobody is known by what was sent: no token, or one that is not in force."""
    was_tried = g.get("token_was_tried", False)
    says = (
        _("This token is not in force: it has ended, was revoked, or never was. Make another on your account page.")
        if was_tried
        else _("Send an access token: Authorization: Bearer …. You make one on your account page.")
    )
    answer = problem(401, _("Not known"), [says])
    answer.headers["WWW-Authenticate"] = 'Bearer realm="fundflow"' + (', error="invalid_token"' if was_tried else "")
    return answer


def refused(refusal: Refused) -> Response:
    """A refusal of the domain, with its clauses or its fields."""
    db.session.rollback()
    status, more = refusal.status, dict[str, Any]()
    if isinstance(refusal, Stale):
        # RFC 9110, 13.1.1: what stops it is the caller's own If-Match, so 412; 409 is for what the rules refuse.
        status = 412
    elif isinstance(refusal, KeyReused):
        return problem(422, _title(422), [sentence(refusals.KeyUsed())], name="key-reused")
    elif isinstance(refusal, NotAllowed):
        more["clauses"] = clauses_of(refusal.decision, g.get("tells_values", False))
    elif isinstance(refusal, WrongInput):
        more["fields"] = {name: sentence(each) for name, each in refusal.problems.items()}
    elif type(refusal) in _FIELDS:
        more["fields"] = {_FIELDS[type(refusal)]: sentence(refusal)}
    says = list(more["fields"].values()) if isinstance(refusal, WrongInput) else sentences(refusal)
    answer = problem(status, _title(status), says, name=_TYPES.get(type(refusal), ""), **more)
    if isinstance(refusal, Forbidden):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="fundflow", error="insufficient_scope"'
    return answer


def too_large(_error: RequestEntityTooLarge) -> Response:
    """A body that no command needs."""
    says = _("A body may have at most %(limit)s kilobytes. Nothing was changed.", limit=LARGEST_BODY // 1024)
    return problem(413, _("That is too large"), [says])


def _title(status: int) -> str:
    titles = {
        400: _("This could not be read"),
        403: _("This is not open to you"),
        404: _("Not found"),
        412: _("This changed meanwhile"),
        415: _("This could not be read"),
        422: _("Something needs correcting"),
        428: _("Something is missing from the request"),
    }
    return str(titles.get(status) or _("This cannot be done now"))
