"""Ties of before: cities that somebody acted for, money this fund paid them, and conflicts declared on other cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City, TeamMember, User
from fundflow.db import db
from fundflow.reviews import committees
from tests.people import a_city
from tests.reviews.committee import MAIN, Scene, a_workflow

pytestmark = pytest.mark.usefixtures("app")

AWARDING = (
    MAIN.replace("[declared, same_organisation, same_country]", "[declared, prior_contract]")
    .replace("  approved: {final: success,", "  kept: {}\n  approved: {final: success,")
    .replace(
        "  send_back:",
        "  keep: {from: review, to: kept, by: officer, do: [{ledger: reserve, amount: round.floor}]}\n"
        "  free: {from: kept, end: withdrawn, by: officer, do: [{ledger: release}]}\n  send_back:",
    )
)


def found(scene: Scene, person: User) -> list[str]:
    candidates = committees.candidates_for(scene.committee())
    return [str(each) for each in next(each for each in candidates if each.id == person.id).conflicts]


def leave(person: User, city: City) -> None:
    db.session.execute(sa.delete(TeamMember).where(TeamMember.user_id == person.id, TeamMember.city_id == city.id))
    db.session.commit()


def a_scene(conflicts: str = "[declared, prior_contract]") -> Scene:
    text = MAIN.replace("[declared, same_organisation, same_country]", conflicts)
    return Scene(workflow=a_workflow(text))


@pytest.mark.parametrize(("days", "counts"), [(1, True), (1000, True), (1200, False)])
def test_who_acts_or_acted_for_a_city_that_was_awarded_money_lately_cannot_review(days: int, counts: bool) -> None:
    scene = Scene(workflow=a_workflow(AWARDING))
    rosa = scene.reviewer()
    city = a_city("Bergen", country="NO", team=[(rosa, "focal_point")])
    theirs = scene.another("Theirs", city, rosa)
    assert found(scene, rosa) == []
    published_money(scene)
    scene.fire("keep", theirs)
    expected = ["Rosa Reader acts or acted for Bergen, which this fund awarded money in the last 3 years."]
    with clock.shifted(timedelta(days=days)):
        assert found(scene, rosa) == (expected if counts else [])
        leave(rosa, city)
        assert found(scene, rosa) == (expected if counts else [])


def published_money(scene: Scene) -> None:
    """The round's budget stands in the books, as publishing would have put it there."""
    from fundflow.lifecycle import registry
    from fundflow.money import Money

    registry.round_published(scene.round.id, Money(scene.round.budget_minor, "EUR"))
    db.session.commit()


def test_who_acted_for_the_applying_city_before_cannot_review_it() -> None:
    scene = a_scene()
    rosa = scene.reviewer()
    founded = scene.city
    founded.created_by = rosa.id
    db.session.commit()

    assert found(scene, rosa) == ["Rosa Reader was on the team of Lund before."]


def test_a_conflict_declared_on_another_application_of_the_city_counts() -> None:
    scene = a_scene()
    rosa = scene.reviewer()
    other = scene.another("Second")
    (place,) = scene.ask(rosa, application=other)
    scene.recuse(place, rosa)

    assert found(scene, rosa) == ["Rosa Reader declared a conflict of interest on another application of Lund."]


def test_none_of_it_counts_where_the_workflow_does_not_name_prior_contracts() -> None:
    scene = a_scene("[declared]")
    rosa = scene.reviewer()
    scene.city.created_by = rosa.id
    other = scene.another("Second")
    (place,) = scene.ask(rosa, application=other)
    scene.recuse(place, rosa)

    assert found(scene, rosa) == []
