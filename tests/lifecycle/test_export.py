"""What an auditor takes home: checked by a script of its own, with nothing but Python, whatever was touched in it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundflow.db import canonical_json
from fundflow.lifecycle import anchors, export
from fundflow.lifecycle.models import Anchor, Application
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round

FILES = ("events.jsonl", "applications.jsonl", "anchors.jsonl", "definitions.jsonl")
Rows = list[dict[str, Any]]


@pytest.fixture
def anchored(app: Flask) -> Anchor:
    """Two applications, one with four events, and two anchors: one before its last event and one after."""
    focal = make.a_person()
    application = a_toy(a_toy_round(), applicant=focal, state="sent")
    a_toy()
    make.press(application, "return", make.a_person(groups=[make.MANAGERS]), reason="Zu kurz – “mehr” bitte.\u2028So.")
    anchors.make()
    make.press(application, "send", focal)
    last = anchors.make()
    assert last is not None
    return last


@pytest.fixture
def exported(anchored: Anchor, tmp_path: Path) -> Path:
    """A real export, unpacked."""
    kept = tmp_path / "trail.zip"
    with kept.open("wb") as out:
        assert export.write(out, sa.true(), fund="Test fund") == 2
    folder = tmp_path / "trail"
    with zipfile.ZipFile(kept) as whole:
        whole.extractall(folder)
    return folder


def verified(export: Path, *roots: str) -> tuple[int, str]:
    """What the script in the export itself answers, run by an interpreter that has nothing installed."""
    script = export / "verify.py" if export.is_dir() else export.with_suffix("") / "verify.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), str(export), *roots], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_the_script_is_short_and_knows_nothing_of_fundflow() -> None:
    text = export.VERIFIER.read_text()
    assert len(text.splitlines()) < 150
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {getattr(node, "module", None) or alias.name for node in imports for alias in node.names}
    assert named <= sys.stdlib_module_names


def test_an_export_holds_zipped_and_unpacked_and_with_the_mailed_root(exported: Path, anchored: Anchor) -> None:
    for each in (exported, exported.with_suffix(".zip")):
        code, says = verified(each, anchored.root, anchored.previous)
        assert code == 0, says
        assert says.splitlines() == [
            "2 applications, 5 events, 0 payloads erased",
            f"2 anchors, the last root is {anchored.root}",
            "every chain holds",
        ]
    assert "python3 verify.py" in (exported / "README.txt").read_text()


def test_one_application_can_be_exported_alone(anchored: Anchor, tmp_path: Path) -> None:
    with (tmp_path / "one.zip").open("wb") as out:
        assert export.write(out, Application.revision == 4, fund="Test fund") == 1
    with zipfile.ZipFile(tmp_path / "one.zip") as whole:
        whole.extractall(tmp_path / "one")
    code, says = verified(tmp_path / "one", anchored.root)
    assert code == 0 and "1 applications, 4 events" in says


def test_a_root_that_was_mailed_and_is_gone_is_told(exported: Path) -> None:
    code, says = verified(exported, "0" * 64)
    assert code == 1 and "the mailed root 0000" in says


def edit(folder: Path, name: str, change: Callable[[Rows], Any]) -> None:
    """Change rows as somebody would who knows the format."""
    path = folder / name
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    change(rows)
    path.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")


def longest(rows: Rows) -> Rows:
    """The events of the application that has four."""
    (own,) = {row["application"] for row in rows if row["seq"] == 4}
    return [row for row in rows if row["application"] == own]


def swap(rows: Rows) -> None:
    own = longest(rows)
    one, other = rows.index(own[1]), rows.index(own[2])
    rows[one], rows[other] = rows[other], rows[one]


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("events.jsonl", lambda rows: longest(rows)[2]["payload"].update(reason="Fine."), "event 3: what was said"),
        ("events.jsonl", lambda rows: longest(rows)[2].update(actor=None), "event 3: it was altered"),
        ("events.jsonl", lambda rows: longest(rows)[2].update(payload=None, salt=None), "is gone without being erased"),
        ("events.jsonl", lambda rows: longest(rows)[2].update(salt="0" * 32), "event 3: what was said"),
        ("events.jsonl", lambda rows: rows.remove(longest(rows)[1]), "event 3: it stands behind event 1"),
        ("events.jsonl", lambda rows: rows.remove(longest(rows)[3]), "does not stand where its last event left it"),
        ("events.jsonl", swap, "event 3: it stands behind event 1"),
        ("events.jsonl", lambda rows: longest(rows)[1]["body"].update(roles=["director"]), "event 2: it was altered"),
        ("events.jsonl", list.clear, "does not stand where its last event left it"),
        ("applications.jsonl", lambda rows: rows[0].update(state="granted"), "does not stand where"),
        ("applications.jsonl", lambda rows: rows[0].update(number="XX-1"), "it is not the start of XX-1"),
        ("applications.jsonl", lambda rows: rows.pop(), "does not stand where"),
        ("anchors.jsonl", lambda rows: rows[0].update(root="0" * 64), "what it says does not give its root"),
        ("anchors.jsonl", lambda rows: rows[0].update(made_at="2020-01-01"), "what it says does not give its root"),
        ("anchors.jsonl", lambda rows: rows[1]["leaves"].clear(), "its heads do not give its tree"),
        ("anchors.jsonl", lambda rows: rows.pop(0), "it does not follow the anchor before it"),
        ("anchors.jsonl", list.reverse, "it does not follow the anchor before it"),
        ("definitions.jsonl", lambda rows: rows[0]["files"].update(more=""), "they were altered"),
    ],
)
def test_whatever_was_touched_is_found(exported: Path, name: str, change: Callable[[Rows], Any], says: str) -> None:
    edit(exported, name, change)
    code, said = verified(exported)
    assert code == 1 and says in said, said


def test_a_removed_end_with_a_rewritten_head_is_found_by_the_anchor(exported: Path) -> None:
    """Nothing but the anchor can tell: the chain that is left is whole."""
    kept: Rows = []

    def cut(rows: Rows) -> None:
        kept.extend(longest(rows))
        rows.remove(kept[3])

    def rewrite(rows: Rows) -> None:
        (row,) = [row for row in rows if row["revision"] == 4]
        row.update(state=kept[2]["to"], revision=3, head=kept[2]["hash"])

    edit(exported, "events.jsonl", cut)
    edit(exported, "applications.jsonl", rewrite)
    code, says = verified(exported)
    assert code == 1
    assert [line for line in says.splitlines() if "event" in line and "anchor" in line and "saw on" in line]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_single_bit_of_an_export_can_change(exported: Path, name: str, at: float, bit: int) -> None:
    path = exported / name
    whole = path.read_bytes()
    touched = bytearray(whole)
    touched[int(at * len(whole))] ^= 1 << bit
    path.write_bytes(touched)
    try:
        code, says = verified(exported)
        assert code == 1, (name, int(at * len(whole)), bit, says)
    finally:
        path.write_bytes(whole)
