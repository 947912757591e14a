"""The command that checks a workflow file: for people, for editors and for machines.

Exits with 0 where nothing keeps the file from being published but warnings, 1 where there is an error (with --strict,
also a warning that nobody accepted), and 2 for a wrong call or a file that cannot be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from fundflow.cli.group import database_reachable, installation, main

if TYPE_CHECKING:
    from fundflow.workflow.checker import Context
    from fundflow.workflow.definition import Workflow
    from fundflow.workflow.problems import Problem

MOST_DUTIES = 6
"""So many duties are looked at together: every set of roles for them is tried on every path."""


@main.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings that nobody accepted as well.")
@click.option(
    "--installed", is_flag=True, help="Also look at the messages, documents and effects of this installation."
)
@click.option("--live", is_flag=True, help="Also look at its people, published versions and live applications.")
@click.option(
    "--separate",
    metavar="DUTIES",
    help="Prove, instead, that no one person can do all of these, or print how: submit,decide,pay or any transitions.",
)
@click.option("--explain", "code", metavar="CODE", help="Print what a code such as FF115 means, instead.")
@click.option("--page", is_flag=True, help="Print all codes as Markdown (docs/checks.md), instead.")
def check(
    file: Path | None,
    kind: str,
    strict: bool,
    installed: bool,
    live: bool,
    separate: str | None,
    code: str | None,
    page: bool,
) -> None:
    """Check a workflow file: every mistake with its line, and what to write instead."""
    from fundflow.workflow.checker import codes, report

    if page:
        click.echo(codes.page(), nl=False)
        return
    if code is not None:
        _explain(code)
        return
    if file is None:
        raise click.UsageError("name the file to check, or a code with --explain")
    if separate is not None:
        _separate(file, separate, live=live)
    workflow, problems = _found(file, installed=installed, live=live)
    if kind == "text":
        lines = report.text(problems)
        click.echo("\n".join([*lines, _summary(file, workflow, problems)]))
    else:
        made = report.sarif(problems) if kind == "sarif" else report.as_json(problems)
        click.echo(json.dumps(made, ensure_ascii=False, indent=2))
    sys.exit(1 if any(each.blocks and (strict or not each.is_warning) for each in problems) else 0)


def _separate(file: Path, duties: str, *, live: bool) -> NoReturn:
    """Whether one person can do all of these duties, and for three or more also each two of them; then the end."""
    from fundflow.workflow import loader
    from fundflow.workflow.checker.separation import UnknownDuty, separated

    try:
        workflow = loader.read(file)
    except loader.Problems as mistakes:
        click.echo(str(mistakes))
        sys.exit(1)
    directory = _context(workflow, installed=False, live=live).directory
    names = list(dict.fromkeys(name for name in duties.replace(" ", "").split(",") if name))
    if not 2 <= len(names) <= MOST_DUTIES:
        raise click.UsageError(
            f"name two duties or more, and {MOST_DUTIES} at most, such as --separate submit,decide,pay"
        )
    try:
        whole = separated(workflow, names, directory)
        pairs = [separated(workflow, pair, directory) for pair in combinations(names, 2) if len(names) > 2]
    except UnknownDuty as unknown:
        raise click.UsageError(str(unknown)) from None
    for name, steps in whole.duties.items():
        click.echo(f"{name}: {', '.join(steps) or 'nothing'}")
    for proof in (whole, *pairs):
        click.echo("\n".join(proof.sentences))
    sys.exit(0 if whole.holds or (whole.absent and not whole.by_itself) else 1)


def _found(file: Path, *, installed: bool, live: bool) -> tuple[Workflow | None, list[Problem]]:
    """Everything there is to say of the file; no workflow where it does not even load."""
    from fundflow.workflow import checker, loader

    try:
        workflow = loader.read(file, examples=True)
    except loader.Problems as mistakes:
        return None, list(mistakes.problems)
    except OSError as problem:
        click.echo(f"{file} cannot be read: {problem.strerror}", err=True)
        sys.exit(2)
    problems = checker.check(workflow, _context(workflow, installed=installed, live=live))
    # The loader names files from the folder of the workflow; an editor needs them from where it stands.
    return workflow, [_from_here(each, file) for each in problems]


def _from_here(problem: Problem, file: Path) -> Problem:
    """The same, with the file as it is reached from here."""
    from dataclasses import replace

    return replace(problem, file=str(file.parent / problem.file))


def _context(workflow: Workflow, *, installed: bool, live: bool) -> Context:
    from fundflow import clock
    from fundflow.workflow.checker import Context

    if not (installed or live):
        return Context(today=clock.now().date())
    from fundflow.db import begin_reading
    from fundflow.lifecycle import surroundings

    app = installation()
    with app.app_context():
        if not live:
            return Context(today=clock.now().date(), installation=surroundings.installation())
        database_reachable(app)
        begin_reading()
        return surroundings.of(workflow)


def _summary(file: Path, workflow: Workflow | None, problems: Sequence[Problem]) -> str:
    errors = sum(not each.is_warning for each in problems)
    accepted = sum(each.is_accepted for each in problems)
    warnings = len(problems) - errors - accepted
    counted = [(errors, "error"), (warnings, "warning")]
    said = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counted if count]
    said += [f"{accepted} accepted"] if accepted else []
    if workflow is None:
        return f"{file}: {', '.join(said)}"
    parts = f"{len(workflow.states)} states, {len(workflow.transitions)} transitions, {len(workflow.forms)} forms"
    if not (errors or warnings):
        said = ["nothing to mend", *said]
    return f"{file}: {parts}, {', '.join(said)}"


def _explain(code: str) -> None:
    from fundflow.workflow.checker import codes
    from fundflow.workflow.problems import did_you_mean

    found = codes.BY_ID.get(code.upper())
    if found is None:
        raise click.UsageError(f"there is no code {code!r}{did_you_mean(code.upper(), codes.BY_ID)}")
    click.echo(codes.explain(found))
