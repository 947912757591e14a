"""What is kept of a grant's bank accounts: which one money goes to, what waits, the whole history, and who looked.

Nothing here shows a number: for that, `bank_service.look` keeps who looked, and `bank.payee_of` pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City, User
from fundflow.applications.policy import visible_to
from fundflow.banking.cipher import unseal
from fundflow.banking.models import BankAccount, BankLook
from fundflow.banking.numbers import Details
from fundflow.db import db, foreseen, read
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.prepared import Prepared
from fundflow.rounds.policy import scopes
from fundflow.workflow import accounts
from fundflow.workflow.accounts import VERIFIED, WAITING

_OF_APPLICATION = Prepared(
    sa.select(BankAccount.id, BankAccount.status, BankAccount.usable_from)
    .where(BankAccount.application_id == sa.bindparam("application_id"))
    .order_by(BankAccount.number)
)


def standing(application: Application, now: datetime | None = None) -> accounts.Standing:
    """Where the accounts of one application stand, by their ids: at this moment, or at the one of a command."""
    return accounts.standing(read(_OF_APPLICATION, application_id=application.id), now or moment(application))


def moment(application: Application) -> datetime:
    """Now, and not before what happened last."""
    return max(clock.now(), application.last_event_at)


def foresee(ids: Sequence[UUID]) -> None:
    """Have `standing` of each of these applications answered by one question."""
    found: dict[UUID, list[tuple[Any, ...]]] = {application_id: [] for application_id in ids}
    rows = db.session.execute(
        sa.select(BankAccount.application_id, BankAccount.id, BankAccount.status, BankAccount.usable_from)
        .where(BankAccount.application_id.in_(ids))
        .order_by(BankAccount.application_id, BankAccount.number)
    )
    for application_id, *row in rows:
        found[application_id].append(tuple(row))
    for application_id, known in found.items():
        foreseen(_OF_APPLICATION, known, application_id=application_id)


def accounts_of(application_id: UUID) -> Sequence[BankAccount]:
    """Every account that was ever entered for an application, the latest first."""
    return db.session.scalars(
        sa.select(BankAccount)
        .where(BankAccount.application_id == application_id)
        .order_by(BankAccount.number.desc())
        .execution_options(populate_existing=True)
    ).all()


def stamp(rows: Sequence[BankAccount]) -> str:
    """What tells whether anything happened to these accounts since somebody looked."""
    return f"{rows[0].number}:{rows[0].status}" if rows else "0"


def account(application_id: UUID, number: int) -> BankAccount:
    """One account by its number; NotFound where there is none."""
    found = db.session.scalar(
        sa.select(BankAccount)
        .where(BankAccount.application_id == application_id, BankAccount.number == number)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def details_of(row: BankAccount) -> Details:
    """What was entered. Raises WrongKey, Tampered."""
    return Details.of(unseal(row.key, row.sealed, row.application_id, row.id))


def call_of(row: BankAccount) -> dict[str, str]:
    """The second channel: ``phone``, ``source`` and ``spoken_to``; empty before there was one."""
    if row.call is None:
        return {}
    key, _dot, sealed = row.call.partition(".")
    return unseal(key, sealed, row.application_id, row.id)


@dataclass(frozen=True, slots=True)
class Look:
    """That somebody had a number shown in full, and why."""

    look: BankLook
    number: int
    name: str


def looks_at(application_id: UUID) -> list[Look]:
    """Who saw an account of this application in full, the latest first."""
    rows = db.session.execute(
        sa.select(BankLook, BankAccount.number, User.name, User.email)
        .join(BankAccount, BankAccount.id == BankLook.account_id)
        .join(User, User.id == BankLook.looked_by)
        .where(BankAccount.application_id == application_id)
        .order_by(BankLook.created_at.desc(), BankLook.id)
    )
    return [Look(look, number, name or email) for look, number, name, email in rows]


@dataclass(frozen=True, slots=True)
class Queued:
    """An account that waits for the fund, or for its time."""

    account: BankAccount
    number: str
    city: str
    status: str
    """``entered``, ``called``, ``frozen`` or ``cooling_off``."""
    since: datetime


def queue(actor: Actor, *groups: str) -> list[Queued]:
    """The accounts that wait, of the rounds that the actor serves in one of these groups, the oldest first."""
    reached = scopes(actor, *groups)
    now = clock.now()
    waits = sa.or_(
        BankAccount.status.in_(WAITING), sa.and_(BankAccount.status == VERIFIED, BankAccount.usable_from > now)
    )
    rows = db.session.execute(
        sa.select(BankAccount, Application.number, City.name)
        .join(Application, Application.id == BankAccount.application_id)
        .join(City, City.id == Application.city_id)
        .where(
            waits,
            Application.outcome.is_(None),
            visible_to(actor),
            sa.true() if reached is None else Application.round_id.in_(reached),
        )
        .order_by(BankAccount.created_at, BankAccount.id)
    )
    return [
        Queued(
            row,
            number,
            city,
            "cooling_off" if row.status == VERIFIED else row.status,
            row.ended_at or row.confirmed_at or row.called_at or row.created_at,
        )
        for row, number, city in rows
    ]
