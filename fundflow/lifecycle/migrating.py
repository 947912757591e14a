"""Moving live applications from one version of their rules to another: planned, then applied in batches, reversible.

Refuses a map with a mistake, and to begin while a single application is blocked. Each application moves under its own
lock with an event of its own, so a command comes either before or after. A running deadline may move later, never
earlier. Killed at any moment, the same call goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.lifecycle import definitions, happening, registry, writes
from fundflow.lifecycle.actor import SYSTEM, Actor
from fundflow.lifecycle.claims import Asked, Fired, Held, take
from fundflow.lifecycle.models import Application, Child, Event, Signature
from fundflow.lifecycle.situation import Facts
from fundflow.lifecycle.standings import standings
from fundflow.lifecycle.takeover import begun_in_the_past, take_over, take_over_of_children
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Effect, Migration, Workflow
from fundflow.workflow.migration import REVERSE_FIELDS, Standing, Verdict, judge, map_for, reverse
from fundflow.workflow.migration_faults import faults
from fundflow.workflow.sentences import fill
from fundflow.workflow.text import Text

MIGRATED = "migrated"
"""The name of the event; its account tells both digests, the map, and what became of deadlines and parts."""
BATCH = 100
"""Applications that move in one transaction."""

_rounds = sa.table("rounds", *(sa.column(name) for name in ("definition_sha", "revision")), sa.column("id", sa.Uuid))


class WrongMigration(Refused):
    """Nothing was moved, because the migration is wrong: {problems}"""

    status = 422

    def __init__(self, problems: Sequence[Text], language: str = "en") -> None:
        super().__init__(problems=" ".join(problem.in_(language) for problem in problems))
        self.problems = tuple(problems)


class MigrationBlocked(Refused):
    """Nothing was moved, because {count} of the applications cannot: {first}"""


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one application."""

    application_id: UUID
    number: str
    state: str
    verdict: Verdict
    move: Migration
    """The map that it moves by: for an undo, its own way back."""


@dataclass(slots=True)
class Plan:
    """What becomes of every live application of one version, or of one round of it."""

    old: Workflow
    new: Workflow
    move: Migration
    round_id: UUID | None = None
    undoes: bool = False
    lines: list[Line] = field(default_factory=list)

    @property
    def way_back(self) -> Migration | Text:
        """The migration that leads back, or why there is none."""
        return reverse(self.old, self.new, self.move)

    def of(self, kind: str) -> list[Line]:
        """The lines that are ``moves``, ``held`` or ``blocked``."""
        return [line for line in self.lines if line.verdict.kind == kind]


@dataclass(slots=True)
class Result:
    """What was done. Those in `left` became blocked while the others moved; run it again when that is settled."""

    moved: int = 0
    held: int = 0
    left: list[Line] = field(default_factory=list)
    rounds: int = 0


def plan(old: Workflow, new: Workflow, move: Migration | None = None, *, round_id: UUID | None = None) -> Plan:
    """Say for every live application whether and where it would move; changes nothing. WrongMigration for a bad map.

    Without `move`, the one that the new version has for the old one.
    """
    new = definitions.remember(new)
    move = map_for(old, new) if move is None else move
    found = faults(old, new, move)
    if found:
        raise WrongMigration(found)
    return _planned(Plan(old, new, move, round_id))


def plan_undo(old: Workflow, new: Workflow, *, round_id: UUID | None = None) -> Plan:
    """Say for every application that was moved from `old` to `new` whether and where it would go back."""
    move = Migration(source=new.version, timers={name: "cancel" for name in new.timers if name not in old.timers})
    return _planned(Plan(new, old, move, round_id, undoes=True))


def apply(
    given: Plan,
    *,
    actor: Actor = SYSTEM,
    batch: int = BATCH,
    told: Callable[[int], None] = lambda moved: None,
    beside: Callable[[Application], None] = lambda application: None,
) -> Result:
    """Move what the plan says, in batches that commit by themselves; `told` hears how many have moved after each.

    `beside` runs with each application that moved, in its transaction.

    MigrationBlocked before anything is done, while one application is blocked. What was started meanwhile moves too;
    rounds of the old version take the new one once nothing of theirs is left that can move.
    """
    blocked = given.of("blocked")
    if blocked:
        first = blocked[0]
        says = " ".join(reason.in_("en") for reason in first.verdict.reasons)
        raise MigrationBlocked(count=len(blocked), first=f"{first.number}: {says}")
    with transaction():
        definitions.pin(given.new)
    result, stays = Result(), set[UUID]()
    while True:
        with transaction():
            moved = _batch(given, actor, batch, stays, result, beside)
        told(result.moved)
        if moved == 0 and _repinned(given, stays, result):
            return result


