"""One change of a fund's rules in the browser: written, mended, kept through a lost connection, met by a second editor,
published by a second person, and taken by a round.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fundflow.accounts.models import User
from tests import factories as make
from tests.browser.conftest import Site, prepared, violations
from tests.people import BROWSER, sign_in

pytestmark = pytest.mark.browser

COUNT, LARGER, TYPO = "group: reviewers, count: 3}", "group: reviewers, count: 5}", "group: reviewers, cuont: 5}"

DRAFT, WRITING, BEGUN = (f"label: {{en: {name}, fr: Brouillon}}" for name in ("Draft", "In writing", "Begun"))
TITLE, TITLES = "title: {en: Small grant, fr: ", "title: {en: Small grants, fr: "


class Stage:
    """The site with an open round of the small grant, and two managers at browsers of their own."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.round, self.first, self.second = prepared(site.app, self._prepare)

    @staticmethod
    def _prepare() -> tuple[str, User, User]:
        round_ = make.a_round()
        applicant = make.a_person()
        make.started(round_, make.a_city(focal_point=applicant), applicant)
        people = (make.a_person(name, groups=[make.MANAGERS]) for name in ("Ines Duarte", "Omar Bello"))
        return (round_.slug, *people)  # type: ignore[return-value]

    def page(self, person: User) -> Page:
        """A tab of this person, signed in."""
        context = self.browser.new_context(base_url=self.site.url, locale="en-GB", user_agent=BROWSER)
        context.set_default_timeout(20_000)
        client = self.site.app.test_client()
        prepared(self.site.app, lambda: sign_in(client, person))
        cookie = client.get_cookie("session")
        assert cookie is not None
        context.add_cookies([{"name": "session", "value": cookie.value, "url": self.site.url}])
        return watched(context.new_page())


def watched(page: Page) -> Page:
    page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
    return page


@pytest.fixture
def stage(site: Site, browser: Browser) -> Iterator[Stage]:
    yield Stage(site, browser)
    for context in browser.contexts:
        context.close()


def replace(page: Page, old: str, new: str) -> None:
    """Type `new` over the first `old` in the editor, as fingers would."""
    page.locator("#text").evaluate(
        """(area, old) => {
            const at = area.value.indexOf(old);
            if (at < 0) throw new Error(`${old} is not there`);
            area.focus();
            area.setSelectionRange(at, at + old.length);
        }""",
        old,
    )
    page.keyboard.insert_text(new)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_fund_changes_its_rules(stage: Stage) -> None:
    first = stage.page(stage.first)
    draft = beginning(first)
    mending(first)
    first = losing_the_connection(first, draft)
    second = stage.page(stage.second)
    meeting(first, second, draft)
    proposing(first)
    version = publishing(second)
    using(stage, first, second, version)


def beginning(page: Page) -> str:
    page.goto("/studio")
    page.locator("#workflow-small-grant").get_by_role("link", name="Versions and history").click()
    page.get_by_role("button", name="Begin a draft").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("small_grant.yaml")
    expect(page.locator("[data-findings]")).to_contain_text("Nothing to mend.")
    expect(page.locator("[data-diagram] svg")).to_be_visible()
    return page.url


def mending(page: Page) -> None:
    """A mistake shows at its line while one types, leads there, and goes when it is mended."""
    replace(page, COUNT, TYPO)
    finding = page.locator(".findings__item").filter(has_text="cuont")
    expect(finding).to_contain_text("did you mean 'count'")
    line = int(finding.get_by_role("link").first.inner_text().removeprefix("line "))
    wrong = page.locator("[data-lines] .is-wrong")
    expect(wrong.first).to_have_text(str(line))
    assert violations(page) == []
    page.locator("#text").evaluate("area => { area.setSelectionRange(0, 0); area.scrollTop = 0 }")
    finding.get_by_role("link").first.click()
    selected = page.locator("#text").evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert "cuont" in selected
    expect(page.locator("[data-at]")).to_contain_text(f"Line {line}: ")
    expect(page.locator("[data-save-status]")).to_contain_text("Saved at")
    finding.get_by_role("link", name="explained").click()
    expect(page.locator(":target")).to_be_visible()
    page.go_back()
    replace(page, TYPO, LARGER)
    expect(page.locator("[data-findings]")).to_contain_text("Nothing to mend.")
    expect(page.locator("[data-save-status]")).to_contain_text("Saved at")


