"""What happens when two people save, publish or take a number in the same moment."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from fundflow.db import db, transaction
from fundflow.lifecycle import publishing
from fundflow.lifecycle.models import Definition, Publication
from fundflow.studio import queries, refusals, service
from tests import factories as make
from tests.reviews.test_races import at_once
from tests.studio.scene import COUNT, MAIN, Scene, a_scene, begun


def named(wish: Publication) -> tuple[UUID, str]:
    """Its id and digest: the row itself belongs to the session of this thread."""
    return wish.id, wish.sha256


def test_two_saves_over_one_text_keep_one_and_give_the_other_both(app: Flask) -> None:
    scene = a_scene()
    text, draft = scene.text(), scene.draft.id
    seen = service.mark_of(text)
    texts = [text.replace("count: 3", f"count: {count}") for count in (4, 5)]
    actors = [make.acting(scene.first), make.acting(scene.second)]
    results = at_once(
        app,
        lambda: service.save(draft, MAIN, texts[0], revision=seen, actor=actors[0]).id,
        lambda: service.save(draft, MAIN, texts[1], revision=seen, actor=actors[1]).id,
    )
    refused = [each for each in results if isinstance(each, refusals.SavedMeanwhile)]
    assert len(refused) == 1 and draft in results
    kept = scene.text()
    assert kept in texts and refused[0].theirs == kept


def test_two_people_who_publish_at_once_are_one_publication(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish, sha256 = named(scene.propose())
    third = make.a_person(groups=[make.ADMINISTRATORS])
    actors = [make.acting(scene.second), make.acting(third)]
    results = at_once(
        app,
        lambda: service.publish(wish, sha256=sha256, actor=actors[0]).id,
        lambda: service.publish(wish, sha256=sha256, actor=actors[1]).id,
    )
    assert sorted(type(each).__name__ for each in results) == ["Answered", "UUID"]
    assert db.session.scalar(sa.select(sa.func.count()).where(Publication.published_by.is_not(None))) == 1


def test_a_save_and_a_publication_at_once_never_publish_another_text(app: Flask) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish, sha256 = named(scene.propose())
    text, draft = scene.text(), scene.draft.id
    actors = [make.acting(scene.second), make.acting(scene.first)]
    seen, later = service.mark_of(text), text.replace("count: 5", "count: 6")
    published, saved = at_once(
        app,
        lambda: service.publish(wish, sha256=sha256, actor=actors[0]).sha256,
        lambda: service.save(draft, MAIN, later, revision=seen, actor=actors[1]).id,
    )
    assert (published, type(saved)) in ((sha256, refusals.NotOpen),) or isinstance(published, publishing.Void)
    assert (scene.now().status == "published") == (published == sha256)


def test_two_versions_never_get_the_same_number(app: Flask) -> None:
    first = a_scene()
    second = Scene(first.round, first.second, first.first, begun(first.round.definition_sha, first.second))
    wishes = []
    for scene, count in zip((first, second), (4, 5), strict=True):
        scene.change(("count: 3", f"count: {count}"))
        wishes.append(named(scene.propose()))
    assert wishes[0] != wishes[1]
    actors = [make.acting(first.second), make.acting(first.first)]
    results = at_once(
        app,
        lambda: service.publish(wishes[0][0], sha256=wishes[0][1], actor=actors[0]).id,
        lambda: service.publish(wishes[1][0], sha256=wishes[1][1], actor=actors[1]).id,
    )
    assert sorted(type(each).__name__ for each in results) == ["CannotPublish", "UUID"]
    with transaction():
        versions = db.session.scalars(sa.select(Definition.version).where(Definition.workflow == "small-grant")).all()
    assert sorted(versions) == [1, 2]
    assert len(queries.waiting()) == 1
