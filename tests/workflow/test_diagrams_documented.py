"""docs/diagrams.md shows what is drawn now, and names every format, sign and option there is."""

from __future__ import annotations

import re
import shlex

import pytest

from fundflow.cli import main
from fundflow.cli.drawing import MODELS, PICTURES, STYLE
from fundflow.config import ROOT
from fundflow.workflow import diagram, loader
from fundflow.workflow.layout import Shape

PAGE = (ROOT / "docs" / "diagrams.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("image", "workflow", "role", "shape"),
    [
        ("global-cities-fund", "global_cities_fund", None, "wide"),
        ("small-grant-applicant", "small_grant", "applicant", "tall"),
    ],
)
def test_the_pictures_of_the_documentation_are_of_the_files_as_they_are(
    image: str, workflow: str, role: str | None, shape: Shape
) -> None:
    drawn = diagram.svg(
        loader.read(ROOT / "workflows" / f"{workflow}.yaml"), "en", role=role, shape=shape, style=STYLE.read_text()
    )
    words = f"fundflow draw workflows/{workflow}.yaml --shape {shape}{f' --role {role}' if role else ''}"
    kept = ROOT / "docs" / "images" / f"{image}.svg"
    assert kept.read_text(encoding="utf-8") == drawn, f"draw it again: {words} -o docs/images/{image}.svg"


def test_every_format_and_option_is_told_and_every_command_has_only_options_that_exist() -> None:
    assert all(f"`{kind}`" in PAGE for kind in (*PICTURES, *MODELS))
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
    told = [shlex.split(line)[1:] for line in commands if line.startswith("fundflow ")]
    assert len(told) >= 7
    for name, *words in told:
        options = {option for parameter in main.commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, (name, words)
    for option in ("--role", "--shape", "--child", "--of", "--hide-from", "--ended"):
        assert option in PAGE
