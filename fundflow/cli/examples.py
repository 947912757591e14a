"""Commands on the examples of a workflow: run them, and say what nothing tests."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fundflow.cli.group import main


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", default="", help="Only the examples with these words in their name.")
def test(file: Path, only: str) -> None:
    """Run the examples of a workflow file and say, with its line, everything that is not as they say.

    Exits with 0 when all is as they say, 1 when something differs, 2 when there is nothing to run.
    """
    from fundflow.workflow import examples, loader

    try:
        workflow = loader.read(file, examples=True)
    except loader.Problems as problems:
        click.echo(str(problems))
        sys.exit(1)
    results = examples.run(workflow, only=only)
    for result in results:
        click.echo(f"{'ok  ' if result.passed else 'FAIL'} {result.name}")
        for each in result.differences:
            click.echo(f"     {file.parent / each.file}:{each.line}: {each.sentence}")
    failed = sum(not result.passed for result in results)
    if not results:
        click.echo(f"{file}: there is no {f'example with “{only}” in its name' if only else 'example'}", err=True)
        sys.exit(2)
    steps = sum(result.steps for result in results)
    click.echo(f"{len(results)} examples, {steps} steps: {f'{failed} fail' if failed else 'all as they say'}")
    sys.exit(1 if failed else 0)
