"""The messages of reviews, composed as the job composes them."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from fundflow import clock, mail
from fundflow.config import Settings
from fundflow.db import db
from fundflow.jobs.models import Job
from fundflow.reviews import service
from tests.reviews.committee import Scene, actor, in_days

pytestmark = pytest.mark.usefixtures("app")


def message(template: str, settings: Settings) -> EmailMessage:
    job = next(
        job
        for job in db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))
        if job.payload["template"] == template
    )
    return mail.compose(job.payload, settings)


def text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_message_can_be_written_in_every_language(language: str, settings: Settings) -> None:
    scene = Scene(title="A house for newcomers")
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    for person in (rosa, ravi, scene.manager):
        person.language = language
    db.session.commit()
    first, second = scene.ask(rosa, ravi)
    service.remind(scene.committee(), actor=actor(scene.manager))
    service.withdraw(scene.committee(), first.id, "On leave", actor=actor(scene.manager))
    service.declare(second.id, has_conflict=True, reason="My sister works there", actor=actor(ravi))
    db.session.commit()

    asked = message("review_assigned", settings)
    assert "A house for newcomers" in asked["Subject"]
    assert f"/reviews/{first.id}" in text(asked) or f"/reviews/{second.id}" in text(asked)
    assert scene.city.name not in asked.as_string()
    assert "A house for newcomers" in message("review_reminder", settings)["Subject"]
    assert "On leave" in text(message("review_withdrawn", settings))
    recused = text(message("review_recused", settings))
    assert "My sister works there" in recused
    assert f"/applications/{scene.application.id}/reviewers" in recused


def test_a_reminder_says_that_a_sheet_is_overdue(settings: Settings) -> None:
    scene = Scene()
    scene.ask(scene.reviewer(), wall=in_days(1))
    with clock.shifted(timedelta(days=2)):
        service.remind(scene.committee(), actor=actor(scene.manager))
    db.session.commit()

    assert message("review_reminder", settings)["Subject"].endswith("is overdue")
