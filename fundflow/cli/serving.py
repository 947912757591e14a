"""Commands that serve: the site, the worker, the schema, the demo, the addresses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fundflow.cli.group import database_reachable, installation, main

if TYPE_CHECKING:
    pass


@main.command()
def rekey() -> None:
    """Encrypt every bank account with the first key of FUNDFLOW_DATA_KEY; then the others can be taken out."""
    from fundflow.banking import service as bank_service
    from fundflow.db import transaction
    from fundflow.errors import Refused
    from fundflow.payments import paying

    app = installation()
    with app.app_context():
        database_reachable(app)
        try:
            with transaction():
                count = bank_service.reseal() + paying.reseal()
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(f"{count} bank accounts encrypted anew; every one is under the first key now.")


@main.command()
@click.option("--host", help="Address to listen on; HOST in the environment does the same.")
@click.option("--port", type=int, help="Port to listen on; PORT in the environment does the same.")
def run(host: str | None, port: int | None) -> None:
    """Migrate, load the demo into an empty database, serve the site and work its jobs."""
    from fundflow import server

    app = installation()
    settings = app.extensions["settings"]
    with app.app_context():
        database_reachable(app, make=True)
        server.prepare(app)
    try:
        server.serve(app, host or settings.host, settings.port if port is None else port)
    except OSError as problem:
        raise click.ClickException(
            f"cannot listen on {host or settings.host}:{port or settings.port} ({problem.strerror}); "
            "choose another port, for example: PORT=8001 make run"
        ) from None


@main.command()
def worker() -> None:
    """Work jobs and timers in a process of its own, until it is told to stop."""
    from fundflow import server

    app = installation()
    with app.app_context():
        database_reachable(app)
    server.work(app)


@main.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database to the newest schema, or to REVISION (down too)."""
    from alembic.util import CommandError

    from fundflow.app import migrations

    app = installation()
    with app.app_context():
        database_reachable(app, make=True)
        before = migrations.current()
        if revision in {script.revision for script in before}:
            click.echo(f"already at {revision}")
            return
        try:
            if revision == "head" or revision not in _ancestors(before):
                migrations.upgrade(revision)
            else:
                migrations.downgrade(revision)
        except CommandError as problem:
            raise click.ClickException(f"the schema stays as it is: {problem}") from None
        click.echo("schema at " + (", ".join(script.revision for script in migrations.current()) or "the beginning"))


def _ancestors(scripts: tuple[object, ...]) -> set[str]:
    from fundflow.app import migrations

    found = {"base"}
    for script in scripts:
        found |= {each.revision for each in migrations.script_directory.iterate_revisions(script.revision, "base")}  # type: ignore[attr-defined]
    return found


@main.command()
def seed() -> None:
    """Load the demo people, cities, rounds and applications into an empty database."""
    from fundflow import seed as seeding

    app = installation()
    with app.app_context():
        database_reachable(app)
        click.echo(
            "demo data loaded" if seeding.load() else "there are people in this database already; nothing was loaded"
        )


@main.command()
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Folder for the database and files; a new one if not given."
)
@click.option("--workflow", default="small-grant", show_default=True, help="The shipped workflow whose story is told.")
def demo(keep: Path | None, workflow: str) -> None:
    """Drive one application through every state on a throw-away database, saying each step."""
    from fundflow import demo as story
    from fundflow.workflow.problems import did_you_mean

    if workflow not in story.TALES:
        raise click.ClickException(f"there is no story of '{workflow}'{did_you_mean(workflow, story.TALES)}")
    sys.exit(0 if story.run(keep, workflow) else 1)


@main.command()
def routes() -> None:
    """List every address, its methods and who may use it."""
    from fundflow.web import gate

    app = installation()
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
    width = max(len(rule.rule) for rule in rules)
    for rule in rules:
        who = gate.rule_of(app, rule.endpoint)
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        click.echo(f"{rule.rule:<{width}}  {methods:<10}  {who.who if who else 'nobody'}")
