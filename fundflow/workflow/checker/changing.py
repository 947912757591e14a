"""What may still change while an application stands in a state, and what is therefore known there for good.

A condition that held on every way into a state still holds there, unless what it reads may have changed since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cache

from fundflow.workflow.checker.conditions import Condition, conditions
from fundflow.workflow.checker.reach import outgoing
from fundflow.workflow.definition import Transition, Workflow

_ALWAYS = frozenset("now today actor input ledger bank screening timers children siblings self fired".split())
"""Roots that change without anybody touching the application itself."""


class Changing:
    """Of one workflow: which facts change where."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.onward = outgoing(workflow.transitions.values())
        self.fields = {
            form: frozenset(f"application.{name}" for name in given.fields)
            for form, given in workflow.answer_forms.items()
        }
        self.chosen = frozenset(
            f"application.{role.field}" for role in workflow.roles.values() if role.kind == "field" and role.field
        )

    def may_change(self, path: str, state: str) -> bool:
        """Whether this fact may change while an application stands in this state."""
        root, _, rest = path.partition(".")
        if root in _ALWAYS:
            return True
        given, name = self.workflow.states[state], rest.partition(".")[0]
        match root:
            case "application":
                field = ".".join(path.split(".")[:2])
                return field in self.chosen or any(field in self.fields.get(form, ()) for form in self._edited(state))
            case "forms":
                return name in self._edited(state)
            case "tasks":
                return name in given.tasks
            case "signatures":
                return given.signatures is not None
            case "reviews":
                return name in self.workflow.reviews and self.workflow.reviews[name].state == state
        return False

    def _edited(self, state: str) -> frozenset[str]:
        return frozenset(form for forms in self.workflow.states[state].edit.values() for form in forms)

    def known(self) -> dict[str, dict[str, Condition]]:
        """By state, what holds whenever an application stands there, by what it says; nothing in the first state."""
        written = _Written(self)
        found = {self.workflow.initial: 0}
        waiting = deque([self.workflow.initial])
        while waiting:
            state = waiting.popleft()
            lasting = found[state] & ~written.lost(state)
            for transition in self.onward.get(state, ()):
                target = transition.destination(state)
                if target is None:
                    continue
                arrives = written.after(transition, state, lasting) & ~written.lost(target)
                before = found.get(target)
                found[target] = arrives if before is None else before & arrives
                if found[target] != before and target not in waiting:
                    waiting.append(target)
        return {state: written.among(held) for state, held in found.items()}


class _Written:
    """Every condition of the file with a bit of its own, so that sets of them are compared at once."""

    def __init__(self, changing: Changing) -> None:
        self.changing = changing
        self.keys: dict[str, int] = {}
        self.conditions: list[Condition] = []
        self.reading: dict[str, int] = {}
        """By path, the conditions that read it."""
        self.added = {
            (step.id, state): self._bits(conditions(changing.workflow, step, state))
            for state, steps in changing.onward.items()
            for step in steps
        }
        self.lost = cache(self._lost)
        self.undone = cache(self._undone)

    def _bits(self, found: Iterable[Condition]) -> int:
        bits = 0
        for each in found:
            number = self.keys.setdefault(each.key, len(self.conditions))
            if number == len(self.conditions):
                self.conditions.append(each)
                for path in each.expression.reads:
                    self.reading[path] = self.reading.get(path, 0) | 1 << number
            bits |= 1 << number
        return bits

    def _lost(self, state: str) -> int:
        """What may not hold any more while an application stands here."""
        return self._reading(path for path in self.reading if self.changing.may_change(path, state))

    def after(self, transition: Transition, state: str, held: int) -> int:
        """What holds once it was taken: what held, its own conditions, less what it sets."""
        return (held | self.added[transition.id, state]) & ~self.undone(transition.id)

    def _undone(self, name: str) -> int:
        step = self.changing.workflow.transitions[name]
        touched = {f"application.{effect.set}" for effect in step.do if effect.set} | {"application.state"}
        touched |= {str(effect.set) for effect in step.do if effect.set}
        if any(effect.cancel for effect in step.do):
            touched |= {path for path in self.reading if path.partition(".")[0] == "reviews"}
        return self._reading(touched)

    def _reading(self, paths: Iterable[str]) -> int:
        bits = 0
        for path in paths:
            bits |= self.reading.get(path, 0)
        return bits

    def among(self, bits: int) -> dict[str, Condition]:
        """The conditions of these bits, in the order of the file."""
        return {key: self.conditions[number] for key, number in self.keys.items() if bits >> number & 1}
