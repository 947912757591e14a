"""Commands on the examples of a workflow: run them, and say what nothing tests."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fundflow.cli.group import main

UNTESTED = "FF204"
"""The code of a line that could be changed and every example would still pass."""


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", default="", help="Only the examples with these words in their name.")
@click.option("--conditions", is_flag=True, help="Also the conditions that no example is stopped by.")
def test(file: Path, only: str, conditions: bool) -> None:
    """Run the examples of a workflow file and say, with its line, everything that is not as they say.

    Exits with 0 when all is as they say, 1 when something differs, 2 when there is nothing to run.
    """
    from fundflow.workflow import examples, loader
    from fundflow.workflow.examples.coverage import unexercised

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
    for problem in unexercised(workflow, results) if conditions else ():
        click.echo(f"{file.parent / problem.file}{str(problem).removeprefix(problem.file)}")
    failed = sum(not result.passed for result in results)
    if not results:
        click.echo(f"{file}: there is no {f'example with “{only}” in its name' if only else 'example'}", err=True)
        sys.exit(2)
    steps = sum(result.steps for result in results)
    click.echo(f"{len(results)} examples, {steps} steps: {f'{failed} fail' if failed else 'all as they say'}")
    sys.exit(1 if failed else 0)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="How many processes.")
@click.option("--sample", default=0, type=click.IntRange(0), help="Only so many changes, drawn by --seed.")
@click.option("--seed", default=0, show_default=True, help="Draws other changes with --sample.")
@click.option("--floor", default=0.0, type=click.FloatRange(0, 100), help="Exit with 1 when fewer percent are noticed.")
@click.option("--by-operator", is_flag=True, help="Also the figures of each kind of change.")
def mutate(file: Path, jobs: int, sample: int, seed: int, floor: float, by_operator: bool) -> None:
    """Change a workflow file in one place after the other, and say which changes nobody would notice.

    A change is noticed when the checker reports something new, or when an example is not as it says any more.
    """
    from fundflow.workflow import loader
    from fundflow.workflow.mutants.scoring import ExamplesFail, score

    try:
        found = score(file, sample=sample, seed=seed, jobs=jobs)
    except loader.Problems as problems:
        click.echo(str(problems))
        sys.exit(1)
    except ExamplesFail as failing:
        names = ", ".join(f"“{result.name}”" for result in failing.results)
        click.echo(f"{file}: {names} fail before anything is changed: see fundflow test {file}")
        sys.exit(1)
    for each in found.survivors:
        click.echo(f"{file}:{each.line}:1: warning {UNTESTED} nothing tests this line ({each.operator}): {each.text}")
    if by_operator:
        for name, (killed, count) in found.by_operator().items():
            click.echo(f"{name:<28} {killed:>5} of {count}")
    counted = len(found.counted)
    for what, count in (
        ("the checker", found.by_checker),
        ("the examples", found.by_examples),
        ("either", found.killed),
    ):
        click.echo(f"noticed by {what:<13} {count:>5} of {counted}  {found.share(count):5.1f} %")
    same = len(found.verdicts) - counted
    if same:
        click.echo(f"{same} changes mean the same as the file and do not count")
    sys.exit(1 if found.share(found.killed) < floor else 0)
