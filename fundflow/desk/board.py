"""The pipeline: every application of the rounds a member of the fund works on, filtered, sorted, counted and summed.

Nothing that a city has not sent yet is shown of it but that it exists: neither title nor amount, and the search does
not find it by its title.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_babel import gettext as _

from fundflow.accounts.models import City
from fundflow.applications.queries import Row
from fundflow.db import db
from fundflow.desk import queries
from fundflow.desk.masks import Masks
from fundflow.desk.queries import Heap, staff_sees
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds.models import Round
from fundflow.rounds.policy import within
from fundflow.web import paging
from fundflow.web.fields import clean
from fundflow.web.paging import Key, Page
from fundflow.workflow.definition import Workflow

ENDED = "ended:"
"""Marks an outcome where a state is meant otherwise, in the filter and in the address."""

CSV_BATCH = 500
OF = "/"
"""Between a workflow and one of its states or phases."""
WIDTH = 7
"""Columns of a line; paging adds its keys behind them."""

_is_sent = Application.submitted_at.is_not(None)
_amount = sa.func.coalesce(sa.case((_is_sent, Application.requested_minor), else_=None), -1)
_city = sa.func.lower(City.name)

SORTS: dict[str, tuple[Key, ...]] = {
    "newest": (Key(Application.created_at, descending=True), Key(Application.id, descending=True)),
    "amount": (Key(_amount, descending=True), Key(Application.id, descending=True)),
    "city": (Key(_city), Key(Application.id)),
}
WAITING = "waiting"
"""The usual order: who waits longest comes first, by what the reader is shown."""


@dataclass(frozen=True, slots=True)
class Line(Row):
    """A row of the pipeline: also since when it stands where the reader is shown it."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader narrowed the pipeline to; what is not known counts as not asked for."""

    round: str = ""
    place: str = ""
    """A state's id, with its workflow before a slash where several have it; or `ended:` and an outcome."""
    phase: str = ""
    """A workflow and one of its phases, with a slash between."""
    country: str = ""
    search: str = ""
    sort: str = WAITING

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Filters:
        """From an address; text is cut to what a person would type."""
        typed = {name: clean(value) for name, value in sent.items()}
        sort = typed.get("sort", "")
        return cls(
            round=typed.get("round", "")[:80],
            place=typed.get("state", "")[:80],
            phase=typed.get("phase", "")[:80],
            country=typed.get("country", "")[:2].upper(),
            search=" ".join(typed.get("q", "").split())[:100],
            sort=sort if sort in SORTS else WAITING,
        )

    @property
    def is_narrow(self) -> bool:
        return bool(self.round or self.place or self.phase or self.country or self.search)

    def as_arguments(self) -> dict[str, str]:
        """The same as arguments of an address, without what says nothing."""
        every = {
            "round": self.round,
            "phase": self.phase,
            "state": self.place,
            "country": self.country,
            "q": self.search,
        }
        found = {name: value for name, value in every.items() if value}
        return found | ({"sort": self.sort} if self.sort != WAITING else {})


@dataclass(frozen=True, slots=True)
class Lane:
    """One state or outcome of the pipeline with its count and the exact sum per currency."""

    place: str
    label: str
    count: int
    sums: tuple[Money, ...]
    is_ended: bool
    stage: str = ""
    """The phase it belongs to, as the filter names it; empty for ends and for workflows without phases."""
    stage_label: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """The lanes of one phase, or of a workflow without phases, or all ends."""

    id: str
    label: str
    lanes: list[Lane]

    @property
    def count(self) -> int:
        return sum(lane.count for lane in self.lanes)


@dataclass(slots=True)
class Names:
    """Labels of states and outcomes over all workflows in view."""

    workflows: Mapping[str, Workflow]
    language: str
    _known: dict[tuple[str, str], str] = field(default_factory=dict)

    def place(self, sha: str, state: str, outcome: str | None) -> str:
        """The label of where an application is: its outcome once it has ended outside the path, else its state."""
        workflow = self.workflows.get(sha)
        if workflow is None:
            return outcome or state
        if outcome is not None and outcome in workflow.outcomes:
            return workflow.outcomes[outcome].in_(self.language)
        return workflow.states[state].label.in_(self.language) if state in workflow.states else state


