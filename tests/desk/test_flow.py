"""Where a round's applications stand, on the picture: what is counted is what the linked list shows, to each reader."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.rounds.models import Round
from tests import factories as make
from tests.desk.counting import queries_of
from tests.desk.test_lists import an_applicant
from tests.desk.test_masks import SECRETS, Scene
from tests.people import sign_in

LINK = re.compile(r'<a class="flow-link" href="([^"]*)" aria-label="([^"]*)">')


def counts_of(page: str) -> dict[str, str]:
    """The address by what is said, for each place on the picture that has applications."""
    wide = page.partition('<div class="flow-view flow-view--tall">')[0]
    return {unescape(said): unescape(href) for href, said in LINK.findall(wide)}


def listed(client: FlaskClient, href: str) -> list[str]:
    text = client.get(href.replace("/board?", "/board.csv?")).text.removeprefix("\ufeff")
    return [row["City"] for row in csv.DictReader(io.StringIO(text))]


@pytest.fixture
def rounds(app: Flask, client: FlaskClient) -> tuple[Round, Round, make.Cast]:
    cast = make.a_cast()
    one, other = make.a_round(), make.a_round()
    for name in ("Koboko", "Kanifing"):
        an_applicant(one, name, "review", 10_000, cast)
    an_applicant(one, "Lund", "complete", 9_000, cast)
    an_applicant(one, "Torino", "reported", 5_000, cast)
    ended = an_applicant(one, "Arua", "scored", 7_000, cast)
    make.press(ended, "decline", cast.manager, reason="No.")
    an_applicant(other, "Manta", "review", 30_000, cast)
    return one, other, cast


def test_each_count_leads_to_a_list_of_just_those_applications(
    rounds: tuple[Round, Round, make.Cast], client: FlaskClient
) -> None:
    one, _, cast = rounds
    sign_in(client, cast.manager)
    page = client.get(f"/board/rounds/{one.slug}")
    found = {said: sorted(listed(client, href)) for said, href in counts_of(page.text).items()}
    assert found == {
        "Draft: 1 application": ["Lund"],
        "Under review: 2 applications": ["Kanifing", "Koboko"],
        "Reported: 1 application": ["Torino"],
        "Declined: 1 application": ["Arua"],
    }
    assert "5 applications of this round" in page.text
    assert "Approved: 0 applications" in page.text and "style=" not in page.text
    assert "ends the application" in page.text, "the signs are explained"
    for leads_there in (f"/board?round={one.slug}", f"/manage/rounds/{one.slug}"):
        assert f'href="/board/rounds/{one.slug}"' in client.get(leads_there).text


def test_only_who_works_on_the_round_is_shown_its_counts(
    rounds: tuple[Round, Round, make.Cast], client: FlaskClient
) -> None:
    one, other, cast = rounds
    elsewhere = make.a_person(groups=[(make.MANAGERS, other)])
    sign_in(client, elsewhere)
    assert client.get(f"/board/rounds/{one.slug}").status_code == 404
    assert list(counts_of(client.get(f"/board/rounds/{other.slug}").text)) == ["Under review: 1 application"]
    sign_in(client, cast.manager)
    assert client.get("/board/rounds/no-such-round").status_code == 404


def test_a_round_that_is_not_published_has_no_such_page(app: Flask, client: FlaskClient) -> None:
    draft = make.a_round(is_published=False)
    sign_in(client, make.a_person(groups=[make.MANAGERS]))
    assert client.get(f"/board/rounds/{draft.slug}").status_code == 404


def test_a_hidden_move_changes_nothing_that_a_masked_role_is_shown(app: Flask, client: FlaskClient) -> None:
    scene = Scene(client)
    slug = db.session.get_one(Round, scene.application.round_id).slug
    before = scene.page(scene.finance, f"/board/rounds/{slug}")
    scene.press("open_committee", reason="Monday.")
    after = scene.page(scene.finance, f"/board/rounds/{slug}")
    assert after == before and f"{SECRETS[0]}: 0" not in after[1], "nothing is counted where they are shown nothing"
    assert list(counts_of(after[1])) == ["Desk screening: 1 application"]
    assert list(counts_of(scene.page(scene.manager, f"/board/rounds/{slug}")[1])) == [f"{SECRETS[0]}: 1 application"]


@pytest.mark.parametrize("count", [1, 3, 30])
def test_it_takes_the_same_queries_whatever_it_counts(app: Flask, client: FlaskClient, count: int) -> None:
    round_, cast = make.a_round(budget=1_000_000), make.a_cast()
    for n in range(count):
        an_applicant(round_, f"City {n}", "review" if n % 2 else "complete", 10_000, cast)
    sign_in(client, db.session.get_one(User, cast.manager.id))
    assert queries_of(client, f"/board/rounds/{round_.slug}") == 3
