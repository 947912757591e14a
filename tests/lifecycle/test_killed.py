"""A process that is killed in the middle of a command leaves nothing of it behind."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from fundflow.config import Settings
from fundflow.db import db
from fundflow.jobs.models import Job
from fundflow.ledger import queries as money
from fundflow.lifecycle import audit, queries
from fundflow.lifecycle.models import Command
from tests import factories as make
from tests import processes
from tests.lifecycle.toys import a_toy


def test_a_server_killed_before_the_commit_leaves_nothing_half_written(app: Flask, settings: Settings) -> None:
    application = a_toy(state="sent")
    manager = make.a_person(groups=[make.MANAGERS])
    application_id, manager_id = application.id, manager.id
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Job))
    db.session.rollback()
    process = processes.start(
        settings,
        f"""
        from fundflow.accounts.queries import actor_for
        from fundflow.lifecycle import commands
        actor = actor_for(UUID({str(manager_id)!r}))
        commands.fire(UUID({str(application_id)!r}), "grant", actor=actor, key="dies", revision=2)
        db.session.flush()
        ready()
        time.sleep(60)
        """,
    )
    processes.kill_when_ready(process)
    assert [event.transition for event in queries.history(application.id)] == ["started", "send"]
    assert db.session.get(Command, "dies") is None
    assert money.balance(application.round_id).committed.minor == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job)) == before
    assert audit.verify().is_whole
    # The same press again, with the same key, goes through as if nothing had been.
    assert make.press(application, "grant", manager, key="dies", revision=2).state == "granted"
    assert money.balance(application.round_id).committed.minor == 10_000_00
