"""Signing in a real browser: drawn with the mouse, typed by the other side, and what comes of it checked by anyone."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask_security import hash_password
from playwright.sync_api import Browser, Page, expect

from fundflow.accounts.models import User
from fundflow.awards.models import Document
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests.awards.test_countersigned import COUNTERSIGNED, printed
from tests.browser.conftest import Site, prepared, violations
from tests.desk.contract import a_contract, a_workflow, some_people
from tests.people import PASSWORD

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("FUNDFLOW_TEST_PICTURES", "")
"""A folder for pictures of these pages, for whoever wants to look at them."""


def look(page: Page, name: str) -> None:
    """Nothing that axe finds, and nothing wider than the window; on a phone too."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})


def settled() -> None:
    """Until the site's own worker and this one have printed everything."""
    waiting = sa.select(sa.func.count()).where(Document.sha256.is_(None))
    for _ in range(300):
        worker.drain()
        left = db.session.scalar(waiting)
        db.session.rollback()  # else this would keep the worker from writing
        if not left:
            return
        time.sleep(0.1)


def sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/home")


def test_one_draws_and_one_types_and_anyone_may_check_what_comes_of_it(browser: Browser, site: Site) -> None:
    def prepare() -> tuple[UUID, str, str]:
        people = some_people()
        application = a_contract("signing", people, round_=make.a_round(workflow=a_workflow(COUNTERSIGNED)))
        with transaction():
            for person in (people.signatory, people.director):
                db.session.get_one(User, person.id).password = hash_password(PASSWORD)
        settled()
        return application.id, people.signatory.email, people.director.email

    application_id, signatory, director = prepared(site.app, prepare)
    context = browser.new_context(base_url=site.url, locale="en-GB", timezone_id="Africa/Tunis")
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
    sign_in(page, signatory)
    page.goto(f"/applications/{application_id}/sign/city")
    expect(page.get_by_text("You have just shown who you are.")).to_be_visible()  # they signed in a moment ago
    page.get_by_label("Your full name").fill("Sira Signatory")
    page.get_by_label("I draw my signature").check()
    look(page, "sign")
    pad = page.locator("canvas")
    pad.scroll_into_view_if_needed()
    frame = pad.bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 30, frame["y"] + 90)
    page.mouse.down()
    for at, up in ((90, 20), (150, 100), (230, 30), (320, 80)):
        page.mouse.move(frame["x"] + at, frame["y"] + up, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Sign", exact=True).click()  # without the confirmation: what was drawn stays
    expect(page.get_by_role("alert")).to_contain_text("Tick this box")
    assert pad.evaluate("each => new Set(each.getContext('2d').getImageData(0, 0, 900, 270).data).size") > 1
    page.get_by_label("I have read the document").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("You have signed.")).to_be_visible()
    context.close()

    other = browser.new_context(base_url=site.url, locale="en-GB")
    page = other.new_page()
    sign_in(page, director)
    page.goto(f"/applications/{application_id}/sign/fund")
    page.get_by_label("Your full name").fill("Dira Director")
    page.get_by_label("I have read the document").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("You have signed.")).to_be_visible()
    other.close()

    def made() -> Any:
        settled()
        [document] = printed(db.session.get_one(Application, application_id), "countersigned_agreement")
        return document.facts_sha256, [each["made"] for each in document.facts["signed_by"]]

    code, ways = prepared(site.app, made)
    assert ways == ["drawn", "typed"]
    stranger = browser.new_context(base_url=site.url, locale="en-GB")
    page = stranger.new_page()
    page.goto("/verify")
    page.get_by_label("Code or fingerprint").fill(code[:32])
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="This document is genuine.")).to_be_visible()
    expect(page.get_by_text("Countersigned agreement")).to_be_visible()
    look(page, "verify")
    stranger.close()
