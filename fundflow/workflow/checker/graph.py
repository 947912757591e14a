"""The graph of states: places nobody reaches, nobody leaves, or goes round for ever."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.reach import arrows, reached_from, saving
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.expressions.nodes import Binary, Call, Constant, Member, Name
from fundflow.workflow.problems import listed

MOST_STATES = 60
MOST_NAMED = 8


def states(workflow: Workflow) -> Iterator[Finding]:
    leads = arrows(workflow)
    reached = reached_from(workflow.initial, leads)
    saved = saving(leads, {name for name, state in workflow.states.items() if state.is_final})
    for name, state in workflow.states.items():
        at = f"states.{name}"
        if name not in reached:
            message = f"no application can ever get to '{name}': no transition leads to it from '{workflow.initial}'"
            yield Finding("FF103", at, message)
        if state.is_final:
            for transition in workflow.transitions_from(name):
                message = f"'{name}' is final, so nothing can leave it; remove 'final' or this transition"
                yield Finding("FF105", f"transitions.{transition.id}.from", message)
        elif not leads[name]:
            yield Finding("FF104", at, f"'{name}' is a dead end: nothing leaves it and it is not final")
        elif name not in saved:
            onward = sorted(reached_from(name, leads))
            round_ = listed(onward) if len(onward) <= MOST_NAMED else f"{len(onward)} states"
            message = f"'{name}' is a trap: from here no end can be reached (it only goes round {round_})"
            yield Finding("FF106", at, message)
    if len(workflow.states) > MOST_STATES:
        yield Finding(
            "FF209", "states", f"there are {len(workflow.states)} states; beyond {MOST_STATES} nobody can follow"
        )


def automatic(workflow: Workflow) -> Iterator[Finding]:
    """Steps that happen by themselves never go round."""
    leads: dict[str, set[str]] = {state: set() for state in workflow.states}
    for transition in workflow.transitions.values():
        for source in transition.sources if transition.is_auto and not _uses_up(workflow, transition) else ():
            target = transition.destination(source)
            leads[source] |= {target} if target else set()
    for name, transition in workflow.transitions.items():
        for source in transition.sources if transition.is_auto and not _uses_up(workflow, transition) else ():
            target = transition.destination(source)
            if target is not None and source in reached_from(target, leads):
                message = f"'{name}' happens by itself and comes back to '{source}' by itself: it would never end"
                yield Finding("FF108", f"transitions.{name}", message)


def _uses_up(workflow: Workflow, transition: Transition) -> bool:
    """It waits for a child in some state, and takes every child out of that state: it cannot follow itself."""
    for when in transition.when:
        match when.expression.node if when.expression is not None else None:
            case Call(
                of=Member(of=Name(name="children"), name=kind),
                name="exists",
                arguments=(
                    Name(name=one),
                    Binary(sign="==", left=Member(of=Name(name=it), name="state"), right=Constant(value=str(state))),
                ),
            ) if one == it and kind in workflow.children:
                taken = [effect.each for effect in transition.do if effect.children == kind and effect.each]
                steps = [workflow.children[kind].transitions[each] for each in taken]
                return any(state in step.sources and step.destination(state) != state for step in steps)
    return False


RULES = (
    states,
    automatic,
)
