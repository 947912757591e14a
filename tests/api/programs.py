"""A program that uses the API with a token of a person, and never a cookie."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.api import service
from fundflow.api.models import AccessToken
from fundflow.db import db, transaction
from fundflow.lifecycle.models import Application

BASE = "/api/v1"


def a_token(person: User, *, may_act: bool = True, days: int = 30) -> tuple[UUID, str]:
    """A token of this person, made by the service: its id and its secret."""
    with transaction():
        me = db.session.get_one(User, person.id)
        last_day = (clock.now() + timedelta(days=days)).date()
        made, secret = service.make_token(me, "Test program", last_day, may_act, key=f"test:{uuid4()}")
        return made.id, secret


def token_row(token_id: UUID) -> AccessToken:
    """The row as it stands in the database now."""
    db.session.rollback()
    return db.session.get_one(AccessToken, token_id, populate_existing=True)


@dataclass
class Program:
    """Sends requests with one token."""

    client: FlaskClient
    secret: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, app: Flask, person: User, **more: Any) -> Program:
        return cls(app.test_client(use_cookies=False), a_token(person, **more)[1])

    def get(self, path: str, **headers: str) -> TestResponse:
        db.session.rollback()
        return self.client.get(
            BASE + path, headers={"Authorization": f"Bearer {self.secret}", **self.headers, **headers}
        )

    def post(
        self, path: str, said: Any = None, *, key: str | None = "", revision: str | int | None = 0, **more: Any
    ) -> TestResponse:
        """Send a command: with a key of its own unless one is given, and with the number or text as its If-Match."""
        db.session.rollback()
        headers = {"Authorization": f"Bearer {self.secret}", **self.headers}
        if key is not None:
            headers["Idempotency-Key"] = key or str(uuid4())
        if revision is not None:
            headers["If-Match"] = f'"{revision}"' if isinstance(revision, int) else revision
        given = more or {"json": said if said is not None else {}}
        return self.client.post(BASE + path, headers=headers, **given)

    def show(self, application: Application) -> dict[str, Any]:
        """The application as this program is told of it."""
        answer = self.get(f"/applications/{application.id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def decisions(self, application: Application) -> dict[str, Any]:
        """Everything it can do, by kind."""
        answer = self.get(f"/applications/{application.id}/decisions")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found
