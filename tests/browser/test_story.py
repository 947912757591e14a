"""One application from the sign-up of its city to its report, each step taken by the person whose step it is."""

from __future__ import annotations

import email
import email.policy
import io
import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pypdf
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from fundflow import clock, seed
from fundflow.story import Story, one_page
from tests.browser.conftest import Site, prepared

pytestmark = pytest.mark.browser

expect.set_options(timeout=20_000)
PASSWORD = "three ordinary words here"
LEAD, COLLEAGUE = "nadia@port-ferrol.example", "sami@port-ferrol.example"
TITLE = "A welcome desk in the old harbour office"
LETTER: FilePayload = {
    "name": "letter.pdf",
    "mimeType": "application/pdf",
    "buffer": one_page("The mayor", "We support it."),
}
ACCOUNTS: FilePayload = {
    "name": "accounts.pdf",
    "mimeType": "application/pdf",
    "buffer": one_page("Accounts", "All was spent."),
}


class Stage:
    """The site with the people of the fund and an open round; every person sits at a browser of their own."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.round = prepared(site.app, self._prepare)

    @staticmethod
    def _prepare() -> str:
        with clock.standing_at(clock.now() - timedelta(days=3)):
            story = Story(seed.people(), {})
            return seed.a_round(
                story, "Harbours", "climate-and-displacement", -2, 40, "150000", "Climate and displacement"
            ).slug

    def window(self, *, scripts: bool = True) -> Page:
        """The browser of somebody who has not signed in."""
        context = self.browser.new_context(
            base_url=self.site.url, locale="en-GB", timezone_id="Europe/Berlin", java_script_enabled=scripts
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
        return page

    def person(self, address: str, password: str = seed.PASSWORD, *, scripts: bool = True) -> Page:
        """The browser of this person, signed in by the page for it."""
        page = self.window(scripts=scripts)
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(address)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def link(self, to: str, part: str) -> str:
        """The address in the newest message to this person that holds `part`, once the worker has written it."""
        for _tenth in range(300):
            for path in sorted(self.site.mail.glob("*.eml"), key=lambda each: each.stat().st_mtime, reverse=True):
                message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                body = message.get_body(("plain",))
                if to in str(message["To"]) and body is not None:
                    found = re.search(rf"https?://\S*?(/{part}/\S+)", body.get_content())
                    if found:
                        return found.group(1)
            time.sleep(0.1)
        raise AssertionError(f"no message to {to} with {part}")


@pytest.fixture
def stage(site: Site, browser: Browser) -> Iterator[Stage]:
    yield Stage(site, browser)
    for context in browser.contexts:
        context.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()


def test_one_application_from_the_sign_up_of_its_city_to_its_report(stage: Stage) -> None:
    city = signing_up(stage)
    inviting(stage, city)
    application = drafting(city, stage)
    submitting_without_scripts(stage, application)
    assigning(stage, application)
    reviewing(stage)
    approving(stage, application)
    reading_the_agreement(city, application)
    paying(stage, application)
    reporting(city, application)
    counting(stage, application)
    auditing(stage)


def signing_up(stage: Stage) -> Page:
    """A stranger makes an account, confirms the address by the link in the mail, and enters a city."""
    page = stage.window()
    page.goto("/sign-up")
    page.get_by_label("Your name").fill("Nadia Osei")
    page.get_by_label("E-mail address").fill(LEAD)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Create an account")
    page.wait_for_url("**/sign-up/sent**")
    page.goto(stage.link(LEAD, "confirm"))
    press(page, "Yes, this is my address")
    page = stage.person(LEAD, PASSWORD)
    page.goto("/cities/new")
    page.get_by_label("Name", exact=True).fill("Port Ferrol")
    page.get_by_label("Country or territory").select_option("GH")
    page.get_by_label("Kind of government").select_option("municipality")
    press(page, "Enter the city")
    expect(page.get_by_role("heading", level=1)).to_have_text("Port Ferrol")
    return page


def inviting(stage: Stage, city: Page) -> None:
    """A colleague is invited, makes an account with the invited address, and accepts."""
    city.get_by_label("E-mail address of your colleague").fill(COLLEAGUE)
    city.get_by_label("Signatory", exact=False).first.check()
    press(city, "Send the invitation")
    expect(city.locator("#invitations")).to_contain_text(COLLEAGUE)
    invitation = stage.link(COLLEAGUE, "invitations")
    page = stage.window()
    page.goto(invitation)
    expect(page.get_by_text("invites you into the team of Port Ferrol")).to_be_visible()
    follow(page, "Create an account")
    page.get_by_label("Your name").fill("Sami Addo")
    page.get_by_label("E-mail address").fill(COLLEAGUE)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Create an account")
    page.goto(stage.link(COLLEAGUE, "confirm"))
    press(page, "Yes, this is my address")
    page = stage.person(COLLEAGUE, PASSWORD)
    page.goto(invitation)
    press(page, "Accept the invitation")
    city.reload()
    expect(city.locator("#team")).to_contain_text("Sami Addo")


def drafting(page: Page, stage: Stage) -> str:
    """The focal point begins the application and writes; what is typed is saved by itself."""
    page.goto(f"/rounds/{stage.round}")
    press(page, "Apply")
    if page.get_by_role("button", name="Begin the application").count():
        press(page, "Begin the application")
    page.wait_for_url("**/applications/**")
    found = re.search(r"/applications/[0-9a-f-]+", page.url)
    assert found is not None
    application = found.group()
    page.goto(f"{application}/forms/proposal")
    page.locator("#title").press_sequentially(TITLE)
    page.locator("#summary").fill("People who arrive by sea find advice where they land.")
    page.get_by_label("Climate and displacement").check()
    page.get_by_label("Reception and community sponsorship").check()
    page.locator("#project_country").select_option("GH")
    page.locator("#need").fill("Two in ten never saw a city office.")
    page.locator("#people_expected").fill("900")
    page.locator("#voice").fill("Twelve newcomers plan it with us.")
    page.locator("#starts_on").fill("2027-03-01")
    page.locator("#ends_on").fill("2028-02-28")
    with page.expect_response(lambda each: "/autosave" in each.url and "12+500" in (each.request.post_data or "")):
        page.locator("#requested").fill("12 500,50")
    expect(page.locator("[data-save-status]")).to_have_attribute("data-state", "saved")
    page.reload()
    expect(page.locator("#title")).to_have_value(TITLE)
    for item, amount in (("Coordinator", "10000"), ("Interpreters", "2 500.50")):
        rows = page.locator("[data-rows=budget] tbody [data-row]")
        last = rows.last
        if last.locator("[data-column=item]").input_value():
            page.locator("[data-rows=budget] [data-add-row]").click()
            last = rows.last
        last.locator("[data-column=item]").fill(item)
        last.locator("[data-column=kind]").select_option("staff")
        last.locator("[data-column=amount]").fill(amount)
    expect(page.locator("[data-rows=budget] [data-sum-of]")).to_contain_text("12,500.50 EUR")
    page.locator("input[name=upload-letter]").set_input_files(LETTER)
    expect(page.locator("[data-files-list]")).to_contain_text("letter.pdf")
    page.locator(".savebar").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#ready .missing")).not_to_contain_text("Budget")
    expect(page.locator("#ready .missing li")).not_to_have_count(0)
    return application


def submitting_without_scripts(stage: Stage, application: str) -> None:
    """The colleague finishes the draft in a browser without JavaScript and sends it."""
    page = stage.person(COLLEAGUE, PASSWORD, scripts=False)
    page.goto(f"{application}/forms/proposal")
    rows = page.locator("[data-rows=activities] tbody [data-row]")
    before = rows.count()
    rows.first.locator("[data-column=activity]").fill("Open the desk")
    rows.first.locator("[data-column=who]").fill("City")
    rows.first.locator("[data-column=done_by]").fill("2027-05-01")
    page.locator("button[name=add-row][value=activities]").click()
    expect(rows).to_have_count(before + 1)
    expect(rows.first.locator("[data-column=activity]")).to_have_value("Open the desk")
    page.locator("#contact_name").fill("Nadia Osei")
    page.locator("#contact_email").fill(LEAD)
    page.locator(".savebar").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#ready")).to_contain_text("Everything this form asks for is there.")
    follow(page, "Submit the application")
    press(page, "Submit the application")
    expect(page.locator("main .badge").first).to_have_text("Under review")
    page.context.close()


def assigning(stage: Stage, application: str) -> None:
    page = stage.person("ines@fund.example")
    page.goto(f"{application}/reviewers")
    for name in ("Ruth Adeyemi", "Kenji Watanabe", "Lucía Ferrer"):
        page.get_by_label(name, exact=False).check()
    press(page, "Ask those chosen")
    expect(page.locator("#asked")).to_contain_text("Lucía Ferrer")
    page.context.close()


def reviewing(stage: Stage) -> None:
    """One declares a conflict and leaves; one works with the mouse, one with the keyboard alone."""
    page = stage.person("lucia@fund.example")
    open_case(page)
    page.get_by_label("Yes, I have a conflict of interest").check()
    page.get_by_label("What the conflict is").fill("I advised this city.")
    press(page, "Continue")
    press(page, "Declare the conflict and leave the case")
    expect(page.get_by_text("Nothing to review").or_(page.get_by_role("heading", name="Reviews")).first).to_be_visible()
    page.goto("/reviews")
    expect(page.get_by_role("link", name=TITLE)).to_have_count(0)
    page.context.close()

    page = stage.person("ruth@fund.example")
    open_case(page)
    page.get_by_label("No, I have none").check()
    press(page, "Continue")
    press(page, "Declare no conflict and open the case")
    expect(page.locator(".review__answers")).to_contain_text("Two in ten never saw a city office.")
    for criterion in ("impact", "voice_score", "feasibility", "value"):
        page.locator(f"label[for={criterion}-8]").click()
    page.locator("#reason").fill("Sound, modest and wanted by those concerned.")
    press(page, "Check and send")
    press(page, "Send for good")
    expect(page.locator("#others")).to_contain_text("Nobody else has sent a sheet yet.")
    page.context.close()

    page = stage.person("kenji@fund.example")
    page.goto("/reviews")
    by_keyboard(page)
    expect(page.locator("#others")).to_contain_text("Ruth Adeyemi")
    page.context.close()


def open_case(page: Page) -> None:
    page.goto("/reviews")
    page.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(page.get_by_text("Two in ten never saw")).to_have_count(0)


def by_keyboard(page: Page) -> None:
    """A whole review without a mouse: Tab to reach, Space and arrows to choose, Enter to press."""
    reach(page, "a", TITLE)
    page.keyboard.press("Enter")
    reach(page, "input[name=answer]")
    page.keyboard.press("Space")
    reach(page, "button", "Continue")
    page.keyboard.press("Enter")
    reach(page, "button", "Declare no conflict and open the case")
    page.keyboard.press("Enter")
    for criterion in ("impact", "voice_score", "feasibility", "value"):
        reach(page, f"input[name={criterion}]")
        page.keyboard.press("Space")
        for _figure in range(7):
            page.keyboard.press("ArrowRight")
    reach(page, "#reason")
    page.keyboard.type("Ready to begin; the budget is careful.")
    reach(page, "button", "Check and send")
    page.keyboard.press("Enter")
    reach(page, "button", "Send for good")
    page.keyboard.press("Enter")


def reach(page: Page, selector: str, text: str = "") -> None:
    """Press Tab until this has the focus."""
    page.wait_for_load_state()
    wanted = (
        page.get_by_role("main").locator(selector).filter(has_text=text) if text else page.locator(selector)
    ).first
    expect(wanted).to_be_attached()
    for _press in range(120):
        page.keyboard.press("Tab")
        if wanted.evaluate("(each) => each === document.activeElement"):
            return
    raise AssertionError(f"{selector} {text} is not reached by Tab")


def approving(stage: Stage, application: str) -> None:
    page = stage.person("ines@fund.example")
    page.goto(application)
    follow(page, "Approve the grant")
    page.get_by_label("Yes, I am sure").check()
    press(page, "Approve the grant")
    expect(page.locator("main .badge").first).to_have_text("Approved")
    page.context.close()


def reading_the_agreement(page: Page, application: str) -> None:
    """The worker prints it; the city reads it."""
    link = page.locator('#documents ~ * a[href*="/documents/"], main a[href*="/documents/"]').first
    for _second in range(120):
        page.goto(application)
        if link.count():
            break
        time.sleep(1)
    answer = page.request.get(link.get_attribute("href") or "")
    assert answer.ok and answer.headers["content-type"] == "application/pdf"
    text = " ".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(answer.body())).pages)
    said = " ".join(text.split())
    for fact in ("Port Ferrol", TITLE, "12,500.50"):
        assert fact in said


def paying(stage: Stage, application: str) -> None:
    page = stage.person("mette@fund.example")
    page.goto(application)
    follow(page, "Record the payment")
    page.get_by_label("Bank reference").fill("TRF-77")
    page.get_by_label("Date of payment").fill(clock.now().date().isoformat())
    page.get_by_label("Amount paid", exact=False).fill("12500")
    press(page, "Record the payment")
    expect(page.locator("main")).to_contain_text("The payment must be exactly €12,500.50")
    page.get_by_label("Amount paid", exact=False).fill("12500.50")
    press(page, "Record the payment")
    expect(page.locator("main .badge").first).to_have_text("Paid")
    page.context.close()


def reporting(page: Page, application: str) -> None:
    page.goto(f"{application}/forms/report")
    page.locator("#achieved").fill("Nine hundred people found their way.")
    page.locator("#people_reached").fill("934")
    page.locator("#ended").fill("2026-10-30")
    page.locator("#lessons").fill("Open in the evening.")
    page.get_by_label("Yes, the city pays for it").check()
    page.locator("#spent").fill("12 500,50")
    page.locator("input[name=upload-accounts]").set_input_files(ACCOUNTS)
    expect(page.locator("[data-files-list]")).to_contain_text("accounts.pdf")
    page.locator(".savebar").get_by_role("button", name="Save", exact=True).click()
    follow(page, "Send the report")
    press(page, "Send the report")
    expect(page.locator("main .badge").first).to_have_text("Reported")


def counting(stage: Stage, application: str) -> None:
    """The manager sees the money of the round to the cent."""
    page = stage.person("ines@fund.example")
    page.goto(f"/money/{stage.round}")
    expect(page.locator("main")).to_contain_text("€137,499.50")
    expect(page.locator("main")).to_contain_text("TRF-77")
    page.goto(f"/board?q={TITLE.split()[2]}")
    expect(page.get_by_role("link", name=TITLE)).to_have_attribute("href", application)
    page.context.close()


def auditing(stage: Stage) -> None:
    page = stage.person("paul@fund.example")
    page.goto("/audit")
    press(page, "Check every chain now")
    expect(page.get_by_text("The record is whole: 5 events of 1 applications were checked.")).to_be_visible()
    page.context.close()
