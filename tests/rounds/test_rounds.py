"""Rounds are planned, published, cloned and changed only in the applicants' favour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.errors import Forbidden, NotFound
from fundflow.ledger.queries import balance
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import ANONYMOUS, SYSTEM, Actor
from fundflow.lifecycle.models import Timer
from fundflow.money import Money
from fundflow.rounds import plans, policy, queries, service
from fundflow.rounds.plans import Plan, WrongRound
from fundflow.rounds.service import RoundChanged
from tests import factories
from tests.rounds.plans import a_draft, a_plan
from tests.workflow.files import changed

BEFORE = datetime(2026, 12, 1, 12, tzinfo=UTC)


def problems(plan: Plan) -> dict[str, str]:
    return {field: str(problem) for field, problem in plans.problems_of(plan).items()}


def test_everything_wrong_with_a_plan_is_said_at_once_and_at_its_field(app: Flask) -> None:
    wrong = a_plan(
        title=" ",
        slug="Not An Address",
        new_window="",
        workflow="huge-grant",
        opens_wall="2027-03-28T02:30",
        cap=Money.of("500000", "EUR"),
    )
    assert set(problems(wrong)) == {"title", "slug", "new_window", "workflow", "opens", "budget"}
    assert problems(a_plan()) == {}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"closes_wall": "2027-01-01T09:00"}, "closes", "must close after it opens"),
        ({"closes_wall": "2027-03-28T02:30"}, "closes", "does not exist in Europe/Paris"),
        ({"zone": "Paris"}, "zone", "not a time zone"),
        ({"currency": "EURO"}, "currency", "not a currency code"),
        ({"currency": "XAU"}, "currency", "not a currency code"),
        ({"cap": Money.of("4999.99", "EUR")}, "cap", "below the smallest"),
        ({"budget": Money.of("49999.99", "EUR")}, "budget", "does not cover even one grant"),
        ({"budget": Money.zero("EUR")}, "budget", "above zero"),
        ({"slug": "new"}, "slug", "does not fit"),
        ({"slug": "a" * 81}, "slug", "at most 80"),
        ({"title": "x" * 201}, "title", "at most 200"),
    ],
)
def test_plan_that_contradicts_itself_is_refused_in_a_sentence(
    app: Flask, changes: dict[str, object], field: str, says: str
) -> None:
    found = problems(a_plan(**changes))
    assert list(found) == [field]
    assert says in found[field]


def test_a_workflow_that_names_amounts_needs_a_round_in_its_currency(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = changed("application.requested <= round.cap", "application.requested <= round.cap + money('5')")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert problems(a_plan(currency="USD")) == {}
    monkeypatch.setattr(definitions, "FOLDER", tmp_path)
    assert problems(a_plan(currency="EUR")) == {}
    found = problems(a_plan(currency="USD"))
    assert found == {"currency": "This workflow names amounts in EUR, so its rounds must be in EUR too."}


def test_closing_a_minute_after_opening_on_another_clock_reading_is_allowed_where_the_clocks_go_back(
    app: Flask,
) -> None:
    # 01:59 happens before 02:00 happens for the second time: an hour and a minute later.
    assert problems(a_plan(opens_wall="2027-10-31T01:59", closes_wall="2027-10-31T02:00")) == {}


def test_address_can_be_used_once(app: Flask) -> None:
    a_draft()
    assert "already" in problems(a_plan())["slug"]


def test_address_is_made_from_the_title() -> None:
    assert plans.slug_of("Économie & inclusion — 2027!") == "economie-inclusion-2027"
    assert plans.slug_of("город") == ""


def test_publishing_pins_the_workflow_and_appropriates_the_budget(app: Flask) -> None:
    with clock.standing_at(BEFORE), transaction():
        round_ = service.publish(a_draft(), actor=SYSTEM)
    assert round_.definition_sha == factories.a_workflow().sha256
    assert definitions.get(round_.definition_sha).id == "small-grant"
    assert balance(round_.id).available == Money.of("100000", "EUR")


def test_round_whose_deadline_passed_is_not_published(app: Flask) -> None:
    with clock.standing_at(datetime(2027, 4, 1, tzinfo=UTC)), pytest.raises(WrongRound, match="already passed"):
        service.publish(a_draft(), actor=SYSTEM)


def test_round_is_published_once(app: Flask) -> None:
    with clock.standing_at(BEFORE):
        round_ = service.publish(a_draft(), actor=SYSTEM)
        with pytest.raises(service.AlreadyPublished):
            service.publish(round_, actor=SYSTEM)


@pytest.mark.parametrize(
    "changes",
    [
        {"slug": "other"},
        {"zone": "UTC"},
        {"opens_wall": "2027-01-02T09:00"},
        {"floor": Money.of("1", "EUR")},
        {"cap": Money.of("60000", "EUR")},
        {"budget": Money.of("200000", "EUR")},
        {"workflow": "other"},
    ],
)
def test_what_cities_rely_on_is_fixed_by_publishing(app: Flask, changes: dict[str, Any]) -> None:
    with clock.standing_at(BEFORE):
        round_ = service.publish(a_draft(), actor=SYSTEM)
        plan = replace(plans.plan_of(round_), **changes)
        with pytest.raises(WrongRound, match="fixed"):
            service.edit_round(round_, plan, revision=round_.revision, actor=SYSTEM)


def test_published_round_never_closes_earlier(app: Flask) -> None:
    with clock.standing_at(BEFORE):
        round_ = service.publish(a_draft(), actor=SYSTEM)
        sooner = replace(plans.plan_of(round_), closes_wall="2027-03-31T16:59")
        with pytest.raises(WrongRound, match="never earlier"):
            service.edit_round(round_, sooner, revision=round_.revision, actor=SYSTEM)


def test_later_closing_time_moves_the_deadline_of_every_draft(app: Flask) -> None:
    round_ = factories.a_round()
    application = factories.an_application(round_)
    later = (round_.closes_at + timedelta(days=7)).replace(second=0, microsecond=0)
    with transaction():
        round_ = queries.round_for(SYSTEM, round_.id)
        wall = later.astimezone(ZoneInfo(round_.zone)).strftime("%Y-%m-%dT%H:%M")
        plan = replace(plans.plan_of(round_), closes_wall=wall, text="More time for everyone.")
        service.edit_round(round_, plan, revision=round_.revision, actor=SYSTEM)
    db.session.expire_all()
    timer = db.session.scalars(sa.select(Timer).where(Timer.application_id == application.id)).one()
    assert timer.due_at == round_.closes_at == later


def test_two_managers_do_not_overwrite_each_other(app: Flask) -> None:
    round_ = a_draft()
    seen = round_.revision
    service.edit_round(round_, replace(plans.plan_of(round_), text="Mine"), revision=seen, actor=SYSTEM)
    with pytest.raises(RoundChanged):
        service.edit_round(round_, replace(plans.plan_of(round_), text="Theirs"), revision=seen, actor=SYSTEM)
    assert round_.text == "Mine"


def test_clone_is_a_draft_with_the_same_terms_a_year_later_under_its_own_address(app: Flask) -> None:
    manager = factories.acting(factories.a_person(groups=["fund-managers"]))
    with clock.standing_at(BEFORE):
        source = service.publish(a_draft(), actor=SYSTEM)
        copy = service.clone_round(source, actor=manager)
        again = service.clone_round(source, actor=manager)
    assert (copy.slug, again.slug) == ("small-2027-2", "small-2027-3")
    assert (copy.status, copy.cloned_from_id) == ("draft", source.id)
    assert (copy.opens_wall, copy.closes_wall) == ("2027-12-31T09:00", "2028-03-29T17:00")
    assert (copy.floor, copy.cap, copy.budget) == (source.floor, source.cap, source.budget)


def test_clone_into_an_hour_that_the_clocks_skip_moves_an_hour_on(app: Flask) -> None:
    manager = factories.acting(factories.a_person(groups=["fund-managers"]))
    source = a_draft(closes_wall="2026-03-29T04:30", opens_wall="2026-01-01T09:00")
    source.closes_wall = "2026-03-29T02:30"  # as a round of an older zone database could stand there
    copy = service.clone_round(source, actor=manager)
    assert copy.closes_wall == "2027-03-28T03:30"


def test_manager_of_one_round_sees_and_changes_only_that_one(app: Flask) -> None:
    with transaction():
        mine, other = a_draft(slug="mine"), a_draft(slug="other")
    person = factories.a_person(groups=[("fund-managers", mine)])
    actor = factories.acting(person)
    assert [each.slug for each in queries.managed_rounds(actor)] == ["mine"]
    assert queries.managed_round_for(actor, "mine").id == mine.id
    with pytest.raises(NotFound):
        queries.managed_round_for(actor, "other")
    with pytest.raises(NotFound):
        queries.round_for(actor, "other")
    with pytest.raises(Forbidden):
        service.edit_round(other, plans.plan_of(other), revision=other.revision, actor=actor)
    with pytest.raises(Forbidden):
        service.create_round(a_plan(slug="third"), actor=actor)
    with pytest.raises(Forbidden):
        service.clone_round(mine, actor=actor)


def test_draft_is_seen_by_managers_and_auditors_only(app: Flask) -> None:
    with transaction():
        round_ = a_draft()
    for group in ("fund-managers", "auditors"):
        assert queries.round_for(factories.acting(factories.a_person(groups=[group])), round_.slug).id == round_.id
    for actor in (ANONYMOUS, *(factories.acting(factories.a_person(groups=[g])) for g in ("finance", "reviewers"))):
        with pytest.raises(NotFound):
            queries.round_for(actor, round_.slug)


def test_lists_follow_the_clock(app: Flask) -> None:
    with clock.standing_at(BEFORE), transaction():
        service.publish(a_draft(), actor=SYSTEM)
    opens, closes = datetime(2027, 1, 1, 8, tzinfo=UTC), datetime(2027, 3, 31, 15, tzinfo=UTC)
    second = timedelta(seconds=1)
    assert [len(each(opens - second)) for each in LISTS] == [0, 1, 0]
    assert [len(each(opens)) for each in LISTS] == [1, 0, 0]
    assert [len(each(closes - second)) for each in LISTS] == [1, 0, 0]
    assert [len(each(closes)) for each in LISTS] == [0, 0, 1]


LISTS = (queries.open_rounds, queries.upcoming_rounds, queries.closed_rounds)


def test_nobody_manages_without_a_membership() -> None:
    assert not policy.may_create(Actor(id=None, name="x"))
    assert str(policy.managed_by(ANONYMOUS)) == "false"
