"""A report from the page that stands filled in already to the sum of the portfolio, on a wide screen and on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.lifecycle import children
from tests.awards.large import LargeGrant
from tests.browser.conftest import Site, prepared, violations
from tests.browser.test_pages import overflow
from tests.people import BROWSER, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("reports")]

PICTURES = os.environ.get("FUNDFLOW_TEST_PICTURES")
"""A folder to keep what was seen in; nothing is kept without."""


class Told:
    """A grant whose first report is accepted and whose second waits to be written."""

    def __init__(self) -> None:
        grant = LargeGrant("active")
        grant.pay(1)
        grant.progress(1, "120000", 30)
        grant.press("report.open", grant.officer, of="2")
        self.id = grant.application.id
        self.focal, self.officer, self.manager = grant.focal, grant.officer, grant.manager


@pytest.fixture
def told(site: Site) -> Told:
    return prepared(site.app, Told)


@pytest.fixture
def tabs(site: Site, browser: Browser) -> Iterator[Tabs]:
    tabs = Tabs(site, browser)
    yield tabs
    tabs.close()


class Tabs:
    """A tab for each person."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser, self.said = site, browser, list[str]()
        self.contexts = list[object]()

    def of(self, user: User) -> Page:
        context = self.browser.new_context(
            base_url=self.site.url, locale="en-GB", timezone_id="Europe/Berlin", user_agent=BROWSER
        )
        client = self.site.app.test_client()
        prepared(self.site.app, lambda: sign_in(client, db.session.merge(user)))
        cookie = client.get_cookie("session")
        assert cookie is not None
        context.add_cookies([{"name": "session", "value": cookie.value, "url": self.site.url}])
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()  # type: ignore[attr-defined]


def looked_at(page: Page, name: str) -> list[str]:
    """What is wrong with the page at 1440 and at 390 pixels."""
    wrong = []
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        wrong += [f"{name} at {width}: {each}" for each in [*violations(page), *overflow(page)]]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    return wrong


def state_of(site: Site, told: Told, key: str) -> str:
    def read() -> str:
        row = next(row for row in children.rows_of(told.id, "report") if row.key == key)
        return row.state

    return prepared(site.app, read)


def test_report_is_written_read_beside_the_plan_and_counted(site: Site, told: Told, tabs: Tabs) -> None:
    city = tabs.of(told.focal)
    city.goto(f"/applications/{told.id}/forms/report:2:periodic_report")
    # What the plan says stands there already, and only the figures are left to be entered.
    expect(city.locator("input[name$='-indicator']").first).to_have_value(
        "People in paid places for at least six months"
    )
    expect(city.locator("input[name$='-target']").first).to_have_value("287")
    wrong = looked_at(city, "form")
    for name in ("progress", "voices", "harder", "next_steps"):
        city.locator(f"#{name}").fill("The second group has begun, and the first one leads it.")
    city.get_by_label("Yes, as agreed").check()
    city.locator("#people_reached").fill("700")
    city.locator("#women").fill("400")
    for index, actual in enumerate(("150", "300", "5", "9")):
        city.locator(f"[name='indicators-{index}-actual']").fill(actual)
    spent = ["70000"] + ["20000"] * 6
    for index, amount in enumerate(spent):
        city.locator(f"[name='costs-{index}-spent']").fill(amount)
    city.locator("#spent_so_far").fill("190000")
    city.get_by_role("button", name="Save", exact=True).click()
    city.goto(f"/applications/{told.id}/report/2/send")
    # Rooms were planned with 12,600 and took 20,000: the workflow wants to know why.
    expect(city.get_by_text("Say why a line of the budget took more than 115%")).to_be_visible()
    city.goto(f"/applications/{told.id}/forms/report:2:periodic_report")
    for index in range(7):
        city.locator(f"[name='costs-{index}-why']").fill("Prices rose, as we told you.")
    city.get_by_role("button", name="Save", exact=True).click()
    city.goto(f"/applications/{told.id}/report/2/send")
    city.get_by_role("button", name="Send this report").click()
    assert state_of(site, told, "2") == "submitted"

    officer = tabs.of(told.officer)
    officer.goto(f"/applications/{told.id}/reports/report:2")
    expect(officer.get_by_text("Beside the plan and the report before: Progress report 1.")).to_be_visible()
    row = officer.get_by_role("row", name="People who finished a course")
    expect(row).to_contain_text("172")
    expect(row).to_contain_text("300")
    wrong += looked_at(officer, "sheet")
    officer.goto(f"/applications/{told.id}/report/2/accept")
    officer.get_by_role("button", name="Accept this report").click()
    assert state_of(site, told, "2") == "accepted"

    manager = tabs.of(told.manager)
    manager.goto("/portfolio")
    people = manager.get_by_role("row", name="People reached directly").first
    expect(people).to_contain_text("700")
    wrong += looked_at(manager, "portfolio")
    manager.goto(f"/applications/{told.id}/reports")
    wrong += looked_at(manager, "grant")
    assert not wrong, "\n".join(wrong)
    assert not tabs.said
