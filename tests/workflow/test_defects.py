"""Every seeded defect is found on its line, with its sentence, and nothing else is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fundflow.workflow import checker, loader
from fundflow.workflow.checker.codes import BY_ID
from tests.workflow import seeded
from tests.workflow.seeded import Defect

ELSEWHERE = {"FF204"}
"""What the check does not find: `fundflow mutate` does, with the examples of the file."""


@pytest.mark.parametrize("path", seeded.every(), ids=lambda path: path.stem)
def test_the_defect_is_found_where_it_was_made_and_nothing_else_is_said(path: Path) -> None:
    defect = Defect(path)
    found = defect.found()
    assert seeded.hits(defect), f"wanted {defect.file}:{defect.line} {defect.code} {defect.says}, found:\n" + (
        "\n".join(map(str, found)) or "nothing"
    )
    assert {each.code for each in found if each.blocks} - {defect.code} == defect.also


@pytest.mark.parametrize("name", sorted({Defect(path).given["base"] for path in seeded.every()}))
def test_the_base_has_none(name: str) -> None:
    workflow = loader.load(seeded.base(name), f"{name}.yaml")
    told = Defect(seeded.FOLDER / "FF180.yaml").context(workflow)
    earlier = replace(told, earlier=(workflow,))
    for context in (checker.Context(), told, earlier):
        assert [str(each) for each in checker.check(workflow, context) if each.blocks] == []


def test_every_code_has_a_defect() -> None:
    assert BY_ID.keys() - {Defect(path).code for path in seeded.every()} == ELSEWHERE
