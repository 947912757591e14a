"""What becomes of a city's bank account: entered by the city, called back by finance, agreed to by a second person.

Every step runs under the lock of its application and is an event in its chain. It refuses whoever the workflow gives no
part in it, the same person twice, a call to the number that was just entered, and money to an account that cools off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import current_app

from fundflow.accounts.policy import DIRECTORS, FINANCE
from fundflow.banking import messages, queries
from fundflow.banking.cipher import present_key, seal
from fundflow.banking.models import BankAccount, BankLook
from fundflow.banking.numbers import Details, Missing
from fundflow.config import Settings
from fundflow.db import db
from fundflow.errors import Refused, Stale
from fundflow.lifecycle import acts, inputs, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.claims import Fired, Held
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import HasEnded
from fundflow.lifecycle.situation import Facts, held_roles
from fundflow.workflow import access
from fundflow.workflow.accounts import CALLED, ENTERED, FROZEN, REFUSED, REPLACED, VERIFIED, WITHDRAWN
from fundflow.workflow.definition import Workflow

BANK = "bank"
"""The transition name of these events, and the form beside which the account stands: whoever may edit or view that form
may enter or see the account."""

LONGEST = 2000
MINUTE = timedelta(minutes=1)


class NotYours(Refused):
    """Your account may not do this with the bank account of {number} now."""

    status = 403


class SamePerson(Refused):
    """Somebody else has to do this: you had a part in this account already, or you stand in for somebody who had."""


class NotIndependent(Refused):
    """Call a number that you found elsewhere: this is the number that was entered with the new account."""

    status = 422


class NotYetCalled(Refused):
    """A call is recorded once it was made, after the account was entered."""

    status = 422


class Moved(Refused):
    """This account is no longer where you saw it. Look at it as it is now."""


class SettleFirst(Refused):
    """The last change was objected to. The fund looks into it first; then another account can be entered."""


class SameAccount(Refused):
    """This is the account that is kept already."""


def enter(
    application_id: UUID, details: Details, *, actor: Actor, key: str, revision: int, seen: str | None = None
) -> Fired:
    """Keep the city's account; where one is in force, ask to put this one in its place, and tell everybody at once.

    An entry that waits is replaced, and the way begins anew, cooling-off period included.
    """

    def change(held: Held, facts: Facts) -> Mapping[str, Any]:
        application, now = held.application, facts.now
        before = queries.standing(application, now)
        _need(facts, entering_roles(held.workflow, application.state, is_change=before.in_force is not None), seen)
        rows = queries.accounts_of(application_id)
        known = {row.id: row for row in rows}
        waiting = known.get(before.waiting) if before.waiting else None
        present = waiting or (known[before.in_force] if before.in_force else None)
        if before.status == "frozen":
            raise SettleFirst()
        if present is not None and queries.details_of(present).kept() == details.kept():
            raise SameAccount()
        if waiting is not None:
            _end(waiting, REPLACED, facts)
        account_id = uuid4()
        name, sealed = seal(details.kept(), application_id, account_id)
        row = BankAccount(
            id=account_id,
            created_at=now,
            application_id=application_id,
            number=len(rows) + 1,
            replaces_id=before.in_force,
            country=details.country,
            tail=details.tail,
            key=name,
            sealed=sealed,
            entered_by=actor.id,
        )
        db.session.flush()
        db.session.add(row)
        db.session.flush()
        messages.entered(held.application, row, known.get(before.in_force) if before.in_force else None, facts)
        return _told(row)

    return acts.record(
        application_id, BANK, ENTERED, actor=actor, key=key, revision=revision, change=change, is_fact=True
    )


def call_back(
    application_id: UUID,
    number: int,
    *,
    phone: str,
    source: str,
    spoken_to: str,
    called_at: datetime,
    actor: Actor,
    key: str,
    revision: int,
    seen: str | None = None,
) -> Fired:
    """Record that finance rang the city at a number found independently, and that the account is the city's.

    The first account is then verified; one that takes another's place waits for a second person.
    """
    said = {"phone": _line(phone), "source": _line(source), "spoken_to": _line(spoken_to)}

    def change(held: Held, facts: Facts) -> Mapping[str, Any]:
        _need(facts, checking_roles(held.workflow), seen)
        row = _waiting(application_id, number, ENTERED)
        _others(actor, row.entered_by)
        # People tell the minute.
        if not row.created_at - MINUTE <= called_at <= facts.now + MINUTE:
            raise NotYetCalled()
        given = queries.details_of(row)
        if row.replaces_id is not None and _digits(said["phone"]) == _digits(given.contact_phone):
            raise NotIndependent()
        name, sealed = seal(said, application_id, row.id)
        row.call, row.called_at, row.called_by = f"{name}.{sealed}", called_at, actor.id
        if row.replaces_id is None:
            row.status, row.usable_from = VERIFIED, facts.now
        else:
            row.status = CALLED
        db.session.flush()
        messages.called(held.application, row, facts)
        return _told(row)

    return acts.record(
        application_id, BANK, CALLED, actor=actor, key=key, revision=revision, change=change, is_fact=True
    )


def confirm(
    application_id: UUID, number: int, *, actor: Actor, key: str, revision: int, seen: str | None = None
) -> Fired:
    """Agree, as a second person of the fund, that this account takes the other's place when it has cooled off."""

    def change(held: Held, facts: Facts) -> Mapping[str, Any]:
        _need(facts, agreeing_roles(held.workflow), seen)
        row = _waiting(application_id, number, CALLED)
        _others(actor, row.entered_by, row.called_by)
        row.status, row.confirmed_at, row.confirmed_by = VERIFIED, facts.now, actor.id
        row.usable_from = facts.now + cooling_off()
        db.session.flush()
        messages.confirmed(held.application, row, facts)
        return _told(row)

    return acts.record(
        application_id, BANK, VERIFIED, actor=actor, key=key, revision=revision, change=change, is_fact=True
    )


