"""One grant's reports for whoever may read them: all of them at a glance, and one beside the plan and the one before.

What a person may read of an application, its workflow says; a report out of sight is answered like one that is not
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fundflow.applications.queries import application_for
from fundflow.errors import NotFound
from fundflow.lifecycle import commands
from fundflow.lifecycle.actor import Actor
from fundflow.reports import tables
from fundflow.reports.gathering import Told
from fundflow.reports.portfolio import Grant, grant_of
from fundflow.reports.rollup import Figure, Promised, Report, figures
from fundflow.reports.spending import Spending, compared
from fundflow.reports.variance import needs_reason
from fundflow.workflow import access
from fundflow.workflow.forms import Field
from fundflow.workflow.text import Text


@dataclass(frozen=True, slots=True)
class Beside:
    """One indicator as the plan, the report before and this one have it; `is_other` tells where they disagree."""

    figure: Figure
    label: Text | None
    before: Decimal | None
    is_other: bool

    @property
    def progress(self) -> Decimal | None:
        return self.figure.progress


@dataclass(frozen=True, slots=True)
class Question:
    """One answer in words beside the one to the same question in the report before."""

    field: Field
    before: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Sheet:
    """One report beside the plan and the report before."""

    told: Told
    before: Told | None
    questions: list[Question]
    indicators: list[Beside]
    spending: Spending
    spending_before: Spending | None
    unexplained: frozenset[str]
    """The items of the budget whose costs the workflow wants a reason for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A grant and those of its reports that the reader may see."""

    grant: Grant
    reports: tuple[Told, ...]

    def sheet(self, report_id: str) -> Sheet:
        """One report beside the plan and the one before, or NotFound."""
        told = next((each for each in self.reports if each.id == report_id), None)
        if told is None:
            raise NotFound
        figured = [each for each in self.reports if each.has_figures and each.answers]
        before = next((each for each in reversed(figured) if each.order < told.order), None)
        grant, currency = self.grant, self.grant.application.currency
        spending = compared(grant.costs, told.costs(grant.workflow, currency), currency)
        return Sheet(
            told,
            before,
            _questions(grant, told, before),
            _indicators(grant, told, before) if told.has_figures else [],
            spending,
            compared(grant.costs, before.costs(grant.workflow, currency), currency) if before else None,
            frozenset(
                line.item
                for line in spending.lines
                if any(needs_reason(grant.workflow, name, line) for name in told.answers)
            ),
        )


def reading_for(actor: Actor, application_id: UUID, now: datetime) -> Reading:
    """The reports of an application that the actor may read; NotFound where there are none for them."""
    application = application_for(actor, application_id)
    grant = grant_of(application, now)
    roles = commands.roles_of(application, actor)
    cell = commands.cell_of(application, actor)
    has_ended = application.outcome is not None

    def readable(told: Told) -> bool:
        if not told.kind:
            return told.key in cell.view
        own = access.own_cell(grant.workflow, application.state, told.kind, told.state, roles, has_ended=has_ended)
        return any(name in own.view for name in told.answers)

    reports = tuple(each for each in grant.reports if each.answers and readable(each))
    if not reports:
        raise NotFound
    return Reading(grant, reports)


def labels_of(grant: Grant) -> Mapping[str, Text]:
    """The catalogue of a grant's workflow: what each measure is called."""
    found: dict[str, Text] = {}
    for form in grant.workflow.forms.values():
        for measure, label in tables.catalogue(form).items():
            found.setdefault(measure, label)
    return found


def _indicators(grant: Grant, told: Told, before: Told | None) -> list[Beside]:
    currency = grant.application.currency
    lines, labels = told.lines(grant.workflow, currency), labels_of(grant)
    now = figures(Promised(grant.application.id, grant.promised.plan, (Report(1, lines, True),)))
    earlier = before.lines(grant.workflow, currency) if before else ()
    then = {
        (each.measure, each.words.casefold()): each.actual
        for each in figures(Promised(grant.application.id, grant.promised.plan, (Report(1, earlier, True),)))
    }
    said = {line.key: line for line in lines}
    found = []
    for figure in now:
        line = said.get(figure.measure or " ".join(figure.words.casefold().split()))
        is_other = line is not None and line.target is not None and line.target != figure.target
        label = labels.get(figure.measure) if figure.measure else None
        found.append(Beside(figure, label, then.get((figure.measure, figure.words.casefold())), is_other))
    return found


def _questions(grant: Grant, told: Told, before: Told | None) -> list[Question]:
    """Everything but the two tables and the figures about people, which stand in tables of their own."""
    found = []
    for name, data in told.answers.items():
        form = grant.workflow.forms[name]
        apart = {table.id for table in (tables.indicators(form), tables.against_costs(form)) if table is not None}
        apart |= {tables.REACHED, *tables.GROUPS}
        for field in form.fields.values():
            if field.id in apart:
                continue
            others = [each for each in before.answers.values() if field.id in each] if before else []
            found.append(Question(field, others[0][field.id] if others else None, data.get(field.id)))
    return found
