"""What workflows may ask of applications and cause in them: the facts `application` and `forms`, mail, and set fields.

Refuses nothing by itself: an answer that is not there is null, and a form nobody opened is incomplete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, cast
from uuid import UUID

from fundflow import clock, mail
from fundflow.accounts import queries as accounts
from fundflow.accounts.policy import ADMINISTRATORS, AUDITORS
from fundflow.applications import prefill, queries, service
from fundflow.applications.models import Answers
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import children, registry, timers
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Override
from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money
from fundflow.prepared import Question
from fundflow.workflow import access
from fundflow.workflow.copying import copied, stored
from fundflow.workflow.definition import Timer, Workflow
from fundflow.workflow.durations import at_wall, end_of_day
from fundflow.workflow.forms import OwnForm

REQUESTED = "requested"
"""The answer that says how much is asked for."""


@registry.fact("application")
def application_facts(application: Application) -> Mapping[str, Any]:
    """Every answer by its field, typed, and what the application itself is."""
    workflow = service.workflow_of(application)
    stored, city, country = queries.answers_and_city(application)
    return {
        **workflow.application_values(stored, application.currency),
        "id": str(application.id),
        "number": application.number,
        "state": application.state,
        "outcome": application.outcome,
        "currency": application.currency,
        "city": city,
        "country": country,
        "submitted_at": application.submitted_at,
        "officer": None if application.officer_id is None else str(application.officer_id),
    }


@registry.asks("application")
def answers_asked(application: Application, _name: str, _actor: Actor) -> Question:
    """The answers and the city."""
    return queries.answers_asked(application)


@registry.foresight
def foresee_answers(applications: Sequence[Application], wanted: frozenset[str]) -> None:
    """The answers of all of them, where a condition looks at any."""
    if "application" in wanted:
        queries.foresee_answers(applications)


@registry.fact("forms")
def form_facts(application: Application, name: str) -> Mapping[str, Any]:
    """Whether a form may be sent as it stands, and the labels of the questions that keep it from being sent."""
    form = service.form_of(application, name)
    found = service.missing(application, form, service.answers_of(application, name))
    labels = {each.field: each.label for each in found}
    return {"complete": not found, "missing": list(labels.values())}


@registry.effect("notify")
def notify(ctx: EffectContext, effect: Any) -> Mapping[str, Any] | None:
    """Queue one message for each person who holds one of the roles, in the transaction of the event."""
    facts = {
        **facts_of_mail(ctx.application, _place_read(ctx)),
        "reason": ctx.reason or "",
        "by": ctx.actor.name if ctx.actor.id is not None else "",
        "at": ctx.now,
        **children.named(ctx.application, ctx.facts.subject),
        "due_at": _due_after(ctx, effect.to),
        "input": dict(ctx.input),
    }
    told = _tell(ctx.application, effect.notify, effect.to, ctx.key(), facts, ctx.from_state)
    return {"notify": effect.notify, "people": told}


@registry.notifier
def remind(application: Application, template: str, roles: Sequence[str], key: str, facts: Mapping[str, Any]) -> None:
    """Queue what a timer has to say to the people of these roles; `facts` come over the usual ones."""
    usual = {
        **facts_of_mail(application),
        "reason": "",
        "by": "",
        "at": clock.now(),
        **children.named(application, ""),
        "due_at": _next_due(application, roles),
        "input": {},
    }
    _tell(application, template, roles, key, {**usual, **facts})


@registry.on_override
def tell_of_override(application: Application, wish: Override) -> None:
    """Tell the other administrators what waits for them, whoever asked what came of it, and the auditors what was done.

    An administrator learns no more of an application than its number and its city.
    """
    workflow = service.workflow_of(application)
    step = workflow.find(wish.transition)
    city, round_title = queries.place_of(application)
    answered_by = wish.approved_by or wish.refused_by
    names = accounts.people_named([wish.asked_by, answered_by])
    facts = {
        "number": application.number,
        "city": city,
        "round": round_title,
        "step": step.label if step else wish.transition,
        "asked_by": names.get(wish.asked_by, ""),
        "answered_by": names.get(answered_by, "") if answered_by else "",
        "reason": wish.reason,
        "answer": wish.answer or "",
        "is_approved": wish.approved_by is not None,
        "link": f"/overrides/{wish.id}",
    }
    key = f"override:{wish.id}"
    if answered_by is None:
        for person in accounts.people_in_group(ADMINISTRATORS):
            if person.id != wish.asked_by:
                mail.queue("security/override_asked", person, facts, key)
        return
    for person in accounts.reached([wish.asked_by]):
        if person.id != answered_by:
            mail.queue("security/override_answered", person, facts, key)
    if wish.approved_by is not None:
        for person in accounts.people_in_group(AUDITORS, application.round_id):
            link = f"/applications/{application.id}"
            mail.queue("security/override_done", person, {**facts, "link": link}, key)


@registry.takes_part
def has_written(application: Application, person_id: UUID) -> bool:
    """Whoever saved an answer or brought a file had to do with the application."""
    return queries.has_written(application.id, person_id)


def _place_read(ctx: EffectContext) -> tuple[str, str] | None:
    """The city and the round's title, where the decision has read both already."""
    application, round_ = ctx.facts.already("application"), ctx.facts.already("round")
    return (application["city"], round_["title"]) if application and round_ else None


