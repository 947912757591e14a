"""The grants of a portfolio with all that plans promise and accepted reports tell, in a fixed number of queries.

A grant counts from its announcement: it has its schedule of reports, or something was paid, or it ended well. Before
that it is in no figure, so that nothing under embargo can be read from a sum. What is submitted and not accepted counts
in no figure either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from fundflow.accounts.models import City
from fundflow.applications.models import Answers
from fundflow.db import db
from fundflow.ledger import announced
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Child, Timer
from fundflow.money import Money
from fundflow.reports import policy
from fundflow.reports.gathering import Gathered, Owed, Told
from fundflow.reports.rollup import Promised, Report
from fundflow.reports.schemes import scheme_of
from fundflow.reports.spending import Spending, compared
from fundflow.reports.tables import Cost
from fundflow.rounds.models import Round, Window
from fundflow.workflow.definition import Workflow


@dataclass(frozen=True, slots=True)
class Grant:
    """One announced grant as the portfolio shows it."""

    application: Application
    workflow: Workflow
    city: str
    country: str
    round: Round
    promised: Promised
    costs: tuple[Cost, ...]
    """The budget of the plan in force."""
    reports: tuple[Told, ...]
    """Every report that was begun, accepted or not, in order; then what came after the grant."""
    spending: Spending
    """The budget beside the costs of the latest accepted report."""
    has_costs: bool
    """An accepted report tells of costs."""
    committed: Money
    """What was agreed and is not released: paid or still to pay."""
    paid: Money
    """What the city has, less what it gave back."""
    refunded: Money
    owed: tuple[Owed, ...]
    goes_on: bool | None
    further: Money | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which part of the portfolio is looked at; nothing chosen is all that may be seen."""

    round: str = ""
    window: str = ""

    def clause(self) -> sa.ColumnElement[bool]:
        chosen = [Round.slug == self.round] if self.round else []
        named = [Round.window_id.in_(sa.select(Window.id).where(Window.name == self.window))] if self.window else []
        return sa.and_(sa.true(), *chosen, *named)


def rounds_of(actor: Actor) -> Sequence[Round]:
    """The published rounds that the portfolio may be narrowed to, the latest first, each with its window."""
    query = (
        sa.select(Round)
        .options(joinedload(Round.window))
        .where(Round.status == "published", policy.portfolio_seen_by(actor))
        .order_by(Round.closes_at.desc(), Round.slug)
    )
    return db.session.scalars(query).all()


def grants_of(actor: Actor, choice: Choice, now: datetime) -> list[Grant]:
    """Every announced grant of the chosen rounds, by city."""
    clause = sa.and_(policy.portfolio_seen_by(actor), choice.clause())
    return _read(clause, now)


@announced.withholds
def unannounced(applications: Sequence[Application]) -> set[UUID]:
    """Those that wait for their schedule of reports, which comes with the announcement: no donor hears of them before.

    What was paid, or ended well, is known however it came there.
    """
    waiting = {each.id: each for each in applications if scheme_of(each.definition_sha).kinds}
    if not waiting:
        return set()
    paid = sa.select(LedgerEntry.application_id).where(
        LedgerEntry.application_id.in_(waiting), LedgerEntry.debit == "paid"
    )
    told = set(db.session.scalars(paid))
    children = _children(waiting)
    for each in waiting.values():
        if Gathered(each, children.get(each.id, []), {}).is_announced:
            told.add(each.id)
    return waiting.keys() - told


def grant_of(application: Application, now: datetime) -> Grant:
    """One application as the portfolio has it, announced or not; who may see it, the caller has decided."""
    return _read(Application.id == application.id, now, is_certain=True)[0]


