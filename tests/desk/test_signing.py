"""Signing in the browser: the document first, in order, bound to one file, by those who are asked."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from PIL import Image, ImageDraw

from fundflow import clock, storage
from fundflow.accounts.models import User
from fundflow.accounts.proofs import family
from fundflow.awards import marks
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.lifecycle import acts, audit, erasure, registry
from fundflow.lifecycle.models import Application, Event, Signature
from fundflow.lifecycle.signing import NotProven, ProvenTooLongAgo
from tests import factories as make
from tests.desk.contract import People, a_contract, events_of, print_documents, record, sign, some_people
from tests.people import PASSWORD, sign_in


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


def sign_page(client: FlaskClient, person: User, application: Application, party: str) -> tuple[str, dict[str, str]]:
    """The page's text and its hidden fields."""
    sign_in(client, person)
    text = client.get(f"/applications/{application.id}/sign/{party}").text
    return text, dict(re.findall(r'name="(key|revision|sha256)"[^>]*value="([^"]*)"', text))


def signatures(application: Application) -> dict[str, Signature]:
    db.session.rollback()
    rows = db.session.scalars(sa.select(Signature).where(Signature.application_id == application.id))
    return {row.party: row for row in rows}


def test_document_is_waited_for_then_read_then_signed_in_order(client: FlaskClient, people: People) -> None:
    application = a_contract("signing", people)
    text, _fields = sign_page(client, people.signatory, application, "city")
    assert "still being prepared" in text
    assert "The document to be signed is not ready yet." in text
    assert 'name="name"' not in text
    print_documents(application)
    english = record(application)
    text, _fields = sign_page(client, people.director, application, "fund")
    assert "Before you, this must be signed by: City signatory." in text
    text, fields = sign_page(client, people.signatory, application, "city")
    assert f"/documents/{english.id}" in text
    assert "It exists in" not in text  # its workflow speaks one: no copy is printed that nobody asked for
    assert fields["sha256"] == english.sha256
    data = {**fields, "name": "  Sira   Signatory ", "made": "typed", "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/city", data=data).status_code == 303
    kept = signatures(application)["city"]
    assert (kept.name, kept.sha256, kept.signed_by) == ("Sira Signatory", english.sha256, people.signatory.id)
    text, fields = sign_page(client, people.director, application, "fund")
    data = {**fields, "name": "Dira Director", "made": "typed", "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/fund", data=data).status_code == 303
    assert events_of(application.id)[-3:] == [("sign", "city"), ("sign", "fund"), ("begin", None)]


def test_application_page_says_who_signed_and_what_then_happens(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    sign_in(client, people.applicant)
    text = client.get(f"/applications/{application.id}").text
    assert "City signatory signs “Grant agreement”." in text
    assert "Then Director signs “Grant agreement”." in text
    assert "As soon as everyone has signed, it goes on to “Under way” by itself." in text
    assert "/sign/city" not in text  # the focal point may not
    sign(application, "city", people.signatory)
    text = client.get(f"/applications/{application.id}").text
    assert "Signed as “Sira Signatory”" in text
    assert "Still to sign: Director." in text
    sign(application, "fund", people.director)
    text = client.get(f"/applications/{application.id}").text
    assert "Signed: City signatory" in text
    assert "Signed: Director" in text


def test_document_that_changed_since_the_page_was_opened_is_refused(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    with transaction():
        record(application).sha256 = "ef" * 32
    data = {**fields, "name": "Sira Signatory", "made": "typed", "confirm": "y"}
    answer = client.post(f"/applications/{application.id}/sign/city", data=data)
    assert answer.status_code == 409
    assert "The document changed since you opened this page." in answer.text
    assert 'value="Sira Signatory"' in answer.text
    assert signatures(application) == {}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"name": "", "made": "typed", "confirm": "y"}, "Type your name to sign."),
        ({"name": "   ", "made": "typed", "confirm": "y"}, "Type your name to sign."),
        ({"name": " \u200b\u202e", "made": "typed", "confirm": "y"}, "Type your name to sign."),
        ({"name": "Sira\x00S", "made": "typed", "confirm": "y"}, "Type your name to sign."),
        ({"name": "Sira", "made": "typed"}, "Tick this box to show that you have read it."),
    ],
)
def test_name_and_confirmation_are_asked_for(
    client: FlaskClient, people: People, typed: dict[str, str], says: str
) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    answer = client.post(f"/applications/{application.id}/sign/city", data={**fields, **typed})
    assert answer.status_code == 422
    assert says in answer.text
    assert signatures(application) == {}


