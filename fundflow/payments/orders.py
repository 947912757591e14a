"""Orders to the bank: made, paid, failed and returned in the same transaction as the workflow's own step.

Refuses a second order for what is already ordered. Which step of a workflow that is, is read off what it does with the
ledger, never off its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.banking import payee as bank
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle.models import Application, Child
from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money
from fundflow.payments import iso20022
from fundflow.payments.models import Payment
from fundflow.payments.order_models import (
    ACCEPTED,
    BOOKED,
    CLEARED,
    FAILED,
    PART_BOOKED,
    RETURNED,
    SENT,
    UNDER_WAY,
    PaymentOrder,
)
from fundflow.workflow.definition import Transition, Workflow


class AlreadyOrdered(Refused):
    """This was ordered already and the bank has not finished with it: end-to-end id {reference}."""


def ordered(ctx: EffectContext, amount: Money) -> None:
    """An order for what this step pays, to the account that is in force at this moment."""
    under_way = _under_way(ctx)
    if under_way is not None:
        raise AlreadyOrdered(reference=under_way.end_to_end_id)
    payee = bank.payee_of(ctx.application.id)
    kind, child_key = _about(ctx)
    db.session.add(
        PaymentOrder(
            created_at=ctx.now,
            application_id=ctx.application.id,
            event_seq=ctx.event_seq,
            kind=kind,
            child_key=child_key,
            minor=amount.minor,
            currency=amount.currency,
            payee_id=None if payee is None else payee.account_id,
            end_to_end_id=iso20022.end_to_end_id(ctx.application.number, ctx.key("order")),
            ordered_by=ctx.actor.id,
        )
    )
    db.session.flush()


def paid(ctx: EffectContext, amount: Money) -> None:
    """Where it was ordered, the order is now booked: whole, or as far as was said; the payment is there already."""
    order = _under_way(ctx)
    if order is None:
        return
    order.booked_minor = min(order.minor, order.booked_minor + amount.minor) if order.booked_minor < order.minor else 0
    order.status = BOOKED if order.booked_minor == order.minor else PART_BOOKED
    db.session.execute(
        sa.update(Payment)
        .where(Payment.application_id == ctx.application.id, Payment.event_seq == ctx.event_seq)
        .values(order_id=order.id)
    )
    db.session.flush()


def failed(ctx: EffectContext, _amount: Money) -> None:
    """The bank did not do it: the order is over, and what it was for can be ordered anew."""
    order = _under_way(ctx)
    if order is not None:
        order.status = FAILED
        db.session.flush()


def returned(ctx: EffectContext, _amount: Money) -> None:
    """The money came back: the order is over, and what it was for can be ordered anew."""
    kind, child_key = _about(ctx)
    order = db.session.scalars(
        sa.select(PaymentOrder)
        .where(
            PaymentOrder.application_id == ctx.application.id,
            PaymentOrder.kind == kind,
            PaymentOrder.child_key == child_key,
            PaymentOrder.status == BOOKED,
        )
        .order_by(PaymentOrder.event_seq.desc())
        .limit(1)
    ).first()
    if order is not None:
        order.status = RETURNED
        db.session.flush()


def step_for(workflow: Workflow, kind: str, state: str, operation: str) -> Transition | None:
    """The step that causes this operation of the ledger from a state of a child, or of the application itself."""
    machine: Any = workflow.children.get(kind) if kind else workflow
    if machine is None:
        return None
    leaving: list[Transition] = machine.transitions_from(state)
    return next((step for step in leaving if any(effect.ledger == operation for effect in step.do)), None)


def state_of(application: Application, kind: str, child_key: str) -> str | None:
    """Where what an order pays stands now; None where it is not there any more."""
    if not kind:
        return application.state
    return db.session.scalar(
        sa.select(Child.state)
        .where(Child.application_id == application.id, Child.kind == kind, Child.key == child_key)
        .execution_options(populate_existing=True)
    )


def asked_of(step: Transition, known: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is known, what the step asks for."""
    return {name: known[name] for name in step.input if known.get(name) is not None}


def keep_exchange(application_id: UUID, event_seq: int, rate: Decimal | None, fee: Money | None) -> None:
    """Add to the payment of an event what the bank said of exchange and charges."""
    db.session.execute(
        sa.update(Payment)
        .where(Payment.application_id == application_id, Payment.event_seq == event_seq)
        .values(
            rate=rate,
            fee_minor=None if fee is None else fee.minor,
            fee_currency=None if fee is None else fee.currency,
        )
    )


def mark_sent(batch_id: UUID) -> int:
    """The file of these orders went to the bank; those of which it said something already stay as they are."""
    done = db.session.execute(
        sa.update(PaymentOrder)
        .where(PaymentOrder.batch_id == batch_id, PaymentOrder.status == CLEARED)
        .values(status=SENT)
        .returning(PaymentOrder.id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.expire_all()
    return len(done)


def accept(order: PaymentOrder, reason: str) -> None:
    """The bank took it on."""
    if order.status in (CLEARED, SENT):
        order.status, order.reason = ACCEPTED, reason


def book_part(order: PaymentOrder, amount: Money) -> None:
    """A part of it was booked; the rest stays open."""
    order.booked_minor += amount.minor
    order.status = PART_BOOKED


def _under_way(ctx: EffectContext) -> PaymentOrder | None:
    kind, child_key = _about(ctx)
    return db.session.scalars(
        sa.select(PaymentOrder).where(
            PaymentOrder.application_id == ctx.application.id,
            PaymentOrder.kind == kind,
            PaymentOrder.child_key == child_key,
            PaymentOrder.status.in_(UNDER_WAY),
        )
    ).first()


def _about(ctx: EffectContext) -> tuple[str, str]:
    return ("", "") if ctx.child is None else (ctx.child.kind, ctx.child.key)
