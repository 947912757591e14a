"""A decision meeting in a browser: the chair looks, reads letters in their frames, proposes; wide, and on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from fundflow.accounts.models import User
from fundflow.db import db
from tests.browser.conftest import Site, prepared, violations
from tests.decisions.several import Table
from tests.people import BROWSER, sign_in

pytestmark = pytest.mark.browser


def window(browser: Browser, site: Site, person: UUID, width: int = 1440) -> Page:
    """The browser of this person, signed in."""

    def cookie() -> str:
        client = site.app.test_client()
        sign_in(client, db.session.get_one(User, person))
        found = client.get_cookie("session")
        assert found is not None
        return str(found.value)

    context = browser.new_context(
        base_url=site.url, user_agent=BROWSER, locale="en-GB", viewport={"width": width, "height": 900}
    )
    context.add_cookies([{"name": "session", "value": prepared(site.app, cookie), "url": site.url}])
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
    return page


def test_the_chair_reads_every_letter_and_proposes_also_on_a_phone(browser: Browser, site: Site) -> None:
    table = prepared(site.app, prepare)
    page = window(browser, site, table.people["chair"])
    page.goto(f"/meetings/{table.id}")
    assert violations(page) == []
    page.get_by_role("link", name=table.number).click()
    assert violations(page) == []
    page.get_by_role("button", name="Save and read the letters").click()
    letter = page.frame_locator("iframe[title='Award letter, English']")
    expect(letter.get_by_text("We are glad to tell you")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="I have read these letters").click()
    page.goto(f"/meetings/{table.id}")
    page.get_by_role("button", name="Propose the release").click()
    expect(page.get_by_text("A second person has to release it").first).to_be_visible()
    phone = window(browser, site, table.people["director"], 390)
    for path in (
        f"/meetings/{table.id}",
        f"/meetings/{table.id}/release",
        f"/meetings/{table.id}/minutes",
        "/meetings",
    ):
        phone.goto(path)
        assert violations(phone) == []
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


class Prepared(Table):
    """With everything read but the letters of the first."""

    number: str
    people: Mapping[str, UUID]


def prepare() -> Prepared:
    table = Prepared()
    table.prepare()
    table.recommend(table.first, "award", answers={"conditions": "Name the accountant."})
    table.number = table.first.application.number
    table.people = {"chair": table.chair.id, "director": table.director.id}
    return table
