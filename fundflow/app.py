"""Where everything is put together: `create_app()` is the only place that knows all features.

Refuses to start with a route that nobody declared who may use, and with a workflow that names an effect, a fact or a
role that no feature provides.
"""

from __future__ import annotations

import logging

from flask import Flask
from flask_alembic import Alembic
from werkzeug.middleware.proxy_fix import ProxyFix

from fundflow import storage
from fundflow.accounts import effects as accounts_effects
from fundflow.accounts import views as accounts
from fundflow.api import views as api
from fundflow.applications import checks as applications_checks
from fundflow.applications import effects as applications_effects
from fundflow.applications import views as applications
from fundflow.awards import checks as awards_checks
from fundflow.awards import effects as awards_effects
from fundflow.awards import views as awards
from fundflow.banking import effects as banking_effects
from fundflow.banking import screening_views
from fundflow.banking import views as banking
from fundflow.config import ROOT, Settings
from fundflow.db import Model, db, engine_options, make_database_file
from fundflow.decisions import views as decisions
from fundflow.desk import views as desk
from fundflow.ledger import checks as ledger_checks
from fundflow.ledger import effects as ledger_effects
from fundflow.ledger import views as ledger
from fundflow.lifecycle import definitions, registry, sweeping
from fundflow.oversight import views as oversight
from fundflow.payments import answer_views, batch_views, forecast_views
from fundflow.payments import checks as payments_checks
from fundflow.payments import effects as payments_effects
from fundflow.payments import views as payments
from fundflow.reports import views as reports
from fundflow.reviews import effects as reviews_effects
from fundflow.reviews import views as reviews
from fundflow.rounds import effects as rounds_effects
from fundflow.rounds import views as rounds
from fundflow.studio import views as studio
from fundflow.web import gate, mailbox, shell

EFFECTS = (
    accounts_effects,
    rounds_effects,
    ledger_effects,
    applications_effects,
    reviews_effects,
    awards_effects,
    payments_effects,
    banking_effects,
)
"""Importing them registers what workflows may ask and cause."""

CHECKS = (ledger_checks, applications_checks, awards_checks, payments_checks)
"""Importing them has `fundflow verify` compare their rows with the events too."""

PERIODIC = (sweeping,)
"""Importing them has every worker do what they declare."""

PAGES = (
    accounts,
    rounds,
    applications,
    reviews,
    awards,
    ledger,
    payments,
    banking,
    screening_views,
    reports,
    batch_views,
    answer_views,
    forecast_views,
    decisions,
    oversight,
    desk,
    studio,
    api,
)

migrations = Alembic(metadatas=Model.metadata, run_mkdir=False, command_name="")
"""Brings the schema from any version to any other; needs an application context."""
# Its running commentary belongs in a debugger, not between the lines that a person reads.
logging.getLogger("alembic").setLevel(logging.WARNING)


def bring_up_to_date(app: Flask) -> None:
    """Migrate the database to the newest schema, making the embedded one where there is none yet."""
    make_database_file(app.extensions["settings"].database)
    # In a context of its own: the migration's connection, and the write lock it holds, live as long as the context.
    with app.app_context():
        migrations.upgrade()


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
        # What people typed must not reach a log or a dead letter by way of a failed statement.
        SQLALCHEMY_ENGINES={"default": engine_options(settings.database, hide_parameters=settings.production)},
        ALEMBIC={"script_location": str(ROOT / "migrations")},
        ALEMBIC_CONTEXT={"render_as_batch": True, "compare_server_default": True},
        MAX_CONTENT_LENGTH=settings.upload_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["settings"] = settings
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    db.init_app(app)
    migrations.init_app(app)
    for part in (shell, gate, mailbox, storage):
        part.init_app(app)
    for feature in PAGES:
        feature.init_app(app)
    gate.seal(app)
    registry.seal(definitions.shipped())
    return app
