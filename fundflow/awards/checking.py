"""The public page that says whether a document is genuine: for a code, for a file, and behind the printed square.

Anyone may ask, some times a minute. What was sent is answered on the same page and kept nowhere.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_limiter import Limiter
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import StringField
from wtforms.validators import Length

from fundflow.awards import verifying
from fundflow.awards.verifying import Answer
from fundflow.db import begin_reading, db
from fundflow.web.gate import public

pages = Blueprint("checking", __name__)

LIMIT = "30 per minute; 300 per hour"
"""How often it may be asked from one network address."""


class CheckForm(FlaskForm):
    """A code, or a file."""

    code = StringField(
        _l("Code or fingerprint"),
        description=_l("The letters and figures beside the square code, on the last page of the document."),
        validators=[Length(max=200)],
        render_kw={"autocomplete": "off", "spellcheck": "false", "maxlength": 200},
    )
    file = FileField(
        _l("Or the file itself"),
        description=_l("A PDF file. It is looked at once and not kept."),
        render_kw={"accept": "application/pdf"},
    )


def init_app(app: Flask) -> None:
    """Serve the page, within its limits."""
    app.register_blueprint(pages)
    limiter: Limiter = app.extensions["sign-in limits"][0]
    # What nobody holds is forgotten: the library keeps weak references.
    app.extensions["verify limit"] = limit = limiter.shared_limit(LIMIT, scope="verify")
    for name in ("checking.answer", "checking.ask"):
        limited: Any = limit(app.view_functions[name])
        app.view_functions[name] = limited


@pages.get("/verify")
@public
def show() -> ResponseReturnValue:
    """The form."""
    return _page(CheckForm())


@pages.post("/verify")
@public
def ask() -> ResponseReturnValue:
    """The answer for what was typed or attached."""
    form = CheckForm()
    if not form.validate():
        return _page(form), 422
    if form.file.data:
        with form.file.data.stream as stream:
            content = stream.read()
        _only_read()
        return _page(form, verifying.by_file(content))
    if not (form.code.data or "").strip():
        form.code.errors = [_l("Enter the code, or attach the file.")]
        return _page(form), 422
    _only_read()
    return _page(form, verifying.by_code(form.code.data or ""))


@pages.get("/verify/<code>")
@public
def answer(code: str) -> ResponseReturnValue:
    """The answer behind the printed square."""
    return _page(CheckForm(data={"code": code}), verifying.by_code(code))


def _only_read() -> None:
    """Asking is a POST, but it writes nothing and keeps nobody waiting who does."""
    if not db.session.in_transaction():
        begin_reading()


def _page(form: FlaskForm, found: Answer | None = None) -> Response:
    given: dict[str, Any] = {"form": form, "answer": found}
    response = make_response(render_template("awards/verify.html", **given))
    response.headers["X-Robots-Tag"] = "noindex"
    return response
