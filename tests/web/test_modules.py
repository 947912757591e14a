"""The script modules, in a real browser, on pages of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium: Browser, site: str) -> Iterator[Page]:
    context = chromium.new_context(timezone_id="Africa/Maputo", locale="en-GB")
    page = context.new_page()
    page.goto(f"{site}/dev/components", wait_until="networkidle")
    yield page
    context.close()


def test_sums_are_exact_beyond_what_a_float_can_hold(page: Page) -> None:
    amounts = page.locator("[data-column=amount]")
    output = page.locator("[data-sum-of=amount]")
    amounts.nth(0).fill("90071992547409.93")
    amounts.nth(1).fill("0.01")
    expect(output).to_contain_text("90,071,992,547,409.94 EUR")
    amounts.nth(0).fill("0.1")
    amounts.nth(1).fill("0,20")
    expect(output).to_contain_text("0.30 EUR · must be 125,000.00 EUR")
    amounts.nth(0).fill("85 000")
    amounts.nth(1).fill("٤٠٠٠٠")
    expect(output).to_have_text("125,000.00 EUR")


@pytest.mark.parametrize("text", ["1e9", "-1", "NaN", "1.234.5", "abc", "1.005"])
def test_what_is_no_amount_is_marked_and_not_counted(page: Page, text: str) -> None:
    amounts = page.locator("[data-column=amount]")
    amounts.nth(1).fill("")
    amounts.nth(0).fill(text)
    expect(amounts.nth(0)).to_have_class("figure unreadable")
    expect(page.locator("[data-sum-of=amount]")).to_contain_text("0.00 EUR ·")


def test_rows_are_added_and_removed_within_their_limits(page: Page) -> None:
    rows = page.locator("[data-rows-body] [data-row]")
    for _each in range(4):
        page.get_by_role("button", name="Add a line").click()
    expect(rows).to_have_count(6)
    expect(page.get_by_role("button", name="Add a line")).to_be_disabled()
    names = page.locator("[data-column=item]").evaluate_all("all => all.map(each => each.name)")
    assert len(set(names)) == 6
    while rows.count() > 1:
        page.locator("[data-remove-row]").first.click()
    page.locator("[data-remove-row]").first.click()
    expect(rows).to_have_count(1)
    expect(page.locator("[data-column=item]")).to_have_value("")


def test_cells_of_a_spreadsheet_fill_the_table(page: Page) -> None:
    page.locator("[data-column=item]").first.evaluate(
        """cell => {
            const data = new DataTransfer();
            data.setData("text/plain", "Rent\\t1 250,50\\nStaff\\t2000\\nTravel\\t99.50\\n");
            cell.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    assert page.locator("[data-column=item]").evaluate_all("all => all.map(e => e.value)") == [
        "Rent",
        "Staff",
        "Travel",
    ]
    expect(page.locator("[data-sum-of=amount]")).to_contain_text("3,350.00 EUR")


def test_words_are_counted_as_the_server_counts_them(page: Page) -> None:
    area = page.locator("[data-words-max]")
    text = "  one\u00a0two\nthree — l'école  "
    area.fill(text)
    shown = page.locator("[data-words-for] [aria-hidden]")
    expect(shown).to_have_text(f"{120 - len(text.split())} words left")
    area.fill("word " * 125)
    expect(shown).to_have_text("5 words too many")


def test_a_double_click_sends_a_form_once(page: Page, site: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.evaluate("document.querySelector('main form').removeAttribute('data-many')")
    with page.expect_navigation():
        page.get_by_role("button", name="Save and continue").dblclick()
    assert sent.count("POST") == 1


def test_the_zone_of_the_browser_is_told_once(chromium: Browser, site: str) -> None:
    context = chromium.new_context(timezone_id="Africa/Maputo")
    page = context.new_page()
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url))
    page.goto(f"{site}/dev/components", wait_until="networkidle")
    page.goto(f"{site}/dev/components", wait_until="networkidle")
    expect(page.locator("footer")).to_contain_text("Maputo, UTC+2")
    assert len([each for each in told if "/preferences" in each]) == 1
    context.close()


