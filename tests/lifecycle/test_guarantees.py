"""What must hold with many processes on one database: nothing twice, nothing lost, nothing over the budget."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.config import Settings
from fundflow.db import db
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.ledger import queries as money
from fundflow.lifecycle import audit
from fundflow.lifecycle.models import Application, Command, Event
from fundflow.money import Money
from tests import factories as make
from tests.conftest import ON_POSTGRES
from tests.crowd import crowd
from tests.lifecycle.toys import a_toy, a_toy_round

PROCESSES = 4
APPLICATIONS = 100 if ON_POSTGRES else 25
"""SQLite has one writer at a time: there the same is tried on fewer."""


def counts() -> dict[str, int]:
    db.session.rollback()
    rows = db.session.execute(sa.select(Event.application_id, sa.func.count()).group_by(Event.application_id))
    return {str(application_id): count for application_id, count in rows}


def sent(count: int, **more: Any) -> list[str]:
    """So many applications that were sent to one round."""
    round_, focal = a_toy_round(**more), make.a_person()
    return [str(a_toy(round_, applicant=focal, state="sent").id) for _ in range(count)]


def test_thousands_of_contradictory_presses_move_each_application_once(app: Flask, settings: Settings) -> None:
    ids = sent(APPLICATIONS, budget=10_000_000)
    managers = [str(make.a_person(groups=[make.MANAGERS]).id) for _ in range(PROCESSES)]
    db.session.rollback()
    results = crowd(
        settings,
        """
        from fundflow.accounts.queries import actor_for
        from fundflow.lifecycle import commands

        actor = actor_for(UUID(GIVEN["managers"][NUMBER]))
        db.session.rollback()

        def press(application, n):
            def run():
                with transaction():
                    fired = commands.fire(UUID(application), ("grant", "decline", "return")[n % 3], actor=actor,
                                          key=f"{application}:{NUMBER}:{n}", revision=2, reason="So it is.")
                return "replayed" if fired.replayed else "fired"
            return run

        found += in_threads(2, [press(each, n + NUMBER) for n in range(8) for each in GIVEN["ids"]])
        """,
        of=PROCESSES,
        given={"ids": ids, "managers": managers},
    )
    assert Counter(results) == {"fired": APPLICATIONS, "Stale": APPLICATIONS * (PROCESSES * 8 - 1)}
    assert set(counts().values()) == {3}
    assert audit.verify().is_whole


def test_one_key_used_thirty_two_times_is_one_event(app: Flask, settings: Settings) -> None:
    number = APPLICATIONS // 2
    ids = sent(number, budget=10_000_000)
    manager = str(make.a_person(groups=[make.MANAGERS]).id)
    db.session.rollback()
    results = crowd(
        settings,
        """
        from fundflow.accounts.queries import actor_for
        from fundflow.lifecycle import commands

        actor = actor_for(UUID(GIVEN["manager"]))
        db.session.rollback()

        def press(application):
            def run():
                with transaction():
                    key = f"once:{application}"
                    fired = commands.fire(UUID(application), "grant", actor=actor, key=key, revision=2)
                return "replayed" if fired.replayed else "fired"
            return run

        found += in_threads(4, [press(each) for each in GIVEN["ids"] for _ in range(8)])
        """,
        of=PROCESSES,
        given={"ids": ids, "manager": manager},
    )
    assert Counter(results) == {"fired": number, "replayed": number * 31}
    assert set(counts().values()) == {3}


def test_twenty_threads_never_approve_more_than_the_budget(app: Flask, settings: Settings) -> None:
    ids = sent(40, budget=100_000)
    manager = str(make.a_person(groups=[make.MANAGERS]).id)
    round_id = db.session.get_one(Application, UUID(ids[0])).round_id
    db.session.rollback()
    results = crowd(
        settings,
        """
        from fundflow.accounts.queries import actor_for
        from fundflow.lifecycle import commands

        actor = actor_for(UUID(GIVEN["manager"]))
        db.session.rollback()

        def press(application):
            def run():
                with transaction():
                    commands.fire(UUID(application), "grant", actor=actor, key=f"grant:{application}", revision=2)
                return "fired"
            return run

        found += in_threads(5, [press(each) for each in GIVEN["ids"][NUMBER::OF]])
        """,
        of=PROCESSES,
        given={"ids": ids, "manager": manager},
    )
    assert Counter(results) == {"fired": 10, "NotAllowed": 30}
    balance = money.balance(round_id)
    assert (balance.available, balance.committed) == (Money.of(0, "EUR"), Money.of(100_000, "EUR"))
    assert audit.verify().is_whole


def test_processes_killed_before_the_commit_lose_and_double_nothing(app: Flask, settings: Settings) -> None:
    """Three commands in ten die before their commit, and are given again until they answered."""
    ids = sent(APPLICATIONS, budget=10_000_000)
    manager = str(make.a_person(groups=[make.MANAGERS]).id)
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Job)) or 0
    db.session.rollback()
    deaths = crowd(
        settings,
        """
        from fundflow import jobs
        from fundflow.accounts.queries import actor_for
        from fundflow.lifecycle import commands, registry

        actor = actor_for(UUID(GIVEN["manager"]))
        db.session.rollback()
        db.engine.dispose()
        chance = random.Random(NUMBER)

        @registry.entering
        def ask(ctx):
            jobs.enqueue("test.effect", {"of": str(ctx.application.id)}, ctx.key("effect"))

        for application in GIVEN["ids"][NUMBER::OF]:
            while True:
                dies, child = chance.random() < 0.3, os.fork()
                if child == 0:
                    commands.fire(UUID(application), "grant", actor=actor, key=f"k:{application}", revision=2)
                    db.session.flush()
                    if dies:
                        os.kill(os.getpid(), signal.SIGKILL)
                    db.session.commit()
                    os._exit(0)
                _, how = os.waitpid(child, 0)
                if how == 0:
                    break
                found.append(os.WTERMSIG(how))
        """,
        of=2,
        given={"ids": ids, "manager": manager},
    )
    assert set(deaths) == {9} and len(deaths) > APPLICATIONS / 6
    assert set(counts().values()) == {3}
    jobs_now = db.session.scalar(sa.select(sa.func.count()).select_from(Job)) or 0
    assert jobs_now - before == APPLICATIONS
    accepted = db.session.scalars(sa.select(Command.key).where(Command.key.startswith("k:"))).all()
    assert sorted(accepted) == sorted(f"k:{each}" for each in ids)
    assert audit.verify().is_whole


def test_workers_killed_after_the_effect_lose_no_job_and_mark_each_done_once(
    app: Flask, settings: Settings, tmp_path: Any
) -> None:
    """A fifth of the jobs see their worker die after the effect outside: it comes again under the same key."""
    number = 60
    with db.session.begin():
        from fundflow import jobs

        for n in range(number):
            jobs.enqueue("test.effect", {"n": n, "to": str(tmp_path / "effects")}, f"effect:{n}")
    deaths = crowd(
        settings,
        """
        from fundflow import jobs
        from fundflow.jobs import worker

        chance = random.Random(NUMBER)

        @jobs.handler("test.effect")
        def work(payload):
            with open(payload["to"], "a") as effects:
                effects.write(f"{payload['n']}\\n")
            jobs.enqueue("test.inner", payload, f"inner:{payload['n']}")
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)

        # The first is done here, so that none after it has to find out anew how its statements are written.
        dies, quiet = False, 0
        worker.run_once(timedelta(seconds=0.4))
        db.session.rollback()
        db.engine.dispose()
        while quiet < 6:
            dies, child = chance.random() < 0.2, os.fork()
            if child == 0:
                os._exit(0 if worker.run_once(timedelta(seconds=0.4)) else 3)
            _, how = os.waitpid(child, 0)
            if os.WIFSIGNALED(how):
                found.append(os.WTERMSIG(how))
            quiet = quiet + 1 if not os.WIFSIGNALED(how) and os.WEXITSTATUS(how) == 3 else 0
            if quiet:
                time.sleep(0.2)
        """,
        of=2,
    )
    effects = Counter((tmp_path / "effects").read_text().split())
    assert set(effects) == {str(n) for n in range(number)}
    assert sum(effects.values()) == number + len(deaths) and deaths
    db.session.rollback()
    rows = db.session.scalars(sa.select(Job).where(Job.kind == "test.effect")).all()
    assert all(row.done_at is not None for row in rows) and len(rows) == number
    inner = db.session.scalars(sa.select(Job.key).where(Job.kind == "test.inner")).all()
    assert sorted(inner) == sorted(f"inner:{n}" for n in range(number))


pytestmark = pytest.mark.usefixtures("app")
assert worker.MAX_ATTEMPTS > 5, "a job must outlive the deaths of these workers"
