"""Cities, their teams, and invitations on every way from the message to the team."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts import queries, refusals, service
from fundflow.accounts.models import City, Invitation, TeamMember, User
from fundflow.db import db, transaction
from tests.accounts.post import last_letter, letters
from tests.people import PASSWORD, a_city, a_group_member, a_person, sign_in, sign_out

CITY = {"name": "Lund", "country": "SE", "kind": "municipality", "population": "127 000"}


@pytest.fixture
def focal(app: Flask) -> User:
    return a_person("focal@lund.example", "Fia Lind")


@pytest.fixture
def city(focal: User) -> City:
    return a_city("Lund", team=[(focal, "focal_point")])


def duties(city: City, user: User) -> set[str]:
    wanted = sa.select(TeamMember.duty).where(TeamMember.city_id == city.id, TeamMember.user_id == user.id)
    found = set(db.session.scalars(wanted))
    db.session.commit()
    return found


def invite(client: FlaskClient, city: City, email: str = "new@lund.example", duty: str = "signatory") -> int:
    return client.post(f"/cities/{city.id}/invitations", data={"email": email, "duty": duty}).status_code


def invitations() -> list[UUID]:
    found = list(db.session.scalars(sa.select(Invitation.id)))
    db.session.commit()
    return found


def test_whoever_enters_a_city_leads_it(client: FlaskClient, focal: User) -> None:
    sign_in(client, focal)
    more = {"languages-0": "sv", "languages-1": "en", "languages-2": "sv", "latitude": "55,7047", "longitude": "13.191"}
    answer = client.post("/cities/new", data=CITY | more | {"website": "www.lund.example"})
    assert answer.status_code == 303
    page = client.get(answer.location)
    for shown in (
        "Lund",
        "Sweden",
        "Municipality",
        "127,000",
        "English, Swedish",
        "55.7047",
        "https://www.lund.example",
    ):
        assert shown in page.text
    assert "Fia Lind" in page.text
    assert "Focal point" in page.text


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": " "}, "Write the name of the city."),
        ({"country": ""}, "Choose the country."),
        ({"country": "XX"}, "Not a valid choice"),
        ({"kind": "kingdom"}, "Not a valid choice"),
        ({"population": "many"}, "Write a whole number"),
        ({"population": "-5"}, "Write a whole number"),
        ({"population": "1e9"}, "Write a whole number"),
        ({"population": "0"}, "between 1 and 100 000 000"),
        ({"population": "999999999999"}, "between 1 and 100 000 000"),
        ({"latitude": "91", "longitude": "0"}, "between −90 and 90"),
        ({"latitude": "1", "longitude": "180.5"}, "between −180 and 180"),
        ({"latitude": "NaN", "longitude": "0"}, "between −90 and 90"),
        ({"latitude": "1"}, "both latitude and longitude"),
        ({"website": "javascript:alert(1)"}, "Write a web address"),
        ({"website": "https://user:secret@city.example"}, "Write a web address"),
        ({"languages-0": "xx"}, "Not a valid choice"),
    ],
)
def test_a_city_that_cannot_be_kept_is_refused_with_everything_typed(
    client: FlaskClient, focal: User, wrong: dict[str, str], says: str
) -> None:
    sign_in(client, focal)
    page = client.post("/cities/new", data=CITY | {"website": "https://typed.example"} | wrong)
    assert page.status_code == 422
    assert says in page.text
    if "website" not in wrong:
        assert "https://typed.example" in page.text
    assert db.session.scalar(sa.select(sa.func.count(City.id))) == 0


def test_countries_come_in_the_readers_language(client: FlaskClient, focal: User) -> None:
    sign_in(client, focal)
    client.post("/preferences", data={"language": "fr"})
    page = client.get("/cities/new").text
    assert '<option value="SE">Suède</option>' in page
    assert '<option value="NO">Norvège</option>' in page


def test_another_citys_page_answers_like_one_that_never_was(client: FlaskClient, city: City) -> None:
    stranger = a_person("stranger@malmo.example")
    a_city("Malmö", team=[(stranger, "focal_point")])
    sign_in(client, stranger)
    theirs, nobodys = client.get(f"/cities/{city.id}"), client.get(f"/cities/{uuid4()}")
    assert theirs.status_code == nobodys.status_code == 404
    assert client.get(f"/cities/{city.id}/edit").status_code == 404
    assert invite(client, city) == 404
    assert client.post(f"/cities/{city.id}/team/{city.created_by}/focal_point/remove").status_code == 404


def test_the_fund_reads_every_city_and_changes_none(client: FlaskClient, city: City, focal: User) -> None:
    sign_in(client, a_group_member("auditors"))
    assert client.get(f"/cities/{city.id}").status_code == 200
    assert client.get(f"/cities/{city.id}/edit").status_code == 403
    assert invite(client, city) == 403
    assert client.post(f"/cities/{city.id}/team/{focal.id}/focal_point/remove").status_code == 403


def test_only_a_focal_point_edits_and_invites(client: FlaskClient, city: City, focal: User) -> None:
    officer = a_person("finance@lund.example")
    service.add_to_team(city, officer, "finance_officer")
    db.session.commit()
    sign_in(client, officer)
    assert client.get(f"/cities/{city.id}").status_code == 200
    assert "Invite a colleague" not in client.get(f"/cities/{city.id}").text
    assert client.get(f"/cities/{city.id}/edit").status_code == 403
    assert invite(client, city) == 403
    sign_in(client, focal)
    assert client.post(f"/cities/{city.id}/edit", data=CITY | {"name": "Lund stad"}).status_code == 303
    assert "Lund stad" in client.get(f"/cities/{city.id}").text


def test_a_colleague_with_an_account_joins_by_the_link(client: FlaskClient, city: City, focal: User) -> None:
    new = a_person("new@lund.example")
    sign_in(client, focal)
    assert invite(client, city) == 303
    letter = last_letter("new@lund.example")
    assert letter.subject == "Invitation into the team of Lund"
    assert "Fia Lind invites you" in letter.text
    assert letter.path.startswith("/invitations/")
    kept = db.session.scalars(sa.select(Invitation)).one()
    assert letter.path.rpartition("/")[2] not in (kept.token_sha256, str(kept.id))
    db.session.rollback()
    sign_in(client, new)
    assert "Accept the invitation" in client.get(letter.path).text
    assert duties(city, new) == set(), "reading changes nothing"
    answer = client.post(letter.path)
    assert (answer.status_code, answer.location) == (303, f"/cities/{city.id}")
    assert duties(city, new) == {"signatory"}
    again = client.post(letter.path)
    assert again.status_code == 410
    assert "has been used already" in again.text


def test_an_invitation_survives_sign_up_and_confirmation(client: FlaskClient, city: City, focal: User) -> None:
    sign_in(client, focal)
    invite(client, city)
    link = last_letter("new@lund.example").path
    sign_out(client)
    page = client.get(link)
    assert "Create an account" in page.text
    client.post("/sign-up", data={"name": "New", "email": "new@lund.example", "password": PASSWORD})
    another_browser = client.application.test_client()
    another_browser.post(last_letter("new@lund.example").path)
    arrived = another_browser.post("/sign-in", data={"email": "new@lund.example", "password": PASSWORD})
    assert arrived.location == "/signed-in"
    assert another_browser.get("/signed-in").location == "/invitations"
    waiting = invitations()[0]
    assert str(waiting) in another_browser.get("/invitations").text
    assert another_browser.post(f"/invitations/{waiting}/accept").status_code == 303
    new = queries.person_by_email("new@lund.example")
    assert new is not None
    assert duties(city, new) == {"signatory"}


def test_an_invitation_is_only_for_the_address_it_was_sent_to(client: FlaskClient, city: City, focal: User) -> None:
    sign_in(client, focal)
    invite(client, city)
    link, waiting = last_letter("new@lund.example").path, invitations()[0]
    thief = a_person("thief@lund.example")
    sign_in(client, thief)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 403
        assert "another e-mail address" in answer.text
    assert client.post(f"/invitations/{waiting}/accept").status_code == 404
    assert duties(city, thief) == set()


def test_an_unconfirmed_address_takes_nothing(app: Flask, city: City, focal: User) -> None:
    liar = service.register_person("new@lund.example", "Liar", PASSWORD, confirmed=False)
    db.session.commit()
    invitation = service.invite_to_team(city, "new@lund.example", "signatory", by=queries.actor_of(focal))
    with pytest.raises(refusals.ForAnotherAddress):
        service.accept_invitation(invitation, queries.actor_of(liar))
    assert queries.invitations_to(queries.actor_of(liar)) == []
    db.session.rollback()


def test_an_expired_invitation_says_so_and_can_be_sent_again(client: FlaskClient, city: City, focal: User) -> None:
    new = a_person("new@lund.example")
    sign_in(client, focal)
    invite(client, city)
    old = last_letter("new@lund.example").path
    with clock.shifted(timedelta(days=15)):
        sign_in(client, new)
        page = client.post(old)
        assert page.status_code == 410
        assert "expired on" in page.text
        assert "Ask Fia Lind" in page.text
        sign_in(client, focal)
        assert "expired" in client.get(f"/cities/{city.id}").text
        assert client.post(f"/invitations/{invitations()[0]}/resend").status_code == 303
        fresh = letters("new@lund.example")
        link = next(letter.path for letter in fresh if letter.path != old)
        sign_in(client, new)
        assert client.get(old).status_code == 404, "the earlier link stopped working"
        assert client.post(link).status_code == 303


def test_a_withdrawn_invitation_says_so(client: FlaskClient, city: City, focal: User) -> None:
    new = a_person("new@lund.example")
    sign_in(client, focal)
    invite(client, city)
    assert client.post(f"/invitations/{invitations()[0]}/revoke").status_code == 303
    sign_in(client, new)
    page = client.post(last_letter("new@lund.example").path)
    assert page.status_code == 410
    assert "withdrawn" in page.text
    assert duties(city, new) == set()


def test_others_cannot_send_or_withdraw_an_invitation(client: FlaskClient, city: City, focal: User) -> None:
    sign_in(client, focal)
    invite(client, city)
    waiting = invitations()[0]
    for other in (a_person("stranger@malmo.example"), a_group_member("administrators")):
        sign_in(client, other)
        assert client.post(f"/invitations/{waiting}/resend").status_code == 404
        assert client.post(f"/invitations/{waiting}/revoke").status_code == 404


def test_inviting_twice_or_a_colleague_is_refused_with_the_address_kept(
    client: FlaskClient, city: City, focal: User
) -> None:
    sign_in(client, focal)
    assert invite(client, city) == 303
    twice = client.post(f"/cities/{city.id}/invitations", data={"email": "NEW@lund.example", "duty": "signatory"})
    assert twice.status_code == 422
    assert "already has an invitation" in twice.text
    assert 'value="new@lund.example"' in twice.text
    assert invite(client, city, duty="finance_officer") == 303
    assert invite(client, city, focal.email, "focal_point") == 422
    assert invite(client, city, "not an address") == 422
    assert invite(client, city, duty="mayor") == 422


def test_made_up_invitations_do_not_exist(client: FlaskClient, focal: User) -> None:
    assert client.get("/invitations/guess").status_code == 404
    sign_in(client, focal)
    assert client.post("/invitations/guess").status_code == 404


def test_a_city_never_loses_its_last_focal_point(client: FlaskClient, city: City, focal: User) -> None:
    sign_in(client, focal)
    alone = client.post(f"/cities/{city.id}/team/{focal.id}/focal_point/remove")
    assert alone.status_code == 409
    assert "at least one focal point" in alone.text
    second = a_person("second@lund.example")
    service.add_to_team(city, second, "focal_point")
    service.add_to_team(city, second, "signatory")
    db.session.commit()
    assert client.post(f"/cities/{city.id}/team/{second.id}/signatory/remove").status_code == 303
    left = client.post(f"/cities/{city.id}/team/{focal.id}/focal_point/remove")
    assert (left.status_code, left.location) == (303, "/account")
    assert duties(city, focal) == set()
    assert client.get(f"/cities/{city.id}").status_code == 404


def test_two_focal_points_who_leave_at_once_cannot_both(app: Flask, city: City, focal: User) -> None:
    second = a_person("second@lund.example")
    service.add_to_team(city, second, "focal_point")
    db.session.commit()
    actors = [queries.actor_for(focal.id), queries.actor_for(second.id)]
    city_id = city.id
    db.session.rollback()
    ready, refused = threading.Barrier(2), []

    def leave(index: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                with transaction():
                    mine = db.session.get_one(City, city_id)
                    service.remove_from_team(mine, actors[index].id, "focal_point", actors[index])  # type: ignore[arg-type]
            except refusals.LastFocalPoint:
                refused.append(index)

    threads = [threading.Thread(target=leave, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert db.session.scalar(sa.select(sa.func.count(TeamMember.id)).where(TeamMember.city_id == city_id)) == 1
    db.session.rollback()


def test_a_person_acts_for_several_cities(client: FlaskClient, focal: User) -> None:
    a_city("Lund", team=[(focal, "focal_point")])
    a_city("Malmö", team=[(focal, "signatory"), (focal, "finance_officer")])
    actor = queries.actor_for(focal.id)
    assert [city.name for city in queries.cities_of(actor)] == ["Lund", "Malmö"]
    db.session.rollback()
    sign_in(client, focal)
    page = client.get("/account").text
    assert "Malmö" in page
    assert "Finance officer" in page
