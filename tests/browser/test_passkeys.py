"""Passkeys in a real browser with a virtual authenticator: the device itself, and a security key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from fundflow.accounts import service
from fundflow.db import db
from tests.browser.conftest import prepared
from tests.people import PASSWORD

pytestmark = pytest.mark.browser
EMAIL = "ada@lund.example"


@pytest.fixture
def home(site: Any) -> str:
    """The site under a name: a passkey belongs to a name, never to a bare address."""

    def prepare() -> None:
        service.register_person(EMAIL, "Ada Ek", PASSWORD)
        db.session.commit()

    prepared(site.app, prepare)
    return str(site.url).replace("127.0.0.1", "localhost")


@pytest.fixture
def person_at(context: BrowserContext) -> Iterator[Page]:
    """A page of somebody who sits at the computer."""
    page = context.new_page()
    yield page
    page.close()


def authenticator(page: Page, transport: str, *, verifies: bool = True) -> tuple[CDPSession, str]:
    """Plug in a virtual authenticator: `internal` is the computer or phone itself, `usb` a security key."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": transport,
        "hasResidentKey": True,
        "hasUserVerification": verifies,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    plugged = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp, plugged["authenticatorId"]


def sign_in(page: Page, home: str) -> None:
    page.goto(f"{home}/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page, home: str) -> None:
    page.goto(f"{home}/account")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: "/account" not in url)


def add(page: Page, home: str, name: str, usage: str) -> None:
    page.goto(f"{home}/account/passkeys")
    page.get_by_label("Name of this passkey").fill(name)
    page.get_by_label(usage).check()
    page.get_by_role("button", name="Go on").click()


@pytest.mark.parametrize("transport", ["internal", "usb"])
def test_a_passkey_signs_in_without_the_password(person_at: Page, home: str, transport: str) -> None:
    page = person_at
    authenticator(page, transport)
    sign_in(page, home)
    add(page, home, "Office laptop", "Sign in with it alone")
    expect(page.get_by_role("button", name="Remove Office laptop")).to_be_visible()
    sign_out(page, home)

    page.goto(f"{home}/sign-in?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{home}/account")
    expect(page.get_by_role("heading", name="Your account", exact=True)).to_be_visible()
    expect(page.locator("#protection")).to_contain_text("1 passkey")

    page.goto(f"{home}/account/passkeys")
    page.get_by_role("button", name="Remove Office laptop").click()
    expect(page.get_by_role("button", name="Remove Office laptop")).to_have_count(0)
    sign_out(page, home)
    page.goto(f"{home}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Unregistered passkey")).to_be_visible()


def test_a_passkey_is_the_second_step_after_the_password(person_at: Page, home: str) -> None:
    page = person_at
    authenticator(page, "usb", verifies=False)
    sign_in(page, home)
    add(page, home, "Key on my ring", "As a second step")
    expect(page.get_by_text("second step after the password")).to_be_visible()
    sign_out(page, home)
    sign_in(page, home)
    page.wait_for_url("**/sign-in/passkey**")
    expect(page.get_by_role("heading", name="Second step: your passkey")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{home}/home")
    page.goto(f"{home}/account")
    expect(page.get_by_role("heading", name="Your account", exact=True)).to_be_visible()


def test_a_device_that_cannot_tell_its_owner_does_not_sign_in_alone(person_at: Page, home: str) -> None:
    page = person_at
    authenticator(page, "usb", verifies=False)
    sign_in(page, home)
    add(page, home, "No finger", "Sign in with it alone")
    expect(page.get_by_text("Nothing was received from your device")).to_be_visible()
    page.goto(f"{home}/account/passkeys")
    expect(page.get_by_text("No finger")).to_have_count(0)


def test_saying_no_leaves_every_other_way_open(person_at: Page, home: str) -> None:
    page = person_at
    cdp, known = authenticator(page, "internal")
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": known, "isUserVerified": False})
    page.goto(f"{home}/sign-in?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Nothing was received from your device")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_enabled()
    page.get_by_role("link", name="Sign in with my password instead").click()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{home}/account")


def test_an_old_sign_in_is_proved_again_with_a_passkey(person_at: Page, home: str, site: Any) -> None:
    page = person_at
    authenticator(page, "internal")
    sign_in(page, home)
    add(page, home, "Phone", "Sign in with it alone")
    # Its own button: the word alone stands on the page where it is added as well.
    expect(page.get_by_role("button", name="Remove Phone")).to_be_visible()
    page.goto(f"{home}/sign-in/again?next=/account/recovery-codes")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{home}/account/recovery-codes")
    page.get_by_role("button", name="Make new codes").click()
    expect(page.locator("code")).to_have_count(10)
