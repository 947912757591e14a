"""That whoever is signed in has just shown who they are: remembered in their session, and given to what needs it.

Refuses to count a link in a mail, a cookie that remembers somebody, and what another account showed in this browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import g, request, session

from fundflow import clock
from fundflow.lifecycle.signing import Proof

_KEY = "proved"

METHODS: Mapping[str, str] = {
    "security.login": "password",
    "security.verify": "password",
    "security.two_factor_token_validation": "code",
    "security.mf_recovery": "recovery_code",
    "security.wan_signin_response": "passkey",
    "security.wan_verify_response": "passkey",
}
"""How one shows who one is, by the page where it is done."""

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_NAMES = {"Mac OS X": "macOS", "iPhone": "iOS", "iPad": "iPadOS"}


def shown_until_now() -> object:
    """What the sign-in library remembers of the last time; another value after a page means that it was done there."""
    return session.get("fs_paa")


def remember(endpoint: str | None) -> None:
    """That the person of this session has just shown who they are, on this page; others count as no proof."""
    method = METHODS.get(endpoint or "")
    if method is None or "_user_id" not in session:
        session.pop(_KEY, None)
    else:
        session[_KEY] = [method, clock.now().timestamp(), session["_user_id"]]


def present() -> Proof | None:
    """The proof of whoever makes this request, however old it is; None where there is none."""
    kept = session.get(_KEY)
    if not isinstance(kept, list) or len(kept) != 3 or g.actor.id is None or kept[2] != session.get("_user_id"):
        return None
    method, at, _whose = kept
    return Proof(
        person_id=g.actor.id,
        method=str(method),
        at=datetime.fromtimestamp(float(at), UTC),
        address=request.remote_addr or "",
        agent=family(request.headers.get("User-Agent", "")),
    )


def family(user_agent: str) -> str:
    """The kind of program and of machine, such as “Firefox, Linux”; never the whole line, which tells one from all."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for name in _SYSTEMS if re.search(rf"\b{name}\b", user_agent)), "")
    return ", ".join(filter(None, (browser, _NAMES.get(system, system))))
