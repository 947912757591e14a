"""One city with two colleagues, an open round and their draft; and the ways tests reach it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from fundflow.accounts.models import City, User
from fundflow.applications import queries
from fundflow.db import db
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round
from tests import factories as make
from tests.people import sign_in

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 512
JSON = {"Accept": "application/json"}


@dataclass(slots=True)
class Scene:
    """Ana and Ben work for Freetown; the draft is their application."""

    round: Round
    city: City
    ana: User
    ben: User
    draft_id: UUID

    @property
    def draft(self) -> Application:
        return db.session.get_one(Application, self.draft_id)


def a_scene(**round_settings: Any) -> Scene:
    """The scene, committed."""
    ana, ben = make.a_person("Ana Silva"), make.a_person("Ben Okoro")
    city = make.a_city("Freetown", country="SL", focal_point=ana)
    make.join(city, ben)
    round_ = make.a_round(**round_settings)
    draft = make.started(round_, city, ana)
    return Scene(round_, city, ana, ben, draft.id)


def as_person(app: Flask, person: User) -> FlaskClient:
    """A browser of their own."""
    client = app.test_client()
    sign_in(client, person)
    return client


def url_of(application_id: UUID, form: str = "proposal", rest: str = "") -> str:
    return f"/applications/{application_id}/forms/{form}{rest}"


def kept(application_id: UUID, form: str = "proposal") -> dict[str, Any]:
    """What the database holds now."""
    db.session.rollback()
    return queries.data_of(queries.answers_row(application_id, form))


def revision(application_id: UUID, form: str = "proposal") -> int:
    db.session.rollback()
    row = queries.answers_row(application_id, form)
    return row.revision if row else 0


def upload(name: str, content: bytes = PDF) -> Mapping[str, Any]:
    """Form data with one file, as the script sends it."""
    return {"upload-letter": (io.BytesIO(content), name)}
