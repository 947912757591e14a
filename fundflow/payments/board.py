"""The disbursement board: every payment that is not made yet, whose turn it is, what stands against it, and since when.

What stands against a payment is what the engine's decision says, on facts that are read for all applications at once.
Refuses rounds whose money the actor does not see; nothing here lets anything happen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City
from fundflow.applications.policy import visible_to
from fundflow.db import db, reading_ahead
from fundflow.lifecycle import children, definitions, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.claims import TICK
from fundflow.lifecycle.models import Application, Child, Event, Override
from fundflow.lifecycle.situation import Facts
from fundflow.money import Money
from fundflow.payments import waits
from fundflow.payments.order_models import BatchLine, PaymentOrder
from fundflow.rounds.models import Round
from fundflow.workflow import definition
from fundflow.workflow.decide import Decision, decide, reads
from fundflow.workflow.definition import Transition, Workflow

MOST = 200
"""Applications on one page; a round is chosen where there are more."""

READY, BLOCKED, CITY, FUND, BANK = STANDS = ("ready", "blocked", "city", "fund", "bank")
"""A payment can be ordered now; something stands against its next step; or one side has to take that step."""


@dataclass(frozen=True, slots=True)
class Due:
    """One payment that is not made yet."""

    application: Application
    city: str
    round: Round
    kind: definition.Child
    child: Child
    amount: Money | None
    due: date | None
    step: Transition
    """The next step on the way to the payment."""
    decision: Decision
    """Whether that step could be taken now by whoever may take it, and why not."""
    side: str | None
    waited: Mapping[str, int]
    order: PaymentOrder | None
    in_batch: UUID | None
    is_mine: bool
    """Whether the reader is in a role that takes the step."""

    @property
    def stands(self) -> str:
        if self.side == waits.BANK:
            return BANK
        if not self.decision.allowed:
            return BLOCKED
        if waits.operations(self.step) & waits.PAYS:
            return READY
        return CITY if self.side == waits.CITY else FUND

    @property
    def can_be_chosen(self) -> bool:
        """For a batch: it can be ordered, by the reader, and is in no other batch."""
        return (
            self.stands == READY
            and self.is_mine
            and self.in_batch is None
            and self.amount is not None
            and "order" in waits.operations(self.step)
        )

    @property
    def name(self) -> str:
        """What names it in a form."""
        return f"{self.application.id}:{self.kind.id}:{self.child.key}"

    def is_late(self, today: date) -> bool:
        return self.due is not None and self.due < today


def due_for(actor: Actor, rounds: Sequence[Round], *, stands: str = "", until: date | None = None) -> list[Due]:
    """What is not paid yet in these rounds, by day; only what `stands` so, and what is due `until` a day.

    As many reads for one payment as for two hundred applications, as long as the facts of their rules foresee.
    """
    by_round = {round_.id: round_ for round_ in rounds}
    found = _applications(actor, by_round)
    if not found:
        return []
    ids = [application.id for application, _city in found]
    of_application: dict[UUID, list[Child]] = defaultdict(list)
    query = sa.select(Child).where(Child.application_id.in_(ids)).order_by(Child.kind, Child.position)
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        of_application[row.application_id].append(row)
    happened = _happened(ids)
    orders = _orders(ids)
    in_batch = _in_batches(ids)
    now = clock.now()
    due: list[Due] = []
    with reading_ahead(nothing_changes=True):
        _foresee([application for application, _city in found])
        for application, city in found:
            workflow = definitions.get(application.definition_sha)
            due += _of_one(
                application, city, by_round[application.round_id], workflow, of_application[application.id],
                happened[application.id], orders, in_batch, actor, now,
            )  # fmt: skip
    due = [
        each
        for each in due
        if (not stands or each.stands == stands) and (until is None or each.due is None or each.due <= until)
    ]
    return sorted(due, key=lambda each: (each.due or date.max, each.application.number, each.child.position))


def _applications(actor: Actor, rounds: Mapping[UUID, Round]) -> list[tuple[Application, str]]:
    """Running applications of these rounds whose rules pay by children."""
    shas = db.session.scalars(
        sa.select(Application.definition_sha)
        .where(Application.round_id.in_(rounds), Application.outcome.is_(None))
        .distinct()
    ).all()
    paying = {sha for sha in shas if waits.kinds_paid(definitions.get(sha))}
    rows = db.session.execute(
        sa.select(Application, City.name)
        .join(City, City.id == Application.city_id)
        .where(
            Application.round_id.in_(rounds),
            Application.outcome.is_(None),
            Application.definition_sha.in_(paying),
            sa.exists().where(Child.application_id == Application.id),
            visible_to(actor),
        )
        .order_by(Application.number)
        .limit(MOST)
    )
    return [(application, city) for application, city in rows]


def _of_one(
    application: Application,
    city: str,
    round_: Round,
    workflow: Workflow,
    rows: Sequence[Child],
    happened: Sequence[Any],
    orders: Mapping[tuple[UUID, str, str], PaymentOrder],
    in_batch: Mapping[tuple[UUID, str, str], UUID],
    actor: Actor,
    now: datetime,
) -> list[Due]:
    by_kind: dict[str, list[Child]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    found = []
    deciding: dict[bool, Facts] = {}
    for kind_id in waits.kinds_paid(workflow):
        kind = workflow.children[kind_id]
        for row in by_kind[kind_id]:
            chosen: tuple[Transition, bool, Decision] | None = None
            # Several steps may lead on; the first that can be taken counts, else the one on the shortest way.
            for step in waits.forward_steps(kind, row.state):
                is_mine = _holds(actor, application, workflow, step, row.state)
                if is_mine not in deciding:
                    deciding[is_mine] = _facts(application, workflow, actor if is_mine else _SOMEBODY, happened, now)
                decision = _decided(deciding[is_mine], workflow, by_kind[kind_id], row, step)
                if chosen is None or decision.allowed:
                    chosen = step, is_mine, decision
                if decision.allowed:
                    break
            if chosen is None:
                # Paid, or dropped: no way leads from here to a payment.
                continue
            step, is_mine, decision = chosen
            record = children.fields_of(workflow, row).values()
            due = next((value for value in record if isinstance(value, date)), None)
            about = (application.id, row.kind, row.key)
            found.append(
                Due(
                    application=application,
                    city=city,
                    round=round_,
                    kind=kind,
                    child=row,
                    amount=next((value for value in record if isinstance(value, Money)), None),
                    due=due,
                    step=step,
                    decision=decision,
                    side=waits.side_of(workflow, kind, row.state),
                    waited=waits.days_of_each(
                        workflow,
                        kind,
                        row.created_at,
                        [(e.transition, e.at) for e in happened if e.subject == f"{row.kind}:{row.key}"],
                        due,
                        now,
                    ),
                    order=orders.get(about),
                    in_batch=in_batch.get(about),
                    is_mine=is_mine,
                )
            )
    return found


def _facts(application: Application, workflow: Workflow, actor: Actor, happened: Sequence[Any], now: datetime) -> Facts:
    """What all decisions on one application read: whatever was known of one child is known of the next."""
    facts = Facts(application, workflow, actor, max(now, application.last_event_at + TICK), locking=False)
    facts.foresee([(e.transition, e.subject, e.actor_id, e.acting_for, e.approved_by, 1) for e in happened])
    return facts


def _decided(facts: Facts, workflow: Workflow, rows: Sequence[Child], row: Child, step: Transition) -> Decision:
    """Whether whoever is in the role of the step could take it; as the reader where that is the reader's role."""
    facts.roles = frozenset(step.by_from(row.state))
    facts.look_at_row(row, rows)
    facts.load(reads(workflow, step.id))
    return decide(workflow, step.id, facts.situation(facts.now))