def facts_of_mail(application: Application, place: tuple[str, str] | None = None) -> dict[str, Any]:
    """What every message about an application may name. It shows nothing that the team of the city does not know.

    `place` is its city and its round's title, for whoever has read them.
    """
    amount = application.requested_minor
    city, round_title = place or queries.place_of(application)
    return {
        "number": application.number,
        "title": application.title or application.number,
        "city": city,
        "round": round_title,
        "requested": None if amount is None else Money(amount, application.currency),
        "link": f"/applications/{application.id}",
    }


def _tell(
    application: Application,
    template: str,
    roles: Sequence[str],
    key: str,
    facts: Mapping[str, Any],
    left: str | None = None,
) -> int:
    """One message for each person, however many of the roles they hold; how many there are.

    Each is told only what they may read where the application now stands, and nothing of a step from `left` that looks
    to them as if nothing had happened.
    """
    workflow = service.workflow_of(application)
    # What the workflow names was pinned with it; what the fund says by itself is written from the disk.
    pinned = workflow.sha256 if f"mail/{template}.txt" in workflow.templates else None
    reached: dict[Any, tuple[Any, set[str]]] = {}
    for role in roles:
        for person in registry.members_of(application, workflow.roles[role]) if role in workflow.roles else ():
            reached.setdefault(person.id, (person, set()))[1].add(role)
    told = 0
    for person, held in reached.values():
        if left is not None and _is_hidden(workflow, left, application, held):
            continue
        mine = facts if _reads_amount(workflow, application, held) else {**facts, "requested": None}
        mail.queue(template, cast("mail.Recipient", person), mine, key, definition=pinned)
        told += 1
    return told


def _is_hidden(workflow: Workflow, left: str, application: Application, roles: set[str]) -> bool:
    """The step led between two states that people in these roles are shown as one."""
    if application.outcome is not None or application.state == left:
        return False
    return access.shown_state(workflow, left, roles) == access.shown_state(workflow, application.state, roles)


def _reads_amount(workflow: Workflow, application: Application, roles: set[str]) -> bool:
    """People in these roles may read the form in which the amount is asked for."""
    read = access.cell(workflow, application.state, roles, has_ended=application.outcome is not None).view
    return any(REQUESTED in form.fields for name, form in workflow.answer_forms.items() if name in read)


def _next_due(application: Application, roles: Sequence[str]) -> datetime | None:
    """The next moment that everybody in these roles may know of."""
    known = _known_timers(service.workflow_of(application), application.state, roles)
    return next((due_at for name, due_at in timers.due(application) if name in known), None)