def _planned(given: Plan) -> Plan:
    ids = [row.id for row in db.session.execute(_live(given))]
    for start in range(0, len(ids), BATCH):
        given.lines += _lines(given, ids[start : start + BATCH])
    return given


def _live(given: Plan) -> sa.Select[UUID]:
    """The applications that this is about: not ended, by the old version, and for an undo those that it moved."""
    final = [state.id for state in given.old.states.values() if state.is_final]
    chosen = sa.select(Application.id).where(
        Application.definition_sha == given.old.sha256,
        Application.outcome.is_(None),
        Application.state.not_in(final),
        sa.true() if given.round_id is None else Application.round_id == given.round_id,
    )
    if given.undoes:
        chosen = chosen.where(Application.id.in_(sa.select(Event.application_id).where(Event.transition == MIGRATED)))
    return chosen.order_by(Application.id)


def _lines(given: Plan, ids: Sequence[UUID]) -> Iterator[Line]:
    applications = db.session.scalars(
        sa.select(Application)
        .where(Application.id.in_(ids))
        .order_by(Application.id)
        .execution_options(populate_existing=True)
    ).all()
    found = standings(applications)
    for application in applications:
        verdict, move = _verdict(given, application, found[application.id])
        yield Line(application.id, application.number, application.state, verdict, move)


def _verdict(given: Plan, application: Application, standing: Standing) -> tuple[Verdict, Migration]:
    move = given.move
    if given.undoes:
        back = _way_back(given, application, standing)
        if isinstance(back, Text):
            return Verdict(kind="blocked", state=application.state, reasons=(back,)), move
        if back is None:
            return Verdict(kind="held", state=application.state), move
        move = back
    verdict = judge(given.old, given.new, move, standing)
    if verdict.kind == "moves" and (past := begun_in_the_past(application, given.old, given.new, verdict)):
        verdict = replace(verdict, kind="blocked", reasons=tuple(past))
    return verdict, move


def _way_back(given: Plan, application: Application, standing: Standing) -> Migration | Text | None:
    """The way back of one application: to where its event says it came from, or else by the reversed map.

    None where the last version it came from was another.
    """
    event = db.session.scalars(
        sa.select(Event)
        .where(Event.application_id == application.id, Event.transition == MIGRATED)
        .order_by(Event.seq.desc())
        .limit(1)
    ).one()
    account = event.account["migration"]
    if (account["from"], account["to"]) != (given.new.sha256, given.old.sha256):
        return None
    if account["fields"]:
        return fill(REVERSE_FIELDS, names=", ".join(account["fields"]))
    back = reverse(given.new, given.old, Migration(source=given.new.version, states=account["states"]))
    moved_on = db.session.execute(
        sa.select(sa.func.count()).where(
            Event.application_id == application.id, Event.seq > event.seq, Event.from_state != Event.to_state
        )
    ).scalar_one()
    if isinstance(back, Text) and moved_on:
        return back
    states = dict(back.states) if isinstance(back, Migration) else {}
    if not moved_on:
        states[application.state] = event.from_state or application.state
    for kind, keys in account["children"].items():
        for key, (was, became) in keys.items():
            if standing.children.get(kind, {}).get(key) == became:
                states[f"{kind}.{became}"] = f"{kind}.{was}"
    return replace(given.move, states=states)


def _batch(
    given: Plan, actor: Actor, batch: int, stays: set[UUID], result: Result, beside: Callable[[Application], None]
) -> int:
    waiting = _live(given).limit(batch)
    if stays:
        waiting = waiting.where(Application.id.not_in(stays))
    ids = [row.id for row in db.session.execute(waiting)]
    for application_id in ids:
        line = _move(given, application_id, actor, beside)
        if line is None:
            continue
        if line.verdict.kind == "moves":
            result.moved += 1
        else:
            stays.add(application_id)
            result.held += line.verdict.kind == "held"
            result.left += [line] if line.verdict.kind == "blocked" else []
    return len(ids)


