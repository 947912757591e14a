"""The gate: nothing is open that nobody declared."""

from __future__ import annotations

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from fundflow.accounts import policy
from fundflow.web import gate
from tests.people import a_city, a_group_member, a_person, sign_in


def test_a_route_that_nobody_declared_stops_the_start(app: Flask) -> None:
    app.add_url_rule("/open", "open", lambda: "open")
    with pytest.raises(gate.Undeclared, match="open: add @public or @requires"):
        gate.seal(app)


def test_every_undeclared_route_is_listed_at_once(app: Flask) -> None:
    for name in ("one", "two"):
        app.add_url_rule(f"/{name}", name, lambda: "open")
    with pytest.raises(gate.Undeclared) as refused:
        gate.seal(app)
    assert "one: " in str(refused.value)
    assert "two: " in str(refused.value)


def test_a_declaration_without_a_route_stops_the_start(app: Flask) -> None:
    gate.declare(app, {"security.gone": gate.PUBLIC})
    with pytest.raises(gate.Undeclared, match=r"security\.gone: declared, but there is no such route"):
        gate.seal(app)


def test_a_route_added_behind_the_gates_back_stays_shut(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/late", "late", lambda: "open")
    assert client.get("/late").status_code == 403
    sign_in(client, a_group_member("administrators"))
    assert client.get("/late").status_code == 403


def test_declaring_two_rules_is_a_mistake() -> None:
    with pytest.raises(gate.Undeclared):
        gate.public(gate.requires(policy.signed_in)(lambda: "x"))


def test_the_anonymous_are_asked_to_sign_in_and_come_back(client: FlaskClient) -> None:
    answer = client.get("/people?q=a")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/people?q%3Da")
    posted = client.post("/people", headers={"Referer": "http://localhost/people"})
    assert posted.location == "/sign-in?next=/people"
    elsewhere = client.post("/people", headers={"Referer": "https://evil.example/people"})
    assert elsewhere.location == "/sign-in"


def test_a_script_is_told_in_its_own_way(client: FlaskClient) -> None:
    answer = client.post("/account", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.is_json


def test_the_signed_in_without_the_right_are_told_whom_to_ask(client: FlaskClient) -> None:
    sign_in(client, a_person())
    page = client.get("/people")
    assert page.status_code == 403
    assert "ask an administrator of the fund" in page.text


def test_what_a_person_may_follows_the_database_at_once(client: FlaskClient) -> None:
    person = a_person()
    sign_in(client, person)
    city = a_city("Lund")
    assert client.get(f"/cities/{city.id}/edit").status_code == 403
    a_city("Malmö", team=[(person, "focal_point")])
    assert client.get(f"/cities/{city.id}/edit").status_code == 404


def test_the_actor_is_known_even_where_nothing_is(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_person(name="Ada Ek"))
    page = client.get("/nothing/here")
    assert page.status_code == 404
    assert "Ada Ek" in page.text


@pytest.mark.parametrize(
    ("wish", "kept"),
    [
        ("/a?b=c", "/a?b=c"),
        ("/", "/"),
        ("", None),
        (None, None),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("/\tevil", None),
        ("https://evil.example", None),
        ("evil", None),
        ("/a\nb", None),
    ],
)
def test_only_paths_of_this_site_are_safe(wish: str | None, kept: str | None) -> None:
    assert gate.safe_path(wish) == kept


def test_without_a_reader_everybody_is_anonymous() -> None:
    app = Flask("bare")
    gate.init_app(app)
    app.add_url_rule("/who", "who", gate.public(lambda: str(g.actor.is_signed_in)))
    gate.seal(app)
    assert app.test_client().get("/who").text == "False"
