"""A meeting as a table: every application in the order of its score, what is recommended, and where the money ends.

As many reads however many applications there are. What the actor's cell does not show is left out of a line, and of an
application that they must stay away from there is only that it is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts import queries as accounts
from fundflow.applications.models import Answers
from fundflow.applications.policy import visible_to
from fundflow.db import canonical_json, db
from fundflow.decisions import ways
from fundflow.decisions.models import Meeting, MeetingItem
from fundflow.lifecycle import definitions, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.reviews import committees
from fundflow.reviews.models import Review
from fundflow.workflow import access
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.forms import Form

_LEVELS = {"award": 0, "reserve": 1, "later": 2, "reject": 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One application of the meeting."""

    item: MeetingItem
    application: Application
    city: str
    workflow: Workflow
    step: Transition | None
    form: Form | None
    """In which the recommendation is written in this state; None where nobody writes one."""
    answers: Mapping[str, Any]
    answers_revision: int | None
    score: Decimal | None
    rank: int | None
    amount: Money
    running: Money | None = None
    """What the awards come to down to this line; None where it is no award."""
    is_beyond: bool = False
    """Its award is more than what is left by then."""
    is_above_cut: bool = True
    """Were everybody given what they ask for in the order of the scores, the money would reach to here."""
    is_passed_over: bool = False
    """One with a lower score is treated better."""
    stays_out: tuple[UUID, ...] = ()
    is_hidden: bool = False
    is_readable: bool = True
    may_write: bool = False

    @property
    def kind(self) -> str | None:
        return self.step.meeting if self.step is not None else None

    @property
    def has_moved(self) -> bool:
        """Something happened to the application since it was prepared."""
        return self.application.revision != self.item.seen_revision

    @property
    def is_waiting(self) -> bool:
        """It still stands where this can be decided."""
        return self.application.outcome is None and self.application.state in ways.states_of(self.workflow)

    def lacks(self, digest: str) -> list[str]:
        """What keeps it from being proposed, as marks that `words.lack` puts into sentences."""
        if self.item.is_done:
            return []
        found = []
        if not self.is_waiting:
            return ["moved"]
        if self.step is None:
            return ["step"]
        if self.has_moved:
            found.append("moved")
        if self.step.reason and not self.item.reason.strip():
            found.append("reason")
        if self.form is not None and self.form.check(dict(self.answers), self.application.currency):
            found.append("form")
        if self.is_passed_over and not self.item.exception.strip():
            found.append("exception")
        if self.kind == "reserve" and self.item.place is None:
            found.append("place")
        if self.item.previewed != digest:
            found.append("letters")
        return found


@dataclass(frozen=True, slots=True)
class Agenda:
    """The lines in the order of the scores, and the money."""

    meeting: Meeting
    lines: tuple[Line, ...]
    available: Money
    awarded: Money
    names: Mapping[UUID, str]

    @property
    def left(self) -> Money:
        return self.available - self.awarded

    @property
    def waiting(self) -> list[Line]:
        """Those that are not decided yet."""
        return [line for line in self.lines if not line.item.is_done]

    def line(self, item_id: UUID) -> Line | None:
        return next((line for line in self.lines if line.item.id == item_id), None)

    def digest(self, line: Line) -> str:
        """The digest of everything that the letters of a line say, but for who signs them and the day they are sent."""
        return digest_of(self.meeting, line)

    def lacks(self, line: Line) -> list[str]:
        return line.lacks(self.digest(line))

    @property
    def is_ready(self) -> bool:
        """Everything is prepared, and the money suffices."""
        return bool(self.waiting) and not any(self.lacks(line) for line in self.waiting) and self.left.minor >= 0


def digest_of(meeting: Meeting, line: Line) -> str:
    told = {
        "day": meeting.day.isoformat(),
        "application": str(line.application.id),
        "revision": line.application.revision,
        "rules": line.application.definition_sha,
        "transition": line.item.transition,
        "reason": line.item.reason,
        "answers": dict(line.answers),
        "amount": line.amount.minor,
    }
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()