def _move(given: Plan, application_id: UUID, actor: Actor, beside: Callable[[Application], None]) -> Line | None:
    """Move one application under its lock, by what is true now; None where somebody moved or ended it meanwhile."""
    locked = db.session.execute(
        sa.select(Application)
        .where(Application.id == application_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    if locked.definition_sha != given.old.sha256 or locked.outcome is not None:
        return None
    [line] = _lines(given, [application_id])
    if line.verdict.kind != "moves":
        return line
    with writes.whole_or_nothing():
        key = f"{MIGRATED}:{application_id}:{locked.revision}"
        held = take(Asked(application_id, MIGRATED, actor, key, locked.revision))
        assert isinstance(held, Held)  # noqa: S101 - a revision is never migrated twice
        _happen(given, held, line, actor, key)
        beside(held.application)
    return line


def _happen(given: Plan, held: Held, line: Line, actor: Actor, key: str) -> Fired:
    application, left, verdict, move = held.application, held.application.state, line.verdict, line.move
    since = application.state_since
    db.session.execute(
        sa.update(Application)
        .where(Application.id == application.id)
        .values(definition_sha=given.new.sha256)
        .execution_options(synchronize_session=False)
    )
    writes.show(application, definition_sha=given.new.sha256, state=verdict.state)
    facts = Facts(application, given.new, actor, held.now, locking=False)
    parts = _parts(application, verdict)
    if verdict.state != left:
        _keep_signatures(application, left, verdict.state)
    ctx = registry.EffectContext(
        application=application,
        workflow=given.new,
        transition=MIGRATED,
        event_seq=application.revision + 1,
        from_state=left,
        to_state=verdict.state,
        outcome=None,
        actor=actor,
        now=held.now,
        reason=None,
        input={},
        evaluate=facts.evaluate,
        facts=facts,
    )
    for name, value in move.fields.items():
        happening.provider(_set(name, value)).run(ctx, _set(name, value))
    account = {
        "from": given.old.sha256,
        "to": given.new.sha256,
        "undo": given.undoes,
        "states": dict(move.states),
        "fields": sorted(move.fields),
        "children": parts,
        "timers": take_over(facts, given.old, left, verdict),
        **({"child_timers": found} if (found := take_over_of_children(facts)) else {}),
    }
    decision = Decision(MIGRATED, True, (), verdict.state, None)
    fired = happening.migrate(ctx, facts, decision, {"key": key, "migration": account})
    # It stands where it stood, only under another name: what counts from the day it came there goes on counting.
    db.session.execute(
        sa.update(Application)
        .where(Application.id == application.id)
        .values(state_since=since)
        .execution_options(synchronize_session=False)
    )
    writes.show(application, state_since=since)
    return happening.follow_up(fired, held._replace(workflow=given.new), key)


def _set(name: str, value: Any) -> Effect:
    return Effect(kind="set", set=name, value=value)


def _keep_signatures(application: Application, left: str, state: str) -> None:
    """What was signed in a state is signed in the state that it is now; older ones of that name count no more."""
    mine = Signature.application_id == application.id
    db.session.execute(sa.delete(Signature).where(mine, Signature.state == state))
    db.session.execute(
        sa.update(Signature)
        .where(mine, Signature.state == left)
        .values(state=state)
        .execution_options(synchronize_session=False)
    )


def _parts(application: Application, verdict: Verdict) -> dict[str, dict[str, list[str]]]:
    """Give the children their states in the new version; where each came from and to."""
    moved: dict[str, dict[str, list[str]]] = {}
    rows = db.session.scalars(sa.select(Child).where(Child.application_id == application.id)).all()
    for row in rows:
        state = verdict.children[row.kind][row.key]
        moved.setdefault(row.kind, {})[row.key] = [row.state, state]
        row.state = state
    db.session.flush()
    return moved


def _repinned(given: Plan, stays: set[UUID], result: Result) -> bool:
    """Let the rounds follow; False where something was started in one before its lock was had, and must move first."""
    chosen = sa.select(_rounds.c.id).where(
        _rounds.c.definition_sha == given.old.sha256,
        sa.true() if given.round_id is None else _rounds.c.id == given.round_id,
    )
    if given.undoes:
        # A round that began with the newer version stays with it.
        chosen = chosen.where(
            _rounds.c.id.in_(sa.select(Application.round_id).where(Application.definition_sha == given.new.sha256))
        )
    blocked = {line.application_id for line in result.left}
    for round_id in db.session.scalars(chosen.order_by(_rounds.c.id)).all():
        with transaction():
            # Whoever starts an application holds the round's key: after this, none of the old version can begin.
            db.session.execute(sa.select(_rounds.c.id).where(_rounds.c.id == round_id).with_for_update())
            left = set(db.session.scalars(_live(given).where(Application.round_id == round_id)))
            if left - stays:
                return False
            if left & blocked:
                continue
            db.session.execute(
                sa.update(_rounds)
                .where(_rounds.c.id == round_id)
                .values(definition_sha=given.new.sha256, revision=_rounds.c.revision + 1)
            )
            result.rounds += 1
    db.session.rollback()
    return True
