"""What the commands share: the group they belong to, the application, and a database that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flask import Flask


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fundflow")
def main() -> None:
    """fundflow: applications, reviews, agreements and money of a city fund."""


def installation() -> Flask:
    """The application by the settings of the environment; a sentence for settings that cannot be used."""
    from fundflow.app import create_app
    from fundflow.config import BadSettings

    try:
        return create_app()
    except BadSettings as problem:
        raise click.ClickException(f"these settings cannot be used:\n{problem}") from None


def database_reachable(app: Flask, *, make: bool = False) -> None:
    """Stop with a sentence where the database cannot be opened; `make` the embedded one where there is none yet."""
    import sqlalchemy as sa

    from fundflow.db import db, make_database_file

    if make:
        make_database_file(app.extensions["settings"].database)
    try:
        with db.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.OperationalError as problem:
        settings = app.extensions["settings"]
        where = settings.database_url.rpartition("@")[2] or settings.instance / "fundflow.db"
        raise click.ClickException(
            f"the database at {where} cannot be opened ({str(problem.orig).strip()}); "
            "look whether the setting is right and the server runs, or make an embedded one with: fundflow upgrade"
        ) from None
