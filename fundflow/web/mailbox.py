"""The messages that this installation wrote to files, newest first: in development only, never in production.

Shows the text of a message, never its HTML, and opens nothing outside the mail folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from flask import Blueprint, Flask, current_app, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from fundflow.config import Settings
from fundflow.errors import NotFound
from fundflow.mail import linked
from fundflow.web.gate import public

SHOWN = 100
"""How many messages the list shows."""

pages = Blueprint("mail", __name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as the pages show it."""

    name: str
    to: str
    subject: str
    at: datetime
    text: Markup


def init_app(app: Flask) -> None:
    """Add the pages, unless this is production or mail goes to a server."""
    settings: Settings = app.extensions["settings"]
    if not settings.production and not settings.mail_url:
        app.register_blueprint(pages)


@pages.get("/dev/mail")
@public
def index() -> ResponseReturnValue:
    """The latest messages."""
    found = sorted(_folder().glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return render_template("mail_page/index.html", letters=[_read(path) for path in found[:SHOWN]])


@pages.get("/dev/mail/<name>")
@public
def show(name: str) -> ResponseReturnValue:
    """One message."""
    path = _folder() / f"{name}.eml"
    if not re.fullmatch(r"[0-9a-f]{1,64}", name) or not path.is_file():
        raise NotFound
    return render_template("mail_page/show.html", letter=_read(path))


def _folder() -> Path:
    settings: Settings = current_app.extensions["settings"]
    return settings.instance / "mail"


def _read(path: Path) -> Letter:
    message = message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    return Letter(
        name=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        text=linked(body.get_content() if body is not None else ""),
    )
