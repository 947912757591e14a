"""Jobs exist with the change that asked for them, are done once, retried with growing waits, and never lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock, jobs
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.jobs import queries, service, worker
from fundflow.jobs.models import Job


class SmtpDown(Exception):
    """What a mail server that cannot be reached looks like."""


@pytest.fixture
def done(app: Flask) -> Iterator[list[str]]:
    """What the handler of kind `note` was given, in order; kind `fail` always fails, `hopeless` gives up."""
    seen: list[str] = []

    def note(payload: dict[str, str]) -> None:
        seen.append(payload["text"])

    def fail(payload: dict[str, str]) -> None:
        raise SmtpDown("[Errno 111] Connection refused")

    def hopeless(payload: dict[str, str]) -> None:
        raise jobs.GiveUp("the address does not exist")

    before = dict(service.handlers)
    service.handlers.update(note=note, fail=fail, hopeless=hopeless)
    yield seen
    service.handlers.clear()
    service.handlers.update(before)


def ask(kind: str = "note", text: str = "one", key: str | None = None) -> str:
    key = key or f"test:{uuid4()}"
    with transaction():
        jobs.enqueue(kind, {"text": text}, key)
    return key


def job(key: str) -> Job:
    db.session.rollback()
    return db.session.scalars(sa.select(Job).where(Job.key == key).execution_options(populate_existing=True)).one()


def test_a_job_is_done_once_and_stays_as_done(done: list[str]) -> None:
    key = ask()
    assert worker.run_once() is True
    assert worker.run_once() is False
    assert done == ["one"]
    assert job(key).done_at is not None
    assert job(key).leased_by is None


def test_a_change_that_was_undone_leaves_no_job(done: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        jobs.enqueue("note", {"text": "never"}, "test:undone")
        raise ZeroDivisionError
    assert worker.run_once() is False
    assert done == []


def test_the_same_key_is_no_second_job(done: list[str]) -> None:
    ask(text="first", key="test:same")
    ask(text="second", key="test:same")
    with transaction():
        jobs.enqueue("note", {"text": "third"}, "test:same")
        jobs.enqueue("note", {"text": "fourth"}, "test:same")
    assert worker.drain() == 1
    assert done == ["first"]


def test_a_job_for_later_waits_for_its_time(done: list[str]) -> None:
    with transaction():
        jobs.enqueue("note", {"text": "later"}, "test:later", run_at=clock.now() + timedelta(hours=1))
    assert worker.run_once() is False
    with clock.shifted(timedelta(hours=1, seconds=1)):
        assert worker.run_once() is True
    assert done == ["later"]


def test_the_longest_waiting_job_comes_first(done: list[str]) -> None:
    now = clock.now()
    with transaction():
        for minutes in (1, 3, 2):
            jobs.enqueue("note", {"text": str(minutes)}, f"test:{minutes}", run_at=now - timedelta(minutes=minutes))
    worker.drain()
    assert done == ["3", "2", "1"]


def test_a_failing_job_waits_longer_each_time_then_becomes_a_dead_letter_that_can_be_retried(done: list[str]) -> None:
    key = ask("fail")
    waits = []
    now = clock.now() + timedelta(minutes=1)
    for attempt in range(1, worker.MAX_ATTEMPTS + 1):
        with clock.standing_at(now):
            assert worker.run_once() is True
            assert worker.run_once() is False, "a failed job is not tried again at once"
        row = job(key)
        assert row.attempts == attempt
        assert row.last_error == "SmtpDown: [Errno 111] Connection refused"
        if attempt < worker.MAX_ATTEMPTS:
            waits.append((row.run_at - now).total_seconds())
            now = row.run_at
    assert all(later > sooner for sooner, later in pairwise(waits[:9]))
    assert 5 < waits[0] < 15
    assert sum(waits) > 24 * 3600, "a mail server may be down for a day"
    assert [dead.key for dead in queries.dead()] == [key]
    with clock.standing_at(now + timedelta(days=30)):
        assert worker.run_once() is False, "a dead letter rests"

    service.handlers["fail"] = service.handlers["note"]
    with transaction():
        jobs.retry(job(key).id)
    assert queries.dead() == []
    assert worker.run_once() is True
    assert done == ["one"]
    assert job(key).done_at is not None


def test_only_a_dead_letter_can_be_retried(done: list[str]) -> None:
    key = ask()
    with pytest.raises(NotFound), transaction():
        jobs.retry(job(key).id)
    with pytest.raises(NotFound), transaction():
        jobs.retry(uuid4())


def test_a_handler_that_gives_up_makes_a_dead_letter_at_once(done: list[str]) -> None:
    key = ask("hopeless")
    worker.run_once()
    assert job(key).dead_at is not None
    assert job(key).last_error == "GiveUp: the address does not exist"


def test_a_kind_nobody_does_fails_and_says_so(done: list[str]) -> None:
    key = ask("unheard-of")
    worker.run_once()
    assert job(key).done_at is None
    assert "“unheard-of”" in (job(key).last_error or "")


def test_what_a_handler_writes_and_the_mark_that_it_is_done_are_committed_together(done: list[str]) -> None:
    def write(payload: dict[str, str]) -> None:
        jobs.enqueue("note", {"text": payload["text"]}, f"follow:{payload['text']}")

    service.handlers["write"] = write
    ask("write", text="good")
    worker.run_once()
    assert job("follow:good").done_at is None

    def write_then_fail(payload: dict[str, str]) -> None:
        write(payload)
        raise SmtpDown

    service.handlers["write"] = write_then_fail
    ask("write", text="bad")
    worker.run_once()
    db.session.rollback()
    assert db.session.scalars(sa.select(Job.key).where(Job.key == "follow:bad")).all() == []


def test_a_job_whose_worker_fell_silent_is_taken_over_after_its_lease_and_the_first_writes_nothing(
    app: Flask, done: list[str]
) -> None:
    """The first worker is only slow: when it comes back its writes are undone, so nothing is doubled."""

    def slow(payload: dict[str, str]) -> None:
        if not done:
            done.append("slow")
            # Another worker takes the job while this one is still at it.
            with db.engine.begin() as connection:
                connection.execute(sa.update(Job).where(Job.kind == "slow").values(leased_by="another"))
        jobs.enqueue("note", {"text": "written"}, "slow:wrote")

    service.handlers["slow"] = slow
    key = ask("slow")
    worker.run_once()
    assert job(key).done_at is None
    assert job(key).leased_by == "another"
    assert db.session.scalars(sa.select(Job).where(Job.key == "slow:wrote")).all() == []
    assert worker.run_once() is False, "the other's lease still runs"
    with clock.shifted(worker.LEASE + timedelta(seconds=1)):
        assert worker.run_once() is True
    assert job(key).done_at is not None
    assert job("slow:wrote").attempts == 0


def test_a_lease_is_renewed_while_its_worker_lives(app: Flask, done: list[str]) -> None:
    lease = timedelta(seconds=0.6)
    taken = []

    def long(payload: dict[str, str]) -> None:
        time.sleep(1.5)
        with app.app_context():
            taken.append(worker.run_once(lease))

    service.handlers["long"] = long
    key = ask("long")
    worker.run_once(lease)
    assert taken == [False]
    assert job(key).attempts == 1


def test_a_worker_that_always_dies_over_a_job_ends_as_a_dead_letter(done: list[str]) -> None:
    key = ask()
    with transaction():
        db.session.execute(sa.update(Job).values(attempts=worker.MAX_ATTEMPTS))
    worker.run_once()
    assert done == []
    assert job(key).dead_at is not None


def test_the_running_worker_does_a_job_at_once_when_it_is_committed_and_stops_when_told(
    app: Flask, done: list[str]
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop, app))
    thread.start()
    try:
        time.sleep(0.3)
        asked = time.monotonic()
        ask(text="quick")
        while not done and time.monotonic() - asked < 5:
            time.sleep(0.01)
        took = time.monotonic() - asked
    finally:
        stop.set()
        thread.join(5)
    assert done == ["quick"]
    assert took < 2
    assert not thread.is_alive()


def test_a_worker_outlives_a_database_that_goes_away(
    app: Flask, done: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    def rename(old: str, new: str) -> None:
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    ask(text="after the storm")
    rename("jobs", "jobs_away")
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop, app))
    thread.start()
    try:
        until = time.monotonic() + 20
        while "could not reach its jobs" not in caplog.text and time.monotonic() < until:
            time.sleep(0.05)
        assert done == []
        rename("jobs_away", "jobs")
        while not done and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(10)
    assert done == ["after the storm"]


def test_many_workers_do_every_job_exactly_once(app: Flask, done: list[str]) -> None:
    with transaction():
        for n in range(60):
            jobs.enqueue("note", {"text": str(n)}, f"many:{n}")
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop, app)) for _ in range(4)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while len(done) < 60 and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert sorted(done, key=int) == [str(n) for n in range(60)]


def test_counts_say_how_full_the_outbox_is(done: list[str]) -> None:
    for kind in ("note", "fail", "hopeless"):
        ask(kind)
    worker.drain()
    ask("note")
    db.session.rollback()
    assert queries.counts() == queries.Counts(waiting=1, running=0, failing=1, dead=1)
    assert len(queries.open_jobs()) == 2


def test_no_log_repeats_what_a_failure_says_and_no_dead_letter_breaks_over_it(
    done: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(payload: dict[str, str]) -> None:
        raise SmtpDown("{'ada@city.example': (450, 'wait\x00\ud800')}")

    service.handlers["refuse"] = refuse
    key = ask("refuse")
    assert worker.run_once()
    assert "ada@city.example" not in caplog.text
    assert "SmtpDown" in caplog.text
    assert "ada@city.example" in (job(key).last_error or "")
