"""A workflow with one of everything that an application collects, and applications driven through it by real people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import clock, storage
from fundflow.accounts.models import TeamMember, User
from fundflow.awards.models import Document
from fundflow.db import db, transaction
from fundflow.lifecycle import acts, commands
from fundflow.lifecycle.models import Application
from fundflow.rounds.models import Round
from fundflow.story import one_page
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
        label: {en: Payment plan}
        required: true
        min_rows: 1
        max_rows: 4
        columns:
          nr: {type: number, label: {en: Number}, required: true}
          amount: {type: money, label: {en: Planned amount}, required: true}
          due: {type: date, label: {en: Planned for}, required: true}
"""

BANK = """
title: {en: Bank papers}
sections:
  all:
    title: {en: All}
    fields:
      letter: {type: short_text, label: {en: Letter of the bank}}
"""

CONTRACT = """
format: fundflow/1
workflow: contract-grant
version: 1
title: {en: Contract grant}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team, label: {en: City team}}
  signatory: {is: team, duty: signatory, label: {en: City signatory}}
  manager: {is: group, group: fund-managers, label: {en: Fund manager}}
  officer: {is: field, field: application.officer, group: fund-managers, assigned_by: manager, label: {en: Programme officer}}
  compliance: {is: group, group: compliance, label: {en: Compliance}}
  director: {is: group, group: directors, label: {en: Director}}
  finance: {is: group, group: finance, label: {en: Finance}}
forms: {ask: ask.yaml, bank: bank.yaml}
phases:
  apply: {label: {en: Application}, states: [draft, sent, talk]}
  contract: {label: {en: Contract}, states: [checks, signing]}
  work: {label: {en: Work}, states: [active, closed]}
outcomes:
  stopped: {en: Stopped}
states:
  draft: {label: {en: Draft}, edit: {applicant: [ask]}}
  sent: {label: {en: With the fund}, view: {applicant: [ask], manager: [ask], officer: [ask]}}
  talk:
    label: {en: Behind closed doors}
    shown_as: {applicant: sent, signatory: sent}
    view: {applicant: [ask], manager: [ask], officer: [ask]}
    tasks:
      talked: {by: manager, label: {en: Talked it over}}
  checks:
    label: {en: Due diligence}
    view: {applicant: [ask], manager: [ask], officer: [ask], compliance: [ask], finance: [ask]}
    tasks:
      sanctions: {by: compliance, label: {en: Sanctions screening}, values: [clear, hit]}
      bank_verified: {by: finance, label: {en: Bank account verified}, help: {en: Call the bank.}}
  signing:
    label: {en: Out for signature}
    view: {applicant: [ask], signatory: [ask], manager: [ask], officer: [ask], director: [ask]}
    signatures: {document: agreement, parties: {city: signatory, fund: director}, order: given}
  active:
    label: {en: Under way}
    view: {applicant: [ask, bank, tranche], signatory: [ask], manager: [ask, bank, tranche], officer: [ask, tranche], finance: [bank, tranche]}
  closed:
    label: {en: Closed}
    final: success
    view: {applicant: [ask, tranche], manager: [ask, tranche], finance: [tranche]}
children:
  tranche:
    label: {en: Tranche}
    by_field: ask.plan
    key: nr
    max: 4
    ledger: [pay, release]
    fields: {nr: integer, amount: money, due: date}
    states:
      planned: {label: {en: Planned}}
      requested: {label: {en: Requested}}
      paid: {label: {en: Paid}, final: success}
      dropped: {label: {en: Dropped}, final: failure}
    transitions:
      request: {from: planned, to: requested, by: applicant, label: {en: Ask for payment}, when: [{if: "siblings.all(s, s.nr >= self.nr || s.state == 'paid' || s.state == 'dropped')", else: {en: "Earlier tranches come first."}}]}
      refuse: {from: requested, to: planned, by: manager, label: {en: Send back}, reason: required}
      pay: {from: requested, to: paid, by: finance, label: {en: Pay}, input: {reference: {type: text, label: {en: Reference}}}, when: [{if: self.amount <= ledger.undisbursed, else: {en: "More than what is left."}}], do: [{ledger: pay, amount: self.amount}]}
      drop: {from: [planned, requested], to: dropped, by: manager, label: {en: Drop}, reason: required, do: [{ledger: release, amount: self.amount}]}
transitions:
  send: {from: draft, to: sent, by: applicant, label: {en: Send}, when: [{complete: ask}]}
  consider: {from: sent, to: talk, by: manager, label: {en: Consider}}
  award: {from: talk, to: checks, by: manager, label: {en: Award}, when: [{tasks: [talked]}], do: [{ledger: commit, amount: application.requested}, {children: tranche}]}
  contract: {from: checks, to: signing, auto: true, when: [{tasks: [sanctions, bank_verified]}], do: [{document: agreement}]}
  begin: {from: signing, to: active, auto: true, when: [{signed: all}]}
  close: {from: active, to: closed, by: manager, label: {en: Close}, when: [{if: "children.tranche.all(t, t.state == 'paid' || t.state == 'dropped')", else: {en: "A tranche is still open."}}], do: [{ledger: close}]}
  stop: {from: [sent, talk, checks, signing], end: stopped, by: manager, label: {en: Stop}, reason: required, do: [{ledger: close}]}
timers:
  sign_by: {in: signing, after: 30 days, label: {en: Agreement to be signed}, remind: [7 days], remind_with: closing_soon, to: [signatory, director]}
"""  # noqa: E501

