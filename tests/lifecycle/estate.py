"""A workflow with everything that is collected beside states: tasks, signatures, children and a step by itself."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import uuid4

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.db import transaction
from fundflow.lifecycle import acts, claims, registry
from fundflow.lifecycle.models import Application
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
      plan:
        type: table
        label: {en: Plan}
        required: true
        max_rows: 4
        columns:
          nr: {type: number, label: {en: No.}, required: true}
          amount: {type: money, label: {en: Amount}, required: true}
          due: {type: date, label: {en: Due}}
        sum: {column: amount, equals: requested}
"""

ESTATE = """
format: fundflow/1
workflow: estate-grant
version: 1
title: {en: Estate grant}
currency: EUR
calendar: {timezone: Europe/Paris, holidays: FR, week: [mon, tue, wed, thu, fri]}
roles:
  applicant: {is: team}
  signatory: {is: team, duty: signatory}
  manager: {is: group, group: fund-managers}
  director: {is: group, group: directors}
  finance: {is: group, group: finance, never_also: [manager]}
forms: {ask: ask.yaml}
outcomes: {withdrawn: {en: Withdrawn}, ended: {en: Ended}, lapsed: {en: Lapsed}, unsigned: {en: Not signed}}
phases:
  before: {states: [draft, checking]}
  contract: {states: [signing, active, closed]}
states:
  draft: {edit: {applicant: [ask]}}
  checking:
    view: {applicant: [ask], manager: [ask], finance: [ask]}
    tasks:
      papers: {by: manager}
      bank: {by: [manager, finance]}
      risk: {by: manager, values: [low, high]}
  signing:
    view: {applicant: [ask], signatory: [ask], manager: [ask], director: [ask]}
    signatures: {document: agreement, parties: {city: signatory, fund: director}, order: given}
  active: {view: {applicant: [ask, tranche], manager: [ask, tranche], finance: [ask, tranche], director: [ask]}}
  closed: {final: success, view: {applicant: [ask, tranche], manager: [ask, tranche]}}
children:
  tranche:
    by_field: ask.plan
    key: nr
    max: 4
    ledger: [pay, release]
    fields: {nr: integer, amount: money, due: date}
    states: {planned: {}, requested: {}, paid: {final: success}, dropped: {final: failure}}
    transitions:
      request:
        from: planned
        to: requested
        by: applicant
        when:
          - {if: "parent.state == 'active'", else: {en: The grant is not active.}}
          - {if: "siblings.all(s, s.nr >= self.nr || s.state == 'paid' || s.state == 'dropped')", else: {en: Earlier tranches come first.}}
      verify: {from: requested, to: requested, by: manager, reason: required}
      pay:
        from: requested
        to: paid
        by: [finance, manager]
        not_same_actor_as: [verify]
        input:
          reference: {type: text, label: {en: Reference}}
          paid_on: {type: date, label: {en: Paid on}}
        when: [{if: self.amount <= ledger.undisbursed, else: {en: More than what is left.}}]
        do: [{ledger: pay, amount: self.amount}]
      drop: {from: [planned, requested], to: dropped, by: [manager, system], do: [{ledger: release, amount: self.amount}]}
transitions:
  send: {from: draft, to: checking, by: applicant, deadline: closing, when: [{complete: ask}]}
  return: {from: checking, to: draft, by: manager, reason: required}
  agree:
    from: checking
    to: signing
    by: manager
    when:
      - {tasks: [papers, bank]}
      - {if: "tasks.risk != null && tasks.risk == 'low'", else: {en: "The risk must be low; it is {tasks.risk}."}}
      - {if: application.requested <= ledger.available, else: {en: "Only {ledger.available} is left."}}
    do: [{ledger: reserve, amount: application.requested}]
  reopen: {from: signing, to: checking, by: manager, reason: required, do: [{ledger: release}]}
  activate: {from: signing, to: active, auto: true, when: [{signed: all}], do: [{ledger: commit, amount: application.requested}, {children: tranche}]}
  close_up:
    from: active
    to: closed
    auto: true
    when: [{if: "children.tranche.all(t, t.state == 'paid' || t.state == 'dropped')", else: {en: Some tranches are open.}}]
    do: [{ledger: close}]
  end: {from: active, end: ended, by: director, reason: required, do: [{children: tranche, each: drop}, {ledger: close}]}
  withdraw: {from: [draft, checking], end: withdrawn, by: applicant}
  lapse: {from: draft, end: lapsed, by: system}
  unsigned: {from: signing, end: unsigned, by: system, do: [{ledger: release}]}
timers:
  closing: {in: draft, after: 10 days, grace: 15 minutes, then: lapse}
  sign_by: {in: signing, after: 20 days, then: unsigned}
"""  # noqa: E501

