"""The bank's answers: exactly what fits is applied, once; all else is for somebody to look at, in a sentence."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import audit
from fundflow.money import Money
from fundflow.payments import answer_words, answers, iso20022
from fundflow.payments.models import Payment
from fundflow.payments.order_models import PaymentOrder
from tests import factories as make
from tests import processes
from tests.awards.large import LargeGrant
from tests.conftest import ON_POSTGRES
from tests.desk.contract import print_documents
from tests.payments.banking import ACCOUNT, entry, statement, status
from tests.payments.toy import IBANS, Fund, orders_of, payments_of, states


def test_the_whole_way_of_a_payment_and_of_one_that_came_back(app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((600, 400))
    batch = fund.written()
    one, two = orders_of(grant)
    assert fund.told(
        status(batch.message_id, [(one.end_to_end_id, "ACSP", ""), (two.end_to_end_id, "RJCT", "AC01")])
    ) == [
        ("done", "accepted"),
        ("done", "failed"),
    ]
    assert states(grant) == {"1": "ordered", "2": "approved"}
    assert [order.status for order in orders_of(grant)] == ["accepted", "failed"]
    booked = statement(entry(one.end_to_end_id, "600.00", fee="1.50", on=date(2026, 11, 20)))
    file, was_there = fund.take_in(booked)
    assert not was_there
    # It is shown before it happens, and shown the same.
    (before,) = answers.answers_of(file)
    assert (before.verdict.action, before.verdict.code, before.number) == ("pay", "paid", grant.number)
    assert states(grant)["1"] == "ordered"
    assert fund.apply(file) == [("done", "paid")]
    (payment,) = payments_of(grant)
    assert (payment.amount, payment.fee, payment.paid_on) == (
        Money(60_000, "EUR"),
        Money(150, "EUR"),
        date(2026, 11, 20),
    )
    assert payment.order_id == one.id
    assert payment.recorded_by == fund.finance.id
    # What failed is ordered anew, under another reference.
    fund.written()
    again = orders_of(grant)[-1]
    assert again.child_key == "2"
    assert again.end_to_end_id != two.end_to_end_id
    assert fund.told(statement(entry(again.end_to_end_id, "400.00"), id="S2")) == [("done", "paid")]
    assert states(grant) == {"1": "paid", "2": "paid"}
    back = statement(entry(one.end_to_end_id, "600.00", direction="CRDT", returned="AC04"), id="S3")
    assert fund.told(back) == [("done", "returned")]
    assert states(grant) == {"1": "approved", "2": "paid"}
    held = ledger.standing(grant)
    assert (held.committed.minor, held.ordered.minor, held.paid.minor) == (60_000, 0, 40_000)
    assert {order.status for order in orders_of(grant)} == {"returned", "failed", "booked"}
    db.session.rollback()
    assert audit.verify(None).breaks == []
    with transaction():
        db.session.execute(sa.update(PaymentOrder).where(PaymentOrder.id == two.id).values(minor=40_001))
        db.session.execute(sa.update(Payment).where(Payment.id == payment.id).values(minor=59_999))
    said = [str(each) for each in audit.verify(None).breaks]
    assert len(said) == 2
    assert "the order of 40001 minor units is not what event" in said[0]
    assert "the pay of 59999 minor units" in said[1]


def test_the_same_statement_twice_changes_nothing(app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((600,))
    fund.written()
    (order,) = orders_of(grant)
    content = statement(entry(order.end_to_end_id, "600.00"))
    file, _was_there = fund.take_in(content)
    fund.apply(file)
    events = make.revision_of(grant)
    again, was_there = fund.take_in(content, fund.second)
    assert (again.id, was_there) == (file.id, True)
    assert fund.apply(again, fund.second) == [("done", "paid")]
    # Told by another file of the bank, it is known by the bank's own reference; without one, nobody guesses.
    other = fund.take_in(statement(entry(order.end_to_end_id, "600.00"), message="camt.054.001.08"))[0]
    assert [each.verdict.code for each in answers.answers_of(other)] == ["told_before"]
    assert fund.apply(other) == [("nothing", "told_before")]
    bare = re.sub(rb"<AcctSvcrRef>.*?</AcctSvcrRef>", b"", statement(entry(order.end_to_end_id, "600.00"), id="S9"))
    assert fund.told(bare) == [("look", "booked_twice")]
    assert make.revision_of(grant) == events
    assert len(payments_of(grant)) == 1


def test_what_does_not_fit_is_for_somebody_to_look_at_and_changes_nothing(app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((600, 500, 400))
    fund.written()
    one, two, three = orders_of(grant)
    altered = one.end_to_end_id.replace("-", " ").lower()
    content = statement(
        entry("GCF-9999-0001-NOBODYKNOWSTHIS", "5.00"),
        entry(altered, "600.00"),
        entry(one.end_to_end_id[:28], "600.00", bank_reference="CUT"),
        entry(one.end_to_end_id, "600.00", "USD"),
        entry(two.end_to_end_id, "500.01"),
        entry(two.end_to_end_id, "500.00", direction="CRDT", returned="AC04"),
        entry(three.end_to_end_id, "400.00", direction="CRDT"),
        entry("NOTPROVIDED", "12.00"),
        entry(three.end_to_end_id, "400.00", status="PDNG"),
    )
    revision = make.revision_of(grant)
    assert fund.told(content) == [
        ("look", "unknown_reference"),
        ("look", "altered_reference"),
        ("look", "altered_reference"),
        ("look", "wrong_currency"),
        ("look", "too_much"),
        ("look", "returned_unpaid"),
        ("look", "moved_otherwise"),
        ("nothing", "not_ours"),
        ("nothing", "pending"),
    ]
    assert make.revision_of(grant) == revision
    assert {order.status for order in orders_of(grant)} == {"sent"}
    looks = answers.to_look_at(make.acting(fund.second))
    with app.test_request_context():
        said = [answer_words.sentence(each.verdict.code, each.verdict.facts) for each in looks]
        assert f"it looks like “{one.end_to_end_id}”" in said[1]
        assert "€500.01 was moved, more than the €500.00 that is open." in said
        assert said[3].endswith("600.00 was moved; the order is for €600.00, in another currency.")
        assert all(answer_words.advice(each.verdict.code) for each in looks)
    first = looks[0].line
    db.session.rollback()
    with pytest.raises(answers.NoNote), transaction():
        answers.settle(first.file_id, first.position, "  ", actor=make.acting(fund.second))
    with transaction():
        answers.settle(first.file_id, first.position, "Paid for the office rent.", actor=make.acting(fund.second))
    assert len(answers.to_look_at(make.acting(fund.second))) == len(looks) - 1


def test_parts_stay_open_until_they_are_whole_and_a_second_booking_is_told(app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((600,))
    fund.written()
    (order,) = orders_of(grant)
    name = order.end_to_end_id
    assert fund.told(statement(entry(name, "200.00"), id="A")) == [("done", "part")]
    (order,) = orders_of(grant)
    assert (order.status, order.left) == ("part_booked", Money(40_000, "EUR"))
    assert states(grant) == {"1": "ordered"}
    assert ledger.standing(grant).paid.minor == 0
    more = statement(entry(name, "300.00"), entry(name, "100.00"), entry(name, "600.00"), id="B")
    file = fund.take_in(more)[0]
    assert [each.verdict.code for each in answers.answers_of(file)] == ["part", "paid_in_parts", "booked_twice"]
    assert fund.apply(file) == [("done", "part"), ("done", "paid_in_parts"), ("look", "booked_twice")]
    assert states(grant) == {"1": "paid"}
    (payment,) = payments_of(grant)
    assert payment.amount == Money(60_000, "EUR")
    # Less came back than was paid: a charge, or somebody else's money. Nobody guesses.
    assert fund.told(statement(entry(name, "590.00", direction="CRDT", returned="AC04"), id="C")) == [
        ("look", "returned_in_part")
    ]


def test_one_half_twice_is_no_whole_and_another_accounts_statement_pays_nothing(app: Flask) -> None:
    fund = Fund()
    grant, other = fund.grant((600,)), fund.grant((500,))
    fund.written()
    (order,), (second,) = orders_of(grant), orders_of(other)
    half = entry(order.end_to_end_id, "300.00")
    file, _was_there = fund.take_in(statement(half, half))
    assert [each.verdict.code for each in answers.answers_of(file)] == ["part", "booked_twice"]
    assert fund.apply(file) == [("done", "part"), ("look", "booked_twice")]
    # Without the bank's own reference nobody knows whether it is the same half: another file does not complete it.
    bare = [re.sub(rb"<AcctSvcrRef>.*?</AcctSvcrRef>", b"", statement(half, id=name)) for name in ("A", "B")]
    bare = [each.replace(b"300.00", b"100.00") for each in bare]
    assert fund.told(bare[0]) == [("done", "part")]
    assert fund.told(bare[1]) == [("look", "booked_twice")]
    elsewhere = statement(entry(second.end_to_end_id, "500.00"), id="C").replace(ACCOUNT.encode(), IBANS[0].encode())
    assert fund.told(elsewhere) == [("look", "moved_otherwise")]
    assert (states(grant), states(other)) == ({"1": "ordered"}, {"1": "ordered"})


def test_money_that_was_exchanged_is_matched_by_what_was_ordered_and_keeps_rate_and_fee(app: Flask) -> None:
    fund = Fund("TND")
    grant = fund.grant((600,))
    fund.written()
    (order,) = orders_of(grant)
    content = statement(
        entry(order.end_to_end_id, "178.20", "EUR", ordered=("600.000", "TND"), rate="3.367003", fee="12.00")
    )
    assert fund.told(content) == [("done", "paid")]
    (payment,) = payments_of(grant)
    assert payment.amount == Money(600_000, "TND")
    assert (payment.rate, payment.fee) == (Decimal("3.367003"), Money(1_200, "EUR"))


def test_the_large_grant_is_paid_by_file_and_its_board_says_what_is_missing(app: Flask) -> None:
    fund, large = Fund(), LargeGrant("signature")
    # Printing the agreement would be all that this test spends its time on.
    print_documents(large.application)
    large.to_embargo()
    large.to_active()
    for step, who in (("request", large.focal), ("verify", large.officer), ("approve", large.finance)):
        large.press(f"tranche.{step}", who, of="1")
    first = next(each for each in fund.due() if each.application.id == large.application.id)
    # Of the steps that lead on, the one that can be taken counts.
    assert (first.stands, first.step.id) == ("fund", "tranche.approve_finally")
    large.press("tranche.approve_finally", large.director, of="1")
    first = next(each for each in fund.due() if each.application.id == large.application.id)
    assert (first.stands, first.step.id, first.is_mine) == ("blocked", "tranche.order", True)
    assert "A search in the lists of sanctions" in first.decision.refusals("en")[0]
    large.bank.screen(large.compliance)
    fund.written()
    (order,) = orders_of(large.application)
    part = large.part(1)
    ordered = (str(part.amount), part.currency)
    content = statement(entry(order.end_to_end_id, "92000.00", "EUR", ordered=ordered, rate="1.0870"))
    assert fund.told(content) == [("done", "paid")]
    (payment,) = payments_of(large.application)
    assert (payment.amount, payment.rate) == (part, Decimal("1.0870"))
    back = statement(entry(order.end_to_end_id, "92000.00", "EUR", ordered=ordered, direction="CRDT", returned="AC04"))
    assert fund.told(back) == [("done", "returned")]
    assert states(large.application)["1"] == "approved"


def test_a_word_about_the_whole_file_is_one_about_each_order_in_it(app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((600, 400))
    batch = fund.written()
    one, two = orders_of(grant)
    whole = status(batch.message_id, [(one.end_to_end_id, "ACCP", "")], group="RJCT")
    assert fund.told(whole) == [("done", "accepted"), ("done", "failed")]
    assert [order.status for order in orders_of(grant)] == ["accepted", "failed"]
    assert two.child_key == "2"
    with pytest.raises(answers.NothingSaid):
        fund.take_in(status("UNKNOWN", [], group="ACCP"))


def test_a_refused_step_leaves_nothing_half_done_and_can_be_applied_later(app: Flask) -> None:
    fund = Fund()
    grant, other = fund.grant((600,)), fund.grant((300,))
    fund.written()
    order, fine = orders_of(grant)[0], orders_of(other)[0]
    tomorrow = date(2099, 1, 1)
    content = statement(entry(order.end_to_end_id, "600.00", on=tomorrow), entry(fine.end_to_end_id, "300.00"))
    file = fund.take_in(content)[0]
    assert fund.apply(file) == [("look", "refused"), ("done", "paid")]
    assert states(grant) == {"1": "ordered"}
    assert orders_of(grant)[0].status == "sent"
    assert payments_of(grant) == []
    (look,) = answers.to_look_at(make.acting(fund.finance))
    assert "2099" in str(look.verdict.facts["why"])
    assert states(other) == {"1": "paid"}


def test_only_finance_of_every_round_takes_files_in_and_no_bad_file_is_kept(app: Flask) -> None:
    fund = Fund()
    content = statement(entry("E-1", "5.00"))
    of_one_round = make.a_person(groups=[("finance", fund.round)])
    for person in (fund.manager, of_one_round, make.a_person()):
        with pytest.raises(NotFound):
            fund.take_in(content, person)
    with pytest.raises(iso20022.Dangerous):
        fund.take_in(b'<!DOCTYPE x [<!ENTITY a "b">]>' + content.partition(b"?>")[2])
    with pytest.raises(Refused):
        fund.take_in(content[:-30])
    assert answers.files() == []


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer at a time; PostgreSQL is where two meet.")
def test_two_people_who_apply_the_same_statement_at_once_apply_it_once(app: Flask, settings: Settings) -> None:
    fund = Fund()
    grants = [fund.grant((600, 400)) for _ in range(3)]
    fund.written()
    entries = [entry(o.end_to_end_id, str(o.amount.amount)) for g in grants for o in orders_of(g)]
    path = settings.instance / "statement.xml"
    path.write_bytes(statement(*entries))
    body = """
    from pathlib import Path
    from fundflow.accounts.queries import actor_for
    from fundflow.payments import answers
    actor = actor_for(UUID({who!r}))
    db.session.rollback()
    begin()
    with transaction():
        file, _ = answers.receive(Path({path!r}).read_bytes(), "s.xml", actor=actor)
        file_id = file.id
    for position in range(1, 7):
        with transaction():
            answers.apply(file_id, position, actor=actor)
    print("DONE")
    """
    people = [str(person.id) for person in (fund.finance, fund.second)]
    processes.run_all(settings, [body.format(who=who, path=str(path)) for who in people])
    (file,) = answers.files()
    assert fund.results(file) == [("done", "paid")] * 6
    assert [len(payments_of(grant)) for grant in grants] == [2, 2, 2]
    assert ledger.balance(fund.round.id).paid == Money(300_000, "EUR")
    db.session.rollback()
    assert audit.verify(None).breaks == []
