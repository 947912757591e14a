"""What the pinned workflow says about a review: who assigns from where, when, and how sheets become one figure.

Refuses assignments outside the review's state, except in a state that waits for its committee to be complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from fundflow.workflow import scores
from fundflow.workflow.definition import Review, Workflow
from fundflow.workflow.durations import Duration
from fundflow.workflow.forms import Form, Missing

DAYS = 14
"""How many days a reviewer has when the workflow does not say."""
HOUR = "18:00"
"""The hour, in the round's zone, at which a proposed due day ends."""


class Standing(Protocol):
    """Where an application is, and how it ended."""

    @property
    def state(self) -> Any: ...
    @property
    def outcome(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """One review of one workflow."""

    workflow: Workflow
    review: Review

    @property
    def name(self) -> str:
        return self.review.id

    @property
    def state(self) -> str:
        return self.review.state

    @property
    def form(self) -> Form:
        return self.workflow.forms[self.review.form]

    @property
    def own_forms(self) -> frozenset[str]:
        """The forms that the city's team fills in, anywhere in the workflow."""
        teams = {name for name, role in self.workflow.roles.items() if role.kind == "team"}
        states = self.workflow.states.values()
        return frozenset(form for state in states for role in teams for form in state.edit.get(role, ()))

    def takes_assignments(self, application: Standing) -> bool:
        """Whether reviewers can be asked now: in the review's state, or in one that a full committee lets it leave."""
        return application.outcome is None and (application.state == self.state or self.awaits(application.state))

    def awaits(self, state: str) -> bool:
        """Whether the review is prepared in this state: a transition from it asks that reviewers are assigned."""
        return state != self.state and any(
            when.kind == "assigned" and when.name == self.name
            for transition in self.workflow.transitions_from(state)
            for when in transition.when
        )

    def generation(self, application: Standing, entered: int) -> int:
        """The generation that counts for an application that came to the review's state `entered` times."""
        return self.generation_in(application.state, entered)

    def generation_in(self, state: str, entered: int) -> int:
        """The generation that counts in a state for an application that came to the review's state `entered` times."""
        return entered + 1 if self.awaits(state) else max(entered, 1)

    def total(self, data: Mapping[str, Any]) -> scores.Total:
        """What a sheet comes to so far."""
        return scores.total(self.criteria(), data, Decimal(self.review.scale))

    def missing(self, data: Mapping[str, Any]) -> list[Missing]:
        """What keeps a sheet from being sent: scores outside their scale, reasons not given."""
        return self.form.check(data, self.workflow.currency)

    def criteria(self) -> list[scores.Criterion]:
        """What is scored, in the sheet's order."""
        fields = [field for field in self.form.fields.values() if field.type == "score"]
        weights = self.review.weights
        return [
            scores.Criterion(
                field=field.id,
                weight=Decimal(weights.get(field.id, 0) if weights else field.weight or 1),
                maximum=Decimal(10) if field.max is None else field.max,
            )
            for field in fields
        ]

    def proposed_due(self, now: datetime, zone: ZoneInfo) -> str:
        """The wall time proposed for a due moment, `YYYY-MM-DDTHH:MM`: days end at `HOUR`, hours are kept exactly."""
        due = self.review.due or Duration(days=DAYS)
        wall = due.after(now, zone, self.workflow.working_days).astimezone(zone)
        return f"{wall.date().isoformat()}T{HOUR}" if not due.is_exact else wall.strftime("%Y-%m-%dT%H:%M")


def plan_of(workflow: Workflow, name: str) -> Plan:
    """The review of this name."""
    return Plan(workflow, workflow.reviews[name])


def plans_of(workflow: Workflow) -> list[Plan]:
    """Every review of the workflow, in the file's order."""
    return [Plan(workflow, review) for review in workflow.reviews.values()]
