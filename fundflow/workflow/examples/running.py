"""Examples run in memory: each from its beginning, or from the end of the one it continues.

Never raises for an example that fails or that names what the workflow does not have (any more): that is a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fundflow.workflow.clauses import Clause, DefinitionMismatch
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import stepping
from fundflow.workflow.examples.clockwork import Endless
from fundflow.workflow.examples.comparing import Difference, Traces, difference, refusal
from fundflow.workflow.examples.statement import Example, Given, Person, Step
from fundflow.workflow.examples.stepping import Refused
from fundflow.workflow.examples.world import World
from fundflow.workflow.machine import Compiled


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one example: whether everything was as it says, and else every difference with its line."""

    name: str
    file: str
    line: int
    differences: tuple[Difference, ...]
    stopped: frozenset[tuple[str, int]] = frozenset()
    """Each transition with the number of one of its conditions that kept somebody from it here, as the example says."""
    steps: int = 0

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class _End:
    world: World | None
    result: Result


class Run:
    """The examples of one workflow; each is run once, also where others continue it."""

    def __init__(self, workflow: Workflow, examples: Sequence[Example]) -> None:
        self.machine = Compiled(workflow)
        self.examples: Mapping[str, Example] = {example.name: example for example in examples}
        self._ends: dict[str, _End] = {}

    def result(self, name: str) -> Result:
        """What comes of an example."""
        return self._end(name).result

    def world(self, name: str) -> World | None:
        """Where an example ends; None where it cannot be followed to its end."""
        world = self._end(name).world
        return None if world is None else world.copy()

    def _end(self, name: str) -> _End:
        # One after the other from the first: a long chain of examples is no deep one.
        chain, before = [], name
        while before not in self._ends:
            chain.append(before)
            continued = self.examples[before].continues
            if continued is None:
                break
            before = continued
        for each in reversed(chain):
            self._ends[each] = self._run(self.examples[each])
        return self._ends[name]

    def _run(self, example: Example) -> _End:
        world = None
        if example.continues is not None:
            before = self._ends[example.continues]
            if before.world is None:
                sentence = f"'{example.continues}', which this continues, does not come to its end"
                return _End(None, _result(example, [Difference(example.file, example.line, sentence)]))
            world = before.world.copy()
            world.join(example.given.people)
        try:
            if world is None:
                world = World(self.machine, example.given, example.given.people)
                stepping.begin(world)
        except _UNKNOWN as error:
            return _End(None, _result(example, [Difference(example.file, example.line, _unknown(error))]))
        except _TOO_FAR:
            return _End(None, _result(example, [Difference(example.file, example.line, FAR)]))
        return _Telling(example, world).end()


_UNKNOWN = (DefinitionMismatch, KeyError)
"""What comes of names that a workflow does not have: the file was read against another version of it."""


_TOO_FAR = (OverflowError, ValueError)
"""What comes of moments that no calendar has."""
FAR = "time does not go that far"


def _unknown(error: Exception) -> str:
    return f"this cannot be done in this workflow ({error})"


class _Telling:
    """One example, step by step, with what differs."""

    def __init__(self, example: Example, world: World) -> None:
        self.example, self.world = example, world
        self.found: list[Difference] = []
        self.stopped: set[tuple[str, int]] = set()
        self.began = len(world.messages), len(world.documents)

    def end(self) -> _End:
        for step in self.example.steps:
            if not self._step(step):
                return _End(None, self._result())
        return _End(self.world, self._result())

    def _result(self) -> Result:
        return replace(_result(self.example, self.found), stopped=frozenset(self.stopped))

    def _step(self, step: Step) -> bool:
        """Whether the example can go on after it."""
        world = self.world
        before = len(world.messages), len(world.documents)
        try:
            goes_on = self._happen(step)
            for claim in step.claims if goes_on else ():
                since = self.began if claim.is_whole else before
                traces = Traces(world.messages[since[0] :], world.documents[since[1] :])
                sentence = difference(claim, world, traces)
                if sentence is not None:
                    self._differs(claim.line, sentence)
            return goes_on
        except Endless:
            self._differs(step.line, "timers go on without end")
        except _UNKNOWN as error:
            self._differs(step.line, _unknown(error))
        except _TOO_FAR:
            self._differs(step.line, FAR)
        return False

    def _happen(self, step: Step) -> bool:
        if step.is_time:
            if step.at is not None and step.at < self.world.now:
                self._differs(step.line, f"time does not go back: it is {_wall(self.world)} already")
                return False
            stepping.pass_time(self.world, step)
            return True
        if step.verb is None:
            return True
        try:
            stepping.perform(self.world, step)
        except Refused as refused:
            if not step.refused:
                told = " ".join(f"[{kind}] {sentence}" for kind, sentence in refused.reasons)
                self._differs(step.line, f"{step.who} cannot do '{step.phrase}': {told}")
                return False
            for sentence in refusal(step.refused, refused):
                self._differs(step.refused_line, sentence)
            self._note(refused.decision)
            return True
        if step.refused:
            self._differs(step.refused_line, f"{step.who} can do '{step.phrase}', but should be refused")
            return False
        return True

    def _note(self, decision: Decision | None) -> None:
        """Which conditions stopped somebody."""
        step = self.world.workflow.find(decision.transition) if decision is not None else None
        if decision is None or step is None or not step.when:
            return
        clauses: Sequence[Clause] = [c for c in decision.clauses if c.kind != "input"][-len(step.when) :]
        self.stopped |= {(step.id, number) for number, clause in enumerate(clauses) if not clause.passes}

    def _differs(self, line: int, sentence: str) -> None:
        self.found.append(Difference(self.example.file, line, sentence))


def _wall(world: World) -> str:
    return f"{world.now.astimezone(world.workflow.zone):%Y-%m-%dT%H:%M}"


def _result(example: Example, differences: Iterable[Difference]) -> Result:
    return Result(example.name, example.file, example.line, tuple(differences), steps=len(example.steps))


def everybody(example: Example, examples: Mapping[str, Example]) -> tuple[Person, ...]:
    """The people of an example and of those that it continues."""
    found: dict[str, Person] = {}
    each: Example | None = example
    while each is not None:
        for person in each.given.people:
            found.setdefault(person.name, person)
        each = examples.get(each.continues) if each.continues else None
    return tuple(found.values())


def beginning(example: Example, examples: Mapping[str, Example]) -> Given:
    """What the first of the examples that this one continues is given."""
    while example.continues is not None:
        example = examples[example.continues]
    return example.given
