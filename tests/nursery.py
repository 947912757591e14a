"""Processes of their own that need not import everything anew: one does so once, and each is forked from that one.

What is forked shares nothing with the tests but what it is given: a program, and pipes. How it ended is told as the
system tells it. Refused: to outlive the tests, whose end closes the door of the nursery.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

NURSERY = """
import gc
gc.disable()
import os, signal, socket, sys, tempfile
from pathlib import Path
from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.jobs import worker
from sqlalchemy.orm import configure_mappers

configure_mappers()
with tempfile.TemporaryDirectory() as folder:
    create_app(Settings(instance=Path(folder), secret_key="for nothing"))
gc.collect()
gc.freeze()
gc.enable()
gc.set_threshold(50_000, 20, 50)

def born(program, *given):
    for to, each in enumerate(given):
        os.dup2(each, to)
        os.close(each)
    with open(program) as file:
        text = file.read()
    exec(compile(text, "<program>", "exec"), {"__name__": "__main__"})

door = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    said, given, _, _ = socket.recv_fds(door, 1, 5)
    if not said:
        sys.exit()
    program, *pipes, status = given
    # A midwife waits for each, so that nothing is mixed up here.
    if os.fork() == 0:
        door.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        child = os.fork()
        if child == 0:
            os.close(status)
            born(program, *pipes)
            sys.exit()
        for each in (program, *pipes):
            os.close(each)
        os.write(status, b"%d\\n" % child)
        os.write(status, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0)
    for each in given:
        os.close(each)
"""


@cache
def _door() -> socket.socket:
    ours, theirs = socket.socketpair()
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        cwd=Path(__file__).parent.parent,
    )
    theirs.close()

    def close() -> None:
        ours.close()
        nursery.wait(timeout=30)

    atexit.register(close)
    return ours


class Process:
    """One that runs this program; to be asked as `subprocess.Popen` is."""

    def __init__(self, program: str) -> None:
        text, self._said = (tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115 - closed when it has ended
        text.write(program)
        text.seek(0)
        (take_in, give), (take, give_out), (told, tell) = (os.pipe() for _ in range(3))
        socket.send_fds(_door(), [b"!"], [text.fileno(), take_in, give_out, self._said.fileno(), tell])
        text.close()
        for each in (take_in, give_out, tell):
            os.close(each)
        self.stdin, self.stdout, self._told = os.fdopen(give, "w"), os.fdopen(take), os.fdopen(told)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float = 240) -> int:
        """How it ended; one that takes longer is killed."""
        if self.returncode is None:
            late = threading.Timer(timeout, self.kill)
            late.start()
            self.returncode = int(self._told.readline())
            late.cancel()
            self._told.close()
        return self.returncode

    def communicate(self, timeout: float = 240) -> tuple[str, str]:
        """All that it still says, and its complaints, when it has ended."""
        if self.stdout.closed:
            return "", ""
        late = threading.Timer(timeout, self.kill)
        late.start()
        self.stdin.close()
        said = self.stdout.read()
        self.wait()
        late.cancel()
        self._said.seek(0)
        complaints = self._said.read()
        self.close()
        return said, complaints

    def close(self) -> None:
        """Let go of its pipes."""
        for each in (self.stdin, self.stdout, self._said):
            each.close()
