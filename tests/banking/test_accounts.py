"""Bank accounts: kept unreadable, verified by another person through another channel, and changed only slowly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from fundflow import clock
from fundflow.banking import cipher as bank_cipher
from fundflow.banking import queries as bank_queries
from fundflow.banking import service as bank_service
from fundflow.banking.models import BankAccount, BankLook
from fundflow.banking.payee import Payee, payee_of
from fundflow.banking.service import Moved, NotIndependent, NotYours, SameAccount, SamePerson, SettleFirst
from fundflow.cli import main
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit
from fundflow.lifecycle.models import Application, Event
from fundflow.payments import paying
from tests import factories as make
from tests.awards.large import LargeGrant
from tests.banking.accounts import FIRST, OTHER, Banking, account
from tests.conftest import ON_POSTGRES


@pytest.fixture
def grant(app: Flask) -> LargeGrant:
    return LargeGrant("due_diligence")


@pytest.fixture
def bank(grant: LargeGrant) -> Banking:
    return Banking(grant.application)


def status(grant: LargeGrant) -> str:
    db.session.rollback()
    return bank_queries.standing(db.session.get_one(Application, grant.application.id)).status


def payee(grant: LargeGrant) -> str | None:
    db.session.rollback()
    found = payee_of(grant.application.id)
    return found.iban if found else None


def told(template: str) -> set[str]:
    """Whom a message was queued for."""
    db.session.rollback()
    jobs = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))
    return {job.payload["email"] for job in jobs if job.payload["template"] == template}


def test_first_account_is_used_once_another_person_called(grant: LargeGrant, bank: Banking) -> None:
    assert (status(grant), payee(grant)) == ("none", None)
    with pytest.raises(NotYours):
        bank.enter(grant.officer)
    bank.enter(grant.focal)
    assert (status(grant), payee(grant)) == ("entered", None)
    assert told("bank_entered") == {grant.finance.email}
    for who in (grant.focal, grant.officer, grant.director, grant.compliance):
        with pytest.raises(NotYours):
            bank.call(1, who)
    bank.call(1, grant.finance)
    assert (status(grant), payee(grant)) == ("verified", FIRST)
    assert told("bank_verified") == {grant.focal.email, grant.mayor.email}
    found = payee_of(grant.application.id)
    assert isinstance(found, Payee)
    assert (found.holder, found.city, found.number) == ("City of Saint-Amary", "Saint-Amary", None)
    with pytest.raises(Moved):
        bank.call(1, grant.finance)
    with pytest.raises(SameAccount):
        bank.enter(grant.focal)
    events = db.session.scalars(sa.select(Event.subject).where(Event.transition == "bank").order_by(Event.seq)).all()
    assert events == ["entered", "called"]
    assert audit.verify(None).breaks == []


def test_a_change_needs_a_second_channel_a_second_person_and_time(grant: LargeGrant, bank: Banking) -> None:
    second = make.a_person(groups=[make.FINANCE])
    deputy = make.a_person()
    bank.verified(grant.focal, grant.finance)
    bank.enter(grant.mayor, account(OTHER, contact_phone="+33 1 99 00 00 00", contact_email="new@elsewhere.example"))
    assert (status(grant), payee(grant)) == ("entered", None)
    everybody = {grant.focal.email, grant.mayor.email, "accounts@saint-amary.example"}
    assert told("bank_change_entered") == everybody | {grant.finance.email, second.email}
    with pytest.raises(NotIndependent):
        bank.call(2, grant.finance, phone="0033 (1) 99 00 00 00")
    bank.call(2, grant.finance)
    make.stand_in(grant.finance, deputy)
    for who in (grant.finance, deputy):
        with pytest.raises(SamePerson):
            bank.confirm(2, who)
    for outsider in (grant.focal, grant.officer):
        with pytest.raises(NotYours):
            bank.confirm(2, outsider)
    bank.confirm(2, second)
    assert told("bank_change_confirmed") == everybody
    assert (status(grant), payee(grant)) == ("cooling_off", None)
    with clock.shifted(timedelta(days=9, hours=23)):
        assert (status(grant), payee(grant)) == ("cooling_off", None)
        # Another change meanwhile begins the whole way anew.
        bank.enter(grant.focal, account(OTHER, contact_name="Modou Fall"))
        assert status(grant) == "entered"
        bank.call(3, second)
        bank.confirm(3, grant.director)
    with clock.shifted(timedelta(days=19, hours=22)):
        assert payee(grant) is None
    with clock.shifted(timedelta(days=20)):
        assert (status(grant), payee(grant)) == ("verified", OTHER)
    kept = [row.status for row in bank_queries.accounts_of(grant.application.id)]
    assert kept == ["verified", "replaced", "verified"]


def test_anybody_of_the_team_can_stop_a_change(grant: LargeGrant, bank: Banking) -> None:
    bank.verified(grant.focal, grant.finance)
    bank.enter(grant.mayor, account(OTHER))
    with pytest.raises(NotYours):
        bank.object_to(2, make.a_person(team_of=make.a_city()))
    bank.object_to(2, grant.focal)
    assert (status(grant), payee(grant)) == ("frozen", None)
    with pytest.raises(SettleFirst):
        bank.enter(grant.mayor, account(OTHER, contact_name="Modou Fall"))
    for step in (bank.call, bank.confirm, bank.object_to, bank.withdraw):
        with pytest.raises((Moved, NotYours)):
            step(2, grant.finance)
    with pytest.raises(Moved):
        bank.withdraw(2, grant.mayor)
    bank.refuse(2, grant.finance)
    assert (status(grant), payee(grant)) == ("verified", FIRST)
    bank.enter(grant.mayor, account(OTHER))
    bank.withdraw(3, grant.mayor)
    assert payee(grant) == FIRST


def test_nothing_of_an_account_is_readable_where_it_is_kept(
    app: Flask, grant: LargeGrant, bank: Banking, settings: Settings
) -> None:
    bank.enter(grant.focal)
    bank.call(1, grant.finance)
    tables = [table for table in BankAccount.metadata.sorted_tables if table.name != "jobs"]
    everything = "\n".join(str(row) for table in tables for row in db.session.execute(sa.select(table)).all())
    if not ON_POSTGRES:
        everything += "".join(
            path.read_bytes().decode("latin-1") for path in Path(settings.instance).glob("fundflow.db*")
        )
    db.session.rollback()
    assert "SN •••• 4567" not in everything
    for secret in (FIRST, FIRST[4:], "City of Saint-Amary", "999 99 99", "The head of finance"):
        assert secret not in everything
    queued = "".join(str(job.payload) for job in db.session.scalars(sa.select(Job)))
    assert FIRST[-8:] not in queued


def test_keys_change_and_the_wrong_one_is_told_in_words(app: Flask, grant: LargeGrant, bank: Banking) -> None:
    bank.verified(grant.focal, grant.finance)
    with transaction():
        fund_pays_from = paying.enter(
            account(OTHER), window_id=None, currency="EUR", charges="SHAR", actor=make.acting(grant.finance)
        )
    old = app.extensions["settings"]
    kept = old.data_keys()[0]

    def use(*keys: str) -> None:
        app.extensions["settings"] = replace(old, data_key=",".join(keys))
        db.session.rollback()

    new = "a new key that is long enough for everyone"
    use(new)
    with pytest.raises(bank_cipher.WrongKey, match="FUNDFLOW_DATA_KEY"):
        payee_of(grant.application.id)
    use(new, kept)
    assert payee(grant) == FIRST
    given = {"FUNDFLOW_INSTANCE": str(old.instance), "FUNDFLOW_DATABASE_URL": old.database_url}
    told = []
    for keys in ("another key that nobody ever used here", f"{new},{kept}", f"{new},{kept}"):
        db.session.rollback()
        told.append(CliRunner(env={**given, "FUNDFLOW_DATA_KEY": keys}).invoke(main, ["rekey"]))
    assert told[0].exit_code == 1 and "FUNDFLOW_DATA_KEY" in told[0].output
    assert [done.output.split()[0] for done in told[1:]] == ["2", "0"], "the city's account and the fund's own"
    use(new)
    assert payee(grant) == FIRST
    db.session.refresh(fund_pays_from)
    assert paying.details_of(fund_pays_from).iban == OTHER
    row = bank_queries.account(grant.application.id, 1)
    assert bank_queries.call_of(row)["spoken_to"] == "The head of finance"
    # A text that was moved from another row, or altered, opens nothing.
    other = LargeGrant("due_diligence")
    Banking(other.application).verified(other.focal, other.finance)
    taken = bank_queries.account(other.application.id, 1).sealed
    with transaction():
        db.session.execute(sa.update(BankAccount).where(BankAccount.id == row.id).values(sealed=taken))
    with pytest.raises(bank_cipher.Tampered):
        payee_of(grant.application.id)


def test_finance_sees_a_number_in_full_and_the_page_keeps_who_looked(grant: LargeGrant, bank: Banking) -> None:
    bank.verified(grant.focal, grant.finance)
    for who in (grant.focal, grant.director, grant.auditor, grant.compliance):
        with pytest.raises(NotYours), transaction():
            bank_service.look(grant.application, 1, reason="Curious.", actor=make.acting(who))
    with transaction():
        _row, details = bank_service.look(grant.application, 1, reason="To pay.", actor=make.acting(grant.finance))
    assert details.iban == FIRST
    looks = db.session.scalars(sa.select(BankLook)).all()
    assert [(look.looked_by, look.reason) for look in looks] == [(grant.finance.id, "To pay.")]
