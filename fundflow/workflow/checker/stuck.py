"""States in which an application can get stuck: with facts that nobody can change any more, no way out is open.

Looks at a moment long after every timer, so that a deadline keeps nobody and a wait is no dead end. Facts that may
still change count as whatever opens a way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

from fundflow.workflow.checker.conditions import conditions
from fundflow.workflow.checker.facts import Pools, facts_in, nested
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.questions import NEVER, Found, Question, about, ask, is_so, plainly, told
from fundflow.workflow.definition import SYSTEM, Transition, Workflow
from fundflow.workflow.expressions import Expression

if TYPE_CHECKING:
    from fundflow.workflow.checker.guards import Guards

FAR = datetime(2400, 1, 1, 12, tzinfo=UTC)
"""Long after every date that anybody enters."""
MOST_CASES = 60
"""Combinations of lasting facts that are looked at one by one."""
MOST_AIMED = 12
"""Choices of one condition for each way out that are made to fail together."""


def stuck(given: Guards, state: str) -> Iterator[Finding]:
    """A finding where some lasting facts close every way out."""
    workflow = given.workflow
    ways = [each for each in given.changing.onward.get(state, ()) if _leads_out(workflow, each, state)]
    if workflow.states[state].is_final or not ways:
        return
    at = f"states.{state}"
    lasting_ways = [each for each in ways if each.deadline is None and each.max is None]
    exits = [[each.expression for each in conditions(workflow, way, state)] for way in lasting_ways]
    if not lasting_ways:
        message = "every way out ends with a deadline, or can be taken only so often"
        yield Finding("FF115", at, f"an application can get stuck in '{state}': {message}")
        return
    if not all(exits):
        return
    if given.work.left <= 0:
        given.undecided.append((at, f"whether an application can get stuck in '{state}'"))
        return
    case = Case(given, state, exits)
    if case.always_open():
        return
    closed = case.closed()
    if isinstance(closed, Found):
        example = closed.example()
        message = f"an application can get stuck in '{state}': every way out has a condition, and all fail"
        yield Finding("FF115", at, f"{message}{told(example)}", example=example)
    elif not closed:
        given.undecided.append((at, f"whether an application can get stuck in '{state}'"))


def _leads_out(workflow: Workflow, way: Transition, state: str) -> bool:
    if way.destination(state) == state:
        return False
    if way.is_auto or way.by_from(state) != {SYSTEM}:
        return True
    return any(timer.then == way.id and state in timer.states for timer in workflow.timers.values())


class Case:
    """The ways out of one state, each a list of conditions."""

    def __init__(self, given: Guards, state: str, exits: list[list[Expression]]) -> None:
        self.given, self.state, self.exits = given, state, exits
        self.known = given.so_far(state)
        everything = [*self.known, *(each for exit_ in exits for each in exit_)]
        self.facts = facts_in(everything)
        self.everything = everything
        read = {path for exit_ in exits for each in exit_ for path in each.reads}
        may_change = given.changing.may_change
        self.lasting = {path: kind for path, kind in self.facts.items() if not may_change(path, state) and path in read}
        self.far = {"now": FAR, "today": FAR.date()}
        self.plain = dict.fromkeys(plainly(self.known), True)

    def question(self, exit_: list[Expression], fixed: Mapping[str, Any]) -> Question:
        workflow = self.given.workflow
        return Question(
            tuple(exit_),
            given=(*self.known, *self.given.natural),
            fixed={**self.far, **fixed},
            currency=workflow.currency,
            zone=workflow.zone,
        )

    def always_open(self) -> bool:
        """Some way out asks only for what can still be changed, and so changed that it opens."""
        for exit_ in self.exits:
            is_open = all(path not in self.lasting for each in exit_ for path in each.reads)
            if is_open and isinstance(ask(self.question(exit_, {}), self.given.work), Found):
                return True
        return False

    def closed(self) -> Found | bool:
        """Lasting facts that close every way; True where there are none, False where that is not known."""
        pools = Pools.of(self.everything, self.facts, self.given.workflow.currency)
        values = {path: pools.values(kind) for path, kind in self.lasting.items()}
        opened: list[dict[str, Any]] = []
        is_sure = pools.are_all
        cases = list(_cases(values))
        is_sure &= len(cases) < MOST_CASES
        for fixed in chain(self._aimed(), cases):
            if not self._is_possible(fixed):
                continue
            if any(self._opens(exit_, {**changed, **fixed}) for changed in opened for exit_ in self.exits):
                continue
            answers = [ask(self.question(exit_, fixed), self.given.work) for exit_ in self.exits]
            found = next((answer for answer in answers if isinstance(answer, Found)), None)
            if found is not None:
                opened.append({path: value for path, value in found.values.items() if path not in self.lasting})
            elif all(answer == NEVER for answer in answers):
                return Found(fixed)
            else:
                is_sure = False
        if is_sure:
            return True
        return self._is_refuted()

    def _aimed(self) -> Iterator[dict[str, Any]]:
        """Lasting facts under which one condition of every way fails, for some choices of these conditions."""
        lasting = [[each for each in exit_ if each.reads <= self.lasting.keys()] for exit_ in self.exits]
        for chosen in islice(product(*lasting), MOST_AIMED):
            question = self.question([], {})
            given = tuple(about(question.given, self.lasting.keys()))
            found = ask(replace(question, given=(), holds=given, fails=tuple(chosen)), self.given.work)
            if isinstance(found, Found):
                values = {path: found.values.get(path) for path in self.lasting}
                yield {path: value for path, value in values.items() if path in found.values}

    def _is_possible(self, fixed: Mapping[str, Any]) -> bool:
        """What is known of the state does not exclude these facts."""
        facts = nested({**self.plain, **fixed}, self.given.workflow.zone)
        given = about((*self.known, *self.given.natural), fixed.keys())
        return all(is_so(each, True, facts) for each in given)

    def _opens(self, exit_: list[Expression], values: Mapping[str, Any]) -> bool:
        if not all(each.reads <= values.keys() for each in exit_):
            return False
        self.given.work.spend(len(exit_))
        facts = nested(values, self.given.workflow.zone)
        return all(is_so(each, True, facts) for each in exit_)

    def _is_refuted(self) -> bool:
        """Z3 proves that whatever lasts, something that can change opens a way."""
        work = self.given.work
        if not work.may_use_solver or work.left <= 0:
            return False
        from fundflow.workflow.checker import solver

        question = replace(self.question([], {}), holds=())
        return solver.always_opens(question, self.exits, self.lasting.keys(), work)


def _cases(values: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """All combinations where they are few, else some of them, always the same."""
    count = 1
    for pool in values.values():
        count *= max(1, len(pool))
    if count <= MOST_CASES:
        for chosen in product(*values.values()):
            yield dict(zip(values, chosen, strict=True))
        return
    dice = random.Random(7)  # noqa: S311 - nothing is secret, and the same file gets the same answer
    for _ in range(MOST_CASES):
        yield {path: dice.choice(pool) for path, pool in values.items()}