def agenda_of(meeting: Meeting, actor: Actor) -> Agenda:
    """The whole meeting as the actor may see it."""
    found = db.session.execute(
        sa.select(MeetingItem, Application)
        .join(Application, Application.id == MeetingItem.application_id)
        .where(MeetingItem.meeting_id == meeting.id)
        .order_by(Application.number)
        .execution_options(populate_existing=True)
    ).all()
    applications = [application for _item, application in found]
    ids = [application.id for application in applications]
    seen = set(db.session.scalars(sa.select(Application.id).where(Application.id.in_(ids), visible_to(actor))))
    cities = accounts.cities_named({application.city_id for application in applications})
    kept = {
        (row.application_id, row.form): row
        for row in db.session.scalars(
            sa.select(Answers).where(Answers.application_id.in_(ids)).execution_options(populate_existing=True)
        )
    }
    progress = committees.progress_of(applications)
    recused: dict[UUID, set[UUID]] = {}
    for application_id, person in db.session.execute(
        sa.select(Review.application_id, Review.reviewer_id).where(
            Review.application_id.in_(ids), Review.conflict == "declared", Review.withdrawn_at.is_(None)
        )
    ):
        recused.setdefault(application_id, set()).add(person)
    lines = []
    for item, application in found:
        workflow = definitions.get(application.definition_sha)
        writes = ways.form_of(workflow, application.state)
        form = writes or ways.kept_in(workflow, application.state)
        row = kept.get((application.id, form.id)) if form is not None else None
        data = dict(row.data) if row is not None else {}
        cell = _cell(actor, application, workflow)
        reviews = [each.name for each in _scored(workflow, application, progress)]
        stays_out = recused.get(application.id, set()) | {UUID(each) for each in item.stayed_out}
        requested = Money(application.requested_minor or 0, application.currency)
        lines.append(
            Line(
                item=item,
                application=application,
                city=cities[application.city_id].name,
                workflow=workflow,
                step=workflow.transitions.get(item.transition or ""),
                form=writes,
                answers=data,
                answers_revision=row.revision if row is not None else None,
                score=next((p.score for p in reversed(_scored(workflow, application, progress))), None),
                rank=None,
                amount=ways.amount_of(form, data, requested),
                stays_out=tuple(sorted(stays_out, key=str)),
                is_hidden=application.id not in seen or actor.id in stays_out,
                is_readable=_reads(cell, form, reviews),
                may_write=application.id in seen
                and actor.id not in stays_out
                and (writes.id in cell.edit if writes is not None else _reads(cell, form, reviews)),
            )
        )
    return _with_money(meeting, lines)


def _scored(workflow: Workflow, application: Application, progress: Mapping[tuple[UUID, str], Any]) -> list[Any]:
    found = [progress[application.id, name] for name in workflow.reviews]
    return [each for each in found if each.score is not None]


def _reads(cell: access.Cell, form: Form | None, reviews: Sequence[str]) -> bool:
    """The actor reads what the committee found and what the chair writes."""
    opened = cell.view | cell.edit
    return (form is None or form.id in opened) and all(name in opened for name in reviews)


def _cell(actor: Actor, application: Application, workflow: Workflow) -> access.Cell:
    """What the actor's roles show, by the memberships that the gate read; commands ask the database again."""
    held: set[str] = set()
    for name, role in workflow.roles.items():
        match role.kind:
            case "group" if role.group and actor.is_in(role.group, round_id=application.round_id):
                held.add(name)
            case "field" if application.officer_id is not None and application.officer_id == actor.id:
                held.add(name)
            case "team" if application.city_id in actor.city_ids:
                held.add(name)
    roles = {name for name in held if not held & set(workflow.roles[name].never_also)}
    return access.cell(workflow, application.state, roles, has_ended=application.outcome is not None)


def _with_money(meeting: Meeting, lines: list[Line]) -> Agenda:
    lines.sort(key=lambda line: (line.score is None, -(line.score or Decimal(0)), line.application.number))
    currency = lines[0].application.currency if lines else "EUR"
    available = _available(lines[0].application) if lines else Money.zero(currency)
    waiting = [line for line in lines if not line.item.is_done]
    awarded, asked = Money.zero(currency), Money.zero(currency)
    found: list[Line] = []
    for place, line in enumerate(lines):
        rank = place + 1
        if place and lines[place - 1].score == line.score:
            rank = found[-1].rank or rank
        if line.item.is_done:
            found.append(replace(line, rank=rank))
            continue
        asked += line.amount
        running = None
        if line.kind == "award":
            awarded += line.amount
            running = awarded
        passed = any(_is_better(other, line) for other in waiting)
        found.append(
            replace(
                line,
                rank=rank if line.score is not None else None,
                running=running,
                is_beyond=running is not None and running > available,
                is_above_cut=asked <= available,
                is_passed_over=passed,
            )
        )
    people = {person for line in lines for person in line.stays_out} | {UUID(each) for each in meeting.attended}
    acted = {meeting.created_by, meeting.proposed_by, meeting.released_by}
    read = {line.item.previewed_by for line in lines}
    names = accounts.people_named({*people, *acted, *read})
    return Agenda(meeting, tuple(found), available, awarded, names)


def _is_better(other: Line, line: Line) -> bool:
    """One with a lower score is treated better than this one."""
    if other.step is None or line.step is None or line.score is None:
        return False
    if other.score is not None and other.score >= line.score:
        return False
    return _treatment(other) < _treatment(line)


def _treatment(line: Line) -> tuple[int, int]:
    """How well a line is treated: what is recommended, and the place on the reserve list; the smaller the better."""
    level = _LEVELS[line.kind or "reject"]
    return level, (line.item.place or 0) if line.kind == "reserve" else 0


def _available(application: Application) -> Money:
    provider = registry.facts.get("ledger")
    found = provider.run(application) if provider is not None else None
    left = (found or {}).get("available")
    return left if isinstance(left, Money) else Money.zero(application.currency)
