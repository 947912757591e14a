"""What a workflow lets a meeting prepare from a state, and the form in which the chair writes it down.

Of that form a meeting knows four answers by name: `met_on` and `recommendation` follow from the meeting itself,
`awarded` is the amount (what was asked for where it is empty), and `conditions` tells one kind of award from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from fundflow.money import Money
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.forms import Form

MET_ON, RECOMMENDATION, AWARDED, CONDITIONS = "met_on", "recommendation", "awarded", "conditions"
FOLLOWING = frozenset({MET_ON, RECOMMENDATION})
"""Answers that nobody types in a meeting."""


def ways(workflow: Workflow, state: str) -> list[Transition]:
    """The decisions that a meeting may prepare for an application in this state, in the file's order."""
    return [step for step in workflow.transitions_from(state) if step.meeting is not None]


def states_of(workflow: Workflow) -> frozenset[str]:
    """Where applications wait for a meeting."""
    return frozenset(state for state in workflow.states if ways(workflow, state))


def form_of(workflow: Workflow, state: str) -> Form | None:
    """The form that the decisions of this state ask to be complete and that somebody of the fund writes there."""
    asked = [when.name for step in ways(workflow, state) for when in step.when if when.kind == "complete"]
    written = {form for forms in workflow.states[state].edit.values() for form in forms}
    return next((workflow.forms[name] for name in asked if name in written), None)


def kept_in(workflow: Workflow, state: str) -> Form | None:
    """The form in which the decisions of this state find what was written, also where it is written no more."""
    asked = [when.name for step in ways(workflow, state) for when in step.when if when.kind == "complete"]
    return workflow.forms[asked[0]] if asked else None


def typed(form: Form) -> Form:
    """The form without what follows from the meeting."""
    sections = [replace(s, fields=tuple(f for f in s.fields if f.id not in FOLLOWING)) for s in form.sections]
    return replace(form, sections=tuple(s for s in sections if s.fields))


def following(form: Form, step: Transition, day: date, data: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that follow from the meeting's day and from what is recommended."""
    found: dict[str, Any] = {}
    if MET_ON in form.fields:
        found[MET_ON] = day.isoformat()
    question = form.fields.get(RECOMMENDATION)
    if question is not None:
        has_terms = step.meeting == "award" and str(data.get(CONDITIONS) or "").strip()
        wanted = CONDITIONS if has_terms and question.option(CONDITIONS) else step.meeting
        if question.option(wanted):
            found[RECOMMENDATION] = wanted
    return found


def amount_of(form: Form | None, data: Mapping[str, Any], requested: Money) -> Money:
    """What an award would give: the amount written down, or all that was asked for."""
    if form is None or AWARDED not in form.fields:
        return requested
    written = form.values(dict(data), requested.currency)[AWARDED]
    return written if isinstance(written, Money) else requested
