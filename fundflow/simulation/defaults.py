"""A scenario for any workflow, to begin with: plausible figures that somebody who knows the fund then changes.

Each figure is invented. What is derived from the workflow is who works where, which ways lead on and which lead out.
"""

from __future__ import annotations

from datetime import date, timedelta

from fundflow.simulation.assumptions import (
    Arrivals,
    Effort,
    Opening,
    Rush,
    Scenario,
    Sheets,
    Staff,
    Stay,
    Way,
)
from fundflow.simulation.distributions import Distribution, Fixed, LogNormal, Triangular
from fundflow.simulation.paths import is_known
from fundflow.simulation.stays import editors, started_by
from fundflow.workflow.definition import SYSTEM, State, Transition, Workflow
from fundflow.workflow.text import Text

TITLE = Text({"en": "To begin with: {workflow}", "fr": "Pour commencer : {workflow}"})
NOTE = Text(
    {
        "en": "Invented figures to begin with; change what you know better.",
        "fr": "Des chiffres inventés pour commencer ; modifiez ce que vous savez mieux.",
    }
)
MONDAY = date(2027, 1, 11)
OPEN_DAYS = 60
APPLICATIONS = 100
BUDGET, AMOUNT = 1_500_000.0, Triangular(20_000, 40_000, 60_000)

STEP, TASK, SHEET = LogNormal(0.5, 1.5), LogNormal(0.5, 2.0), LogNormal(2.0, 4.0)
"""Hours of a member of the fund's staff, or of a reviewer."""
TEAM = LogNormal(10, 30)
"""Days that a city takes where no timer presses it."""
BEFORE = LogNormal(1, 12)
"""Days before a deadline at which a city acts."""

_ON, _BACK, _OUT, _TIMED = 1.0, 0.1, 0.12, 0.08
"""How often a way leads on, back, out by somebody's decision, or runs out, set against each other."""


def default(workflow: Workflow, language: str = "en") -> Scenario:
    """A scenario that can be simulated at once, under this workflow alone; which figures are invented, `NOTE` says."""
    staff = _staff(workflow)
    order = {name: number for number, name in enumerate(workflow.states)}
    states = {
        name: _stay(workflow, state, staff, order)
        for name, state in workflow.states.items()
        if not state.is_final and workflow.transitions_from(name)
    }
    return Scenario(
        id="default",
        title=TITLE.in_(language).format(workflow=workflow.title.in_(language)),
        note=NOTE.in_(language),
        workflow=workflow.id,
        opening=Opening(opens=MONDAY, closes=MONDAY + timedelta(days=OPEN_DAYS - 1), budget=BUDGET, amount=AMOUNT),
        arrivals=Arrivals(into=workflow.initial, count=APPLICATIONS, rush=Rush(share=0.4, days=7)),
        staff=staff,
        states=states,
        reviews={
            name: Sheets(
                choosing=Effort(by=_staffed(review.assigned_by, workflow, staff), hours=Fixed(0.25))
                if _staffed(review.assigned_by, workflow, staff)
                else Effort(),
                sheet=Effort(by=review.by, hours=SHEET),
                conflict=0.05,
            )
            for name, review in workflow.reviews.items()
        },
        timers=_timers(workflow),
    )


def _staff(workflow: Workflow) -> dict[str, Staff]:
    """The people of the fund by role; roles of one group are the same people."""
    found: dict[str, Staff] = {}
    of_group: dict[str, str] = {}
    working = {role for t in workflow.every_transition() for role in t.by}
    working |= {role for task in workflow.tasks.values() for role in task.by}
    working |= {role for state in workflow.states.values() for role in state.edit}
    for state in workflow.states.values():
        working |= set(state.signatures.parties.values()) if state.signatures else set()
    for review in workflow.reviews.values():
        working |= {review.by, *review.assigned_by}
    panels = {review.by: review for review in workflow.reviews.values()}
    for name, role in workflow.roles.items():
        if role.kind == "team" or name not in working:
            continue
        if name in panels:
            review = panels[name]
            found[name] = Staff(people=max(4 * review.quorum, review.count + review.reserve + 2), hours=1.0)
        elif role.group is not None and role.group in of_group:
            found[name] = Staff(same_as=of_group[role.group])
        else:
            found[name] = Staff(people=2, hours=5.0)
            of_group[role.group or name] = name
    return found


