"""Moving money between the accounts of a round, by appended entries only.

Refuses what no account holds, what is not above zero, and every currency but the round's. Whoever moves money of an
application holds the lock on its round: the effects that call this declare it.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.ledger import queries
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds.models import Round


class NotEnoughLeft(Refused):
    """Only {available} is left in this round, so {amount} cannot be set aside."""


class MoreThanCommitted(Refused):
    """{amount} is more than the {undisbursed} of this grant that is not yet paid."""


class MoreThanOrdered(Refused):
    """{amount} is more than the {ordered} that is ordered at the bank."""


class MoreThanPaid(Refused):
    """{amount} is more than the {paid} that was paid."""


class StillOrdered(Refused):
    """{ordered} is ordered at the bank: record first what became of it."""


class NothingHeld(Refused):
    """Nothing is set aside for this application, so there is nothing to release."""


class WrongCurrency(Refused):
    """{amount} is not in {currency}, the currency of this round."""


class NoAmount(Refused):
    """An amount above zero is needed here."""

    status = 422


class BudgetBelowAppropriation(Refused):
    """{appropriated} was already given to this round, more than the budget of {budget}."""


def appropriate(round_id: UUID) -> Money:
    """Give a round the part of its budget that it does not have yet, and say how much that was."""
    locked = sa.select(Round.currency, Round.budget_minor).where(Round.id == round_id).with_for_update()
    row = db.session.execute(locked).first()
    if row is None:
        raise NotFound()
    budget = Money(row.budget_minor, row.currency)
    missing = budget - queries.balance(round_id).budget
    if missing.minor < 0:
        raise BudgetBelowAppropriation(appropriated=str(budget - missing), budget=str(budget))
    if missing:
        _insert(round_id, None, None, "appropriation", "budget", "available", missing)
    return missing


def reserve(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Hold money of the round for an application that is not decided yet."""
    amount = _usable(application, amount)
    held = queries.standing(application)
    if amount > held.available:
        raise NotEnoughLeft(available=held.available, amount=amount)
    _append(application, event_seq, "reservation", "available", "reserved", amount)
    return amount


def commit(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Bind money to an application: first what is reserved for it, then what is available in its round."""
    amount = _usable(application, amount)
    held = queries.standing(application)
    if amount > held.reserved + held.available:
        raise NotEnoughLeft(available=held.reserved + held.available, amount=amount)
    from_reserve = min(amount, held.reserved)
    for account, part in (("reserved", from_reserve), ("available", amount - from_reserve)):
        _append(application, event_seq, "commitment", account, "committed", part)
    return amount


def release(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Give back what an application holds, or `amount` of it, so that the round can use it again.

    All of it only while nothing is ordered: the bank may be sending that at this moment.
    """
    held = queries.standing(application)
    total = held.reserved + held.committed
    if amount is None and held.ordered:
        raise StillOrdered(ordered=held.ordered)
    amount = total if amount is None else _usable(application, amount)
    if not total:
        raise NothingHeld()
    if amount > total:
        raise MoreThanCommitted(amount=amount, undisbursed=total)
    from_reserve = min(amount, held.reserved)
    for account, part in (("reserved", from_reserve), ("committed", amount - from_reserve)):
        _append(application, event_seq, "release", account, "available", part)
    return amount


def close(application: Application, _amount: Money | None, event_seq: int) -> Money:
    """Give back whatever an application still holds; zero when it holds nothing."""
    held = queries.standing(application)
    if not held.reserved + held.undisbursed:
        return Money.zero(application.currency)
    return release(application, None, event_seq)


def order(application: Application, amount: Money | None, event_seq: int) -> Money:
    """The bank was told to send money that is committed to an application."""
    amount = _usable(application, amount)
    held = queries.standing(application)
    if amount > held.committed:
        raise MoreThanCommitted(amount=amount, undisbursed=held.committed)
    _append(application, event_seq, "order", "committed", "ordered", amount)
    return amount


def pay(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Money was sent to the city: first what was ordered, then what is committed to its application."""
    amount = _usable(application, amount)
    held = queries.standing(application)
    if amount > held.undisbursed:
        raise MoreThanCommitted(amount=amount, undisbursed=held.undisbursed)
    told = min(amount, held.ordered)
    for account, part in (("ordered", told), ("committed", amount - told)):
        _append(application, event_seq, "payment", account, "paid", part)
    return amount


def fail(application: Application, amount: Money | None, event_seq: int) -> Money:
    """The bank did not send what it was told to; it is committed as before."""
    amount = _usable(application, amount)
    held = queries.standing(application)
    if amount > held.ordered:
        raise MoreThanOrdered(amount=amount, ordered=held.ordered)
    _append(application, event_seq, "failure", "ordered", "committed", amount)
    return amount


def come_back(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Money that was paid came back from the bank; it is still promised to the city."""
    amount = _paid_out(application, amount)
    _append(application, event_seq, "return", "paid", "committed", amount)
    return amount


def refund(application: Application, amount: Money | None, event_seq: int) -> Money:
    """The city gave back what it did not spend; the round can use it again."""
    amount = _paid_out(application, amount)
    _append(application, event_seq, "refund", "paid", "available", amount)
    return amount


def lose(application: Application, amount: Money | None, event_seq: int) -> Money:
    """A payment in another currency cost the round more than what was paid out; the round bears it."""
    amount = _usable(application, amount)
    held = queries.standing(application)
    if amount > held.available:
        raise NotEnoughLeft(available=held.available, amount=amount)
    _append(application, event_seq, "exchange_loss", "available", "exchange", amount)
    return amount


def gain(application: Application, amount: Money | None, event_seq: int) -> Money:
    """A payment in another currency cost the round less than what was paid out; the round keeps it."""
    amount = _usable(application, amount)
    _append(application, event_seq, "exchange_gain", "exchange", "available", amount)
    return amount


def _paid_out(application: Application, amount: Money | None) -> Money:
    amount = _usable(application, amount)
    paid = queries.standing(application).paid
    if amount > paid:
        raise MoreThanPaid(amount=amount, paid=paid)
    return amount


def _usable(application: Application, amount: Money | None) -> Money:
    if amount is None or amount.minor <= 0:
        raise NoAmount()
    if amount.currency != application.currency:
        raise WrongCurrency(amount=amount, currency=application.currency)
    return amount


def _append(application: Application, event_seq: int, kind: str, credit: str, debit: str, amount: Money) -> None:
    """One entry; none where there is nothing to move."""
    if amount:
        _insert(application.round_id, application.id, event_seq, kind, credit, debit, amount)


def _insert(
    round_id: UUID,
    application_id: UUID | None,
    event_seq: int | None,
    kind: str,
    credit: str,
    debit: str,
    amount: Money,
) -> None:
    db.session.execute(
        sa.insert(LedgerEntry),
        [
            {
                "round_id": round_id,
                "application_id": application_id,
                "event_seq": event_seq,
                "kind": kind,
                "credit": credit,
                "debit": debit,
                "minor": amount.minor,
                "currency": amount.currency,
            }
        ],
    )
