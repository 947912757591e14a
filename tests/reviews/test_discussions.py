"""That a committee talked a case over: who may say so, what the workflow reads, and the one revision after it."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from fundflow.accounts.models import GroupMember, User
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.jobs.models import Job
from fundflow.lifecycle import acts
from fundflow.lifecycle.queries import last_event
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.reviews import committees, discussions, effects, queries, service
from fundflow.reviews.models import Review
from tests.people import a_group_member, sign_in
from tests.reviews.committee import DISCUSSED, FULL, Scene, a_workflow, actor, place_of
from tests.reviews.test_pages import page, words

pytestmark = pytest.mark.usefixtures("app")

LOW = {**FULL, "impact": "3"}


class Stage(Scene):
    """Three reviewers, of whom two sent and lie apart, and a chair."""

    def __init__(self) -> None:
        super().__init__(workflow=a_workflow(DISCUSSED))
        self.chair = a_group_member("committee-chairs", "cleo@fund.example")
        self.chair.name = "Cleo Chair"
        self.rosa, self.ravi, self.rita = (self.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
        self.first, self.second, self.third = self.ready(self.rosa, self.ravi, self.rita)
        self.score(self.first, self.rosa)
        self.score(self.second, self.ravi, LOW)

    def discuss(self, by: User | None = None, minutes: str = "We weighed the delivery again.") -> None:
        """The chair records a discussion. Committed."""
        db.session.refresh(self.application)
        who = by or self.chair
        service.discuss(
            self.committee(by=who),
            minutes,
            key=uuid4().hex,
            revision=self.application.revision,
            actor=actor(who),
        )
        db.session.commit()

    def is_discussed(self) -> object:
        return effects.review_facts(self.application, "panel")["discussed"]


def written_to(template: str) -> set[str]:
    jobs = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))
    return {job.payload["email"] for job in jobs if job.payload["template"] == template}


def test_a_discussion_is_an_event_with_its_minutes_and_a_fact_of_the_workflow() -> None:
    stage = Stage()
    assert stage.is_discussed() is False
    stage.discuss()

    assert stage.is_discussed() is True
    event = last_event(stage.application.id, "discuss")
    assert event is not None
    assert (event.subject, event.actor_id, event.reason) == ("panel", stage.chair.id, "We weighed the delivery again.")
    found = discussions.discussion_of(stage.application, stage.committee().plan)
    assert found is not None
    assert (found.by, found.minutes) == ("Cleo Chair", "We weighed the delivery again.")
    assert written_to("review_discussed") == {stage.rosa.email, stage.ravi.email}


def test_only_the_chair_records_a_discussion_and_only_with_minutes() -> None:
    stage = Stage()
    with pytest.raises(service.MinutesNeeded):
        stage.discuss(minutes=" \n ")
    with pytest.raises(NotFound):
        stage.discuss(by=stage.manager)
    for person in (stage.rosa, stage.manager, stage.applicant):
        with pytest.raises(NotAllowed):
            acts.discuss(
                stage.application.id,
                "panel",
                actor=actor(person),
                key=uuid4().hex,
                revision=stage.application.revision,
                reason="Said",
            )
    assert stage.is_discussed() is False


def test_fewer_than_two_sheets_cannot_be_discussed() -> None:
    scene = Scene(workflow=a_workflow(DISCUSSED))
    chair, rosa = a_group_member("committee-chairs", "cleo@fund.example"), scene.reviewer()
    (place,) = scene.ready(rosa)
    scene.score(place, rosa)
    with pytest.raises(service.TooFewToDiscuss):
        service.discuss(
            scene.committee(by=chair),
            "Said",
            key=uuid4().hex,
            revision=scene.application.revision,
            actor=actor(chair),
        )
    assert last_event(scene.application.id, "discuss") is None


def test_a_chair_who_reviews_the_case_sees_no_figures_and_records_nothing_before_sending() -> None:
    stage = Stage()
    db.session.add(GroupMember(user_id=stage.rita.id, group="committee-chairs"))
    db.session.commit()
    committee = stage.committee(by=stage.rita)
    assert (committee.may_see_figures, committee.may_discuss) == (False, False)
    assert discussions.apart_of(committee, committees.places_of(committee)) == []
    with pytest.raises(service.SendFirst):
        acts.discuss(
            stage.application.id,
            "panel",
            actor=actor(stage.rita),
            key=uuid4().hex,
            revision=stage.application.revision,
            reason="Said",
        )
    stage.score(place_of(stage.application.id, stage.rita), stage.rita)
    stage.discuss(by=stage.rita)

    assert stage.is_discussed() is True


def test_after_a_discussion_a_sent_sheet_is_revised_once_and_the_first_is_kept() -> None:
    stage = Stage()
    rosa = actor(stage.rosa)
    with pytest.raises(service.NotDiscussed):
        service.revise(stage.first.id, LOW, revision=stage.first.revision, actor=rosa)
    stage.discuss()
    with pytest.raises(service.SheetUnfinished):
        service.revise(stage.first.id, {**LOW, "impact": ""}, revision=stage.first.revision, actor=rosa)
    with pytest.raises(service.StaleSheet):
        service.revise(stage.first.id, LOW, revision=99, actor=rosa)
    before = effects.review_facts(stage.application, "panel")
    service.revise(stage.first.id, LOW, revision=stage.first.revision, actor=rosa)
    db.session.commit()

    place = place_of(stage.application.id, stage.rosa)
    assert (place.first_data, place.first_score) == (FULL, Decimal("7.20"))
    assert (place.data, place.score, place.is_revised) == (LOW, Decimal("4.20"), True)
    after = effects.review_facts(stage.application, "panel")
    assert (before["spread"], after["spread"], after["score"]) == (Decimal("3.00"), Decimal("0.00"), Decimal("4.20"))
    with pytest.raises(service.AlreadyRevised):
        service.revise(place.id, FULL, revision=place.revision, actor=rosa)
    stage.discuss(minutes="Once more.")
    with pytest.raises(service.AlreadyRevised):
        service.revise(place.id, FULL, revision=place.revision, actor=rosa)


def test_who_sent_after_the_discussion_or_not_yet_has_nothing_to_revise() -> None:
    stage = Stage()
    stage.discuss()
    with pytest.raises(service.NotDiscussed):
        service.revise(stage.third.id, FULL, revision=0, actor=actor(stage.rita))
    stage.score(stage.third, stage.rita)
    with pytest.raises(service.NotDiscussed):
        service.revise(stage.third.id, LOW, revision=stage.third.revision, actor=actor(stage.rita))
    with pytest.raises(NotFound):
        service.revise(stage.first.id, LOW, revision=stage.first.revision, actor=actor(stage.ravi))


def test_a_review_that_begins_anew_was_not_discussed_and_the_old_sheets_stay_as_they_are() -> None:
    stage = Stage()
    stage.discuss()
    stage.fire("send_back")
    assert stage.is_discussed() is True
    stage.fire("submit", by=stage.applicant)

    assert stage.is_discussed() is False
    with pytest.raises(service.ReviewClosed):
        service.revise(stage.first.id, LOW, revision=stage.first.revision, actor=actor(stage.rosa))


def test_the_event_that_ends_the_review_keeps_the_digest_of_both_sheets() -> None:
    stage = Stage()
    stage.discuss()
    stage.score(stage.third, stage.rita, {**FULL, "impact": "10", "delivery": "5"})
    better = {**FULL, "impact": "9"}
    service.revise(stage.second.id, better, revision=stage.second.revision, actor=actor(stage.ravi))
    db.session.commit()
    stage.fire("approve")

    event = last_event(stage.application.id, "approve")
    assert event is not None
    (note,) = [each for each in event.body["notes"] if "reviews" in each]
    firsts = {sheet["id"]: sheet.get("first") for sheet in note["reviews"]["panel"]["sheets"]}
    assert firsts[str(stage.first.id)] is None
    assert firsts[str(stage.second.id)]["score"] == "4.20"
    assert len(firsts[str(stage.second.id)]["sha256"]) == 64


def test_the_pages_of_a_discussion_and_of_a_revision(client: FlaskClient) -> None:
    stage = Stage()
    committee = f"/applications/{stage.application.id}/reviewers"
    shown = words(page(client, committee, stage.chair))
    assert "differ by more than two points: Impact." in shown
    assert "Record the discussion" in shown
    form = page(client, f"{committee}/discussion")
    assert "Not sent yet: Rita Reader." in words(form)
    key = form.partition('name="key" type="hidden" value="')[2].partition('"')[0]
    db.session.refresh(stage.application)
    sent = {"key": key, "revision": str(stage.application.revision), "minutes": "We weighed it\n\nagain."}
    assert client.post(f"{committee}/discussion", data={**sent, "minutes": " "}).status_code == 422
    stale = client.post(f"{committee}/discussion", data={**sent, "revision": "0"})
    assert (stale.status_code, "We weighed it" in stale.text) == (409, True)
    for _press in range(2):
        assert client.post(f"{committee}/discussion", data=sent).status_code == 303
    assert "Cleo Chair recorded the discussion" in words(page(client, committee))
    assert stage.is_discussed() is True
    page(client, f"{committee}/discussion", stage.manager, 404)

    own = page(client, f"/reviews/{stage.first.id}", stage.rosa)
    assert "Revise your sheet" in own and "We weighed it" in own
    assert "This is a revision after the discussion." in words(page(client, f"/reviews/{stage.first.id}/revise"))
    wrong = client.post(
        f"/reviews/{stage.first.id}/revise", data={**LOW, "impact_why": "", "delivery_why": "Kept", "revision": "1"}
    )
    assert (wrong.status_code, "Kept" in wrong.text) == (422, True)
    stale = client.post(f"/reviews/{stage.first.id}/revise", data={**LOW, "delivery_why": "Kept", "revision": "7"})
    assert (stale.status_code, "Kept" in stale.text) == (409, True)
    done = client.post(f"/reviews/{stage.first.id}/revise", data={**LOW, "revision": "1"})
    assert done.status_code == 303
    assert "The sheet as you first sent it" in page(client, f"/reviews/{stage.first.id}")
    assert client.get(f"/reviews/{stage.first.id}/revise").status_code == 303
    both = words(page(client, f"/reviews/{stage.first.id}", stage.manager))
    assert "The sheet as it was first sent" in both and "4.20" in both and "7.20" in both
    assert "first 7.20" in words(page(client, committee))


def test_minutes_are_hidden_from_the_team_and_from_who_has_not_sent(client: FlaskClient) -> None:
    stage = Stage()
    stage.discuss(minutes="Nobody outside should read this.")
    for person, path in (
        (stage.applicant, f"/applications/{stage.application.id}"),
        (stage.rita, f"/applications/{stage.application.id}"),
        (stage.rita, f"/reviews/{stage.third.id}"),
        (stage.manager, f"/applications/{stage.application.id}"),
    ):
        assert "Nobody outside" not in page(client, path, person)
    assert "Discussed by the committee" in page(client, f"/applications/{stage.application.id}", stage.manager)
    assert "Nobody outside" in page(client, f"/reviews/{stage.first.id}", stage.rosa)


def test_withdrawing_an_application_cancels_its_reviews_and_tells_who_still_owed_a_sheet() -> None:
    stage = Stage()
    sana = stage.reviewer("Sana Second")
    stage.ask(sana)
    stage.score(stage.third, stage.rita, {"impact": "1"}, send=False)
    stage.fire("withdraw", by=stage.applicant)

    assert written_to("review_cancelled") == {stage.rita.email, sana.email}
    closed = {row.reviewer_id for row in db.session.scalars(sa.select(Review).where(Review.closed_at.is_not(None)))}
    assert closed == {stage.rita.id, sana.id}
    case = queries.place_for(actor(stage.rita), stage.third.id)
    assert (case.step, case.review.data) == ("closed", {"impact": "1"})
    event = last_event(stage.application.id, "withdraw")
    assert event is not None and len(event.body["effects"][0]["cancel"]) == 2
    with pytest.raises(service.ReviewClosed):
        service.save(stage.third.id, FULL, revision=1, actor=actor(stage.rita))


def test_what_arrives_after_the_close_is_kept_marked_and_not_counted(client: FlaskClient) -> None:
    stage = Stage()
    stage.score(stage.third, stage.rita, {"impact": "1"}, send=False)
    with pytest.raises(service.NotLate):
        service.keep_late(stage.third.id, FULL, revision=1, actor=actor(stage.rita))
    stage.fire("send_back")
    sign_in(client, stage.rita)
    late = client.post(f"/reviews/{stage.third.id}", data={**FULL, "revision": "1", "send": "yes"})
    assert late.status_code == 303
    shown = words(page(client, f"/reviews/{stage.third.id}"))
    assert "Late, not counted" in shown and "Well argued." in shown

    place = place_of(stage.application.id, stage.rita)
    assert (place.data["impact"], place.sent_at, place.score) == ("8", None, None)
    assert place.late_at is not None
    assert queries.progress(stage.application.id, "panel").submitted == 2
    again = client.post(f"/reviews/{stage.third.id}", data={**FULL, "impact": "2", "revision": "1"})
    assert again.status_code == 409
    sent = client.post(f"/reviews/{stage.first.id}/send", data={"revision": "1"})
    assert sent.status_code == 404
    db.session.expire_all()
    assert words(page(client, f"/applications/{stage.application.id}/reviewers", stage.manager)).count("Late, not") == 1
