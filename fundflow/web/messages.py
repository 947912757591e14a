"""The catalogues of translations: `python -m fundflow.web.messages extract`, `compile` or `missing`.

`extract` brings every catalogue up to date with the code, the templates and the sentences of refusals; `compile` makes
what the running program reads, and does nothing where that is already right; `missing` lists what still lacks words.
"""

from __future__ import annotations

import ast
import contextlib
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.extract import extract_python
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGE = PROJECT / "fundflow"
CATALOGUES = PACKAGE / "translations"

# Lines of a catalogue's head that tell of one run and not of the words.
_PASSING = re.compile(
    r'^"(?:Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Generated-By):.*\n', re.MULTILINE
)

_refusals: set[str] = set()


def extract_code(
    source: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, Any, Any, Any]]:
    """For Babel: what a Python file marks for translation, and the sentence of every refusal class in it."""
    yield from extract_python(source, keywords, comment_tags, options)
    source.seek(0)
    if not _refusals:
        _refusals.update(_names_of_refusals())
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.ClassDef) and node.name in _refusals:
            # The same words as Refused.template() gives while the program runs.
            sentence = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            if sentence:
                yield node.lineno, None, sentence, []


def _names_of_refusals() -> set[str]:
    """Every class of the package that is a Refused, found without importing anything."""
    bases: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                named = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                bases.setdefault(node.name, set()).update(named)
    found = {"Refused"}
    while True:
        more = {name for name, its in bases.items() if its & found} - found
        if not more:
            return found
        found |= more


def extract() -> None:
    """Bring every catalogue up to date; translations that are no longer used are dropped."""
    with tempfile.TemporaryDirectory() as folder:
        template = str(Path(folder) / "messages.pot")
        gather(Path(template))
        for catalogue in _sources():
            language = catalogue.parent.parent.name
            update = ["--no-fuzzy-matching", "--ignore-obsolete", "--no-wrap", "--ignore-pot-creation-date"]
            _babel("update", "-i", template, "-d", str(CATALOGUES), "-l", language, *update)
            catalogue.write_text(_PASSING.sub("", catalogue.read_text(encoding="utf-8")).lstrip(), encoding="utf-8")


def gather(template: Path) -> None:
    """Write every message of code, templates and refusals to `template`, in the order of the alphabet.

    Without places or moments, so that nothing changes in a catalogue unless words do.
    """
    keywords = ["-k", "_l", "-k", "lazy_gettext", "-k", "lazy_ngettext:1,2", "-k", "_n:1,2"]
    form = ["--no-location", "--sort-output", "--no-wrap"]
    # The places in babel.cfg are relative to the project.
    with contextlib.chdir(PROJECT):
        _babel("extract", "-F", "babel.cfg", *keywords, *form, "-o", str(template), ".")


def _babel(command: str, *arguments: str) -> None:
    run: Any = CommandLineInterface().run
    run(["pybabel", "-q", command, *arguments])


def compile_all() -> int:
    """Compile each catalogue that is newer than what was made of it; the number compiled."""
    made = 0
    for source in _sources():
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file)
        fresh = target.with_suffix(".mo.new")
        with fresh.open("wb") as out:
            write_mo(out, catalogue)
        fresh.replace(target)
        made += 1
    return made


def missing() -> list[tuple[str, str]]:
    """What has no translation yet: (language, message)."""
    found = []
    for source in _sources():
        with source.open("rb") as file:
            catalogue = read_po(file)
        for message in catalogue:
            texts = message.string if isinstance(message.string, tuple | list) else [message.string]
            if message.id and (message.fuzzy or not all(texts)):
                found.append((source.parent.parent.name, message.id if isinstance(message.id, str) else message.id[0]))
    return found


def _sources() -> list[Path]:
    return sorted(CATALOGUES.glob("*/LC_MESSAGES/messages.po"))


def main(arguments: list[str]) -> int:
    """Run the one command that was named."""
    if arguments == ["extract"]:
        extract()
    elif arguments == ["compile"]:
        compile_all()
    elif arguments == ["missing"]:
        for language, message in missing():
            sys.stdout.write(f"{language}: {message}\n")
    else:
        sys.stderr.write("Usage: python -m fundflow.web.messages extract|compile|missing\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
