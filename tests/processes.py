"""Further processes on the same database: to be killed in the middle of something, or to do it all at once."""

from __future__ import annotations

import textwrap

from fundflow.config import Settings
from tests.factories import processes_settings
from tests.nursery import Process

PROGRAM = """
from pathlib import Path
import sys, threading, time
from uuid import UUID
from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import db, transaction

app = create_app({settings})

def ready():
    print("READY", flush=True)

def begin():
    ready()
    sys.stdin.readline()

with app.app_context():
{body}
"""


def start(settings: Settings, body: str) -> Process:
    """Run this in an application context of its own process; it calls `ready()` where it is to be killed."""
    return Process(
        PROGRAM.format(settings=processes_settings(settings), body=textwrap.indent(textwrap.dedent(body), "    "))
    )


def kill_when_ready(process: Process) -> None:
    """Wait until the process is where it should be, and end it without any chance to tidy up."""
    try:
        for line in process.stdout:
            if line.strip() == "READY":
                break
        else:
            raise AssertionError(f"the process ended by itself with {process.wait()}")
    finally:
        process.kill()
        process.wait()
        process.close()


def run_all(settings: Settings, bodies: list[str]) -> list[str]:
    """Run these at the same time, each in a process of its own, to their end: what each printed.

    A body waits for the others with `begin()`, which goes on as soon as all of them have come so far.
    """
    running = [start(settings, body) for body in bodies]
    try:
        for process in running:
            assert process.stdout.readline() == "READY\n", process.communicate()
        for process in running:
            process.stdin.write("GO\n")
            process.stdin.flush()
        said = []
        for process in running:
            said.append(process.stdout.read())
            assert process.wait(120) == 0
        return said
    finally:
        for process in running:
            process.kill()
            process.communicate()
