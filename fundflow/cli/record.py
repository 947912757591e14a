"""Commands on the record and those in it: verify, anchor, take home, erase, find who holds too much, outages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fundflow.cli.group import database_reachable, installation, main

if TYPE_CHECKING:
    pass


@main.command()
@click.argument("application", default="")
@click.option("--files", is_flag=True, help="Also read every stored file and compare it with its digest.")
def verify(application: str, files: bool) -> None:
    """Recompute the audit chains, all or one APPLICATION's, and compare them with the rows and the anchors.

    With all of them, the ledger is proved from zero too, as `fundflow ledger verify` does by itself.
    """
    from fundflow.ledger import verifying
    from fundflow.lifecycle import audit, queries

    app = installation()
    with app.app_context():
        database_reachable(app)
        report = audit.verify(_found(queries.id_of, application) if application else None, files=files)
        proof = None if application else verifying.verify(with_events=False)
    for broken in report.breaks:
        click.echo(str(broken))
    for fault in proof.faults if proof else ():
        click.echo(fault)
    click.echo(report.summary)
    if proof:
        click.echo(proof.summary)
    sys.exit(0 if report.is_whole and (proof is None or proof.is_whole) else 1)


@main.command()
def anchor() -> None:
    """Make an anchor now: one root over every chain, written to the anchors folder and mailed to the auditors."""
    from fundflow.errors import Refused
    from fundflow.lifecycle import anchors

    app = installation()
    with app.app_context():
        database_reachable(app)
        try:
            made = anchors.make()
        except Refused as problem:
            raise click.ClickException(str(problem)) from None
        assert made is not None  # noqa: S101 - only a nightly one can be made by somebody else
        click.echo(f"anchor {made.number}: {made.count} applications, root {made.root}")
        click.echo(f"written to {anchors.files()[made.number]}")


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="[APPLICATION] FILE")
@click.option("--all", "everything", is_flag=True, help="Every application instead of one.")
@click.option("--ended", is_flag=True, help="Of those only what has ended.")
@click.option("--format", "kind", type=click.Choice(["zip", "xes", "ocel"]), default="zip", show_default=True)
@click.option("--of", metavar="KIND", help="For xes: a trace for each child of this kind, such as tranche.")
@click.option("--hide-from", "role", help="For xes and ocel: leave out what the workflow hides from this role.")
def export(names: tuple[str, ...], everything: bool, ended: bool, kind: str, of: str | None, role: str | None) -> None:
    """Write the audit trail, of one APPLICATION or of all.

    As zip: all of it, with a script that checks it without fundflow. As xes or ocel: what happened, for process mining;
    people by their ids and nothing that anybody wrote.
    """
    import sqlalchemy as sa

    from fundflow.db import db
    from fundflow.lifecycle import eventlog, ocel, queries, xes
    from fundflow.lifecycle import export as exporting
    from fundflow.lifecycle.models import Application

    if len(names) != (1 if everything else 2):
        raise click.UsageError("name one application and a file, or --all and a file")
    if (of and kind != "xes") or (role and kind == "zip"):
        raise click.UsageError("--of goes with --format xes, --hide-from with --format xes or ocel")
    app, file = installation(), Path(names[-1])
    with app.app_context():
        database_reachable(app)
        chosen = sa.true() if everything else Application.id == _found(queries.id_of, names[0])
        if ended:
            chosen = sa.and_(chosen, eventlog.ended(db.session.connection()))
        _known(chosen, of, role)
        fund = app.extensions["settings"].fund_name
        try:
            with file.open("xb") as out:
                if kind == "zip":
                    count = exporting.write(out, chosen, fund=fund)
                else:
                    log = xes.lines(chosen, of=of, role=role) if kind == "xes" else ocel.lines(chosen, role=role)
                    out.writelines(piece.encode() for piece in log)
                    count = exporting.count(chosen)
        except OSError as problem:
            raise click.ClickException(f"{file} cannot be written: {problem.strerror}") from None
    check = f"; check it with the verify.py in it: python3 verify.py {file.name}" if kind == "zip" else ""
    click.echo(f"{count} applications in {file}{check}")


def _known(chosen: Any, of: str | None, role: str | None) -> None:
    """A sentence where none of the rules that these applications go by has such a child, or such a role."""
    import sqlalchemy as sa

    from fundflow.db import db
    from fundflow.lifecycle import definitions
    from fundflow.lifecycle.models import Application
    from fundflow.workflow.problems import did_you_mean

    used = db.session.scalars(sa.select(Application.definition_sha).where(chosen).distinct()).all()
    workflows = [definitions.get(sha) for sha in used]
    for what, name, known in (
        ("child", of, {kind for each in workflows for kind in each.children}),
        ("role", role, {name for each in workflows for name in each.roles}),
    ):
        if name is not None and name not in known:
            raise click.ClickException(f"none of these applications has a {what} '{name}'{did_you_mean(name, known)}")


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

    app, key = installation(), f"erase:{uuid4()}"
    with app.app_context():
        database_reachable(app)
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
def people() -> None:
    """List who holds two roles that the rules of a live round let nobody hold together."""
    from fundflow.accounts import separation

    app = installation()
    with app.app_context():
        database_reachable(app)
        found = separation.now()
    for clash in found:
        click.echo(f"{clash.name}: “{clash.one.in_('en')}” and “{clash.other.in_('en')}” in {clash.round_title}")
    click.echo(f"{len(found)} to part" if found else "nobody holds what nobody may hold together")
    sys.exit(1 if found else 0)


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

    app = installation()
    span = _moment(begun, zone), _moment(ended, zone)
    with app.app_context():
        database_reachable(app)
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
