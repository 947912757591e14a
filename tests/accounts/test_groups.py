"""Who is in which group of the fund, for which rounds, and what nobody may be at once."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts import effects, policy, queries, refusals, service
from fundflow.accounts.models import GroupMember, User
from fundflow.db import Model, db, transaction
from fundflow.lifecycle.actor import SYSTEM
from fundflow.lifecycle.models import Application
from tests.accounts.post import last_letter
from tests.people import a_city, a_group_member, a_person, sign_in


@pytest.fixture
def admin(app: Flask) -> User:
    return a_group_member("administrators", "admin@fund.example")


def groups_of(user: User) -> set[tuple[str, UUID | None]]:
    wanted = sa.select(GroupMember.group, GroupMember.round_id).where(GroupMember.user_id == user.id)
    found = {(row.group, row.round_id) for row in db.session.execute(wanted)}
    db.session.commit()
    return found


@pytest.fixture
def two_rounds(admin: User) -> tuple[UUID, UUID]:
    """Two rounds, as far as accounts know them: rows that a membership can point to."""
    rows = (uuid4(), uuid4())
    tables = Model.metadata.tables
    window = uuid4()
    db.session.execute(
        tables["windows"].insert().values(id=window, created_at=clock.now(), name="W", theme="", text="", donors="")
    )
    db.session.execute(
        tables["definitions"]
        .insert()
        .values(sha256="0" * 64, workflow="w", version=1, main="w.yaml", files={}, created_at=clock.now())
    )
    for number, each in enumerate(rows):
        db.session.execute(
            tables["rounds"]
            .insert()
            .values(
                id=each, created_at=clock.now(), window_id=window, slug=f"r{number}", title=f"Round {number}",
                zone="UTC", opens_wall="2026-01-01T00:00", closes_wall="2026-02-01T00:00", opens_at=clock.now(),
                closes_at=clock.now() + timedelta(days=1), currency="EUR", floor_minor=0,
                cap_minor=1, budget_minor=1, definition_sha="0" * 64, status="draft", revision=1, theme="", summary="",
                text="",
            )
        )  # fmt: skip
    db.session.commit()
    return rows


def test_an_administrator_adds_somebody_with_an_account(client: FlaskClient, admin: User) -> None:
    rita = a_person("rita@fund.example", "Rita Review")
    sign_in(client, admin)
    answer = client.post("/people", data={"email": "Rita@fund.example", "group": "reviewers", "round_id": ""})
    assert (answer.status_code, answer.location) == (303, "/people")
    assert groups_of(rita) == {("reviewers", None)}
    page = client.get("/people").text
    assert "Rita Review" in page
    assert "added by Admin" in page


def test_somebody_without_an_account_is_invited(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    form = {"email": "new@fund.example", "group": "finance", "round_id": ""}
    assert client.post("/people", data=form).status_code == 303
    twice = client.post("/people", data=form)
    assert twice.status_code == 422
    assert "already has an invitation" in twice.text
    letter = last_letter("new@fund.example")
    assert "make the payments" in letter.text
    new = a_person("new@fund.example")
    sign_in(client, new)
    assert client.post(letter.path).location == "/home"
    assert groups_of(new) == {("finance", None)}


def test_a_membership_can_be_limited_to_one_round(
    client: FlaskClient, admin: User, two_rounds: tuple[UUID, UUID]
) -> None:
    one, other = two_rounds
    rita = a_person("rita@fund.example", "Rita Review")
    sign_in(client, admin)
    form = {"email": rita.email, "group": "fund-managers", "round_id": str(one)}
    assert client.post("/people", data=form).status_code == 303
    assert groups_of(rita) == {("fund-managers", one)}
    assert [user.id for user in queries.people_in_group("fund-managers", one)] == [rita.id]
    assert queries.people_in_group("fund-managers", other) == []
    assert queries.people_in_group("fund-managers") == []
    actor = queries.actor_for(rita.id)
    assert actor.is_in("fund-managers", round_id=one)
    assert not actor.is_in("fund-managers", round_id=other)
    db.session.rollback()
    assert client.post("/people", data=form | {"round_id": str(uuid4())}).status_code == 422
    assert client.post("/people", data=form | {"group": "kings"}).status_code == 422
    assert client.post("/people", data=form | {"group": "administrators"}).status_code == 422


def test_nobody_manages_and_pays_the_same_round(app: Flask, two_rounds: tuple[UUID, UUID]) -> None:
    one, other = two_rounds
    rita = a_person("rita@fund.example", "Rita Review")
    service.add_to_group(rita, "fund-managers", one)
    service.add_to_group(rita, "finance", other)
    for scope in (one, None):
        with pytest.raises(refusals.SeparatedDuties, match="Rita Review cannot both manage and pay"):
            service.add_to_group(rita, "finance", scope)
    with pytest.raises(refusals.SeparatedDuties):
        service.add_to_group(rita, "fund-managers")
    service.add_to_group(rita, "reviewers")
    db.session.commit()
    assert groups_of(rita) == {("fund-managers", one), ("finance", other), ("reviewers", None)}


def test_nobody_checks_their_own_work(app: Flask, two_rounds: tuple[UUID, UUID]) -> None:
    one, other = two_rounds
    for pair in policy.NEVER_TOGETHER - {frozenset({policy.MANAGERS, policy.FINANCE})}:
        first, second = sorted(pair)
        person = a_person(f"{first}-{second}@fund.example", "Both")
        service.add_to_group(person, first, one)
        with pytest.raises(refusals.SeparatedGroups, match="one of them checks what the other does"):
            service.add_to_group(person, second)
        service.add_to_group(person, second, other)
        assert groups_of(person) == {(first, one), (second, other)}
        db.session.rollback()


def test_the_refusal_is_shown_on_the_page(client: FlaskClient, admin: User) -> None:
    manager = a_group_member("fund-managers", "mia@fund.example")
    sign_in(client, admin)
    page = client.post("/people", data={"email": manager.email, "group": "finance", "round_id": ""})
    assert page.status_code == 422
    assert "cannot both manage and pay the same round" in page.text
    assert 'value="mia@fund.example"' in page.text
    again = client.post("/people", data={"email": manager.email, "group": "fund-managers", "round_id": ""})
    assert "already in this group" in again.text


def test_the_last_administrator_stays(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    mine = db.session.scalars(sa.select(GroupMember.id).where(GroupMember.user_id == admin.id)).one()
    db.session.rollback()
    kept = client.post(f"/people/members/{mine}/remove")
    assert kept.status_code == 409
    assert "at least one administrator" in kept.text
    a_group_member("administrators", "second@fund.example")
    left = client.post(f"/people/members/{mine}/remove")
    assert (left.status_code, left.location) == (303, "/home")
    assert client.get("/people").status_code == 403


def test_two_administrators_who_leave_at_once_cannot_both(app: Flask, admin: User) -> None:
    a_group_member("administrators", "second@fund.example")
    members = list(db.session.scalars(sa.select(GroupMember.id)))
    db.session.rollback()
    ready, refused = threading.Barrier(2), []

    def leave(member_id: UUID) -> None:
        with app.app_context():
            ready.wait()
            try:
                with transaction():
                    service.remove_from_group(db.session.get_one(GroupMember, member_id), by=SYSTEM)
            except refusals.LastAdministrator:
                refused.append(member_id)

    threads = [threading.Thread(target=leave, args=(each,)) for each in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert db.session.scalar(sa.select(sa.func.count(GroupMember.id))) == 1
    db.session.rollback()


@pytest.mark.parametrize("group", [group for group in policy.GROUPS if group != "administrators"])
def test_only_administrators_look_after_people(client: FlaskClient, group: str) -> None:
    member = a_group_member(group)
    sign_in(client, member)
    assert client.get("/people").status_code == 403
    assert client.post("/people", data={"email": member.email, "group": "administrators"}).status_code == 403
    assert client.post(f"/people/members/{uuid4()}/remove").status_code == 403
    with pytest.raises(refusals.NotAnAdministrator):
        service.add_to_group(member, "administrators", by=queries.actor_for(member.id))
    db.session.rollback()


def test_an_old_sign_in_must_be_proved_again_before_people_are_changed(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - 3600
    answer = client.get("/people")
    assert answer.status_code in (302, 303)
    assert answer.location.startswith("/sign-in/again")


def test_people_are_found_by_name_or_address(client: FlaskClient, admin: User) -> None:
    a_person("rita@fund.example", "Rita 100% Review")
    a_person("otto@fund.example", "Otto")
    sign_in(client, admin)
    assert "Rita" in client.get("/people?q=100%25").text
    assert "otto@fund.example" in client.get("/people?q=OTTO@").text
    assert "rita@" not in client.get("/people?q=otto").text
    assert "0 people" in client.get("/people?q=_%25_").text


def test_roles_are_read_from_the_database_not_from_the_actor(app: Flask, two_rounds: tuple[UUID, UUID]) -> None:
    focal, rita = a_person("focal@lund.example"), a_person("rita@fund.example")
    city = a_city("Lund", team=[(focal, "focal_point")])
    one, other = two_rounds
    service.add_to_group(rita, "reviewers", one)
    here = Application(city_id=city.id, round_id=one)
    there = Application(city_id=uuid4(), round_id=other)
    team, signatory = SimpleNamespace(kind="team", duty=None), SimpleNamespace(kind="team", duty="signatory")
    reviewers = SimpleNamespace(kind="group", group="reviewers")
    acting, reviewing = queries.actor_for(focal.id), queries.actor_for(rita.id)
    assert effects.is_of_the_team(here, team, acting)
    assert not effects.is_of_the_team(here, signatory, acting)
    assert not effects.is_of_the_team(there, team, acting)
    assert not effects.is_of_the_team(here, team, SYSTEM)
    assert effects.is_of_the_group(here, reviewers, reviewing)
    assert not effects.is_of_the_group(there, reviewers, reviewing)
    assert [user.id for user in effects.people_of_the_team(here, team)] == [focal.id]
    assert effects.people_of_the_team(here, signatory) == []
    assert [user.id for user in effects.people_of_the_group(here, reviewers)] == [rita.id]
    db.session.execute(sa.delete(GroupMember))
    assert not effects.is_of_the_group(here, reviewers, reviewing), "the actor still says so, the database does not"
    db.session.rollback()


def test_a_rule_for_a_group_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="No such group: kings"):
        policy.in_group("kings")


def test_a_form_sent_with_an_old_sign_in_leads_back_to_its_page(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    mine = db.session.scalars(sa.select(GroupMember.id)).one()
    db.session.commit()
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - 3600
    answer = client.post(f"/people/members/{mine}/remove", headers={"Referer": "http://localhost/people?q=a"})
    assert (answer.status_code, answer.location) == (303, "/sign-in/again?next=/people?q%3Da")


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_the_page_of_people_asks_the_same_questions_however_many_they_are(
    client: FlaskClient, admin: User, rows: int
) -> None:
    actor = queries.actor_for(admin.id)
    for number in range(rows):
        service.add_to_group(service.register_person(f"p{number}@fund.example", f"P {number}"), "reviewers")
        service.invite_to_group(f"i{number}@fund.example", "auditors", by=actor)
    db.session.commit()
    sign_in(client, admin)
    asked: list[str] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    page = client.get("/people?q=p")
    assert page.text.count("@fund.example") > rows
    assert len(asked) == 9, "\n".join(asked)
