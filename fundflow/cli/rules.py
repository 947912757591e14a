"""Commands on workflows: compare, pin, move applications, and ask why something may not be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fundflow.cli.group import database_reachable, installation, languages, main

if TYPE_CHECKING:
    from fundflow.lifecycle.migrating import Plan
    from fundflow.workflow.definition import Workflow


@main.command("export-schema")
@click.argument("kind", type=click.Choice(["workflow", "form", "scenario", "examples"]), default="workflow")
def export_schema(kind: str) -> None:
    """Print the JSON Schema of workflow files, forms, scenarios or examples, for editors that check as one writes."""
    import json

    from fundflow.simulation.format import Scenario
    from fundflow.workflow import format

    parts: dict[str, type[format.Part]] = {
        "workflow": format.Workflow,
        "form": format.Form,
        "scenario": Scenario,
        "examples": format.Examples,
    }
    part = parts[kind]
    click.echo(json.dumps(format.json_schema(part), ensure_ascii=False, indent=2))


@main.command()
def definitions() -> None:
    """List the pinned versions of every workflow, with the rounds and live applications that go by each."""
    from fundflow.lifecycle import definitions as pinned

    app = installation()
    with app.app_context():
        database_reachable(app)
        for each in pinned.listed():
            click.echo(
                f"{each.workflow}@{each.version}  {each.sha256[:12]}  {each.rounds} rounds, "
                f"{each.applications} live applications"
            )


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--language", default="en", show_default=True, callback=languages)
def diff(old: str, new: str, language: str) -> None:
    """Say in sentences what differs between two versions: files, digests, or name@version.

    Each line has its kind: text (only words), policy (who may do what and when), or structure (needs a migration).
    """
    from fundflow.workflow.diff import changes, heaviest

    if Path(old).is_file() and Path(new).is_file():
        found = changes(_read(old), _read(new))
    else:
        for name in (old, new):
            if "/" in name or name.endswith((".yaml", ".yml")):
                _there(name)
        app = installation()
        with app.app_context():
            database_reachable(app)
            found = changes(_version(old), _version(new))
    for change in found:
        click.echo(f"{change.kind:<9}  {change.place}: {change.says.in_(language)}")
    kind = heaviest(found)
    click.echo("nothing differs" if kind is None else f"{len(found)} changes, all in all: {kind}")


def _there(name: str) -> None:
    """A sentence where what can only be a file is none, before any database is asked for it."""
    if not Path(name).is_file():
        raise click.ClickException(f"there is no file {name}")


def _read(file: str) -> Workflow:
    """The workflow in a file, or every mistake in it."""
    from fundflow.workflow import loader

    try:
        return loader.read(Path(file))
    except loader.Problems as problems:
        click.echo(str(problems), err=True)
        sys.exit(1)


def _version(name: str) -> Workflow:
    """A version by its file, with its mails and documents as they are now, or by its digest or name@version."""
    from fundflow.errors import Refused
    from fundflow.lifecycle import definitions as pinned

    try:
        return pinned.complete(_read(name)) if Path(name).is_file() else pinned.find(name)
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Only say what would become of every application.")
@click.option("--undo", is_flag=True, help="Take back the migration from OLD to NEW.")
@click.option("--batch", default=100, show_default=True, help="Applications in one transaction.")
@click.option("--language", default="en", show_default=True, callback=languages)
def migrate(old: str, new: str, dry_run: bool, undo: bool, batch: int, language: str) -> None:
    """Move the live applications of version OLD to version NEW, with an event each.

    OLD and NEW are digests or name@version; NEW may be a file. NEW says in `migrate:` where states lead that it does
    not have. Nothing is moved while one application is blocked. Run it again after an interruption: it goes on.
    (The schema of the database is brought up to date by: fundflow upgrade.)
    """
    from fundflow.db import begin_reading, db
    from fundflow.errors import Refused
    from fundflow.lifecycle import migrating

    app = installation()
    with app.app_context():
        database_reachable(app)
        begin_reading()
        first, second = _version(old), _version(new)
        try:
            plan = migrating.plan_undo(first, second) if undo else migrating.plan(first, second)
            db.session.rollback()
            _tell(plan, language)
            if dry_run:
                sys.exit(1 if plan.of("blocked") else 0)
            result = migrating.apply(plan, batch=batch, told=lambda moved: click.echo(f"{moved} moved"))
        except migrating.WrongMigration as wrong:
            raise click.ClickException("\n".join(each.in_(language) for each in wrong.problems)) from None
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(f"{result.moved} applications moved, {result.held} held, {result.rounds} rounds follow")
    for line in result.left:
        click.echo(f"{line.number} became blocked meanwhile; run this again when that is settled")
    sys.exit(1 if result.left else 0)


@main.command()
@click.argument("slug", metavar="ROUND")
@click.argument("new")
@click.option("--by", "email", required=True, help="The manager or director who does this.")
@click.option("--reason", default="", help="Why, as the cities are told; needed for a proposal.")
def change(slug: str, new: str, email: str, reason: str) -> None:
    """Give the published ROUND the rules NEW: words at once; all else is proposed, and a second person agrees.

    The second person agrees by the same command.
    """
    import sqlalchemy as sa

    from fundflow.accounts import queries as people
    from fundflow.db import db
    from fundflow.errors import Refused
    from fundflow.lifecycle.models import DefinitionChange
    from fundflow.rounds import rules
    from fundflow.rounds.models import Round

    app = installation()
    with app.app_context():
        database_reachable(app)
        person = people.person_by_email(email)
        round_ = db.session.scalar(sa.select(Round).where(Round.slug == slug))
        if person is None or round_ is None:
            missing = f"nobody has the address {email}" if person is None else f"there is no round {slug!r}"
            raise click.ClickException(missing)
        try:
            done = rules.change(round_, _version(new), actor=people.actor_for(person.id), reason=reason)
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from None
    if isinstance(done, DefinitionChange):
        click.echo(f"proposed ({done.kind}); another manager or director agrees by the same command")
    else:
        click.echo(f"{done.moved} applications moved, {done.held} held, {done.rounds} rounds follow")


def _tell(plan: Plan, language: str) -> None:
    """The plan as a table: one line for each application, and what is said of it under it."""
    from fundflow.workflow.text import Text

    for line in plan.lines:
        verdict = line.verdict
        where = line.state if verdict.kind != "moves" else f"{line.state} → {verdict.state}"
        click.echo(f"{line.number}  {verdict.kind:<7}  {where}")
        for reason in (*verdict.reasons, *verdict.warnings):
            click.echo(f"    {reason.in_(language)}")
    counts = ", ".join(f"{len(plan.of(kind))} {kind}" for kind in ("moves", "held", "blocked"))
    click.echo(f"{plan.old.id} {plan.old.version} → {plan.new.version}: {counts}")
    if not plan.undoes:
        back = plan.way_back
        click.echo(back.in_(language) if isinstance(back, Text) else "reversible with: --undo")


@main.command()
@click.argument("application")
@click.argument("transition")
@click.argument("person")
@click.option("--json", "is_json", is_flag=True, help="The decision as JSON.")
@click.option("--language", default="en", show_default=True, callback=languages)
def why(application: str, transition: str, person: str, is_json: bool, language: str) -> None:
    """Say whether PERSON may take TRANSITION on APPLICATION now, and every condition with its values.

    TRANSITION may also be one of a child (tranche.pay:1) or an act (task:sanctions, sign:city, assign:officer).
    """
    import json

    from fundflow import asking

    app = installation()
    with app.app_context():
        database_reachable(app)
        try:
            decision, because = asking.answer(application, transition, person, language)
        except asking.Unknown as problem:
            raise click.ClickException(str(problem)) from None
        if is_json:
            click.echo(json.dumps(asking.as_json(decision, language), ensure_ascii=False, indent=2))
        else:
            click.echo("\n".join(asking.told(decision, language, because)))