FORM = """
<form method="post" data-autosave-url="/keep" data-revision="1" data-autosave-key="test">
<input type="hidden" name="revision" value="1"><label>Plan <textarea name="plan"></textarea></label>
<p data-save-status role="status"></p></form>
"""


class Desk:
    """A page with an autosaved form, and a server whose answers the test decides."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.received: list[dict[str, list[str]]] = []
        self.answer: Callable[[Route], Any] = lambda route: route.abort()
        page.route("**/form-page", lambda route: route.fulfill(body=self._html(), content_type="text/html"))
        page.route("**/keep", self._take)
        self.url = f"{site}/form-page"

    def _html(self) -> str:
        script = '<script type="module" src="/static/js/autosave.js"></script>'
        return f'<!doctype html><html lang="en" data-zone="UTC">{FORM}{script}'

    def _take(self, route: Route) -> None:
        self.received.append(parse_qs(route.request.post_data or ""))
        self.answer(route)

    def json(self, status: int, **said: Any) -> None:
        self.answer = lambda route: route.fulfill(status=status, body=json.dumps(said), content_type="application/json")

    def open(self) -> None:
        self.page.goto(self.url, wait_until="load")

    def type(self, text: str) -> None:
        self.page.locator("textarea").fill(text)

    @property
    def status(self) -> Any:
        return self.page.locator("[data-save-status]")


@pytest.fixture
def desk(page: Page, site: str) -> Desk:
    return Desk(page, site)


def test_answers_are_saved_as_they_are_typed_and_the_revision_follows(desk: Desk) -> None:
    desk.json(200, revision=2, saved_at="2027-03-01T14:02:00Z")
    desk.open()
    desk.type("first")
    expect(desk.status).to_have_text("Saved 14:02")
    desk.json(200, revision=3, saved_at="2027-03-01T14:03:00Z")
    desk.type("second")
    expect(desk.status).to_have_text("Saved 14:03")
    assert [(each["plan"], each["revision"]) for each in desk.received] == [(["first"], ["1"]), (["second"], ["2"])]
    expect(desk.page.locator("[name=revision]")).to_have_value("3")


def test_without_a_connection_answers_stay_in_the_browser_and_come_back(desk: Desk) -> None:
    desk.open()
    desk.type("written in a tunnel")
    expect(desk.status).to_contain_text("kept in this browser", timeout=10_000)
    desk.page.on("dialog", lambda dialog: dialog.accept())
    desk.open()
    expect(desk.page.locator("textarea")).to_have_value("")
    desk.json(200, revision=2)
    desk.page.get_by_role("button", name="Restore them").click()
    expect(desk.page.locator("textarea")).to_have_value("written in a tunnel")
    expect(desk.status).to_contain_text("Saved", timeout=10_000)
    assert desk.received[-1]["plan"] == ["written in a tunnel"]
    assert desk.page.evaluate("localStorage.length") == 0


def test_a_stale_save_offers_a_comparison_and_never_overwrites(desk: Desk) -> None:
    desk.json(409, detail="Amina saved this form at 14:00.", url="/compare")
    desk.open()
    desk.type("mine")
    link = desk.page.get_by_role("link", name="Compare the two")
    expect(link).to_have_attribute("href", "/compare")
    desk.type("mine, continued")
    desk.page.wait_for_timeout(2600)
    assert len(desk.received) == 1
    expect(desk.page.locator("textarea")).to_have_value("mine, continued")


def test_leaving_with_unsaved_answers_asks_first(desk: Desk) -> None:
    asked: list[str] = []
    desk.open()

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    desk.page.on("dialog", answer)
    desk.page.locator("textarea").press_sequentially("x")
    desk.page.goto(desk.url)
    assert asked == ["beforeunload"]