def losing_the_connection(page: Page, draft: str) -> Page:
    """What is typed without a connection stays in the browser, even when the tab is closed."""
    context = page.context
    context.set_offline(True)
    replace(page, DRAFT, WRITING)
    expect(page.locator("[data-save-status]")).to_contain_text("No connection. Your text is kept in this browser")
    page.close()
    context.set_offline(False)
    page = watched(context.new_page())
    page.goto(draft)
    expect(page.locator("#text")).to_contain_text(DRAFT)
    expect(page.get_by_text("This browser kept a text that was never saved.")).to_be_visible()
    press(page, "Bring it back")
    assert WRITING in page.locator("#text").input_value()
    expect(page.locator("[data-save-status]")).to_contain_text("Saved at")
    return page


def meeting(first: Page, second: Page, draft: str) -> None:
    """The second editor is told of the first, and neither writes over the other unknowingly."""
    second.goto(draft)
    expect(second.locator("[data-present]")).to_contain_text("Ines Duarte has this draft open too, since")
    replace(second, TITLE, TITLES)
    expect(second.locator("[data-save-status]")).to_contain_text("Saved at")
    replace(first, WRITING, BEGUN)
    notice = first.get_by_role("alert").filter(has_text="Omar Bello saved this file while you were writing.")
    expect(notice).to_be_visible()
    expect(first.locator("[data-present]")).to_contain_text("Omar Bello has this draft open too")
    press(first, "Save")
    both = first.get_by_role("alert").filter(has_text="Both texts are here")
    expect(both.locator("ins").filter(has_text=BEGUN)).to_be_visible()
    expect(both.locator("del").filter(has_text=TITLES)).to_be_visible()
    assert violations(first) == []
    # Mine is in the editor: what is good of theirs is taken over by hand, then it is saved knowingly.
    replace(first, BEGUN, WRITING)
    replace(first, TITLE, TITLES)
    press(first, "Save")
    expect(first.get_by_role("alert")).to_have_count(0)
    expect(first.locator("[data-findings]")).to_contain_text("Nothing to mend.")


def proposing(page: Page) -> None:
    page.get_by_role("link", name="Publish", exact=True).click()
    for says in (
        "The number of reviewers of “Panel scores” is 5; it was 3.",
        "is “In writing”; it was “Draft”.",
        "The title of the workflow is “Small grants”; it was “Small grant”.",
        "1 would move",
    ):
        expect(page.locator("main")).to_contain_text(says)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_label("Why is this changed?").fill("The committee is larger now.")
    press(page, "Propose it")
    expect(page.locator("main")).to_contain_text("Somebody else has to publish this.")
    expect(page.get_by_label("Publish: from now on rounds can choose it")).to_have_count(0)


def publishing(page: Page) -> str:
    page.goto("/studio")
    page.get_by_role("link", name="small-grant, version 2").click()
    expect(page.locator("main")).to_contain_text("The committee is larger now.")
    page.get_by_label("Publish: from now on rounds can choose it").check()
    press(page, "Answer")
    expect(page.locator("main")).to_contain_text("Proposed by Ines Duarte, published by Omar Bello")
    return page.url.rpartition("/")[2]


def using(stage: Stage, first: Page, second: Page, version: str) -> None:
    """The open round takes it by two people, and its application moves; a new round can choose it."""
    rules = f"/studio/rounds/{stage.round}"
    first.goto(rules)
    first.get_by_label("Another version").select_option(version)
    press(first, "Show what it would do")
    expect(first.locator("main")).to_contain_text("1 would move")
    first.get_by_label("Why is this changed?").fill("More cities applied than we thought.")
    press(first, "Propose it to a second person")
    second.goto(rules)
    expect(second.locator("main")).to_contain_text("More cities applied than we thought.")
    second.get_by_role("link", name="Look at it and agree").click()
    press(second, "Agree, and move the applications")
    expect(second.locator("main")).to_contain_text("1 applications moved")
    expect(second.locator("main")).to_contain_text("version 2")
    first.goto("/manage/rounds/new")
    first.get_by_label("Workflow").select_option(version)
