"""Reading donors, lines and instructions: the only way from an id in an address to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fundflow.accounts.models import City, User
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.ledger import policy
from fundflow.ledger.models import Donor, DonorLine, DonorPerson, Instruction, LedgerBalance, LedgerEntry
from fundflow.ledger.statements import ACCOUNTS
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds.models import Round, Window


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line with its names and what stands in each account; `received` is all that its donor gave, still here."""

    line: DonorLine
    window: str
    donor: str | None
    held: dict[str, Money]

    @property
    def received(self) -> Money:
        return -self.held["donor"]


@dataclass(frozen=True, slots=True)
class Asked:
    """An instruction with the names of what it is about and of who asked and answered."""

    instruction: Instruction
    line: str
    round: str | None
    asked_by: str
    answered_by: str | None


def lines(*where: sa.ColumnElement[bool]) -> list[LineRow]:
    """Lines with what stands in them, by window and position."""
    found = db.session.execute(
        sa.select(DonorLine, Window.name, Donor.name)
        .join(Window, Window.id == DonorLine.window_id)
        .outerjoin(Donor, Donor.id == DonorLine.donor_id)
        .where(*where)
        .order_by(Window.name, DonorLine.currency, DonorLine.position, DonorLine.created_at)
    ).all()
    held = _held([row[0].id for row in found])
    return [
        LineRow(
            line,
            window,
            donor,
            {each: Money(held.get((line.id, each), 0), line.currency) for each in ACCOUNTS},
        )
        for line, window, donor in found
    ]


def _held(line_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    rows = db.session.execute(
        sa.select(LedgerBalance.line_id, LedgerBalance.account, sa.func.sum(LedgerBalance.minor))
        .where(LedgerBalance.line_id.in_(line_ids))
        .group_by(LedgerBalance.line_id, LedgerBalance.account)
    )
    return {(line_id, account): int(minor) for line_id, account, minor in rows}


def line_for(actor: Actor, line_id: UUID) -> LineRow:
    """The line if the actor sees lines, or NotFound."""
    found = lines(DonorLine.id == line_id) if policy.may_see_lines(actor) else []
    if not found:
        raise NotFound
    return found[0]


def donor_for(actor: Actor, donor_id: UUID) -> Donor:
    """The donor if the actor sees lines, or NotFound."""
    found = db.session.get(Donor, donor_id) if policy.may_see_lines(actor) else None
    if found is None:
        raise NotFound
    return found


def donors() -> Sequence[Donor]:
    """Every donor, by name."""
    return db.session.scalars(sa.select(Donor).order_by(Donor.name)).all()


def donors_of(actor: Actor) -> Sequence[Donor]:
    """The donors whose money this person may follow, by name."""
    return db.session.scalars(sa.select(Donor).where(policy.donors_of(actor)).order_by(Donor.name)).all()


def people_of(donor_id: UUID) -> list[tuple[DonorPerson, str, str]]:
    """Who follows this donor's money, with name and address."""
    rows = db.session.execute(
        sa.select(DonorPerson, User.name, User.email)
        .join(User, User.id == DonorPerson.user_id)
        .where(DonorPerson.donor_id == donor_id)
        .order_by(User.name, User.email)
    )
    return [(person, name, email) for person, name, email in rows]


def person_for(actor: Actor, person_id: UUID) -> DonorPerson:
    """One of those, or NotFound."""
    found = db.session.get(DonorPerson, person_id) if policy.may_see_lines(actor) else None
    if found is None:
        raise NotFound
    return found


def rounds_of(line: DonorLine) -> Sequence[Round]:
    """The published rounds that this line may serve, the latest first."""
    return db.session.scalars(
        sa.select(Round)
        .where(Round.window_id == line.window_id, Round.currency == line.currency, Round.status == "published")
        .order_by(Round.closes_at.desc(), Round.slug)
    ).all()


def instructions(*where: sa.ColumnElement[bool], limit: int = 100) -> list[Asked]:
    """What was asked, what waits first, then the latest."""
    asker, other = aliased(User), aliased(User)
    rows = db.session.execute(
        sa.select(Instruction, DonorLine.name, Round.title, _name(asker), _name(other))
        .join(DonorLine, DonorLine.id == Instruction.line_id)
        .outerjoin(Round, Round.id == Instruction.round_id)
        .join(asker, asker.id == Instruction.asked_by)
        .outerjoin(other, other.id == sa.func.coalesce(Instruction.approved_by, Instruction.refused_by))
        .where(*where)
        .order_by(Instruction.answered_at.is_not(None), Instruction.created_at.desc(), Instruction.id)
        .limit(limit)
    )
    return [Asked(*row) for row in rows]


def _name(user: Any) -> sa.ColumnElement[str]:
    return sa.func.coalesce(sa.func.nullif(user.name, ""), user.email)


def instruction_for(actor: Actor, instruction_id: UUID) -> Instruction:
    """One instruction if the actor sees lines, or NotFound."""
    found = db.session.get(Instruction, instruction_id) if policy.may_see_lines(actor) else None
    if found is None:
        raise NotFound
    return found


def application_for(actor: Actor, application_id: UUID) -> Application:
    """The application if the actor sees on which lines the awards of its round draw, or NotFound."""
    found = db.session.get(Application, application_id)
    if found is None or not policy.may_see_award_lines(actor, found.round_id):
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class Project:
    """A grant as its donor may see it, with what it holds of the donor's lines."""

    application_id: UUID
    city: str
    country: str
    title: str
    round: str
    held: dict[str, Money]


def awarded(line_ids: Sequence[UUID], application_ids: Sequence[UUID]) -> list[Project]:
    """What these lines give to these applications, the largest first."""
    rows = db.session.execute(
        sa.select(
            Application.id,
            City.name,
            City.country,
            Application.title,
            Round.title,
            Application.currency,
            LedgerBalance.account,
            sa.func.sum(LedgerBalance.minor),
        )
        .join(Application, Application.id == LedgerBalance.holder_id)
        .join(City, City.id == Application.city_id)
        .join(Round, Round.id == Application.round_id)
        .where(LedgerBalance.line_id.in_(line_ids), Application.id.in_(application_ids))
        .group_by(
            Application.id,
            City.name,
            City.country,
            Application.title,
            Round.title,
            Application.currency,
            LedgerBalance.account,
        )
        .order_by(Round.title, City.name)
    )
    found: dict[UUID, Project] = {}
    for application_id, city, country, title, round_, currency, account, minor in rows:
        project = found.setdefault(application_id, Project(application_id, city, country, title, round_, {}))
        project.held[account] = Money(int(minor), currency)
    return list(found.values())


def drawing_on(line_ids: Sequence[UUID]) -> Sequence[Application]:
    """Applications to which money of these lines was ever committed."""
    return db.session.scalars(
        sa.select(Application).where(
            Application.id.in_(
                sa.select(LedgerEntry.application_id).where(
                    LedgerEntry.line_id.in_(line_ids), LedgerEntry.kind == "commitment"
                )
            )
        )
    ).all()
