"""Every component in a real browser: nothing axe objects to, nothing too wide, nothing the policy blocks."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("query", ["", "?dir=rtl", "?errors=1"], ids=["ltr", "rtl", "refused"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_components_are_accessible_at_every_width_scheme_and_direction(
    chromium: Browser, site: str, width: int, scheme: str, query: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{site}/dev/components{query}", wait_until="load")
        found = Axe().run(page).response["violations"]
        assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert complaints == []
    finally:
        context.close()


@pytest.mark.parametrize("address", ["/nothing", "/full", "/lost", "/decided"])
def test_error_pages_are_accessible(chromium: Browser, site: str, address: str) -> None:
    page = chromium.new_page()
    try:
        page.goto(site + address)
        assert Axe().run(page).response["violations"] == []
        assert page.locator("h1").count() == 1
    finally:
        page.close()


def test_every_control_is_reached_by_keyboard_and_shows_it(chromium: Browser, site: str) -> None:
    page = chromium.new_page()
    try:
        page.goto(f"{site}/dev/components")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-link"
        for _each in range(30):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", page.evaluate("document.activeElement.outerHTML")
    finally:
        page.close()


def test_pages_work_without_scripts(chromium: Browser, site: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{site}/dev/components")
        page.get_by_role("button", name="Français").click()
        assert page.locator("html").get_attribute("lang") == "fr"
        assert page.url.endswith("/dev/components")
    finally:
        context.close()
