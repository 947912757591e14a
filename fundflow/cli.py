"""The commands: serve, work, seed, demonstrate, check, compare and draw workflows, move applications, verify the trail.

Each says in one sentence what went wrong and exits with 1 (2 for a wrong call); a traceback is a defect.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

    from fundflow.lifecycle.migrating import Plan
    from fundflow.workflow.definition import Workflow


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fundflow")
def main() -> None:
    """fundflow: applications, reviews, agreements and money of a city fund."""


def _app() -> Flask:
    from fundflow.app import create_app
    from fundflow.config import BadSettings

    try:
        return create_app()
    except BadSettings as problem:
        raise click.ClickException(f"these settings cannot be used:\n{problem}") from None


def _database_reachable(app: Flask, *, make: bool = False) -> None:
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


@main.command()
@click.option("--host", help="Address to listen on; HOST in the environment does the same.")
@click.option("--port", type=int, help="Port to listen on; PORT in the environment does the same.")
def run(host: str | None, port: int | None) -> None:
    """Migrate, load the demo into an empty database, serve the site and work its jobs."""
    from fundflow import server

    app = _app()
    settings = app.extensions["settings"]
    with app.app_context():
        _database_reachable(app, make=True)
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

    app = _app()
    with app.app_context():
        _database_reachable(app)
    server.work(app)


@main.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database to the newest schema, or to REVISION (down too)."""
    from alembic.util import CommandError

    from fundflow.app import migrations

    app = _app()
    with app.app_context():
        _database_reachable(app, make=True)
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
def definitions() -> None:
    """List the pinned versions of every workflow, with the rounds and live applications that go by each."""
    from fundflow.lifecycle import definitions as pinned

    app = _app()
    with app.app_context():
        _database_reachable(app)
        for each in pinned.listed():
            click.echo(
                f"{each.workflow}@{each.version}  {each.sha256[:12]}  {each.rounds} rounds, "
                f"{each.applications} live applications"
            )


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--language", default="en", show_default=True)
def diff(old: str, new: str, language: str) -> None:
    """Say in sentences what differs between two versions: files, digests, or name@version.

    Each line has its kind: text (only words), policy (who may do what and when), or structure (needs a migration).
    """
    from fundflow.workflow.diff import changes, heaviest

    if Path(old).is_file() and Path(new).is_file():
        found = changes(_read(old), _read(new))
    else:
        app = _app()
        with app.app_context():
            _database_reachable(app)
            found = changes(_version(old), _version(new))
    for change in found:
        click.echo(f"{change.kind:<9}  {change.place}: {change.says.in_(language)}")
    kind = heaviest(found)
    click.echo("nothing differs" if kind is None else f"{len(found)} changes, all in all: {kind}")


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
@click.option("--language", default="en", show_default=True)
def migrate(old: str, new: str, dry_run: bool, undo: bool, batch: int, language: str) -> None:
    """Move the live applications of version OLD to version NEW, with an event each.

    OLD and NEW are digests or name@version; NEW may be a file. NEW says in `migrate:` where states lead that it does
    not have. Nothing is moved while one application is blocked. Run it again after an interruption: it goes on.
    (The schema of the database is brought up to date by: fundflow upgrade.)
    """
    from fundflow.db import begin_reading, db
    from fundflow.errors import Refused
    from fundflow.lifecycle import migrating

    app = _app()
    with app.app_context():
        _database_reachable(app)
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

    app = _app()
    with app.app_context():
        _database_reachable(app)
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
def seed() -> None:
    """Load the demo people, cities, rounds and applications into an empty database."""
    from fundflow import seed as seeding

    app = _app()
    with app.app_context():
        _database_reachable(app)
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
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check a workflow file: every mistake with its line, and what to write instead."""
    from fundflow.workflow import checker, loader

    try:
        workflow = loader.read(file)
    except loader.Problems as problems:
        click.echo(str(problems))
        sys.exit(1)
    findings = checker.check(workflow)
    for finding in findings:
        click.echo(str(finding))
    if findings:
        sys.exit(1)
    click.echo(
        f"{file}: {len(workflow.states)} states, {len(workflow.transitions)} transitions, "
        f"{len(workflow.forms)} forms, nothing to mend"
    )


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(["svg", "mermaid"]), default="svg", show_default=True)
@click.option("--language", default="en", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; standard output if not given.",
)
def draw(file: Path, kind: str, language: str, output: Path | None) -> None:
    """Draw a workflow file as SVG or as Mermaid text."""
    from fundflow.workflow import diagram, loader

    try:
        workflow = loader.read(file)
    except loader.Problems as problems:
        click.echo(str(problems), err=True)
        sys.exit(1)
    text = (diagram.svg if kind == "svg" else diagram.mermaid)(workflow, language)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"wrote {output}")


@main.command()
@click.argument("application")
@click.argument("transition")
@click.argument("person")
@click.option("--json", "is_json", is_flag=True, help="The decision as JSON.")
@click.option("--language", default="en", show_default=True)
def why(application: str, transition: str, person: str, is_json: bool, language: str) -> None:
    """Say whether PERSON may take TRANSITION on APPLICATION now, and every condition with its values.

    TRANSITION may also be one of a child (tranche.pay:1) or an act (task:sanctions, sign:city, assign:officer).
    """
    import json

    from fundflow import asking

    app = _app()
    with app.app_context():
        _database_reachable(app)
        try:
            decision, because = asking.answer(application, transition, person, language)
        except asking.Unknown as problem:
            raise click.ClickException(str(problem)) from None
        if is_json:
            click.echo(json.dumps(asking.as_json(decision, language), ensure_ascii=False, indent=2))
        else:
            click.echo("\n".join(asking.told(decision, language, because)))


@main.command("export-schema")
@click.argument("kind", type=click.Choice(["workflow", "form"]), default="workflow")
def export_schema(kind: str) -> None:
    """Print the JSON Schema of workflow files, or of form files, for editors that check while one writes."""
    import json

    from fundflow.workflow import format

    part = format.Workflow if kind == "workflow" else format.Form
    click.echo(json.dumps(format.json_schema(part), ensure_ascii=False, indent=2))


@main.command()
@click.argument("application", default="")
@click.option("--files", is_flag=True, help="Also read every stored file and compare it with its digest.")
def verify(application: str, files: bool) -> None:
    """Recompute the audit chains, all or one APPLICATION's, and compare them with the rows and the anchors."""
    from fundflow.lifecycle import audit, queries

    app = _app()
    with app.app_context():
        _database_reachable(app)
        report = audit.verify(_found(queries.id_of, application) if application else None, files=files)
    for broken in report.breaks:
        click.echo(str(broken))
    click.echo(report.summary)
    sys.exit(0 if report.is_whole else 1)


