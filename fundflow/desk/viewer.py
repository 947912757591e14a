"""Who looks at an application, and what follows from it for names, states and inner work.

A city is told no name of the fund's people and no state that its workflow disguises; a reviewer no name at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from flask_babel import gettext

from fundflow.desk.masks import Sight
from fundflow.lifecycle.actor import Actor
from fundflow.workflow import access
from fundflow.workflow.access import Cell
from fundflow.workflow.definition import Task, Workflow


@dataclass(frozen=True, slots=True)
class Viewer:
    """What decides how much of one application a person reads."""

    actor: Actor
    sight: Sight
    cell: Cell
    is_of_fund: bool
    is_of_team: bool
    team: frozenset[UUID]
    language: str
    names: dict[UUID, str] = field(default_factory=dict)

    def name_of(self, person: UUID | None) -> str:
        """Who did something, as far as this viewer may know it."""
        if person is None:
            return _("automatically")
        if self.is_of_fund or person == self.actor.id or (self.is_of_team and person in self.team):
            return self.names.get(person) or self.actor.name
        return _("the city's team") if person in self.team else _("the fund")

    @property
    def roles(self) -> frozenset[str]:
        return self.sight.roles

    def is_shown(self, state: str) -> bool:
        """Whether this viewer is told of the state by its own name, and of no other by it."""
        return self.sight.is_plain(state)

    def works_at(self, workflow: Workflow, state: str) -> bool:
        """Whether one of the viewer's roles in the fund reads anything in this state."""
        return any(
            workflow.roles[role].kind in ("group", "field") and access.cell(workflow, state, (role,)).view
            for role in self.roles
            if role in workflow.roles
        )

    def may_see_task(self, workflow: Workflow, state: str, task: Task) -> bool:
        """A check is the fund's own work: read by those who do it and by those of the fund who read the state."""
        return self.is_shown(state) and (bool(task.by & self.roles) or self.works_at(workflow, state))

    def may_see_signing(self, workflow: Workflow, state: str) -> bool:
        """Who signed is read by the parties and by everyone, except reviewers, who reads anything in the state."""
        given = workflow.states[state]
        if given.signatures is None or not self.is_shown(state):
            return False
        if self.roles & set(given.signatures.parties.values()) or self.works_at(workflow, state):
            return True
        return self.is_of_team and bool(access.cell(workflow, state, self.roles).view)


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
