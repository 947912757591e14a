"""Drafts, sending, and who may read a sheet when."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.reviews import committees, queries, service
from tests.people import a_group_member
from tests.reviews.committee import FULL, MAIN, Scene, a_workflow, actor, place_of

pytestmark = pytest.mark.usefixtures("app")


def test_a_draft_is_kept_unjudged_with_the_total_so_far() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)

    first = service.save(place.id, {"impact": "8"}, revision=0, actor=actor(rosa))
    second = service.save(place.id, FULL, revision=first.revision, actor=actor(rosa))
    db.session.commit()

    assert (first.revision, first.total.value, first.total.scored) == (1, None, 1)
    assert (second.revision, second.total.value) == (2, Decimal("7.20"))
    assert queries.place_for(actor(rosa), place.id).step == "draft"


def test_a_save_from_an_older_tab_is_told_and_changes_nothing() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    service.save(place.id, {"impact": "8"}, revision=0, actor=actor(rosa))
    db.session.commit()

    with pytest.raises(service.StaleSheet) as stale:
        service.save(place.id, {"impact": "2"}, revision=0, actor=actor(rosa))
    assert (stale.value.theirs, stale.value.mine, stale.value.revision) == ({"impact": "8"}, {"impact": "2"}, 1)
    assert service.save(place.id, {"impact": "8"}, revision=0, actor=actor(rosa)).revision == 1
    assert place_of(scene.application.id, rosa).data == {"impact": "8"}


def test_sending_needs_every_score_and_every_reason_and_is_final() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    for data in ({}, {**FULL, "impact": "11"}, {**FULL, "delivery": "5.5"}, {**FULL, "impact_why": "  "}):
        saved = service.save(place.id, data, revision=place.revision, actor=actor(rosa))
        with pytest.raises(service.SheetUnfinished):
            service.send(place.id, revision=saved.revision, actor=actor(rosa))
    scene.score(place, rosa)

    assert place.score == Decimal("7.20")
    with pytest.raises(service.AlreadySent):
        service.send(place.id, revision=place.revision, actor=actor(rosa))
    with pytest.raises(service.AlreadySent):
        service.save(place.id, {}, revision=place.revision, actor=actor(rosa))
    with pytest.raises(service.AlreadyDeclared):
        service.declare(place.id, has_conflict=True, reason="Too late", actor=actor(rosa))


def test_what_was_saved_after_the_check_page_was_opened_is_not_sent_unseen() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    seen = service.save(place.id, FULL, revision=0, actor=actor(rosa))
    service.save(place.id, {**FULL, "impact": "1"}, revision=seen.revision, actor=actor(rosa))

    with pytest.raises(service.StaleSheet):
        service.send(place.id, revision=seen.revision, actor=actor(rosa))


def test_nothing_can_be_written_before_the_declaration() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ask(rosa)

    with pytest.raises(service.NotDeclared):
        service.save(place.id, FULL, revision=0, actor=actor(rosa))
    with pytest.raises(service.NotDeclared):
        service.send(place.id, revision=0, actor=actor(rosa))


def test_others_sheets_are_hidden_until_ones_own_is_sent_and_drafts_always() -> None:
    scene = Scene()
    rosa, ravi, rita = (scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
    first, second, third = scene.ready(rosa, ravi, rita)
    scene.score(first, rosa)
    scene.score(third, rita, send=False)

    with pytest.raises(NotFound):
        queries.sheet_for(actor(ravi), first.id)
    assert queries.peers_of(actor(ravi), queries.place_for(actor(ravi), second.id)) == []
    scene.score(second, ravi)

    assert queries.sheet_for(actor(ravi), first.id).review.id == first.id
    peers = queries.peers_of(actor(ravi), queries.place_for(actor(ravi), second.id))
    assert [each.review.id for each in peers] == [first.id]
    with pytest.raises(NotFound):
        queries.sheet_for(actor(ravi), third.id)


def test_a_recused_reviewer_and_the_applicant_never_read_a_sheet() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    (first,) = scene.ready(rosa)
    (second,) = scene.ask(ravi)
    scene.score(first, rosa)
    service.declare(second.id, has_conflict=True, reason="Family", actor=actor(ravi))
    db.session.commit()

    for person in (ravi, scene.applicant):
        with pytest.raises(NotFound):
            queries.sheet_for(actor(person), first.id)
        with pytest.raises(NotFound):
            committees.committee_for(actor(person), scene.application.id)


def test_the_applying_team_reads_no_sheet_even_where_a_workflow_opens_reviews_to_it() -> None:
    open_to_all = MAIN.replace(
        "approved: {final: success, view: {applicant: [proposal]",
        "approved: {final: success, view: {applicant: [proposal, panel]",
    )
    scene = Scene(workflow=a_workflow(open_to_all))
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    places = scene.ready(rosa, ravi)
    for place, person in zip(places, (rosa, ravi), strict=True):
        scene.score(place, person)
    scene.fire("approve")

    with pytest.raises(NotFound):
        queries.sheet_for(actor(scene.applicant), places[0].id)
    with pytest.raises(NotFound):
        committees.committee_for(actor(scene.applicant), scene.application.id)


def test_those_whose_cell_has_the_review_read_sent_sheets_and_figures_and_nobody_else_does() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    first, second = scene.ready(rosa, ravi)
    auditor = a_group_member("auditors", "otto@audit.example")
    finance = a_group_member("finance", "fin@fund.example")
    scene.score(second, ravi, send=False)
    with pytest.raises(NotFound):
        queries.sheet_for(actor(scene.manager), first.id)
    scene.score(first, rosa)

    for person in (scene.manager, auditor):
        assert queries.sheet_for(actor(person), first.id).review.score == Decimal("7.20")
        assert scene.committee(by=person).may_see_figures
        with pytest.raises(NotFound):
            queries.sheet_for(actor(person), second.id)
    with pytest.raises(NotFound):
        queries.sheet_for(actor(finance), first.id)
    with pytest.raises(NotFound):
        queries.sheet_for(actor(scene.manager), uuid4())


def test_a_manager_who_reviews_the_case_sees_no_figures_before_sending() -> None:
    from fundflow.accounts.models import GroupMember

    scene = Scene()
    both, rosa = scene.reviewer("Bo Both"), scene.reviewer("Rosa Reader")
    db.session.add(GroupMember(user_id=both.id, group="fund-managers"))
    db.session.commit()
    mine, theirs = scene.ready(both, rosa)
    scene.score(theirs, rosa)

    committee = scene.committee(by=both)
    assert (committee.may_assign, committee.may_see_figures) == (True, False)
    assert [place.total for place in committees.places_of(committee)] == [None, None]
    with pytest.raises(NotFound):
        queries.sheet_for(actor(both), theirs.id)
    scene.score(mine, both)
    assert scene.committee(by=both).may_see_figures
    assert queries.sheet_for(actor(both), theirs.id).review.id == theirs.id


def test_a_withdrawn_place_opens_nothing_to_its_reviewer() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    service.withdraw(scene.committee(), place.id, "On leave", actor=actor(scene.manager))
    db.session.commit()

    with pytest.raises(NotFound):
        queries.place_for(actor(rosa), place.id)
    with pytest.raises(NotFound):
        service.save(place.id, FULL, revision=0, actor=actor(rosa))


def test_when_the_state_is_left_an_unsent_sheet_is_kept_to_read_and_does_not_count() -> None:
    scene = Scene()
    rosa, ravi, rita = (scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
    first, second, third = scene.ready(rosa, ravi, rita)
    scene.score(first, rosa)
    scene.score(second, ravi)
    scene.score(third, rita, {"impact": "1"}, send=False)
    scene.fire("approve")

    case = queries.place_for(actor(rita), third.id)
    assert (case.step, case.is_overdue, case.review.data) == ("closed", False, {"impact": "1"})
    for attempt in (
        lambda: service.save(third.id, FULL, revision=1, actor=actor(rita)),
        lambda: service.send(third.id, revision=1, actor=actor(rita)),
    ):
        with pytest.raises(service.ReviewClosed):
            attempt()
    assert queries.progress(scene.application.id, "panel").submitted == 2
    assert queries.place_for(actor(rosa), first.id).step == "sent"


def test_when_the_application_ends_in_the_state_of_the_review_its_sheets_close() -> None:
    scene = Scene()
    rosa = scene.reviewer()
    (place,) = scene.ready(rosa)
    scene.fire("withdraw", by=scene.applicant)

    with pytest.raises(service.ReviewClosed):
        service.save(place.id, FULL, revision=0, actor=actor(rosa))
    assert queries.place_for(actor(rosa), place.id).step == "closed"


def test_coming_back_to_the_review_begins_a_new_generation_that_counts_alone() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    first, second = scene.ready(rosa, ravi)
    scene.score(first, rosa)
    scene.fire("send_back")
    scene.fire("submit", by=scene.applicant)

    found = queries.progress(scene.application.id, "panel")
    assert (found.generation, found.assigned, found.submitted, found.score) == (2, 0, 0, None)
    from fundflow.lifecycle import commands

    assert commands.roles_of(scene.application, actor(rosa)) == frozenset()
    assert queries.place_for(actor(ravi), second.id).step == "closed"
    rosa_again = {each.name: each for each in committees.candidates_for(scene.committee())}["Rosa Reader"]
    assert (rosa_again.is_free, rosa_again.was_before) == (True, True)
    (again,) = scene.ready(rosa)
    assert again.generation == 2
    assert not queries.sheet_for(actor(scene.manager), first.id).is_current
    scene.score(again, rosa, {**FULL, "impact": "10", "delivery": "5"})
    assert queries.progress(scene.application.id, "panel").score == Decimal("10.00")
    with pytest.raises(service.ReviewClosed):
        service.send(second.id, revision=0, actor=actor(ravi))


def test_whoever_left_a_case_reads_no_sheet_and_asks_nobody_when_it_comes_to_review_again() -> None:
    from fundflow.accounts.models import GroupMember

    scene = Scene()
    both, rosa = scene.reviewer("Bo Both"), scene.reviewer("Rosa Reader")
    db.session.add(GroupMember(user_id=both.id, group="fund-managers"))
    db.session.commit()
    (theirs,) = scene.ready(rosa)
    (mine,) = scene.ask(both)
    scene.score(theirs, rosa)
    service.declare(mine.id, has_conflict=True, reason="Family", actor=actor(both))
    db.session.commit()
    scene.fire("send_back")
    scene.fire("submit", by=scene.applicant)

    with pytest.raises(NotFound):
        queries.sheet_for(actor(both), theirs.id)
    with pytest.raises(NotFound):
        committees.committee_for(actor(both), scene.application.id)