@main.command()
def people() -> None:
    """List who holds two roles that the rules of a live round let nobody hold together."""
    from fundflow.accounts import separation

    app = _app()
    with app.app_context():
        _database_reachable(app)
        found = separation.now()
    for clash in found:
        click.echo(f"{clash.name}: “{clash.one.in_('en')}” and “{clash.other.in_('en')}” in {clash.round_title}")
    click.echo(f"{len(found)} to part" if found else "nobody holds what nobody may hold together")
    sys.exit(1 if found else 0)


@main.command()
def anchor() -> None:
    """Make an anchor now: one root over every chain, written to the anchors folder and mailed to the auditors."""
    from fundflow.errors import Refused
    from fundflow.lifecycle import anchors

    app = _app()
    with app.app_context():
        _database_reachable(app)
        try:
            made = anchors.make()
        except Refused as problem:
            raise click.ClickException(str(problem)) from None
        assert made is not None  # noqa: S101 - only a nightly one can be made by somebody else
        click.echo(f"anchor {made.number}: {made.count} applications, root {made.root}")
        click.echo(f"written to {anchors.files()[made.number]}")


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="[APPLICATION] FILE.zip")
@click.option("--all", "everything", is_flag=True, help="Every application instead of one.")
def export(names: tuple[str, ...], everything: bool) -> None:
    """Write the audit trail, of one APPLICATION or of all, with a script that checks it without fundflow."""
    import sqlalchemy as sa

    from fundflow.lifecycle import export as exporting
    from fundflow.lifecycle import queries
    from fundflow.lifecycle.models import Application

    if len(names) != (1 if everything else 2):
        raise click.UsageError("name one application and a file, or --all and a file")
    app, file = _app(), Path(names[-1])
    with app.app_context():
        _database_reachable(app)
        chosen = sa.true() if everything else Application.id == _found(queries.id_of, names[0])
        try:
            with file.open("xb") as out:
                count = exporting.write(out, chosen, fund=app.extensions["settings"].fund_name)
        except OSError as problem:
            raise click.ClickException(f"{file} cannot be written: {problem.strerror}") from None
    click.echo(f"{count} applications in {file}; check it with the verify.py in it: python3 verify.py {file.name}")


