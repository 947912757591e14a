"""The registry of codes, the source that gives them and the page about them say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fundflow.cli import main
from fundflow.config import ROOT
from fundflow.workflow.checker.codes import BY_ID, Code, explain, page


def raised() -> dict[str, list[Path]]:
    """Where each code stands in the source, but for the registry itself."""
    found: dict[str, list[Path]] = {}
    for path in sorted((ROOT / "fundflow").rglob("*.py")):
        if "explained" not in path.parts:
            for code in re.findall(r'"(FF\d{3})"', path.read_text(encoding="utf-8")):
                found.setdefault(code, []).append(path)
    return found


def test_every_code_in_the_source_is_registered_and_the_other_way_round() -> None:
    found = raised()
    assert len(found) > 90
    assert found.keys() - BY_ID.keys() == set(), "describe these in fundflow/workflow/checker/explained"
    assert BY_ID.keys() - found.keys() == set(), "nothing gives these any more"


@pytest.mark.parametrize("code", BY_ID.values(), ids=lambda code: code.id)
def test_every_code_says_why_how_to_mend_it_and_shows_one(code: Code) -> None:
    for said in (code.why, code.mend):
        assert len(said) > 15 and said[0].isupper() and said.endswith("."), said
    assert code.title and not code.title.endswith(".")
    assert code.example.strip() == code.example
    assert all(len(line) <= 120 for line in code.example.splitlines())
    assert code.id in explain(code) and code.mend in explain(code)


def test_the_page_is_what_the_checker_says() -> None:
    written = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert written == page(), "make it anew: fundflow check --page > docs/checks.md"
    assert all(f"### {code} " in written for code in BY_ID)


def test_one_code_is_explained_on_request_and_a_wrong_one_is_a_wrong_call() -> None:
    done = CliRunner().invoke(main, ["check", "--explain", "ff164"])
    assert done.exit_code == 0 and done.output == explain(BY_ID["FF164"]) + "\n"
    wrong = CliRunner().invoke(main, ["check", "--explain", "FF1643"])
    assert wrong.exit_code == 2 and "did you mean 'FF164'?" in wrong.output
    assert CliRunner().invoke(main, ["check"]).exit_code == 2