MAP = {"checking": "vetting", "signing": "sealing", "tranche.requested": "tranche.asked"}
"""Where the states of the first version lead in the second."""

SECOND = (
    ("version: 1", "version: 2"),
    ("checking", "vetting"),
    ("signing", "sealing"),
    ("requested: {}, paid", "asked: {}, paid"),
    ("to: requested", "to: asked"),
    ("from: requested", "from: asked"),
    ("[planned, requested]", "[planned, asked]"),
    ("to: sealing\n    by: manager", "to: sealing\n    by: [manager, director]"),
    ("{city: signatory, fund: director}", "{city: signatory}"),
    ("after: 10 days, grace: 15 minutes", "after: 7 days, grace: 5 minutes"),
    ("after: 20 days", "after: 30 days"),
    (
        "timers:\n",
        "migrate:\n  - from: 1\n    timers: {sign_by: rearm}\n"
        f"    states: {{{', '.join(f'{old}: {new}' for old, new in MAP.items())}}}\n"
        "timers:\n  vet: {in: vetting, after: 5 days, overdue_with: report_late, to: manager}\n",
    ),
)
"""The second version: other names, the director may agree as well, only the city signs, other deadlines, one more."""

PAPER = "ab" * 32
"""The digest of the document that is signed in these tests."""


@cache
def an_estate_workflow(*changes: tuple[str, str]) -> Workflow:
    """The workflow, or the workflow with pieces of its text replaced."""
    text = ESTATE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return make.a_workflow_from(text, ask=ASK)


def plan(*amounts: int) -> list[dict[str, Any]]:
    """Lines of the plan."""
    return [
        {"nr": str(n), "amount": {"minor": amount * 100, "currency": "EUR"}, "due": "2027-01-15"}
        for n, amount in enumerate(amounts, start=1)
    ]


class Estate:
    """One application to it with its people, and what they do in short."""

    def __init__(self, *changes: tuple[str, str], amounts: tuple[int, ...] = (600, 400)) -> None:
        self.focal, self.mayor = make.a_person(), make.a_person()
        self.manager, self.director, self.finance = (
            make.a_person(groups=[group]) for group in ("fund-managers", "directors", "finance")
        )
        self.round = make.a_round(workflow=an_estate_workflow(*changes), budget=50_000)
        self.city = make.a_city(focal_point=self.focal)
        make.join(self.city, self.mayor, "signatory")
        self.application: Application = make.started(self.round, self.city, self.focal)
        make.fill(self.application, "ask", self.focal, requested=sum(amounts), plan=plan(*amounts))

    def press(self, transition: str, user: User, **more: Any) -> claims.Fired:
        return make.press(self.application, transition, user, **more)

    def task(self, name: str, value: str | None, user: User, *, key: str = "") -> claims.Fired:
        with transaction():
            return acts.task(
                self.application.id,
                name,
                value,
                actor=make.acting(user),
                key=key or f"test:{uuid4()}",
                revision=make.revision_of(self.application),
            )

    def sign(self, party: str, user: User, *, sha256: str = PAPER, name: str = "A. Name") -> claims.Fired:
        with transaction():
            return acts.sign(
                self.application.id,
                party,
                name=name,
                sha256=sha256,
                proof=make.proof(user),
                actor=make.acting(user),
                key=f"test:{uuid4()}",
                revision=make.revision_of(self.application),
            )

    def checked(self) -> None:
        """Sent, and every task done well."""
        self.press("send", self.focal)
        for name, value in (("papers", "done"), ("bank", "done"), ("risk", "low")):
            self.task(name, value, self.manager)

    def signing(self) -> None:
        self.checked()
        self.press("agree", self.manager)

    def active(self) -> None:
        self.signing()
        self.sign("city", self.mayor)
        self.sign("fund", self.director)

    def pay(self, key: str, user: User | None = None) -> claims.Fired:
        given = {"reference": f"TR-{key}", "paid_on": clock.now().date().isoformat()}
        return self.press("tranche.pay", user or self.finance, of=key, input=given)


def a_paper(application: Application, kind: str) -> str | None:
    """What these tests sign: `registry.papers` must be given this and put back afterwards."""
    return PAPER


def papers_given() -> list[registry.SignedPaper]:
    """Let the agreement be ready; returns what was there before."""
    before = list(registry.papers)
    registry.papers[:] = [a_paper]
    return before
