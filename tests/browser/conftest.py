"""A real browser on a real server: the site on a loopback port with its worker, driven through Chromium."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TypeVar

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from waitress import wasyncore

from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.jobs import worker

Result = TypeVar("Result")
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(_template_database: str | Path) -> Iterator[Browser]:
    """Debian's Chromium, without a screen.

    While it runs, its driver keeps an event loop in this thread, and no application context can end there. So the
    empty database is made before it starts, data are prepared by `prepared`, and it is closed after each module.
    """
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine; apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def prepared(app: Flask, work: Callable[[], Result]) -> Result:
    """What `work` returns, done in an application context in a thread of its own."""

    def inside() -> Result:
        with app.app_context():
            return work()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(inside).result()


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """The site on an empty database, served on a free port of loopback, jobs being worked."""
    site = Site(create_app(settings))
    try:
        yield site
    finally:
        site.close()


class Site:
    """A running installation: `url`, its `app`, and the folder its mail is written to."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stop = threading.Event()
        self._server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        self._threads = [
            threading.Thread(target=self._server.run, daemon=True),
            threading.Thread(target=worker.run, args=(self._stop, app), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.effective_port}"

    @property
    def mail(self) -> Path:
        return Path(self.app.instance_path) / "mail"

    def close(self) -> None:
        self._stop.set()
        # By the thread that looks at them, and with what browsers keep open: it would go on until they let go.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))
        for thread in self._threads:
            thread.join(timeout=10)


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """One person's browser; open another with `browser.new_context(base_url=site.url)`."""
    context = browser.new_context(base_url=site.url, locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab whose script errors fail the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
    return page


AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds wrong on the page by these rules, or by all, one line each; empty is what every page must be."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    chosen = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("chosen => axe.run(document, chosen).then(each => each.violations)", chosen)
    return [
        f"{page.url}: {each['id']}: {each['help']} ({', '.join(str(node['target']) for node in each['nodes'][:3])})"
        for each in found
    ]
