"""The gate: every route says who may use it, and whoever is not meant is turned away before the view runs.

Refuses to start with a route that declared nobody, and refuses any request whose route it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from fundflow.errors import Forbidden
from fundflow.lifecycle.actor import ANONYMOUS, Actor

View = TypeVar("View", bound=Callable[..., Any])


class Undeclared(Exception):
    """Routes nobody declared, or declarations without a route: the application does not start."""


@dataclass(frozen=True)
class Rule:
    """Who may use a route: `who` in plain words for lists, `says` whom to ask for the right, for the 403 sentence."""

    may: Callable[[Actor], bool]
    says: str | LazyString
    who: str
    is_public: bool = False

    def __call__(self, actor: Actor) -> bool:
        return self.may(actor)


PUBLIC = Rule(lambda _actor: True, _l("nobody"), "anyone", is_public=True)
SIGNED_IN = Rule(lambda actor: actor.is_signed_in, _l("an administrator of the fund"), "everyone signed in")


def public(view: View) -> View:
    """Anyone may use this route, signed in or not."""
    return _declare(view, PUBLIC)


def requires(rule: Rule) -> Callable[[View], View]:
    """Only signed-in people whom `rule` lets in may use this route; which rows they see there, the queries decide."""
    return lambda view: _declare(view, rule)


def _declare(view: View, rule: Rule) -> View:
    if getattr(view, "gate_rule", rule) is not rule:
        raise Undeclared(f"{view.__module__}.{view.__qualname__} declares twice who may use it")
    view.gate_rule = rule  # type: ignore[attr-defined]
    return view


@dataclass(frozen=True)
class Door:
    """Addresses with a way in of their own, which programs use: sessions open nothing there, and nothing is a page.

    `read` says who asks, `turn_away` answers whom it does not know, and `problem` writes every failure.
    """

    read: Callable[[], Actor]
    turn_away: Callable[[], ResponseReturnValue]
    problem: Callable[..., Response]


def door(app: Flask, prefix: str, door: Door) -> None:
    """Have every address below `prefix` use this door instead of the session's."""
    app.extensions.setdefault("gate.doors", {})[prefix] = door


def door_here() -> Door | None:
    """The door that the present request came to; None for pages."""
    doors: Mapping[str, Door] = current_app.extensions.get("gate.doors", {})
    return next((door for prefix, door in doors.items() if request.path.startswith(prefix)), None)


def declare(app: Flask, rules: Mapping[str, Rule]) -> None:
    """Declare routes that another library brings, endpoint by endpoint; there is no wildcard."""
    app.extensions.setdefault("gate.declared", {}).update(rules)


def actor_from(app: Flask, read: Callable[[], Actor]) -> None:
    """Let `read` say who is making the present request; without it everybody is anonymous."""
    app.extensions["gate.read"] = read


def init_app(app: Flask) -> None:
    """Stand before every request."""
    app.extensions["gate.rules"] = {}
    app.extensions.setdefault("gate.declared", {}).update({"static": PUBLIC})
    app.extensions.setdefault("gate.read", lambda: ANONYMOUS)
    app.before_request(_check)


def seal(app: Flask) -> None:
    """Collect what every route declared; Undeclared lists all that declared nothing, and all that do not exist."""
    rules: dict[str, Rule] = dict(app.extensions["gate.declared"])
    missing = {name for name in rules if name not in app.view_functions}
    unknown = set()
    for name, view in app.view_functions.items():
        rule = getattr(view, "gate_rule", None) or rules.get(name)
        if rule is None:
            unknown.add(name)
        else:
            rules[name] = rule
    if unknown or missing:
        problems = [f"{name}: add @public or @requires(...)" for name in sorted(unknown)]
        problems += [f"{name}: declared, but there is no such route" for name in sorted(missing)]
        raise Undeclared("Routes without a declaration of who may use them:\n" + "\n".join(problems))
    app.extensions["gate.rules"] = rules


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """What a sealed application decided for this endpoint."""
    found: Rule | None = app.extensions["gate.rules"].get(endpoint)
    return found


def _check() -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint == "static":
        g.actor = ANONYMOUS
        return None
    door = door_here()
    g.actor = door.read() if door else current_app.extensions["gate.read"]()
    if endpoint is None:
        return None  # no such address or method: routing answers, and its page may show the person's menu
    rule = rule_of(current_app, endpoint)
    if rule is None:
        raise Forbidden(who=_("an administrator of the fund"))
    if rule.is_public or (g.actor.is_signed_in and rule(g.actor)):
        return None
    if g.actor.is_signed_in:
        raise Forbidden(who=str(rule.says))
    return door.turn_away() if door else _to_sign_in()


def _to_sign_in() -> ResponseReturnValue:
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return {"error": _("You are signed out. Sign in again; what you typed is still on this page.")}, 401
    back = request.full_path.removesuffix("?") if request.method in ("GET", "HEAD") else page_of_the_form()
    return redirect(url_for("security.login", next=safe_path(back)), 303)


def page_of_the_form() -> str | None:
    """Our page that a refused POST came from: an address that only takes POST is no place to return to."""
    here, there = urlsplit(request.host_url), urlsplit(request.referrer or "")
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return None
    return there.path + (f"?{there.query}" if there.query else "")


def safe_path(target: str | None) -> str | None:
    """`target` if it is a path on this site, else None: never another host, however it is spelt."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(ord(letter) < 0x21 or ord(letter) == 0x7F for letter in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
