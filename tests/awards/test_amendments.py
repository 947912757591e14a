"""Amendments of the large grant: one agreed change moves plan, payments, reports, money and agreement together."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.applications import queries as applications
from fundflow.applications import service
from fundflow.awards import versions
from fundflow.awards.models import Document
from fundflow.db import db
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import audit, children
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.money import Money
from tests import factories as make
from tests.awards.large import LargeGrant


def _now(grant: LargeGrant) -> Application:
    return db.session.get_one(Application, grant.application.id, populate_existing=True)


def _parts(grant: LargeGrant) -> dict[str, tuple[str, int]]:
    rows = children.rows_of(grant.application.id, "tranche")
    return {row.key: (row.state, row.fields["amount"]["minor"]) for row in rows}


def _line(item: str, minor: int) -> dict[str, Any]:
    return {"item": item, "kind": "staff", "amount": {"minor": minor, "currency": "USD"}}


def _payment(nr: int, minor: int, due: str = "2031-01-01") -> dict[str, Any]:
    return {"nr": str(nr), "condition": "By then", "due": due, "amount": {"minor": minor, "currency": "USD"}}


def _plan(grant: LargeGrant) -> list[dict[str, Any]]:
    row = applications.answers_row(grant.application.id, "proposal")
    assert row is not None
    return list(row.data["plan"])


def test_more_time_moves_the_end_the_timers_and_the_agreement(app: Flask) -> None:
    grant = LargeGrant("active")
    grant.opened("1", "dates")
    form, is_open = service.readable_form(grant.application, "amendment:1:amended_plan", make.acting(grant.focal))
    assert is_open
    assert set(form.fields) == {"new_ends_on"}, "only what was asked for is there at all"
    grant.amended("1", new_ends_on=grant.new_end.isoformat())
    newest, first = versions.versions_of(_now(grant), "en")
    assert (first.number, first.changes) == (1, [])
    [change] = newest.changes
    assert (change["part"], change["field"], change["becomes"]) == ("time", "ends_on", grant.new_end.isoformat())
    assert newest.document.facts["agreement"]["number"].endswith("/2")
    paper = db.session.scalars(sa.select(Document).where(Document.kind == "plan_amendment")).first()
    assert paper is not None
    assert paper.facts["changes"] == newest.changes
    grant.press("ask_amendment", grant.focal)
    grant.write(
        "amendment:2:amendment_request", grant.focal, {"touches": ["dates"], "because": "other", "account": "Again."}
    )
    with pytest.raises(NotAllowed, match="moved once already"):
        grant.press("amendment.request", grant.focal, of="2")


def test_payments_to_come_follow_the_new_plan_and_those_made_stay(app: Flask) -> None:
    grant = LargeGrant("active")
    grant.pay(1)
    grant.opened("1", "amount")
    first = _plan(grant)[0]
    paid, whole = first["amount"]["minor"], 50_000_000
    with pytest.raises(NotAllowed, match="must stand in the new plan as they are"):
        grant.amended(
            "1",
            new_award={"minor": whole, "currency": "USD"},
            new_budget=[_line("All", whole)],
            new_plan=[_payment(1, whole)],
        )
    rest = whole - paid
    grant.amended("1", new_plan=[first, _payment(3, rest // 3), _payment(4, rest - rest // 3)])
    assert _parts(grant) == {
        "1": ("paid", paid),
        "2": ("dropped", _parts(grant)["2"][1]),
        "3": ("planned", rest // 3),
        "4": ("planned", rest - rest // 3),
    }
    held = ledger.standing(_now(grant))
    assert (held.paid.minor, held.committed.minor) == (paid, rest)
    assert _now(grant).requested_minor == whole
    [newest, _] = versions.versions_of(_now(grant), "fr")
    assert {change["part"] for change in newest.changes} == {"grant", "budget", "payments"}
    assert audit.verify(grant.application.id).is_whole


def test_a_cent_more_than_the_round_has_changes_nothing(app: Flask) -> None:
    grant = LargeGrant("active")
    left = ledger.standing(_now(grant)).available
    too_much = (_now(grant).requested_minor or 0) + left.minor + 1
    grant.opened("1", "amount")
    before = _parts(grant)
    with pytest.raises(NotAllowed, match="is left in this round"):
        grant.amended(
            "1",
            new_award={"minor": too_much, "currency": "USD"},
            new_budget=[_line("All", too_much)],
            new_plan=[_payment(9, too_much)],
        )
    assert _parts(grant) == before
    assert ledger.standing(_now(grant)).available == left
    assert len(versions.versions_of(_now(grant), "en")) == 1


def test_a_smaller_grant_gives_the_rest_back_and_reports_follow_a_longer_project(app: Flask) -> None:
    grant = LargeGrant("active")
    before = ledger.standing(_now(grant))
    smaller = before.committed.minor - 123
    ends = date.fromisoformat(applications.answers(grant.application.id)["proposal"].data["ends_on"])
    grant.opened("1", "amount", "dates", "indicators")
    grant.amended(
        "1",
        new_award={"minor": smaller, "currency": "USD"},
        new_budget=[_line("All", smaller)],
        new_plan=[_payment(1, smaller)],
        new_ends_on=(ends + timedelta(days=300)).isoformat(),
    )
    held = ledger.standing(_now(grant))
    assert held.committed == Money(smaller, "USD")
    assert held.available.minor == before.available.minor + 123
    assert [state for state, _ in _parts(grant).values()] == ["planned", "dropped", "dropped"]
    assert audit.verify(grant.application.id).is_whole
