"""The answers of the large grant's demo can all be sent: nothing is missing, too long or does not add up."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fundflow import story_gcf as story
from fundflow.banking import numbers as bank_numbers
from fundflow.invented import PLACES
from fundflow.money import Money
from tests import factories as make

STARTS = date(2027, 1, 1)


def left_open(form_id: str, data: dict[str, Any]) -> list[str]:
    """What keeps these answers from being sent, but for files, which are uploads."""
    form = make.a_workflow("global-cities-fund").forms[form_id]
    assert set(data) <= set(form.fields), set(data) - set(form.fields)
    files = {name for name, field in form.fields.items() if field.type == "file"}
    return [f"{each.field}: {each.sentence.in_('en')}" for each in form.check(data, "USD") if each.field not in files]


@pytest.mark.parametrize("city", sorted(story.LARGE_PROJECTS))
def test_every_project_makes_a_whole_note_proposal_and_report(city: str) -> None:
    project = story.LARGE_PROJECTS[city]
    assert left_open("concept", story.concept(project, city, "Amara Diallo", "amara@city.example")) == []
    proposal = story.full_proposal(project, city, STARTS)
    assert left_open("proposal", proposal) == []
    indirect = sum(line["amount"]["minor"] for line in proposal["budget"] if line["kind"] == "indirect")
    assert 0 < indirect * 10 <= proposal["requested"]["minor"]
    assert proposal["ends_on"] == "2028-12-31"
    assert left_open("final_report", story.final_report(project, Money.of(project.requested, "USD"))) == []


@pytest.mark.parametrize("kind", ["award", "conditions", "reserve", "reject"])
def test_every_recommendation_is_whole(kind: str) -> None:
    assert left_open("decision", story.recommendation(kind, STARTS)) == []


def test_feedback_sheets_and_accounts_are_whole() -> None:
    for feedback in story.FEEDBACK.values():
        assert left_open("feedback", dict(feedback)) == []
    for sheets in story.SCORES.values():
        for figures in sheets:
            assert left_open("score", story.score_sheet(figures)) == []
    assert left_open("bank", story.bank_papers(STARTS)) == []
    for place in PLACES.values():
        account = bank_numbers.read(story.bank_account(place.name, place.country))
        assert (account.iban is not None) == (place.country in ("SN", "MZ", "JO", "UA")), place.name
