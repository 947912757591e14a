"""Questions to Z3, which proves that no facts make conditions hold; what it finds counts only if it is confirmed.

Its own count of its work bounds every query, so that the same question gets the same answer on every machine.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from fundflow.workflow.checker.facts import facts_in, nested
from fundflow.workflow.checker.questions import (
    NEVER,
    UNDECIDED,
    Answer,
    Found,
    Question,
    Search,
    Test,
    Work,
    about,
    is_so,
    plainly,
)
from fundflow.workflow.checker.translation import Translation
from fundflow.workflow.checker.variables import micros
from fundflow.workflow.expressions import Expression

try:
    import z3
except ImportError:  # the extra `prove` is not installed
    z3 = None

COST = 2_000
"""What a query counts among the steps of the checker, beside what Z3 itself may spend."""
RESOURCES = 200_000
"""Z3's own count of its work for one query: a quarter of a second at most, and the same on every machine."""
EACH = 4
"""So much of it counts as one step of the checker."""
PATIENCE = 300
"""Milliseconds for one query, should its count run slower than it should."""
_ORDINARY, _ORDINARY_DAY = micros(datetime(2200, 1, 1, tzinfo=UTC)), date(2200, 1, 1).toordinal()
"""Nobody enters a later date."""


def is_installed() -> bool:
    return z3 is not None


def ask(question: Question, tests: Sequence[Test], work: Work) -> Answer:
    """NEVER where Z3 refutes the tests, facts where our evaluator confirms what it found, else UNDECIDED."""
    if z3 is None or not work.spend(COST):
        return UNDECIDED
    work.solved += 1
    translation = Translation(question.currency, facts_in([each for each, _ in tests]))
    parts = [translation.holds(each) if wanted else translation.fails(each) for each, wanted in tests]
    parts += [translation.is_value(path, value) for path, value in question.fixed.items()]
    solver = _solver()
    solver.add(*translation.bounds, *parts)
    verdict = _checked(solver, work)
    if verdict == z3.unsat:
        return NEVER
    if verdict != z3.sat:
        return UNDECIDED
    values = translation.values(solver.model())
    facts = nested(values, question.zone)
    try:
        if all(is_so(each, wanted, facts) for each, wanted in tests):
            return Found(values)
    except (KeyError, TypeError):  # a list that the model says nothing about
        pass
    return Search(replace(question, fixed={**values, **question.fixed}), tests, work).run() or UNDECIDED


def _solver() -> Any:
    solver = z3.Solver()
    solver.set("rlimit", RESOURCES)
    solver.set("timeout", PATIENCE)
    return solver


def _checked(solver: Any, work: Work) -> Any:
    """Z3's verdict, and its own count of what that cost taken from the work."""
    before = _count(solver)
    verdict = solver.check()
    work.spend((_count(solver) - before) // EACH)
    return verdict


def _count(solver: Any) -> int:
    statistics = solver.statistics()
    return int(statistics.get_key_value("rlimit count")) if "rlimit count" in statistics.keys() else 0  # noqa: SIM118


def always_opens(
    question: Question, exits: Sequence[Sequence[Expression]], lasting: Collection[str], work: Work
) -> bool:
    """Z3 proves: whatever the `lasting` facts are (as far as the question allows them), the others open an exit."""
    if z3 is None or not work.spend(COST):
        return False
    work.solved += 1
    everything = [each for exit_ in exits for each in exit_]
    read = {path for each in everything for path in each.reads}
    given = list(about(question.given, read))
    translation = Translation(question.currency, facts_in([*given, *everything]))
    ways = [z3.And([translation.holds(each) for each in exit_]) for exit_ in exits]
    if translation.free or translation.fresh:
        return False
    natural = [translation.holds(each) for each in given]
    natural += [translation.is_value(path, value) for path, value in question.fixed.items()]
    changing = [
        one
        for path, term in translation.facts.items()
        if path not in lasting
        for one in (term.value, *(() if term.null is None else (term.null,)))
    ]
    in_time = {
        path: term.value <= (_ORDINARY if term.kind == "instant" else _ORDINARY_DAY)
        for path, term in translation.facts.items()
        if term.kind in ("date", "instant") and path not in question.fixed
    }
    solver = _solver()
    solver.add(*[translation.is_value(path, value) for path, value in question.fixed.items()])
    # What bounds the variables bounds those of the quantifier too, so it stands on both sides.
    solver.add(*translation.bounds)
    natural += translation.bounds
    closed = z3.Implies(z3.And(*natural, *in_time.values()), z3.Not(z3.Or(ways)))
    solver.add(*[translation.holds(each) for each in given if each.reads <= {*lasting, *plainly(given)}])
    solver.add(*[each for path, each in in_time.items() if path in lasting])
    solver.add(z3.ForAll(changing, closed) if changing else closed)
    return bool(_checked(solver, work) == z3.unsat)
