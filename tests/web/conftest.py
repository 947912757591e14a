"""The shell alone: no feature, a few routes that fail in every way, served to a test client or to a real browser."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy.exc import OperationalError
from werkzeug.serving import make_server

from fundflow.config import ROOT, Settings
from fundflow.db import db, engine_options
from fundflow.errors import NotFound, Refused
from fundflow.money import Money
from fundflow.web import gate, shell
from fundflow.web.gate import public


class RoundFull(Refused):
    """Only {left} is left; {asked} was asked for, by {closes_at}.

    Never shown: a second paragraph explains the class to its reader.
    """


class NotAllowed(Refused):
    """A decision said no."""

    def __init__(self) -> None:
        super().__init__()
        self.decision = self

    def refusals(self, language: str) -> list[str]:
        return [f"No quorum ({language}).", "No budget."]


def _routes(app: Flask) -> None:
    def failing(name: str, error: Exception) -> None:
        @public
        def view() -> Any:
            raise error

        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST"])

    failing("full", RoundFull(left=Money(125050, "EUR"), asked=Money(200000, "EUR"), closes_at=_NOON))
    failing("nothing", NotFound())
    failing("decided", NotAllowed())
    failing("lost", OperationalError("SELECT secret FROM people", {}, Exception("unable to open database file")))
    failing("broken", RuntimeError("amina@city.example typed this"))

    @public
    def keep() -> Any:
        return render_template_string("{% extends 'base.html' %}{% block main %}<h1>Kept</h1>{% endblock %}") + str(
            len(request.form)
        )

    app.add_url_rule("/keep", "keep", keep, methods=["GET", "POST"])


_NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def build(folder: Path, **more: Any) -> Flask:
    """An application of the shell and the gate only."""
    settings = Settings(instance=folder, secret_key="for tests only, never elsewhere", **more)
    app = Flask(
        "fundflow", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "fundflow" / "web" / "static")
    )
    app.config.update(
        SECRET_KEY=settings.secret(),
        SQLALCHEMY_ENGINES={"default": engine_options(settings.database)},
        MAX_CONTENT_LENGTH=settings.upload_mb * 1024 * 1024,
    )
    app.extensions["settings"] = settings
    db.init_app(app)
    shell.init_app(app)
    gate.init_app(app)
    _routes(app)
    gate.seal(app)
    return app


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Flask]:
    """The shell, in development mode, with forgery protection on as in life."""
    app = build(tmp_path)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the shell, served to browsers; Arabic is among its languages."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = build(tmp_path_factory.mktemp("site"), languages=("en", "fr", "ar"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that FUNDFLOW_TEST_CHROMIUM names.

    Closed after each module: while it runs, its event loop holds this thread, and no application context can end.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("FUNDFLOW_TEST_CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()