STEPS = ("draft", "sent", "talk", "checks", "signing", "ready", "active")
"""How far `a_contract` drives: `ready` is out for signature with the document printed."""


@dataclass(slots=True)
class People:
    """One person for each role."""

    applicant: User
    signatory: User
    manager: User
    compliance: User
    director: User
    finance: User


def some_people() -> People:
    """A city's two people are put on its team by `a_contract`."""
    return People(
        applicant=make.a_person("Ama Applicant"),
        signatory=make.a_person("Sira Signatory"),
        manager=make.a_person("Max Manager", groups=["fund-managers"]),
        compliance=make.a_person("Cora Compliance", groups=["compliance"]),
        director=make.a_person("Dira Director", groups=["directors"]),
        finance=make.a_person("Fin Finance", groups=["finance"]),
    )


def a_workflow(*changes: tuple[str, str]) -> Workflow:
    """The workflow, or it with pieces of its text replaced."""
    text = CONTRACT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return make.a_workflow_from(text, ask=ASK, bank=BANK)


def a_contract(
    state: str = "draft", people: People | None = None, *, round_: Round | None = None, plan: Any = None
) -> Application:
    """An application for 10,000 in two tranches, or those of `plan`, as far as `state`."""
    people = people or some_people()
    city = make.a_city(focal_point=people.applicant)
    with transaction():
        # Whoever writes the application does not sign it.
        db.session.execute(
            sa.delete(TeamMember).where(TeamMember.user_id == people.applicant.id, TeamMember.duty == "signatory")
        )
    make.join(city, people.signatory, "signatory")
    application = make.started(round_ or make.a_round(workflow=a_workflow()), city, people.applicant)
    rows = plan or [
        {"_id": str(nr), "nr": str(nr), "amount": {"minor": minor, "currency": "EUR"}, "due": f"2027-0{nr}-01"}
        for nr, minor in ((1, 600_000), (2, 400_000))
    ]
    make.fill(application, "ask", people.applicant, title="House of welcome", requested=10_000, plan=rows)
    for step in STEPS[1 : STEPS.index(state) + 1]:
        match step:
            case "sent":
                make.press(application, "send", people.applicant)
            case "talk":
                make.press(application, "consider", people.manager)
            case "checks":
                do_task(application, "talked", "done", people.manager)
                make.press(application, "award", people.manager)
            case "signing":
                do_task(application, "sanctions", "clear", people.compliance)
                do_task(application, "bank_verified", "done", people.finance)
            case "ready":
                print_documents(application)
            case "active":
                sign(application, "city", people.signatory)
                sign(application, "fund", people.director)
    return application


def do_task(application: Application, name: str, value: str | None, user: User) -> commands.Fired:
    """Record a result as this person."""
    actor, revision = make.acting(user), make.revision_of(application)
    with transaction():
        return acts.task(application.id, name, value, actor=actor, key=f"test:{uuid4()}", revision=revision)


def sign(application: Application, party: str, user: User, name: str = "") -> commands.Fired:
    """Sign the present document as this person."""
    actor, revision = make.acting(user), make.revision_of(application)
    with transaction():
        sha256 = record(application).sha256
        return acts.sign(
            application.id,
            party,
            name=name or user.name,
            sha256=sha256 or "",
            proof=make.proof(user),
            actor=actor,
            key=f"test:{uuid4()}",
            revision=revision,
        )


def record(application: Application) -> Document:
    """The English text of the newest agreement."""
    query = sa.select(Document).where(Document.application_id == application.id, Document.language == "en")
    return db.session.scalars(
        query.order_by(Document.event_seq.desc()), execution_options={"populate_existing": True}
    ).first()  # type: ignore[return-value]


def print_documents(application: Application, text: str = "The agreement") -> None:
    """Keep a small PDF for each document that is still to be printed, as the printing job would."""
    with transaction():
        waiting = sa.select(Document).where(Document.application_id == application.id, Document.sha256.is_(None))
        for document in db.session.scalars(waiting):
            kept = storage.put(one_page(f"{document.kind}, {document.language}", text))
            document.rendered_at, document.sha256, document.size = clock.now(), kept.sha256, kept.size


def press_child(application: Application, transition: str, of: str, user: User, **more: Any) -> commands.Fired:
    """Fire a child's transition."""
    return make.press(application, transition, user, of=of, **more)


def events_of(application_id: UUID) -> list[tuple[str, str | None]]:
    """What happened, as (transition, subject)."""
    from fundflow.lifecycle.queries import history

    db.session.rollback()
    db.session.expire_all()
    return [(event.transition, event.subject) for event in history(application_id)]
