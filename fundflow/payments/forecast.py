"""The cash forecast: what is planned to be paid month by month, by window and donor line, against what is left.

Refuses to guess: a payment without a day stands apart, and one whose day is over counts for the present month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from fundflow.applications.policy import visible_to
from fundflow.db import db
from fundflow.ledger.models import DonorLine, LedgerBalance
from fundflow.ledger.shares import proportional
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
    """One donor line of a window. `left` is promised to its grants and not paid; `months` begins with this one.

    Without a line it is what is planned beyond what the grants hold.
    """

    window: str
    line: str | None
    currency: str
    left: Money
    months: list[Money]
    later: Money
    undated: Money
    late: Money
    """Of the present month, what was planned for an earlier day."""

    @property
    def planned(self) -> Money:
        return sum(self.months, self.later + self.undated)

    @property
    def difference(self) -> Money:
        """What is promised and not planned; below zero where more is planned than is left."""
        return self.left - self.planned

    def add(self, due: date | None, amount: Money, today: date) -> None:
        """Count a payment in its month."""
        if due is None:
            self.undated = self.undated + amount
            return
        index = max((due.year - today.year) * 12 + due.month - today.month, 0)
        if index >= MONTHS:
            self.later = self.later + amount
        else:
            self.months[index] = self.months[index] + amount
        if due < today:
            self.late = self.late + amount


def months_from(today: date) -> list[date]:
    """The first days of this month and those after it."""
    first = today.year * 12 + today.month - 1
    return [date((first + n) // 12, (first + n) % 12 + 1, 1) for n in range(MONTHS)]


def outlook_for(actor: Actor, rounds: Sequence[Round], today: date) -> list[Outlook]:
    """The donor lines of these rounds' windows, in a handful of queries however many payments there are.

    A payment draws on the lines of its grant as the ledger will: in proportion to what they still hold, earlier ones
    first.
    """
    by_round = {round_.id: round_ for round_ in rounds}
    found: dict[_Key, Outlook] = {}
    names, held = _held(by_round)
    planned = _planned(actor, by_round)
    for (application_id, round_id), lines in held.items():
        for line_id, minor in lines.items():
            at = _at(found, by_round[round_id], line_id, names[line_id])
            at.left = at.left + Money(minor, at.currency)
        for due, amount in sorted(planned.pop((application_id, round_id), ()), key=lambda each: each[0] or date.max):
            covered = min(amount.minor, sum(lines.values()))
            for line_id, minor in proportional(covered, lines).items():
                lines[line_id] -= minor
                _at(found, by_round[round_id], line_id, names[line_id]).add(due, Money(minor, amount.currency), today)
            if amount.minor > covered:
                rest = Money(amount.minor - covered, amount.currency)
                _at(found, by_round[round_id], None, None).add(due, rest, today)
    for (_application_id, round_id), uncovered in planned.items():
        for due, amount in uncovered:
            _at(found, by_round[round_id], None, None).add(due, amount, today)
    return sorted(found.values(), key=lambda each: (each.currency, each.window, each.line is None, each.line or ""))


_Key = tuple[UUID, str, UUID | None]


def _at(found: dict[_Key, Outlook], round_: Round, line_id: UUID | None, line: str | None) -> Outlook:
    none = Money.zero(round_.currency)
    key = (round_.window_id, round_.currency, line_id)
    new = Outlook(round_.window.name, line, round_.currency, none, [none] * MONTHS, none, none, none)
    return found.setdefault(key, new)


def _held(
    rounds: Mapping[UUID, Round],
) -> tuple[dict[UUID, str], dict[tuple[UUID, UUID], dict[UUID, int]]]:
    """The lines' names, and what is promised and not paid of each by application and round."""
    rows = db.session.execute(
        sa.select(
            LedgerBalance.holder_id, LedgerBalance.round_id, LedgerBalance.line_id, DonorLine.name, LedgerBalance.minor
        )
        .join(DonorLine, DonorLine.id == LedgerBalance.line_id)
        .where(
            LedgerBalance.round_id.in_(rounds),
            LedgerBalance.account.in_(("committed", "ordered")),
            LedgerBalance.minor > 0,
        )
        .order_by(DonorLine.position, DonorLine.created_at, DonorLine.id)
    )
    names: dict[UUID, str] = {}
    held: dict[tuple[UUID, UUID], dict[UUID, int]] = {}
    for application_id, round_id, line_id, name, minor in rows:
        if round_id is None:
            continue
        names[line_id] = name
        lines = held.setdefault((application_id, round_id), {})
        lines[line_id] = lines.get(line_id, 0) + minor
    return names, held


def _planned(actor: Actor, rounds: Mapping[UUID, Round]) -> dict[tuple[UUID, UUID], list[tuple[date | None, Money]]]:
    """Day and amount of every payment that is not made yet, by application and round."""
    rows = db.session.execute(
        sa.select(Application, Child)
        .join(Child, Child.application_id == Application.id)
        .where(Application.round_id.in_(rounds), Application.outcome.is_(None), visible_to(actor))
    ).all()
    paid_kinds: dict[str, list[str]] = {}
    found: dict[tuple[UUID, UUID], list[tuple[date | None, Money]]] = {}
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
            found.setdefault((application.id, application.round_id), []).append((due, amount))
    return found
