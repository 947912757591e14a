"""The same payment taken by several processes at once, on a real PostgreSQL: it happens exactly once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.banking.models import BankAccount
from fundflow.config import Settings
from fundflow.db import db
from fundflow.ledger import queries as money
from fundflow.lifecycle.models import Application, Event
from fundflow.payments.models import Payment
from tests import factories as make
from tests.awards.large import LargeGrant
from tests.banking.accounts import FIRST
from tests.conftest import ON_POSTGRES
from tests.processes import run_all

pytestmark = [pytest.mark.postgres, pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer at a time")]

PRESS = """
from fundflow.accounts.queries import actor_for
from fundflow.errors import Refused
from fundflow.lifecycle import commands
from fundflow.lifecycle.models import Application
{more}
actor = actor_for(UUID({person!r}))
seen = db.session.get_one(Application, UUID({application!r})).revision
db.session.rollback()
begin()
try:
    with transaction():
        {step}
    print("done")
except Refused as refused:
    print(type(refused).__name__)
"""


def all_at_once(settings: Settings, grant: LargeGrant, steps: list[tuple[str, str]], more: str = "") -> list[str]:
    """What came of each step, taken by these people (ids) in processes of their own."""
    application = str(grant.application.id)
    db.session.rollback()
    bodies = [PRESS.format(person=who, application=application, step=step, more=more) for who, step in steps]
    return sorted(said.strip() for said in run_all(settings, bodies))


def fire(transition: str, key: str, given: str = "{}") -> str:
    return f"commands.fire(UUID(APP), {transition!r}, actor=actor, key={key!r}, revision=seen, input={given}, of='1')"


def test_one_payment_is_ordered_and_paid_once(app: Flask, settings: Settings) -> None:
    grant = LargeGrant("active")
    people = [grant.finance, make.a_person(groups=[make.FINANCE])]
    ids, application = [str(each.id) for each in people], grant.application.id
    more = f"APP = {str(application)!r}"
    grant.press("tranche.request", grant.focal, of="1")
    grant.press("tranche.verify", grant.officer, of="1")
    grant.press("tranche.approve", grant.finance, of="1")
    grant.press("tranche.approve_finally", grant.director, of="1")
    grant.bank.screen(grant.compliance)
    said = all_at_once(settings, grant, [(each, fire("tranche.order", f"o:{each}")) for each in ids], more)
    assert said == ["Stale", "done"]
    part = grant.part(1)
    given = f"{{'reference': 'TR-1', 'paid_on': {grant.today.isoformat()!r}, 'amount': {str(part.amount)!r}}}"
    said = all_at_once(settings, grant, [(each, fire("tranche.pay", f"p:{each}", given)) for each in ids], more)
    assert said == ["Stale", "done"]
    db.session.rollback()
    held = money.standing(db.session.get_one(Application, application))
    assert (held.paid, db.session.scalar(sa.select(sa.func.count(Payment.id)))) == (part, 1)
    steps = db.session.scalars(sa.select(Event.transition).where(Event.subject == "tranche:1").order_by(Event.seq))
    assert [each.partition(".")[2] for each in steps] == [
        "request", "verify", "approve", "approve_finally", "order", "pay",
    ]  # fmt: skip


def test_an_order_and_a_change_of_account_at_once_leave_no_order_to_the_wrong_one(
    app: Flask, settings: Settings
) -> None:
    grant = LargeGrant("active")
    more = (
        f"APP = {str(grant.application.id)!r}\n"
        "from fundflow.banking import service as bank_service\nfrom tests.banking.accounts import OTHER, account"
    )
    grant.press("tranche.request", grant.focal, of="1")
    grant.press("tranche.verify", grant.officer, of="1")
    grant.press("tranche.approve", grant.finance, of="1")
    grant.press("tranche.approve_finally", grant.director, of="1")
    grant.bank.screen(grant.compliance)
    change = "bank_service.enter(UUID(APP), account(OTHER), actor=actor, key='c', revision=seen)"
    said = all_at_once(
        settings, grant, [(str(grant.finance.id), fire("tranche.order", "o")), (str(grant.focal.id), change)], more
    )
    assert said == ["Stale", "done"]
    db.session.rollback()
    accounts = [row.tail for row in db.session.scalars(sa.select(BankAccount).order_by(BankAccount.number))]
    last = db.session.scalar(sa.select(Event.transition).order_by(Event.seq.desc()).limit(1))
    assert (accounts, last) in ((([FIRST[-4:]]), "tranche.order"), ([FIRST[-4:], "2606"], "bank"))
