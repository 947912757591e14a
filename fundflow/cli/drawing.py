"""Drawing workflows, as pictures and as tables."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fundflow.cli.group import main

STYLE = Path(__file__).parents[1] / "web" / "static" / "css" / "flow.css"
PICTURES = ("svg", "mermaid", "table")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(PICTURES), default="svg", show_default=True)
@click.option("--role", help="Only what this role of the workflow is shown, with what it may do itself pointed out.")
@click.option("--shape", type=click.Choice(["wide", "tall"]), default="wide", help="Phases beside or below each other.")
@click.option("--language", default="en", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; standard output if not given.",
)
def draw(file: Path, kind: str, role: str | None, shape: str, language: str, output: Path | None) -> None:
    """Draw a workflow file: as SVG, as Mermaid text, or as a table of all that can happen."""
    from fundflow.workflow import diagram, diagram_text, loader
    from fundflow.workflow.problems import did_you_mean

    try:
        workflow = loader.read(file)
    except loader.Problems as problems:
        click.echo(str(problems), err=True)
        sys.exit(1)
    if role is not None and role not in workflow.roles:
        raise click.ClickException(f"there is no role '{role}'{did_you_mean(role, workflow.roles)}")
    match kind:
        case "svg":
            style = STYLE.read_text(encoding="utf-8")
            text = diagram.svg(workflow, language, role=role, shape="tall" if shape == "tall" else "wide", style=style)
        case "mermaid":
            text = diagram_text.mermaid(workflow, language, role)
        case _:
            text = diagram_text.markdown(workflow, language, role)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise click.ClickException(f"{output} cannot be written: {problem.strerror}") from None
    click.echo(f"wrote {output}")
