"""Commands on scenarios: play a round many times before it opens, compare two, and fit one from a round that ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fundflow.cli.group import database_reachable, installation, languages, main, write

if TYPE_CHECKING:
    from fundflow.simulation.assumptions import Scenario
    from fundflow.simulation.report import Report
    from fundflow.workflow.definition import Workflow

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command()
@click.argument("file", type=_FILE)
@click.argument("scenario", type=_FILE, required=False)
@click.option("--against", type=_FILE, multiple=True, help="Another scenario, to compare with; any number of times.")
@click.option("--runs", type=click.IntRange(1, 10_000), default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--format", "kind", type=click.Choice(["text", "json", "csv", "html"]), default="text", show_default=True)
@click.option("--language", default="en", show_default=True, callback=languages)
@click.option("--default", "is_default", is_flag=True, help="Only write the scenario that FILE is simulated with.")
@click.option("--fit", "slug", metavar="ROUND", help="Write the scenario that this round suggests, and test it on it.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write to.")
def simulate(
    file: Path,
    scenario: Path | None,
    against: tuple[Path, ...],
    runs: int,
    seed: int,
    jobs: int,
    kind: str,
    language: str,
    is_default: bool,
    slug: str | None,
    output: Path | None,
) -> None:
    """Play a round under the workflow FILE many times and say how long it takes, who works how much, what is awarded.

    SCENARIO says how many apply, how long work takes and who is there; without one, invented figures are taken. With
    --fit, a scenario is made from what happened in a round of this installation, and back-tested: what the applications
    that came first predict, against those that came later.
    """
    from fundflow.simulation import pictures, tables
    from fundflow.simulation import scenario as scenarios
    from fundflow.simulation import simulate as played

    workflow = _workflow(file)
    if slug is not None:
        _fit(workflow, slug, runs, seed, output)
        return
    chosen = scenarios.default(workflow) if scenario is None else _scenario(scenario, workflow)
    if is_default:
        _write(scenarios.written(chosen), output)
        return
    report = played(workflow, chosen, runs, seed, jobs)
    others = [played(workflow, _scenario(each, workflow), runs, seed, jobs) for each in against]
    match kind:
        case "json":
            text = tables.as_json(report, others)
        case "csv":
            text = tables.as_csv(report, others)
        case "html":
            text = pictures.page(report, language, others)
        case _:
            text = _told(report, others, language)
    _write(text, output)


def _told(report: Report, others: Sequence[Report], language: str) -> str:
    from fundflow.simulation import tables

    said = [f"{report.scenario.title}: {report.runs} runs, seed {report.seed}; in brackets where 95 of 100 runs lie"]
    said += [f"note: {line}" for line in tables.warnings(report, language)]
    for other in others:
        said += [f"note, {other.scenario.title}: {line}" for line in tables.warnings(other, language)]
    shown = [tables.compared(report, other, language) for other in others] or tables.tables(report, language)
    return "\n".join(said) + "\n\n" + tables.as_text(shown, language)


def _fit(workflow: Workflow, slug: str, runs: int, seed: int, output: Path | None) -> None:
    """The fitted scenario to the file or the standard output, what the back-test says beside it."""
    from fundflow.db import begin_reading
    from fundflow.errors import Refused
    from fundflow.simulation import records, scenario
    from fundflow.simulation.backtest import backtest, told
    from fundflow.simulation.fitted import fitted

    app = installation()
    with app.app_context():
        database_reachable(app)
        begin_reading()
        try:
            history = records.read(slug, workflow)
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from None
    _write(scenario.written(fitted(workflow, history)), output)
    # What is written to the standard output is the file, and nothing else may stand in it.
    click.echo(told(backtest(workflow, history, runs, seed)), err=output is None)


def _workflow(file: Path) -> Workflow:
    from fundflow.workflow import loader

    try:
        return loader.read(file)
    except loader.Problems as problems:
        click.echo(str(problems), err=True)
        sys.exit(1)


def _scenario(file: Path, workflow: Workflow) -> Scenario:
    from fundflow.simulation import scenario
    from fundflow.workflow.problems import Problems

    try:
        return scenario.read(file, workflow)
    except Problems as problems:
        click.echo(str(problems), err=True)
        sys.exit(1)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text)
    else:
        write(text if text.endswith("\n") else text + "\n", output)
