"""The ledger: whatever is tried, nothing is spent twice, nothing disappears, and no account falls below zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.ledger import effects, funding, listing, queries, refusals, service
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.payments import policy
from fundflow.payments import queries as payments
from fundflow.payments import service as paying
from fundflow.payments.models import Payment
from fundflow.rounds.models import Round
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round, payment

pytestmark = pytest.mark.usefixtures("app")

BUDGET = 1_000


def eur(amount: Any) -> Money:
    return Money.of(amount, "EUR")


@pytest.fixture
def pair() -> Iterator[list[Application]]:
    """Two applications of one round with a budget of 1,000."""
    round_ = a_toy_round(budget=BUDGET, cap=BUDGET, floor=0)
    yield [a_toy(round_), a_toy(round_)]


def test_a_published_round_has_its_budget_available_and_publishing_gives_it_once() -> None:
    round_ = a_toy_round(budget=100_000)
    assert queries.balance(round_.id) == queries.Balance(
        eur(100_000), eur(100_000), eur(0), eur(0), eur(0), eur(0), eur(0)
    )
    with transaction():
        assert funding.give_budget(round_.id) == eur(0)
    assert len(queries.entries(round_.id)) == 1


def test_a_draft_round_has_nothing() -> None:
    round_ = a_toy_round(is_published=False)
    assert queries.balance(round_.id).budget == eur(0)


def test_a_raised_budget_is_given_as_the_difference_and_a_lowered_one_is_refused() -> None:
    round_ = a_toy_round(budget=100_000)
    for budget, moved in ((150_000, 50_000), (150_000, 0)):
        with transaction():
            db.session.get_one(Round, round_.id).budget_minor = eur(budget).minor
            db.session.flush()
            assert funding.give_budget(round_.id) == eur(moved)
    with pytest.raises(refusals.BudgetBelowAppropriation), transaction():
        db.session.get_one(Round, round_.id).budget_minor = eur(120_000).minor
        db.session.flush()
        funding.give_budget(round_.id)


def test_a_round_that_does_not_exist_has_no_balance() -> None:
    with pytest.raises(NotFound):
        queries.balance(uuid4())


def test_balances_of_many_rounds_are_one_query(app: Any) -> None:
    rounds = [a_toy_round(budget=n * 1_000, cap=1_000) for n in (1, 2, 3)]
    ids = make.ids(*rounds)
    asked = []

    def count(*args: Any) -> None:
        asked.append(args[2])

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        found = queries.balances(ids)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
    assert [found[each].budget for each in ids] == [eur(1_000), eur(2_000), eur(3_000)]
    assert sum(statement.startswith("SELECT") for statement in asked) == 1


def test_a_grant_commits_a_payment_pays_and_the_figures_follow() -> None:
    round_ = a_toy_round(budget=100_000)
    application = a_toy(round_, requested=12_345, state="sent")
    make.press(application, "grant", make.a_person(groups=[make.MANAGERS]))
    assert queries.balance(round_.id) == queries.Balance(
        eur(100_000), eur("87655.00"), eur(0), eur("12345.00"), eur(0), eur(0), eur(0)
    )
    finance = make.a_person("Fatima", groups=[make.FINANCE])
    make.press(application, "pay", finance, input=payment("12,345.00", reference="  TR  77 "))
    assert queries.balance(round_.id) == queries.Balance(
        eur(100_000), eur("87655.00"), eur(0), eur(0), eur(0), eur("12345.00"), eur(0)
    )
    (paid,) = payments.payments_of(application.id)
    assert (paid.reference, str(paid.paid_on), paid.amount, paid.recorded_by) == (
        "TR 77",
        "2026-01-05",
        eur(12_345),
        finance.id,
    )
    lister = make.acting(finance)
    assert policy.may_see_payments(lister, application)
    assert not policy.may_see_payments(make.acting(make.a_person()), application)
    (line,) = payments.payments_of_round(round_.id)
    assert (line.number, line.recorded_by) == (application.number, "Fatima")
    assert [line.entry.kind for line in listing.entries_of(round_.id)] == ["allocation", "commitment", "payment"]


def test_a_cancelled_grant_gives_everything_back() -> None:
    round_ = a_toy_round(budget=100_000)
    application = a_toy(round_, state="sent")
    manager = make.a_person(groups=[make.MANAGERS])
    make.press(application, "grant", manager)
    make.press(application, "cancel", manager, reason="The city withdrew its share.")
    assert queries.balance(round_.id).available == eur(100_000)


def test_more_than_was_granted_is_never_paid() -> None:
    application = a_toy(state="sent")
    make.press(application, "grant", make.a_person(groups=[make.MANAGERS]))
    finance = make.a_person(groups=[make.FINANCE])
    with pytest.raises(service.MoreThanCommitted):
        make.press(application, "pay", finance, input=payment("10,000.01"))
    assert payments.payments_of(application.id) == []


def test_a_payment_that_lies_ahead_is_refused() -> None:
    application = a_toy(state="sent")
    make.press(application, "grant", make.a_person(groups=[make.MANAGERS]))
    ahead = (clock.now() + timedelta(days=3)).date().isoformat()
    with pytest.raises(paying.NotYetPaid):
        make.press(application, "pay", make.a_person(groups=[make.FINANCE]), input=payment("10000", paid_on=ahead))


def test_another_currency_no_amount_and_less_than_nothing_are_refused(pair: list[Application]) -> None:
    application = pair[0]
    for amount in (Money.of(10, "USD"), None, eur(0), eur(-5)):
        for operation in (service.reserve, service.commit):
            with pytest.raises((service.WrongCurrency, service.NoAmount)), transaction():
                operation(application, amount, 1)
    assert len(queries.entries(application.round_id)) == 1


def test_the_database_itself_refuses_an_entry_between_the_wrong_accounts(pair: list[Application]) -> None:
    for kind, credit, debit in (
        ("payment", "available", "paid"),
        ("commitment", "budget", "committed"),
        ("release", "paid", "available"),
        ("theft", "available", "paid"),
    ):
        with pytest.raises(IntegrityError), transaction():
            db.session.add(
                LedgerEntry(
                    round_id=pair[0].round_id,
                    application_id=pair[0].id,
                    event_seq=1,
                    kind=kind,
                    credit=credit,
                    debit=debit,
                    minor=1,
                    currency="EUR",
                )
            )


def test_an_operation_nobody_knows_is_refused(pair: list[Application]) -> None:
    class Asked:
        ledger, amount, when = "burn", None, None

    class Ctx:
        application, event_seq = pair[0], 1
        input: ClassVar[dict[str, Any]] = {}

    with pytest.raises(effects.UnknownLedgerOperation):
        effects.move(Ctx(), Asked())  # type: ignore[arg-type]


def test_a_payment_recorded_by_the_system_is_refused(pair: list[Application]) -> None:
    with pytest.raises(paying.NobodyPaid), transaction():
        paying.record(pair[0], eur(5), 2, reference="x", paid_on=None, recorded_by=None, now=clock.now())
    assert db.session.scalars(sa.select(Payment)).all() == []


def test_an_order_is_paid_fails_comes_back_and_is_refunded(pair: list[Application]) -> None:
    application = pair[0]
    with transaction():
        service.commit(application, eur(100), 1)
        service.order(application, eur(60), 2)
        with pytest.raises(service.StillOrdered):
            service.close(application, None, 3)
        with pytest.raises(service.MoreThanCommitted):
            service.order(application, eur(41), 3)
        with pytest.raises(service.MoreThanOrdered):
            service.fail(application, eur(61), 3)
        service.fail(application, eur(10), 3)
        service.pay(application, eur(70), 4)
        with pytest.raises(service.MoreThanPaid):
            service.refund(application, eur(71), 5)
        service.come_back(application, eur(20), 5)
        service.refund(application, eur(5), 6)
        service.lose(application, eur(3), 7)
        service.gain(application, eur(4), 8)
    held = queries.standing(application)
    assert (held.committed, held.ordered, held.paid, held.undisbursed) == (eur(50), eur(0), eur(45), eur(50))
    balance = queries.balance(application.round_id)
    assert (balance.budget, balance.available, balance.exchanged) == (eur(1_000), eur(906), eur(-1))


operations = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "commit", "pay", "release", "close"]),
        st.integers(0, 1),
        st.one_of(st.none(), st.integers(-10, 700), st.just(BUDGET), st.just(BUDGET + 1)),
    ),
    max_size=25,
)


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(steps=operations)
def test_whatever_is_tried_the_accounts_add_up_and_never_fall_below_zero(
    pair: list[Application], steps: list[tuple[str, int, int | None]]
) -> None:
    """Against a second statement of the rules: what a plain sum of three columns would say."""
    held = [[0, 0, 0], [0, 0, 0]]  # reserved, committed, paid of each application
    try:
        for seq, (name, which, whole) in enumerate(steps, start=100):
            application, own = pair[which], held[which]
            left = BUDGET - sum(map(sum, held))
            amount = None if whole is None else eur(whole)
            size = whole or 0
            try:
                match name:
                    case "reserve":
                        service.reserve(application, amount, seq)
                        assert 0 < size <= left
                        own[0] += size
                    case "commit":
                        service.commit(application, amount, seq)
                        assert 0 < size <= left + own[0]
                        own[0], own[1] = own[0] - min(size, own[0]), own[1] + size
                    case "pay":
                        service.pay(application, amount, seq)
                        assert 0 < size <= own[1]
                        own[1], own[2] = own[1] - size, own[2] + size
                    case "release":
                        service.release(application, amount, seq)
                        given_back = sum(own[:2]) if amount is None else size
                        assert 0 < given_back <= sum(own[:2])
                        from_reserve = min(given_back, own[0])
                        own[0], own[1] = own[0] - from_reserve, own[1] - (given_back - from_reserve)
                    case "close":
                        service.close(application, None, seq)
                        own[0] = own[1] = 0
            except Refused:
                if name == "commit":
                    assert size <= 0 or size > left + own[0]
                if name == "pay":
                    assert size <= 0 or size > own[1]
            db.session.flush()
            found = queries.balance(pair[0].round_id)
            assert found.budget == eur(BUDGET)
            assert min(found.available.minor, found.reserved.minor, found.committed.minor, found.paid.minor) >= 0
            assert [found.reserved, found.committed, found.paid] == [
                eur(sum(each[n] for each in held)) for n in range(3)
            ]
    finally:
        db.session.rollback()
