"""Who is told what of a bank account: the city's whole team, the contact of the old account, finance.

A message names an account by its country and last characters only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

from fundflow import mail
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import User
from fundflow.accounts.policy import DIRECTORS, FINANCE
from fundflow.applications.effects import facts_of_mail
from fundflow.banking import queries
from fundflow.banking.models import BankAccount
from fundflow.db import db
from fundflow.lifecycle import registry
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.situation import Facts


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the city named for an account: perhaps nobody with an account of their own here."""

    email: str
    name: str
    language: str
    timezone: str


def masked(row: BankAccount) -> str:
    """An account as it is named everywhere: KE •••• 0042."""
    return f"{row.country} •••• {row.tail}"


def entered(application: Application, row: BankAccount, old: BankAccount | None, facts: Facts) -> None:
    """Finance has something to check; and if it would take another's place, the city must know of it at once."""
    if old is None:
        _tell("bank_entered", application, row, facts, _fund(application, facts, {FINANCE}))
        return
    people = [*_city(application), *_old_contact(old), *_fund(application, facts, {FINANCE})]
    _tell("bank_change_entered", application, row, facts, people, old=masked(old))


def called(application: Application, row: BankAccount, facts: Facts) -> None:
    """Verified; or, for a change, a second person of the fund is needed."""
    if row.replaces_id is None:
        _tell("bank_verified", application, row, facts, _city(application))
    else:
        people = _fund(application, facts, {FINANCE, DIRECTORS})
        _tell("bank_change_to_confirm", application, row, facts, people)


def confirmed(application: Application, row: BankAccount, facts: Facts) -> None:
    """The last chance to object has its day."""
    people = [*_city(application), *_contact_replaced(row)]
    _tell("bank_change_confirmed", application, row, facts, people, until=row.usable_from)


def objected(application: Application, row: BankAccount, facts: Facts) -> None:
    """Everybody who was told of the change is told that it stopped."""
    people = [*_city(application), *_contact_replaced(row), *_fund(application, facts, {FINANCE, DIRECTORS})]
    _tell("bank_change_frozen", application, row, facts, people, by=_of_the_city(application, facts))


def put_aside(application: Application, row: BankAccount, facts: Facts) -> None:
    """It will not be used: the city took it back, or the fund put it aside and says why."""
    people = [*_city(application), *_contact_replaced(row), *_fund(application, facts, {FINANCE})]
    by = _of_the_city(application, facts)
    _tell("bank_put_aside", application, row, facts, people, by=by, why=row.why or "")


def _tell(
    template: str,
    application: Application,
    row: BankAccount,
    facts: Facts,
    people: Iterable[mail.Recipient],
    **more: Any,
) -> None:
    said = {
        **facts_of_mail(application),
        "link": f"/applications/{application.id}/bank",
        "account": masked(row),
        "by": facts.actor.name,
        "at": facts.now,
        **more,
    }
    for person in people:
        mail.queue(template, person, said, f"bank:{row.id}:{template}")


def _of_the_city(application: Application, facts: Facts) -> str:
    """Who did it, where that was somebody of the city; a city is told no name of the fund's people."""
    person = facts.actor.id
    return facts.actor.name if person is not None and accounts.is_on_team(person, application.city_id) else ""


def _city(application: Application) -> list[mail.Recipient]:
    return [cast("mail.Recipient", each) for each in accounts.colleagues_with(application.city_id)]


def _fund(application: Application, facts: Facts, groups: Collection[str]) -> list[mail.Recipient]:
    roles = [role for role in facts.workflow.roles.values() if role.kind == "group" and role.group in groups]
    people = {each.id: each for role in roles for each in registry.members_of(application, role)}
    return [cast("mail.Recipient", each) for each in people.values() if each.id != facts.actor.id]


def _contact_replaced(row: BankAccount) -> list[mail.Recipient]:
    old = db.session.get(BankAccount, row.replaces_id) if row.replaces_id else None
    return [] if old is None else _old_contact(old)


def _old_contact(old: BankAccount) -> list[mail.Recipient]:
    """Whom the city named for the old account, in the language of whoever entered it; and that person, who may have
    left the team since."""
    given, person = queries.details_of(old), db.session.get_one(User, old.entered_by)
    found: list[mail.Recipient] = [
        Contact(given.contact_email, given.contact_name, person.language, person.timezone),
    ]
    if person.active:
        found.append(cast("mail.Recipient", person))
    return found
