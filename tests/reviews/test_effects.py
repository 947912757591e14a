"""What workflows read of reviews, and what the audit trail keeps of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fundflow.db import db
from fundflow.lifecycle import registry
from fundflow.lifecycle.queries import last_event
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.reviews import effects, service
from tests.reviews.committee import FULL, Scene, actor

pytestmark = pytest.mark.usefixtures("app")


def test_the_fact_counts_the_present_generation_and_gives_the_mean() -> None:
    scene = Scene()
    rosa, ravi, rita = (scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
    assert effects.review_facts(scene.application, "panel") == {
        "assigned": 0, "submitted": 0, "recused": 0, "quorum_met": False, "score": None, "spread": None,
        "discussed": False,
    }  # fmt: skip
    first, second = scene.ready(rosa, ravi)
    (third,) = scene.ask(rita)
    service.declare(third.id, has_conflict=True, reason="Family", actor=actor(rita))
    scene.score(first, rosa)
    scene.score(second, ravi, {**FULL, "impact": "9"})

    assert effects.review_facts(scene.application, "panel") == {
        "assigned": 3,
        "submitted": 2,
        "recused": 1,
        "quorum_met": True,
        "score": Decimal("7.50"),
        "spread": Decimal("0.60"),
        "discussed": False,
    }


def test_a_decision_waits_for_the_quorum_and_reads_the_mean() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    first, second = scene.ready(rosa, ravi)
    scene.score(first, rosa, {**FULL, "impact": "0", "delivery": "0"})
    with pytest.raises(NotAllowed):
        scene.fire("approve")
    scene.score(second, ravi, {**FULL, "impact": "10", "delivery": "5"})
    with pytest.raises(NotAllowed) as refused:
        scene.fire("approve")
    assert "Score 5 is below 6." in str(refused.value)


def test_a_recusal_lowers_the_share_and_never_the_count() -> None:
    scene = Scene()
    people = [scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita", "Remi", "Rune")]
    *others, recused = scene.ask(*people)
    for place, person in zip(others, people, strict=False):
        service.declare(place.id, has_conflict=False, actor=actor(person))
    for place, person in list(zip(others, people, strict=False))[:2]:
        scene.score(place, person)
    assert not effects.review_facts(scene.application, "panel")["quorum_met"]
    service.declare(recused.id, has_conflict=True, reason="Family", actor=actor(people[-1]))
    service.withdraw(scene.committee(), others[3].id, "On leave", actor=actor(scene.manager))
    db.session.commit()

    facts = effects.review_facts(scene.application, "panel")
    assert (facts["assigned"], facts["recused"], facts["quorum_met"]) == (4, 1, True)


def test_mail_of_a_panel_reaches_those_who_hold_the_role_only() -> None:
    scene = Scene()
    rosa, ravi = scene.reviewer("Rosa Reader"), scene.reviewer("Ravi Reader")
    scene.ready(rosa)
    scene.ask(ravi)
    role = scene.committee().plan.workflow.roles["reviewer"]

    assert [person.email for person in registry.members_of(scene.application, role)] == [rosa.email]


def test_the_event_that_ends_a_review_keeps_the_digest_of_every_sent_sheet() -> None:
    scene = Scene()
    rosa, ravi, rita = (scene.reviewer(f"{name} Reader") for name in ("Rosa", "Ravi", "Rita"))
    places = scene.ready(rosa, ravi, rita)
    for place, person in zip(places[:2], (rosa, ravi), strict=True):
        scene.score(place, person)
    scene.fire("approve")

    event = last_event(scene.application.id, "approve")
    assert event is not None
    (note,) = [each for each in event.body["notes"] if "reviews" in each]
    kept = note["reviews"]["panel"]
    assert (kept["generation"], kept["assigned"], kept["submitted"], kept["score"]) == (1, 3, 2, "7.20")
    assert {sheet["id"] for sheet in kept["sheets"]} == {str(place.id) for place in places[:2]}
    assert all(len(sheet["sha256"]) == 64 for sheet in kept["sheets"])
