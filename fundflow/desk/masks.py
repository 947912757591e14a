"""What people can tell of where an application stands: the one rule for pages, lists, counts, dates and revisions.

Where a workflow shows a role another state than the true one (`shown_as`), everything that would tell the two apart is
left out: the moves between them, since when it stands there, the timers of only one of them, and the revision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.workflow import access
from fundflow.workflow.definition import Role, State, Workflow

INNER = frozenset({"task", "assign", "discuss"})
"""Acts of the fund among itself: no step of the application, and nothing that its city is told."""


@dataclass(frozen=True)
class Sight:
    """What somebody with these roles can tell of one application.

    `own` are the people whose doings are no secret to them: themselves and, for a city, its team.
    """

    workflow: Workflow
    roles: frozenset[str]
    own: frozenset[UUID] = frozenset()
    is_of_fund: bool = True

    def shown(self, state: str) -> str:
        """The state as it is shown."""
        return access.shown_state(self.workflow, state, self.roles)

    def place(self, state: str) -> State:
        """The same with its label."""
        return self.workflow.states[self.shown(state)]

    def alike(self, state: str) -> frozenset[str]:
        """The states that look like this one."""
        return access.alike(self.workflow, state, self.roles)

    def is_plain(self, state: str) -> bool:
        """Nothing else looks like this state."""
        return len(self.alike(state)) == 1

    def is_hidden(self, event: Event) -> bool:
        """An event that would tell more than they are shown: between states that look alike, or within one of them."""
        if event.outcome is not None and event.to_state != event.from_state:
            return False
        if event.from_state is None or event.to_state is None or event.actor_id in self.own:
            return False
        if event.transition in INNER and not self.is_of_fund:
            return True
        alike = self.alike(event.from_state)
        return len(alike) > 1 and event.to_state in alike

    def seen(self, events: Iterable[Event]) -> list[Event]:
        """The events that they may know of, in their order."""
        return [event for event in events if not self.is_hidden(event)]

    def since(self, application: Application, events: Sequence[Event]) -> datetime:
        """Since when the application stands where they are shown it, in its last move that they could notice."""
        if application.outcome is not None or self.is_plain(application.state):
            return application.state_since
        alike = self.alike(application.state)
        moves = [event.at for event in events if event.to_state in alike and event.from_state not in alike]
        return max(moves, default=application.state_since)

    def revision(self, events: Sequence[Event]) -> int:
        """The number of the last event that they may know of: what a page of theirs was made from."""
        return max((event.seq for event in self.seen(events)), default=0)

    def is_running(self, timer: str, state: str) -> bool:
        """Whether they may know of a timer: it runs in every state that looks like this one."""
        known = self.workflow.timers.get(timer)
        return known is not None and self.alike(state) <= set(known.states)


@dataclass(frozen=True)
class _Part:
    """Applications on which somebody's memberships give the same roles, as a clause."""

    sha: str
    clause: sa.ColumnElement[bool]
    sight: Sight


class Masks:
    """What a member of the fund is shown in lists and counts, by memberships alone: no application is asked singly.

    Of applications of a city whose team they are on, they are shown what they would be as a member of both.
    """

    def __init__(self, actor: Actor, workflows: Mapping[str, Workflow]) -> None:
        self._actor, self.workflows = actor, workflows
        self._workflows = {sha: workflow for sha, workflow in workflows.items() if _has_masks(workflow)}

    def sight(self, application: Application, workflow: Workflow) -> Sight:
        """What the memberships let them tell of one application."""
        return Sight(workflow, self._roles(workflow, application.round_id, application.city_id))

    def shown(self, application: Application) -> str:
        """The state that the list shows."""
        workflow = self._workflows.get(application.definition_sha)
        return application.state if workflow is None else self.sight(application, workflow).shown(application.state)

    @cached_property
    def state(self) -> sa.ColumnElement[str]:
        """The same as an expression over Application, to count and to filter by."""
        cases: list[tuple[sa.ColumnElement[bool], Any]] = [
            (sa.and_(part.clause, Application.state == state), shown)
            for part in self._parts()
            for state in part.sight.workflow.states
            if (shown := part.sight.shown(state)) != state
        ]
        column: sa.ColumnElement[str] = Application.state.expression
        return sa.case(*cases, else_=column) if cases else column

    @cached_property
    def since(self) -> sa.ColumnElement[datetime]:
        """Since when the application stands where the list shows it, as an expression over Application."""
        cases = [
            (
                sa.and_(part.clause, Application.outcome.is_(None), Application.state.in_(alike)),
                sa.func.coalesce(_arrived(alike), Application.state_since),
            )
            for part in self._parts()
            for alike in {part.sight.alike(state) for state in part.sight.workflow.states}
            if len(alike) > 1
        ]
        column: sa.ColumnElement[datetime] = Application.state_since.expression
        return sa.case(*cases, else_=column) if cases else column

    def _parts(self) -> Iterator[_Part]:
        scopes = sorted({round_id for _, round_id in self._actor.groups | self._actor.lent if round_id is not None})
        cities = sorted(self._actor.city_ids)
        for sha, workflow in self._workflows.items():
            for round_id in (*scopes, None):
                for city_id in (*cities, None):
                    clause = sa.and_(
                        Application.definition_sha == sha,
                        _is(Application.round_id, round_id, scopes),
                        _is(Application.city_id, city_id, cities),
                    )
                    yield _Part(sha, clause, Sight(workflow, self._roles(workflow, round_id, city_id)))

    def _roles(self, workflow: Workflow, round_id: UUID | None, city_id: UUID | None) -> frozenset[str]:
        """Roles of teams and groups; in a round that no membership is limited to, only those for every round."""
        held = {role.id for role in workflow.roles.values() if self._holds(role, round_id, city_id)}
        return frozenset(name for name in held if not workflow.roles[name].never_also & held)

    def _holds(self, role: Role, round_id: UUID | None, city_id: UUID | None) -> bool:
        actor = self._actor
        if role.kind == "team":
            return any(city == city_id and role.duty in (None, duty) for city, duty in actor.teams)
        scopes = {scope for group, scope in actor.groups | actor.lent if role.kind == "group" and group == role.group}
        return None in scopes or (round_id is not None and round_id in scopes)


def _has_masks(workflow: Workflow) -> bool:
    return any(state.shown_as for state in workflow.states.values())


def _is(column: Any, value: UUID | None, others: Collection[UUID]) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = column.in_([value]) if value is not None else column.not_in(others)
    return found if value is not None or others else sa.true()


def _arrived(alike: frozenset[str]) -> sa.ScalarSelect[Any]:
    """When the application last came into one of these states from outside."""
    return (
        sa.select(sa.func.max(Event.at))
        .where(
            Event.application_id == Application.id,
            Event.to_state.in_(alike),
            sa.or_(Event.from_state.is_(None), Event.from_state.not_in(alike)),
        )
        .correlate(Application)
        .scalar_subquery()
    )
