"""A small workflow of our own: quick to drive, and with one of everything that a command can meet."""

from __future__ import annotations

from typing import Any

from fundflow.accounts.models import User
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round
from fundflow.workflow.definition import Workflow
from tests import factories as make

ASK = """
title: {en: What we ask for}
sections:
  all:
    title: {en: All}
    fields:
      title: {type: short_text, label: {en: Title}, required: true}
      requested: {type: money, label: {en: Amount}, required: true}
"""

TOY = """
format: fundflow/1
workflow: toy-grant
version: 1
title: {en: Toy grant}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
  finance: {is: group, group: finance, never_also: [manager]}
forms: {ask: ask.yaml}
outcomes:
  declined: {en: Declined}
  withdrawn: {en: Withdrawn}
  cancelled: {en: Cancelled}
  lapsed: {en: Lapsed}
states:
  draft: {edit: {applicant: [ask]}}
  sent: {view: {applicant: [ask], manager: [ask]}}
  granted: {view: {applicant: [ask], manager: [ask], finance: [ask]}}
  paid: {final: success, view: {applicant: [ask], manager: [ask], finance: [ask]}}
transitions:
  send:
    from: draft
    to: sent
    by: applicant
    deadline: closing
    when:
      - {complete: ask}
      - {if: application.requested <= round.cap, else: {en: "At most {round.cap}; you ask for {application.requested}."}}
  return: {from: sent, to: draft, by: manager, reason: required}
  grant:
    from: sent
    to: granted
    by: manager
    when:
      - {if: application.requested <= ledger.available, else: {en: "Only {ledger.available} is left."}}
    do: [{ledger: commit, amount: application.requested}]
  decline: {from: sent, end: declined, by: manager, reason: required}
  pay:
    from: granted
    to: paid
    by: finance
    not_same_actor_as: [grant]
    input:
      reference: {type: text, label: {en: Reference}}
      paid_on: {type: date, label: {en: Paid on}}
      amount: {type: money, label: {en: Amount}}
    do: [{ledger: pay, amount: input.amount}]
  cancel: {from: granted, end: cancelled, by: manager, reason: required, do: [{ledger: release}]}
  withdraw: {from: [draft, sent], end: withdrawn, by: applicant}
  lapse: {from: draft, end: lapsed, by: system}
timers:
  closing: {in: draft, at: round.closes_at, grace: 15 minutes, remind: [7 days, 1 day], remind_with: closing_soon, to: applicant, then: lapse}
  answer: {in: sent, after: 10 days, overdue_with: report_late, to: manager}
"""  # noqa: E501


def a_toy_workflow(change: tuple[str, str] | None = None) -> Workflow:
    """The toy, or the toy with one piece of its text replaced."""
    text = TOY
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    return make.a_workflow_from(text, ask=ASK)


def a_toy_round(change: tuple[str, str] | None = None, **more: Any) -> Round:
    """A published round of the toy."""
    return make.a_round(workflow=a_toy_workflow(change), **more)


def a_toy(
    round_: Round | None = None, *, applicant: User | None = None, requested: int = 10_000, state: str = "draft"
) -> Application:
    """An application to the toy round: `draft` (filled in), or `sent`."""
    applicant = applicant or make.a_person()
    application = make.started(round_ or a_toy_round(), make.a_city(focal_point=applicant), applicant)
    make.fill(application, "ask", applicant, requested=requested)
    if state == "sent":
        make.press(application, "send", applicant)
    return application


def payment(amount: Any, **more: Any) -> dict[str, Any]:
    """What finance enters."""
    return {"reference": "TR-1", "paid_on": "2026-01-05", "amount": amount, **more}
