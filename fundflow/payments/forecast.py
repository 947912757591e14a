"""The cash forecast: what is planned to be paid month by month, for each window and currency, against what is left.

Refuses to guess: a payment without a day stands apart, and one whose day is over counts for the present month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from fundflow.applications.policy import visible_to
from fundflow.db import db
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import children, definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Child
from fundflow.money import Money
from fundflow.payments import waits
from fundflow.rounds.models import Round

MONTHS = 12
"""So many months are told one by one; what comes later is one sum."""


@dataclass(slots=True)
class Outlook:
    """One window in one currency. `left` is promised to its grants and not paid; `months` begins with this one."""

    window_id: UUID
    window: str
    currency: str
    left: Money
    months: list[Money]
    later: Money
    undated: Money
    late: Money
    """Of the present month, what was planned for an earlier day."""
    payments: int = 0
    titles: set[str] = field(default_factory=set)

    @property
    def planned(self) -> Money:
        return sum(self.months, self.later + self.undated)

    @property
    def difference(self) -> Money:
        """What is promised and not planned; below zero where more is planned than is left."""
        return self.left - self.planned


def months_from(today: date) -> list[date]:
    """The first days of this month and those after it."""
    first = today.year * 12 + today.month - 1
    return [date((first + n) // 12, (first + n) % 12 + 1, 1) for n in range(MONTHS)]


def outlook_for(actor: Actor, rounds: Sequence[Round], today: date) -> list[Outlook]:
    """The windows of these rounds, in four queries however many payments there are."""
    by_round = {round_.id: round_ for round_ in rounds}
    found: dict[tuple[UUID, str], Outlook] = {}
    for round_id, balance in ledger.balances(by_round).items():
        round_ = by_round[round_id]
        at = _at(found, round_)
        at.left = at.left + balance.committed + balance.ordered
    starts = months_from(today)
    for round_id, due, amount in _planned(actor, by_round):
        at = _at(found, by_round[round_id])
        at.payments += 1
        if due is None:
            at.undated = at.undated + amount
            continue
        index = max((due.year - starts[0].year) * 12 + due.month - starts[0].month, 0)
        if index >= MONTHS:
            at.later = at.later + amount
        else:
            at.months[index] = at.months[index] + amount
        if due < today:
            at.late = at.late + amount
    return sorted(found.values(), key=lambda each: (each.currency, each.window))


def _at(found: dict[tuple[UUID, str], Outlook], round_: Round) -> Outlook:
    none = Money.zero(round_.currency)
    at = found.setdefault(
        (round_.window_id, round_.currency),
        Outlook(round_.window_id, round_.window.name, round_.currency, none, [none] * MONTHS, none, none, none),
    )
    at.titles.add(round_.title)
    return at


def _planned(actor: Actor, rounds: Mapping[UUID, Round]) -> list[tuple[UUID, date | None, Money]]:
    """Round, day and amount of every payment that is not made yet."""
    rows = db.session.execute(
        sa.select(Application, Child)
        .join(Child, Child.application_id == Application.id)
        .where(Application.round_id.in_(rounds), Application.outcome.is_(None), visible_to(actor))
    ).all()
    paid_kinds: dict[str, list[str]] = {}
    found = []
    for application, row in rows:
        workflow = definitions.get(application.definition_sha)
        if workflow.sha256 not in paid_kinds:
            paid_kinds[workflow.sha256] = waits.kinds_paid(workflow)
        if row.kind not in paid_kinds[workflow.sha256]:
            continue
        kind = workflow.children[row.kind]
        if row.state not in kind.states or waits.next_step(kind, row.state) is None:
            continue
        record = children.fields_of(workflow, row).values()
        amount = next((value for value in record if isinstance(value, Money)), None)
        if amount is not None:
            due = next((value for value in record if isinstance(value, date)), None)
            found.append((application.round_id, due, amount))
    return found
