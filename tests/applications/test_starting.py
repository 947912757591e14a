"""A city begins one application to an open round, whoever of its team is first."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock
from fundflow.accounts.models import City
from fundflow.applications import queries, service
from fundflow.db import db, transaction
from fundflow.errors import Forbidden
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round
from tests import factories as make
from tests.applications.scene import a_scene, as_person

pytestmark = pytest.mark.usefixtures("app")


def how_many() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Application)) or 0


def test_the_first_of_the_team_begins_and_the_second_is_led_to_it(app: Flask) -> None:
    scene = a_scene()
    other = make.a_city("Bo", country="SL", focal_point=make.a_person())
    focal, colleague = make.a_person(team_of=other), make.a_person(team_of=other)
    first = as_person(app, focal).post(f"/rounds/{scene.round.slug}/apply")
    assert first.status_code == 303 and first.location.endswith("/forms/proposal")
    client = as_person(app, colleague)
    second = client.post(f"/rounds/{scene.round.slug}/apply")
    assert second.location == first.location
    assert "A city sends one to each round" in client.get(second.location).text
    assert how_many() == 2


def test_of_two_colleagues_at_the_same_moment_one_begins(app: Flask) -> None:
    focal, colleague = make.a_person(), make.a_person()
    city = make.a_city(focal_point=focal)
    make.join(city, colleague)
    round_ = make.a_round()
    wanted = (Round, round_.id), (City, city.id)
    actors = [make.acting(each) for each in (focal, colleague) * 3]
    barrier = threading.Barrier(len(actors))
    outcomes: list[str] = []

    def begin(actor: Any) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    round_, city = (db.session.get_one(*each) for each in wanted)
                    outcomes.append(service.start(round_, city, actor).number)
            except service.AlreadyApplied as refusal:
                outcomes.append(str(refusal))
            db.session.rollback()

    threads = [threading.Thread(target=begin, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert how_many() == 1
    assert sum("already has an application" in str(each) for each in outcomes) == len(actors) - 1


def test_a_round_takes_applications_only_while_it_is_open() -> None:
    now = clock.now()
    city = make.a_city(focal_point=(focal := make.a_person()))
    early = make.a_round(opens_at=now + timedelta(days=2))
    late = make.a_round(opens_at=now - timedelta(days=9), closes_at=now - timedelta(days=1))
    secret = make.a_round(is_published=False)
    for round_, refusal in ((early, service.RoundNotOpen), (late, service.RoundClosed), (secret, service.RoundNotOpen)):
        with pytest.raises(refusal):
            make.started(round_, city, focal)
    assert how_many() == 0


def test_nobody_begins_for_a_city_they_do_not_work_for() -> None:
    round_, city, stranger = make.a_round(), make.a_city(), make.a_person(team_of=make.a_city())
    with pytest.raises(Forbidden):
        make.started(round_, city, stranger)


def test_who_acts_for_several_cities_is_asked_and_for_none_is_shown_the_way(app: Flask) -> None:
    round_ = make.a_round()
    person = make.a_person()
    cities = [make.a_city("Arua", focal_point=person), make.a_city("Gulu", focal_point=person)]
    client = as_person(app, person)
    asked = client.post(f"/rounds/{round_.slug}/apply")
    assert asked.location.endswith(f"/rounds/{round_.slug}/apply")
    page = client.get(asked.location).text
    assert "Arua" in page and "Gulu" in page
    begun = client.post(f"/rounds/{round_.slug}/apply", data={"city": str(cities[1].id)})
    assert "/forms/proposal" in begun.location
    foreign = client.post(f"/rounds/{round_.slug}/apply", data={"city": str(make.a_city().id)})
    assert foreign.location.endswith("/apply") and how_many() == 1
    nobody = as_person(app, make.a_person())
    assert "Which city do you work for?" in nobody.get(f"/rounds/{round_.slug}/apply").text


def test_a_city_that_withdrew_may_begin_again_and_one_that_was_declined_may_not() -> None:
    cast = make.a_cast()
    round_ = make.a_round()
    first = make.an_application(round_, state="review", cast=cast)
    city = queries.city_of(first)
    make.press(first, "withdraw", cast.applicant)
    second = make.started(round_, city, cast.applicant)
    assert second.id != first.id
    make.fill(second, "proposal", cast.applicant)
    make.press(second, "submit", cast.applicant)
    make.scored(second, cast)
    make.press(second, "decline", cast.manager, reason="Not this time.")
    with pytest.raises(service.AlreadyApplied):
        make.started(round_, city, cast.applicant)
