"""The embedded server: the site and its worker in one process, and the worker alone.

Refuses to load demo data in production. Stops cleanly on the customary signals: requests in flight are answered, and
a job that was begun and not finished is taken up again by the next worker.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import click
import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

from fundflow import documents, seed
from fundflow.app import bring_up_to_date
from fundflow.jobs import worker


def prepare(app: Flask) -> None:
    """Bring the schema up to date and, where the settings say so, load the demo into an empty database."""
    settings = app.extensions["settings"]
    bring_up_to_date(app)
    if settings.demo and not settings.production and seed.load():
        click.echo("loaded the demo: invented people, cities and decisions")


def _refusal(channel: Any, request: Any) -> Any:
    """What answers a request that was refused on its way in: the site in its own words where the body is too large."""
    if not isinstance(request.error, RequestEntityTooLarge):
        return ErrorTask(channel, request)
    task = WSGITask(channel, request)
    task.close_on_finish = True  # the rest of the body is never read
    return task


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = staticmethod(_refusal)


def serve(app: Flask, host: str, port: int) -> None:
    """Serve until a signal comes; OSError where the address cannot be had."""
    settings = app.extensions["settings"]
    # A body that is too large is refused while it comes in, not after it has filled a disk.
    largest = (settings.upload_mb + 1) * 1024 * 1024
    server = waitress.create_server(
        app, host=host, port=port, threads=settings.threads, ident=None, max_request_body_size=largest
    )
    server.channel_class = _Channel
    stop, signals = threading.Event(), _Signals()
    site = threading.Thread(target=signals.telling(server.run), name="site", daemon=True)
    helper = threading.Thread(target=worker.run, args=(stop, app), name="worker", daemon=True)
    settle()
    # Browsers keep passkeys for names only, so the loopback address is given by its name.
    name = "localhost" if host in ("127.0.0.1", "::1") else host
    click.echo(f"fundflow is ready at http://{name}:{server.effective_port}  (stop with Ctrl-C)")
    if settings.demo and not settings.production:
        click.echo(seed.greeting())
    site.start()
    if settings.embedded_worker:
        _tell_what_waits(app)
        helper.start()
    signals.wait()
    click.echo("stopping")
    stop.set()
    server.task_dispatcher.shutdown()  # requests in flight are answered
    server.trigger.pull_trigger(server.close)  # by the thread that looks at its sockets
    for thread in (site, helper):
        if thread.is_alive():
            thread.join(timeout=1 if thread is site else 10)


def settle() -> None:
    """What the start made stays: no request waits while it is looked through for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 10)


def _tell_what_waits(app: Flask) -> None:
    """One line where no document can be sealed: else nobody would look before a city asks where its agreement is."""
    with app.app_context():
        try:
            documents.require_seal()
        except documents.SealUnusable as problem:
            click.echo(f"documents wait: {problem}", err=True)


def work(app: Flask) -> None:
    """Work jobs and timers until a signal comes."""
    _tell_what_waits(app)
    stop, signals = threading.Event(), _Signals()
    helper = threading.Thread(target=signals.telling(lambda: worker.run(stop, app)), name="worker", daemon=True)
    settle()
    click.echo("working; stop with Ctrl-C")
    helper.start()
    signals.wait()
    stop.set()
    helper.join()
    click.echo("stopped")


class _Signals:
    """Waiting for the customary signals, or for the end of whatever was to go on until then.

    A handler that raised would be lost where Python cannot let an error through, as in a finaliser, and one that took
    a lock could meet the thread it interrupts; a byte in a pipe can do neither.
    """

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: self.tell())

    def tell(self) -> None:
        os.write(self._tell, b".")

    def wait(self) -> None:
        os.read(self._told, 1)

    def telling(self, run: Callable[[], Any]) -> Callable[[], None]:
        """`run`, ending the wait when it ends."""

        def told() -> None:
            try:
                run()
            finally:
                self.tell()

        return told