def _known_timers(workflow: Workflow, state: str, roles: Sequence[str]) -> frozenset[str]:
    """The timers that tell none of these roles in which of the states that look alike to them it stands."""
    alike = [access.alike(workflow, state, (role,)) for role in roles if role in workflow.roles]
    return frozenset(
        timer.id for timer in workflow.timers.values() if all(states <= set(timer.states) for states in alike)
    )


def _due_after(ctx: EffectContext, roles: Sequence[str]) -> datetime | None:
    """What is due next where the event leads; timers are armed after effects, so those that begin are worked out."""
    if ctx.to_state is None or ctx.to_state == ctx.from_state:
        return None if ctx.to_state is None else _next_due(ctx.application, roles)
    known = _known_timers(ctx.workflow, ctx.to_state, roles)
    here = [timer for timer in ctx.workflow.timers.values() if ctx.to_state in timer.states and timer.id in known]
    if not here:
        return None
    running = dict(timers.due(ctx.application))
    moments: list[datetime] = []
    for timer in here:
        if ctx.from_state in timer.states:
            moments += [running[timer.id]] if timer.id in running else []
        elif (moment := _begins(ctx, timer)) is not None:
            moments.append(moment)
    return min(moments, default=None)


def _begins(ctx: EffectContext, timer: Timer) -> datetime | None:
    zone = ctx.workflow.zone
    if timer.after is not None:
        moment = ctx.workflow.after(timer.after, ctx.now)
    else:
        value = ctx.evaluate(timer.at)
        if not isinstance(value, datetime):
            return None if value is None else at_wall(datetime.combine(value, time(23, 59, 59)), zone)
        moment = value.astimezone(UTC)
    return end_of_day(moment, zone) if timer.end_of_day else moment


@registry.effect("set")
def set_field(ctx: EffectContext, effect: Any) -> Mapping[str, Any] | None:
    """Write the value of an expression into the answer of that name, whoever may edit the form, or into the child."""
    if effect.when is not None and ctx.evaluate(effect.when) is not True:
        return None
    value = ctx.evaluate(effect.value)
    _root, dot, column = effect.set.partition(".")
    if dot and ctx.child is not None:
        children.set_fields(ctx, ctx.child, {column: value})
        return {"set": effect.set, "value": stored(value)}
    for name, form in ctx.workflow.answer_forms.items():
        if effect.set in form.fields:
            row = queries.answers_row(ctx.application.id, name)
            if row is None:
                row = Answers(application_id=ctx.application.id, form=name, revision=0, data={})
                row.saved_by = ctx.actor.id or ctx.application.created_by
                db.session.add(row)
            question = form.fields[effect.set]
            answer = copied(question, value) if question.type == "table" else stored(value)
            row.data = {**row.data, effect.set: answer}
            row.revision += 1
            row.saved_at = ctx.now
            service.repeat_for_lists(ctx.application, form, row.data)
            db.session.flush()
            ctx.facts.forget("application")
            timers.follow_fields(ctx.application, ctx.now, ctx.from_state)
            return {"set": effect.set, "value": answer}
    raise NotFound


@registry.entering
def freeze_sent_forms(ctx: EffectContext) -> Mapping[str, Any] | None:
    """Keep the answers exactly as they were sent: of every form that the transition asked to be complete.

    A child sends its own forms, each under its whole name.
    """
    transition = ctx.workflow.find(ctx.transition)
    forms = [when.name for when in transition.when if when.kind == "complete"] if transition else []
    if ctx.child is not None:
        own = ctx.workflow.children[ctx.child.kind].forms
        forms = [str(OwnForm(ctx.child.kind, ctx.child.key, form)) for form in forms if form in own]
    if not forms:
        return None
    return {"sent": service.freeze(ctx.application, forms, ctx.event_seq)}


@registry.own_answers
def answers_of_children(application_id: UUID) -> Mapping[str, Mapping[str, Any]]:
    """What stands in the own forms of an application's children."""
    return queries.answers_of_children(application_id)


registry.opening(prefill.fill)
