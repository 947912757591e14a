"""What may still change while an application stands in a state, and what is therefore known there for good.

A condition that held on every way into a state still holds there, unless what it reads may have changed since.
"""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow.checker.conditions import Condition, conditions
from fundflow.workflow.checker.reach import outgoing
from fundflow.workflow.definition import Transition, Workflow

_ALWAYS = frozenset({"now", "today", "actor", "input", "ledger", "timers", "children", "siblings", "self", "fired"})
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
        found: dict[str, dict[str, Condition]] = {self.workflow.initial: {}}
        waiting = [self.workflow.initial]
        while waiting:
            state = waiting.pop()
            lasting = self._lasting(found[state], state)
            for transition in self.onward.get(state, ()):
                target = transition.destination(state)
                if target is None:
                    continue
                after = self._after(transition, state, lasting)
                arrives = self._lasting(after, target)
                before = found.get(target)
                if before is not None:
                    arrives = {key: each for key, each in before.items() if key in arrives}
                if before is None or len(arrives) < len(before):
                    found[target] = arrives
                    waiting.append(target)
        return found

    def _lasting(self, held: Mapping[str, Condition], state: str) -> dict[str, Condition]:
        return {
            key: each
            for key, each in held.items()
            if not any(self.may_change(path, state) for path in each.expression.reads)
        }

    def _after(self, transition: Transition, state: str, held: Mapping[str, Condition]) -> dict[str, Condition]:
        """What holds once it was taken: what held, its own conditions, less what it sets."""
        after = {**held, **{each.key: each for each in conditions(self.workflow, transition, state)}}
        touched = {f"application.{effect.set}" for effect in transition.do if effect.set}
        touched |= {str(effect.set) for effect in transition.do if effect.set}
        cancels = any(effect.cancel for effect in transition.do)
        return {
            key: each
            for key, each in after.items()
            if not (touched & each.expression.reads)
            and not (cancels and "reviews" in {path.partition(".")[0] for path in each.expression.reads})
            and "application.state" not in each.expression.reads
        }
