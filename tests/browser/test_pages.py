"""Every page there is, seen by somebody who may: accessible, within its window, and quiet in the console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from fundflow.app import create_app
from fundflow.config import Settings
from tests.browser.conftest import Site, prepared, violations
from tests.people import BROWSER, sign_in
from tests.test_access import ALIKE, PEOPLE, ROUTES, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("pages")]

FILES = (
    "GET /static",
    "GET /documents",
    "GET /files",
    "GET /portfolio.",
    "GET /dev/mail/x.eml",
    "GET /api/",
)
DOWNLOADS = (".csv", ".xlsx", ".zip")
LOOKED_AT = (
    "/home",
    "/board",
    "/money",
    "/sign-in",
    "/rounds",
    "/dev/components",
    "/applications/{review}",
    "/applications/{approved}",
    "/applications/{draft}/forms/proposal",
    "/reviews/{sheet}",
)
"""Pages that between them have every part of the design: axe looks at these in the dark and on a phone too."""
FRENCH = ("/home", "/board", "/reviews/", "/applications/", "/money/", "/rounds/", "/meetings/{meeting}", "/portfolio")


def _pages() -> list[tuple[str, str]]:
    """Each address with one kind of person who is shown it; of the pages that differ by person, one for each."""
    found = []
    for route, statuses in ROUTES.items():
        if not route.startswith("GET ") or route.startswith(FILES) or route.endswith(DOWNLOADS):
            continue
        kinds = [kind for kind, status in zip(PEOPLE, statuses, strict=True) if status == 200]
        everyone = route in ("GET /home", "GET /applications/{review}", "GET /applications/{approved}")
        found += [(route.removeprefix("GET "), kind) for kind in (kinds if everyone else kinds[:1])]
    for route, (stranger, anyone) in ALIKE.items():
        if not route.startswith("GET ") or route.startswith(FILES) or route.endswith(DOWNLOADS):
            continue
        if stranger == 200:
            found.append((route.removeprefix("GET "), "anonymous"))
        elif anyone == 200:
            found.append((route.removeprefix("GET "), "own team"))
    return found


PAGES = _pages()


@dataclass
class Stage:
    """The world of the access table in a browser: one window for each kind of person, opened when it is needed."""

    site: Site
    world: World
    browser: Browser
    windows: dict[str, BrowserContext] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def page(self, kind: str, language: str = "en") -> Page:
        """A tab of this person, who reads this language; what its console complains of is kept in `said`."""
        known = f"{kind} {language}"
        if known not in self.windows:
            self.windows[known] = self._window(kind, language)
        page = self.windows[known].new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def _window(self, kind: str, language: str) -> BrowserContext:
        window = self.browser.new_context(
            base_url=self.site.url,
            locale="fr-FR" if language == "fr" else "en-GB",
            timezone_id="Europe/Berlin",
            user_agent=BROWSER,
            reduced_motion="reduce",
        )
        user = self.world.users[kind]
        if user is not None:
            client = self.site.app.test_client()
            prepared(self.site.app, lambda: sign_in(client, user))
            cookie = client.get_cookie("session")
            assert cookie is not None
            window.add_cookies([{"name": "session", "value": cookie.value, "url": self.site.url}])
            page = window.new_page()
            page.goto("/rounds")
            page.locator(f".languages button[value={language}]").click()
            # A tab that is closed while its next page is still coming in is sometimes never reported as closed.
            page.wait_for_load_state("networkidle")
            page.close()
        return window


@pytest.fixture(scope="module")
def stage(
    _template_database: str | Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("pages")
    assert isinstance(_template_database, Path)
    (folder / "fundflow.db").write_bytes(_template_database.read_bytes())
    app: Flask = create_app(Settings(instance=folder, secret_key="for tests only, never elsewhere", rate_limits=False))
    world = prepared(app, lambda: World(app))
    site = Site(app)
    yield Stage(site, world, browser)
    site.close()


def overflow(page: Page) -> list[str]:
    """What reaches out of the window sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url}: {wide} px too wide at {page.viewport_size}"] if wide > 0 else []


FRENCH_PAGES = [(address, kind) for address, kind in dict(PAGES).items() if address.startswith(FRENCH)]


@pytest.mark.parametrize(("address", "kind"), PAGES, ids=[f"{address} as {kind}" for address, kind in PAGES])
def test_page_is_accessible_and_fits_wide_and_narrow(stage: Stage, address: str, kind: str) -> None:
    """One visit: axe on the wide page, and on a few also in the dark and on a phone; each fits both widths."""
    stage.said.clear()
    page = stage.page(kind)
    page.set_viewport_size({"width": 1280, "height": 900})
    answer = page.goto(address.format(**stage.world.names))
    assert answer is not None and answer.status == 200
    assert page.locator("h1").count() == 1
    wrong = violations(page) + overflow(page)
    if address in LOOKED_AT:
        page.emulate_media(color_scheme="dark")
        wrong += [f"dark: {each}" for each in violations(page, "color-contrast", "link-in-text-block")]
        page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 740})
    wrong += overflow(page)
    if address in LOOKED_AT:
        wrong += [f"at 360: {each}" for each in violations(page)]
    page.close()
    wrong += [f"{address}: console: {each}" for each in stage.said]
    stage.said.clear()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("address", "kind"), FRENCH_PAGES, ids=[address for address, _ in FRENCH_PAGES])
def test_page_fits_a_phone_in_french(stage: Stage, address: str, kind: str) -> None:
    page = stage.page(kind, "fr")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address.format(**stage.world.names))
    assert page.locator("html").get_attribute("lang") == "fr"
    wrong = overflow(page)
    page.close()
    wrong += [f"{address}: console: {each}" for each in stage.said]
    stage.said.clear()
    assert not wrong, "\n".join(wrong)
