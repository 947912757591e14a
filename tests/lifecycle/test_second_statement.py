"""The engine against an independent second statement of one workflow: whatever people press, in whatever order.

Time, crashes before the commit, replays, stale pages and migrations to the workflow's second version and back are steps
like any other. Then the engine is broken on purpose, in one place at a time, and the same test must notice each.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.ledger import effects as ledger
from fundflow.ledger import queries as money
from fundflow.lifecycle import (
    acts,
    audit,
    claims,
    commands,
    definitions,
    happening,
    migrating,
    moments,
    registry,
    sweeping,
    takeover,
    timers,
)
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Child, Event, TaskResult, Timer
from fundflow.lifecycle.signing import Proof
from fundflow.workflow import decide
from fundflow.workflow.definition import Migration
from fundflow.workflow.migration import judge
from tests import factories as make
from tests.conftest import ON_POSTGRES
from tests.lifecycle.estate import MAP, PAPER, SECOND, Estate, an_estate_workflow, papers_given
from tests.lifecycle.second_statement import PEOPLE, TASKS, Grant

AMOUNTS = (600, 400)
STEPS = ("send", "return", "agree", "reopen", "withdraw", "end")
Wish = tuple[Any, ...]
WISHES: list[Wish] = [
    *[("press", who, step) for who in PEOPLE for step in STEPS],
    *[
        ("task", who, name, value)
        for who in PEOPLE
        for name in TASKS
        for value in (("low", "high", None) if name == "risk" else ("done", None))
    ],
    *[("sign", who, party) for who in PEOPLE for party in ("city", "fund")],
    *[
        ("tranche", who, step, nr)
        for who in PEOPLE
        for step in ("request", "verify", "pay", "drop")
        for nr in (1, 2, 3)
    ],
]
"""Everything that anybody could try."""
KINDS = (
    "go_on",
    "allowed",
    "allowed",
    "forbidden",
    "almost",
    "come_too_late",
    "replay",
    "stale",
    "crash",
    "wait",
    "sweep",
    "go_back",
    "migrate",
    "migrate",
    "migrate",
)
MAPS = ("file", "file", "cancel", "names", "hold")


def _may(grant: Grant, wish: Wish) -> bool:
    """Whether the second statement would let this happen now."""
    name, *arguments = wish
    return bool(getattr(copy.deepcopy(grant), name)(*arguments))


class Crash(Exception):
    """The process ends before the commit."""


def _crash(_: Application) -> None:
    raise Crash


class EngineMachine(RuleBasedStateMachine):
    """One application, pressed at random; the engine and the second statement must agree after every step."""

    @initialize()
    def begin(self) -> None:
        self.moment = datetime(2026, 4, 6, 12, tzinfo=UTC)
        self._clock = clock.standing_at(self.moment)
        self._clock.__enter__()
        self.estate = Estate(amounts=AMOUNTS)
        self.id: UUID = self.estate.application.id
        self.round: UUID = self.estate.round.id
        first, second = (make.kept(definitions.complete(an_estate_workflow(*changes))) for changes in ((), SECOND))
        self.versions = {1: first, 2: second}
        stranger = make.a_person()
        self.actors: dict[str, Actor] = {
            name: make.acting(stranger if name == "stranger" else getattr(self.estate, name)) for name in PEOPLE
        }
        self.grant = Grant(AMOUNTS, 50_000, self.moment)
        self.done: list[tuple[Callable[[str, int], claims.Fired], str, int]] = []

    def teardown(self) -> None:
        if hasattr(self, "_clock"):
            self._clock.__exit__(None, None, None)
            db.session.rollback()
            assert audit.verify(self.id).is_whole

    @property
    def revision(self) -> int:
        return make.revision_of(self.estate.application)

    def attempt(self, expected: bool, run: Callable[[str, int], claims.Fired]) -> None:
        """The engine does what the second statement said, or refuses in words."""
        key, revision = f"k:{uuid4()}", self.revision
        db.session.rollback()
        try:
            with transaction():
                run(key, revision)
            happened = True
        except (Refused, NotFound):
            happened = False
        assert happened == expected, f"{self.grant.state}: engine {happened}, second statement {expected}"
        if happened:
            self.done.append((run, key, revision))

    def press(self, who: str, step: str) -> None:
        actor = self.actors[who]
        self.attempt(
            self.grant.press(who, step),
            lambda key, revision: commands.fire(
                self.id, step, actor=actor, key=key, revision=revision, reason="Because."
            ),
        )

    def task(self, who: str, name: str, value: str | None) -> None:
        actor = self.actors[who]
        self.attempt(
            self.grant.task(who, name, value),
            lambda key, revision: acts.task(self.id, name, value, actor=actor, key=key, revision=revision),
        )

    def sign(self, who: str, party: str) -> None:
        actor = self.actors[who]
        self.attempt(
            self.grant.sign(who, party),
            lambda key, revision: acts.sign(
                self.id,
                party,
                name="N",
                sha256=PAPER,
                proof=Proof(actor.id or uuid4(), "password", clock.now()),
                actor=actor,
                key=key,
                revision=revision,
            ),
        )

    def tranche(self, who: str, step: str, nr: int) -> None:
        actor = self.actors[who]
        given = {"reference": "R", "paid_on": self.moment.date().isoformat()} if step == "pay" else None
        self.attempt(
            self.grant.tranche(who, step, nr),
            lambda key, revision: commands.fire(
                self.id,
                f"tranche.{step}",
                of=str(nr),
                actor=actor,
                key=key,
                revision=revision,
                input=given,
                reason="Seen.",
            ),
        )

    def choose(self, pick: int, *, is_allowed: bool) -> None:
        """One of all the things somebody could try now, among those that the second statement allows, or refuses."""
        fitting = [wish for wish in WISHES if _may(self.grant, wish) == is_allowed]
        if fitting:
            name, *arguments = fitting[pick % len(fitting)]
            getattr(self, name)(*arguments)

    @rule(what=st.sampled_from(KINDS), pick=st.integers(0, 10_000))
    def step(self, what: str, pick: int) -> None:
        """One rule for all: with many, some would be left out of whole runs, and the later states never be reached."""
        getattr(self, what)(pick)

    def allowed(self, pick: int) -> None:
        self.choose(pick, is_allowed=True)

    def forbidden(self, pick: int) -> None:
        self.choose(pick, is_allowed=False)

    def almost(self, _pick: int) -> None:
        """What one person may do now, tried by everyone who may not."""
        open_now = {wish[:1] + wish[2:] for wish in WISHES if _may(self.grant, wish)}
        for wish in WISHES:
            if wish[:1] + wish[2:] in open_now and not _may(self.grant, wish):
                getattr(self, wish[0])(*wish[1:])
        self.sign("director", "fund") if not _may(self.grant, ("sign", "director", "fund")) else None

    def go_on(self, pick: int) -> None:
        """What leads on from here, so that chance also gets to the later states."""
        for _ in range(pick % 3 + 1):
            open_ = next((nr for nr, each in enumerate(self.grant.tranches, start=1) if not each.is_over), 1)
            match self.grant.state:
                case "draft":
                    self.press("focal", "send")
                case "checking":
                    for name in TASKS:
                        self.task("manager", name, "low" if name == "risk" else "done")
                    self.stale(0)
                    self.press("manager", "agree")
                case "signing":
                    self.sign("director", "fund")
                    self.sign("mayor", "city")
                    if pick % 5 > 2:
                        break
                    self.sign("director", "fund")
                case _:
                    self.tranche("focal", "request", open_)
                    if pick % 5 > 2:
                        break
                    self.tranche("manager", "verify", open_)
                    self.tranche("manager", "pay", open_)
                    self.tranche("finance", "pay", open_)

    def migrate(self, pick: int) -> None:
        """To the second version by some map, or back; now and then what has happened already, or a crash on the way."""
        by, first, second = MAPS[pick // 7 % len(MAPS)], self.versions[1], self.versions[2]
        if (self.grant.version == 1) == (pick % 11 != 1):
            move = {
                "names": Migration(source=1),
                "cancel": Migration(source=1, states=MAP, timers={"closing": "cancel"}),
                "hold": Migration(source=1, hold=frozenset({self.grant.state} & first.states.keys())),
            }.get(by)
            planned = migrating.plan(first, second, move, round_id=self.round)
        else:
            by, planned = "back", migrating.plan_undo(first, second, round_id=self.round)
        self.taken_over(by, planned, crash=pick % 7 == 0)

    def taken_over(self, by: str, planned: migrating.Plan, *, crash: bool) -> None:
        """A migration does what the second statement said; the same again has nothing left to do."""
        db.session.rollback()
        if crash and planned.of("moves"):
            with pytest.raises(Crash):
                migrating.apply(planned, beside=_crash)
            db.session.rollback()
            self.agrees()
        expected = self.grant.undo() if by == "back" else self.grant.move(by)
        if expected == "blocked":
            with pytest.raises(migrating.MigrationBlocked):
                migrating.apply(planned)
            return
        done = migrating.apply(planned)
        assert (done.moved, done.held, done.left) == (expected == "moved", expected == "held", []), (by, expected)
        if expected == "moved":
            db.session.rollback()
            assert migrating.apply(planned).moved == 0

    @property
    def state(self) -> str:
        """Where it stands, by the name that the present version has for it."""
        return MAP.get(self.grant.state, self.grant.state) if self.grant.version == 2 else self.grant.state

    def go_back(self, _pick: int) -> None:
        """Back to where facts are collected, which begins anew."""
        for step in ("reopen", "return"):
            if _may(self.grant, ("press", "manager", step)):
                self.press("manager", step)
                break

    def come_too_late(self, _pick: int) -> None:
        """The first second after the last moment, before any sweep."""
        if self.grant.due is not None and self.grant.due + timedelta(minutes=15) >= self.moment:
            self.stand_at(self.grant.due + timedelta(minutes=15, seconds=1))
            self.go_on(0)

    def replay(self, which: int) -> None:
        """The same command again answers as the first time and changes nothing."""
        if self.done:
            run, key, revision = self.done[which % len(self.done)]
            with transaction():
                assert run(key, revision).replayed

    def stale(self, which: int) -> None:
        """The same wish under another key, from the page as it was then; what was done last could be done again."""
        if self.done:
            run, _, revision = self.done[-1 - which % min(4, len(self.done))]
            with pytest.raises(Refused), transaction():
                run(f"k:{uuid4()}", revision)

    def crash(self, _pick: int) -> None:
        """A process that ends before the commit leaves nothing."""
        for kind, who, step in [wish for wish in WISHES if wish[0] == "press" and _may(self.grant, wish)]:
            assert kind == "press"
            with pytest.raises(Crash), transaction():
                commands.fire(
                    self.id, step, actor=self.actors[who], key="crash", revision=self.revision, reason="Because."
                )
                raise Crash

    def wait(self, pick: int) -> None:
        self.stand_at(self.moment + timedelta(days=(0, 1, 5, 9, 12)[pick % 5], seconds=1))

    def stand_at(self, moment: datetime) -> None:
        self._clock.__exit__(None, None, None)
        self.moment = self.grant.now = moment
        self._clock = clock.standing_at(moment)
        self._clock.__enter__()

    def sweep(self, _pick: int) -> None:
        for _ in range(2):
            sweeping.sweep()
        self.grant.sweep()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "grant"):
            return
        grant, read = self.grant, db.session.connection().execute
        row = read(sa.select(*Application.__table__.c).where(Application.id == self.id)).one()
        count = read(sa.select(sa.func.count()).select_from(Event).where(Event.application_id == self.id)).scalar_one()
        stands = (self.state, grant.outcome, grant.events, grant.events)
        assert (row.state, row.outcome, row.revision, count) == stands
        if grant.is_live:
            assert row.definition_sha == self.versions[grant.version].sha256
        held = money.standing(self.estate.application)
        assert [held.reserved.minor, held.committed.minor, held.paid.minor, held.available.minor] == [
            100 * each
            for each in (
                grant.reserved,
                grant.committed,
                grant.paid,
                grant.budget - grant.reserved - grant.committed - grant.paid,
            )
        ]
        states = read(sa.select(Child.state).where(Child.application_id == self.id).order_by(Child.position)).scalars()
        named = {"requested": "asked"} if grant.version == 2 else {}
        assert list(states) == [named.get(each.state, each.state) for each in grant.tranches]
        if grant.state == "checking" and grant.outcome is None:
            done = read(sa.select(TaskResult.task, TaskResult.value).where(TaskResult.application_id == self.id))
            assert {row.task: row.value for row in done} == grant.tasks
        armed = read(
            sa.select(Timer.name, Timer.due_at).where(Timer.application_id == self.id, Timer.status == "armed")
        )
        assert {timer.name: timer.due_at for timer in armed} == grant.running
        db.session.rollback()


QUICK = settings(
    max_examples=25,
    stateful_step_count=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _papers(app: Flask) -> Iterator[None]:
    before = papers_given()
    yield
    registry.papers[:] = before


def test_the_engine_agrees_with_the_second_statement() -> None:
    run_state_machine_as_test(EngineMachine, settings=QUICK)


Patch = Callable[[pytest.MonkeyPatch], None]

on_sqlite = pytest.mark.skipif(ON_POSTGRES, reason="what this looks for lies above the database, and SQLite is quicker")


def _timers_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(timers, "cancel", lambda *_: None)


def _timers_never_start(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(timers, "arm", lambda *_: None)


def _revisions_do_not_count(patch: pytest.MonkeyPatch) -> None:
    real = claims.take

    def take(asked: claims.Asked) -> Any:
        present = db.session.scalar(sa.select(Application.revision).where(Application.id == asked.application_id))
        return real(claims.Asked(asked.application_id, asked.name, asked.actor, asked.key, present, asked.subject))

    patch.setattr(commands, "take", take)
    patch.setattr(acts, "take", take)


def _releases_are_not_booked(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(
        ledger.OPERATIONS, "release", lambda application, amount, seq: amount or application_zero(application)
    )


def application_zero(application: Application) -> Any:
    return money.standing(application).reserved


def _replays_are_refused(patch: pytest.MonkeyPatch) -> None:
    def forget(asked: Any) -> Any:
        raise commands.KeyReused

    patch.setattr(claims, "_replay", forget)


def _roles_do_not_count(patch: pytest.MonkeyPatch) -> None:
    real = decide._role
    patch.setattr(decide, "_role", lambda *a: _holding(real(*a)))


def _holding(clause: Any) -> Any:
    return clause._replace(holds=True)


def _nobody_did_anything_before(patch: pytest.MonkeyPatch) -> None:
    from fundflow.lifecycle.situation import Facts

    def nothing(self: Facts) -> None:
        self._acted = {}

    patch.setattr(Facts, "_load_acted", nothing)


def _nothing_happens_by_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(happening, "_by_itself", lambda *_: None)


def _what_was_collected_stays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(happening, "_begin_anew", lambda *_: None)


def _deadlines_do_not_count(patch: pytest.MonkeyPatch) -> None:
    from fundflow.workflow import clauses

    real = clauses.of_deadline
    patch.setattr(clauses, "of_deadline", lambda *a: _holding(real(*a)))


def _signatures_in_any_order(patch: pytest.MonkeyPatch) -> None:
    from fundflow.workflow import acts as pure

    patch.setattr(pure, "_signing", lambda *_: iter(()))


def _children_move_without_their_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(happening, "_move", lambda *_: None)


def _a_crash_commits(patch: pytest.MonkeyPatch) -> None:
    real = commands.fire

    def fire(*args: Any, **more: Any) -> claims.Fired:
        fired = real(*args, **more)
        db.session.commit()
        return fired

    patch.setattr(commands, "fire", fire)


def _deadlines_move_earlier(patch: pytest.MonkeyPatch) -> None:
    def promise(facts: Any, timer: Any, row: Timer, *, anew: bool) -> None:
        moment = moments.moment_of(facts, timer, facts.now if anew else row.created_at)
        timers.replan(row, moments.plan(facts, timer, moment or row.due_at))

    patch.setattr(takeover, "_promise", promise)


def _deadlines_lose_their_grace(patch: pytest.MonkeyPatch) -> None:
    real = moments.plan
    patch.setattr(takeover, "plan", lambda facts, timer, due: {**real(facts, timer, due), "act_at": due})


def _new_deadlines_do_not_begin(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(takeover, "_beginning", lambda *_: [])


def _cancelled_deadlines_begin_anew(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(takeover, "_of_this_stay", lambda *_: {})


def _nobody_is_held(patch: pytest.MonkeyPatch) -> None:
    real = judge
    patch.setattr(migrating, "judge", lambda old, new, move, s: real(old, new, replace(move, hold=frozenset()), s))


def _children_keep_their_states(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(migrating, "_parts", lambda *_: {})


def _the_blocked_are_left_behind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(migrating.Plan, "of", lambda self, kind: [])


def _a_migration_commits_before_its_end(patch: pytest.MonkeyPatch) -> None:
    real = migrating._happen

    def happen(*args: Any) -> claims.Fired:
        fired = real(*args)
        db.session.commit()
        return fired

    patch.setattr(migrating, "_happen", happen)


MUTANTS: list[Patch] = [
    _timers_go_on,
    _timers_never_start,
    _revisions_do_not_count,
    _releases_are_not_booked,
    _replays_are_refused,
    _roles_do_not_count,
    _nobody_did_anything_before,
    _nothing_happens_by_itself,
    _what_was_collected_stays,
    _deadlines_do_not_count,
    _signatures_in_any_order,
    _children_move_without_their_row,
    _a_crash_commits,
    _deadlines_move_earlier,
    _deadlines_lose_their_grace,
    _new_deadlines_do_not_begin,
    _cancelled_deadlines_begin_anew,
    _nobody_is_held,
    _children_keep_their_states,
    _the_blocked_are_left_behind,
    _a_migration_commits_before_its_end,
]


RARE: dict[Patch, tuple[int, int]] = {
    _revisions_do_not_count: (6, 250),
    _what_was_collected_stays: (6, 250),
    _nobody_is_held: (6, 250),
    _the_blocked_are_left_behind: (6, 250),
    _releases_are_not_booked: (6, 60),
    _children_keep_their_states: (1, 60),
}
"""The seed by which each of these is found soon, and out of how many runs."""


@contextmanager
def broken(mutate: Patch) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        mutate(patch)
        yield


@on_sqlite
@pytest.mark.parametrize("mutate", MUTANTS, ids=[each.__name__.strip("_") for each in MUTANTS])
def test_an_engine_broken_in_one_place_is_noticed(mutate: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    # By their own seed these are found among the first runs, and without one only after a hundred.
    seed, most = RARE.get(mutate, (None, 250))
    monkeypatch.setattr(EngineMachine, "_hypothesis_internal_use_seed", seed, raising=False)
    longer = settings(QUICK, derandomize=seed is None, max_examples=most, phases=[Phase.generate])
    with broken(mutate), pytest.raises(BaseException) as noticed:
        run_state_machine_as_test(EngineMachine, settings=longer)
    assert not isinstance(noticed.value, KeyboardInterrupt)
