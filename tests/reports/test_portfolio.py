"""The portfolio as a page and as files: a fixed number of queries, and nothing beyond one's rounds."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow.db import db
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests.desk.contract import People, a_contract, press_child, some_people
from tests.desk.counting import queries_of
from tests.people import sign_in


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


def paid(people: People) -> Application:
    """A small contract of which one part is paid: announced, for money of it flows."""
    application = a_contract("active", people)
    press_child(application, "tranche.request", "1", people.applicant)
    press_child(application, "tranche.pay", "1", people.finance, input={"reference": "=1+1"})
    return application


def test_three_grants_cost_as_many_queries_as_one(client: FlaskClient, people: People) -> None:
    paid(people)
    sign_in(client, people.finance)
    one = queries_of(client, "/portfolio")
    for _ in range(2):
        paid(some_people())
    sign_in(client, db.session.merge(people.finance))
    assert queries_of(client, "/portfolio") == one == 5
    assert client.get("/portfolio").text.count('<td class="figure" data-label="Agreed">') == 3


def test_only_rounds_within_reach_are_counted_and_files_hold_what_the_page_shows(
    client: FlaskClient, people: People
) -> None:
    paid(people)
    far = make.a_person(groups=[(make.MANAGERS, make.a_round())])
    sign_in(client, far)
    assert "No grant yet" in client.get("/portfolio").text
    sign_in(client, db.session.merge(people.finance))
    assert client.get("/portfolio?round=nowhere").status_code == 404
    assert "€6,000.00" in client.get("/portfolio").text
    book = zipfile.ZipFile(io.BytesIO(client.get("/portfolio.xlsx").data))
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 4
