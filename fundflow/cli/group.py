"""What the commands share: the group they belong to, the application, and a database that answers."""

from __future__ import annotations

import errno
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask


class Commands(click.Group):
    """A group whose commands answer a full disk and what cannot be read or written with a sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as problem:
            if problem.errno == errno.EPIPE:
                raise  # whoever reads has enough, and needs no sentence
            where = "" if problem.filename is None else f"{problem.filename}: "
            raise click.ClickException(f"{where}{problem.strerror or problem}") from None


def languages(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """The language, where it is one at all; a sentence otherwise."""
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(value)
    except (ValueError, UnknownLocaleError):
        raise click.BadParameter(f"{value!r} is not a language; write for example en or fr") from None
    return value


def write(text: str, output: Path) -> None:
    """The text to a file, which is then named; a sentence where it cannot be written."""
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise click.ClickException(f"{output} cannot be written: {problem.strerror}") from None
    click.echo(f"wrote {output}")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fundflow")
def main() -> None:
    """fundflow: applications, reviews, agreements and money of a city fund."""
    # What a start imports stays; looking through it for garbage, time and again on the way, was a sixth of every start.
    gc.set_threshold(50_000, 20, 50)


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
