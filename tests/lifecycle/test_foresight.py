"""What a command needs to know is asked in one journey, after the lock, and decides as if it were asked one by one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from fundflow.db import db, transaction
from fundflow.lifecycle import commands, foresight
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import NotAllowed, UnknownTransition
from fundflow.wire import Wire
from tests import factories as make
from tests.conftest import ON_POSTGRES
from tests.lifecycle.toys import ASK

WORKFLOW = """
format: fundflow/1
workflow: to-and-fro
version: 1
title: {en: To and fro}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
forms: {ask: ask.yaml}
outcomes: {ended: {en: Ended}}
states:
  here: {edit: {applicant: [ask]}, view: {manager: [ask]}}
  there: {view: {applicant: [ask], manager: [ask]}}
transitions:
  go:
    from: here
    to: there
    by: applicant
    when:
      - {if: application.requested <= round.cap, else: {en: "At most {round.cap}."}}
      - {if: ledger.available >= ledger.reserved, else: {en: No money.}}
    do: [{notify: received, to: [applicant, manager]}]
  back: {from: there, to: here, by: manager}
  finish: {from: there, end: ended, by: manager}
"""


@pytest.fixture
def application(app: Flask) -> tuple[Application, Any, Any]:
    focal, manager = make.a_person(), make.a_person(groups=[make.MANAGERS])
    round_ = make.a_round(workflow=make.a_workflow_from(WORKFLOW, ask=ASK))
    started = make.started(round_, make.a_city(focal_point=focal), focal)
    make.fill(started, "ask", focal)
    return started, focal, manager


def test_a_command_takes_three_journeys_however_much_it_reads(
    application: tuple[Application, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not ON_POSTGRES:
        pytest.skip("SQLite has no journeys.")
    grant, focal, manager = application
    make.press(grant, "go", focal)
    make.press(grant, "back", manager)
    journeys: list[int] = []
    whole = Wire._answers

    def counted(wire: Wire) -> Any:
        journeys.append(wire._under_way)
        return whole(wire)

    actor, revision = make.acting(focal), make.revision_of(grant)
    db.session.close()
    monkeypatch.setattr(Wire, "_answers", counted)
    with transaction():
        commands.fire(grant.id, "go", actor=actor, key="once", revision=revision)
    monkeypatch.undo()
    assert make.revision_of(grant) == revision + 1
    # BEGIN and the claim; the round's lock and five reads; the writes and COMMIT.
    assert len(journeys) == 3, journeys


def test_whoever_may_not_is_told_so_and_nothing_of_a_name_nobody_knows_is_kept(
    application: tuple[Application, Any, Any],
) -> None:
    grant, focal, manager = application
    with pytest.raises(NotAllowed):
        make.press(grant, "go", manager)
    kept = foresight._plan.cache_info().currsize
    for name in ("nothing", "go ", "tranche.pay"):
        with pytest.raises(UnknownTransition):
            make.press(grant, name, focal)
    assert foresight._plan.cache_info().currsize == kept
    make.press(grant, "go", focal)
