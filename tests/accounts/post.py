"""The messages that were asked for, as their recipients will read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app

from fundflow import mail
from fundflow.db import db
from fundflow.jobs.models import Job


@dataclass(frozen=True)
class Letter:
    """One composed message."""

    template: str
    subject: str
    text: str

    @property
    def path(self) -> str:
        """The path of the link in it."""
        site = current_app.extensions["settings"].url
        found = re.search(rf"{re.escape(site)}(/\S+)", self.text)
        assert found, self.text
        return found[1]


def letters(to: str) -> list[Letter]:
    """Every message to this address, in the order in which they were asked for."""
    rows = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send").order_by(Job.created_at, Job.key)).all()
    payloads = [row.payload for row in rows if row.payload["email"] == to]
    db.session.commit()
    made = []
    for payload in payloads:
        message = mail.compose(payload, current_app.extensions["settings"])
        body = message.get_body(("plain",))
        assert body is not None
        made.append(Letter(payload["template"], message["Subject"], body.get_content()))
    return made


def last_letter(to: str) -> Letter:
    """The newest message to this address."""
    found = letters(to)
    assert found, f"nothing was sent to {to}"
    return found[-1]
