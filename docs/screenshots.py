"""The pictures of the README: the real product on a throw-away installation with its demo, seen through Chromium.

Writes docs/images/*.png and touches nothing else; `make screenshots` calls it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
from playwright.sync_api import Browser, Page, sync_playwright

from fundflow.seed import PASSWORD

IMAGES = Path(__file__).parent / "images"
WIDE = (1280, 860)
PHONE = (390, 780)


def main() -> None:
    """Take every picture anew."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url, sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        home(browser, url)
        board_and_application(browser, url)
        review(browser, url)
        draft(browser, url)
        agreement(browser, url)
        browser.close()
    for picture in sorted(IMAGES.glob("*.png")):
        print(f"{picture.relative_to(IMAGES.parent.parent)}  {picture.stat().st_size // 1024} kB")  # noqa: T201


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`fundflow run` on an installation of its own; the address it says it is ready at."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FUNDFLOW_")}
    environment |= {"FUNDFLOW_INSTANCE": str(folder), "PORT": "0", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "fundflow", "run"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101
        for line in process.stdout:
            if ready := re.search(r"ready at (\S+)", line):
                yield ready.group(1)
                break
        else:
            raise SystemExit("the server ended before it was ready")
    finally:
        process.terminate()
        process.wait()


def signed_in(browser: Browser, url: str, email: str, size: tuple[int, int] = WIDE, scheme: str = "light") -> Page:
    """A page of this person's own browser, in English, wherever they come from."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
        timezone_id="Europe/Brussels",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/home")
    if page.locator("html").get_attribute("lang") != "en":
        page.locator("footer, header").get_by_role("button", name="English").first.click()
        page.wait_for_load_state()
    return page


def taken(page: Page, name: str) -> None:
    """Keep what the window shows now."""
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")


def home(browser: Browser, url: str) -> None:
    page = signed_in(browser, url, "ines@fund.example")
    taken(page, "home")
    page.context.close()


def board_and_application(browser: Browser, url: str) -> None:
    page = signed_in(browser, url, "ines@fund.example")
    page.goto("/board")
    taken(page, "board")
    page.get_by_role("link", name="Cyclone-safe homes").first.click()
    page.wait_for_load_state()
    page.set_viewport_size({"width": WIDE[0], "height": 1060})
    taken(page, "application")
    page.context.close()


def agreement(browser: Browser, url: str) -> None:
    """Its first page; the demo's agreements are printed in the background, so there may be a moment to wait."""
    page = signed_in(browser, url, "ines@fund.example")
    page.goto("/board")
    page.get_by_role("link", name="Neighbourhood kitchens").first.click()
    link = page.locator('main a[href*="/documents/"]').first
    for _second in range(120):
        page.wait_for_timeout(1000)
        page.reload()
        if link.count():
            break
    address = link.get_attribute("href") or ""
    pdf = pypdfium2.PdfDocument(page.request.get(address).body())
    pdf[0].render(scale=1.25).to_pil().convert("RGB").save(IMAGES / "agreement.png", optimize=True)
    page.context.close()


def review(browser: Browser, url: str) -> None:
    """The sheet of the reviewer who has a draft, beside the answers."""
    page = signed_in(browser, url, "samir@fund.example")
    page.goto("/reviews")
    page.locator('main a[href*="/reviews/"]').first.click()
    page.wait_for_load_state()
    taken(page, "review")
    page.context.close()


def draft(browser: Browser, url: str) -> None:
    page = signed_in(browser, url, "amara@saint-amary.example", PHONE)
    address = page.locator('main a[href*="/applications/"]').first.get_attribute("href") or ""
    found = re.match(r"/applications/[0-9a-f-]+", address)
    page.goto(f"{found.group() if found else address}/forms/proposal")
    page.locator("#section-money").evaluate("each => each.scrollIntoView()")
    taken(page, "draft-phone")
    page.context.close()


if __name__ == "__main__":
    main()
