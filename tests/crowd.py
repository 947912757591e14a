"""Several processes on one database that begin at the same moment, as several servers would."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from fundflow.config import Settings
from tests.factories import processes_settings
from tests.nursery import Process

PROGRAM = """
from pathlib import Path
import json, os, random, signal, sys, threading, time
from datetime import datetime, timedelta, UTC
from uuid import UUID
from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import db, transaction

NUMBER, OF, GIVEN = {number}, {of}, json.loads({given!r})
app = create_app({settings})
found = []

def in_threads(count, tasks):
    '''Do these on so many threads, each with a session of its own; what they return or raise, in no order.'''
    left, taking, results = iter(tasks), threading.Lock(), []
    def run():
        while True:
            with taking:
                task = next(left, None)
            if task is None:
                return
            with app.app_context():
                try:
                    result = task()
                except Exception as problem:
                    result = type(problem).__name__
                finally:
                    db.session.rollback()
            with taking:
                results.append(result)
    threads = [threading.Thread(target=run) for _ in range(count)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    return results

with app.app_context():
    db.session.rollback()
    print("READY", flush=True)
    sys.stdin.readline()
{body}
    db.session.rollback()
    db.engine.dispose()
print(json.dumps(found), flush=True)
"""


def crowd(settings: Settings, body: str, *, of: int = 4, given: Any = None) -> list[Any]:
    """Run this in so many processes that wait for each other at the start; what they put into `found`, all together.

    Each knows its `NUMBER` among `OF`, and what was `GIVEN` as JSON. An error of one of them is an error here.
    """
    programs = [
        PROGRAM.format(
            number=number,
            of=of,
            given=json.dumps(given),
            settings=processes_settings(settings),
            body=textwrap.indent(textwrap.dedent(body), "    "),
        )
        for number in range(of)
    ]
    running = [Process(program) for program in programs]
    try:
        for each in running:
            line = each.stdout.readline()
            assert line == "READY\n", each.communicate()[1][-2000:]
        answers = []
        for each in running:
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in running:
            out, problem = each.communicate(timeout=150)
            assert each.returncode == 0, problem[-2000:]
            answers += json.loads(out.splitlines()[-1])
        return answers
    finally:
        for each in running:
            each.kill()
            each.communicate()
