"""Where everything is put together: `create_app()` is the only place that knows all features.

Refuses to start with a route that nobody declared who may use, and with a workflow that names an effect, a fact or a
role that no feature provides.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging

from flask import Flask
from flask_alembic import Alembic
from werkzeug.middleware.proxy_fix import ProxyFix

from fundflow.config import ROOT, Settings
from fundflow.db import Model, db

migrations = Alembic(metadatas=Model.metadata, run_mkdir=False, command_name="")
"""Brings the schema from any version to any other; needs an application context."""
# Its running commentary belongs in a debugger, not between the lines that a person reads.
logging.getLogger("alembic").setLevel(logging.WARNING)

FEATURES = ("accounts", "rounds", "applications", "reviews", "awards", "payments", "desk")


def create_app(settings: Settings | None = None) -> Flask:
    """The application for these settings, or for the environment's."""
    settings = settings or Settings.from_environment()
    settings.instance.mkdir(parents=True, exist_ok=True)
    app = Flask(
        "fundflow",
        instance_path=str(settings.instance),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "fundflow" / "web" / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret(),
        SQLALCHEMY_ENGINES={"default": settings.database},
        MAX_CONTENT_LENGTH=settings.upload_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.config["ALEMBIC"] = {"script_location": str(ROOT / "migrations")}
    app.config["ALEMBIC_CONTEXT"] = {"render_as_batch": True, "compare_server_default": True}
    app.extensions["settings"] = settings
    db.init_app(app)
    migrations.init_app(app)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    _install(app)
    return app


def _install(app: Flask) -> None:
    """Import every part that exists, let it set itself up, then seal the gate."""
    for name in ("web.shell", "web.gate", "web.mailbox", "storage", "mail", "documents", "jobs", "jobs.worker", "lifecycle.effects"):
        part = _part(name)
        if part and hasattr(part, "init_app"):
            part.init_app(app)
    for feature in ("jobs", "lifecycle", *FEATURES):
        _part(f"{feature}.models")
    for feature in FEATURES:
        _part(f"{feature}.effects")
    for feature in FEATURES:
        views = _part(f"{feature}.views")
        if views and hasattr(views, "init_app"):
            views.init_app(app)
        elif views and hasattr(views, "pages"):
            app.register_blueprint(views.pages)
    gate = _part("web.gate")
    if gate and hasattr(gate, "seal"):
        gate.seal(app)


def _part(name: str):  # type: ignore[no-untyped-def]
    if importlib.util.find_spec(f"fundflow.{name}") is None:
        return None
    return importlib.import_module(f"fundflow.{name}")
