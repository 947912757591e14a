"""Publishing by two: what the door lets through, and everything that it turns away, whoever asks and however."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fundflow import clock
from fundflow.accounts.models import Delegation, GroupMember
from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.lifecycle import definitions, publishing
from fundflow.lifecycle.models import Definition, Publication
from fundflow.lifecycle.refusals import KeyReused, ReasonMissing
from fundflow.studio import queries, service
from tests import factories as make
from tests.studio.scene import COUNT, Scene, a_scene, begun

pytestmark = pytest.mark.usefixtures("app")

TYPO = ("by: officer, group: reviewers", "by: oficer, group: reviewers")
DEAD_END = ("  reported:\n", "  nowhere:\n    label: {en: Nowhere, fr: Nulle part}\n  reported:\n")


def is_pinned(sha256: str) -> bool:
    db.session.rollback()
    return db.session.get(Definition, sha256) is not None


def test_one_proposes_and_another_publishes_a_version_that_rounds_can_choose() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    assert not is_pinned(wish.sha256)
    [change] = wish.account["changes"]
    assert change["says"]["en"] == "The number of reviewers of “Panel scores” is 5; it was 3."
    done = scene.publish(wish)
    assert (done.proposed_by, done.published_by) == (scene.first.id, scene.second.id)
    assert is_pinned(wish.sha256)
    assert definitions.get(wish.sha256).reviews["panel"].count == 5
    assert scene.now().status == "published"
    [newest, before] = queries.workflow("small-grant").versions
    assert (newest.version, newest.publication is not None) == (2, True)
    assert (before.version, [round_.id for round_ in before.rounds]) == (1, [scene.round.id])


def test_whoever_proposed_it_cannot_publish_it() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    with pytest.raises(publishing.SecondPerson):
        scene.publish(wish, by=scene.first)
    assert not is_pinned(wish.sha256)


def test_the_database_itself_refuses_one_person_alone() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(
            sa.update(Publication)
            .where(Publication.id == wish.id)
            .values(published_by=scene.first.id, answered_at=wish.created_at)
        )


@pytest.mark.parametrize("group", ["finance", "auditors", "directors", "reviewers"])
def test_nobody_else_proposes_publishes_or_writes(group: str) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    other = make.a_person(groups=[group])
    with pytest.raises(publishing.NotAPublisher):
        scene.publish(wish, by=other)
    with pytest.raises(publishing.NotAPublisher):
        scene.propose(by=other)
    with pytest.raises(publishing.NotAPublisher):
        scene.save("x", by=other)
    with pytest.raises(publishing.NotAPublisher), transaction():
        publishing.send_back(wish.id, actor=make.acting(other), answer="No")


def test_a_manager_of_one_round_is_no_second_person_and_an_administrator_is() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    with pytest.raises(publishing.NotAPublisher):
        scene.publish(wish, by=make.a_person(groups=[(make.MANAGERS, scene.round)]))
    assert scene.publish(wish, by=make.a_person(groups=[make.ADMINISTRATORS])).published_by is not None


def test_what_a_session_remembers_of_a_group_does_not_count() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    remembered = make.acting(scene.second)
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == scene.second.id))
    with pytest.raises(publishing.NotAPublisher), transaction():
        service.publish(wish.id, sha256=wish.sha256, actor=remembered)


def test_who_proposed_and_left_the_group_is_no_first_person_any_more() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == scene.first.id))
    with pytest.raises(publishing.ProposerLeft):
        scene.publish(wish)
    assert not is_pinned(wish.sha256)


@pytest.mark.parametrize("turn", [False, True])
def test_whoever_stands_in_for_the_other_is_no_second_person(turn: bool) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    giver, taker = (scene.second, scene.first) if turn else (scene.first, scene.second)
    lent = make.stand_in(giver, taker)
    with pytest.raises(publishing.StandsIn):
        scene.publish(wish)
    assert not is_pinned(wish.sha256)
    with transaction():
        db.session.get_one(Delegation, lent.id).ends_at = clock.now()
    assert scene.publish(wish).published_by == scene.second.id


@pytest.mark.parametrize("digest", ["", "0" * 64, "not a digest"])
def test_only_the_text_that_was_looked_at_is_published(digest: str) -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    with pytest.raises(publishing.OtherText):
        scene.publish(wish, sha256=digest)


def test_a_change_after_the_proposal_makes_it_void() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    scene.change(("count: 5", "count: 4"), by=scene.second)
    with pytest.raises(publishing.Void):
        scene.publish(wish)
    assert not is_pinned(wish.sha256)
    again = scene.propose()
    assert scene.publish(again).sha256 != wish.sha256


def test_a_newer_proposal_and_discarding_make_it_void() -> None:
    scene = a_scene()
    scene.change(COUNT)
    older, newer = scene.propose(), scene.propose()
    with pytest.raises(publishing.Void):
        scene.publish(older)
    with transaction():
        service.discard(scene.draft.id, actor=make.acting(scene.first))
    with pytest.raises(publishing.Void):
        scene.publish(newer)


@pytest.mark.parametrize(("edit", "code"), [(TYPO, "FF"), (DEAD_END, "FF10"), (("version: 2", "version: 1"), "FF194")])
def test_a_mistake_is_never_proposed(edit: tuple[str, str], code: str) -> None:
    scene = a_scene()
    scene.change(COUNT, edit)
    with pytest.raises(publishing.HasErrors) as refusal:
        scene.propose()
    assert code in str(refusal.value)
    assert queries.waiting() == []


def test_what_has_become_wrong_since_is_not_published() -> None:
    """Another version took the number between the proposal and the answer."""
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    other = begun(scene.round.definition_sha, scene.second)
    with transaction():
        text = str(other.files[other.main]).replace("count: 3", "count: 4")
        service.save(
            other.id,
            other.main,
            text,
            revision=service.mark_of(str(other.files[other.main])),
            actor=make.acting(scene.second),
        )
    accepted = Scene(scene.round, scene.second, scene.first, other).warnings()
    with transaction():
        taken = service.propose(
            other.id,
            digest=service.digest_of(queries.draft_for(other.id)),
            actor=make.acting(scene.second),
            key="other",
            reason="Four are enough.",
            accepted=accepted,
            seen={},
        )
    scene.publish(taken, by=scene.first)
    with pytest.raises(publishing.CannotPublish) as refusal:
        scene.publish(wish)
    assert "FF194" in str(refusal.value)
    assert not is_pinned(wish.sha256)


def test_every_warning_is_accepted_by_name_or_nothing_happens() -> None:
    """The round is open, so changing its rules is warned of; and nobody is in some of the groups here."""
    scene = a_scene()
    scene.change(COUNT)
    marks = scene.warnings()
    assert len(marks) > 1
    for accepted in ((), ["FF201"], marks[1:], [mark[:-1] for mark in marks]):
        with pytest.raises(publishing.NotAccepted):
            scene.propose(accepted=accepted)
    wish = scene.propose(accepted=marks)
    # What the file itself answers for is told beside.
    assert [each["mark"] for each in wish.account["warnings"] if not each["by"]] == marks
    assert any(each["by"] and each["because"] for each in wish.account["warnings"])
    assert any("is open by version 1, and this changes its rules" in each["says"] for each in wish.account["warnings"])
    assert scene.publish(wish).published_by == scene.second.id


def test_a_warning_that_the_file_could_answer_for_is_accepted_nowhere_else() -> None:
    scene = a_scene()
    scene.change(("forms:\n", "  watcher: {is: group, group: auditors, label: {en: W, fr: W}}\n\nforms:\n"))
    with pytest.raises(publishing.NotSigned) as refusal:
        scene.propose()
    assert "FF137" in str(refusal.value)
    line = "  - {code: FF137, at: roles.watcher, because: For the next round., by: 'Ines, 2026-11-20'}\n"
    scene.change(("accept:\n", f"accept:\n{line}"))
    wish = scene.propose()
    told = [each for each in wish.account["warnings"] if each["by"] == "Ines, 2026-11-20"]
    assert [each["because"] for each in told] == ["For the next round."]
    assert is_pinned(scene.publish(wish).sha256)


def test_an_example_that_is_not_as_it_says_keeps_it_from_being_proposed() -> None:
    scene = a_scene()
    scene.change(COUNT)
    stories = "cases/small_grant.yaml"
    text = scene.text(stories)
    wrong = text.replace("then: {state: review}", "then: {state: approved}", 1)
    assert wrong != text
    scene.save(wrong, path=stories)
    with pytest.raises(publishing.ExamplesFail) as refusal:
        scene.propose()
    assert "cases/small_grant.yaml:" in str(refusal.value)
    scene.save(text, path=stories)
    wish = scene.propose()
    assert wish.account["examples"]["count"] > 0 and wish.account["examples"]["text"] == text
    scene.publish(wish)
    # The next draft begins with them again.
    assert begun(wish.sha256, scene.first).files[stories] == text


def test_a_warning_that_came_up_since_has_nobodys_word() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    # A second round opens by these rules: nobody has said yet that it may be changed too.
    make.a_round()
    with pytest.raises(publishing.NotAccepted):
        scene.publish(wish)
    assert not is_pinned(wish.sha256)


def test_the_same_key_proposes_once_and_is_nobody_elses() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose(key="once")
    assert scene.propose(key="once").id == wish.id
    assert len(queries.waiting()) == 1
    with pytest.raises(KeyReused):
        scene.propose(by=scene.second, key="once")


def test_publishing_again_changes_nothing_and_nobody_else_answers_after() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    first = scene.publish(wish).answered_at
    assert scene.publish(wish).answered_at == first
    with pytest.raises(publishing.Answered):
        scene.publish(wish, by=make.a_person(groups=[make.MANAGERS]))
    with pytest.raises(publishing.Answered), transaction():
        publishing.send_back(wish.id, actor=make.acting(scene.second), answer="No")


def test_a_reason_is_needed_to_propose_and_to_send_back() -> None:
    scene = a_scene()
    scene.change(COUNT)
    with pytest.raises(ReasonMissing):
        scene.propose(reason="  ")
    wish = scene.propose()
    with pytest.raises(ReasonMissing), transaction():
        publishing.send_back(wish.id, actor=make.acting(scene.second), answer="")
    with transaction():
        back = publishing.send_back(wish.id, actor=make.acting(scene.second), answer="Ask the committee first.")
    assert (back.returned_by, back.answer) == (scene.second.id, "Ask the committee first.")
    with pytest.raises(publishing.Answered):
        scene.publish(wish)
    assert scene.now().status == "open"


def test_what_stood_in_the_proposal_is_what_is_published_or_nothing() -> None:
    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    with transaction():
        files = {**wish.files, wish.main: wish.files[wish.main].replace("count: 5", "count: 1")}
        db.session.execute(sa.update(Publication).where(Publication.id == wish.id).values(files=files))
    with pytest.raises(publishing.OtherText):
        scene.publish(wish)


def test_a_draft_of_one_workflow_does_not_become_another() -> None:
    scene = a_scene()
    scene.change(("workflow: small-grant", "workflow: global-cities-fund"))
    with pytest.raises(publishing.OtherWorkflow):
        scene.propose()


def test_nothing_that_differs_is_nothing_to_publish() -> None:
    scene = a_scene()
    scene.change(("version: 2", "version: 1"))
    with pytest.raises(publishing.NothingDiffers):
        scene.propose()


def test_a_published_version_is_chosen_for_a_round_and_an_unpublished_one_is_not() -> None:
    from fundflow.rounds import plans

    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    assert plans.workflow_named(wish.sha256) is None
    scene.publish(wish)
    chosen = plans.workflow_named(wish.sha256)
    assert chosen is not None and chosen.sha256 == wish.sha256
    assert plans.name_of(wish.sha256) == wish.sha256
    assert plans.name_of(scene.round.definition_sha) == "small-grant"


def test_where_no_feature_says_who_may_nobody_may(monkeypatch: pytest.MonkeyPatch) -> None:
    from fundflow.lifecycle import registry

    scene = a_scene()
    scene.change(COUNT)
    wish = scene.propose()
    monkeypatch.setattr(registry, "publisher_tests", [])
    with pytest.raises(Refused):
        publishing.publish(wish.id, actor=make.acting(scene.second), sha256=wish.sha256)
    with pytest.raises(Refused):
        publishing.publish(uuid4(), actor=make.acting(scene.second), sha256=wish.sha256)