def test_two_clicks_are_one_signature_and_an_old_page_none(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {**fields, "name": "Sira Signatory", "made": "typed", "confirm": "y"}
    address = f"/applications/{application.id}/sign/city"
    assert [client.post(address, data=data).status_code for _ in range(2)] == [303, 303]
    assert [act for act, _subject in events_of(application.id)].count("sign") == 1
    answer = client.post(address, data={**data, "key": "another"})
    assert answer.status_code == 409
    assert 'value="Sira Signatory"' in answer.text


def test_only_who_is_asked_finds_the_page(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    for person in (people.applicant, people.manager, people.director):
        sign_in(client, person)
        assert client.get(f"/applications/{application.id}/sign/city").status_code == 404, person.name
        assert client.post(f"/applications/{application.id}/sign/city").status_code == 404, person.name
    sign_in(client, people.signatory)
    assert client.get(f"/applications/{application.id}/sign/mayor").status_code == 404


def test_english_text_is_the_one_of_record_and_no_older_one_stands_in(app: Flask, people: People) -> None:
    application = a_contract("ready", people)
    assert registry.paper_of(application, "agreement") == record(application).sha256
    assert registry.paper_of(application, "letter") is None
    with transaction():
        document = record(application)
        document.sha256 = document.rendered_at = document.size = None
    assert registry.paper_of(application, "agreement") is None


def test_all_that_is_missing_for_a_signature_is_said_at_once(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    text = client.post(f"/applications/{application.id}/sign/city", data={**fields, "made": "typed", "name": ""}).text
    assert "Type your name to sign." in text
    assert "sign it for those I represent: Tick this box to show that you have read it." in text


def test_signature_under_another_name_shows_whose_account_gave_it(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {**fields, "name": "Somebody Else", "made": "typed", "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/city", data=data).status_code == 303
    text = " ".join(client.get(f"/applications/{application.id}").text.split())
    assert "Signed as “Somebody Else”, Sira Signatory," in text


def test_signature_without_the_revision_of_a_page_is_refused(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {"key": fields["key"], "sha256": fields["sha256"], "name": "Sira Signatory", "made": "typed", "confirm": "y"}
    answer = client.post(f"/applications/{application.id}/sign/city", data=data)
    assert answer.status_code == 409
    assert "This changed since you opened it." in answer.text
    assert signatures(application) == {}


def a_drawing(*, ink: bool = True) -> str:
    """What the page's script sends: a PNG of the sheet, with a stroke on it."""
    sheet = Image.new("RGBA", (900, 270))
    if ink:
        ImageDraw.Draw(sheet).line([(30, 200), (200, 40), (400, 220), (800, 60)], fill="#10243a", width=5)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def a_photograph() -> bytes:
    """A JPEG with the place where it was taken in it."""
    sheet = Image.new("RGB", (600, 400), "#efe9dc")
    ImageDraw.Draw(sheet).line([(100, 300), (300, 100), (500, 280)], fill="black", width=8)
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    out = io.BytesIO()
    sheet.save(out, "JPEG", exif=exif)
    return out.getvalue()


def told_of(application: Application, transition: str) -> dict[str, Any]:
    """What the newest event of this name keeps apart, because it may be erased."""
    db.session.rollback()
    wanted = sa.select(Event).where(Event.application_id == application.id, Event.transition == transition)
    event = db.session.scalars(wanted.order_by(Event.seq.desc())).first()
    assert event is not None
    return dict(event.payload or {})


def test_who_signs_shows_who_they_are_for_it(client: FlaskClient, people: People) -> None:
    """The command refuses by itself; the page asks first, and what was typed waits for the second proof."""
    application = a_contract("ready", people)
    command: Any = {"name": "Sira", "sha256": record(application).sha256, "actor": make.acting(people.signatory)}
    command |= {"key": "k" * 20, "revision": make.revision_of(application)}
    fresh = make.proof(people.signatory)
    for proof, refusal in (
        (None, NotProven),
        (make.proof(people.director), NotProven),
        (replace(fresh, method="link in a mail"), NotProven),
        (replace(fresh, at=fresh.at - timedelta(minutes=6)), ProvenTooLongAgo),
        (replace(fresh, at=fresh.at + timedelta(hours=1)), ProvenTooLongAgo),
    ):
        with pytest.raises(refusal), transaction():
            acts.sign(application.id, "city", proof=proof, **command)
    _text, fields = sign_page(client, people.signatory, application, "city")
    address, drawing = f"/applications/{application.id}/sign/city", a_drawing()
    data = {**fields, "name": "Sira", "made": "drawn", "drawing": drawing, "confirm": "y"}
    with clock.shifted(timedelta(minutes=6)):
        text = client.get(address).text
        assert "Show who I am" in text and 'name="name"' not in text
        answer = client.post(address, data=data)
        assert answer.status_code == 403
        assert "You showed who you are more than 5 minutes ago." in answer.text
        assert drawing.replace("+", "&#43;") in answer.text or drawing in answer.text
        assert 'value="Sira"' in answer.text
        assert signatures(application) == {}


def test_typing_the_password_again_is_such_a_proof(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    with transaction():
        db.session.get_one(User, people.signatory.id).password = hash_password(PASSWORD)
    sign_in(client, people.signatory)
    with client.session_transaction() as session:
        del session["proved"]
    address = f"/applications/{application.id}/sign/city"
    assert f"/sign-in/again?next={address}" in client.get(address).text
    wrong = client.post("/sign-in/again", data={"password": "not it", "next": address})
    assert wrong.status_code == 422
    assert "You have just shown who you are." not in client.get(address).text
    assert client.post("/sign-in/again", data={"password": PASSWORD, "next": address}).location.endswith(address)
    text = client.get(address).text
    assert "You have just shown who you are." in text
    fields = dict(re.findall(r'name="(key|revision|sha256)"[^>]*value="([^"]*)"', text))
    data = {**fields, "name": "Sira", "made": "typed", "confirm": "y"}
    assert client.post(address, data=data).status_code == 303
    proof = told_of(application, "sign")["proof"]
    assert (proof["method"], proof["address"]) == ("password", "127.0.0.1")
    assert family("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0") == "Firefox, Linux"


def test_drawn_and_uploaded_signatures_are_kept_as_ink_alone(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    address, data = f"/applications/{application.id}/sign/city", {**fields, "name": "Sira", "confirm": "y"}
    pdf = io.BytesIO(b"%PDF-1.7 no picture")
    refused: list[tuple[dict[str, Any], str]] = [
        ({"made": "drawn", "drawing": ""}, "There is no signature on it yet."),
        ({"made": "drawn", "drawing": a_drawing(ink=False)}, "There is no signature on it yet."),
        ({"made": "drawn", "drawing": "data:image/png;base64,xx"}, "This is no picture of a signature."),
        ({"made": "uploaded"}, "There is no signature on it yet."),
        ({"made": "uploaded", "picture": (pdf, "me.png")}, "This is no picture of a signature."),
        ({"made": "stamped"}, "Not a valid choice"),
    ]
    for given, says in refused:
        answer = client.post(address, data={**data, **given})
        assert (answer.status_code, says in answer.text) == (422, True), (given, says)
    with pytest.raises(marks.PictureTooBig):
        marks.from_upload(io.BytesIO(bytes(marks.LARGEST + 1)))
    assert signatures(application) == {}
    photograph = a_photograph()
    given = {"made": "uploaded", "picture": (io.BytesIO(photograph), "me.jpg")}
    assert client.post(address, data={**data, **given}).status_code == 303
    kept = signatures(application)["city"]
    assert kept.made == "uploaded" and kept.image_sha256
    picture = storage.get(kept.image_sha256)
    assert picture.startswith(b"\x89PNG") and b"taken at home" in photograph and b"taken at home" not in picture
    assert told_of(application, "sign")["mark"] == {"made": "uploaded", "image": kept.image_sha256}


def test_image_goes_with_what_its_signatory_said(client: FlaskClient, people: People) -> None:
    application = a_contract("ready", people)
    _text, fields = sign_page(client, people.signatory, application, "city")
    data = {**fields, "name": "Sira", "made": "drawn", "drawing": a_drawing(), "confirm": "y"}
    assert client.post(f"/applications/{application.id}/sign/city", data=data).status_code == 303
    image = signatures(application)["city"].image_sha256
    assert image and storage.exists(image)
    make.press(application, "stop", people.manager, reason="They withdrew.")
    with transaction():
        erasure.erase(application.id, key="erase:1", reason="Asked for it.", said_by=people.signatory.id)
    worker.drain()
    kept = signatures(application)["city"]
    assert (kept.name, kept.image_sha256, kept.made, kept.signed_by) == ("", None, "drawn", people.signatory.id)
    assert not storage.exists(image)
    assert audit.verify().breaks == []
