"""The page on which a person makes and revokes the tokens that programs use for them.

Refuses to show a token twice: who did not keep it makes another.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, flash, g, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import auth_required

from fundflow import clock
from fundflow.accounts.queries import person
from fundflow.accounts.sign_in import FRESH_MINUTES
from fundflow.api import policy, queries, service
from fundflow.api.forms import TokenForm
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence

pages = Blueprint("tokens", __name__)


def init_app(app: Flask) -> None:
    """Serve the page; the account's page leads to it."""
    app.register_blueprint(pages)


@pages.route("/account/tokens", methods=["GET", "POST"])
@requires(policy.holds_tokens)
@auth_required("session", within=FRESH_MINUTES)
def every_token() -> ResponseReturnValue:
    """One's tokens, and the form for another; the answer to that form is the only place that ever shows it."""
    me = person(g.actor.id)
    if me is None:
        raise NotFound
    form, says, secret = TokenForm(), list[str](), ""
    if not form.is_submitted():
        form.key.data = str(uuid4())
        form.last_day.data = clock.now().astimezone(ZoneInfo(me.timezone)).date() + timedelta(days=90)
    elif form.validate():
        try:
            with transaction():
                _made, secret = service.make_token(
                    me,
                    " ".join(form.name.data.split()),
                    form.last_day.data,
                    form.may.data == "act",
                    key=form.command_key(me.id),
                )
        except Refused as refusal:
            says = [sentence(refusal)]
    page = render_template(
        "accounts/tokens.html", form=form, says=says, secret=secret, tokens=queries.tokens_of(g.actor.id)
    )
    answer = make_response(page, 422 if form.errors or says else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/account/tokens/<uuid:token_id>/revoke")
@requires(policy.holds_tokens)
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    """End a token at once."""
    with transaction():
        token = queries.token_for(g.actor, token_id)
        service.revoke(token)
    flash(_("“%(name)s” no longer opens anything.", name=token.name), "success")
    return redirect(url_for(".every_token"), 303)
