"""Payment batches: two people, one file, and no payment lost or ordered twice, whatever happens in between."""

from __future__ import annotations

import textwrap
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from lxml import etree

from fundflow import clock, storage
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Stale
from fundflow.jobs import worker
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import audit
from fundflow.payments import batches, paying
from fundflow.payments.order_models import PaymentOrder
from tests import factories as make
from tests import processes
from tests.payments import banking
from tests.payments.toy import IBANS, Fund, orders_of, states

NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def texts(content: bytes, name: str) -> list[str]:
    found: list[str] = etree.fromstring(content).xpath(f"//p:{name}/text()", namespaces=NAMES)
    return found


@pytest.mark.parametrize("currency", ["EUR", "JPY", "TND"])
def test_what_one_chose_and_another_released_is_ordered_and_stands_in_one_file(app: Flask, currency: str) -> None:
    fund = Fund(currency)
    grants = [fund.grant((600, 400), iban=iban) for iban in IBANS[:2]]
    batch = fund.prepared()
    assert [line.line.child_key for line in batches.lines_of(batch)] == ["1", "1", "2", "2"]
    # Nothing has happened yet.
    assert states(grants[0]) == {"1": "approved", "2": "approved"}
    stand_in = make.a_person()
    make.stand_in(fund.finance, stand_in)
    for one_and_the_same in (fund.finance, stand_in):
        with pytest.raises(paying.SecondPerson):
            fund.released(batch, one_and_the_same)
    with pytest.raises(Stale), transaction():
        batches.release(batch.id, seen="something else", actor=make.acting(fund.second))
    fund.released(batch)
    worker.drain()
    batch = fund.again(batch.id)
    assert batch.sha256 is not None
    content = storage.get(batch.sha256)
    banking.check("pain.001.001.09", content)
    exact = {"EUR": "2000.00", "JPY": "2000", "TND": "2000.000"}[currency]
    assert texts(content, "CtrlSum") == [exact, exact]
    assert (batch.count, str(batch.sum)) == (4, f"{exact} {currency}")
    assert sorted(texts(content, "EndToEndId")) == sorted(o.end_to_end_id for g in grants for o in orders_of(g))
    assert bool(texts(content, "SvcLvl/p:Cd")) == (currency == "EUR")
    assert states(grants[1]) == {"1": "ordered", "2": "ordered"}
    held = ledger.standing(grants[0])
    assert (held.committed.minor, held.ordered.minor) == (0, fund.minor(1000))
    db.session.rollback()
    with transaction():
        batches.sent(batch.id, actor=make.acting(fund.finance))
    assert {order.status for order in orders_of(grants[0])} == {"sent"}
    assert audit.verify(None).breaks == []


def test_what_cannot_be_ordered_is_left_out_of_the_file_and_says_why(app: Flask) -> None:
    fund = Fund()
    fine, moved, nameless, unpaid = (fund.grant((500,)) for _ in range(4))
    focal = make.a_person()
    arabic = fund.grant((300,), approve=False)
    fund.verify(arabic, focal, IBANS[3], "بلدية تونس")
    make.press(arabic, "tranche.approve", fund.manager, of="1")
    with transaction():
        db.session.execute(sa.text("DELETE FROM bank_accounts WHERE application_id = :id"), {"id": _id(nameless)})
    batch = fund.prepared()
    # Whoever approved a payment does not order it: here finance was made a manager of old.
    fund.released(batch)
    make.press(moved, "tranche.order", fund.finance, of="1")
    worker.drain()
    batch = fund.again(batch.id)
    said = {line.number: line.line.refusal for line in batches.lines_of(batch)}
    assert said[fine.number] is None
    assert said[unpaid.number] is None
    assert "Look at it as it is now" in (said[moved.number] or "")
    assert "no verified bank account" in (said[nameless.number] or "")
    assert "بلدية تونس" in (said[arabic.number] or "")
    assert batch.count == 2
    assert batch.sha256 is not None
    assert texts(storage.get(batch.sha256), "NbOfTxs") == ["2", "2"]
    # What was refused is free for the next batch.
    assert states(arabic) == {"1": "approved"}
    assert {pick.application_id for pick in fund.picks()} >= {arabic.id, nameless.id}


