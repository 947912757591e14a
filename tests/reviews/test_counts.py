"""How many reads the lists of reviews cost: the same for one, three and thirty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import event

from fundflow.accounts.models import City, GroupMember, TeamMember
from fundflow.db import db
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application, Event
from fundflow.reviews import committees, queries
from fundflow.reviews.models import Review
from tests.people import a_person, sign_in
from tests.reviews.committee import Scene, actor

pytestmark = pytest.mark.usefixtures("app")

ROWS = (1, 3, 30)


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """How many statements the block has sent so far, transaction control left out."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield lambda: len([each for each in sent if not each.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))])
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def many_under_review(scene: Scene, count: int) -> list[Application]:
    """Copies of the scene's application with other cities, written as rows: firing each would only cost time."""
    first = scene.application
    rows = [
        {column.name: getattr(each, column.key) for column in Event.__table__.columns}
        for each in db.session.scalars(sa.select(Event).where(Event.application_id == first.id))
    ]
    made = []
    for n in range(count - 1):
        city = City(name=f"City {n}", country="NO", kind="city", created_by=scene.applicant.id)
        db.session.add(city)
        db.session.flush()
        db.session.add(TeamMember(city_id=city.id, user_id=scene.applicant.id, duty="focal_point"))
        copy = Application(
            **{
                column.key: getattr(first, column.key)
                for column in Application.__table__.columns
                if column.key not in ("id", "number", "city_id")
            },
            number=f"COPY-{n}",
            city_id=city.id,
        )
        db.session.add(copy)
        db.session.flush()
        db.session.execute(sa.insert(Event), [row | {"application_id": copy.id} for row in rows])
        made.append(copy)
    db.session.commit()
    return [first, *made]


def an_open_place(scene: Scene, application: Application, person_id: object, **more: object) -> Review:
    due = scene.round.closes_at
    return Review(
        application_id=application.id,
        name="panel",
        state="review",
        generation=1,
        reviewer_id=person_id,
        assigned_by=scene.manager.id,
        due_at=due,
        due_wall="2027-01-01T18:00",
        due_zone="UTC",
        data={},
        **more,
    )


@pytest.mark.parametrize("rows", ROWS)
def test_the_queue_costs_one_read(rows: int) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    db.session.add_all(an_open_place(scene, each, rosa.id) for each in many_under_review(scene, rows))
    db.session.commit()
    who = actor(rosa)
    with counted() as reads:
        queue = queries.queue_for(who)
        shown = [
            (case.step, case.round_title, case.city, case.application.title, case.is_overdue) for case in queue.cases
        ]
    assert (len(shown), len(queue.waiting), reads()) == (rows, rows, 1)


@pytest.mark.parametrize("rows", ROWS)
def test_the_progress_of_many_applications_costs_two_reads(rows: int) -> None:
    scene = Scene()
    rosa = scene.reviewer()
    applications = many_under_review(scene, rows)
    db.session.add_all(an_open_place(scene, each, rosa.id) for each in applications)
    db.session.commit()
    definitions.get(scene.application.definition_sha)
    with counted() as reads:
        found = queries.progress_of(applications)
    assert (len(found), {each.assigned for each in found.values()}, reads()) == (rows, {1}, 2)


@pytest.mark.parametrize("rows", ROWS)
def test_the_candidates_cost_seven_reads_and_the_places_two(rows: int) -> None:
    scene = Scene()
    people = [a_person(f"r{n}@panel.example") for n in range(2 * rows)]
    db.session.add_all(GroupMember(user_id=person.id, group="reviewers") for person in people)
    db.session.add_all(an_open_place(scene, scene.application, person.id) for person in people[:rows])
    db.session.commit()
    committee = scene.committee()
    with counted() as reads:
        candidates = committees.candidates_for(committee)
        assert [len(candidates), reads()] == [2 * rows, 7]
        places = committees.places_of(committee)
    assert (len(places), reads()) == (rows, 9)


@pytest.mark.parametrize("rows", ROWS)
def test_the_pages_cost_the_same_however_long_they_are(rows: int, client: FlaskClient) -> None:
    scene = Scene()
    people = [a_person(f"r{n}@panel.example") for n in range(2 * rows)]
    db.session.add_all(GroupMember(user_id=person.id, group="reviewers") for person in people)
    for application in many_under_review(scene, rows):
        db.session.add_all(an_open_place(scene, application, person.id) for person in people[:rows])
    db.session.commit()
    found = []
    for person, path in ((people[0], "/reviews"), (scene.manager, f"/applications/{scene.application.id}/reviewers")):
        sign_in(client, person)
        client.get(path)
        with counted() as reads:
            assert client.get(path).status_code == 200
            found.append(reads())
    assert found == [4, 24]
