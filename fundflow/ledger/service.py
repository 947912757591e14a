"""Moving the money of an application between the accounts of its round and its own, by appended entries only.

Refuses what no account holds, what is not above zero, and every currency but the round's. What an application moves
follows the lines: what it takes from the round comes from the lines that were chosen for it, else from the lines in
their order; whatever it moves later is divided as it holds it, exactly. Whoever moves money of an application holds
the lock on its round: the effects that call this declare it.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import clock
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.ledger import book, queries
from fundflow.ledger.models import DonorLine, LedgerEntry
from fundflow.ledger.queries import Holdings
from fundflow.ledger.shares import in_order, proportional
from fundflow.lifecycle.models import Application
from fundflow.money import Money


class NotEnoughLeft(Refused):
    """Only {available} is left in this round, so {amount} cannot be set aside."""


class NotEnoughOfTheLine(Refused):
    """{line} has only {available} left in this round, less than the {amount} that it is to bear of this award."""


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


def reserve(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Hold money of the round for an application that is not decided yet."""
    amount = _usable(application, amount)
    held = queries.holdings(application)
    if amount > held.total("available"):
        raise NotEnoughLeft(available=held.total("available"), amount=amount)
    _append(application, event_seq, "reservation", "available", "reserved", _drawn(application, held, amount.minor))
    return amount


