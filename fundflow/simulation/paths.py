"""Where applications go under a scenario: every state they can reach is described, and every path can end.

Refuses states without a way out, circles without an end, and timers whose moment nothing tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.simulation.assumptions import Effort, Stay
from fundflow.simulation.distributions import Distribution
from fundflow.workflow.definition import Timer, Workflow
from fundflow.workflow.problems import listed
from fundflow.workflow.reader import Place

_KNOWN = frozenset({"round.opens_at", "round.closes_at"})


def is_known(timer: Timer) -> bool:
    """Whether the round's days alone tell when it is due."""
    return timer.at is None or timer.at.reads <= _KNOWN


def next_states(workflow: Workflow, state: str, stay: Stay) -> set[str | None]:
    """Where applications can go from a state; None is an end."""
    ways = [name for name, way in stay.ways.items() if way.share > 0]
    ways += [timer.then for timer in workflow.timers.values() if timer.then and state in timer.states]
    return {workflow.transitions[name].destination(state) for name in ways}


def reached(workflow: Workflow, into: str, states: Mapping[str, Stay]) -> dict[str, set[str | None]]:
    """The states that can be reached, the first one first, with where each leads."""
    found: dict[str, set[str | None]] = {}
    waiting = [into]
    while waiting:
        state = waiting.pop(0)
        if state in found:
            continue
        is_final = workflow.states[state].is_final
        found[state] = {None} if is_final else next_states(workflow, state, states.get(state, Stay()))
        waiting += sorted(name for name in found[state] if name is not None)
    return found


def check_paths(
    top: Mapping[str, Place],
    workflow: Workflow,
    into: str,
    states: Mapping[str, Stay],
    timers: Mapping[str, Distribution],
) -> None:
    """Report at their places what would never happen, or happen for ever."""
    anywhere = top.get("states") or next(iter(top.values()))
    found = reached(workflow, into, states)
    for state in found:
        if not workflow.states[state].is_final and not (states[state].ways if state in states else ()):
            ways = listed(t.id for t in workflow.transitions_from(state))
            anywhere.error("SC109", f"say which ways applications leave '{state}': {ways}", key=True)
    ends: set[str | None] = {None}
    while grown := {state for state, to in found.items() if state not in ends and to & ends}:
        ends |= grown
    endless = [state for state in found if state not in ends and state in states and states[state].ways]
    if endless:
        place = anywhere
        if "states" in top and endless[0] in top["states"].value:
            place = top["states"].at(endless[0])
        circle = " → ".join(_circle(found, endless[0]))
        place.error("SC110", f"applications that come to '{endless[0]}' never end: {circle}", key=True)
    counted = {each.before for state in found if state in states for each in _efforts(states[state])}
    for timer in workflow.timers.values():
        runs = [state for state in timer.states if state in found]
        if runs and (timer.then or timer.id in counted) and not is_known(timer) and timer.id not in timers:
            place = top.get("timers") or next(iter(top.values()))
            place.error(
                "SC109",
                f"only an application knows when '{timer.id}' is due: say in timers how many days after it comes to"
                f" {listed(runs)}",
                key=True,
            )


def _efforts(stay: Stay) -> list[Effort]:
    parts = (stay.tasks, stay.forms, stay.signatures)
    return [*(way.effort for way in stay.ways.values()), *(each for part in parts for each in part.values())]


def _circle(found: Mapping[str, set[str | None]], first: str) -> list[str]:
    path, seen = [first], {first}
    while True:
        onward = sorted(name for name in found[path[-1]] if name is not None)
        if not onward:
            return path
        path.append(onward[0])
        if onward[0] in seen:
            return path
        seen.add(onward[0])