@main.command()
@click.argument("who", metavar="APPLICATION|PERSON")
@click.option("--reason", required=True, help="Why, as it is kept in the audit trail; name nobody in it.")
@click.option("--event", "events", type=int, multiple=True, help="Only this event of the application; repeatable.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(who: str, reason: str, events: tuple[int, ...], yes: bool) -> None:
    """Erase what was said in an APPLICATION that has ended, or a PERSON by e-mail address; chains stay whole."""
    from uuid import uuid4

    from fundflow.accounts import erasing
    from fundflow.db import transaction
    from fundflow.errors import Refused
    from fundflow.lifecycle import erasure, queries

    app, key = _app(), f"erase:{uuid4()}"
    with app.app_context():
        _database_reachable(app)
        is_person = "@" in who or len(who) == 36
        found = _found(erasing.person_called if is_person else queries.id_of, who)
        if not yes:
            click.confirm(f"Erase {who}? This cannot be undone.", abort=True)
        try:
            with transaction():
                if not is_person:
                    count = erasure.erase(found, key=key, reason=reason, seqs=events or None)
                    click.echo(f"{who}: what was said with {count} events is erased")
                    return
                done = erasing.erase_person(found, key=key, reason=reason)
        except Refused as problem:
            raise click.ClickException(str(problem)) from None
    click.echo(f"{done.person_id} is nobody now; what they said with {done.payloads} events is erased")
    if done.running:
        click.echo(f"still running: {', '.join(done.running)}; when they have ended: fundflow erase {done.person_id}")


def _found(find: Callable[[str], Any], name: str) -> Any:
    """What is found under this name, or a sentence that there is nothing."""
    from fundflow.errors import NotFound

    try:
        return find(name)
    except NotFound:
        raise click.ClickException(f"there is no {name!r} here; write a number as on its page, SG-2026-0007") from None


@main.command()
@click.option("--from", "begun", required=True, help="When it began: 2026-11-23T09:00, in the zone or with an offset.")
@click.option("--until", "ended", required=True, help="When it was over, written the same way.")
@click.option("--reason", required=True, help="Why; every city whose deadline moves reads it.")
@click.option("--zone", default="UTC", show_default=True, help="The zone of times that say no offset.")
@click.option("--dry-run", is_flag=True, help="Only say how many deadlines would move.")
def outage(begun: str, ended: str, reason: str, zone: str, dry_run: bool) -> None:
    """Give every running deadline back what an outage took from it; told again, it moves nothing."""
    from fundflow.db import transaction
    from fundflow.errors import Refused
    from fundflow.lifecycle import outages
    from fundflow.lifecycle.actor import SYSTEM

    app = _app()
    span = _moment(begun, zone), _moment(ended, zone)
    with app.app_context():
        _database_reachable(app)
        try:
            if dry_run:
                click.echo(f"{len(outages.preview(*span))} deadlines would move")
                return
            with transaction():
                told = outages.tell(*span, reason=reason, actor=SYSTEM)
        except Refused as problem:
            raise click.ClickException(str(problem)) from None
    click.echo(f"{told.timers} deadlines of {told.applications} applications moved")


def _moment(text: str, zone: str) -> datetime:
    """A moment as it was typed, or a sentence that it is none."""
    from zoneinfo import ZoneInfo

    from fundflow import clock
    from fundflow.workflow.durations import at_wall

    if zone not in clock.zones():
        raise click.ClickException(f"{zone!r} is not a time zone; write for example Europe/Paris")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.ClickException(f"{text!r} is not a moment; write it like 2026-11-23T09:00") from None
    return found if found.tzinfo else at_wall(found, ZoneInfo(zone))


@main.command()
def routes() -> None:
    """List every address, its methods and who may use it."""
    from fundflow.web import gate

    app = _app()
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
    width = max(len(rule.rule) for rule in rules)
    for rule in rules:
        who = gate.rule_of(app, rule.endpoint)
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        click.echo(f"{rule.rule:<{width}}  {methods:<10}  {who.who if who else 'nobody'}")
