"""Whom money of a grant goes to: the verified account in force, and nobody while another one waits for its place."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fundflow.accounts.models import City
from fundflow.banking import queries
from fundflow.banking.models import BankAccount
from fundflow.db import db
from fundflow.lifecycle.models import Application


@dataclass(frozen=True, slots=True)
class Payee:
    """An account that money may go to now. Either `iban` or `number` is there."""

    account_id: UUID
    holder: str
    country: str
    iban: str | None
    number: str | None
    bic: str | None
    bank_code: str | None
    bank_name: str
    currency: str | None
    city: str


def payee_of(application_id: UUID) -> Payee | None:
    """The account in force; None where there is none, and while a change is entered, cools off or is objected to.

    In the transaction of a command it is what the command decided on: changes take the same lock. Raises WrongKey,
    Tampered.
    """
    application = db.session.get(Application, application_id)
    standing = None if application is None else queries.standing(application)
    if application is None or standing is None or not standing.is_usable:
        return None
    row = db.session.get_one(BankAccount, standing.in_force)
    city = db.session.get_one(City, application.city_id).name
    given = queries.details_of(row)
    return Payee(
        account_id=row.id,
        holder=given.holder,
        country=given.country,
        iban=given.iban,
        number=given.number,
        bic=given.bic,
        bank_code=given.bank_code,
        bank_name=given.bank_name,
        currency=given.currency,
        city=city,
    )