def test_a_payment_is_in_one_open_batch_only_and_a_batch_put_aside_leaves_nothing(app: Flask) -> None:
    fund = Fund()
    fund.grant((500,))
    picks = fund.picks()
    batch = fund.prepared(picks)
    assert fund.picks() == []
    with pytest.raises(batches.InAnotherBatch):
        fund.prepared(picks)
    with transaction():
        batches.discard(batch.id, actor=make.acting(fund.second))
    with pytest.raises(paying.NoLongerSo):
        fund.released(batch)
    fund.written(fund.picks())
    outsider = make.a_person(groups=[("finance", make.a_round())])
    with pytest.raises(NotFound):
        batches.batch_for(make.acting(outsider), batch.id)


def test_what_was_stopped_before_the_file_went_out_is_not_paid_from_it(app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((500,))
    batch = fund.released()
    worker.drain()
    assert batches.file_of(fund.again(batch.id))
    make.press(grant, "tranche.fail", fund.finance, of="1", reason="Called off before the file went out.")
    with pytest.raises(batches.CalledOff, match=orders_of(grant)[0].end_to_end_id):
        batches.file_of(fund.again(batch.id))
    prepared = fund.prepared()
    with transaction():
        paying.close(fund.account.id, actor=make.acting(fund.second))
    with pytest.raises(batches.AccountClosed):
        fund.released(prepared)
    assert states(grant) == {"1": "approved"}


@pytest.mark.parametrize("at", ["ordering", "writing"])
def test_a_batch_that_was_killed_goes_on_where_it_stopped(app: Flask, settings: Settings, at: str) -> None:
    fund = Fund()
    grants = [fund.grant((500, 300)) for _ in range(3)]
    batch = fund.released()
    place = {
        "ordering": """
        from fundflow.payments import batches
        real, done = batches._order, []
        def order(batch_id, position):
            real(batch_id, position)
            done.append(position)
            if len(done) == 3:
                db.session.flush()
                ready()
                time.sleep(60)
        batches._order = order
        """,
        "writing": """
        from fundflow import clock, storage
        real = storage.put
        def put(content):
            kept = real(content)
            ready()
            time.sleep(60)
        storage.put = put
        """,
    }[at]
    process = processes.start(settings, textwrap.dedent(place) + "from fundflow.jobs import worker\nworker.drain()\n")
    processes.kill_when_ready(process)
    db.session.rollback()
    half = db.session.scalars(sa.select(sa.func.count()).select_from(PaymentOrder)).one()
    assert half == {"ordering": 2, "writing": 6}[at]
    assert fund.again(batch.id).sha256 is None
    # Another worker takes the job over once the dead one's lease is out.
    with clock.shifted(timedelta(minutes=2)):
        worker.drain()
        batch = fund.again(batch.id)
    assert batch.count == 6
    assert batch.sha256 is not None
    content = storage.get(batch.sha256)
    references = texts(content, "EndToEndId")
    assert sorted(references) == sorted(o.end_to_end_id for g in grants for o in orders_of(g))
    assert len(references) == len(set(references)) == 6
    assert all(states(grant) == {"1": "ordered", "2": "ordered"} for grant in grants)
    assert audit.verify(None).breaks == []


def test_the_funds_own_account_needs_two_people_and_is_kept_unreadable(app: Flask) -> None:
    fund = Fund()
    details = paying.details_of(fund.account)
    assert details.iban == banking.ACCOUNT
    assert banking.ACCOUNT not in fund.account.sealed
    with pytest.raises(paying.NoLongerSo), transaction():
        paying.confirm(fund.account.id, actor=make.acting(fund.second))
    with transaction():
        fresh = paying.enter(details, window_id=None, currency="EUR", charges="SHAR", actor=make.acting(fund.second))
    with pytest.raises(paying.SecondPerson), transaction():
        paying.confirm(fresh.id, actor=make.acting(fund.second))
    assert [account.id for account in paying.in_force("EUR", [fund.round.id])] == [fund.account.id]
    with transaction():
        paying.close(fund.account.id, actor=make.acting(fund.second))
    fund.grant((500,))
    with pytest.raises(batches.NoAccount):
        fund.prepared()


def _id(application: object) -> str:
    value = application.id  # type: ignore[attr-defined]
    return value.hex if db.engine.dialect.name == "sqlite" else str(value)