def commit(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Bind money to an application: first what is reserved for it, then what is available in its round."""
    amount = _usable(application, amount)
    held = queries.holdings(application)
    reserved, available = held.total("reserved"), held.total("available")
    if amount > reserved + available:
        raise NotEnoughLeft(available=reserved + available, amount=amount)
    kept = min(amount, reserved)
    _divided(application, event_seq, "commitment", "reserved", "committed", held, kept)
    if rest := (amount - kept).minor:
        _append(application, event_seq, "commitment", "available", "committed", _drawn(application, held, rest))
    return amount


def release(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Give back what an application holds, or `amount` of it, so that the round can use it again.

    All of it only while nothing is ordered: the bank may be sending that at this moment.
    """
    held = queries.holdings(application)
    reserved, ordered = held.total("reserved"), held.total("ordered")
    total = reserved + held.total("committed")
    if amount is None and ordered:
        raise StillOrdered(ordered=ordered)
    amount = total if amount is None else _usable(application, amount)
    if not total:
        raise NothingHeld()
    if amount > total:
        raise MoreThanCommitted(amount=amount, undisbursed=total)
    kept = min(amount, reserved)
    _divided(application, event_seq, "release", "reserved", "available", held, kept)
    _divided(application, event_seq, "release", "committed", "available", held, amount - kept)
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
    held = queries.holdings(application)
    if amount > held.total("committed"):
        raise MoreThanCommitted(amount=amount, undisbursed=held.total("committed"))
    _divided(application, event_seq, "order", "committed", "ordered", held, amount)
    return amount


def pay(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Money was sent to the city: first what was ordered, then what is committed to its application."""
    amount = _usable(application, amount)
    held = queries.holdings(application)
    ordered = held.total("ordered")
    undisbursed = ordered + held.total("committed")
    if amount > undisbursed:
        raise MoreThanCommitted(amount=amount, undisbursed=undisbursed)
    told = min(amount, ordered)
    _divided(application, event_seq, "payment", "ordered", "paid", held, told)
    _divided(application, event_seq, "payment", "committed", "paid", held, amount - told)
    return amount


def fail(application: Application, amount: Money | None, event_seq: int) -> Money:
    """The bank did not send what it was told to; it is committed as before."""
    amount = _usable(application, amount)
    held = queries.holdings(application)
    if amount > held.total("ordered"):
        raise MoreThanOrdered(amount=amount, ordered=held.total("ordered"))
    _divided(application, event_seq, "failure", "ordered", "committed", held, amount)
    return amount


def come_back(application: Application, amount: Money | None, event_seq: int) -> Money:
    """Money that was paid came back from the bank; it is still promised to the city."""
    return _back(application, amount, event_seq, "return", "committed")


def refund(application: Application, amount: Money | None, event_seq: int) -> Money:
    """The city gave back what it did not spend; the round can use it again."""
    return _back(application, amount, event_seq, "refund", "available")


def _back(application: Application, amount: Money | None, event_seq: int, kind: str, to: str) -> Money:
    amount = _usable(application, amount)
    held = queries.holdings(application)
    if amount > held.total("paid"):
        raise MoreThanPaid(amount=amount, paid=held.total("paid"))
    _divided(application, event_seq, kind, "paid", to, held, amount)
    return amount


def lose(application: Application, amount: Money | None, event_seq: int) -> Money:
    """A payment in another currency cost the round more than what was paid out; the round bears it, line by line."""
    amount = _usable(application, amount)
    held = queries.holdings(application)
    if amount > held.total("available"):
        raise NotEnoughLeft(available=held.total("available"), amount=amount)
    shares = in_order(amount.minor, held.of("available"))
    _append(application, event_seq, "exchange_loss", "available", "exchange", shares)
    return amount


def gain(application: Application, amount: Money | None, event_seq: int) -> Money:
    """A payment in another currency cost the round less than what was paid out; it goes to the lines that paid."""
    amount = _usable(application, amount)
    held = queries.holdings(application)
    paid = held.of("paid")
    if not paid:
        raise MoreThanPaid(amount=amount, paid=held.total("paid"))
    # More can be gained than was paid: in proportion to what each line paid, scaled to be enough.
    scale = -(-amount.minor // sum(paid.values()))
    shares = proportional(amount.minor, {line: minor * scale for line, minor in paid.items()})
    _append(application, event_seq, "exchange_gain", "exchange", "available", shares)
    return amount


def _usable(application: Application, amount: Money | None) -> Money:
    if amount is None or amount.minor <= 0:
        raise NoAmount()
    if amount.currency != application.currency:
        raise WrongCurrency(amount=amount, currency=application.currency)
    return amount


def _drawn(application: Application, held: Holdings, minor: int) -> Mapping[UUID, int]:
    """From which lines an application takes money of its round: from those chosen for it, then from all in order."""
    available = held.of("available")
    if len(available) < 2:
        return in_order(minor, available)
    chosen: dict[UUID, int] = {}
    for line_id, wanted in queries.split_of(application.id).items():
        # What the line already bears of this award counts: a second commitment adds only what is missing.
        bears = sum(held.of(account).get(line_id, 0) for account in queries.OWN_ACCOUNTS)
        share = min(wanted - bears, minor - sum(chosen.values()))
        if share > available.get(line_id, 0):
            currency = application.currency
            raise NotEnoughOfTheLine(
                line=db.session.get_one(DonorLine, line_id).name,
                available=Money(available.get(line_id, 0), currency),
                amount=Money(share, currency),
            )
        if share > 0:
            chosen[line_id] = share
    left = {line_id: own - chosen.get(line_id, 0) for line_id, own in available.items()}
    for line_id, share in in_order(minor - sum(chosen.values()), left).items():
        chosen[line_id] = chosen.get(line_id, 0) + share
    return chosen


def _divided(
    application: Application, event_seq: int, kind: str, credit: str, debit: str, held: Holdings, amount: Money
) -> None:
    """Move `amount` as the lines hold the account that it leaves; nothing where it is zero."""
    if amount:
        shares = proportional(amount.minor, held.of(credit))
        _append(application, event_seq, kind, credit, debit, shares)


def _append(
    application: Application, event_seq: int, kind: str, credit: str, debit: str, shares: Mapping[UUID, int]
) -> None:
    append(
        kind,
        credit,
        debit,
        shares,
        application.currency,
        round_id=application.round_id,
        application_id=application.id,
        event_seq=event_seq,
    )


def append(
    kind: str,
    credit: str,
    debit: str,
    shares: Mapping[UUID, int],
    currency: str,
    *,
    round_id: UUID | None = None,
    application_id: UUID | None = None,
    event_seq: int | None = None,
    instruction_id: UUID | None = None,
) -> None:
    """One entry for each line; the database moves the balances with them, and refuses what breaks its rules."""
    now = clock.now()
    db.session.execute(
        sa.insert(LedgerEntry),
        [
            {
                "id": uuid4(),
                "created_at": now,
                "line_id": line_id,
                "round_id": round_id,
                "application_id": application_id,
                "event_seq": event_seq,
                "instruction_id": instruction_id,
                "reversal_of": None,
                "kind": kind,
                "credit": credit,
                "debit": debit,
                "minor": minor,
                "currency": currency,
            }
            for line_id, minor in shares.items()
        ],
    )
    book.follow(application_id, round_id, credit, debit, shares)
