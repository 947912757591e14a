"""A workflow as a Petri net with one source and one sink, for programs that prove soundness and replay event logs.

An application is one token: places are its states, with all its ends in the sink, and net transitions the workflow's
transitions by their ids, one for each state they leave. An end that can be left again, as when paid money comes back,
is a place too, and a silent step leads from it to the sink. What people do beside them (``task:sanctions``) and what
children do (``tranche.pay``) happens while the token stays where it is. Conditions, deadlines and roles are not in it:
it allows what they may refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fundflow.workflow.acts import ACTS, Act
from fundflow.workflow.definition import Child, State, Transition, Workflow

SOURCE, SINK, STARTED = "source", "sink", "started"


@dataclass(frozen=True, slots=True)
class Step:
    """A net transition from one place to one place, by the name that its event has; a silent one has no event."""

    label: str
    source: str
    target: str
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Net:
    """A state machine net: every step takes one token and gives one, so it is bounded and its choices are free."""

    id: str
    title: str
    places: dict[str, str]
    """Labels by id, the source first and the sink last."""
    steps: list[Step]


def activity(transition: str, subject: str | None) -> str:
    """What an event of the record is called in the net: ``award``, ``tranche.pay``, ``task:sanctions``."""
    return f"{transition}:{subject}" if transition in ACTS and subject is not None else transition


def net_of(workflow: Workflow, language: str = "en") -> Net:
    """The application's own machine."""
    steps = [*_machine(workflow.states, workflow.transitions.values(), workflow.initial, "")]
    for state in (each for each in workflow.states.values() if not each.is_final):
        for label in [*_acts(workflow, state), *_of_children(workflow, state.id)]:
            steps.append(Step(label, state.id, state.id))
    return Net(workflow.id, workflow.title.in_(language), _places(workflow.states, steps, language), steps)


def net_of_child(child: Child, language: str = "en") -> Net:
    """The machine of one child of this kind."""
    steps = [*_machine(child.states, child.transitions.values(), child.initial, f"{child.id}.")]
    return Net(child.id, child.label.in_(language), _places(child.states, steps, language), steps)


def _places(states: Mapping[str, State], steps: Iterable[Step], language: str) -> dict[str, str]:
    left = {step.source for step in steps}
    labels = {name: state.label.in_(language) for name, state in states.items() if name in left or not state.is_final}
    return {SOURCE: SOURCE, **labels, SINK: SINK}


def _machine(
    states: Mapping[str, State], transitions: Iterable[Transition], initial: str, prefix: str
) -> Iterator[Step]:
    transitions = list(transitions)
    left = {source for each in transitions for source in each.sources}
    yield Step(f"{prefix}{STARTED}", SOURCE, initial)
    for each in transitions:
        for source in each.sources:
            target = each.destination(source)
            is_end = target is None or (states[target].is_final and target not in left)
            yield Step(each.id, source, SINK if target is None or is_end else target)
    for name in (name for name, state in states.items() if state.is_final and name in left):
        yield Step(f"{prefix}{name}", name, SINK, is_silent=True)


def _acts(workflow: Workflow, state: State) -> Iterator[str]:
    """The acts that may happen in a state, as the record names them."""
    acts: list[tuple[Act, str]] = [("task", task) for task in state.tasks]
    acts += [("sign", party) for party in (state.signatures.parties if state.signatures else ())]
    acts += [("assign", role.id) for role in workflow.roles.values() if role.kind == "field" and role.assigned_by]
    acts += [("discuss", review.id) for review in workflow.reviews.values() if review.state == state.id]
    for act, subject in acts:
        yield activity(act, subject)


def _of_children(workflow: Workflow, state: str) -> Iterator[str]:
    """What children may do while the application is here: wherever it can come to after they were made."""
    for child in workflow.children.values():
        if state in _after_making(workflow, child.id):
            yield from child.transitions


def _after_making(workflow: Workflow, kind: str) -> set[str]:
    made = {
        target
        for each in workflow.transitions.values()
        for effect in each.do
        if effect.makes == kind
        for source in each.sources
        if (target := each.destination(source)) is not None
    }
    waiting = list(made)
    while waiting:
        state = waiting.pop()
        for each in workflow.transitions_from(state):
            target = each.destination(state)
            if target is not None and target not in made:
                made.add(target)
                waiting.append(target)
    return made
