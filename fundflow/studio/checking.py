"""Checking arbitrary text safely: in a process beside the server, within two seconds, whatever the text is.

Refuses at once what is too large to be read, and says so in a sentence; ends the process when the time is over, and
the next text gets a new one. No text can make the server itself slow, large or stop.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from fundflow.config import ROOT
from fundflow.workflow.problems import Problem
from fundflow.workflow.source import LARGEST

SECONDS = 1.8
"""Seconds that one text may take."""
QUEUE = 10.0
"""Seconds that a text may wait for others to be checked, or for the process to start, before anybody looks at it."""
LONG = 8.0
"""Seconds for what a person asks for by a button: examples, and a round that is played."""
RUNS = 50
STARTING = 15.0
"""Seconds that the process itself may take to start; it is started when a draft is opened, before it is needed."""
MOST_FILES = 60
LARGEST_SET = 2 * 1024 * 1024


class TooSlow(Exception):
    """The time was over before an answer came; the process was ended."""


class Busy(Exception):
    """Others were being checked all the time; this text was not even looked at."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in a set of files. `loads` says whether it is a workflow at all."""

    loads: bool
    findings: list[Problem] = field(default_factory=list)
    more: int = 0
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What else was asked for: ``svg``, ``examples``, or a round that was played."""

    @property
    def errors(self) -> list[Problem]:
        return [each for each in self.findings if not each.is_warning]

    @property
    def warnings(self) -> list[Problem]:
        return [each for each in self.findings if each.is_warning and each.blocks]

    @property
    def accepted(self) -> list[Problem]:
        """Warnings that somebody answers for in the file itself."""
        return [each for each in self.findings if each.is_accepted]


def look(files: Mapping[str, str], main: str, known: frozenset[str], *, is_typing: bool = True) -> Looked:
    """Everything that is wrong with these files, or one sentence on why they could not be checked.

    Nobody waits long while `is_typing`; whoever asks for a page gets the time that a slow machine needs.
    """
    if is_typing:
        return _ask({"do": "check"}, files, main, known, SECONDS)
    return _ask({"do": "check"}, files, main, known, LONG, _slow)


def drawn(files: Mapping[str, str], main: str, known: frozenset[str], language: str) -> Looked:
    """The picture of the workflow, with what is wrong in place of it."""
    return _ask({"do": "draw", "language": language}, files, main, known, SECONDS)


def told(files: Mapping[str, str], main: str, known: frozenset[str]) -> Looked:
    """What comes of each example, under ``examples`` of the answer."""
    return _ask({"do": "tell"}, files, main, known, LONG, _slow)


def played(files: Mapping[str, str], main: str, known: frozenset[str], language: str, scenario: str) -> Looked:
    """A round under these rules, played many times by this scenario, or by an invented one where it is empty."""
    what = {"do": "play", "language": language, "scenario": scenario, "runs": RUNS}
    return _ask(what, files, main, known, LONG, _slow)


def too_large(files: Mapping[str, str]) -> Problem | None:
    """Why these files are not even looked at."""
    if len(files) > MOST_FILES:
        return Problem(next(iter(files)), 1, 1, "FF002", _("there are more than %(most)s files", most=MOST_FILES))
    sizes = {name: len(text.encode("utf-8", "surrogatepass")) for name, text in files.items()}
    for name, size in sizes.items():
        if size > LARGEST:
            return Problem(name, 1, 1, "FF002", _("this file is larger than 256 KB"))
    if sum(sizes.values()) > LARGEST_SET:
        return Problem(next(iter(files)), 1, 1, "FF002", _("all files together are larger than 2 MB"))
    return None


def warm() -> None:
    """Start the process where none runs yet, without waiting for it."""
    if not _bench.is_running:
        threading.Thread(target=_bench.start, daemon=True).start()


def _ask(
    what: dict[str, Any],
    files: Mapping[str, str],
    main: str,
    known: frozenset[str],
    seconds: float,
    bench: _Bench | None = None,
) -> Looked:
    problem = too_large(files)
    if problem is not None:
        return Looked(False, [problem])
    request = {**what, "files": dict(files), "main": main, "known": sorted(known)}
    try:
        answer = (bench or _bench).ask(request, seconds)
    except Busy:
        says = _("this could not be checked yet, for others are being checked; it is tried again with the next change")
        return Looked(False, [Problem(main, 1, 1, "FF002", says)])
    except TooSlow:
        says = _(
            "this could not be checked within %(seconds)s seconds: make it smaller or simpler, then it can be",
            seconds=round(seconds),
        )
        return Looked(False, [Problem(main, 1, 1, "FF002", says)])
    if "failed" in answer:
        says = _("this is too large or nested too deeply to be checked: make it smaller or simpler, then it can be")
        return Looked(False, [Problem(main, 1, 1, "FF002", says)])
    found = [_problem(each) for each in answer.get("findings", [])]
    return Looked(answer["loads"], found, answer.get("more", 0), answer)


def _problem(told: dict[str, Any]) -> Problem:
    """A finding as it came over the pipe, its tuples as tuples again."""
    return Problem(**{**told, "path": tuple(told["path"]), "example": tuple((a, b) for a, b in told["example"])})


class _Bench:
    """The process, and the one conversation with it at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._owner == os.getpid() and self._process.poll() is None

    def start(self) -> None:
        with self._lock:
            self._started()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer, within so many seconds of work, else TooSlow; Busy where its turn does not come."""
        if not self._lock.acquire(timeout=QUEUE):
            raise Busy
        try:
            process = self._started()
            ends = time.monotonic() + seconds
            line = json.dumps(request).encode() + b"\n"
            try:
                self._write(process, line, ends)
                answer: dict[str, Any] = json.loads(self._read(process, ends))
            except (OSError, ValueError, TooSlow):
                # Ended by us, by its own memory limit, or broken: the next one asks a new process.
                self.stop()
                raise TooSlow from None
            return answer
        finally:
            self._lock.release()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self.is_running:
            return self._process
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
        process = subprocess.Popen(
            [sys.executable, "-m", "fundflow.studio.workbench"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
        )
        assert process.stdin is not None and process.stdout is not None  # noqa: S101
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        self._process, self._owner = process, os.getpid()
        try:
            self._read(process, time.monotonic() + STARTING)
        except (OSError, TooSlow):
            self.stop()
            raise TooSlow from None
        return process

    @staticmethod
    def _write(process: subprocess.Popen[bytes], line: bytes, ends: float) -> None:
        assert process.stdin is not None  # noqa: S101
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdin, selectors.EVENT_WRITE)
            sent = 0
            while sent < len(line):
                if not ready.select(max(0.0, ends - time.monotonic())):
                    raise TooSlow
                sent += os.write(process.stdin.fileno(), line[sent : sent + 65536])

    @staticmethod
    def _read(process: subprocess.Popen[bytes], ends: float) -> bytes:
        assert process.stdout is not None  # noqa: S101
        found = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while not found.endswith(b"\n"):
                if not ready.select(max(0.0, ends - time.monotonic())):
                    raise TooSlow
                part = os.read(process.stdout.fileno(), 65536)
                if not part:
                    raise TooSlow
                found += part
        return bytes(found)

    def stop(self) -> None:
        """End the process, if it is ours."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()


_bench, _slow = _Bench(), _Bench()
"""What takes longer has a process of its own, so that nobody's typing waits for it."""
atexit.register(_bench.stop)
atexit.register(_slow.stop)
