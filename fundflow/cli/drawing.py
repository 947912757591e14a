"""Drawing workflows: as pictures and tables for people, as models for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fundflow.cli.group import languages, main, write

STYLE = Path(__file__).parents[1] / "web" / "static" / "css" / "flow.css"
PICTURES, MODELS = ("svg", "mermaid", "table"), ("bpmn", "pnml")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice([*PICTURES, *MODELS]), default="svg", show_default=True)
@click.option("--role", help="Only what this role of the workflow is shown, with what it may do itself pointed out.")
@click.option("--shape", type=click.Choice(["wide", "tall"]), default="wide", help="Phases beside or below each other.")
@click.option("--child", metavar="KIND", help="For pnml: the model of one child of this kind instead.")
@click.option("--language", default="en", show_default=True, callback=languages)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; standard output if not given.",
)
def draw(
    file: Path, kind: str, role: str | None, shape: str, child: str | None, language: str, output: Path | None
) -> None:
    """Draw a workflow file: as SVG, Mermaid or a table to read, as BPMN or PNML for other programs."""
    from fundflow.workflow import bpmn, diagram, diagram_text, loader, net, pnml
    from fundflow.workflow.problems import did_you_mean

    try:
        workflow = loader.read(file)
    except loader.Problems as problems:
        click.echo(str(problems), err=True)
        sys.exit(1)
    if role is not None and role not in workflow.roles:
        raise click.ClickException(f"there is no role '{role}'{did_you_mean(role, workflow.roles)}")
    if child is not None and child not in workflow.children:
        raise click.ClickException(f"there is no child '{child}'{did_you_mean(child, workflow.children)}")
    if (role is not None and kind in MODELS) or (child is not None and kind != "pnml"):
        raise click.UsageError("--role goes with svg, mermaid and table, --child with pnml")
    match kind:
        case "svg":
            style = STYLE.read_text(encoding="utf-8")
            text = diagram.svg(workflow, language, role=role, shape="tall" if shape == "tall" else "wide", style=style)
        case "mermaid":
            text = diagram_text.mermaid(workflow, language, role)
        case "table":
            text = diagram_text.markdown(workflow, language, role)
        case "bpmn":
            text = bpmn.written(workflow, language)
        case _ if child is not None:
            text = pnml.written(net.net_of_child(workflow.children[child], language))
        case _:
            text = pnml.written(net.net_of(workflow, language))
    if output is None:
        click.echo(text, nl=False)
        return
    write(text, output)
