"""The press: one process that prints documents, so that none of them can take the server down.

Refuses a document that takes too long or too much memory.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import resource
import signal
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from fundflow.documents.typesetting import to_pdf

SECONDS = 120
"""How long one document may take, with starting the process on a busy machine, before the process is ended."""
MEMORY = 2**31
"""Address space of the rendering process, in bytes: a few times what a long agreement needs."""
RENEW_AFTER = 100
"""Documents after which the process is replaced, so that nothing can pile up in it."""


class RenderFailed(Exception):
    """The document could not be made into a PDF; nothing of it was kept."""


class Press:
    """One spawned process that prints one document at a time; callers wait for each other.

    Whatever happens to the process (killed, out of memory, too slow) costs the document at hand and nothing else: the
    next one gets a new process.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection[Any, Any] | None = None
        self._printed = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def print(self, text: str, style: str, facts: str = "{}", *, to_be_sealed: bool = False) -> bytes:
        """The PDF of a page under the text of its style, with its facts attached."""
        with self._lock:
            if self._process is None or not self._process.is_alive() or self._printed >= RENEW_AFTER:
                self._renew()
            assert self._pipe is not None  # noqa: S101 - for the type checker: _renew set it
            self._printed += 1
            try:
                self._pipe.send((text, style, facts, to_be_sealed))
                if not self._pipe.poll(self.seconds):
                    self._end()
                    raise RenderFailed(f"The document took longer than {self.seconds:g} seconds")
                outcome, content = self._pipe.recv()
            except (EOFError, OSError) as problem:
                self._end()
                raise RenderFailed("The rendering process ended before the document was finished") from problem
            if outcome == "broken":
                self._end()
            if outcome != "pdf":
                raise RenderFailed(content)
            return bytes(content)

    def close(self) -> None:
        with self._lock:
            self._end()

    def _renew(self) -> None:
        self._end()
        # Spawned, not forked: the server has threads and database connections that must not be copied.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.memory), daemon=True, name="press")
        self._process.start()
        theirs.close()
        self._printed = 0

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._pipe = self._process = None


press = Press()
atexit.register(press.close)


def _serve(pipe: Connection[Any, Any], memory: int) -> None:
    """The process: prints until the other side goes away, which ends the pipe, however that side ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which lets a document finish
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    is_first = True
    while True:
        try:
            text, style, facts, to_be_sealed = pipe.recv()
        except (EOFError, OSError):
            return
        answer: tuple[str, Any]
        try:
            answer = "pdf", to_pdf(text, style, facts, to_be_sealed=to_be_sealed)
        except (RecursionError, MemoryError) as problem:
            # What is left in a process after running out of stack or memory is not to be trusted with another document.
            answer = "broken", f"{type(problem).__name__}: {problem}"
        except BaseException as problem:
            answer = "failed", f"{type(problem).__name__}: {problem}"  # in words: not every error can be sent
        try:
            pipe.send(answer)
        except OSError:
            return
        if is_first:
            # What the library keeps for good is not looked through again in the midst of a page: a tenth of its time.
            gc.collect()
            gc.freeze()
            is_first = False
