"""A small fund that pays in tranches: ordered, paid, failed or come back; and what its people do with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.accounts.queries import actor_for
from fundflow.banking import cipher as bank_cipher
from fundflow.banking import numbers as bank_numbers
from fundflow.banking.models import BankAccount
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.lifecycle import children
from fundflow.lifecycle.models import Application
from fundflow.payments import answers, batches, board, paying
from fundflow.payments.models import Payment
from fundflow.payments.order_models import BankFile, BankLine, PayingAccount, PaymentBatch, PaymentOrder
from fundflow.rounds.models import Round
from fundflow.rounds.queries import money_rounds
from tests import factories as make
from tests.payments import banking

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
        max_rows: 12
        columns:
          nr: {type: number, label: {en: Number}, required: true}
          amount: {type: money, label: {en: Planned amount}, required: true}
          due: {type: date, label: {en: Planned for}, required: true}
"""

TOY = """
format: fundflow/1
workflow: tranche-toy
version: 1
title: {en: Tranche toy}
currency: CURRENCY
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team, label: {en: City team}}
  manager: {is: group, group: fund-managers, label: {en: Fund manager}}
  finance: {is: group, group: finance, label: {en: Finance}}
forms: {ask: ask.yaml}
phases:
  all: {label: {en: All}, states: [draft, active, closed]}
states:
  draft: {label: {en: Draft}, edit: {applicant: [ask]}}
  active:
    label: {en: Under way}
    view: {applicant: [ask, tranche], manager: [ask, tranche], finance: [ask, tranche]}
  closed:
    label: {en: Closed}
    final: success
    view: {applicant: [ask, tranche], manager: [ask, tranche], finance: [ask, tranche]}
children:
  tranche:
    label: {en: Tranche}
    by_field: ask.plan
    key: nr
    max: 12
    ledger: [order, pay, fail, return]
    fields: {nr: integer, amount: money, due: date}
    states:
      planned: {label: {en: Planned}}
      approved: {label: {en: Approved}}
      ordered: {label: {en: Ordered}}
      paid: {label: {en: Paid}, final: success}
    transitions:
      approve: {from: planned, to: approved, by: manager, label: {en: Approve}, when: [{if: bank.usable, else: {en: "The bank account is not verified yet."}}]}
      order: {from: approved, to: ordered, by: finance, label: {en: Order}, not_same_actor_as: [approve], when: [{if: self.amount <= ledger.unordered, else: {en: "More than what is left."}}], do: [{ledger: order, amount: self.amount}]}
      pay: {from: ordered, to: paid, by: finance, label: {en: Pay}, input: {reference: {type: text, label: {en: Reference}}, paid_on: {type: date, label: {en: Paid on}}}, do: [{ledger: pay, amount: self.amount}]}
      fail: {from: ordered, to: approved, by: finance, label: {en: Failed}, reason: required, do: [{ledger: fail, amount: self.amount}]}
      come_back: {from: paid, to: approved, by: finance, label: {en: Came back}, reason: required, do: [{ledger: return, amount: self.amount}]}
transitions:
  award: {from: draft, to: active, by: manager, label: {en: Award}, do: [{ledger: commit, amount: application.requested}, {children: tranche}]}
  close: {from: active, to: closed, by: manager, label: {en: Close}, do: [{ledger: close}]}
"""  # noqa: E501

IBANS = ("NL91ABNA0417164300", "FR1420041010050500013M02606", "DE89370400440532013000", "TN5910006035183598478831")


