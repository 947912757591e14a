"""A workflow in which time does everything it can: working days, pauses, dates that move, steps that may be refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.applications import service as applications
from fundflow.db import db, transaction
from fundflow.lifecycle import queries, registry, sweeping
from fundflow.lifecycle.models import Application, Timer
from fundflow.rounds.models import Round
from fundflow.workflow import definition
from tests import factories as make
from tests.lifecycle.toys import ASK

PARIS = ZoneInfo("Europe/Paris")

PLAN = """
title: {en: Plan}
sections:
  all:
    title: {en: All}
    fields:
      end_date: {type: date, label: {en: End of the project}}
      spent: {type: number, label: {en: Tranches settled}}
"""

CLOCKWORK = """
format: fundflow/1
workflow: clockwork-grant
version: 1
title: {en: Clockwork grant}
currency: EUR
calendar: {timezone: Europe/Paris, holidays: FR}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
  auditor: {is: group, group: auditors}
forms: {ask: ask.yaml, plan: plan.yaml}
outcomes: {lapsed: {en: Lapsed}, withdrawn: {en: Withdrawn}}
states:
  draft: {edit: {applicant: [ask]}}
  check: {view: {applicant: [ask], manager: [ask], auditor: [ask]}}
  questions: {view: {applicant: [ask], manager: [ask]}}
  active: {edit: {applicant: [plan]}, view: {applicant: [ask], manager: [ask, plan]}}
  reporting: {view: {applicant: [ask], manager: [ask, plan]}}
  closed: {final: success, view: {applicant: [ask], manager: [ask, plan]}}
transitions:
  send: {from: draft, to: check, by: applicant, deadline: closing}
  ask_back: {from: check, to: questions, by: manager}
  answer: {from: questions, to: check, by: applicant}
  accept: {from: check, to: active, by: manager}
  start_reporting:
    from: active
    to: reporting
    by: [manager, system]
    when: [{if: application.spent != null, else: {en: "Some tranches are still open."}}]
  remark: {from: active, to: active, by: manager}
  extend:
    from: active
    to: active
    by: manager
    input: {new_end: {type: date, label: {en: New end}}}
    do: [{set: application.end_date, to: input.new_end}]
  close: {from: reporting, to: closed, by: manager}
  lapse: {from: draft, end: lapsed, by: system}
  withdraw: {from: [draft, check, questions], end: withdrawn, by: applicant}
timers:
  closing: {in: draft, at: round.closes_at, grace: 15 minutes, to: applicant, then: lapse}
  check_sla:
    in: check
    after: 5 working days
    sla: true
    remind: [1 working day]
    remind_with: review_reminder
    overdue_with: report_late
    escalate: {after: 2 working days, to: auditor, with: report_missing}
    to: manager
  project_end: {in: active, at: application.end_date, then: start_reporting, if_blocked: manager}
  report_due:
    in: reporting
    after: 3 months
    overdue_with: report_late
    repeat: 14 days
    to: applicant
"""

Told = list[tuple[str, str]]


@contextmanager
def listening() -> Iterator[Told]:
    """What the notifier is asked to say meanwhile: template, and the key after the application's id."""
    said: Told = []

    def note(application: Application, template: str, roles: Any, key: str, facts: Any) -> None:
        assert roles, "nobody was to be told"
        said.append((template, key.partition(str(application.id) + ":")[2]))

    before = list(registry.notifiers)
    registry.notifiers[:] = [note]
    try:
        yield said
    finally:
        registry.notifiers[:] = before


def a_clockwork(*changes: tuple[str, str]) -> definition.Workflow:
    """The workflow, with pieces of its text replaced."""
    text = CLOCKWORK
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return make.a_workflow_from(text, ask=ASK, plan=PLAN)


def a_case(
    *changes: tuple[str, str], round_: Round | None = None, state: str = "check", applicant: User | None = None
) -> tuple[Application, User, User]:
    """An application in `draft`, `check` or `active`, with its applicant and a manager."""
    round_ = round_ or make.a_round(workflow=a_clockwork(*changes))
    applicant, manager = applicant or make.a_person(), make.a_person(groups=[make.MANAGERS])
    application = make.started(round_, make.a_city(focal_point=applicant), applicant)
    if state != "draft":
        make.press(application, "send", applicant)
    if state == "active":
        make.press(application, "accept", manager)
    return application, applicant, manager


def write(application: Application, user: User, **answers: Any) -> None:
    """Save the plan with these answers."""
    with transaction():
        applications.save(application, "plan", answers, None, make.acting(user))


def paris(text: str) -> datetime:
    """An instant by the clocks of Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def sweep_at(instant: datetime) -> int:
    """One sweep at an instant."""
    with clock.standing_at(instant):
        return sweeping.sweep()


def kept(application: Application, name: str) -> Timer:
    """The latest generation of a timer, as it stands in the database."""
    db.session.rollback()
    return db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.name == name)
        .order_by(Timer.generation.desc())
        .execution_options(populate_existing=True)
    ).first()  # type: ignore[return-value]


def steps(application: Application) -> list[str]:
    """Every transition of its record."""
    db.session.rollback()
    found = [event.transition for event in queries.history(application.id)]
    db.session.rollback()  # a reader of SQLite that stays holds up every writer
    return found
