"""What the letters of a fund say, as JSON: award, amendment, rejection, closing and termination.

A letter prints what its event decided: the reason, what was filled in on the way, and answers the city may read.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from fundflow.awards import versions
from fundflow.awards.answered import ENDS, STARTS, Answered, day
from fundflow.awards.parties import answered, award, heading, ledger, read_by_the_team
from fundflow.awards.refusals import NoAmount, NoEarlierAgreement, NoNewEnd
from fundflow.ledger.queries import refunded
from fundflow.lifecycle.record import plain
from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money
from fundflow.workflow.definition import Workflow


def award_letter(ctx: EffectContext, language: str) -> dict[str, Any]:
    """The amount and the period, how it will be paid, and what the committee wrote as far as the city reads it."""
    amount = _amount(ctx)
    given = answered(ctx, language, _answers_of_the_team(ctx.workflow))
    return {
        **_letter(ctx, "AL"),
        "amount": amount,
        **_period(given),
        "findings": answered(ctx, language, recommendation(ctx)).summary("long_text"),
    }


def amendment(ctx: EffectContext, language: str) -> dict[str, Any]:
    """The end of the project before and after. Asked for before the answer is set, so the answer is the old one."""
    given = answered(ctx, language)
    new_end = next((value for value in ctx.input.values() if isinstance(value, date)), None)
    if new_end is None:
        raise NoNewEnd(number=ctx.application.number)
    return {
        **_letter(ctx, "AM"),
        "amount": _amount(ctx),
        **_period(given),
        "new_end": day(new_end),
        "agreement": f"GA-{ctx.application.number}",
    }


def plan_amendment(ctx: EffectContext, language: str) -> dict[str, Any]:
    """What an accepted amendment changes, line by line: the agreement that was just made against the one before.

    NoEarlierAgreement where the same decision did not ask for the new agreement first, or there is but one.
    """
    before, after = versions.last_two(ctx.application, language)
    if before is None or after is None or after.event_seq != ctx.event_seq:
        raise NoEarlierAgreement(number=ctx.application.number)
    return {
        **_letter(ctx, "AM"),
        "amount": _amount(ctx),
        "agreement": before.facts["agreement"]["number"],
        "new_agreement": after.facts["agreement"]["number"],
        "changes": versions.changes(before.facts, after.facts),
    }


def rejection_letter(ctx: EffectContext, language: str) -> dict[str, Any]:
    """The reason, and nothing else: what led to it is not the city's to read."""
    return _letter(ctx, "RL")


def closing_letter(ctx: EffectContext, language: str) -> dict[str, Any]:
    """The grant, what was paid, spent and given back of it, what is left of that, and how many people it reached."""
    given = answered(ctx, language)
    kept, returned, spent = _paid(ctx), refunded(ctx.application), given.first_money(("spent",))
    left = kept - spent if spent is not None and kept > spent else Money.zero(ctx.application.currency)
    return {
        **_letter(ctx, "CL"),
        "amount": _agreed(ctx),
        **_period(given),
        "paid": plain(kept + returned),
        "spent": plain(spent) if spent is not None else "",
        "returned": plain(returned) if returned else "",
        "left": plain(left) if left.minor else "",
        "reached": given.first_number(("people_reached",)),
    }


def termination_letter(ctx: EffectContext, language: str) -> dict[str, Any]:
    """The reason, and what was paid until then."""
    return {
        **_letter(ctx, "TL"),
        "amount": _agreed(ctx),
        "paid": plain(_paid(ctx)),
        "agreement": f"GA-{ctx.application.number}",
    }


def _letter(ctx: EffectContext, prefix: str) -> dict[str, Any]:
    return {**heading(ctx, "letter", prefix), "reason": (ctx.reason or "").strip()}


def _amount(ctx: EffectContext) -> Any:
    amount = award(ctx)
    if amount is None:
        raise NoAmount(number=ctx.application.number)
    return plain(amount)


def _agreed(ctx: EffectContext) -> Any:
    """The grant as it was last agreed, whatever of it was dropped since; as awarded where nothing was signed."""
    agreement = versions.latest(ctx.application)
    return _amount(ctx) if agreement is None else agreement.facts["amount"]


def _paid(ctx: EffectContext) -> Money:
    paid = ledger(ctx).get("paid")
    return paid if isinstance(paid, Money) else Money.zero(ctx.application.currency)


def _period(given: Answered) -> dict[str, str]:
    return {"starts_on": day(given.first_date(STARTS)), "ends_on": day(given.first_date(ENDS))}


def _answers_of_the_team(workflow: Workflow) -> frozenset[str]:
    """The forms that the city itself fills in."""
    teams = {role.id for role in workflow.roles.values() if role.kind == "team"}
    return frozenset(form for state in workflow.states.values() for role in teams for form in state.edit.get(role, ()))


def recommendation(ctx: EffectContext) -> frozenset[str]:
    """The forms of the fund that this decision had to find complete, where the city may read them now."""
    step = ctx.workflow.transitions.get(ctx.transition)
    complete = {when.name for when in step.when if when.kind == "complete"} if step else set()
    return frozenset(complete & read_by_the_team(ctx)) - _answers_of_the_team(ctx.workflow)
