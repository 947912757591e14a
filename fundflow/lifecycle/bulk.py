"""Many decisions at once: every application of a round, each by the same rules as a single command, in one transaction.

What the database is told for one command it is told once for all of them. Refuses an application that is asked for
twice. Whoever may not decide on one of them is told so for that one; where an effect fails, nothing happens to any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from fundflow.db import reading_ahead
from fundflow.errors import Refused
from fundflow.lifecycle import claims, commands, foresight, happening, writes
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.claims import Asked, Fired, Held
from fundflow.lifecycle.commands import Given
from fundflow.workflow.decide import NOTHING


class Press(NamedTuple):
    """One of the commands: what `commands.fire` takes for it."""

    application_id: UUID
    transition: str
    key: str
    revision: int | None
    reason: str | None = None
    input: Mapping[str, Any] = NOTHING


class Answer(NamedTuple):
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
            foresight.of_many(
                [claim.application for claim in taken.values()], {asked.application_id: asked.name for asked in many}
            )
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
