"""What it costs a fund to change its rules: twenty changes that funds ask for, made to the large grant's file.

For each: the lines touched, whether the new file is checked without a finding, which of a slip that is easily made with
it is caught before publishing (by the checker, or by the examples), and what becomes of the live applications of a demo
when they move to it: how many move, are held or blocked, and how many are broken, that is: cannot be read, asked for
their next steps and verified afterwards.

    python bench/changes.py [part of a title]
"""

from __future__ import annotations

import difflib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FILE = "global_cities_fund.yaml"
Edit = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """One wish of a fund; `slip` are the edits of somebody who forgets or misspells something, and `says` what."""

    title: str
    edits: Sequence[Edit]
    slip: Sequence[Edit]
    says: str


def changes() -> list[Change]:
    """The twenty of them, as `changes.yaml` has them."""
    given = yaml.safe_load((Path(__file__).parent / "changes.yaml").read_text(encoding="utf-8"))

    def edits(listed: Iterable[dict[str, str]]) -> list[Edit]:
        return [(each["replace"], each["by"]) for each in listed]

    return [Change(each["title"], edits(each["edits"]), edits(each.get("slip", ())), each["says"]) for each in given]


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with every edit made, each at its one place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} places for {old[:80]!r}"
        text = text.replace(old, new)
    return text


def touched(old: str, new: str) -> int:
    """How many lines are written anew or taken away."""
    changes = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in changes if tag != "equal")


class Desk:
    """A copy of the fund's rules in a folder of its own, to be changed and asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workflows"
        shutil.copytree(ROOT / "workflows", self.folder)
        self.text = (self.folder / FILE).read_text(encoding="utf-8")

    def with_edits(self, *edits: Iterable[Edit]) -> str:
        text = self.text
        for some in edits:
            text = edited(text, some)
        (self.folder / FILE).write_text(text, encoding="utf-8")
        return text

    def asked(self) -> tuple[Any, list[str], list[str]]:
        """The workflow or None, what the checker says, and the examples that tell otherwise."""
        from fundflow.workflow import checker, examples, loader

        try:
            workflow = loader.read(self.folder / FILE, examples=True)
        except loader.Problems as problems:
            return None, [f"{each.code} in line {each.line}: {each.message}" for each in problems.problems], []
        found = [f"{each.code} in line {each.line}: {each.message}" for each in checker.check(workflow) if each.blocks]
        return workflow, found, [each.name for each in examples.run(workflow) if not each.passed]


def demo(folder: Path) -> Any:
    """A database with the live applications of the demo, most of them in another state."""
    from fundflow import seed
    from fundflow.app import create_app
    from fundflow.config import Settings

    settings = Settings(instance=folder / "instance", secret_key="only for this measurement, never else")
    app = create_app(settings)
    with app.app_context():
        from fundflow.db import Model, db, make_database_file

        make_database_file(settings.database)
        Model.metadata.create_all(db.engine)
        seed.load()
        db.session.close()
        db.engine.dispose()
    return settings


def moved(settings: Any, folder: Path, new: Any) -> str:
    """What becomes of the live applications when they move to the new version, in a copy of the database."""
    from fundflow.app import create_app
    from fundflow.db import db
    from fundflow.lifecycle import audit, commands, definitions, migrating
    from fundflow.lifecycle.actor import SYSTEM
    from fundflow.lifecycle.models import Application

    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(settings.instance, copy)
    app = create_app(type(settings)(instance=copy, secret_key=settings.secret_key))
    with app.app_context():
        old = definitions.find(f"{new.id}@1")
        plan = migrating.plan(old, new)
        counts = {kind: len(plan.of(kind)) for kind in ("moves", "held", "blocked")}
        if not counts["blocked"]:
            migrating.apply(plan)
        broken = 0
        for application in db.session.query(Application).all():
            workflow = definitions.get(application.definition_sha)
            stands = application.state in workflow.states and audit.verify(application.id).is_whole
            commands.available(application, SYSTEM)
            broken += not stands
        why = {str(reason.in_("en")) for line in plan.of("blocked") for reason in line.verdict.reasons}
        db.session.close()
        db.engine.dispose()
    told = f"{counts['moves']} move, {counts['held']} held, {counts['blocked']} blocked, {broken} broken"
    return told + "".join(f"\n      blocked: {each}" for each in sorted(why))


def main(part: str = "") -> None:
    """Make every change in turn, and print what it came to; the sums last."""
    with tempfile.TemporaryDirectory() as folder:
        desk, settings = Desk(Path(folder)), demo(Path(folder))
        caught = slips = lines = clean = broken = 0
        chosen = [change for change in changes() if part in change.title]
        for change in chosen:
            text = desk.with_edits(change.edits, [("\nversion: 1\n", "\nversion: 2\n")])
            count = touched(desk.text, text) - 1
            lines += count
            workflow, found, differ = desk.asked()
            print(f"\n{change.title}: {count} lines")
            clean += not found
            for each in found[:3]:
                print(f"   checker: {each}")
            if found[3:]:
                print(f"   checker: and {len(found) - 3} more")
            if differ:
                print(f"   examples that told otherwise and are changed along: {len(differ)}, e.g. {differ[0]!r}")
            if workflow is not None and not found:
                told = moved(settings, Path(folder), workflow)
                broken += int(re.search(r"(\d+) broken", told).group(1))  # type: ignore[union-attr]
                print(f"   live: {told}")
            if change.slip:
                slips += 1
                desk.with_edits(change.edits, [("\nversion: 1\n", "\nversion: 2\n")], change.slip)
                _, slipped, differing = desk.asked()
                fresh = [each for each in slipped if each not in found]
                news = [each for each in differing if each not in differ]
                caught += bool(fresh or news)
                by = f"checker, {fresh[0]}" if fresh else f"example {news[0]!r}" if news else "nothing"
                print(f"   slip ({change.says}): caught by {by}")
        print(
            f"\n{len(chosen)} changes: {lines} lines touched, {clean} clean at once, "
            f"{caught} of {slips} slips caught before publishing, {broken} live applications broken"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
