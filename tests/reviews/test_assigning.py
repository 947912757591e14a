"""Whom a manager may ask, and what asking, withdrawing and reminding do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import separation
from fundflow.accounts import service as accounts
from fundflow.accounts.models import TeamMember
from fundflow.applications.models import Answers
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.jobs.models import Job
from fundflow.reviews import committees, conflicts, service
from fundflow.rounds.wall import SkippedWallTime
from tests.people import a_city, a_group_member, a_person
from tests.reviews.committee import MAIN, Scene, a_round, a_workflow, actor, in_days, place_of

pytestmark = pytest.mark.usefixtures("app")


def mails(template: str) -> list[dict[str, object]]:
    jobs = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send").order_by(Job.created_at))
    return [job.payload for job in jobs if job.payload["template"] == template]


def test_several_reviewers_are_asked_at_once_and_each_gets_one_message_with_nothing_but_title_round_and_due() -> None:
    scene = Scene(title="A house for newcomers")
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")

    places = scene.ask(rosa, ravi)

    assert {place.reviewer_id for place in places} == {rosa.id, ravi.id}
    sent = mails("review_assigned")
    assert {mail["email"] for mail in sent} == {rosa.email, ravi.email}
    facts = sent[0]["facts"]
    assert isinstance(facts, dict)
    assert facts["title"] == "A house for newcomers"
    assert facts["link"].startswith("/reviews/")
    told = str(facts)
    assert scene.city.name not in told
    assert scene.application.number not in told


def test_due_moment_is_kept_as_the_wall_time_of_the_round_and_as_an_instant() -> None:
    scene = Scene()
    with clock.standing_at(datetime(2027, 3, 1, 9, tzinfo=UTC)):
        (place,) = scene.ask(scene.reviewer(), wall="2027-03-12T18:00")

    assert (place.due_wall, place.due_zone) == ("2027-03-12T18:00", "Africa/Nairobi")
    assert place.due_at == datetime(2027, 3, 12, 15, tzinfo=UTC)


def test_proposed_due_day_is_the_workflows_and_ends_at_six_in_the_evening() -> None:
    scene = Scene()
    plan = scene.committee().plan

    assert plan.proposed_due(datetime(2027, 3, 1, 22, tzinfo=UTC), ZoneInfo("Africa/Nairobi")) == "2027-03-12T18:00"


@pytest.mark.parametrize(
    ("wall", "refusal"),
    [
        ("", Refused),
        ("tomorrow", Refused),
        ("2020-01-01T09:00", service.DueInThePast),
        ("2199-01-01T09:00", service.DueTooFar),
    ],
)
def test_a_due_time_that_cannot_be_is_refused(wall: str, refusal: type[Refused]) -> None:
    scene = Scene()
    rosa = scene.reviewer()

    with pytest.raises(refusal):
        service.assign(scene.committee(), [rosa.id], wall_time=wall, actor=actor(scene.manager))
    assert committees.progress(scene.application.id, "panel").assigned == 0


def test_a_due_time_that_the_rounds_clock_skips_is_refused() -> None:
    scene = Scene()
    scene.round.zone = "Europe/Paris"
    db.session.commit()
    rosa = scene.reviewer()
    with clock.standing_at(scene.round.opens_at.replace(year=2027, month=3, day=20)), pytest.raises(SkippedWallTime):
        service.assign(scene.committee(), [rosa.id], wall_time="2027-03-28T02:30", actor=actor(scene.manager))


def test_a_member_of_the_applying_team_cannot_be_asked_even_by_a_hand_made_request() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    db.session.add(TeamMember(city_id=scene.city.id, user_id=rosa.id, duty="signatory"))
    db.session.commit()

    with pytest.raises(conflicts.OnTheTeam) as refused:
        service.assign(scene.committee(), [rosa.id], wall_time=in_days(5), actor=actor(scene.manager))
    assert str(refused.value) == "Rosa Reader is on the team of Lund, which sent this application."


def test_an_address_of_the_applying_organisation_blocks_and_a_public_mail_provider_does_not() -> None:
    scene = Scene()
    same = scene.reviewer("Sam Same", "sam@lund.example")
    part = scene.reviewer("Pia Part", "pia@social.lund.example")
    lookalike = scene.reviewer("Lou Like", "lou@notlund.example")
    scene.applicant.email = "amina@gmail.com"
    db.session.commit()
    open_mail = scene.reviewer("Gus Mail", "gus@gmail.com")
    found = {each.name: each.conflicts for each in committees.candidates_for(scene.committee())}
    assert found["Gus Mail"] == found["Sam Same"] == ()
    assert open_mail.email

    scene.applicant.email = "amina@lund.example"
    db.session.commit()
    found = {each.name: each.conflicts for each in committees.candidates_for(scene.committee())}

    assert [type(each) for each in found["Sam Same"]] == [conflicts.SameAddress]
    assert [type(each) for each in found["Pia Part"]] == [conflicts.SameAddress]
    assert found[lookalike.name] == ()
    assert same.name and part.name


def test_somebody_who_acts_for_a_city_of_the_same_country_is_blocked_where_the_workflow_says_so() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    a_city("Malmö", country="SE", team=[(rosa, "focal_point")])
    (candidate,) = committees.candidates_for(scene.committee())
    assert [str(each) for each in candidate.conflicts] == ["Rosa Reader acts for Malmö, in the same country as Lund."]


def test_the_same_country_does_not_matter_where_the_workflow_does_not_say_so() -> None:
    scene = Scene(workflow=a_workflow(MAIN.replace(", same_country]", "]")))
    rosa = scene.reviewer()
    a_city("Malmö", country="SE", team=[(rosa, "focal_point")])

    assert committees.candidates_for(scene.committee())[0].conflicts == ()


def test_whoever_started_or_wrote_the_application_cannot_review_it() -> None:
    scene = Scene(workflow=a_workflow(MAIN.replace("[declared, same_organisation, same_country]", "[declared]")))
    member = a_group_member("reviewers", "wanda@panel.example")
    answers = db.session.get_one(Answers, (scene.application.id, "proposal"))
    answers.saved_by = member.id
    db.session.commit()

    (candidate,) = committees.candidates_for(scene.committee())

    assert [type(each) for each in candidate.conflicts] == [conflicts.TookPart]


def test_one_blocked_person_among_several_stops_the_whole_request() -> None:
    scene = Scene()
    rosa, sam = scene.reviewer("Rosa Reader"), scene.reviewer("Sam Same", "sam@lund.example")

    with pytest.raises(conflicts.SameAddress):
        service.assign(scene.committee(), [rosa.id, sam.id], wall_time=in_days(5), actor=actor(scene.manager))
    db.session.rollback()

    assert committees.progress(scene.application.id, "panel").assigned == 0
    assert mails("review_assigned") == []


def test_nobody_outside_the_group_and_nobody_twice_can_be_asked() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    stranger = a_person("stranger@elsewhere.example")
    for people, refusal in (
        ([], service.NobodyChosen),
        ([stranger.id], service.NotACandidate),
        ([uuid4()], service.NotACandidate),
    ):
        with pytest.raises(refusal):
            service.assign(scene.committee(), people, wall_time=in_days(5), actor=actor(scene.manager))
    scene.ask(rosa)
    with pytest.raises(service.AlreadyAsked):
        scene.ask(rosa)


def test_only_the_role_that_the_workflow_names_assigns_and_the_others_find_nothing() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    committee = scene.committee()
    auditor = a_group_member("auditors", "otto@audit.example")
    for person in (scene.applicant, rosa, a_person("stranger@elsewhere.example")):
        with pytest.raises(NotFound):
            committees.committee_for(actor(person), scene.application.id)
        with pytest.raises(NotFound):
            service.assign(committee, [rosa.id], wall_time=in_days(5), actor=actor(person))
    assert not scene.committee(by=auditor).may_assign
    with pytest.raises(NotFound):
        service.assign(committee, [rosa.id], wall_time=in_days(5), actor=actor(auditor))


def test_a_manager_of_another_round_finds_nothing() -> None:
    scene = Scene()
    other = a_round(slug="other", title="Other")
    manager = a_group_member("fund-managers", "mark@fund.example", round_id=other.id)

    with pytest.raises(NotFound):
        committees.committee_for(actor(manager), scene.application.id)


def test_after_the_decision_nobody_can_be_asked_withdrawn_or_reminded() -> None:
    scene = Scene()
    rosa, ravi, rita = (scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
    for person, place in zip((rosa, ravi), scene.ready(rosa, ravi), strict=True):
        scene.score(place, person)
    (late,) = scene.ask(rita)
    committee = scene.committee()
    scene.fire("approve")

    for attempt in (
        lambda: service.assign(
            committee, [scene.reviewer("New One").id], wall_time=in_days(5), actor=actor(scene.manager)
        ),
        lambda: service.withdraw(committee, late.id, "No longer needed", actor=actor(scene.manager)),
        lambda: service.remind(committee, actor=actor(scene.manager)),
    ):
        with pytest.raises(service.NotUnderReview):
            attempt()


def test_a_request_can_be_taken_back_with_a_reason_until_it_is_sent() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    first, second = scene.ready(rosa, ravi)
    scene.score(second, ravi)
    manager = actor(scene.manager)

    with pytest.raises(service.WhyWithdrawn):
        service.withdraw(scene.committee(), first.id, "  ", actor=manager)
    with pytest.raises(service.AlreadySent):
        service.withdraw(scene.committee(), second.id, "Changed my mind", actor=manager)
    service.withdraw(scene.committee(), first.id, "On leave", actor=manager)
    db.session.commit()

    (mail,) = mails("review_withdrawn")
    assert mail["email"] == rosa.email
    assert mail["facts"]["reason"] == "On leave"  # type: ignore[index]
    with pytest.raises(NotFound):
        service.withdraw(scene.committee(), first.id, "Again", actor=manager)
    again = scene.ask(rosa)[0]
    assert again.id != first.id
    assert place_of(scene.application.id, rosa).conflict is None


def test_a_recusal_blocks_asking_again_until_a_manager_takes_it_back() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)
    service.declare(place.id, has_conflict=True, reason="My sister works there", actor=actor(rosa))
    db.session.commit()
    (candidate,) = committees.candidates_for(scene.committee())
    assert [type(each) for each in candidate.conflicts] == [conflicts.DeclaredBefore]

    service.withdraw(scene.committee(), place.id, "Pressed the wrong answer", actor=actor(scene.manager))
    db.session.commit()

    assert mails("review_withdrawn") == []
    assert committees.candidates_for(scene.committee())[0].is_free
    scene.ask(rosa)


def test_reviewers_who_owe_a_sheet_are_reminded_at_most_once_a_day() -> None:
    scene = Scene()
    rosa, ravi, rita = (scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
    first, second, third = scene.ask(rosa, ravi, rita)
    service.declare(first.id, has_conflict=False, actor=actor(rosa))
    scene.score(first, rosa)
    service.declare(second.id, has_conflict=True, reason="Family", actor=actor(ravi))
    db.session.commit()
    manager = actor(scene.manager)

    counts = []
    for wait in (timedelta(0), timedelta(hours=23), timedelta(hours=25)):
        with clock.shifted(wait):
            counts.append(service.remind(scene.committee(), actor=manager))
            db.session.commit()

    assert counts == [1, 0, 1]
    assert [mail["email"] for mail in mails("review_reminder")] == [rita.email] * 2
    assert third.reminded_at is not None


def test_load_counts_the_open_sheets_that_a_reviewer_still_owes() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    second = scene.another(
        "Second", a_city("Umeå", country="NO", team=[(b := a_person("b@umea.example"), "focal_point")]), b
    )
    third = scene.another(
        "Third", a_city("Oslo", country="NO", team=[(c := a_person("c@oslo.example"), "focal_point")]), c
    )
    (sent,) = scene.ready(rosa, application=second)
    scene.score(sent, rosa)
    scene.ask(rosa, application=third)

    found = {each.name: each.load for each in committees.candidates_for(scene.committee())}

    assert found == {ravi.name: 0, rosa.name: 1}
    assert [each.name for each in committees.candidates_for(scene.committee())] == [ravi.name, rosa.name]


APART = MAIN.replace(
    "  reviewer: {is: panel, review: panel}",
    "  payer: {is: group, group: finance, never_also: [reviewer]}\n  reviewer: {is: panel, review: panel}",
).replace(
    "officer: [proposal, panel], auditor: [panel]}", "officer: [proposal, panel], payer: [proposal], auditor: [panel]}"
)


def test_nobody_is_asked_who_holds_a_role_that_reviewers_may_never_hold() -> None:
    scene = Scene(workflow=a_workflow(APART))
    payer, free = scene.reviewer("Pia Payer"), scene.reviewer("Fred Free")
    accounts.add_to_group(payer, "finance", None)
    db.session.commit()
    with pytest.raises(separation.NeverBoth, match="Pia Payer would be both"):
        scene.ask(free, payer)
    db.session.rollback()
    assert len(scene.ask(free)) == 1


def test_whoever_sits_on_a_panel_cannot_be_given_a_role_that_it_is_kept_from() -> None:
    scene = Scene(workflow=a_workflow(APART))
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    scene.ask(rosa, ravi)
    with pytest.raises(separation.NeverBoth, match="Rosa Reader would be both"):
        accounts.add_to_group(rosa, "finance", None)
    db.session.rollback()
    place = place_of(scene.application.id, ravi)
    service.declare(place.id, has_conflict=True, reason="My sister.", actor=actor(ravi))
    db.session.commit()
    accounts.add_to_group(ravi, "finance", None)
    db.session.commit()
