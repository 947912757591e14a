"""Reviewers for a whole round at once."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.reviews import batches
from fundflow.reviews.models import Review, StandBy
from tests.people import sign_in
from tests.reviews.committee import WITH_RESERVE, Scene, a_workflow, actor, in_days
from tests.reviews.test_counts import counted, many_under_review
from tests.reviews.test_pages import page, words

pytestmark = pytest.mark.usefixtures("app")


def test_a_whole_round_is_suggested_balanced_and_asked_at_once(client: FlaskClient) -> None:
    scene = Scene(workflow=a_workflow(WITH_RESERVE))
    for name in ("Anna", "Bela", "Cora", "Dora", "Edda", "Fina"):
        scene.reviewer(f"{name} Reader")
    second = scene.another("Second")
    path = f"/rounds/{scene.round.slug}/reviewers"
    shown = page(client, path, scene.manager)
    chosen: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="((?:people|reserve):[^"]+)" value="([^"]+)"', shown):
        chosen.setdefault(name, []).append(value)
    asked = [each for name, value in chosen.items() if name.startswith("people") for each in value]
    assert len(asked) == len(set(asked)) == 6
    assert sorted(map(len, chosen.values())) == [2, 2, 3, 3]
    assert client.post(path, data={"due": in_days(5)}).status_code == 422
    wrong = client.post(path, data={**chosen, "due": "2020-01-01T10:00"})
    assert (wrong.status_code, "already passed" in wrong.text) == (422, True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Review)) == 0
    assert client.post(path, data={**chosen, "due": in_days(5)}).status_code == 303

    assert {str(each) for each in db.session.scalars(sa.select(Review.reviewer_id))} == set(asked)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(StandBy)) == 4
    assert "Every application has its reviewers" in words(page(client, path))
    assert second.id


def test_nobody_else_finds_the_page_of_a_round() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    for person in (rosa, scene.applicant):
        with pytest.raises(NotFound):
            batches.batch_for(actor(person), scene.round.slug)


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_the_page_costs_the_same_however_many_applications_lack_reviewers(rows: int, client: FlaskClient) -> None:
    scene = Scene(workflow=a_workflow(WITH_RESERVE))
    for name in ("Anna", "Bela", "Cora", "Dora", "Edda", "Fina"):
        scene.reviewer(f"{name} Reader")
    many_under_review(scene, rows)
    sign_in(client, scene.manager)
    path = f"/rounds/{scene.round.slug}/reviewers"
    client.get(path)
    with counted() as reads:
        shown = client.get(path).text
        assert (shown.count("<legend>"), reads()) == (rows, 16)