def place_of(names: Names, sha: str, state: str, outcome: str | None) -> str:
    """The filter's word for where an application is. A final state is its own place, whatever its outcome says."""
    workflow = names.workflows.get(sha)
    is_final = workflow is not None and state in workflow.states and workflow.states[state].is_final
    if outcome is not None and not is_final:
        return ENDED + outcome
    same = {each.id for each in names.workflows.values() if state in each.states}
    return f"{workflow.id}{OF}{state}" if workflow is not None and len(same) > 1 else state


def lanes(heaps: Sequence[Heap], names: Names) -> list[Lane]:
    """Heaps added up over rounds and versions, in the order of the workflows, the ended ones last."""
    counts: dict[str, int] = {}
    sums: dict[str, dict[str, Money]] = {}
    first: dict[str, Heap] = {}
    for heap in heaps:
        place = place_of(names, heap.definition_sha, heap.state, heap.outcome)
        first.setdefault(place, heap)
        counts[place] = counts.get(place, 0) + heap.count
        mine = sums.setdefault(place, {})
        currency = heap.requested.currency
        mine[currency] = mine.get(currency, Money.zero(currency)) + heap.requested

    def order(place: str) -> tuple[bool, str, int, str]:
        workflow = names.workflows.get(first[place].definition_sha)
        states = list(workflow.states) if workflow else []
        at = states.index(first[place].state) if first[place].state in states else 99
        is_ended = place.startswith(ENDED)
        title = workflow.title.in_(names.language) if workflow and not is_ended else ""
        return is_ended, title, 0 if is_ended else at, place

    return [_lane(place, first[place], names, counts[place], sums[place]) for place in sorted(counts, key=order)]


def _lane(place: str, heap: Heap, names: Names, count: int, sums: Mapping[str, Money]) -> Lane:
    workflow, is_ended = names.workflows.get(heap.definition_sha), place.startswith(ENDED)
    phases = workflow.phases.values() if workflow and not is_ended else ()
    phase = next((each for each in phases if heap.state in each.states), None)
    several = len({each.id for each in names.workflows.values()}) > 1
    title = workflow.title.in_(names.language) if workflow else ""
    label = phase.label.in_(names.language) if phase else ""
    if several and not is_ended:
        label = _("%(what)s: %(says)s", what=title, says=label) if label else title
    return Lane(
        place,
        names.place(heap.definition_sha, heap.state, heap.outcome if is_ended else None),
        count,
        tuple(money for _currency, money in sorted(sums.items()) if money),
        is_ended,
        f"{workflow.id}{OF}{phase.id}" if workflow and phase else "",
        label,
    )


def stages(lanes: Sequence[Lane]) -> list[Stage]:
    """Lanes that stand beside each other and belong together, under the name of their phase or workflow."""
    found: list[Stage] = []
    for lane in lanes:
        key = (lane.stage, lane.stage_label, lane.is_ended)
        last = found[-1] if found else None
        if last is None or (last.id, last.label, last.lanes[0].is_ended) != key:
            found.append(Stage(lane.stage, lane.stage_label, []))
        found[-1].lanes.append(lane)
    return found


def rounds_of(actor: Actor) -> list[tuple[UUID, str, str]]:
    """Published rounds the actor works on for the fund: (id, address, title), the latest deadline first."""
    query = (
        sa.select(Round.id, Round.slug, Round.title)
        .where(Round.status == "published", within(actor, *queries.STAFF))
        .order_by(Round.closes_at.desc(), Round.slug)
    )
    return [(row_id, slug, title) for row_id, slug, title in db.session.execute(query)]


