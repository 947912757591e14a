"""The seeded defects: one small edit of a sound workflow each, with the code, the line and the sentence to be found.

Each file in `defects/` names its `base` and its `edits`: in the file `in` (the workflow itself, where nothing else is
said) the text `replace` becomes `by` where it first stands, or `by` is put `before` a
text (`repeat` times, numbered {n}), or is a new file. `at` are the words that stand on the line of the finding,
`says` is in its sentence, `also` lists what follows from the same defect. `with` tells what the checker hears beside
the file. As a program it counts: `python -m tests.workflow.seeded`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fundflow.config import ROOT
from fundflow.workflow import checker, loader
from fundflow.workflow.checker import Context, Directory, Installation, Life, Printed
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem, Problems

FOLDER = Path(__file__).parent / "defects"
GIVEN = frozenset("number title city round requested reason by at due_at input link name fund site zone".split())
"""What messages are given, and all that the messages of a seeded installation print but for what is said."""


@cache
def base(name: str) -> Mapping[str, str]:
    """A shipped workflow with its forms, by path below `workflows/`."""
    folder = ROOT / "workflows"
    main = loader.read(folder / f"{name}.yaml")
    return dict(main.files)


class Defect:
    """One of them, read."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.code = path.stem[:5]
        self.given: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.main = f"{self.given['base']}.yaml"
        self.files = self._edited(self.given["edits"])
        self.file: str = self.given.get("in", self.main)
        self.says: str = self.given["says"]
        self.also: set[str] = set(self.given.get("also", ()))

    @property
    def line(self) -> int:
        """The line on which the finding stands: that of the first place of the words."""
        text, at = self.files[self.file], str(self.given["at"])
        assert at in text, f"{self.name}: {at!r} stands nowhere in {self.file}"
        return text[: text.index(at)].count("\n") + 1

    def _edited(self, edits: list[dict[str, Any]]) -> dict[str, str]:
        files = dict(base(self.given["base"]))
        for edit in edits:
            file = edit.get("in", self.main)
            by = "".join(edit["by"].replace("{n}", str(n + 1)) for n in range(edit.get("repeat", 1)))
            if "before" in edit:
                assert edit["before"] in files[file], f"{self.name}: {edit['before']!r} stands nowhere in {file}"
                files[file] = files[file].replace(edit["before"], by + edit["before"], 1)
                continue
            if "replace" not in edit:
                assert file not in files, f"{self.name}: {file} is there already"
                files[file] = by
                continue
            assert edit["replace"] in files[file], f"{self.name}: {edit['replace']!r} stands nowhere in {file}"
            files[file] = files[file].replace(edit["replace"], by, 1)
        return files

    def found(self) -> list[Problem]:
        """Everything that loader or checker say of it."""
        try:
            workflow = loader.load(self.files, self.main, examples="examples" in (self.given.get("with") or ()))
        except Problems as problems:
            return problems.problems
        return checker.check(workflow, self.context(workflow))

    def context(self, workflow: Workflow) -> Context:
        told: dict[str, Any] = self.given.get("with") or {}
        context = Context(today=date.fromisoformat(str(told.get("today", "2026-11-23"))))
        if "solver" in told:
            context = replace(context, may_use_solver=told["solver"])
        if "directory" in told:
            groups = {name: frozenset(people) for name, people in told["directory"].items()}
            context = replace(context, directory=Directory(groups=groups, team=frozenset({"zoe"}), duties=_DUTIES))
        if "installation" in told:
            context = replace(context, installation=_installation(workflow, told["installation"] or {}))
        if "earlier" in told:
            old = loader.load(self._edited(told["earlier"] or []), self.main)
            life = Life(**{**(told.get("life") or {}), "rounds": tuple(told.get("rounds", ()))})
            context = replace(context, earlier=(old,), life={old.sha256: life}, acted=told.get("acted", {}))
        return context


_DUTIES = {"signatory": frozenset({"zoe"}), "focal_point": frozenset({"zoe"}), "finance_officer": frozenset({"zoe"})}


def _installation(workflow: Workflow, told: Mapping[str, Any]) -> Installation:
    """One that has all that the base names, in every language; but for what is told of it."""
    spoken = frozenset(workflow.languages)
    messages = {name: Printed(languages=spoken, given=GIVEN) for name in _named(base_of(workflow))}
    messages |= {name: _printed(said, spoken) for name, said in told.get("messages", {}).items()}
    documents = {
        "agreement": Printed(languages=spoken, prints=frozenset({"requested", "starts_on", "ends_on"})),
        "award_letter": Printed(languages=spoken, prints=frozenset({"requested", "starts_on", "ends_on"})),
        "amendment": Printed(languages=spoken, prints=frozenset({"ends_on"}), asks=frozenset({"date"})),
        "countersigned_agreement": Printed(languages=spoken),
        "plan_amendment": Printed(languages=spoken),
        "closing_letter": Printed(languages=spoken, prints=frozenset({"spent", "people_reached"})),
        "rejection_letter": Printed(languages=spoken),
        "termination_letter": Printed(languages=spoken),
        "statement_of_reasons": Printed(languages=spoken),
    }
    effects = {"notify", "document", "ledger", "set", "children", "child", "cancel", "rearm"} - set(
        told.get("without", ())
    )
    return Installation(effects=frozenset(effects), messages=messages, documents=documents)


def _printed(said: Mapping[str, Any], spoken: frozenset[str]) -> Printed:
    reads = frozenset(said.get("reads", ()))
    languages = frozenset(said.get("languages", spoken))
    return Printed(languages=languages, given=GIVEN, reads=reads, prints=reads | set(said.get("prints", ())))


def base_of(workflow: Workflow) -> Workflow:
    name = workflow.main.removesuffix(".yaml")
    return loader.load(base(name), workflow.main)


def _named(workflow: Workflow) -> set[str]:
    found = {effect.notify for step in workflow.every_transition() for effect in step.do if effect.notify}
    for timer in workflow.timers.values():
        found |= {name for name in (timer.remind_with, timer.overdue_with) if name}
        found |= {timer.escalate.template} if timer.escalate else set()
    return found


def every() -> list[Path]:
    """All of them, by code."""
    return sorted(FOLDER.glob("FF*.yaml"))


def hits(defect: Defect) -> list[Problem]:
    """The findings that are the one looked for."""
    return [
        each
        for each in defect.found()
        if (each.code, each.file, each.line) == (defect.code, defect.file, defect.line) and defect.says in each.message
    ]


def main() -> None:
    defects = [Defect(path) for path in every()]
    found = [each for each in defects if hits(each)]
    for each in defects:
        if each not in found:
            print(f"not found: {each.name}")
    print(f"seeded defects: {len(found)} of {len(defects)}, {len({each.code for each in defects})} codes")


if __name__ == "__main__":
    main()
