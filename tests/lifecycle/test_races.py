"""Many people at the same moment: one wins, the others are told, and money is never spent twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock
from fundflow.accounts.models import City, GroupMember
from fundflow.applications import service as applications
from fundflow.db import db, transaction
from fundflow.ledger import queries as money
from fundflow.lifecycle import audit, commands, queries, sweeping
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds.models import Round
from tests import factories as make
from tests.conftest import ON_POSTGRES
from tests.lifecycle.toys import a_toy, a_toy_round


def at_once(app: Flask, tasks: Sequence[Callable[[], Any]], threads: int = 8) -> list[Any]:
    """Run these on several threads, each with a session of its own; results or the exceptions, in order."""
    db.session.rollback()
    results: list[Any] = [None] * len(tasks)
    left = iter(range(len(tasks)))
    taking = threading.Lock()
    begin = threading.Barrier(min(threads, len(tasks)))

    def run() -> None:
        begin.wait()
        while True:
            with taking:
                number = next(left, None)
            if number is None:
                return
            with app.app_context():
                try:
                    results[number] = tasks[number]()
                except Exception as problem:
                    results[number] = problem
                finally:
                    db.session.rollback()

    running = [threading.Thread(target=run) for _ in range(begin.parties)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(120)
    return results


def pressing(application_id: UUID, transition: str, actor: Any, **more: Any) -> Callable[[], commands.Fired]:
    def press() -> commands.Fired:
        with transaction():
            return commands.fire(application_id, transition, actor=actor, **more)

    return press


def outcomes(results: Sequence[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def test_of_two_managers_who_decide_at_once_one_decides_and_the_other_is_told(app: Flask) -> None:
    round_ = a_toy_round(budget=1_000_000)
    ids = [a_toy(round_, state="sent").id for _ in range(5)]
    managers = [make.acting(make.a_person(groups=[make.MANAGERS])) for _ in range(4)]
    tasks = [
        pressing(
            application_id,
            ("grant", "decline")[n % 2],
            manager,
            key=f"{application_id}:{n}",
            revision=2,
            reason="It does not fit.",
        )
        for application_id in ids
        for n, manager in enumerate(managers)
    ]
    results = at_once(app, tasks, threads=4)
    assert outcomes(results) == {"Fired": 5, "Stale": 15}
    for application_id in ids:
        assert len(queries.history(application_id)) == 3
    assert audit.verify().is_whole


def test_one_key_pressed_many_times_at_once_happens_once(app: Flask) -> None:
    focal = make.a_person()
    application_id = a_toy(applicant=focal).id
    press = pressing(application_id, "send", make.acting(focal), key="double click", revision=1)
    results = at_once(app, [press] * 12)
    assert outcomes(results) == {"Fired": 12}
    assert sum(not result.replayed for result in results) == 1
    assert {result.event_seq for result in results} == {2}
    assert len(queries.history(application_id)) == 2


def test_forty_approvals_of_ten_thousand_on_a_hundred_thousand_are_exactly_ten(app: Flask) -> None:
    round_ = a_toy_round(budget=100_000)
    round_id = round_.id
    focal, manager = make.a_person(), make.acting(make.a_person(groups=[make.MANAGERS]))
    ids = [a_toy(round_, applicant=focal, requested=10_000, state="sent").id for _ in range(40)]
    tasks = [pressing(each, "grant", manager, key=f"grant:{each}", revision=2) for each in ids]
    results = at_once(app, tasks)
    assert outcomes(results) == {"Fired": 10, "NotAllowed": 30}
    assert {str(result) for result in results if isinstance(result, commands.NotAllowed)} == {"Only €0.00 is left."}
    balance = money.balance(round_id)
    assert (balance.available, balance.committed) == (Money.of(0, "EUR"), Money.of(100_000, "EUR"))
    assert audit.verify().is_whole


def test_cities_that_start_at_once_get_numbers_without_gaps_or_doubles(app: Flask) -> None:
    round_ = a_toy_round()
    focal = make.a_person()
    cities = make.ids(*[make.a_city(focal_point=focal) for _ in range(12)])
    actor, round_id = make.acting(focal), round_.id

    def starting(city_id: UUID) -> Callable[[], str]:
        def start() -> str:
            with transaction():
                round_, city = db.session.get_one(Round, round_id), db.session.get_one(City, city_id)
                number: str = applications.start(round_, city, actor).number
                return number

        return start

    numbers = at_once(app, [starting(city_id) for city_id in cities])
    assert sorted(number[-4:] for number in numbers) == [f"{n:04d}" for n in range(1, 13)]


def test_submits_and_sweeps_at_the_very_second_never_both_happen(app: Flask) -> None:
    closes = clock.now().replace(microsecond=0) + timedelta(days=1)
    round_ = a_toy_round(closes_at=closes)
    focal = make.a_person()
    ids = [a_toy(round_, applicant=focal).id for _ in range(9)]
    actor = make.acting(focal)
    sends = [pressing(each, "send", actor, key=f"send:{each}", revision=1) for each in ids]
    with clock.standing_at(closes + timedelta(minutes=15)):
        at_once(
            app, [task for n, send in enumerate(sends) for task in ((send, sweeping.sweep) if n % 3 == 0 else (send,))]
        )
        db.session.rollback()
        sweeping.sweep()
    for application_id in ids:
        done = [event.transition for event in queries.history(application_id)]
        assert done in (["started", "send"], ["started", "lapse"])
        db.session.rollback()


def test_many_sweepers_lapse_every_draft_once(app: Flask) -> None:
    closes = clock.now().replace(microsecond=0) + timedelta(days=1)
    round_ = a_toy_round(closes_at=closes)
    focal = make.a_person()
    ids = [a_toy(round_, applicant=focal).id for _ in range(12)]
    with clock.standing_at(closes + timedelta(hours=2)):
        at_once(app, [sweeping.sweep] * 6)
        db.session.rollback()
        sweeping.sweep()
    for application_id in ids:
        assert [event.transition for event in queries.history(application_id)] == ["started", "lapse"]
        db.session.rollback()


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer: nobody reads while another writes")
def test_whoever_leaves_a_group_while_a_command_waits_for_the_lock_no_longer_decides(app: Flask) -> None:
    application = a_toy(a_toy_round(), state="sent")
    person = make.a_person(groups=[make.MANAGERS])
    manager, holds, may_end = make.acting(person), threading.Event(), threading.Event()

    def holding() -> None:
        with transaction():
            db.session.execute(sa.select(Application.id).where(Application.id == application.id).with_for_update())
            holds.set()
            assert may_end.wait(60)

    def leaving() -> None:
        assert holds.wait(60)
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        while db.session.execute(waiting).scalar_one() == 0:
            db.session.rollback()
            time.sleep(0.01)
        with transaction():
            db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == person.id))
        may_end.set()

    def pressing_late() -> commands.Fired:
        assert holds.wait(60)
        return pressing(application.id, "return", manager, key="late", revision=2, reason="Add the budget.")()

    results = at_once(app, [holding, leaving, pressing_late], threads=3)
    assert [type(result).__name__ for result in results] == ["NoneType", "NoneType", "NotAllowed"]