def countries_of(actor: Actor) -> list[str]:
    """The countries that applications in view come from."""
    query = (
        sa.select(City.country)
        .join(Application, Application.city_id == City.id)
        .where(staff_sees(actor))
        .distinct()
        .order_by(City.country)
    )
    return list(db.session.scalars(query))


def narrow(filters: Filters, masks: Masks, *, with_place: bool = True) -> list[sa.ColumnElement[bool]]:
    """The filters as clauses over Application and City; a state means whatever is shown as it."""
    clauses: list[sa.ColumnElement[bool]] = []
    if filters.round:
        clauses.append(Application.round_id == sa.select(Round.id).where(Round.slug == filters.round).scalar_subquery())
    if filters.country:
        clauses.append(City.country == filters.country)
    if filters.search:
        clauses.append(
            sa.or_(
                sa.and_(_is_sent, Application.title.icontains(filters.search, autoescape=True)),
                Application.number.icontains(filters.search, autoescape=True),
                City.name.icontains(filters.search, autoescape=True),
            )
        )
    if with_place and filters.place:
        clauses.append(_at(filters.place, masks))
    if with_place and filters.phase:
        clauses.append(_in_phase(filters.phase, masks))
    return clauses


def _at(place: str, masks: Masks) -> sa.ColumnElement[bool]:
    if place.startswith(ENDED):
        return Application.outcome == place.removeprefix(ENDED)
    workflow, slash, state = place.rpartition(OF)
    return _standing([state], _of(workflow, masks) if slash else sa.true(), masks)


def _in_phase(phase: str, masks: Masks) -> sa.ColumnElement[bool]:
    workflow, _slash, name = phase.partition(OF)
    every = [
        each.phases[name].states for each in masks.workflows.values() if each.id == workflow and name in each.phases
    ]
    return _standing([state for states in every for state in states], _of(workflow, masks), masks)


def _of(workflow: str, masks: Masks) -> sa.ColumnElement[bool]:
    return Application.definition_sha.in_([sha for sha, each in masks.workflows.items() if each.id == workflow])


def _standing(states: Sequence[str], of: sa.ColumnElement[bool], masks: Masks) -> sa.ColumnElement[bool]:
    # A final state carries an outcome of its own; an application that ended elsewhere keeps its last state.
    return sa.and_(
        of,
        masks.state.in_(states),
        sa.or_(Application.outcome.is_(None), Application.outcome.in_(("success", "failure"))),
    )


def _statement(actor: Actor, filters: Filters, masks: Masks) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(Application, City.name, City.country, Round.title, Round.slug, Round.closes_at, masks.since)
        .join(City, City.id == Application.city_id)
        .join(Round, Round.id == Application.round_id)
        .where(staff_sees(actor), *narrow(filters, masks))
    )


def _keys(filters: Filters, masks: Masks) -> tuple[Key, ...]:
    return SORTS.get(filters.sort) or (Key(masks.since), Key(Application.id))


def page(actor: Actor, filters: Filters, after: str | None, masks: Masks) -> Page[Line]:
    """One page of the pipeline; one query whatever its length."""
    found = paging.read(db.session, _statement(actor, filters, masks), _keys(filters, masks), after)
    return Page([Line(*row[:WIDTH]) for row in found], found.after, found.next)


def every(actor: Actor, filters: Filters, masks: Masks) -> Iterator[Line]:
    """The whole filtered set, read in batches, in the order of the page."""
    after: str | None = None
    while True:
        statement = _statement(actor, filters, masks)
        found = paging.read(db.session, statement, _keys(filters, masks), after, CSV_BATCH)
        for row in found:
            yield Line(*row[:WIDTH])
        if found.next is None:
            return
        after = found.next


def title_of(row: Row) -> str:
    """The application's title once it was sent."""
    return row.application.title if row.application.submitted_at else ""


def requested_of(row: Row) -> Money | None:
    """What is asked for, once it was sent."""
    return row.requested if row.application.submitted_at else None
