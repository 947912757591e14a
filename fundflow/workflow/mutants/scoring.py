"""Each change tried: does the loader or the checker refuse it, does an example fail, or does nobody notice?

A change that means the same as the file is not counted. Refuses to score a file that does not load, or whose examples
fail already: then nothing could be told apart.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fundflow.workflow import checker, format, loader
from fundflow.workflow.definition import Role, Workflow
from fundflow.workflow.examples import Result, run
from fundflow.workflow.examples.running import Run
from fundflow.workflow.mutants.operators import Mutant, mutants
from fundflow.workflow.mutants.tree import GONE, changed
from fundflow.workflow.names import Names
from fundflow.workflow.source import Source
from fundflow.workflow.source import read as read_source

NO_RULES = ("examples", "accept")
"""Parts of the file that say nothing about what the rules are."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who noticed a change; `is_same` where it means what the file means, and nobody could."""

    operator: str
    line: int
    text: str
    by_checker: bool = False
    by_examples: bool = False
    is_same: bool = False

    @property
    def survives(self) -> bool:
        return not (self.by_checker or self.by_examples or self.is_same)


@dataclass(frozen=True, slots=True)
class Score:
    """What came of all changes."""

    file: str
    verdicts: tuple[Verdict, ...]

    @property
    def counted(self) -> list[Verdict]:
        """Those that mean something else than the file."""
        return [each for each in self.verdicts if not each.is_same]

    @property
    def by_checker(self) -> int:
        return sum(each.by_checker for each in self.counted)

    @property
    def by_examples(self) -> int:
        return sum(each.by_examples for each in self.counted)

    @property
    def killed(self) -> int:
        return sum(not each.survives for each in self.counted)

    @property
    def survivors(self) -> list[Verdict]:
        """What nobody noticed, by line."""
        return sorted((v for v in self.counted if v.survives), key=lambda v: (v.line, v.operator))

    def share(self, count: int) -> float:
        """So many of those that count, as a part of a hundred."""
        return 100.0 * count / len(self.counted) if self.counted else 100.0

    def by_operator(self) -> dict[str, tuple[int, int]]:
        """How many were killed and how many there were, by kind of change."""
        all_, killed = Counter[str](), Counter[str]()
        for each in self.counted:
            all_[each.operator] += 1
            killed[each.operator] += not each.survives
        return {name: (killed[name], count) for name, count in all_.items()}


class ExamplesFail(Exception):
    """The examples fail already."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.results = [result for result in results if not result.passed]
        super().__init__(self.results)


class Subject:
    """A workflow file with its examples, ready to be changed; one for each process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.workflow = loader.read(path, examples=True)
        results = run(self.workflow)
        if any(not result.passed for result in results):
            raise ExamplesFail(results)
        text = self.workflow.files[self.workflow.main]
        self.lines = text.splitlines()
        self.source = read_source(self.workflow.main, text)
        self.data = {name: part for name, part in self.source.data.items() if name not in NO_RULES}
        self._known = self._told(self.workflow)
        self._meaning = meaning(self.workflow)

    @cached_property
    def mutants(self) -> Sequence[Mutant]:
        """Every change there is, in the order of the operators."""
        return list(mutants(self.data))

    def try_(self, mutant: Mutant) -> Verdict:
        """Make one change and see who notices."""
        line = self.source.place(mutant.path, key=True)[0]
        verdict = Verdict(mutant.operator, line, self.lines[line - 1].strip() if line <= len(self.lines) else "")
        data = changed(self.data, mutant.path, mutant.value)
        if data is GONE:
            return replace(verdict, by_checker=True)
        workflow, is_refused = self._load(data)
        if is_refused and not workflow.states:
            return replace(verdict, by_checker=True)
        if not is_refused and meaning(workflow) == self._meaning:
            return replace(verdict, is_same=True)
        by_checker = is_refused or bool(self._told(workflow) - self._known)
        return replace(verdict, by_checker=by_checker, by_examples=not is_refused and self._fails(workflow))

    def _load(self, data: Any) -> tuple[Workflow, bool]:
        """The workflow of these values, and whether the loader refuses them."""
        source = Source(self.source.file, data, self.source.values, self.source.keys, self.source.quoted)
        names = Names(source, self.workflow.files.get, self.workflow.main, None, forms_read=self.workflow.forms)
        workflow = loader.built(names)
        if not source.problems:
            loader.misshapen(source, format.Workflow)
        return workflow, bool(source.problems)

    def _told(self, workflow: Workflow) -> set[tuple[str, str]]:
        return {(each.code, each.message) for each in checker.check(workflow)}

    def _fails(self, workflow: Workflow) -> bool:
        """Whether an example is not as it says any more; the first that is not is enough."""
        told = Run(workflow, self.workflow.examples)
        return any(not told.result(example.name).passed for example in self.workflow.examples)


def meaning(workflow: Workflow) -> Workflow:
    """The workflow without what says nothing about its rules: two that mean the same are equal.

    Whoever may change a form may read it, so reading it as well adds nothing; being on the team, or declaring a
    conflict, keeps a reviewer from a case whatever the file names; and whoever is named is of the group that they are
    named from, so that what is kept apart from the group is kept apart from them.
    """
    roles = {
        name: replace(
            role, never_also=frozenset(each for each in role.never_also if not _is_covered(workflow, role, each))
        )
        for name, role in workflow.roles.items()
    }
    states = {
        name: replace(
            state,
            view={
                role: kept
                for role, given in state.view.items()
                if (kept := tuple(sorted({*given} - {*state.edit.get(role, ())})))
            },
        )
        for name, state in workflow.states.items()
    }
    reviews = {
        name: replace(review, conflicts=tuple(sorted({*review.conflicts} - {"declared", "same_organisation"})))
        for name, review in workflow.reviews.items()
    }
    nothing: dict[str, Any] = {"files": {}, "places": {}, "sha256": "", "examples_file": None, "templates": {}}
    return replace(workflow, roles=roles, states=states, reviews=reviews, accepted=(), **nothing)


def _is_covered(workflow: Workflow, role: Role, name: str) -> bool:
    """Whether a role is kept apart from another already by being so from the group that the other is named from."""
    named = workflow.roles.get(name)
    groups = {each.group for one in role.never_also if (each := workflow.roles.get(one)) and each.kind == "group"}
    return named is not None and named.kind == "field" and named.group in groups


def score(path: Path, *, sample: int = 0, seed: int = 0, jobs: int = 1) -> Score:
    """Try every change of a file, or so many drawn by a seed, in so many processes.

    loader.Problems where the file does not load, ExamplesFail where an example fails before anything is changed.
    """
    subject = Subject(path)
    chosen = list(range(len(subject.mutants)))
    if 0 < sample < len(chosen):
        chosen = sorted(random.Random(seed).sample(chosen, sample))  # noqa: S311 - drawn, not kept secret
    if jobs <= 1:
        return Score(str(path), tuple(subject.try_(subject.mutants[number]) for number in chosen))
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(path,)) as pool:
        return Score(str(path), tuple(pool.map(_try, chosen, chunksize=8)))


_mine: list[Subject] = []
"""The subject of this process."""


def _begin(path: Path) -> None:
    _mine[:] = [Subject(path)]


def _try(number: int) -> Verdict:
    return _mine[0].try_(_mine[0].mutants[number])
