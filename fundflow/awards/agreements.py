"""What a grant agreement says, as JSON: read once, when it is asked for, in the language of the document.

Refuses an award without an amount and a payment plan that does not add up to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fundflow.awards import versions
from fundflow.awards.answered import ENDS, MONTHS, STARTS, day
from fundflow.awards.parties import answered, award, heading
from fundflow.awards.refusals import NoAmount
from fundflow.lifecycle.record import plain
from fundflow.lifecycle.registry import EffectContext
from fundflow.workflow.definition import Workflow

REPORT_AFTER_END = timedelta(days=60)
"""When a report is due that no timer of the workflow asks for."""


def agreement(ctx: EffectContext, language: str) -> dict[str, Any]:
    """Everything that the grant agreement of this decision says.

    It prints the form that asks for the amount; an earlier note, a recommendation and bank data are no part of it.
    """
    workflow = ctx.workflow
    amount = award(ctx)
    if amount is None:
        raise NoAmount(number=ctx.application.number)
    asking = frozenset(name for name, form in workflow.answer_forms.items() if "requested" in form.fields)
    given = answered(ctx, language, asking or None)
    starts_on, ends_on = given.first_date(STARTS), given.first_date(ENDS)
    if not (starts_on and ends_on and starts_on <= ends_on):
        starts_on = ends_on = None
    head = heading(ctx, "agreement", "GA")
    version = 1 + versions.count(ctx.application)
    return {
        **head,
        "agreement": {**head["agreement"], "number": versions.number(ctx.application, version), "version": version},
        "amount": plain(amount),
        "starts_on": day(starts_on),
        "ends_on": day(ends_on),
        "months": 0 if starts_on else given.first_number(MONTHS),
        "payments": given.payments(amount),
        "budget": given.budget(),
        "glance": given.summary("short_text", "choice", "choices", "country", "number", "money", "date", "email"),
        "summary": given.summary("long_text"),
        "tables": given.tables(),
        "reports": [*_scheduled(ctx, language), *_reports(workflow, language, ends_on)],
    }


def _scheduled(ctx: EffectContext, language: str) -> Iterator[dict[str, Any]]:
    """The reports of a schedule that stands in the workflow: children whose form the city fills in, by their `due` day.

    What depends on a day that is still to come, such as a follow-up after closing, is no part of an agreement.
    """
    workflow = ctx.workflow
    teams = {role.id for role in workflow.roles.values() if role.kind == "team"}
    for kind in workflow.children.values():
        written = [form for state in kind.states.values() for role in teams for form in state.edit.get(role, ())]
        for row in kind.rows if written else ():
            asked = [*row.values.values(), *([row.when] if row.when is not None else [])]
            roots = frozenset(root for each in asked for root in each.roots)
            if "due" not in row.values or not roots <= {"application", "round"}:
                continue
            ctx.facts.load(roots)
            if any(ctx.facts.unanswered(each) for each in asked):
                continue
            if row.when is None or ctx.evaluate(row.when) is True:
                number = f" {ctx.evaluate(row.values[kind.key])}" if kind.key else ""
                name = f"{workflow.forms[written[0]].title.in_(language)}{number}"
                yield {"name": name, "due_on": day(ctx.evaluate(row.values["due"])), "count": 0, "unit": "days"}


def _reports(workflow: Workflow, language: str, ends_on: date | None) -> list[dict[str, Any]]:
    """A report is a form that the city is first asked for once the money flows; its date, a timer of that state says.

    The time counts from the payment where a payment leads to that state, else from the end of the project.
    """
    found: list[dict[str, Any]] = []
    teams = {role.id for role in workflow.roles.values() if role.kind == "team"}
    flows = _after_money(workflow)
    seen = {form for state in workflow.states if state not in flows for form in _edited(workflow, state, teams)}
    for state in (each for each in workflow.states if each in flows):
        lengths = [t.after for t in workflow.timers.values() if state in t.states and t.after]
        after = next((length for length in lengths if not (length.working_days or length.minutes)), None)
        for form in _edited(workflow, state, teams):
            if form in seen:
                continue
            seen.add(form)
            report = {"name": workflow.forms[form].title.in_(language), "due_on": "", "count": 0, "unit": "days"}
            if after is not None and ends_on is not None and not _is_paid_into(workflow, state):
                due = after.after(datetime.combine(ends_on, time(12), UTC), workflow.zone)
                report["due_on"] = day(due.date())
            elif after is not None:
                report |= {"count": after.months or after.days, "unit": "months" if after.months else "days"}
            elif ends_on is not None:
                report["due_on"] = day(ends_on + REPORT_AFTER_END)
            else:
                report |= {"count": 12, "unit": "months"}
            found.append(report)
    return found


def _after_money(workflow: Workflow) -> frozenset[str]:
    """The states that an agreement leads to: those after a document `agreement` was made, without that of signing."""
    steps = workflow.transitions.values()
    reached = {
        step.destination(source) or source
        for step in steps
        if any(effect.document == "agreement" for effect in step.do)
        for source in step.sources
    }
    while True:
        more = {step.destination(s) or s for step in steps for s in step.sources if s in reached} - reached
        if not more:
            return frozenset(reached)
        reached |= more


def _is_paid_into(workflow: Workflow, state: str) -> bool:
    """A payment leads an application to this state."""
    return any(
        effect.ledger == "pay" and state in {step.destination(source) for source in step.sources}
        for step in workflow.transitions.values()
        for effect in step.do
    )


def _edited(workflow: Workflow, state: str, roles: set[str]) -> Iterator[str]:
    for role, forms in workflow.states[state].edit.items():
        if role in roles:
            yield from forms
