"""Browsers whose requests share nothing with the test but the database."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Browser(FlaskClient):
    """Each request in a context of its own, as a server would make it: its own session, its own memory."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture(autouse=True)
def _quick_passwords(app: Flask) -> None:
    # The real cost is for those who guess; here the same algorithm runs with the least.
    app.extensions["security"].pwd_context.update(argon2__rounds=1, argon2__memory_cost=64)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a person; `client.application.test_client()` is another one."""
    app.test_client_class = Browser
    return app.test_client()
