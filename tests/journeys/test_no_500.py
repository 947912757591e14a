"""No request, however odd, makes the site fail: a person is told what was wrong, or that it is not theirs.

Every form that a kind of person is shown is sent back with odd text in its fields; then every address that takes a POST
is sent bodies that no form makes, and every address is asked in ways that no page leads to. Of what is odd each address
gets a part, the same in every run: all of it everywhere took minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from random import Random
from typing import Any, TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import ON_POSTGRES
from tests.people import sign_in
from tests.test_access import ALIKE, ROUTES, World

pytestmark = pytest.mark.skipif(ON_POSTGRES, reason="puts the database file back before each request")

T = TypeVar("T")
ODD = {
    "a NUL": "a\x00b",
    "half a character": b"\xed\xa0\x80 \xff\xfe",
    "nothing": "",
    "blanks": " \t\r\n\u00a0\u200b\u202e",
    "a huge number": "9" * 400,
    "a negative number": "-1",
    "an exponent": "1e999999",
    "not a number": "NaN",
    "other digits": "٣²½",
    "a long text": "x" * 100_000,
    "markup": "<script>alert(1)</script>{{7*7}}${7*7}%(x)s%s{0}{x}",
    "an address": "https://evil.example/\r\nSet-Cookie: a=b",
    "a path": "../../../../etc/passwd",
    "an id": "00000000-0000-0000-0000-000000000000",
    "a moment": "9999-12-31T23:59",
    "the first moment": "0001-01-01T00:00",
    "a day": "0001-01-01",
    "an e-mail": "a@b\n@xn--.example",
}
BODIES: dict[str, tuple[str, bytes]] = {
    "deep JSON": ("application/json", b"[" * 50_000),
    "wrong JSON": ("application/json", b"{nope"),
    "a JSON text": ("application/json", b'"text"'),
    "a JSON null": ("application/json", b"null"),
    "JSON of wrong types": ("application/json", b'{"email": ["a"], "password": {"a": 1}, "code": null, "zone": 7}'),
    "not UTF-8": ("application/x-www-form-urlencoded", b"%ff=%fe&email=%ff%00&password=%ed%a0%80&city=%ff"),
    "not UTF-8 at all": ("application/x-www-form-urlencoded", b"\xff\xfe=\x00\xff"),
    "many fields": ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(3000))),
    "twice the same": ("application/x-www-form-urlencoded", b"email=a&email=b&revision=1&revision=x&city=1&city=2"),
    "no parts": ("multipart/form-data; boundary=x", b"--x--"),
    "a broken part": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\r\n\r\n"),
    "no boundary": ("multipart/form-data", b"abc"),
    "an unknown kind": ("application/xml", b"<a/>"),
}
WAYS = [(method, "") for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE")]
WAYS += [("GET", ending) for ending in ("/", "%00", "%ff", "//")]
QUERY = ("GET", "?after=%ff%00&next=%ff&q=%00&page=-1&review=%00&add=%00&zone=%ff")


class Forms(HTMLParser):
    """The forms of a page: where each goes, and the names and values it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], set[str]]] = []
        self._inside: tuple[str, dict[str, str], set[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_post = given.get("method", "").lower() == "post"
            self._inside = (given.get("action", ""), {}, set()) if is_post else None
            if self._inside:
                self.found.append(self._inside)
        elif tag in ("input", "select", "textarea", "button") and self._inside and given.get("name"):
            _action, values, hidden = self._inside
            values.setdefault(given["name"], given.get("value", ""))
            if given.get("type") == "hidden" or tag == "button":
                hidden.add(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None


def some(of: Sequence[T], count: int, *names: object) -> list[T]:
    """So many of them: others for each name, and the same in every run."""
    return Random(" ".join(map(str, names))).sample(of, count)


def _client(app: Flask, world: World, kind: str) -> FlaskClient:
    client = app.test_client()
    user = world.users[kind]
    if user is not None:
        sign_in(client, user)
    return client


def _status(client: FlaskClient, address: str, **more: Any) -> int:
    answer = client.open(address, **more)
    answer.close()
    return answer.status_code


def _forms(client: FlaskClient, world: World) -> Mapping[str, tuple[dict[str, str], set[str]]]:
    found: dict[str, tuple[dict[str, str], set[str]]] = {}
    for route in [*ROUTES, *ALIKE]:
        method, _, address = route.partition(" ")
        if method == "GET":
            address = address.format(**world.names)
            answer = client.get(address)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                page = Forms()
                page.feed(answer.text)
                for action, values, hidden in page.found:
                    found.setdefault(action or address, (values, hidden))
            answer.close()
    return found


def _odd_fields(values: Mapping[str, str], hidden: set[str], *names: object) -> Iterator[dict[str, Any]]:
    """What the form sends, with something odd in each field; then with the hidden fields odd."""
    odd = some(list(ODD.values()), len(ODD), *names)
    for are_odd in (values.keys() - hidden, hidden) if hidden else (values.keys(),):
        yield {
            name: odd[at % len(odd)] if name in are_odd else value for at, (name, value) in enumerate(values.items())
        }


@pytest.mark.parametrize("kind", ["anonymous", "other team", "reviewer", "manager", "administrator"])
def test_odd_text_in_any_form_is_answered_in_words(app: Flask, world: World, kind: str) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    world.restore()
    failed = []
    for at, (action, (values, hidden)) in enumerate(_forms(_client(app, world, kind), world).items()):
        for fields in _odd_fields(values, hidden, kind, at):
            status = _status(_client(app, world, kind), action, method="POST", data=fields)
            if status >= 500:
                failed.append(f"POST {action} as {kind}: {status} for {str(fields)[:300]}")
            if status < 400:
                world.restore()
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("kind", ["anonymous", "own team", "manager"])
def test_a_body_that_no_form_makes_is_answered_in_words(app: Flask, world: World, kind: str) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    world.restore()
    failed = []
    for route in [*ROUTES, *ALIKE]:
        method, _, address = route.partition(" ")
        address = address.format(**world.names)
        if method == "POST":
            for what, (media_type, body) in some(list(BODIES.items()), 4, kind, route):
                status = _status(_client(app, world, kind), address, method="POST", data=body, content_type=media_type)
                if status >= 500:
                    failed.append(f"{route} as {kind}, {what}: {status}")
                if status < 400:
                    world.restore()
    assert not failed, "\n".join(failed)


def test_any_method_at_any_address_is_answered_in_words(app: Flask, world: World) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    failed = []
    for route in [*ROUTES, *ALIKE]:
        address = route.partition(" ")[2].format(**world.names)
        for method, ending in [*some(WAYS, 3, route), QUERY]:
            status = _status(_client(app, world, "manager"), address + ending, method=method)
            if status >= 500:
                failed.append(f"{method} {address}{ending}: {status}")
    assert not failed, "\n".join(failed)
