"""The declaration of interests: what is seen before it, and what each answer does."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa

from fundflow.accounts.models import GroupMember, TeamMember
from fundflow.applications import queries as applications
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.jobs.models import Job
from fundflow.lifecycle import commands
from fundflow.reviews import conflicts, queries, service
from tests.reviews.committee import Scene, actor, place_of

pytestmark = pytest.mark.usefixtures("app")


def test_before_the_declaration_a_reviewer_sees_the_title_and_nothing_of_who_applies() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)

    case = queries.place_for(actor(rosa), place.id)

    assert (case.step, case.city, case.round_title) == ("declare", None, "Inclusion 2027")
    with pytest.raises(NotFound):
        applications.application_for(actor(rosa), scene.application.id)
    assert commands.roles_of(scene.application, actor(rosa)) == frozenset()


def test_declaring_none_opens_the_case_and_gives_the_role() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)

    assert applications.application_for(actor(rosa), scene.application.id).id == scene.application.id
    assert commands.roles_of(scene.application, actor(rosa)) == {"reviewer"}
    assert commands.cell_of(scene.application, actor(rosa)).view == {"proposal"}
    case = queries.place_for(actor(rosa), place.id)
    assert (case.step, case.city) == ("score", "Lund")


def test_declaring_a_conflict_needs_a_reason_recuses_at_once_and_tells_whoever_asked() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)
    with pytest.raises(service.ReasonNeeded):
        service.declare(place.id, has_conflict=True, reason=" \n", actor=actor(rosa))
    service.declare(place.id, has_conflict=True, reason="My sister works there", actor=actor(rosa))
    db.session.commit()

    for look in (queries.place_for, queries.sheet_for):
        with pytest.raises(NotFound):
            look(actor(rosa), place.id)
    with pytest.raises(NotFound):
        applications.application_for(actor(rosa), scene.application.id)
    assert queries.queue_for(actor(rosa)).cases == ()
    assert commands.roles_of(scene.application, actor(rosa)) == frozenset()
    found = queries.progress(scene.application.id, "panel")
    assert (found.assigned, found.recused, found.declared) == (1, 1, 0)
    (mail,) = [
        job.payload
        for job in db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))
        if job.payload["template"] == "review_recused"
    ]
    assert mail["email"] == scene.manager.email
    assert mail["facts"]["reason"] == "My sister works there"


def test_a_declaration_is_final_for_the_reviewer() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    free, _waiting = scene.ready(rosa)[0], scene.ask(ravi)[0]
    for answer in (True, False):
        with pytest.raises(service.AlreadyDeclared):
            service.declare(free.id, has_conflict=answer, reason="After all", actor=actor(rosa))
    assert place_of(scene.application.id, rosa).conflict == "none"


def test_nobody_declares_for_somebody_else_or_on_an_address_that_was_guessed() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    (place,) = scene.ask(rosa)
    for person in (ravi, scene.manager, scene.applicant):
        with pytest.raises(NotFound):
            service.declare(place.id, has_conflict=False, actor=actor(person))
        with pytest.raises(NotFound):
            queries.sheet_for(actor(person), place.id)
    with pytest.raises(NotFound):
        service.declare(uuid4(), has_conflict=False, actor=actor(rosa))


def test_a_reviewer_who_joined_the_applying_team_meanwhile_cannot_declare_to_be_free_and_loses_the_case() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    (asked,) = scene.ask(rosa)
    (free,) = scene.ready(ravi)
    for person in (rosa, ravi):
        db.session.add(TeamMember(city_id=scene.city.id, user_id=person.id, duty="signatory"))
    db.session.commit()

    with pytest.raises(conflicts.OnTheTeam):
        service.declare(asked.id, has_conflict=False, actor=actor(rosa))
    db.session.rollback()
    assert "reviewer" not in commands.roles_of(scene.application, actor(ravi))
    with pytest.raises(NotFound):
        queries.place_for(actor(ravi), free.id)
    with pytest.raises(NotFound):
        queries.sheet_for(actor(ravi), free.id)


def test_a_manager_who_was_asked_to_review_sees_nothing_until_declared_and_nothing_after_a_conflict() -> None:
    scene = Scene()
    both = scene.reviewer("Bo Both")
    db.session.add(GroupMember(user_id=both.id, group="fund-managers"))
    db.session.commit()
    assert applications.application_for(actor(both), scene.application.id)
    (place,) = scene.ask(both)
    with pytest.raises(NotFound):
        applications.application_for(actor(both), scene.application.id)
    service.declare(place.id, has_conflict=True, reason="Family", actor=actor(both))
    db.session.commit()
    with pytest.raises(NotFound):
        applications.application_for(actor(both), scene.application.id)
    assert applications.application_for(actor(scene.manager), scene.application.id)


def test_when_the_case_has_moved_on_there_is_nothing_left_to_declare() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)
    scene.fire("send_back")

    with pytest.raises(NotFound):
        queries.place_for(actor(rosa), place.id)
    with pytest.raises(service.ReviewClosed):
        service.declare(place.id, has_conflict=False, actor=actor(rosa))
    assert queries.queue_for(actor(rosa)).cases == ()
