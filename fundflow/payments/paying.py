"""The accounts that the fund pays from: entered by one person of finance, in force once a second one confirmed them.

An account is never changed: another one is entered, and the old one closed. Refuses the person who entered it as the
second one, and whoever stands in for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow.accounts.policy import FINANCE
from fundflow.banking import cipher as bank_cipher
from fundflow.banking.numbers import Details
from fundflow.db import db, present
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import registry
from fundflow.lifecycle.actor import Actor
from fundflow.payments.iso20022 import Account
from fundflow.payments.order_models import PayingAccount
from fundflow.rounds.models import Round
from fundflow.rounds.policy import scopes

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


class SecondPerson(Refused):
    """Somebody else has to do this: what one person prepared, a second one looks at."""


class NoLongerSo(Refused):
    """Somebody did this already, or put it aside. Look at it as it is now."""


def is_of_finance(actor: Actor) -> bool:
    """Of the finance of every round: the fund's own accounts and the bank's files serve all of them."""
    return scopes(actor, FINANCE) is None


def accounts() -> Sequence[PayingAccount]:
    """Those that are not closed, the oldest first."""
    return db.session.scalars(
        sa.select(PayingAccount).where(PayingAccount.closed_at.is_(None)).order_by(PayingAccount.created_at)
    ).all()


def in_force(currency: str, round_ids: Iterable[UUID]) -> Sequence[PayingAccount]:
    """The confirmed accounts that such money can be paid from for all these rounds; the window's own come first."""
    windows = db.session.scalars(sa.select(Round.window_id).where(Round.id.in_(set(round_ids))).distinct()).all()
    mine: list[sa.ColumnElement[bool]] = [PayingAccount.window_id.is_(None)]
    if len(windows) == 1:
        mine.append(PayingAccount.window_id == windows[0])
    return db.session.scalars(
        sa.select(PayingAccount)
        .where(
            PayingAccount.confirmed_at.is_not(None),
            PayingAccount.closed_at.is_(None),
            sa.or_(*mine),
        )
        .order_by(
            sa.case((PayingAccount.window_id.is_(None), 1), else_=0),
            # From an account in another currency the bank exchanges the money: one in the same comes first.
            sa.case((PayingAccount.currency == currency, 0), else_=1),
            PayingAccount.created_at,
        )
    ).all()


def enter(details: Details, *, window_id: UUID | None, currency: str, charges: str, actor: Actor) -> PayingAccount:
    """Keep an account; nothing is paid from it before somebody else confirmed it."""
    if actor.id is None or not is_of_finance(actor):
        raise NotFound()
    account_id = uuid4()
    key, sealed = bank_cipher.seal(details.kept(), account_id, account_id)
    account = PayingAccount(
        id=account_id,
        window_id=window_id,
        currency=currency,
        country=details.country,
        tail=details.tail,
        charges=charges,
        key=key,
        sealed=sealed,
        entered_by=actor.id,
    )
    db.session.add(account)
    return account


def confirm(account_id: UUID, *, actor: Actor) -> PayingAccount:
    """Put it in force, as a second person of finance who compared it with the bank's own letter."""
    account = _locked(account_id, actor)
    if account.confirmed_at is not None or account.closed_at is not None:
        raise NoLongerSo()
    if registry.are_one(account.entered_by, _person(actor)):
        raise SecondPerson()
    account.confirmed_by, account.confirmed_at = _person(actor), present()
    return account


def close(account_id: UUID, *, actor: Actor) -> PayingAccount:
    """Pay from it no more. One person is enough: it only stops something."""
    account = _locked(account_id, actor)
    if account.closed_at is not None:
        raise NoLongerSo()
    account.closed_by, account.closed_at = _person(actor), present()
    return account


def details_of(account: PayingAccount) -> Details:
    """The account in full. Raises WrongKey, Tampered."""
    return Details.of(bank_cipher.unseal(account.key, account.sealed, account.id, account.id))


def debtor_of(account: PayingAccount) -> Account:
    """The account as payment files name it."""
    return account_of(details_of(account), currency=account.currency)


def account_of(given: Details, *, currency: str | None = None, clearing: str | None = None, city: str = "") -> Account:
    """Details of an account as payment files take them."""
    return Account(
        holder=given.holder,
        country=given.country,
        bank_name=given.bank_name,
        iban=given.iban,
        number=given.number,
        bic=given.bic,
        bank_code=given.bank_code,
        currency=currency,
        clearing=clearing,
        city=city,
    )


def is_another(account: PayingAccount, named: str) -> bool:
    """Whether a statement that names this number is of another account: both IBANs, or neither, and they differ."""
    given, said = details_of(account), _bare(named)
    if not said:
        return False
    is_iban = _IBAN.match(said) is not None
    own = given.iban if is_iban else given.number if given.iban is None else None
    return own is not None and said.lstrip("0") != _bare(own).lstrip("0")


def reseal() -> int:
    """Keep every account under the present key; how many were under another."""
    key = bank_cipher.present_key()
    old = db.session.scalars(sa.select(PayingAccount).where(PayingAccount.key != key).with_for_update()).all()
    for account in old:
        account.key, account.sealed = bank_cipher.seal(details_of(account).kept(), account.id, account.id)
    return len(old)


def _bare(number: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", number.upper())


def _locked(account_id: UUID, actor: Actor) -> PayingAccount:
    if actor.id is None or not is_of_finance(actor):
        raise NotFound()
    account = db.session.get(PayingAccount, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        raise NotFound()
    return account


def _person(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotFound()
    return actor.id
