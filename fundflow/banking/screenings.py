"""Looks into the lists of sanctions, kept: who searched for which name in which list and when, and what came of it.

Each serves one payment: the next one needs another look. A true hit holds every payment until a later look clears it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import User
from fundflow.accounts.policy import AUDITORS, COMPLIANCE, DIRECTORS, FINANCE
from fundflow.accounts.queries import colleagues_with
from fundflow.applications.queries import place_of
from fundflow.banking import queries
from fundflow.banking.models import BankAccount, Screening
from fundflow.db import db, foreseen, read
from fundflow.errors import Refused
from fundflow.ledger import hooks as ledger
from fundflow.lifecycle import acts, inputs
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.claims import Fired, Held
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import HasEnded
from fundflow.lifecycle.registry import EffectContext
from fundflow.lifecycle.situation import Facts, today
from fundflow.money import Money
from fundflow.prepared import Prepared
from fundflow.workflow.definition import Workflow

SCREENING = "screening"
"""The transition name of these events."""
SUBJECTS = ("city", "signatory", "bank")
RESULTS = ("clear", "false_hit", "true_hit")
LONGEST = 2000

_LATEST = Prepared(
    sa.select(Screening.subject, Screening.account_id, Screening.result, Screening.created_at, Screening.used_seq)
    .where(Screening.application_id == sa.bindparam("application_id"))
    .order_by(Screening.created_at, Screening.id)
)


class NotYours(Refused):
    """Your account may not record a screening for {number}; compliance and finance can."""

    status = 403


class NoName(Refused):
    """Write the name that was searched for."""

    status = 422


class NoList(Refused):
    """Name the list that was searched, in at most 200 characters."""

    status = 422


class NoResult(Refused):
    """Say what came of it: clear, a false hit or a true hit."""

    status = 422


class NoNote(Refused):
    """A hit needs a note: why it is a false one, or what was found."""

    status = 422


class StillAHit(Refused):
    """The last search found a true match. Only compliance can record that it is none."""


class ListToCome(Refused):
    """The state of the list cannot be later than today."""

    status = 422


class NoAccount(Refused):
    """There is no bank account yet whose bank could be searched for."""

    status = 422


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the search for one name."""

    name: str
    result: str
    note: str = ""


def record(
    application_id: UUID,
    found: Mapping[str, Found],
    *,
    list_name: str,
    list_day: date | None,
    actor: Actor,
    key: str,
    revision: int,
) -> Fired:
    """Keep what a search for the city, its signatory or its bank found; each that is named in `found`."""
    where = inputs.line(list_name)
    if not where or len(where) > 200:
        raise NoList()
    for each in found.values():
        _check(each)

    def change(held: Held, facts: Facts) -> Mapping[str, Any]:
        application = held.application
        if application.outcome is not None:
            raise HasEnded()
        facts.take_roles(sorted(screening_roles(held.workflow)))
        if not facts.roles:
            raise NotYours(number=application.number)
        if list_day is not None and list_day > today(facts.now, held.workflow):
            raise ListToCome()
        standing = queries.standing(application, facts.now)
        account_id = standing.waiting or standing.in_force
        if "bank" in found and account_id is None:
            raise NoAccount()
        before = _latest(application)
        compliance = _of_groups(held.workflow, COMPLIANCE)
        for subject, each in found.items():
            was_hit = subject in before and before[subject][0] == "true_hit"
            if was_hit and each.result != "true_hit" and not facts.roles & compliance:
                raise StillAHit()
            db.session.add(
                Screening(
                    created_at=facts.now,
                    application_id=application_id,
                    subject=subject,
                    name=inputs.line(each.name),
                    account_id=account_id if subject == "bank" else None,
                    list_name=where,
                    list_day=list_day,
                    result=each.result,
                    note=inputs.line(each.note)[:LONGEST],
                    screened_by=actor.id,
                )
            )
        db.session.flush()
        return {"screened": {subject: each.result for subject, each in found.items()}}

    return acts.record(
        application_id, SCREENING, ",".join(found), actor=actor, key=key, revision=revision, change=change, is_fact=True
    )