class Fund:
    """A fund with an account to pay from, two people of finance, and a round of grants under way."""

    def __init__(self, currency: str = "EUR") -> None:
        self.currency = currency
        self.manager = make.a_person("Max Manager", groups=["fund-managers"])
        self.finance = make.a_person("Fin Finance", groups=["finance"])
        self.second = make.a_person("Sil Second", groups=["finance"])
        workflow = make.kept(make.a_workflow_from(TOY.replace("CURRENCY", currency), ask=ASK))
        self.round: Round = make.a_round(workflow=workflow, budget=1_000_000, cap=100_000, currency=currency)
        self.round_id = self.round.id
        self.account = self.an_account(banking.ACCOUNT, currency)

    def an_account(self, number: str, currency: str) -> PayingAccount:
        details = a_bank_account(number, "Fund of Invented Cities")
        with transaction():
            account = paying.enter(
                details, window_id=None, currency=currency, charges="SHAR", actor=actor_for(self.finance.id)
            )
        with transaction():
            return paying.confirm(account.id, actor=actor_for(self.second.id))

    def grant(
        self,
        amounts: Sequence[int] = (600, 400),
        *,
        approve: bool = True,
        due: date | None = None,
        iban: str = IBANS[0],
    ) -> Application:
        """A grant under way with these tranches, in whole units, whose bank account is verified."""
        focal = make.a_person()
        city = make.a_city(focal_point=focal)
        application = make.started(db.session.get_one(Round, self.round_id), city, focal)
        first = due or clock.now().date()
        plan = [
            {
                "_id": str(nr),
                "nr": str(nr),
                "amount": {"minor": self.minor(amount), "currency": self.currency},
                "due": (first + timedelta(days=30 * (nr - 1))).isoformat(),
            }
            for nr, amount in enumerate(amounts, start=1)
        ]
        make.fill(application, "ask", focal, title=f"Project of {city.name}", requested=sum(amounts), plan=plan)
        make.press(application, "award", self.manager)
        if approve:
            self.verify(application, focal, iban)
            for nr in range(1, len(amounts) + 1):
                make.press(application, "tranche.approve", self.manager, of=str(nr))
        return application

    def verify(
        self, application: Application, focal: User, iban: str = IBANS[0], holder: str = "City of Delft"
    ) -> None:
        """An account in force, as if it had gone its whole way."""
        details = a_bank_account(iban, holder)
        account_id, now = uuid4(), clock.now()
        with transaction():
            key, sealed = bank_cipher.seal(details.kept(), application.id, account_id)
            db.session.add(
                BankAccount(
                    id=account_id, application_id=application.id, number=1, status="verified", country=details.country,
                    tail=details.tail, key=key, sealed=sealed, entered_by=focal.id, called_at=now,
                    called_by=self.finance.id, usable_from=now,
                )
            )  # fmt: skip

    def minor(self, amount: int) -> int:
        from fundflow.money import Money

        return Money.of(amount, self.currency).minor

    def due(self, user: User | None = None, **more: Any) -> list[board.Due]:
        actor = make.acting(user or self.finance)
        found = board.due_for(actor, money_rounds(actor), **more)
        db.session.rollback()
        return found

    def picks(self) -> list[batches.Pick]:
        return [
            batches.Pick(e.application.id, e.kind.id, e.child.key, e.step.id, e.amount, e.application.revision)
            for e in self.due()
            if e.can_be_chosen and e.amount is not None
        ]

    def prepared(self, picks: Sequence[batches.Pick] | None = None, by: User | None = None) -> PaymentBatch:
        picks = self.picks() if picks is None else picks
        with transaction():
            return batches.prepare(
                picks,
                account_id=self.account.id,
                execute_on=clock.now().date(),
                key=f"test:{uuid4()}",
                actor=actor_for((by or self.finance).id),
            )

    def released(self, batch: PaymentBatch | None = None, by: User | None = None) -> PaymentBatch:
        batch = batch or self.prepared()
        with transaction():
            seen = batches.seen_of(batches.lines_of(batch))
            return batches.release(batch.id, seen=seen, actor=actor_for((by or self.second).id))

    def written(self, picks: Sequence[batches.Pick] | None = None) -> PaymentBatch:
        """A batch with its file, given to the bank."""
        batch = self.released(self.prepared(picks))
        worker.drain()
        with transaction():
            batches.sent(batch.id, actor=actor_for(self.second.id))
        return self.again(batch.id)

    def again(self, batch_id: UUID) -> PaymentBatch:
        db.session.rollback()
        db.session.expire_all()
        return db.session.get_one(PaymentBatch, batch_id)

    def take_in(self, content: bytes, by: User | None = None) -> tuple[BankFile, bool]:
        with transaction():
            return answers.receive(content, "answer.xml", actor=actor_for((by or self.finance).id))

    def apply(self, file: BankFile, by: User | None = None) -> list[tuple[str | None, str]]:
        """What became of each line: result and code."""
        from fundflow.errors import Refused

        actor = make.acting(by or self.finance)
        for position in answers.open_positions(file):
            db.session.rollback()
            try:
                with transaction():
                    answers.apply(file.id, position, actor=actor)
            except Refused as refusal:
                with transaction():
                    answers.put_by(file.id, position, refusal, actor=actor)
        return self.results(file)

    def told(self, content: bytes, by: User | None = None) -> list[tuple[str | None, str]]:
        """Take in and apply."""
        return self.apply(self.take_in(content, by)[0], by)

    def results(self, file: BankFile) -> list[tuple[str | None, str]]:
        db.session.rollback()
        query = sa.select(BankLine).where(BankLine.file_id == file.id).order_by(BankLine.position)
        found = db.session.scalars(query.execution_options(populate_existing=True)).all()
        return [(line.result, line.code) for line in found]


def a_bank_account(number: str, holder: str) -> bank_numbers.Details:
    """An invented account of which the check digits fit."""
    return bank_numbers.read(
        {
            "holder": holder,
            "country": number[:2],
            "bank_name": "Invented Bank",
            "number": number,
            "contact_name": "Cas Cash",
            "contact_email": "cash@city.example",
            "contact_phone": "+31 15 000 00 00",
        }
    )


def states(application: Application) -> dict[str, str]:
    db.session.rollback()
    return {row.key: row.state for row in children.rows_of(application.id, "tranche")}


def orders_of(application: Application) -> list[PaymentOrder]:
    db.session.rollback()
    query = sa.select(PaymentOrder).where(PaymentOrder.application_id == application.id)
    return list(db.session.scalars(query.order_by(PaymentOrder.event_seq, PaymentOrder.child_key)))


def payments_of(application: Application) -> list[Payment]:
    db.session.rollback()
    query = sa.select(Payment).where(Payment.application_id == application.id).order_by(Payment.event_seq)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))
