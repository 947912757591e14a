"""The pages of a decision meeting, driven as people drive them, and what the cities see meanwhile: nothing."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.db import transaction
from fundflow.decisions import execution, service
from tests import factories as make
from tests.decisions.several import Another, Table
from tests.desk.counting import queries_of
from tests.people import sign_in


def signed_in(app: Flask, person: User) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, person)
    return browser


def seen(app: Flask, table: Table) -> dict[str, str]:
    """Every page on which the cities could notice something, as the whole text without the tokens of its forms."""
    found = {}
    for number, grant in enumerate(table.grants):
        for person in (grant.focal, grant.mayor):
            browser = signed_in(app, person)
            for path in (
                "/home",
                f"/applications/{grant.application.id}",
                f"/applications/{grant.application.id}/audit",
            ):
                text = browser.get(path).text
                found[f"{number} {person.email} {path}"] = re.sub(r'value="[^"]{60,}"', "", text)
    return found


def field(page: str, name: str) -> str:
    match = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert match is not None, name
    return match[1]


def test_from_the_table_to_the_release_and_no_city_sees_anything_before(app: Flask) -> None:
    with clock.standing_at(clock.now()):
        table = Table()
        before = seen(app, table)
        chair, director = signed_in(app, table.chair), signed_in(app, table.director)
        assert "Spring meeting" in chair.get("/meetings").text
        home = f"/meetings/{table.id}"
        for grant, transition, more in (
            (table.first, "award", {"critical": "all_met", "awarded": "400000", "conditions": "<b>One</b>"}),
            (table.second, "place_on_reserve", {"critical": "all_met", "item-place": "1"}),
            (table.third, "not_select", {"critical": "not_all", "item-reason": "Too <i>vague</i>."}),
        ):
            item = f"{home}/items/{table.line(grant).item.id}"
            page = chair.get(item).text
            data = {
                "item-revision": field(page, "item-revision"),
                "item-answers_revision": field(page, "item-answers_revision"),
                "item-transition": transition,
                "decision_reasons": "For it.",
                "reasons_against": "Against it.",
            }
            lacking = chair.post(item, data={**data, **more, "item-transition": "close_review"})
            assert (lacking.status_code, "For it." in lacking.text) == (422, True), "what was typed is kept"
            assert chair.post(item, data={**data, **more}).status_code == 303
            assert chair.post(item, data={**data, **more, "decision_reasons": "Other."}).status_code == 409
            letters = chair.get(f"{item}/letters").text
            assert "frame-src 'self'" in chair.get(f"{item}/letters").headers["Content-Security-Policy"]
            assert chair.post(f"{item}/letters", data={"digest": field(letters, "digest")}).status_code == 303
        item = f"{home}/items/{table.line(table.first).item.id}"
        letter = chair.get(f"{item}/letters/award_letter.en.html")
        assert "400,000.00" in letter.text
        assert "&lt;b&gt;One&lt;/b&gt;" in letter.text
        assert "sandbox" in letter.headers["Content-Security-Policy"]
        assert chair.get(f"{item}/letters/award_letter.fr.pdf").data.startswith(b"%PDF")
        page = chair.get(home).text
        assert "$400,000.00" in page
        assert "$600,000.00" in page
        assert chair.post(f"{home}/propose", data={"revision": field(page, "revision")}).status_code == 303
        assert chair.post(f"{home}/release", data={"attempt": "1"}).status_code == 409
        page = director.get(f"{home}/release").text
        assert director.post(f"{home}/release", data={"attempt": field(page, "attempt")}).status_code == 303
        assert director.post(f"{home}/release", data={"attempt": "1"}).status_code == 303, "a second click"
        assert "Nothing has happened yet" in chair.get(home).text
        assert seen(app, table) == before
        with clock.standing_at(clock.now() + timedelta(minutes=31)):
            execution.carry_out({"meeting_id": str(table.id), "attempt": 1})
            assert "Done" in chair.get(home).text
            for path in (f"{home}/minutes", f"{home}/minutes.csv"):
                assert table.first.application.number in signed_in(app, table.first.auditor).get(path).text
            assert seen(app, table) != before


def test_whoever_may_not_read_the_scores_does_not_read_them_here_and_whoever_stays_out_sees_nothing(app: Flask) -> None:
    table = Table()
    table.recommend(table.first, "award", stayed_out=[table.director.id])
    item = f"/meetings/{table.id}/items/{table.line(table.first).item.id}"
    manager = signed_in(app, table.manager)
    page = manager.get(f"/meetings/{table.id}").text
    assert "not yours to read" in page
    assert manager.get(item).status_code == 404
    director = signed_in(app, table.director)
    page = director.get(f"/meetings/{table.id}").text
    assert table.first.application.number not in page
    assert "You stay out of this application." in page
    assert director.get(item).status_code == 404
    assert signed_in(app, table.first.auditor).get(item).status_code == 200
    assert signed_in(app, table.first.focal).get(f"/meetings/{table.id}").status_code == 403


def test_pages_take_as_many_reads_for_three_applications_as_for_five(app: Flask) -> None:
    table = Table()
    more = [Another(table.first, city, "award") for city in ("Vila Aurora", "Batu Indah")]
    with transaction():
        service.gather(table.id, actor=make.acting(table.chair))
    items = [table.line(grant).item.id for grant in more]
    chair = signed_in(app, table.chair)
    home = f"/meetings/{table.id}"
    five = {path: queries_of(chair, path) for path in ("/meetings", home, f"{home}/release", f"{home}/minutes")}
    for item in items:
        assert chair.post(f"{home}/items/{item}/leave-out").status_code == 303
    three = {path: queries_of(chair, path) for path in five}
    assert three == five
    assert five == {"/meetings": 2, home: 13, f"{home}/release": 11, f"{home}/minutes": 12}
