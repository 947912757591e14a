"""The shell around every page: security headers, language and zone, navigation, error pages, request log, static files.

Refuses inline script and inline style, framing by others, forms that post elsewhere, and a redirect to another site.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Response, current_app, g, has_request_context, redirect, request, url_for
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.wrappers import Response as AnyResponse

from fundflow.db import only_reading
from fundflow.lifecycle.actor import ANONYMOUS, Actor
from fundflow.web import gate, reader, refusals
from fundflow.web.gate import public, safe_path

log = structlog.get_logger("fundflow.web")
csrf = CSRFProtect()

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

PERMISSIONS_POLICY = ", ".join(
    (
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
        *(f"{feature}=()" for feature in ("camera", "microphone", "geolocation", "payment", "usb", "display-capture")),
    )
)


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place in the navigation: shown to whoever `rule` says yes to."""

    label: Any
    endpoint: str
    rule: Callable[[Actor], bool]
    order: int
    within: str | None = None
    """The endpoint of the page under which it is found; None for a place of its own."""

    @property
    def feature(self) -> str:
        return self.endpoint.partition(".")[0]


_nav: dict[str, NavItem] = {}
_account: dict[str, tuple[int, Any]] = {}
_keepers: list[Callable[[Actor, str | None, str | None], None]] = []


def nav_item(
    label: Any, endpoint: str, rule: Callable[[Actor], bool], order: int = 50, *, within: str | None = None
) -> None:
    """Put a page into the navigation. `label` is a lazy string; lower orders come first; one entry per endpoint.

    One that is found `within` another page stands in a second row, on the pages of that section alone; whoever does
    not see the other page finds it in the first row.
    """
    _nav[endpoint] = NavItem(label, endpoint, rule, order, within)


def account_item(label: Any, endpoint: str, order: int = 50) -> None:
    """Put a page into the menu under the signed-in person's name."""
    _account[endpoint] = (order, label)


def on_preferences(keeper: Callable[[Actor, str | None, str | None], None]) -> None:
    """Have `keeper(actor, language, zone)` called when a signed-in person chooses; it does its own transaction."""
    _keepers.append(keeper)


def init_app(app: Flask) -> None:
    """Install everything that surrounds a page."""
    settings = app.extensions["settings"]
    Babel(
        app,
        default_locale=settings.languages[0],
        locale_selector=reader.select_language,
        timezone_selector=reader.select_zone,
    )
    only_reading[:] = [_is_only_reading]
    app.before_request(_begin)
    csrf.init_app(app)
    _log_to_stderr(settings.production)
    app.jinja_env.filters.update(reader.FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(
        sentence=refusals.sentence,
        reader=reader,
        flat=_flat,
        is_checklist=_is_checklist,
        has_endpoint=lambda endpoint: endpoint in current_app.view_functions,
        account_links=_account_links,
    )
    app.after_request(_finish)
    app.url_defaults(_with_digest)
    app.context_processor(_context)
    app.add_url_rule("/preferences", "preferences", preferences, methods=["POST"])
    refusals.init_app(app)
    if not settings.production:
        from fundflow.web import showroom

        app.add_url_rule("/dev/components", "showroom", showroom.page, methods=["GET", "POST"])


@public
def preferences() -> AnyResponse:
    """Keep the language or the time zone a reader chose, and go back to where they were."""
    language, zone = request.form.get("language"), request.form.get("zone")
    actor: Actor = g.get("actor", ANONYMOUS)
    if actor.is_signed_in:
        for keeper in _keepers:
            keeper(
                actor,
                language if language in reader.settings().languages else None,
                zone if "keep" in request.form and reader.is_zone(zone) else None,
            )
    answer: AnyResponse
    if refusals.wants_json():
        answer = Response(status=204)
    else:
        answer = redirect(safe_path(request.form.get("next")) or "/", 303)
    reader.keep(answer, chosen_language=language, chosen_zone=zone)
    return answer


def _context() -> dict[str, Any]:
    actor: Actor = g.get("actor", ANONYMOUS)
    return {"actor": actor, "nav": _navigation(actor), "settings": reader.settings()}


def _navigation(actor: Actor) -> list[dict[str, Any]]:
    """The places of the first row; the one that the page belongs to has its `section`, where there is one."""
    here = (request.endpoint or "") if has_request_context() else ""
    shown = [
        each
        for each in sorted(_nav.values(), key=lambda item: (item.order, item.endpoint))
        if each.endpoint in current_app.view_functions and each.rule(actor)
    ]
    exact = next((each for each in shown if each.endpoint == here), None)
    current = exact or next((each for each in shown if each.feature == here.partition(".")[0]), None)
    seen = {each.endpoint for each in shown}
    found = []
    for top in (each for each in shown if each.within not in seen):
        section = [each for each in shown if each.within == top.endpoint]
        if section:
            section = sorted([top, *section], key=lambda item: (item is not top, item.order, item.endpoint))
        is_here = top is current or current in section
        link = _link(top, exact, is_here=is_here)
        found.append({**link, "section": [_link(each, exact, is_here=each is current) for each in section if is_here]})
    return found


def _link(item: NavItem, exact: NavItem | None, *, is_here: bool) -> dict[str, Any]:
    current = "page" if item is exact else "true" if is_here else None
    return {"label": item.label, "url": url_for(item.endpoint), "current": current}


def _account_links() -> list[tuple[str, Any]]:
    links = sorted((order, endpoint, label) for endpoint, (order, label) in _account.items())
    return [(endpoint, label) for _order, endpoint, label in links if endpoint in current_app.view_functions]


def _flat(says: Any) -> list[Any]:
    """The sentences of a field's errors, however deeply its parts nest them."""
    if isinstance(says, Mapping):
        says = says.values()
    elif not isinstance(says, list | tuple):
        return [says]
    return [sentence for each in says for sentence in _flat(each)]


def _is_checklist(field: Any) -> bool:
    """Whether the field is a group of check boxes."""
    return field.type == "SelectMultipleField" and type(field.widget).__name__ != "Select"


def _is_only_reading() -> bool:
    # On SQLite a request that only reads must not take the write lock: pages stay quick while somebody saves.
    return has_request_context() and request.method in ("GET", "HEAD", "OPTIONS")


def _begin() -> None:
    g.request_id = uuid4().hex[:16]
    g.began = time.perf_counter()
    if request.is_json and gate.door_here() is None:
        # No page takes JSON, but the form library would read it in place of a form, of whatever shape it is.
        raise UnsupportedMediaType


def _finish(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if reader.settings().production:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint == "static":
        # A digest in the address means that this content never changes under it.
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
        return response
    headers.setdefault("Cache-Control", "private, no-cache")
    request_id = g.get("request_id", "")
    headers["X-Request-Id"] = request_id
    log.info(
        "request",
        request_id=request_id,
        method=request.method,
        # The rule, not the address: an address may carry a token that opens somebody's account.
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
    )
    return response


_digests: dict[str, tuple[float, str]] = {}


def _with_digest(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint != "static" or "filename" not in values or "v" in values:
        return
    path = Path(current_app.static_folder or "") / values["filename"]
    try:
        changed = path.stat().st_mtime
    except OSError:
        return
    known = _digests.get(str(path))
    if known is None or known[0] != changed:
        known = _digests[str(path)] = changed, hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    values["v"] = known[1]


def _log_to_stderr(production: bool) -> None:
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer()
            if production
            else structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=lambda *_args: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
