"""The kernel: one shared state machine for each workflow, fired on a bare cursor that is thrown away.

No callback of it does anything but decide: effects never run inside it, and it has no transition that the file does
not name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import transitions
from transitions import EventData, Machine, MachineError

from fundflow.workflow import sentences
from fundflow.workflow.decide import Clause, Decision, DefinitionMismatch, Situation, decide, reads, states_of
from fundflow.workflow.definition import Transition, Workflow


class Cursor:
    """Where one application is, for the length of one call; never the row itself."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Edge(transitions.Transition):
    """An edge that asks its conditions and moves the cursor. It has no callbacks, so it looks for none."""

    def execute(self, event_data: EventData) -> bool:
        """Whether the cursor now stands at the other end."""
        for condition in self.conditions:
            if not condition.check(event_data):
                return False
        cursor: Any = event_data.model
        cursor.state = self.dest
        return True


class Graph(Machine):
    """A state machine of such edges."""

    transition_cls = Edge


class Compiled:
    """A workflow ready to fire; made once for each definition and safe to share between threads."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self._reads: dict[str, frozenset[str]] = {}
        self.graphs = {"": self._graph(workflow.states, workflow.transitions, workflow.initial)}
        for child in workflow.children.values():
            self.graphs[child.id] = self._graph(child.states, child.transitions, child.initial)
        # A child's transitions have its kind before their names, so no two graphs share one.
        self.events = {name: event for graph in self.graphs.values() for name, event in graph.events.items()}

    def reads(self, transition: str) -> frozenset[str]:
        """What `decide.reads` says of a transition, found out once."""
        known = self._reads.get(transition)
        if known is None:
            known = self._reads[transition] = reads(self.workflow, transition)
        return known

    def _graph(self, states: Iterable[str], transitions: Mapping[str, Transition], initial: str) -> Machine:
        ends = {t.id: f"end {t.end}" for t in transitions.values() if t.end is not None}
        edges = [
            {
                "trigger": t.id,
                "source": source,
                "dest": t.destination(source) or ends[t.id],
                "conditions": [self._decide],
            }
            for t in transitions.values()
            for source in t.sources
        ]
        return Graph(
            model=None,
            states=[*states, *sorted(set(ends.values()))],
            transitions=edges,
            initial=initial,
            auto_transitions=False,
            send_event=True,
            queued=False,
        )

    def _decide(self, event: EventData) -> bool:
        """The only condition of every edge: it fills the decision that the caller handed in, and answers with it."""
        step: Transition = event.kwargs["step"]
        situation: Situation = event.kwargs["situation"]
        decision = decide(self.workflow, step.id, situation)
        if step.input and (unasked := _unasked(step, situation)):
            decision = decision._replace(allowed=False, clauses=(*decision.clauses, unasked))
        event.kwargs["found"].append(decision)
        return decision.allowed

    def fire(self, state: str, transition: str, situation: Situation) -> tuple[str | None, str | None, Decision]:
        """The new state, or the outcome where it ends, with the decision; both are None where it is refused.

        For a child's transition the state is the child's. DefinitionMismatch for a transition or state that the
        workflow does not have.
        """
        step = self.workflow.find(transition)
        if step is None or state not in states_of(self.workflow, transition):
            raise DefinitionMismatch(f"{self.workflow.id} has no {transition!r} or no {state!r}")
        if situation.state != state:
            raise DefinitionMismatch(f"the situation is of {situation.state!r}, not of {state!r}")
        cursor, found = Cursor(state), list[Decision]()
        try:
            moved: Any = self.events[transition].trigger(cursor, situation=situation, found=found, step=step)
        except MachineError:
            return None, None, decide(self.workflow, transition, situation)
        decision = found[-1]
        if moved is not True or not decision.allowed:
            return None, None, decision
        if decision.outcome is not None:
            return None, decision.outcome, decision
        return cursor.state, None, decision


def _unasked(transition: Transition, situation: Situation) -> Clause | None:
    """A refusal where something that the transition asks was not given; conditions on it were left open until now."""
    given = situation.facts.get("input") or {}
    missing = tuple(one.label for name, one in transition.input.items() if given.get(name) is None)
    return Clause("input", False, sentences.INPUT_NEEDED, {"missing": missing}) if missing else None
