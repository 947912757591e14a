"""A second process on the same database, to be killed in the middle of something."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from fundflow.config import Settings
from tests.factories import processes_settings

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

with app.app_context():
{body}
"""


def start(settings: Settings, body: str) -> subprocess.Popen[str]:
    """Run this in an application context of its own process; it calls `ready()` where it is to be killed."""
    program = PROGRAM.format(settings=processes_settings(settings), body=textwrap.indent(textwrap.dedent(body), "    "))
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )


def kill_when_ready(process: subprocess.Popen[str]) -> None:
    """Wait until the process is where it should be, and end it without any chance to tidy up."""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "READY":
                break
        else:
            raise AssertionError(f"the process ended by itself with {process.wait()}")
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