def object_to(
    application_id: UUID, number: int, *, actor: Actor, key: str, revision: int, seen: str | None = None
) -> Fired:
    """Stop an account that would take another's place. Anybody of the city's team can, and finance; nothing is paid."""

    def change(held: Held, facts: Facts) -> Mapping[str, Any]:
        _need(facts, team_roles(held.workflow) | checking_roles(held.workflow), seen)
        row = queries.account(application_id, number)
        cools = row.status == VERIFIED and row.usable_from is not None and row.usable_from > facts.now
        if row.replaces_id is None or not (row.status in (ENTERED, CALLED) or cools):
            raise Moved()
        _end(row, FROZEN, facts)
        messages.objected(held.application, row, facts)
        return _told(row)

    return acts.record(
        application_id, BANK, FROZEN, actor=actor, key=key, revision=revision, change=change, is_fact=True
    )


def refuse(
    application_id: UUID, number: int, *, reason: str, actor: Actor, key: str, revision: int, seen: str | None = None
) -> Fired:
    """Put an account aside that waits or was objected to; the one in force, where there is one, stays in force."""
    return _put_aside(application_id, number, REFUSED, checking_roles, reason, actor, key, revision, seen)


def withdraw(
    application_id: UUID, number: int, *, actor: Actor, key: str, revision: int, seen: str | None = None
) -> Fired:
    """Take back an account that is not in force yet, as the city. Not after an objection: then the fund decides."""
    return _put_aside(application_id, number, WITHDRAWN, team_roles, None, actor, key, revision, seen)


def _put_aside(
    application_id: UUID,
    number: int,
    how: str,
    roles: Callable[[Workflow], frozenset[str]],
    reason: str | None,
    actor: Actor,
    key: str,
    revision: int,
    seen: str | None = None,
) -> Fired:
    why = inputs.read_reason(reason, how == REFUSED)

    def change(held: Held, facts: Facts) -> Mapping[str, Any]:
        _need(facts, roles(held.workflow), seen)
        row = queries.account(application_id, number)
        cools = row.status == VERIFIED and row.usable_from is not None and row.usable_from > facts.now
        if not (row.status in (ENTERED, CALLED) or cools or (row.status == FROZEN and how == REFUSED)):
            raise Moved()
        _end(row, how, facts)
        row.why = why
        db.session.flush()
        messages.put_aside(held.application, row, facts)
        return _told(row)

    return acts.record(
        application_id, BANK, how, actor=actor, key=key, revision=revision, reason=why, change=change, is_fact=True
    )


