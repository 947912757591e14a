"""Drafts: every save over exactly the text that was seen, revisions that lose nothing, and who has one open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.lifecycle.refusals import KeyReused
from fundflow.studio import queries, refusals, service
from tests import factories as make
from tests.studio.scene import COUNT, MAIN, a_scene, begun

pytestmark = pytest.mark.usefixtures("app")


def test_a_draft_begins_as_the_next_version_of_the_one_it_came_from() -> None:
    scene = a_scene()
    assert "\nversion: 2\n" in scene.text()
    base = queries.definition(scene.round.definition_sha)
    assert scene.text("forms/small_report.yaml") == base.files["forms/small_report.yaml"]
    assert [each.number for each in queries.revisions(scene.now())] == [1]


def test_begun_twice_by_one_click_it_is_one_draft() -> None:
    scene = a_scene()
    actor = make.acting(scene.first)
    with transaction():
        one = service.begin(scene.round.definition_sha, actor=actor, key="click")
    with transaction():
        assert service.begin(scene.round.definition_sha, actor=actor, key="click").id == one.id
    with pytest.raises(KeyReused), transaction():
        service.begin(scene.round.definition_sha, actor=make.acting(scene.second), key="click")
    with pytest.raises(NotFound):
        begun("0" * 64, scene.first)


def test_a_second_save_over_a_text_that_is_gone_is_refused_with_both_texts() -> None:
    scene = a_scene()
    seen = scene.text()
    scene.change(COUNT)
    theirs = scene.text()
    with pytest.raises(refusals.SavedMeanwhile) as refusal:
        scene.save(seen.replace("quorum: 2", "quorum: 1"), by=scene.second, over=seen)
    assert refusal.value.theirs == theirs
    assert "Ines Duarte" in str(refusal.value)
    assert scene.text() == theirs
    # Having seen theirs, the second one may save over it.
    scene.save(seen.replace("quorum: 2", "quorum: 1"), by=scene.second, over=theirs)
    assert "quorum: 1" in scene.text()


def test_two_people_in_different_files_do_not_meet() -> None:
    scene = a_scene()
    report = scene.text("forms/small_report.yaml")
    scene.change(COUNT)
    scene.save(report + "# seen\n", by=scene.second, path="forms/small_report.yaml", over=report)
    assert "count: 5" in scene.text() and scene.text("forms/small_report.yaml").endswith("# seen\n")


def test_the_same_text_again_is_no_conflict_and_no_revision() -> None:
    scene = a_scene()
    before = scene.now().revision
    scene.save(scene.text(), over="something else entirely")
    assert scene.now().revision == before


def test_one_sitting_is_one_revision_and_another_person_or_hour_a_new_one() -> None:
    scene = a_scene()
    scene.change(COUNT)
    scene.change(("count: 5", "count: 6"))
    assert [each.number for each in queries.revisions(scene.now())] == [2, 1]
    scene.change(("count: 6", "count: 7"), by=scene.second)
    with clock.standing_at(clock.now() + timedelta(hours=1)):
        scene.change(("count: 7", "count: 8"), by=scene.second)
    assert [each.number for each in queries.revisions(scene.now())] == [4, 3, 2, 1]
    assert "count: 6" in str(queries.revision(scene.now(), 2).files[MAIN])


def test_going_back_loses_nothing() -> None:
    scene = a_scene()
    first = scene.text()
    scene.change(COUNT)
    changed = scene.text()
    with transaction():
        service.restore(scene.draft.id, 1, actor=make.acting(scene.second))
    assert scene.text() == first
    assert str(queries.revision(scene.now(), 2).files[MAIN]) == changed
    scene.change(COUNT, by=scene.second)
    assert [each.number for each in queries.revisions(scene.now())] == [4, 3, 2, 1]
    with pytest.raises(NotFound), transaction():
        service.restore(scene.draft.id, 99, actor=make.acting(scene.second))


def test_what_was_proposed_stays_a_revision_of_its_own() -> None:
    scene = a_scene()
    scene.change(COUNT)
    scene.propose()
    proposed = scene.text()
    scene.change(("count: 5", "count: 6"))
    assert str(queries.revision(scene.now(), 2).files[MAIN]) == proposed


@pytest.mark.parametrize("name", ["../x.yaml", "X.yaml", "a b.yaml", "form.txt", "", "a/b.yaml", "x" * 90 + ".yaml"])
def test_a_file_has_a_plain_name(name: str) -> None:
    scene = a_scene()
    with pytest.raises(refusals.BadName), transaction():
        service.add_file(scene.draft.id, name, actor=make.acting(scene.first))


def test_files_come_and_go_but_the_workflow_stays() -> None:
    scene = a_scene()
    actor = make.acting(scene.first)
    with transaction():
        path = service.add_file(scene.draft.id, "site_visit.yaml", actor=actor)
    assert path == "forms/site_visit.yaml"
    with pytest.raises(refusals.FileThere), transaction():
        service.add_file(scene.draft.id, "site_visit.yaml", actor=actor)
    with transaction():
        service.remove_file(scene.draft.id, path, actor=actor)
    assert path not in scene.now().files
    with pytest.raises(refusals.MainFile), transaction():
        service.remove_file(scene.draft.id, MAIN, actor=actor)
    with pytest.raises(refusals.NoSuchFile):
        scene.save("x", path="forms/none.yaml", over="")


def test_a_file_beyond_256_kb_is_not_kept() -> None:
    scene = a_scene()
    text = scene.text()
    with pytest.raises(refusals.TooLarge):
        scene.save("é" * 140_000)
    assert scene.text() == text


def test_a_closed_draft_is_not_written_to() -> None:
    scene = a_scene()
    with transaction():
        service.discard(scene.draft.id, actor=make.acting(scene.first))
    with pytest.raises(refusals.NotOpen):
        scene.save("x")
    assert queries.open_drafts() == []


def test_who_has_it_open_is_told_to_the_others_and_forgotten_after_a_while() -> None:
    scene = a_scene()
    with transaction():
        service.opened(scene.draft.id, actor=make.acting(scene.first))
    assert queries.editors(scene.draft.id, but=scene.first.id) == []
    [there] = queries.editors(scene.draft.id, but=scene.second.id)
    since = there.since
    later = clock.now() + timedelta(seconds=60)
    db.session.rollback()
    with clock.standing_at(later):
        with transaction():
            service.opened(scene.draft.id, actor=make.acting(scene.first))
        [there] = queries.editors(scene.draft.id, but=scene.second.id)
        assert there.since == since
    db.session.rollback()
    with clock.standing_at(later + timedelta(hours=1)):
        assert queries.editors(scene.draft.id, but=scene.second.id) == []
        with transaction():
            service.opened(scene.draft.id, actor=make.acting(scene.first))
        [there] = queries.editors(scene.draft.id, but=scene.second.id)
        assert there.since > since