def _staffed(roles: frozenset[str], workflow: Workflow, staff: dict[str, Staff]) -> str | None:
    return next((name for name in workflow.roles if name in roles and name in staff), None)


def _stay(workflow: Workflow, state: State, staff: dict[str, Staff], order: dict[str, int]) -> Stay:
    weights: dict[str, float] = {}
    efforts: dict[str, Effort] = {}
    for t in workflow.transitions_from(state.id):
        by = t.by_from(state.id)
        if by == {SYSTEM} and not t.is_auto and not started_by(workflow, t.id, state.id):
            continue
        weights[t.id] = _weight(workflow, t, state.id, order)
        efforts[t.id] = _effort(workflow, t, state.id, by, staff)
    total = sum(weights.values())
    ways = {name: Way(share=weight / total, effort=efforts[name]) for name, weight in weights.items()}
    needed = {
        name for t in workflow.transitions_from(state.id) for w in t.when if w.kind == "tasks" for name in w.names
    }
    forms = {w.name for t in workflow.transitions_from(state.id) for w in t.when if w.kind == "complete"}
    tasks = {}
    for name, task in state.tasks.items():
        role = _staffed(task.by, workflow, staff)
        if role is not None and name in needed:
            tasks[name] = Effort(by=role, hours=TASK)
    signatures = {
        party: Effort(by=role, hours=Fixed(0.25)) if role in staff else Effort(days=LogNormal(7, 21))
        for party, role in (state.signatures.parties.items() if state.signatures else ())
    }
    written = {}
    for name, roles in editors(state).items():
        doers = {role for t in workflow.transitions_from(state.id) for role in t.by_from(state.id)}
        if name in forms and not roles & doers:
            role = _staffed(roles, workflow, staff)
            written[name] = Effort(by=role, hours=STEP) if role else Effort(days=TEAM)
    return Stay(ways=ways, tasks=tasks, forms=written, signatures=signatures)


def _weight(workflow: Workflow, t: Transition, state: str, order: dict[str, int]) -> float:
    target = t.destination(state)
    by = t.by_from(state)
    if target is not None and _is_aside(workflow, target, order):
        return _BACK
    if _is_aside(workflow, state, order) and target is not None:
        return _ON
    if by == {SYSTEM} and not t.is_auto:
        # Where a timer is the only thing that leads on, all wait for it.
        leads_on = target is not None and order[target] > order[state]
        return _ON if leads_on else _TIMED
    if target is None:
        decides = any(role != SYSTEM and workflow.roles[role].kind != "team" for role in by)
        has_review = any(when.kind == "quorum" for when in t.when)
        return _ON if has_review else _OUT if decides else _BACK / 2
    return _ON if order[target] > order[state] and workflow.states[target].final != "failure" else _BACK


def _is_aside(workflow: Workflow, state: str, order: dict[str, int]) -> bool:
    """Whether a state only leads back or out, as one does in which something is put right."""
    to = {t.destination(state) for t in workflow.transitions_from(state)} - {None}
    return bool(to) and all(order[name] < order[state] for name in to if name is not None)


def _effort(workflow: Workflow, t: Transition, state: str, by: frozenset[str], staff: dict[str, Staff]) -> Effort:
    if SYSTEM in by and (t.is_auto or by == {SYSTEM} or started_by(workflow, t.id, state)):
        return Effort()
    role = _staffed(by, workflow, staff)
    if role is not None:
        return Effort(by=role, hours=STEP)
    pressing = [timer.id for timer in workflow.timers_of().values() if not timer.is_sla and state in timer.states]
    pressed = t.deadline or (pressing[0] if pressing and t.end is None else None)
    if pressed is not None:
        return Effort(days=BEFORE, before=pressed)
    return Effort(days=TEAM)


def _timers(workflow: Workflow) -> dict[str, Distribution]:
    """Moments that only an application knows: a project begins in two months and lasts a year and a half."""
    return {
        timer.id: Triangular(360, 540, 720) if timer.then else Fixed(60.0)
        for timer in workflow.timers_of().values()
        if timer.at is not None and not is_known(timer)
    }
