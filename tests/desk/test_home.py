"""Home: what needs each person now, and how many queries that takes however much there is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.jobs.models import Job
from fundflow.reviews import committees, service
from fundflow.reviews.models import Review
from tests import factories
from tests.desk.counting import queries_of
from tests.people import sign_in


def home(client: FlaskClient, person: User) -> str:
    sign_in(client, person)
    answer = client.get("/home")
    assert answer.status_code == 200
    return answer.text


def test_visitor_is_shown_the_fund_and_whoever_is_signed_in_goes_home(app: Flask, client: FlaskClient) -> None:
    round_ = factories.a_round()
    page = client.get("/").text
    assert "How it works" in page
    assert round_.title in page
    sign_in(client, factories.a_person())
    assert client.get("/").headers["Location"] == "/home"


def test_newcomer_is_told_to_begin_with_a_city(app: Flask, client: FlaskClient) -> None:
    round_ = factories.a_round()
    page = home(client, factories.a_person())
    assert "Create your city" in page
    assert round_.title in page


def test_city_team_sees_the_draft_with_its_deadline_and_how_much_is_missing(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(cast=cast)
    page = home(client, cast.applicant)
    assert "Fill in: Proposal" in page
    assert "16 answers still missing." in page
    assert "Due in" in page
    assert f"/applications/{application.id}/forms/proposal" in page


def test_complete_draft_is_offered_for_sending(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="complete", cast=cast)
    page = home(client, cast.applicant)
    assert "Complete: it can be sent." in page
    assert f"/applications/{application.id}/do/submit" in page


def test_returned_application_says_why(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="review", cast=cast)
    factories.press(application, "send_back", cast.manager, reason="The budget lacks staff.")
    assert "Returned: The budget lacks staff." in home(client, cast.applicant)


def test_sent_application_needs_nothing_and_says_whom_it_waits_for(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    factories.an_application(state="review", cast=cast)
    page = home(client, cast.applicant)
    assert "Nothing at the moment." in page
    assert "Waits for: Fund manager" in page


def test_paid_city_owes_a_report(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    factories.an_application(state="disbursed", cast=cast)
    page = home(client, cast.applicant)
    assert "Fill in: Report" in page
    assert "Returned" not in page


def test_manager_assigns_then_decides_then_chases(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="review", cast=cast)
    page = home(client, cast.manager)
    assert "Assign reviewers" in page
    assert "0 of 3 asked." in page
    factories.scored(application, cast)
    page = home(client, cast.manager)
    assert ">Decide<" in page
    assert "Reviews sent: 3, needed: 2. Score 8 of 10." in page
    factories.press(application, "approve", cast.manager)
    page = home(client, cast.manager)
    assert "Waits for: Finance" in page
    factories.pay(application, cast.finance, 10_000)
    with clock.shifted(timedelta(days=400)):
        assert "Overdue: Report due" in home(client, cast.manager)


def test_manager_who_still_has_to_score_is_not_told_the_score(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="review", cast=cast)
    factories.scored(application, cast)
    with transaction():
        place = db.session.scalars(sa.select(Review).where(Review.reviewer_id == cast.reviewers[0].id)).one()
        place.reviewer_id = cast.manager.id
        place.sent_at = place.score = None
    page = home(client, cast.manager)
    assert "Reviews sent: 2, needed: 2." in page
    assert "of 10." not in page


def test_manager_is_told_what_is_about_to_lapse(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    factories.an_application(cast=cast)
    assert "lapses" not in home(client, cast.manager)
    with clock.shifted(timedelta(days=25)):
        assert "1 application is not sent yet and lapses" in home(client, cast.manager)


def test_finance_sees_what_is_to_be_paid(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    application = factories.an_application(state="approved", cast=cast)
    page = home(client, cast.finance)
    assert "Record the payment" in page
    assert "€10,000.00" in page
    assert f"/applications/{application.id}/do/disburse" in page


def test_reviewer_sees_the_declaration_first_and_no_more_than_the_title(app: Flask, client: FlaskClient) -> None:
    cast = factories.a_cast()
    city = factories.a_city("Kanifing", focal_point=cast.applicant)
    application = factories.an_application(state="review", cast=cast, city=city)
    place = asked(application.id, cast)
    page = home(client, cast.reviewers[0])
    assert "Declare a conflict of interest, or none" in page
    assert "Project of Kanifing" in page
    assert "Kanifing ·" not in page
    with transaction():
        service.declare(place, has_conflict=False, actor=factories.acting(cast.reviewers[0]))
    page = home(client, cast.reviewers[0])
    assert ">Score<" in page
    assert "Kanifing ·" in page


def asked(application_id: UUID, cast: factories.Cast) -> UUID:
    manager = factories.acting(cast.manager)
    with transaction():
        committee = committees.committee_for(manager, application_id)
        wall = (clock.now() + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M")
        return service.assign(committee, [cast.reviewers[0].id], wall_time=wall, actor=manager)[0].id


def test_auditor_and_administrator_have_their_own_homes(app: Flask, client: FlaskClient) -> None:
    factories.an_application(state="review")
    page = home(client, factories.a_person(groups=["auditors"]))
    assert "Check the record" in page
    assert "Under review" in page
    with transaction():
        db.session.add(Job(key="k", kind="mail.send", payload={}, dead_at=clock.now(), attempts=12))
    page = home(client, factories.a_person(groups=["administrators"]))
    assert "Background work that was given up: 1." in page
    assert "Under review" not in page


def test_manager_of_one_round_sees_nothing_of_another(app: Flask, client: FlaskClient) -> None:
    mine, other = factories.a_round(), factories.a_round()
    factories.an_application(mine, state="review", city=None, requested=11_111)
    factories.an_application(other, state="review", requested=22_222)
    page = home(client, factories.a_person(groups=[("fund-managers", mine)]))
    assert mine.title in page
    assert other.title not in page
    assert "€11,111.00" in page
    assert "22,222" not in page


@pytest.mark.parametrize("count", [1, 3, 30])
def test_home_takes_the_same_queries_whatever_waits(app: Flask, client: FlaskClient, count: int) -> None:
    round_, cast = factories.a_round(), factories.a_cast()
    applicant, auditor = factories.a_person(), factories.a_person(groups=["auditors"])
    for _each in range(count):
        city = factories.a_city(focal_point=applicant)
        mine = factories.Cast(applicant, cast.manager, cast.finance, cast.reviewers)
        factories.an_application(round_, state="review", cast=mine, city=city)
    people = {"city": applicant.id, "manager": cast.manager.id, "finance": cast.finance.id, "auditor": auditor.id}
    found = {}
    for name, person in people.items():
        sign_in(client, db.session.get_one(User, person))
        found[name] = queries_of(client, "/home")
    assert found == {"city": 10, "manager": 11, "finance": 3, "auditor": 2}
