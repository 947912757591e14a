"""Who stands by, and who is called when a place comes free."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fundflow import clock
from fundflow.accounts.models import GroupMember, TeamMember, User
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.jobs.models import Job
from fundflow.lifecycle import commands
from fundflow.lifecycle.actor import Actor
from fundflow.reviews import committees, conflicts, queries, reserves, service
from fundflow.reviews.models import Review, StandBy
from tests.reviews.committee import WITH_RESERVE, Scene, a_workflow, actor, in_days, place_of
from tests.reviews.test_races import at_once

NUMBERS = count()

pytestmark = pytest.mark.usefixtures("app")


class Stage(Scene):
    """A committee of three with two who stand by."""

    def __init__(self, reserve: int = 2) -> None:
        super().__init__(workflow=a_workflow(WITH_RESERVE))
        self.people = [self.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita")]
        self.reserve = [self.reviewer(f"{n} Second", f"{n}@{n}.example") for n in ("Sana", "Sven")[:reserve]]
        self.places = self.ask(*self.people, reserve=self.reserve)

    def seated(self) -> list[str]:
        """Who holds a place that counts."""
        return sorted(
            place.name
            for place in committees.places_of(self.committee())
            if place.review.withdrawn_at is None and not place.review.is_recused
        )


def mails(template: str) -> list[dict[str, str]]:
    jobs = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send").order_by(Job.created_at, Job.id))
    return [
        {"email": job.payload["email"], **job.payload["facts"]} for job in jobs if job.payload["template"] == template
    ]


def test_who_stands_by_sees_nothing_counts_nowhere_and_is_not_written_to() -> None:
    stage = Stage()
    sana = stage.reserve[0]

    assert queries.progress(stage.application.id, "panel").assigned == 3
    assert sana.email not in {mail["email"] for mail in mails("review_assigned")}
    assert queries.queue_for(actor(sana)).cases == ()
    assert commands.roles_of(stage.application, actor(sana)) == frozenset()
    with pytest.raises(NotFound):
        committees.committee_for(actor(sana), stage.application.id)
    found = {each.name: each for each in committees.candidates_for(stage.committee())}["Sana Second"]
    assert (found.stands_by, found.is_assigned, found.load) == (True, False, 0)


def test_a_recusal_calls_the_first_of_the_reserve_with_a_due_moment_of_their_own() -> None:
    stage = Stage()
    rosa, sana = stage.people[0], stage.reserve[0]
    with clock.shifted(timedelta(days=3)):
        stage.recuse(stage.places[0], rosa)
        expected = stage.committee().plan.proposed_due(clock.now(), ZoneInfo("Africa/Nairobi"))

    place = place_of(stage.application.id, sana)
    assert (place.due_wall, place.conflict, place.generation) == (expected, None, 1)
    assert place.due_wall != stage.places[0].due_wall
    assert mails("review_assigned")[-1]["email"] == sana.email
    (told,) = mails("review_recused")
    assert (told["email"], told["stand_in"]) == (stage.manager.email, "Sana Second")
    first, second = reserves.reserve_of(stage.application.id, "panel", 1)
    assert (first.name, first.instead_of, first.is_waiting) == ("Sana Second", "Rosa Reader", False)
    assert (second.name, second.is_waiting) == ("Sven Second", True)
    assert queries.progress(stage.application.id, "panel").assigned == 4


def take_back(stage: Stage) -> None:
    service.withdraw(stage.committee(), stage.places[0].id, "On leave", actor=actor(stage.manager))


def release_overdue(stage: Stage) -> None:
    with clock.shifted(timedelta(days=11)):
        (late,) = [each for each in committees.places_of(stage.committee()) if each.review.id == stage.places[0].id]
        assert late.is_overdue
        service.withdraw(stage.committee(), late.review.id, "Overdue", actor=actor(stage.manager))


def decline_before(stage: Stage) -> None:
    service.decline(stage.places[0].id, "No time", actor=actor(stage.people[0]))


def decline_after(stage: Stage) -> None:
    service.declare(stage.places[0].id, has_conflict=False, actor=actor(stage.people[0]))
    service.decline(stage.places[0].id, "No time after all", actor=actor(stage.people[0]))


@pytest.mark.parametrize("leave", [take_back, release_overdue, decline_before, decline_after])
def test_however_somebody_leaves_one_of_the_reserve_takes_the_place(leave: Callable[[Stage], None]) -> None:
    stage = Stage()
    leave(stage)
    db.session.commit()

    assert stage.seated() == ["Ravi Reader", "Rita Reader", "Sana Second"]


def test_who_gives_a_request_back_says_why_and_sees_nothing_more() -> None:
    stage = Stage()
    rosa = stage.people[0]
    with pytest.raises(service.WhyDeclined):
        service.decline(stage.places[0].id, "  ", actor=actor(rosa))
    with pytest.raises(NotFound):
        service.decline(stage.places[0].id, "Not mine", actor=actor(stage.people[1]))
    decline_after(stage)
    db.session.commit()

    (told,) = mails("review_declined")
    assert (told["email"], told["reason"], told["stand_in"]) == (
        stage.manager.email,
        "No time after all",
        "Sana Second",
    )
    with pytest.raises(NotFound):
        queries.place_for(actor(rosa), stage.places[0].id)
    with pytest.raises(NotFound):
        service.decline(stage.places[0].id, "Again", actor=actor(rosa))
    assert commands.roles_of(stage.application, actor(rosa)) == frozenset()
    places = {each.name: each.review.step for each in committees.places_of(stage.committee())}
    assert places["Rosa Reader"] == "declined"


def test_a_sent_sheet_cannot_be_given_back() -> None:
    stage = Stage()
    rosa = stage.people[0]
    service.declare(stage.places[0].id, has_conflict=False, actor=actor(rosa))
    stage.score(stage.places[0], rosa)
    with pytest.raises(service.AlreadySent):
        service.decline(stage.places[0].id, "Too late", actor=actor(rosa))


def test_whoever_has_a_conflict_by_now_left_the_group_or_is_blocked_is_passed_over() -> None:
    stage = Stage()
    sana = stage.reserve[0]
    db.session.add(TeamMember(city_id=stage.city.id, user_id=sana.id, duty="signatory"))
    db.session.commit()
    stage.recuse(stage.places[0], stage.people[0])
    assert "Sven Second" in stage.seated()
    db.session.execute(sa.delete(TeamMember).where(TeamMember.user_id == sana.id))
    db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == sana.id))
    db.session.commit()
    stage.recuse(stage.places[1], stage.people[1])

    assert stage.seated() == ["Rita Reader", "Sven Second"]
    assert mails("review_recused")[-1]["stand_in"] == ""


def test_one_who_is_called_and_recuses_too_is_followed_by_the_next() -> None:
    stage = Stage()
    stage.recuse(stage.places[0], stage.people[0])
    stage.recuse(place_of(stage.application.id, stage.reserve[0]), stage.reserve[0])

    assert stage.seated() == ["Ravi Reader", "Rita Reader", "Sven Second"]


def test_nobody_is_called_while_the_committee_is_as_large_as_the_workflow_asks() -> None:
    stage = Stage()
    extra = stage.reviewer("Extra Reader")
    stage.ask(extra)
    stage.recuse(stage.places[0], stage.people[0])

    assert stage.seated() == ["Extra Reader", "Ravi Reader", "Rita Reader"]


def test_taking_back_a_recused_place_calls_nobody_else() -> None:
    stage = Stage()
    stage.recuse(stage.places[0], stage.people[0])
    service.withdraw(stage.committee(), stage.places[0].id, "Pressed the wrong answer", actor=actor(stage.manager))
    db.session.commit()

    assert stage.seated() == ["Ravi Reader", "Rita Reader", "Sana Second"]


def test_the_reserve_takes_no_more_than_the_workflow_names_and_nobody_twice() -> None:
    stage = Stage(reserve=1)
    one, two = stage.reviewer("One More"), stage.reviewer("Two More")
    who = actor(stage.manager)
    for people, reserve, refusal in (
        ([], [one.id, two.id], reserves.TooManyStandBys),
        ([one.id], [one.id], reserves.NamedTwice),
        ([], [stage.reserve[0].id], reserves.StandsByAlready),
        ([], [stage.people[0].id], service.AlreadyAsked),
        ([], [stage.applicant.id], service.NotACandidate),
    ):
        with pytest.raises(refusal):
            service.assign(stage.committee(), people, wall_time=in_days(5), reserve=reserve, actor=who)
        db.session.rollback()
    stage.ask(reserve=[one])
    assert [line.name for line in reserves.reserve_of(stage.application.id, "panel", 1)] == ["Sana Second", "One More"]


def test_nobody_with_a_conflict_stands_by() -> None:
    stage = Stage(reserve=0)
    same = stage.reviewer("Sam Same", "sam@lund.example")
    with pytest.raises(conflicts.SameAddress):
        stage.ask(reserve=[same])


def test_a_workflow_without_a_reserve_takes_none() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    with pytest.raises(reserves.TooManyStandBys):
        scene.ask(reserve=[rosa])


def test_who_is_asked_directly_or_taken_off_stands_by_no_more() -> None:
    stage = Stage()
    sana, sven = stage.reserve
    stage.ask(sana)
    line = reserves.reserve_of(stage.application.id, "panel", 1)[1]
    service.release_stand_by(stage.committee(), line.id, actor=actor(stage.manager))
    db.session.commit()
    with pytest.raises(NotFound):
        service.release_stand_by(stage.committee(), line.id, actor=actor(stage.manager))
    for place, person in zip(stage.places, stage.people, strict=True):
        stage.recuse(place, person)

    assert stage.seated() == ["Sana Second"]
    assert sven.id not in set(db.session.scalars(sa.select(Review.reviewer_id)))


def test_only_whoever_assigns_changes_the_reserve() -> None:
    stage = Stage()
    line = reserves.reserve_of(stage.application.id, "panel", 1)[0]
    committee = stage.committee()
    for person in (stage.people[0], stage.reserve[0], stage.applicant):
        with pytest.raises(NotFound):
            service.release_stand_by(committee, line.id, actor=actor(person))


def test_a_new_review_begins_without_the_reserve_of_the_last() -> None:
    stage = Stage()
    stage.fire("send_back")
    stage.fire("submit", by=stage.applicant)
    places = stage.ask(*stage.people)
    stage.recuse(places[0], stage.people[0])

    assert places[0].generation == 2
    assert stage.seated() == ["Ravi Reader", "Rita Reader"]


def test_two_who_recuse_themselves_at_the_same_moment_are_followed_by_two_others(app: Flask) -> None:
    stage = Stage()

    def leaving(place: UUID, who: Actor) -> Callable[[], object]:
        return lambda: service.declare(place, has_conflict=True, reason="Family", actor=who)

    results = at_once(app, *[leaving(stage.places[n].id, actor(stage.people[n])) for n in (0, 1)])

    assert not any(isinstance(each, Refused) for each in results)
    assert stage.seated() == ["Rita Reader", "Sana Second", "Sven Second"]
    called = db.session.scalars(sa.select(StandBy)).all()
    assert len({each.review_id for each in called}) == len({each.instead_of for each in called}) == 2


def test_one_who_recuses_while_the_last_of_the_reserve_is_asked_directly_gets_them_one_place(app: Flask) -> None:
    stage = Stage(reserve=1)
    sana = stage.reserve[0].id
    rosa, manager, place, wall = actor(stage.people[0]), actor(stage.manager), stage.places[0].id, in_days(5)
    application = stage.application.id

    def ask() -> object:
        return service.assign(committees.committee_for(manager, application), [sana], wall_time=wall, actor=manager)

    at_once(app, lambda: service.declare(place, has_conflict=True, reason="Family", actor=rosa), ask)

    held = db.session.scalars(sa.select(Review).where(Review.reviewer_id == sana, Review.withdrawn_at.is_(None))).all()
    assert len(held) == 1


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whoever_leaves_in_whatever_order_nobody_gets_two_places_and_nobody_in_conflict_gets_one(
    data: st.DataObject,
) -> None:
    number = next(NUMBERS)
    scene = Scene.__new__(Scene)
    _again(scene, number)
    group = [scene.reviewer(f"{name} Reader", f"{name}{number}@{name}.example") for name in "abcdefg"]
    people, reserve = group[:3], group[3:5]
    scene.ask(*people, reserve=reserve)
    tied: set[User] = set()
    for _step in range(data.draw(st.integers(1, 7))):
        held = [place for place in committees.places_of(scene.committee()) if place.may_be_withdrawn]
        held = [place for place in held if not place.review.is_recused]
        if data.draw(st.booleans()):
            person = data.draw(st.sampled_from(reserve))
            if person not in tied:
                tied.add(person)
                db.session.add(TeamMember(city_id=scene.city.id, user_id=person.id, duty="signatory"))
                db.session.commit()
        if not held:
            break
        before = {place.review.id for place in held}
        place = data.draw(st.sampled_from(held)).review
        who = db.session.get_one(User, place.reviewer_id)
        leave = data.draw(st.sampled_from(["recuse", "decline", "withdraw"]))
        if leave == "recuse":
            scene.recuse(place, who)
        elif leave == "decline":
            service.decline(place.id, "No time", actor=actor(who))
        else:
            service.withdraw(scene.committee(), place.id, "On leave", actor=actor(scene.manager))
        db.session.commit()
        found = [each.review for each in committees.places_of(scene.committee()) if each.review.withdrawn_at is None]
        holders = [each.reviewer_id for each in found]
        assert len(holders) == len(set(holders))
        new = {each.reviewer_id for each in found if each.id not in before and not each.is_recused}
        assert len(new) <= 1 and not new & {person.id for person in tied}
        assert sum(not each.is_recused for each in found) <= 3


def _again(scene: Scene, number: int) -> None:
    """A scene beside the others of the same database."""
    from tests.people import a_city, a_group_member, a_person
    from tests.reviews.committee import a_round

    scene.applicant = a_person(f"amina{number}@lund.example", "Amina Team")
    scene.manager = a_group_member("fund-managers", f"mona{number}@fund.example")
    scene.city = a_city(f"Lund {number}", team=[(scene.applicant, "focal_point")])
    scene.round = a_round(a_workflow(WITH_RESERVE), slug=f"inclusion-{number}")
    scene.application = scene.another()
