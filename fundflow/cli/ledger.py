"""Commands on the money: prove the ledger from zero, and print a statement of any past day."""

from __future__ import annotations

import csv
import sys

import click

from fundflow.cli.group import database_reachable, installation, main


@main.group()
def ledger() -> None:
    """Prove the ledger, and print statements of it."""


@ledger.command("verify")
def verify_ledger() -> None:
    """Add up every entry anew and compare with the balances, the events, the rounds and the lines; 1 if it fails."""
    from fundflow.ledger import verifying

    app = installation()
    with app.app_context():
        database_reachable(app)
        proof = verifying.verify()
    for fault in proof.faults:
        click.echo(fault)
    click.echo(proof.summary)
    sys.exit(0 if proof.is_whole else 1)


@ledger.command()
@click.option("--donor", metavar="NAME", help="Every line of this donor.")
@click.option("--window", metavar="NAME", help="Every line of this window.")
@click.option("--round", "round_", metavar="ADDRESS", help="One round, by the last part of its address.")
@click.option("--application", metavar="NUMBER", help="One application.")
@click.option("--since", metavar="DAY", help="The first day; from the beginning where it is left out.")
@click.option("--at", "at", metavar="DAY", help="The last day, in UTC; until now where it is left out.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
def statement(
    donor: str | None,
    window: str | None,
    round_: str | None,
    application: str | None,
    since: str | None,
    at: str | None,
    as_csv: bool,
) -> None:
    """Print what stood in the accounts, what moved, and what stands, of one donor, window, round or application."""
    from fundflow import clock
    from fundflow.errors import Refused
    from fundflow.ledger import statements

    given = {"donor": donor, "window": window, "round": round_, "application": application}
    asked = [(kind, name) for kind, name in given.items() if name is not None]
    if len(asked) != 1:
        raise click.UsageError("Name one of --donor, --window, --round and --application.")
    app = installation()
    with app.app_context():
        database_reachable(app)
        [(kind, name)] = asked
        of = statements.named(kind, name)
        if of is None:
            raise click.ClickException(f"There is no {kind} {name}.")
        try:
            until = clock.now() if at is None else statements.end_of(statements.read_day(at))
            begin = None if since is None else statements.end_of(statements.read_day(since)) - statements.ONE_DAY
        except Refused as problem:
            raise click.ClickException(str(problem)) from None
        found = statements.statements(of, until, begin)
    if not found:
        click.echo("Nothing was booked.", err=True)
    out = csv.writer(sys.stdout) if as_csv else None
    for each in found:
        rows = statements.rows(each)
        if out is not None:
            out.writerows(rows)
        else:
            widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
            for row in rows:
                click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
