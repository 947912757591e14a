"""A worker killed in the middle of a job is taken over after its lease, and its work happens once."""

from __future__ import annotations

import time
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from fundflow import jobs
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.jobs import service, worker
from fundflow.jobs.models import Job
from tests import processes


def test_a_killed_workers_job_is_done_by_the_next_after_its_lease(app: Flask, settings: Settings) -> None:
    with transaction():
        jobs.enqueue("deadly", {"text": "once"}, "deadly:1")
    process = processes.start(
        settings,
        """
        from datetime import timedelta
        from fundflow import jobs
        from fundflow.jobs import worker

        @jobs.handler("deadly")
        def work(payload):
            jobs.enqueue("never", {}, "never:1")
            ready()
            time.sleep(60)

        db.session.rollback()
        worker.run(threading.Event(), app, lease=timedelta(seconds=2))
        """,
    )
    processes.kill_when_ready(process)
    killed_at = time.monotonic()
    done: list[str] = []
    service.handlers["deadly"] = lambda payload: done.append(payload["text"])
    try:
        while not done and time.monotonic() - killed_at < 15:
            worker.run_once(timedelta(seconds=2))
            time.sleep(0.1)
    finally:
        del service.handlers["deadly"]
    assert done == ["once"]
    assert time.monotonic() - killed_at < 10
    db.session.rollback()
    row = db.session.scalars(sa.select(Job).where(Job.key == "deadly:1")).one()
    assert (row.attempts, row.done_at is not None) == (2, True)
    assert db.session.scalars(sa.select(Job.key).where(Job.key == "never:1")).all() == []
