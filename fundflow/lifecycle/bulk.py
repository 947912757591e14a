"""Many decisions at once: every application of a round, each by the same rules as a single command, in one transaction.

What the database is told for one command it is told once for all of them. Refuses an application that is asked for
twice. Whoever may not decide on one of them is told so for that one; where an effect fails, nothing happens to any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from fundflow.db import reading_ahead
from fundflow.errors import Refused
from fundflow.lifecycle import claims, commands, happening, registry, situation, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.claims import Asked, Fired, Held
from fundflow.lifecycle.commands import Given


@dataclass(frozen=True, slots=True)
class Press:
    """One of the commands: what `commands.fire` takes for it."""

    application_id: UUID
    transition: str
    key: str
    revision: int | None
    reason: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one: it happened, or why it did not."""

    application_id: UUID
    fired: Fired | None
    refusal: Refused | None


def fire_all(presses: Sequence[Press], *, actor: Actor, received_at: datetime | None = None) -> list[Answer]:
    """Let every one of these happen that may, in the order given and in the present transaction; the caller commits.

    The applications are locked together. A later decision sees the money that an earlier one took. What happens by
    itself afterwards happens in the same transaction. One answer a command, in the same order: Fired, or the refusal
    that `commands.fire` would raise, with nothing changed for that application and its key free.

    Raises ValueError for an application named twice, and whatever an effect refuses after its decision was allowed:
    then the whole transaction has been rolled back.
    """
    many = [Asked(each.application_id, each.transition, actor, each.key, each.revision) for each in presses]
    if len({asked.application_id for asked in many}) < len(many):
        raise ValueError("One command for each application.")
    if not many:
        return []
    answers: list[Answer] = []
    happened: list[tuple[Fired, Held, str]] = []
    with writes.whole_or_nothing():
        taken = claims.take_all(many)
        with reading_ahead(), writes.gathering():
            _foresee([claim.application for claim in taken.values()], many)
            for press, asked in zip(presses, many, strict=True):
                try:
                    held = claims.held(asked, taken.get(asked.application_id))
                    if isinstance(held, Fired):
                        answers.append(Answer(asked.application_id, held, None))
                        continue
                    given = Given(press.reason, press.input, received_at)
                    ctx, facts, decision, about = commands.decided(asked, held, None, given)
                except Refused as refusal:
                    answers.append(Answer(asked.application_id, None, refusal))
                    continue
                fired = happening.happen(ctx, facts, decision, about)
                answers.append(Answer(asked.application_id, fired, None))
                happened.append((fired, held, asked.key))
        refused = {answer.application_id for answer in answers if answer.refusal is not None}
        writes.give_back(
            [a.key for a in many if a.application_id in refused and (c := taken.get(a.application_id)) and c.is_first]
        )
        after = {held.application.id: happening.follow_up(fired, held, key) for fired, held, key in happened}
    return [Answer(each.application_id, after.get(each.application_id, each.fired), each.refusal) for each in answers]


def _foresee(applications: Sequence[Any], many: Sequence[Asked]) -> None:
    """Let every feature read at once what these commands will ask it for."""
    names = {asked.application_id: asked.name for asked in many}
    steps = {(application.definition_sha, names[application.id]) for application in applications}
    wanted = frozenset(each for definition_sha, name in steps for each in _wanted(definition_sha, name))
    providers = [table.get(each.partition(".")[0]) for each in wanted for table in (registry.facts, registry.effects)]
    if any(provider.locks for provider in providers if provider is not None):
        # In one order, and before anything is read that whoever holds them may be changing.
        for round_id in sorted({application.round_id for application in applications}):
            situation.lock_round(round_id)
    for run in registry.foresights:
        run(applications, wanted)


def _wanted(definition_sha: str, name: str) -> Iterator[str]:
    kernel = happening.machine(definition_sha)
    step = kernel.workflow.find(name)
    if step is None:
        return
    yield from kernel.reads(name)
    yield from (effect.kind for effect in step.do)
    roles = {role for effect in step.do if effect.notify for role in effect.to}
    if any(kernel.workflow.roles[role].kind == "team" for role in roles if role in kernel.workflow.roles):
        yield "team"