def look(application: Application, number: int, *, reason: str, actor: Actor) -> tuple[BankAccount, Details]:
    """The whole account, for finance only, and that they looked is kept with their reason."""
    workflow = _workflow(application)
    if actor.id is None or not held_roles(application, workflow, actor, checking_roles(workflow)):
        raise NotYours(number=application.number)
    row = queries.account(application.id, number)
    details = queries.details_of(row)
    db.session.add(BankLook(account_id=row.id, looked_by=actor.id, reason=_line(reason)))
    db.session.flush()
    return row, details


def reseal() -> int:
    """Encrypt with the present key whatever is kept under an earlier one; how many accounts that were."""
    from fundflow.banking.cipher import unseal

    present, count = present_key(), 0
    old = sa.or_(BankAccount.key != present, sa.not_(BankAccount.call.startswith(f"{present}.")))
    for row in db.session.scalars(sa.select(BankAccount).where(old).with_for_update()):
        row.key, row.sealed = seal(unseal(row.key, row.sealed, row.application_id, row.id), row.application_id, row.id)
        if said := queries.call_of(row):
            row.call = ".".join(seal(said, row.application_id, row.id))
        count += 1
    db.session.flush()
    return count


# -- who has a part in it ----------------------------------------------------------------------------------------------


def entering_roles(workflow: Workflow, state: str, *, is_change: bool) -> frozenset[str]:
    """Those of the team who may edit the form of the account here; for a change, it is enough to read it."""
    found = set()
    for role in team_roles(workflow):
        cell = access.cell(workflow, state, {role})
        if BANK in cell.edit or (is_change and BANK in cell.view):
            found.add(role)
    return frozenset(found)


def team_roles(workflow: Workflow) -> frozenset[str]:
    """Everybody of the city's team."""
    return frozenset(role.id for role in workflow.roles.values() if role.kind == "team")


def checking_roles(workflow: Workflow) -> frozenset[str]:
    """Who makes sure of an account, and looks at one in full: finance."""
    return _of_groups(workflow, {FINANCE})


def agreeing_roles(workflow: Workflow) -> frozenset[str]:
    """Who may be the second person of the fund: finance, or the direction."""
    return _of_groups(workflow, {FINANCE, DIRECTORS})


def _of_groups(workflow: Workflow, groups: Collection[str]) -> frozenset[str]:
    return frozenset(r.id for r in workflow.roles.values() if r.kind == "group" and r.group in groups)


def cooling_off() -> timedelta:
    settings: Settings = current_app.extensions["settings"]
    return timedelta(days=settings.cooling_off)


def _workflow(application: Application) -> Workflow:
    from fundflow.lifecycle import definitions

    return definitions.get(application.definition_sha)


def _need(facts: Facts, roles: Collection[str], seen: str | None) -> None:
    """The person holds one of these roles now, by the database; the application still runs, and the accounts stand as
    they were seen.
    """
    if facts.application.outcome is not None:
        raise HasEnded()
    facts.take_roles(sorted(roles))
    if not facts.roles:
        raise NotYours(number=facts.application.number)
    if seen is not None and seen != queries.stamp(queries.accounts_of(facts.application.id)):
        raise Stale()


def _others(actor: Actor, *earlier: UUID | None) -> None:
    """Refuse whoever is one of these people, or stands in for one, or for whom one stands in."""
    assert actor.id is not None  # noqa: S101 - they hold a role
    if any(person is not None and registry.are_one(actor.id, person) for person in earlier):
        raise SamePerson()


def _waiting(application_id: UUID, number: int, status: str) -> BankAccount:
    row = queries.account(application_id, number)
    if row.status != status:
        raise Moved()
    return row


def _end(row: BankAccount, how: str, facts: Facts) -> None:
    row.status, row.ended_at, row.ended_by = how, facts.now, facts.actor.id


def _told(row: BankAccount) -> dict[str, Any]:
    return {"account": {"number": row.number, "country": row.country, "tail": row.tail}}


def _line(text: str) -> str:
    line = " ".join((text or "").split())
    if not (inputs.shows(line) and inputs.can_be_kept(line)):
        raise Missing()
    return line[:LONGEST]


def _digits(text: str) -> str:
    """The digits of a telephone number, without what says how to dial out."""
    return "".join(each for each in text if each.isdigit()).lstrip("0")[-9:]
