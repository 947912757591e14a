"""What nobody may be at once, whichever of the two comes last and by whatever way; and who can be put in charge."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts import delegations, separation, service
from fundflow.accounts.models import City, Delegation, GroupMember, TeamMember, User
from fundflow.applications.queries import application_for
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import acts, commands, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import history
from fundflow.rounds.models import Round
from tests import factories as make
from tests.commands import run
from tests.lifecycle.toys import ASK
from tests.people import sign_in

WORKFLOW = """
format: fundflow/1
workflow: officer-grant
version: 1
title: {en: Officer grant}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team, label: {en: City team}}
  desk: {is: group, group: fund-managers, label: {en: Intake desk}}
  officer: {is: field, field: application.officer, group: committee-chairs, assigned_by: [desk], label: {en: Programme officer}}
  director: {is: group, group: directors, never_also: [applicant], label: {en: Director}}
  payer: {is: group, group: finance, never_also: [officer], label: {en: Payments}}
forms: {ask: ask.yaml}
outcomes:
  declined: {en: Declined}
states:
  draft: {edit: {applicant: [ask]}}
  sent: {view: {applicant: [ask], desk: [ask], officer: [ask], director: [ask]}}
  granted: {view: {applicant: [ask], officer: [ask], payer: [ask]}}
  closed: {final: success, view: {applicant: [ask], officer: [ask], payer: [ask]}}
transitions:
  send: {from: draft, to: sent, by: applicant, when: [{complete: ask}], do: [{notify: received, to: officer}]}
  grant:
    from: sent
    to: granted
    by: officer
    when: [{if: application.officer != null, else: {en: Nobody is in charge.}}]
  decline: {from: [draft, sent], end: declined, by: director, reason: required}
  close: {from: granted, to: closed, by: payer}
