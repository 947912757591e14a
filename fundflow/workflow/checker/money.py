"""The money of one application over all paths: paid only once committed, nothing left behind at an end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Transition, Workflow


def paths(workflow: Workflow) -> Iterator[Finding]:
    """Follow every path with the money: paid only after committed, nothing reserved or committed left at an end."""
    seen, waiting = {(workflow.initial, "free")}, deque([(workflow.initial, "free")])
    while waiting:
        state, money = waiting.popleft()
        for transition in workflow.transitions_from(state):
            after, problem = _after(transition, money)
            if problem is not None:
                yield Finding(*problem, f"{_SAYS[problem[0]]} when {transition.id} leaves '{state}'")
            target = transition.destination(state)
            ends = target is None or workflow.states[target].is_final
            if ends and after in ("reserved", "committed"):
                message = f"{transition.id} ends the application from '{state}' with money still {after}"
                yield Finding("FF176", f"transitions.{transition.id}", f"{message}: add {{ledger: release}}")
            if target is not None and (target, after) not in seen:
                seen.add((target, after))
                waiting.append((target, after))


_SAYS = {
    "FF174": "ledger: commit here, but the money may be committed already",
    "FF175": "ledger: pay here, but the money may not be committed",
}


def _after(transition: Transition, money: str) -> tuple[str, tuple[str, str] | None]:
    problem = None
    for number, effect in enumerate(transition.do):
        at = f"transitions.{transition.id}.do.{number}.ledger"
        match effect.ledger:
            case "reserve":
                money = "reserved"
            case "commit":
                problem = ("FF174", at) if money == "committed" else problem
                money = "committed"
            case "pay":
                problem = ("FF175", at) if money != "committed" else problem
                money = "paid"
            case "release":
                money = "free" if money in ("reserved", "committed") else money
            case "close":
                money = "paid"
    return money, problem


RULES = (paths,)
