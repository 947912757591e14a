"""What every document says about itself, the two parties and the application, read at the moment of the decision.

Shows nothing of the answers that the city's team may not read where the application then stands.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app

from fundflow.accounts import queries as people
from fundflow.accounts.policy import FINANCE_OFFICER, FOCAL_POINT, SIGNATORY
from fundflow.applications import queries as applications
from fundflow.awards.answered import Answered, day
from fundflow.config import Settings
from fundflow.lifecycle import registry
from fundflow.lifecycle.registry import EffectContext
from fundflow.money import Money
from fundflow.workflow.access import cell


def heading(ctx: EffectContext, name: str, prefix: str) -> dict[str, Any]:
    """Under `name` the document's own number, day and event; beside it fund, city, round, application and workflow."""
    application, workflow = ctx.application, ctx.workflow
    settings: Settings = current_app.extensions["settings"]
    round_, city = applications.round_of(application), applications.city_of(application)
    zone = ZoneInfo(round_.zone)
    team = people.team_of(city.id)

    def with_duty(duty: str) -> str:
        return next((colleague.user.name for colleague in team if duty in colleague.duties), "")

    submitted = application.submitted_at.astimezone(zone).date() if application.submitted_at else None
    return {
        name: {
            "number": f"{prefix}-{application.number}",
            "date": ctx.now.astimezone(zone).date().isoformat(),
            "event": ctx.event_seq,
        },
        "site": settings.url,
        "fund": {"name": settings.fund_name, "signatory": _signs_for_the_fund(ctx)},
        "city": {
            "name": city.name,
            "country": city.country,
            "kind": city.kind,
            "is_demo": city.is_demo,
            "signatory": with_duty(SIGNATORY),
            "focal_point": with_duty(FOCAL_POINT),
            "finance_officer": with_duty(FINANCE_OFFICER),
        },
        "round": {"title": round_.title},
        "application": {
            "number": application.number,
            "title": application.title or application.number,
            "submitted_on": day(submitted),
        },
        "workflow": {"id": workflow.id, "version": workflow.version, "sha256": workflow.sha256},
    }


def _signs_for_the_fund(ctx: EffectContext) -> str:
    """Who signs where the application comes to, if that can be one person only; else who decided."""
    state = ctx.workflow.states.get(ctx.to_state or "")
    if state is None or state.signatures is None:
        return ctx.actor.name
    roles = [ctx.workflow.roles[role] for role in state.signatures.parties.values()]
    found = [each.name for role in roles if role.kind != "team" for each in registry.members_of(ctx.application, role)]
    return found[0] if len(found) == 1 else ""


def read_by_the_team(ctx: EffectContext) -> frozenset[str]:
    """The forms that the city's team may read where this event leads."""
    teams = [role.id for role in ctx.workflow.roles.values() if role.kind == "team"]
    state = ctx.to_state or ctx.from_state or ctx.workflow.initial
    return cell(ctx.workflow, state, teams).view & ctx.workflow.answer_forms.keys()


def answered(ctx: EffectContext, language: str, forms: frozenset[str] | None = None) -> Answered:
    """The answers that the team may read; with `forms`, only those of them."""
    seen = read_by_the_team(ctx)
    return Answered(ctx.application, ctx.workflow, language, seen if forms is None else seen & forms)


def award(ctx: EffectContext) -> Money | None:
    """What is committed or reserved for this application where there is a ledger, else what it asks for."""
    application, held = ctx.application, ledger(ctx)
    for account in ("committed", "reserved"):
        amount = held.get(account)
        if isinstance(amount, Money) and amount.minor > 0:
            return amount
    return Money(application.requested_minor, application.currency) if application.requested_minor else None


def ledger(ctx: EffectContext) -> dict[str, Any]:
    """The ledger's facts about this application; empty in an installation without one."""
    provider = registry.facts.get("ledger")
    return dict(provider.run(ctx.application) or {}) if provider else {}