"""  # noqa: E501


@pytest.fixture
def round_(app: Flask) -> Round:
    return make.a_round(workflow=make.a_workflow_from(WORKFLOW, ask=ASK))


@pytest.fixture
def desk(round_: Round) -> User:
    return make.a_person("Dora Desk", groups=[make.MANAGERS])


@pytest.fixture
def chair(round_: Round) -> User:
    return make.a_person("Cleo Chair", groups=["committee-chairs"])


@pytest.fixture
def sent(round_: Round) -> Application:
    applicant = make.a_person("Amara Applicant")
    application = make.started(round_, make.a_city("Lund", focal_point=applicant), applicant)
    make.fill(application, "ask", applicant)
    make.press(application, "send", applicant)
    return application


def name(application: Application, person: User, by: User) -> commands.Fired:
    actor = make.acting(by)
    with transaction():
        return acts.assign(
            application.id, "officer", person.id, actor=actor, key=str(uuid4()), revision=make.revision_of(application)
        )


def add(person: User, group: str, round_: Round | None = None) -> None:
    with transaction():
        service.add_to_group(person, group, round_.id if round_ else None)


def join(person: User, application: Application) -> None:
    with transaction():
        service.add_to_team(db.session.get_one(City, application.city_id), person, "signatory")


def groups_of(person: User) -> set[str]:
    found = set(db.session.scalars(sa.select(GroupMember.group).where(GroupMember.user_id == person.id)))
    db.session.rollback()
    return found


def test_the_one_named_sees_the_application_and_acts(sent: Application, desk: User, chair: User) -> None:
    other = make.a_person("Carl Chair", groups=["committee-chairs"])
    assert commands.roles_of(sent, make.acting(chair)) == frozenset()
    name(sent, chair, desk)
    assert commands.roles_of(sent, make.acting(chair)) == {"officer"}
    assert commands.roles_of(sent, make.acting(other)) == frozenset()
    assert application_for(make.acting(chair), sent.id)
    event = history(sent.id)[-1]
    assert (event.transition, event.subject, event.actor_id) == ("assign", "officer", desk.id)
    workflow = make.a_workflow_from(WORKFLOW, ask=ASK)
    assert [each.id for each in registry.members_of(sent, workflow.roles["officer"])] == [chair.id]
    make.press(sent, "grant", chair)


def test_whoever_leaves_the_group_is_in_charge_no_longer(sent: Application, desk: User, chair: User) -> None:
    name(sent, chair, desk)
    actor = make.acting(chair)
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == chair.id))
    assert commands.roles_of(sent, actor) == frozenset()
    with pytest.raises(NotFound):
        application_for(make.acting(chair), sent.id)


def test_only_candidates_can_be_named(sent: Application, desk: User, chair: User) -> None:
    colleague = make.a_person("Chris Colleague", groups=["committee-chairs"])
    make.join(db.session.get_one(City, sent.city_id), colleague)
    payer = make.a_person("Pia Payer", groups=["committee-chairs", make.FINANCE])
    elsewhere = make.a_person("Ed Elsewhere", groups=[("committee-chairs", make.a_round())])
    gone = make.a_person("Gus Gone", groups=["committee-chairs"])
    with transaction():
        db.session.get_one(User, gone.id).active = False
    for person in (colleague, payer, elsewhere, gone, desk):
        with pytest.raises(Refused):
            name(sent, person, desk)
    workflow = make.a_workflow_from(WORKFLOW, ask=ASK)
    assert [each.id for each in registry.candidates_of(sent, workflow.roles["officer"])] == [chair.id]
    with pytest.raises(separation.OfTheTeam, match="Chris Colleague is on the team of Lund"):
        separation.check_name(sent, workflow.roles["officer"], colleague.id)
    with pytest.raises(separation.NotACandidate):
        separation.check_name(sent, workflow.roles["officer"], elsewhere.id)
    with pytest.raises(separation.NeverBoth, match="Pia Payer"):
        separation.check_name(sent, workflow.roles["officer"], payer.id)


def test_the_page_offers_candidates_and_says_who_is_kept_out(
    sent: Application, desk: User, chair: User, client: FlaskClient
) -> None:
    colleague = make.a_person("Chris Colleague", groups=["committee-chairs"])
    make.join(db.session.get_one(City, sent.city_id), colleague)
    ids = {"chair": chair.id, "colleague": colleague.id, "desk": desk.id}
    sign_in(client, db.session.get_one(User, ids["desk"]))
    path = f"/applications/{sent.id}/people/officer"
    assert path in client.get(f"/applications/{sent.id}").text
    text = client.get(path).text
    assert "Cleo Chair" in text
    assert f'value="{ids["colleague"]}"' not in text
    assert "Chris Colleague is on the team of Lund, which sent this application." in text
    given = {field: re.search(rf'name="{field}"[^>]*value="([^"]*)"', text) for field in ("key", "revision")}
    form = {field: found[1] for field, found in given.items() if found}
    assert client.post(path, data=form).status_code == 422
    assert client.post(path, data=form | {"person": str(ids["colleague"])}).status_code == 422
    assert client.post(path, data=form | {"person": str(ids["chair"]), "revision": "1"}).status_code == 409
    for _click in range(2):
        assert client.post(path, data=form | {"person": str(ids["chair"])}).status_code == 303
    page = client.get(f"/applications/{sent.id}").text
    assert "Cleo Chair" in page
    assert "Programme officer chosen: Cleo Chair" in page
    sign_in(client, db.session.get_one(User, ids["chair"]))
    assert client.get(f"/applications/{sent.id}").status_code == 200
    assert client.get(path).status_code == 404
    assert "Grant" in client.get("/home").text


def test_the_city_does_not_read_who_is_in_charge(
    sent: Application, desk: User, chair: User, client: FlaskClient
) -> None:
    name(sent, chair, desk)
    sign_in(client, db.session.get_one(User, sent.created_by))
    text = client.get(f"/applications/{sent.id}").text
    assert "Cleo Chair" not in text
    assert "Programme officer chosen" not in text


def test_a_group_is_refused_to_whom_a_named_role_keeps_from_it(
    sent: Application, desk: User, chair: User, round_: Round
) -> None:
    name(sent, chair, desk)
    with pytest.raises(separation.NeverBoth) as refused:
        add(chair, make.FINANCE)
    said = str(refused.value.facts)
    assert all(each in said for each in ("Cleo Chair", round_.title))
    assert {refused.value.facts["one"].in_("en"), refused.value.facts["other"].in_("en")} == {
        "Payments",
        "Programme officer",
    }
    with pytest.raises(separation.NeverBoth):
        add(chair, make.FINANCE, round_)
    add(chair, make.FINANCE, make.a_round())
    assert groups_of(chair) == {"committee-chairs", make.FINANCE}


def test_a_director_does_not_join_a_city_that_applies(sent: Application) -> None:
    director = make.a_person("Dan Director", groups=["directors"])
    with pytest.raises(separation.NeverBoth, match="Dan Director"):
        join(director, sent)
    with transaction():
        service.add_to_team(db.session.merge(make.a_city("Oslo")), director, "signatory")
    make.press(sent, "decline", director, reason="No.")
    join(director, sent)


def test_an_invitation_is_checked_when_it_is_taken(sent: Application, client: FlaskClient) -> None:
    """Not when it is sent: what the person is may change until then."""
    director = make.a_person("Dan Director")
    city = db.session.get_one(City, sent.city_id)
    with transaction():
        leader = make.acting(db.session.get_one(User, sent.created_by))
        invitation = service.invite_to_team(city, director.email, "signatory", by=leader)
    director_id, invitation_id = director.id, invitation.id
    add(director, "directors")
    sign_in(client, db.session.get_one(User, director_id))
    answer = client.post(f"/invitations/{invitation_id}/accept")
    assert answer.status_code == 409
    assert "would be both “Director” and “City team”" in answer.text
    assert not db.session.scalar(sa.select(sa.func.count()).where(TeamMember.user_id == director_id))


def test_the_page_of_people_says_why(sent: Application, client: FlaskClient) -> None:
    admin = make.a_person(groups=[make.ADMINISTRATORS])
    applicant = db.session.get_one(User, sent.created_by)
    email = applicant.email
    sign_in(client, db.session.merge(admin))
    db.session.rollback()
    page = client.post("/people", data={"email": email, "group": "directors", "round_id": ""})
    assert page.status_code == 422
    assert "Amara Applicant would be both “Director” and “City team” in Round" in page.text


def test_what_the_giver_joins_is_held_against_whoever_stands_in(sent: Application, desk: User) -> None:
    applicant = db.session.get_one(User, sent.created_by)
    now = clock.now()
    with transaction():
        db.session.add(GroupMember(user_id=applicant.id, group=make.REVIEWERS))
        day = now.date()
        delegations.give(
            desk, applicant.email, group=None, round_id=None, first_day=day, last_day=day, reason="Leave", key="one"
        )
    with pytest.raises(separation.NeverBoth, match="Amara Applicant"):
        add(desk, "directors")
    add(desk, make.AUDITORS)


def test_rounds_that_are_over_keep_nobody_apart(sent: Application, round_: Round) -> None:
    director = make.a_person("Dan Director", groups=["directors"])
    make.press(sent, "decline", director, reason="No.")
    with transaction():
        db.session.get_one(Round, round_.id).opens_at = clock.now() - timedelta(days=20)
        db.session.get_one(Round, round_.id).closes_at = clock.now() - timedelta(days=10)
    assert separation._live_rounds() == []


def test_two_administrators_at_one_moment_do_not_make_both(app: Flask, sent: Application) -> None:
    """One gives the group, the other the team; without the lock each would see nothing of the other."""
    city_id = sent.city_id
    people = [make.a_person(f"Person {number}").id for number in range(4)]
    for person_id in people:
        ready, refused = threading.Barrier(2), list[str]()

        def run(which: str, person_id: UUID = person_id, ready: threading.Barrier = ready) -> None:
            with app.app_context():
                person = db.session.get_one(User, person_id)
                db.session.rollback()
                ready.wait()
                try:
                    with transaction():
                        if which == "group":
                            service.add_to_group(person, "directors")
                        else:
                            service.add_to_team(db.session.get_one(City, city_id), person, "signatory")
                except separation.NeverBoth:
                    refused.append(which)  # noqa: B023 - the threads end before the next round begins

        threads = [threading.Thread(target=run, args=(which,)) for which in ("group", "team")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(refused) == 1
        is_director = db.session.scalar(sa.select(sa.func.count()).where(GroupMember.user_id == person_id))
        is_of_team = db.session.scalar(sa.select(sa.func.count()).where(TeamMember.user_id == person_id))
        assert (is_director, is_of_team) in ((1, 0), (0, 1))
        db.session.rollback()


def test_being_named_and_joining_at_one_moment_do_not_make_both(app: Flask, sent: Application, desk: User) -> None:
    application_id, revision, actor = sent.id, make.revision_of(sent), make.acting(desk)
    person_id = make.a_person("Cleo Chair", groups=["committee-chairs"]).id
    ready, refused = threading.Barrier(2), list[str]()

    def run(which: str) -> None:
        with app.app_context():
            person = db.session.get_one(User, person_id)
            db.session.rollback()
            ready.wait()
            try:
                with transaction():
                    if which == "named":
                        acts.assign(application_id, "officer", person_id, actor=actor, key="k", revision=revision)
                    else:
                        service.add_to_group(person, "finance")
            except Refused:
                refused.append(which)

    threads = [threading.Thread(target=run, args=(which,)) for which in ("named", "group")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert separation.now() == []


def test_what_came_about_by_hand_is_listed(sent: Application, app: Flask) -> None:
    assert separation.now() == []
    with transaction():
        db.session.add(GroupMember(user_id=sent.created_by, group="directors"))
    found = separation.now()
    assert [(each.name, each.one.in_("en"), each.other.in_("en")) for each in found] == [
        ("Amara Applicant", "Director", "City team")
    ]
    assert "director" not in commands.roles_of(sent, make.acting(db.session.get_one(User, sent.created_by)))
    if db.engine.dialect.name == "sqlite":
        db.session.rollback()
        done = run(Path(app.instance_path), "people")
        assert done.returncode == 1
        assert "Amara Applicant: “Director” and “City team” in Round" in done.stdout


def test_a_giver_who_is_named_lends_that_too(sent: Application, desk: User, chair: User) -> None:
    taker = make.a_person("Tarek Taker", groups=[make.REVIEWERS])
    name(sent, chair, desk)
    day = clock.now().date()
    with transaction():
        delegations.give(
            chair, taker.email, group=None, round_id=None, first_day=day, last_day=day, reason="Leave", key="one"
        )
    actor: Actor = make.acting(taker)
    assert application_for(actor, sent.id)
    make.press(sent, "grant", actor)
    event = history(sent.id)[-1]
    assert (event.actor_id, event.acting_for) == (taker.id, chair.id)
    assert db.session.scalar(sa.select(sa.func.count(Delegation.id))) == 1