def _read(clause: sa.ColumnElement[bool], now: datetime, *, is_certain: bool = False) -> list[Grant]:
    money = (
        sa.select(
            LedgerEntry.application_id,
            _sum("paid").label("paid"),
            _sum("committed").label("committed"),
            _sum("ordered").label("ordered"),
            sa.func.sum(sa.case((LedgerEntry.kind == "refund", LedgerEntry.minor), else_=0)).label("refunded"),
        )
        .where(LedgerEntry.application_id.is_not(None))
        .group_by(LedgerEntry.application_id)
        .subquery()
    )
    # Only what ever had money committed can be a grant: the many applications that were not chosen are never read.
    rows = db.session.execute(
        sa.select(Application, City.name, City.country, Round, *list(money.c)[1:])
        .join(City, City.id == Application.city_id)
        .join(Round, Round.id == Application.round_id)
        .join(money, money.c.application_id == Application.id, isouter=is_certain)
        .options(joinedload(Round.window))
        .where(clause)
        .order_by(City.name, Application.number)
    ).all()
    ids = [row[0].id for row in rows]
    children, answers, dues = _children(ids), _answers(ids), _dues(ids)
    found = []
    for application, city, country, round_, *held in rows:
        paid, committed, ordered, refunded = (Money(int(minor or 0), application.currency) for minor in held)
        gathered = Gathered(application, children.get(application.id, []), answers.get(application.id, {}))
        if not (is_certain or paid or refunded or gathered.is_announced):
            continue
        found.append(_grant(gathered, city, country, round_, (committed + ordered + paid, paid, refunded), now, dues))
    return found


def _grant(
    gathered: Gathered,
    city: str,
    country: str,
    round_: Round,
    money: tuple[Money, Money, Money],
    now: datetime,
    dues: Mapping[UUID, Mapping[str, datetime]],
) -> Grant:
    application, workflow = gathered.application, gathered.workflow
    plan, costs = gathered.plan()
    reports = gathered.reports()
    told = [each for each in reports if each.has_figures]
    latest = next((each for each in reversed(told) if each.is_accepted), None)
    spent = latest.costs(workflow, application.currency) if latest else ()
    indicators = [Report(each.order, each.lines(workflow, application.currency), each.is_accepted) for each in told]
    goes_on, further = gathered.after(reports)
    committed, paid, refunded = money
    return Grant(
        application=application,
        workflow=workflow,
        city=city,
        country=country,
        round=round_,
        promised=Promised(application.id, plan, tuple(indicators)),
        costs=costs,
        reports=tuple(reports),
        spending=compared(costs, spent, application.currency),
        has_costs=bool(spent),
        committed=committed,
        paid=paid,
        refunded=refunded,
        owed=gathered.owed(dues.get(application.id, {}), now),
        goes_on=goes_on,
        further=further,
    )


def _sum(account: str) -> sa.ColumnElement[int]:
    moved = sa.case(
        (LedgerEntry.debit == account, LedgerEntry.minor), (LedgerEntry.credit == account, -LedgerEntry.minor), else_=0
    )
    return sa.func.sum(moved)


def _children(ids: Iterable[UUID]) -> dict[UUID, list[Child]]:
    found: dict[UUID, list[Child]] = {}
    query = sa.select(Child).where(Child.application_id.in_(list(ids))).order_by(Child.kind, Child.position)
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        found.setdefault(row.application_id, []).append(row)
    return found


def _answers(ids: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, Any]]]:
    found: dict[UUID, dict[str, dict[str, Any]]] = {}
    query = sa.select(Answers.application_id, Answers.form, Answers.data).where(Answers.application_id.in_(list(ids)))
    for application_id, form, data in db.session.execute(query):
        found.setdefault(application_id, {})[form] = data
    return found


def _dues(ids: Iterable[UUID]) -> dict[UUID, dict[str, datetime]]:
    """When each running or overdue timer of an application itself is due; of several in one state the first counts."""
    found: dict[UUID, dict[str, datetime]] = {}
    query = sa.select(Timer.application_id, Timer.name, Timer.due_at).where(
        Timer.application_id.in_(list(ids)), Timer.status.in_(("armed", "fired")), Timer.subject == ""
    )
    for application_id, name, due_at in db.session.execute(query.order_by(Timer.due_at)):
        found.setdefault(application_id, {}).setdefault(name, due_at)
    return found
