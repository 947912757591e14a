"""Conditions against each other: those that contradict, those that say nothing, two that may both start something.

Reports a wrong only with facts under which it is wrong, or where there are none at all; what could not be decided is a
warning of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from fundflow.workflow.checker.changing import Changing
from fundflow.workflow.checker.conditions import Condition, conditions, natural, place_of, standing
from fundflow.workflow.checker.context import Context
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.questions import NEVER, UNDECIDED, Answer, Found, Question, Work, ask, told
from fundflow.workflow.checker.stuck import stuck
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.expressions import Expression


@dataclass
class Guards:
    """The conditions of one workflow, and the questions asked about them."""

    workflow: Workflow
    work: Work
    undecided: list[tuple[str, str]] = field(default_factory=list)
    """What nobody could decide: a dotted path and what was asked."""

    def __post_init__(self) -> None:
        self.changing = Changing(self.workflow)
        self.natural = tuple(natural(self.workflow))
        self.known = self.changing.known()
        self.always: dict[str, bool] = {}

    def ask(
        self, holds: list[Expression], fails: list[Expression], given: list[Expression], about: tuple[str, str]
    ) -> Answer:
        """The answer, and a note where there is none."""
        question = Question(
            tuple(holds),
            tuple(fails),
            (*given, *self.natural),
            currency=self.workflow.currency,
            zone=self.workflow.zone,
        )
        found = ask(question, self.work)
        if found == UNDECIDED and about[0]:
            self.undecided.append(about)
        return found

    def so_far(self, state: str) -> list[Expression]:
        """What is known of an application that stands in this state."""
        known = [each.expression for each in self.known.get(state, {}).values()]
        return [standing(self.workflow, state), *known]

    def is_always(self, condition: Condition) -> bool:
        """It holds whatever the facts are."""
        if condition.key not in self.always:
            about = (condition.at, "whether this condition can ever fail")
            found = self.ask([], [condition.expression], [], about)
            self.always[condition.key] = found == NEVER
        return self.always[condition.key]


def guards(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Every rule about conditions, over the same work."""
    yield from looked_at(Guards(workflow, Work(context.work, context.may_use_solver)))


def looked_at(given: Guards) -> Iterator[Finding]:
    """What is wrong with these conditions, and at the end what could not be decided."""
    for transition in given.workflow.every_transition():
        yield from _one(given, transition)
    yield from _overlaps(given)
    for state in given.workflow.states:
        yield from stuck(given, state)
    for at, what in dict.fromkeys(given.undecided):
        yield Finding("FF116", at, f"not decided: {what}{_why(given.work)}")


def _why(work: Work) -> str:
    if work.left <= 0:
        return "; this file has more conditions than can be looked at in the time, so make some of them simpler"
    if work.may_use_solver:
        from fundflow.workflow.checker import solver

        if solver.is_installed():
            return "; it looks at lists, texts or products that no proof sees into, so test it by an example"
    return "; only values were tried: install fundflow[prove], which can prove it"


def _one(given: Guards, transition: Transition) -> Iterator[Finding]:
    """A transition that can never happen, and conditions that say nothing."""
    at, name = place_of(given.workflow, transition), transition.id
    listed = {source: conditions(given.workflow, transition, source) for source in transition.sources}
    if not any(each.is_written for found in listed.values() for each in found):
        return
    never = []
    for source, found in listed.items():
        about = (at, f"whether {name} can ever happen from '{source}'")
        is_child = given.workflow.child_of(name) is not None
        known = [standing(given.workflow, source, "self")] if is_child else given.so_far(source)
        if given.ask([each.expression for each in found], [], known, about) == NEVER:
            never.append(source)
    if never:
        where = "" if len(never) == len(transition.sources) else f" from {' or '.join(repr(each) for each in never)}"
        message = f"{name} can never happen{where}: its conditions contradict each other"
        yield Finding("FF112", f"{at}.when", message)
    if len(never) == len(transition.sources):
        return
    yield from _idle(given, listed)


def _idle(given: Guards, listed: dict[str, list[Condition]]) -> Iterator[Finding]:
    """Conditions that are always true, or that the others imply, from every state."""
    written = list(dict.fromkeys(each for found in listed.values() for each in found if each.is_written))
    dropped: set[Condition] = set()
    for condition in written:
        if given.is_always(condition):
            dropped.add(condition)
            yield Finding("FF113", condition.at, "this condition is always true; remove it")
    for condition in reversed([each for each in written if each not in dropped]):
        if all(_is_implied(given, condition, found, dropped) for found in listed.values()):
            dropped.add(condition)
            yield Finding("FF114", condition.at, "this condition adds nothing: the others already imply it")


def _is_implied(given: Guards, condition: Condition, found: list[Condition], dropped: set[Condition]) -> bool:
    others = [each.expression for each in found if each is not condition and each not in dropped]
    read = {path for each in others for path in each.reads}
    if not read & condition.expression.reads:
        return False
    about = (condition.at, "whether this condition adds anything to the others")
    return given.ask(others, [condition.expression], [], about) == NEVER


def _overlaps(given: Guards) -> Iterator[Finding]:
    """Two steps that may happen by themselves at once: the first in the file would win, silently."""
    for state in given.workflow.states:
        automatic = [each for each in given.changing.onward.get(state, ()) if each.is_auto]
        for one, other in combinations(automatic, 2):
            at = place_of(given.workflow, other)
            both = [each.expression for t in (one, other) for each in conditions(given.workflow, t, state)]
            about = (at, f"whether {one.id} and {other.id} can both fire from '{state}'")
            found = given.ask(both, [], given.so_far(state), about)
            if isinstance(found, Found):
                message = f"{one.id} and {other.id} can both fire from '{state}'{told(found.example())}"
                yield Finding(
                    "FF111", at, f"{message}; make the conditions exclude each other", example=found.example()
                )


WIDER_RULES = (guards,)
