"""Payment batches: chosen by one person, released by a second one, ordered payment by payment, written into one file.

Before the release nothing has happened in any application. Each payment is ordered by the workflow's own step, under a
key made of batch and line, in a transaction of its own: a batch that was broken off goes on where it stopped, and no
payment is lost or ordered twice. Refuses what is in another open batch, and whoever prepared a batch as its releaser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fundflow import jobs, storage
from fundflow.accounts import queries as people
from fundflow.accounts.models import City
from fundflow.accounts.policy import FINANCE
from fundflow.banking import queries as bank_queries
from fundflow.banking.models import BankAccount
from fundflow.db import canonical_json, db, present, transaction
from fundflow.errors import NotFound, Refused, Stale
from fundflow.lifecycle import commands, definitions, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.payments import iso20022, orders, paying
from fundflow.payments.order_models import FAILED, BankLine, BatchLine, PayingAccount, PaymentBatch, PaymentOrder
from fundflow.rounds.policy import SEES_MONEY, scopes


class NothingChosen(Refused):
    """Choose at least one payment."""

    status = 422


class TooMany(Refused):
    """Choose at most {most} payments; the others go into another file."""

    status = 422


class SeveralCurrencies(Refused):
    """Choose payments of one currency: a file is paid from one account and told by one sum."""

    status = 422


class NotPayable(Refused):
    """One of these payments can no longer be ordered. Look at the list as it is now."""


class InAnotherBatch(Refused):
    """One of these payments is already in another open batch."""


class NoAccount(Refused):
    """There is no account to pay this from. Have one entered and confirmed first."""

    status = 422


class AccountClosed(Refused):
    """The account that this is paid from was closed. Put the batch aside, and choose the payments anew."""


class CalledOff(Refused):
    """This file still names {reference}, which is no longer ordered. Do not give it to the bank; call off the rest too.

    Raised where somebody called an order off by hand before the file went out: paid from the file, and ordered anew, it
    would be paid twice.
    """


class DayGone(Refused):
    """{day} is over; choose today or a later day."""

    status = 422


class NoPayee(Refused):
    """There is no verified bank account of this city in force, so nothing can be ordered."""


class AmountChanged(Refused):
    """The rules order {ordered}, and the batch was released for {released}."""


class NotWritten(Refused):
    """The file of this batch is not written yet."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A payment that somebody chose: a step with a child of an application."""

    application_id: UUID
    kind: str
    child_key: str
    transition: str
    amount: Money
    revision: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a batch with the application and the city it belongs to, and its order once there is one."""

    line: BatchLine
    number: str
    title: str
    city: str
    order: PaymentOrder | None
    present_revision: int


def prepare(
    picks: Sequence[Pick], *, account_id: UUID, execute_on: date, key: str, actor: Actor, chosen: int = 0
) -> PaymentBatch:
    """Keep the choice for a second person. The same key again returns the batch that it made.

    `chosen` is how many somebody chose, where some of them may be payable no more.
    """
    if actor.id is None or not actor.is_in(FINANCE):
        raise NotFound()
    known = db.session.scalars(sa.select(PaymentBatch).where(PaymentBatch.key == key)).first()
    if known is not None:
        if known.prepared_by != actor.id:
            raise NotFound()
        return known
    now = present()
    if not picks and not chosen:
        raise NothingChosen()
    if chosen > len(picks):
        raise NotPayable()
    if len(picks) > iso20022.MOST_TRANSFERS:
        raise TooMany(most=iso20022.MOST_TRANSFERS)
    if len({pick.amount.currency for pick in picks}) > 1:
        raise SeveralCurrencies()
    if execute_on < now.date():
        raise DayGone(day=execute_on)
    currency = picks[0].amount.currency
    rounds = db.session.scalars(
        sa.select(Application.round_id).where(Application.id.in_({pick.application_id for pick in picks}))
    ).all()
    if all(account.id != account_id for account in paying.in_force(currency, rounds)):
        raise NoAccount()
    batch = PaymentBatch(
        id=uuid4(),
        created_at=now,
        key=key,
        message_id=_message_id(key, now),
        account_id=account_id,
        currency=currency,
        execute_on=execute_on,
        prepared_by=actor.id,
    )
    db.session.add(batch)
    db.session.flush()
    for position, pick in enumerate(picks, start=1):
        db.session.add(
            BatchLine(
                batch_id=batch.id,
                position=position,
                application_id=pick.application_id,
                kind=pick.kind,
                child_key=pick.child_key,
                transition=pick.transition,
                minor=pick.amount.minor,
                currency=pick.amount.currency,
                revision=pick.revision,
            )
        )
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise InAnotherBatch() from None
    return batch


def release(batch_id: UUID, *, seen: str, actor: Actor) -> PaymentBatch:
    """Let it be ordered and written, as a second person who saw it (`seen`, of `seen_of`) as it is now."""
    batch = _locked(batch_id, actor)
    if batch.released_at is not None or batch.discarded_at is not None:
        raise paying.NoLongerSo()
    if registry.are_one(batch.prepared_by, _person(actor)):
        raise paying.SecondPerson()
    _require_account(batch)
    lines = lines_of(batch)
    if seen != seen_of(lines):
        raise Stale()
    for each in lines:
        each.line.revision = each.present_revision
    batch.released_by, batch.released_at = _person(actor), present()
    jobs.enqueue("payments.batch", {"batch_id": str(batch.id)}, f"payments.batch:{batch.id}")
    return batch


def discard(batch_id: UUID, *, actor: Actor) -> PaymentBatch:
    """Put it aside before it is released: nothing has happened yet, so nothing has to be undone."""
    batch = _locked(batch_id, actor)
    if batch.released_at is not None or batch.discarded_at is not None:
        raise paying.NoLongerSo()
    batch.discarded_by, batch.discarded_at = _person(actor), present()
    db.session.execute(sa.update(BatchLine).where(BatchLine.batch_id == batch.id).values(is_open=False))
    return batch


def sent(batch_id: UUID, *, actor: Actor) -> PaymentBatch:
    """The file was given to the bank."""
    batch = _locked(batch_id, actor)
    if batch.sha256 is None:
        raise NotWritten()
    if batch.sent_at is not None:
        raise paying.NoLongerSo()
    batch.sent_by, batch.sent_at = _person(actor), present()
    orders.mark_sent(batch.id)
    return batch


def file_of(batch: PaymentBatch) -> bytes:
    """The file for the bank. NotWritten; CalledOff where it would pay what was called off before it was given away."""
    if batch.sha256 is None:
        raise NotWritten()
    if batch.sent_at is None:
        told = sa.exists().where(BankLine.order_id == PaymentOrder.id)
        over = sa.and_(PaymentOrder.batch_id == batch.id, PaymentOrder.status == FAILED, ~told)
        reference = db.session.scalar(sa.select(PaymentOrder.end_to_end_id).where(over).limit(1))
        if reference is not None:
            raise CalledOff(reference=reference)
    return storage.get(batch.sha256)


def seen_of(lines: Sequence[Line]) -> str:
    """A digest of what is to be released: the payments, and where their applications stand."""
    said = [[e.line.position, str(e.line.application_id), e.line.minor, e.present_revision] for e in lines]
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def batch_for(actor: Actor, batch_id: UUID) -> PaymentBatch:
    """The batch, for whoever sees the money of every round in it; NotFound otherwise."""
    batch = db.session.get(PaymentBatch, batch_id, populate_existing=True)
    if batch is None or not _sees(actor, batch.id, *SEES_MONEY):
        raise NotFound()
    return batch


def batches_for(actor: Actor, most: int = 100) -> Sequence[PaymentBatch]:
    """The newest batches of which the actor sees every payment."""
    reached = scopes(actor, *SEES_MONEY)
    query = sa.select(PaymentBatch).order_by(PaymentBatch.created_at.desc(), PaymentBatch.id).limit(most)
    if reached is not None:
        outside = (
            sa.exists()
            .where(BatchLine.batch_id == PaymentBatch.id, Application.id == BatchLine.application_id)
            .where(Application.round_id.not_in(reached))
        )
        query = query.where(~outside)
    return db.session.scalars(query).all()


def lines_of(batch: PaymentBatch) -> list[Line]:
    """Its payments in their order, in one query."""
    rows = db.session.execute(
        sa.select(BatchLine, Application.number, Application.title, City.name, PaymentOrder, Application.revision)
        .join(Application, Application.id == BatchLine.application_id)
        .join(City, City.id == Application.city_id)
        .outerjoin(PaymentOrder, PaymentOrder.id == BatchLine.order_id)
        .where(BatchLine.batch_id == batch.id)
        .order_by(BatchLine.position)
        .execution_options(populate_existing=True)
    )
    return [Line(*row) for row in rows]


def account_of(batch: PaymentBatch) -> PayingAccount:
    """The account that it is paid from."""
    return db.session.get_one(PayingAccount, batch.account_id, populate_existing=True)


@jobs.handler("payments.batch")
def carry_out(payload: Mapping[str, Any]) -> None:
    """Order what is still open, each payment in a transaction of its own, then write the file. Bears being repeated."""
    batch_id = UUID(payload["batch_id"])
    positions = db.session.scalars(
        sa.select(BatchLine.position)
        .where(BatchLine.batch_id == batch_id, BatchLine.is_open)
        .order_by(BatchLine.position)
    ).all()
    db.session.rollback()
    for position in positions:
        try:
            with transaction():
                _order(batch_id, position)
        except Refused as refusal:
            with transaction():
                _refuse(batch_id, position, refusal)
    _write(batch_id)


def _order(batch_id: UUID, position: int) -> None:
    """Fire the step of one line and note its order, both or neither."""
    line = db.session.get_one(BatchLine, (batch_id, position), with_for_update=True, populate_existing=True)
    batch = db.session.get_one(PaymentBatch, batch_id, populate_existing=True)
    if not line.is_open or batch.released_by is None:
        return
    _require_account(batch)
    application = db.session.get_one(Application, line.application_id, populate_existing=True)
    step = definitions.get(application.definition_sha).find(line.transition)
    known = {"reference": batch.message_id, "paid_on": batch.execute_on, "amount": line.amount}
    fired = commands.fire(
        line.application_id,
        line.transition,
        actor=people.actor_for(batch.released_by),
        key=f"payments.batch:{batch.id}:{position}",
        revision=line.revision,
        reason=batch.message_id,
        input={} if step is None else orders.asked_of(step, known),
        of=line.child_key,
    )
    order = db.session.scalars(
        sa.select(PaymentOrder).where(
            PaymentOrder.application_id == line.application_id, PaymentOrder.event_seq == fired.event_seq
        )
    ).one()
    if order.payee_id is None:
        raise NoPayee()
    if order.amount != line.amount:
        raise AmountChanged(ordered=order.amount, released=line.amount)
    # What the file could not say is refused here, where only this payment waits for it.
    iso20022.check_account(_payee(db.session.get_one(BankAccount, order.payee_id), ""))
    order.batch_id, line.order_id, line.is_open = batch.id, order.id, False
    # What this batch itself did to an application is no news to whoever released it.
    revision = sa.select(Application.revision).where(Application.id == line.application_id).scalar_subquery()
    db.session.execute(
        sa.update(BatchLine)
        .where(BatchLine.batch_id == batch.id, BatchLine.is_open, BatchLine.application_id == line.application_id)
        .where(BatchLine.position != position)
        .values(revision=revision)
        .execution_options(synchronize_session=False)
    )


def _require_account(batch: PaymentBatch) -> None:
    if account_of(batch).closed_at is not None:
        raise AccountClosed()


def _refuse(batch_id: UUID, position: int, refusal: Refused) -> None:
    line = db.session.get_one(BatchLine, (batch_id, position), with_for_update=True, populate_existing=True)
    if line.is_open:
        line.is_open, line.refusal = False, str(refusal)


def _write(batch_id: UUID) -> None:
    """Keep the file and say so; the same bytes whenever it is written. The caller's transaction is the last one."""
    batch = db.session.get_one(PaymentBatch, batch_id, populate_existing=True)
    ordered = [each for each in lines_of(batch) if each.order is not None]
    if batch.written_at is not None:
        return
    sha256 = None
    if ordered:
        sha256 = storage.put(iso20022.written(_file(batch, ordered))).sha256
    db.session.execute(
        sa.update(PaymentBatch)
        .where(PaymentBatch.id == batch.id, PaymentBatch.written_at.is_(None))
        .values(
            written_at=present(),
            sha256=sha256,
            count=len(ordered) or None,
            minor=sum(each.line.minor for each in ordered) or None,
        )
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def _file(batch: PaymentBatch, ordered: Sequence[Line]) -> iso20022.TransferFile:
    account = account_of(batch)
    payees = {
        row.id: row
        for row in db.session.scalars(
            sa.select(BankAccount).where(BankAccount.id.in_([e.order.payee_id for e in ordered if e.order]))
        )
    }
    transfers = []
    for each in ordered:
        assert each.order is not None and each.order.payee_id is not None  # noqa: S101 - `_order` saw to both
        transfers.append(
            iso20022.Transfer(
                end_to_end_id=each.order.end_to_end_id,
                amount=each.order.amount,
                payee=_payee(payees[each.order.payee_id], each.city),
                purpose=f"{each.number} {each.line.child_key} {each.title}".strip(),
            )
        )
    assert batch.released_at is not None  # noqa: S101 - only released batches are carried out
    return iso20022.TransferFile(
        message_id=batch.message_id,
        created_at=batch.released_at,
        execute_on=max(batch.execute_on, batch.released_at.date()),
        debtor=paying.debtor_of(account),
        transfers=transfers,
        charges=account.charges,
    )


def _payee(row: BankAccount, city: str) -> iso20022.Account:
    given = bank_queries.details_of(row)
    return paying.account_of(given, clearing="USABA" if given.country == "US" else None, city=city)


def _message_id(key: str, now: datetime) -> str:
    return f"FF{now:%Y%m%d}-{hashlib.sha256(key.encode()).hexdigest()[:12].upper()}"


def _locked(batch_id: UUID, actor: Actor) -> PaymentBatch:
    batch = db.session.get(PaymentBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None or not _sees(actor, batch_id, FINANCE):
        raise NotFound()
    return batch


def _sees(actor: Actor, batch_id: UUID, *groups: str) -> bool:
    reached = scopes(actor, *groups)
    if reached is None:
        return True
    rounds = db.session.scalars(
        sa.select(Application.round_id)
        .join(BatchLine, BatchLine.application_id == Application.id)
        .where(BatchLine.batch_id == batch_id)
        .distinct()
    ).all()
    return bool(rounds) and set(rounds) <= reached


def _person(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotFound()
    return actor.id