def _check(found: Found) -> None:
    if not inputs.line(found.name):
        raise NoName()
    if found.result not in RESULTS:
        raise NoResult()
    if found.result != "clear" and not inputs.line(found.note):
        raise NoNote()


def screening_roles(workflow: Workflow) -> frozenset[str]:
    """Who screens: compliance, and finance before it pays."""
    return _of_groups(workflow, COMPLIANCE, FINANCE)


def reading_roles(workflow: Workflow) -> frozenset[str]:
    """Who reads what was found."""
    return _of_groups(workflow, COMPLIANCE, FINANCE, DIRECTORS, AUDITORS)


def _of_groups(workflow: Workflow, *groups: str) -> frozenset[str]:
    return frozenset(r.id for r in workflow.roles.values() if r.kind == "group" and r.group in groups)


def facts_of(application: Application) -> dict[str, Any]:
    """What conditions read: `days` since the oldest of the checks that count, null where one of the three is missing;
    whether all are `fresh`, for no payment was made on them yet; and whether one is a true `hit`.

    Of the bank only a check of the account that waits counts, where one does, else of the one in force.
    """
    latest = _latest(application)
    now = queries.moment(application)
    if len(latest) < len(SUBJECTS):
        return {"days": None, "fresh": False, "hit": any(result == "true_hit" for result, _, _ in latest.values())}
    return {
        "days": max((now - at).days for _, at, _ in latest.values()),
        "fresh": all(used is None for _, _, used in latest.values()),
        "hit": any(result == "true_hit" for result, _, _ in latest.values()),
    }


def foresee(ids: Sequence[UUID]) -> None:
    """Have `facts_of` of each of these applications answered by one question more than those of their accounts."""
    found: dict[UUID, list[tuple[Any, ...]]] = {application_id: [] for application_id in ids}
    of_each = (Screening.subject, Screening.account_id, Screening.result, Screening.created_at, Screening.used_seq)
    rows = db.session.execute(
        sa.select(Screening.application_id, *of_each)
        .where(Screening.application_id.in_(ids))
        .order_by(Screening.created_at, Screening.id)
    )
    for application_id, *row in rows:
        found[application_id].append(tuple(row))
    for application_id, known in found.items():
        foreseen(_LATEST, known, application_id=application_id)


def _latest(application: Application) -> dict[str, tuple[str, Any, int | None]]:
    standing = queries.standing(application)
    account_id = standing.waiting or standing.in_force
    found = {}
    for subject, of_account, result, at, used in read(_LATEST, application_id=application.id):
        if subject != "bank" or of_account == account_id:
            found[subject] = (result, at, used)
    return found


def names_of(application: Application) -> dict[str, str]:
    """The names to search for, as they are known: the city, its signatories, and the bank."""
    city, _round = place_of(application)
    signatories = [each.name for each in colleagues_with(application.city_id, "signatory") if each.name]
    standing = queries.standing(application)
    account_id = standing.waiting or standing.in_force
    bank = ""
    if account_id is not None:
        bank = queries.details_of(db.session.get_one(BankAccount, account_id)).bank_name
    return {"city": city, "signatory": ", ".join(signatories), "bank": bank}


@dataclass(frozen=True, slots=True)
class Line:
    """One screening and who made it."""

    screening: Screening
    by: str


def screenings_of(application_id: UUID) -> Sequence[Line]:
    """Every screening of an application, the latest first."""
    rows = db.session.execute(
        sa.select(Screening, User.name, User.email)
        .join(User, User.id == Screening.screened_by)
        .where(Screening.application_id == application_id)
        .order_by(Screening.created_at.desc(), Screening.id)
    )
    return [Line(row, name or email) for row, name, email in rows]


@ledger.on("order")
@ledger.on("pay")
def use(ctx: EffectContext, _amount: Money) -> None:
    """The checks on file have served for this payment; a payment after it needs others."""
    db.session.execute(
        sa.update(Screening)
        .where(Screening.application_id == ctx.application.id, Screening.used_seq.is_(None))
        .values(used_seq=ctx.event_seq)
        .execution_options(synchronize_session=False)
    )
