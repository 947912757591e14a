"""Every situation an application can come into together with its children and its money, and a shortest way to each.

One child or two stand for any number. A condition that states decide is decided; any other counts as possible, so a
situation that is found may need facts that never come together, and none that exists is missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fundflow.workflow.checker.changing import Changing
from fundflow.workflow.checker.conditions import conditions
from fundflow.workflow.checker.ledger import EMPTY, Purse, Same, moved
from fundflow.workflow.checker.partial import partly
from fundflow.workflow.checker.reach import outgoing
from fundflow.workflow.definition import SYSTEM, Child, Transition, Workflow
from fundflow.workflow.expressions import Expression
from fundflow.workflow.expressions.nodes import write

MOST_SITUATIONS = 30_000
"""Beyond this nobody could follow the file either."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the application stands, its children (None before they are made) in order of state, and its money.

    `state` is None once it has ended.
    """

    state: str | None
    children: tuple[str, ...] | None = None
    purse: Purse = EMPTY


@dataclass(frozen=True, slots=True)
class Step:
    """One transition that leads from a situation to another; `wrong` are faults with money on the way."""

    name: str
    before: Situation
    after: Situation
    wrong: tuple[tuple[str, int], ...] = ()
    """Code and the number of the effect."""


@dataclass
class Product:
    """The situations of an application with one kind of child, or with none; `steps` lead from each."""

    workflow: Workflow
    child: Child | None
    same: Same
    most: int = MOST_SITUATIONS
    came_by: dict[Situation, Step | None] = field(default_factory=dict)
    steps: dict[Situation, list[Step]] = field(default_factory=dict)
    is_whole: bool = True
    """False where there were too many situations to look at all."""
    happened: set[str] = field(default_factory=set)
    """Every transition that happens in some situation."""

    def __post_init__(self) -> None:
        self.onward = outgoing(self.workflow.transitions.values())
        self.child_onward = outgoing(self.child.transitions.values()) if self.child else {}
        self.listed: dict[tuple[str, str], list[Expression]] = {}
        self.changing = Changing(self.workflow)
        self.started = {(timer.then, state) for timer in self.workflow.timers.values() for state in timer.states}
        """What timers start of children, and where."""
        effects = [effect for step in self.workflow.every_transition() for effect in step.do]
        self.amounts = {write(e.amount.node): e.amount.reads for e in effects if e.amount is not None}

    def explore(self) -> Product:
        start = Situation(self.workflow.initial)
        self.came_by[start] = None
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            steps = self.steps[here] = list(self._steps(here))
            for step in steps:
                self.happened.add(step.name)
                if step.after not in self.came_by:
                    if len(self.came_by) >= self.most:
                        self.is_whole = False
                        return self
                    self.came_by[step.after] = step
                    waiting.append(step.after)
        return self

    def path(self, to: Situation) -> tuple[str, ...]:
        """A shortest way there, by the names of its transitions."""
        names: list[str] = []
        step = self.came_by[to]
        while step is not None:
            names.append(step.name)
            step = self.came_by[step.before]
        return tuple(reversed(names))

    def _steps(self, here: Situation) -> Iterator[Step]:
        if here.state is None or self.workflow.states[here.state].is_final:
            return
        for transition in self.onward.get(here.state, ()):
            if self._may(transition, here.state, self._facts(here)):
                yield from self._taken(here, transition)
        if self.child is None or here.children is None:
            return
        for number, state in enumerate(here.children):
            if state in here.children[:number]:
                continue
            for transition in self.child_onward.get(state, ()):
                is_started = (transition.id, f"{self.child.id}.{state}") in self.started
                if transition.by_from(state) == {SYSTEM} and not is_started:
                    continue
                if not self._child_may(here, here.children, number, transition):
                    continue
                children = _with(here.children, number, transition.destination(state) or state)
                if any(effect.child == self.child.id for effect in transition.do):
                    children = _begun(children, self.child)
                for purse, wrong in self._money(here.purse, transition):
                    yield Step(transition.id, here, Situation(here.state, children, purse), wrong)

    def _taken(self, here: Situation, transition: Transition) -> Iterator[Step]:
        """What the application's own transition leads to, with what it does to the children."""
        assert here.state is not None  # noqa: S101 - nothing leaves an end
        target = transition.destination(here.state)
        for children, purse, wrong in self._effects(here, transition):
            yield Step(
                transition.id, here, Situation(target, children, self._lasting(purse, transition, target)), wrong
            )

    def _lasting(self, purse: Purse, transition: Transition, target: str | None) -> Purse:
        """The purse, without the words for its amount where what they read may be another by the next step."""
        if not purse.amount or target is None:
            return purse
        reads = self.amounts.get(purse.amount, frozenset())
        touched = {name for effect in transition.do if effect.set for name in (effect.set, f"application.{effect.set}")}
        if reads & touched or any(self.changing.may_change(path, target) for path in reads):
            return replace(purse, amount="")
        return purse

    def _effects(
        self, here: Situation, transition: Transition
    ) -> Iterator[tuple[tuple[str, ...] | None, Purse, tuple[tuple[str, int], ...]]]:
        options: list[tuple[tuple[str, ...] | None, Purse, tuple[tuple[str, int], ...]]]
        options = [(here.children, here.purse, ())]
        for number, effect in enumerate(transition.do):
            following = []
            for children, purse, wrong in options:
                if effect.ledger is not None:
                    if effect.when is not None:
                        following.append((children, purse, wrong))
                    for after, code in moved(purse, transition, effect, self.same):
                        following.append((children, after, (*wrong, (code, number)) if code else wrong))
                elif self.child is not None and effect.child == self.child.id:
                    following.append((_begun(children, self.child), purse, wrong))
                elif self.child is not None and effect.children == self.child.id and effect.renew is not None:
                    for made, after in (*self._children(here, children, purse, effect.renew), (children, purse)):
                        following += [(made, after, wrong), (_begun(made, self.child), after, wrong)]
                elif self.child is not None and effect.children == self.child.id:
                    for made, after in self._children(here, children, purse, effect.each):
                        following.append((made, after, wrong))
                else:
                    following.append((children, purse, wrong))
            options = list(dict.fromkeys(following))
        yield from options

    def _children(
        self, here: Situation, children: tuple[str, ...] | None, purse: Purse, each: str | None
    ) -> Iterator[tuple[tuple[str, ...] | None, Purse]]:
        """The children made, or each that can take a step after it; nothing where one of them would be refused."""
        assert self.child is not None  # noqa: S101 - only called with a kind of child
        if each is None:
            if children is None:
                yield (self.child.initial,), purse
                if self.child.max > 1:
                    yield (self.child.initial, self.child.initial), purse
            return
        step = self.child.transitions[each]
        after = list(children or ())
        for number, state in enumerate(children or ()):
            if state not in step.sources:
                continue
            if not self._child_may(here, tuple(after), number, step):
                return
            self.happened.add(step.id)
            after[number] = step.destination(state) or state
            for effect in step.do:
                if effect.ledger is not None and effect.when is None:
                    purse = next(one for one, _ in moved(purse, step, effect, self.same))
        yield (None if children is None else tuple(sorted(after))), purse

    def _money(self, purse: Purse, step: Transition) -> Iterator[tuple[Purse, tuple[tuple[str, int], ...]]]:
        options: list[tuple[Purse, tuple[tuple[str, int], ...]]] = [(purse, ())]
        for number, effect in enumerate(step.do):
            if effect.ledger is not None:
                options = [
                    *(options if effect.when is not None else ()),
                    *(
                        (after, (*wrong, (code, number)) if code else wrong)
                        for before, wrong in options
                        for after, code in moved(before, step, effect, self.same)
                    ),
                ]
        yield from dict.fromkeys(options)

    def _facts(self, here: Situation) -> dict[str, Any]:
        facts: dict[str, Any] = {"application": {"state": here.state}}
        if self.child is not None:
            states = here.children or ()
            facts["children"] = {self.child.id: tuple({"state": state} for state in states)}
        return facts

    def _child_may(self, here: Situation, children: Sequence[str], number: int, step: Transition) -> bool:
        facts = self._facts(Situation(here.state, tuple(children)))
        facts["parent"] = {"state": here.state}
        facts["self"] = {"state": children[number]}
        facts["siblings"] = tuple({"state": s} for place, s in enumerate(children) if place != number)
        return self._may(step, children[number], facts)

    def _may(self, transition: Transition, source: str, facts: Mapping[str, Any]) -> bool:
        """Nothing that states decide stands against it."""
        key = (transition.id, source)
        if key not in self.listed:
            self.listed[key] = [each.expression for each in conditions(self.workflow, transition, source)]
        return all(partly(each.node, facts) is not False for each in self.listed[key])


def _begun(children: tuple[str, ...] | None, child: Child) -> tuple[str, ...]:
    """One more of them; two stand for any number."""
    there = children or ()
    return there if len(there) >= min(2, child.max) else tuple(sorted((*there, child.initial)))


def _with(children: tuple[str, ...], number: int, state: str) -> tuple[str, ...]:
    return tuple(sorted((*children[:number], state, *children[number + 1 :])))
