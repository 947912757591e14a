"""A grant's bank accounts as one person is shown them: masked, and of the fund without its names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _

from fundflow import clock
from fundflow.accounts.queries import is_on_team, people_named
from fundflow.banking import queries, service
from fundflow.banking.messages import masked
from fundflow.banking.models import BankAccount
from fundflow.db import db
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.situation import held_roles
from fundflow.web.refusals import sentence
from fundflow.workflow import access
from fundflow.workflow.accounts import CALLED, ENTERED, FROZEN, VERIFIED


@dataclass(frozen=True, slots=True)
class Shown:
    """One account. What cannot be read any more says so in `trouble`."""

    row: BankAccount
    masked: str
    place: str
    tone: str
    is_change: bool
    holder: str
    bank_name: str
    contact: str
    trouble: str
    entered_by: str
    called_by: str
    confirmed_by: str
    ended_by: str
    call: dict[str, str]

    @property
    def number(self) -> int:
        return self.row.number


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything of the page. The flags say what this person's roles allow; whether it can be done, the service."""

    application: Application
    status: str
    waits_until: datetime | None
    in_force: Shown | None
    waiting: Shown | None
    history: list[Shown]
    looks: list[queries.Look]
    seen: str
    may_enter: bool
    is_team: bool
    checks: bool
    agrees: bool
    is_of_fund: bool
    days: int

    @property
    def can_enter(self) -> bool:
        return self.may_enter and self.status != "frozen"

    @property
    def can_call(self) -> bool:
        return self.checks and self.waiting is not None and self.waiting.row.status == ENTERED

    @property
    def can_confirm(self) -> bool:
        return self.agrees and self.waiting is not None and self.waiting.row.status == CALLED

    @property
    def can_object(self) -> bool:
        waits = self.waiting is not None and self.waiting.is_change and self.status != "frozen"
        return (self.is_team or self.checks) and waits

    @property
    def can_withdraw(self) -> bool:
        return self.is_team and self.waiting is not None and self.status != "frozen"

    @property
    def can_refuse(self) -> bool:
        return self.checks and self.waiting is not None


def page_of(application: Application, actor: Actor) -> AccountPage:
    """The page of an application's accounts, or NotFound for whoever reads nothing of its form."""
    workflow = definitions.get(application.definition_sha)
    roles = held_roles(application, workflow, actor)
    cell = access.cell(workflow, application.state, roles, has_ended=application.outcome is not None)
    is_team = bool(roles & service.team_roles(workflow))
    if service.BANK not in cell.view and service.BANK not in cell.edit:
        raise NotFound
    is_of_fund = actor.id is not None and not is_on_team(actor.id, application.city_id)
    rows = queries.accounts_of(application.id)
    standing = queries.standing(application)
    names = people_named(
        person for row in rows for person in (row.entered_by, row.called_by, row.confirmed_by, row.ended_by)
    )
    shown = {row.id: _shown(row, names, application, is_of_fund) for row in rows}
    runs = application.outcome is None
    is_change = standing.in_force is not None
    checks = runs and bool(roles & service.checking_roles(workflow))
    return AccountPage(
        application=application,
        status=standing.status,
        waits_until=standing.waits_until,
        in_force=shown[standing.in_force] if standing.in_force else None,
        waiting=shown[standing.waiting] if standing.waiting else None,
        history=list(shown.values()),
        looks=queries.looks_at(application.id) if is_of_fund else [],
        seen=queries.stamp(rows),
        may_enter=runs and bool(roles & service.entering_roles(workflow, application.state, is_change=is_change)),
        is_team=runs and is_team,
        checks=checks,
        agrees=runs and bool(roles & service.agreeing_roles(workflow)),
        is_of_fund=is_of_fund,
        days=service.cooling_off().days,
    )


@dataclass(frozen=True, slots=True)
class AccountLine:
    """What the page of the application says of it in one line."""

    masked: str
    words: str
    tone: str


def line_of(application: Application, cell: access.Cell) -> AccountLine | None:
    """The account that waits, else the one in force; None for whoever reads nothing of its form."""
    if service.BANK not in cell.view and service.BANK not in cell.edit:
        return None
    standing = queries.standing(application)
    account_id = standing.waiting or standing.in_force
    if account_id is None:
        return AccountLine("", str(_("Not entered yet")), "warning")
    row = db.session.get_one(BankAccount, account_id)
    return AccountLine(masked(row), *place_of(row))


def _shown(row: BankAccount, names: dict[UUID, str], application: Application, is_of_fund: bool) -> Shown:
    """The city reads the names of its own people, and of nobody of the fund."""

    def name(person: UUID | None) -> str:
        if person is None:
            return ""
        if is_of_fund or is_on_team(person, application.city_id):
            return names.get(person, "")
        return str(_("the fund"))

    holder = bank_name = contact = trouble = ""
    call: dict[str, str] = {}
    try:
        details = queries.details_of(row)
        holder, bank_name = details.holder, details.bank_name
        contact = f"{details.contact_name}, {details.contact_phone}"
        call = queries.call_of(row) if is_of_fund else {}
    except Refused as refusal:
        trouble = sentence(refusal)
    place, tone = place_of(row)
    return Shown(
        row=row,
        masked=masked(row),
        place=place,
        tone=tone,
        is_change=row.replaces_id is not None,
        holder=holder,
        bank_name=bank_name,
        contact=contact,
        trouble=trouble,
        entered_by=name(row.entered_by),
        called_by=name(row.called_by),
        confirmed_by=name(row.confirmed_by),
        ended_by=name(row.ended_by),
        call=call,
    )


def place_of(row: BankAccount) -> tuple[str, str]:
    """Where an account stands, in words, with their tone."""
    if row.status == VERIFIED:
        assert row.usable_from is not None  # noqa: S101 - the table says so
        if row.usable_from > clock.now():
            return str(_("Cooling off")), "warning"
        return str(_("Verified")), "success"
    words = {
        ENTERED: (_("To be verified"), "info"),
        CALLED: (_("Needs a second person"), "info"),
        FROZEN: (_("Objected to"), "danger"),
        "refused": (_("Put aside by the fund"), "neutral"),
        "withdrawn": (_("Taken back"), "neutral"),
        "replaced": (_("Replaced before it was used"), "neutral"),
    }
    place, tone = words[row.status]
    return str(place), tone
