"""What commands will ask the database, asked ahead: of one application in one journey, of many by one question each.

It decides nothing: whoever needs what was not foreseen asks for it then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any
from uuid import UUID

from fundflow.db import read_together
from fundflow.lifecycle import happening, registry, situation
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.prepared import Question
from fundflow.workflow.definition import Role, Transition, Workflow
from fundflow.workflow.machine import Compiled

_Asks = Callable[[Application, Actor], Question]


def of_one(application: Application, name: str, actor: Actor) -> None:
    """Ask together what this transition of an application under its lock will ask, its round's lock first."""
    if happening.machine(application.definition_sha).workflow.find(name) is None:
        return  # whoever decides says so; a name that anybody may send is not kept
    plan = _plan(application.definition_sha, name, is_person=actor.id is not None and not actor.is_system)
    if len(plan) > 1:
        read_together([ask(application, actor) for ask in plan])


def of_many(applications: Sequence[Application], names: Mapping[UUID, str]) -> None:
    """Let every feature read at once what these transitions, one of each application, will ask it for."""
    steps = {(application.definition_sha, names[application.id]) for application in applications}
    wanted: set[str] = set()
    is_locking = False
    for definition_sha, name in steps:
        kernel = happening.machine(definition_sha)
        if (step := kernel.workflow.find(name)) is not None:
            wanted |= {*kernel.reads(name), *(role.kind for role in _told(kernel.workflow, step))}
            is_locking |= _locks(kernel, step)
    if is_locking:
        # In one order, and before anything is read that whoever holds them may be changing.
        for round_id in sorted({application.round_id for application in applications}):
            situation.lock_round(round_id)
    for run in registry.foresights:
        run(applications, frozenset(wanted))


@cache
def _plan(definition_sha: str, name: str, *, is_person: bool) -> tuple[_Asks, ...]:
    """What one command of this name will ask, whatever the application."""
    kernel = happening.machine(definition_sha)
    workflow, step = kernel.workflow, kernel.workflow.find(name)
    assert step is not None  # noqa: S101 -- asked for steps of the workflow alone
    about: list[tuple[str, Any]] = []
    if is_person:
        about += [(f"role {role.kind}", role) for role in _roles(workflow, step.by)]
    about += [(first, rest) for first, _, rest in (root.partition(".") for root in sorted(kernel.reads(name)))]
    about += [(f"people {role.kind}", role) for role in _told(workflow, step)]
    found = [partial(_ask, registry.expected[what], which) for what, which in about if what in registry.expected]
    return (_lock, *found) if _locks(kernel, step) else tuple(found)


def _ask(run: registry.Asks, which: Any, application: Application, actor: Actor) -> Question:
    return run(application, which, actor)


def _lock(application: Application, _actor: Actor) -> Question:
    return situation.lock_asked(application.round_id)


def _locks(kernel: Compiled, step: Transition) -> bool:
    """Whether the round is locked for what the step reads or causes."""
    reads = (registry.facts.get(root.partition(".")[0]) for root in kernel.reads(step.id))
    causes = (registry.effects.get(effect.kind) for effect in step.do)
    return any(provider is not None and provider.locks for provider in (*reads, *causes))


def _told(workflow: Workflow, step: Transition) -> list[Role]:
    """The roles whose people the step writes to."""
    return _roles(workflow, sorted({role for effect in step.do if effect.notify for role in effect.to}))


def _roles(workflow: Workflow, names: Iterable[str]) -> list[Role]:
    return [workflow.roles[name] for name in names if name in workflow.roles]
