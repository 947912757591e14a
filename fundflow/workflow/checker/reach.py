"""Where states lead, and what can be reached from where."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from fundflow.workflow.definition import Transition, Workflow


def arrows(workflow: Workflow) -> dict[str, set[str]]:
    """Where each state leads; an outcome counts as a place of its own."""
    leads: dict[str, set[str]] = {state: set() for state in workflow.states}
    for transition in workflow.transitions.values():
        for source in transition.sources:
            leads[source].add(transition.destination(source) or f"end {transition.end}")
    return leads


def reached_from(start: str, leads: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = {start}, deque([start])
    while waiting:
        for target in leads.get(waiting.popleft(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def saving(leads: Mapping[str, set[str]], ends: set[str]) -> set[str]:
    """Every place from which one of `ends`, or an outcome, can be reached."""
    back: dict[str, list[str]] = {}
    for source, targets in leads.items():
        for target in targets:
            back.setdefault(target, []).append(source)
    found = {*ends, *(target for target in back if target.startswith("end "))}
    waiting = list(found)
    while waiting:
        for source in back.get(waiting.pop(), ()):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def outgoing(transitions: Iterable[Transition]) -> dict[str, list[Transition]]:
    """By state, what leaves it, in the order of the file."""
    found: dict[str, list[Transition]] = {}
    for transition in transitions:
        for source in transition.sources:
            found.setdefault(source, []).append(transition)
    return found
