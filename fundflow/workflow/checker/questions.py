"""Questions about conditions: are there facts under which these hold and those fail? Answered by trying and by proof.

First values are tried, which finds most facts at once and by our own evaluator; only then, and only if it is installed,
Z3 proves that there are none. What neither settles is undecided, and never passed over.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.money import MixedCurrencies, Money
from fundflow.workflow.checker.facts import Pools, facts_in, nested
from fundflow.workflow.expressions import Expression
from fundflow.workflow.expressions.nodes import Constant, path_of, write


@dataclass(frozen=True, slots=True)
class Found:
    """Facts, by path, under which it is so."""

    values: Mapping[str, Any]

    def example(self, most: int = 4) -> tuple[tuple[str, str], ...]:
        """The first few as a person would write them; not the present moment, which nobody chooses."""
        shown = [(path, _shown(value)) for path, value in self.values.items() if path not in ("now", "today")]
        return tuple(shown[:most])


def told(example: Sequence[tuple[str, str]]) -> str:
    """``, e.g. when round.cap = 0.00 EUR, application.requested = 0.01 EUR``, or nothing."""
    return f", e.g. when {', '.join(f'{path} = {value}' for path, value in example)}" if example else ""


def _shown(value: Any) -> str:
    match value:
        case Money():
            return str(value)
        case tuple() if not value:
            return "none"
        case tuple():
            return f"[{', '.join(_shown(one) for one in value)}]"
        case Mapping():
            return f"({', '.join(f'{name}: {_shown(one)}' for name, one in value.items())})"
    return write(Constant(value, 0))


NEVER, UNDECIDED = "never", "undecided"
Answer = Found | str
"""Facts, or NEVER (there are none), or UNDECIDED."""


@dataclass
class Work:
    """How many steps may still be taken, counted and not timed, over all questions on one workflow."""

    left: int
    may_use_solver: bool = True
    spent: int = 0
    asked: int = 0
    solved: int = 0
    """How many questions went to the solver."""

    def spend(self, steps: int = 1) -> bool:
        """Take steps; False where there are none left."""
        self.left -= steps
        self.spent += steps
        return self.left > 0


@dataclass(frozen=True, slots=True)
class Question:
    """Are there facts under which all of `holds` hold and all of `fails` fail, as long as `given` is so?

    A condition on a required answer fails where the answer is not there, but not among `fails`: what always holds may
    count on it. `fixed` are values that are known already.
    """

    holds: tuple[Expression, ...]
    fails: tuple[Expression, ...] = ()
    given: tuple[Expression, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    currency: str = "EUR"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def relevant(self) -> tuple[Expression, ...]:
        """Of `given`, what speaks about nothing but the facts in question."""
        return tuple(about(self.given, {path for each in (*self.holds, *self.fails) for path in each.reads}))

    @property
    def tests(self) -> list[Test]:
        """Everything that must hold or fail."""
        return [
            *((each, True) for each in (*self.relevant, *self.holds)),
            *((each, False) for each in self.fails),
        ]


def about(given: Sequence[Expression], paths: Collection[str]) -> Iterator[Expression]:
    """What of `given` speaks about nothing but these paths and what is plainly given, such as a complete form."""
    known = {*paths, *plainly(given)}
    yield from (each for each in given if each.reads <= known and not each.reads.isdisjoint(paths))
    yield from (each for each in given if each.reads <= known - set(paths) and path_of(each.node) is not None)


def plainly(given: Sequence[Expression]) -> list[str]:
    """The paths that `given` says are true, without any condition."""
    return [path for each in given if (path := path_of(each.node)) is not None]


Test = tuple[Expression, bool]
"""An expression, and whether it shall hold."""


def ask(question: Question, work: Work) -> Answer:
    """The answer; UNDECIDED where the work is used up, or where neither trying nor the solver can tell."""
    work.asked += 1
    if work.left <= 0:
        return UNDECIDED
    values: dict[str, Any] = {}
    open_: list[list[Test]] = []
    for tests in apart(question.tests):
        search = Search(question, tests, work)
        found = search.run()
        if found is not None:
            values |= found.values
        elif search.is_complete:
            return NEVER
        else:
            open_.append(tests)
    for tests in open_:
        answer = _solved(question, tests, work)
        if not isinstance(answer, Found):
            return answer
        values |= answer.values
    return Found(values)


def _solved(question: Question, tests: list[Test], work: Work) -> Answer:
    if not work.may_use_solver or work.left <= 0:
        return UNDECIDED
    from fundflow.workflow.checker import solver

    return solver.ask(question, tests, work)


def apart(tests: Sequence[Test]) -> list[list[Test]]:
    """Tests in groups that share no fact, so that each group can be answered alone; in their order."""
    groups: list[tuple[set[str], list[int]]] = []
    for number, (expression, _) in enumerate(tests):
        paths = {"now" if path == "today" else path for path in expression.reads}
        touched = [group for group in groups if group[0] & paths]
        groups = [group for group in groups if not group[0] & paths]
        merged = sorted([number, *(one for _, numbers in touched for one in numbers)])
        groups.append((paths.union(*(group[0] for group in touched)), merged))
    return [[tests[number] for number in numbers] for _, numbers in sorted(groups, key=lambda group: group[1])]


TRIES = 200
RESTARTS, SHORT = 6, 500
LONGEST = 8_000
"""Steps for one question at most; the solver is asked sooner than that."""
BEGINNING = 40
"""Steps that it counts to find out what a question is about, before anything is tried."""


class Search:
    """Looks for facts by trying values, a condition at a time, so that what fails is left early."""

    def __init__(self, question: Question, tests: Sequence[Test], work: Work) -> None:
        self.question, self.work = question, work
        work.spend(BEGINNING)
        expressions = [each for each, _ in tests]
        self.facts = facts_in(expressions)
        fixed = [value for path, value in question.fixed.items() if path in self.facts]
        pools = Pools.of(expressions, self.facts, question.currency, fixed)
        self.pools = {
            path: (question.fixed[path],) if path in question.fixed else pools.values(kind)
            for path, kind in self.facts.items()
        }
        self.covers = pools.are_all
        self.left = LONGEST
        self.tests = tests
        self.is_complete = False

    def run(self) -> Found | None:
        if not all(self.pools.values()):
            return None
        tried = self._at_random()
        if tried is not None:
            return tried
        order = self._ordered()
        restarted = self._restarted(order)
        if restarted is not None:
            return restarted
        found = next(self._extend(order, {}), None)
        self.is_complete = found is None and self.covers and self.left > 0 and self.work.left > 0
        return found

    def _at_random(self) -> Found | None:
        dice = random.Random(7)  # noqa: S311 - nothing is secret, and the same file gets the same answer
        for attempt in range(min(TRIES, self._combinations())):
            values = {path: pool[0] if not attempt else dice.choice(pool) for path, pool in self.pools.items()}
            facts = nested(values, self.question.zone)
            if all(self._is_so(each, wanted, facts) for each, wanted in self.tests):
                return Found(_consistent(values, facts))
            if self.left <= 0 or self.work.left <= 0:
                return None
        return None

    def _restarted(self, order: list[tuple[Expression, bool, list[str]]]) -> Found | None:
        """A condition at a time, with the values in another order each time: a bad first choice costs only so much."""
        dice, pools, whole = random.Random(11), self.pools, self.left  # noqa: S311 - as above
        if self._combinations() <= SHORT:
            return None
        for _ in range(RESTARTS):
            self.left = SHORT
            self.pools = {path: tuple(dice.sample(pool, len(pool))) for path, pool in pools.items()}
            found = next(self._extend(order, {}), None)
            if found is not None:
                return found
        self.pools, self.left = pools, whole
        return None

    def _combinations(self) -> int:
        count = 1
        for pool in self.pools.values():
            count = min(count * len(pool), 1_000_000)
        return count

    def _ordered(self) -> list[tuple[Expression, bool, list[str]]]:
        """The conditions with the paths that each is the first to read, those with the fewest first."""
        waiting, known, found = list(self.tests), set[str](), []
        while waiting:
            best = min(waiting, key=lambda test: len(test[0].reads - known))
            waiting.remove(best)
            new = [path for path in self.facts if path in best[0].reads - known]
            known |= set(new)
            found.append((*best, new))
        return found

    def _extend(self, order: list[tuple[Expression, bool, list[str]]], values: dict[str, Any]) -> Iterator[Found]:
        if not order:
            yield Found(_consistent(values, nested(values, self.question.zone)))
            return
        (expression, wanted, new), *rest = order
        for chosen in product(*(self.pools[path] for path in new)):
            if self.left <= 0 or self.work.left <= 0:
                return
            more = {**values, **dict(zip(new, chosen, strict=True))}
            if self._is_so(expression, wanted, nested(more, self.question.zone)):
                yield from self._extend(rest, more)

    def _is_so(self, expression: Expression, wanted: bool, facts: dict[str, Any]) -> bool:
        steps = weight(expression)
        self.left -= steps
        self.work.spend(steps)
        return is_so(expression, wanted, facts)


def weight(expression: Expression) -> int:
    """How many steps one evaluation counts for: a long expression takes as long as several short ones."""
    return 1 + len(expression.source) // 60


def is_so(expression: Expression, wanted: bool, facts: dict[str, Any]) -> bool:
    """Whether it holds, or (not `wanted`) fails although every answer it needs is there."""
    try:
        if expression.unanswered(facts):
            return False
        return bool(expression.evaluate(facts)) is wanted
    except MixedCurrencies:
        return False


def _consistent(values: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they were evaluated: today is the day of now."""
    return {path: facts["today"] if path == "today" else value for path, value in values.items()}
