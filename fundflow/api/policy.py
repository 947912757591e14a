"""Who may use the API: whoever shows a token in force; to act, one that was made for it.

What they see and may do there is what the pages show and let them do.
"""

from __future__ import annotations

from flask import g
from flask_babel import lazy_gettext as _l

from fundflow.api.models import AccessToken
from fundflow.web.gate import SIGNED_IN, Rule


def token() -> AccessToken | None:
    """The token of the present request."""
    found: AccessToken | None = g.get("token")
    return found


def _may_act() -> bool:
    found = token()
    return found is not None and found.may_act


reads = Rule(
    lambda actor: actor.is_signed_in and token() is not None, _l("on your account page for a token"), "every token"
)
acts = Rule(
    lambda actor: actor.is_signed_in and _may_act(),
    _l("on your account page for a token that may act"),
    "tokens that may act",
)
holds_tokens = SIGNED_IN