_SOMEBODY = Actor(id=None, name="")


def _holds(actor: Actor, application: Application, workflow: Workflow, step: Transition, state: str) -> bool:
    """Whether the actor is in a role that takes the step, as far as their groups say; the command asks anew."""
    for name in step.by_from(state):
        role = workflow.roles.get(name)
        if role is None:
            continue
        if role.kind == "group" and role.group and actor.is_in(role.group, round_id=application.round_id):
            return True
        if role.kind == "field" and actor.id is not None and application.officer_id == actor.id:
            return True
    return False


def _foresee(applications: Sequence[Application]) -> None:
    """Have every feature read at once what the next steps' conditions ask."""
    wanted: set[str] = set()
    for sha in {application.definition_sha for application in applications}:
        workflow = definitions.get(sha)
        for kind in waits.kinds_paid(workflow):
            for step in workflow.children[kind].transitions.values():
                wanted |= reads(workflow, step.id)
    for run in registry.foresights:
        run(applications, frozenset(wanted))


def _happened(ids: Iterable[UUID]) -> Mapping[UUID, list[Any]]:
    """Who did what and when, of all of them in one query, the first first."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    approved = sa.and_(Override.application_id == Event.application_id, Override.event_seq == Event.seq)
    rows = db.session.execute(
        sa.select(
            Event.application_id, Event.transition, Event.subject, Event.actor_id, Event.acting_for, Event.at,
            Override.approved_by,
        )
        .outerjoin(Override, approved)
        .where(Event.application_id.in_(list(ids)))
        .order_by(Event.application_id, Event.seq)
    )  # fmt: skip
    for row in rows:
        found[row.application_id].append(row)
    return found


def _orders(ids: Iterable[UUID]) -> dict[tuple[UUID, str, str], PaymentOrder]:
    """The newest order of each child."""
    rows = db.session.scalars(
        sa.select(PaymentOrder).where(PaymentOrder.application_id.in_(list(ids))).order_by(PaymentOrder.event_seq)
    )
    return {(each.application_id, each.kind, each.child_key): each for each in rows}


def _in_batches(ids: Iterable[UUID]) -> dict[tuple[UUID, str, str], UUID]:
    """The open batch that a child is in."""
    rows = db.session.scalars(sa.select(BatchLine).where(BatchLine.application_id.in_(list(ids)), BatchLine.is_open))
    return {(each.application_id, each.kind, each.child_key): each.batch_id for each in rows}


def until_of(days: str) -> date | None:
    """The last day of a choice such as ``30``; None for no limit. What is no number counts as none."""
    return clock.now().date() + timedelta(days=min(int(days), 3660)) if days.isdecimal() else None
