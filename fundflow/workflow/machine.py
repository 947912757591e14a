"""The kernel: one shared state machine for each workflow, fired on a bare cursor that is thrown away.

No callback of it does anything but decide: effects never run inside it, and it has no transition the file does not name.
"""

from __future__ import annotations

from typing import Any

from transitions import EventData, Machine, MachineError

from fundflow.workflow.decide import Decision, DefinitionMismatch, Situation, decide
from fundflow.workflow.definition import Workflow


class Cursor:
    """Where one application is, for the length of one call; never the row itself."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Compiled:
    """A workflow ready to fire; made once for each definition and safe to share between threads."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self._ends = {t.id: f"end {t.end}" for t in workflow.transitions.values() if t.end is not None}
        edges = [
            {
                "trigger": t.id,
                "source": source,
                "dest": t.destination(source) or self._ends[t.id],
                "conditions": [self._decide],
            }
            for t in workflow.transitions.values()
            for source in t.sources
        ]
        self.machine = Machine(
            model=None,
            states=[*workflow.states, *sorted(set(self._ends.values()))],
            transitions=edges,
            initial=workflow.initial,
            auto_transitions=False,
            send_event=True,
            queued=False,
        )

    def _decide(self, event: EventData) -> bool:
        """The only condition of every edge: it fills the decision that the caller handed in, and answers with it."""
        found: list[Decision] = event.kwargs["found"]
        found.append(decide(self.workflow, event.event.name, event.kwargs["situation"]))
        return bool(found[-1].allowed)

    def fire(self, state: str, transition: str, situation: Situation) -> tuple[str | None, str | None, Decision]:
        """The new state, or the outcome where it ends, with the decision; both are None where it is refused.

        DefinitionMismatch for a transition or state that the workflow does not have.
        """
        if transition not in self.workflow.transitions or state not in self.workflow.states:
            raise DefinitionMismatch(f"{self.workflow.id} has no {transition!r} or no {state!r}")
        if situation.state != state:
            raise DefinitionMismatch(f"the situation is of {situation.state!r}, not of {state!r}")
        given = situation.facts.get("input", {})
        if missing := [name for name in self.workflow.transitions[transition].input if given.get(name) is None]:
            raise DefinitionMismatch(f"{transition} asks for {', '.join(missing)}, which was not given")
        cursor, found = Cursor(state), list[Decision]()
        try:
            moved: Any = self.machine.events[transition].trigger(cursor, situation=situation, found=found)
        except MachineError:
            return None, None, decide(self.workflow, transition, situation)
        decision = found[-1]
        if moved is not True or not decision.allowed:
            return None, None, decision
        if decision.outcome is not None:
            return None, decision.outcome, decision
        return cursor.state, None, decision
