"""Whose turn it is with a payment, the city's, the fund's or the bank's, and for how long it was each side's. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from fundflow.workflow.definition import Child, Transition, Workflow

CITY, FUND, BANK = SIDES = ("city", "fund", "bank")
PAYS = frozenset({"order", "pay"})
"""What a step does with the ledger that brings money to the city."""


def operations(step: Transition) -> frozenset[str]:
    """What a step does with the ledger."""
    return frozenset(effect.ledger for effect in step.do if effect.ledger is not None)


def kinds_paid(workflow: Workflow) -> list[str]:
    """The kinds of children that are paid."""
    return [
        kind.id for kind in workflow.children.values() if any(operations(t) & PAYS for t in kind.transitions.values())
    ]


def forward_steps(kind: Child, state: str) -> list[Transition]:
    """The steps that lead on from a state towards the payment, the shortest way first; none once it is made.

    States stand in the file in the order in which they are come to: a step to an earlier one leads back.
    """
    order = {name: n for n, name in enumerate(kind.states)}
    found = []
    for step in kind.transitions_from(state):
        to = step.destination(state)
        if operations(step) & PAYS:
            found.append((0, step))
        elif to is not None and not operations(step) and order[to] > order[state]:
            distance = _distance(kind, to)
            if distance is not None:
                found.append((distance, step))
    return [step for _distance_, step in sorted(found, key=lambda each: each[0])]


def next_step(kind: Child, state: str) -> Transition | None:
    """The first step of the shortest way from a state to the payment; None where no way leads there."""
    return next(iter(forward_steps(kind, state)), None)


def _distance(kind: Child, state: str) -> int | None:
    """How many steps it takes from a state until money moves to the city; None where none does."""
    ways: deque[tuple[str, int]] = deque([(state, 1)])
    seen = {state}
    while ways:
        at, distance = ways.popleft()
        leaving = kind.transitions_from(at)
        if any(operations(step) & PAYS for step in leaving):
            return distance
        for step in leaving:
            to = step.destination(at)
            # Money that goes back is no way to a payment.
            if to is not None and to not in seen and not operations(step):
                seen.add(to)
                ways.append((to, distance + 1))
    return None


def side_of(workflow: Workflow, kind: Child, state: str) -> str | None:
    """Whose turn it is in a state: who takes the next step to the payment; the bank's once it is ordered."""
    step = next_step(kind, state)
    if step is None:
        return None
    if "pay" in operations(step) and any("order" in operations(each) for each in kind.transitions.values()):
        return BANK
    roles = [workflow.roles[role] for role in step.by_from(state) if role in workflow.roles]
    return CITY if roles and all(role.kind == "team" for role in roles) else FUND


def days_of_each(
    workflow: Workflow,
    kind: Child,
    created_at: datetime,
    steps: Iterable[tuple[str, datetime]],
    due: date | None,
    now: datetime,
) -> Mapping[str, int]:
    """Whole days that each side had it, from what happened (transition, moment) in order.

    Before it was planned for, nobody waits: only the days since then count, and all of them where it has no date.
    """
    begins = created_at
    if due is not None:
        planned = datetime(due.year, due.month, due.day, tzinfo=workflow.zone)
        begins = max(begins, planned)
    waited = dict.fromkeys(SIDES, 0.0)
    state, since = kind.initial, created_at

    def add(until: datetime) -> None:
        side = side_of(workflow, kind, state)
        if side is not None:
            waited[side] += max((until - max(since, begins)).total_seconds(), 0.0)

    for name, at in steps:
        step = workflow.find(name)
        if step is None or state not in step.sources:
            continue
        add(at)
        state, since = step.destination(state) or state, at
    add(now)
    return {side: int(seconds // 86_400) for side, seconds in waited.items()}
