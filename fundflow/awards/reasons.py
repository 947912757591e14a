"""What a statement of reasons says, as JSON: the rules that were applied, the committee's figures, reasons both ways.

Shows no name and no single sheet of a reviewer, no figure that fewer than two sheets make, no value that a rule looked
at, and no rule about what the city may not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fundflow.awards.answered import day
from fundflow.awards.letters import recommendation
from fundflow.awards.parties import answered, award, heading, read_by_the_team
from fundflow.db import db
from fundflow.lifecycle.record import plain
from fundflow.lifecycle.registry import EffectContext
from fundflow.reviews import committees, places
from fundflow.workflow import scores
from fundflow.workflow.clauses import Clause
from fundflow.workflow.decide import decide, reads
from fundflow.workflow.definition import Transition, When, Workflow
from fundflow.workflow.durations import end_of_day
from fundflow.workflow.environment import APPLICATION
from fundflow.workflow.expressions.words import in_words
from fundflow.workflow.plans import plans_of
from fundflow.workflow.text import Text

FEWEST = 2
"""Sheets that a figure must come from, or it would be one reviewer's own."""
TO_WRITE = timedelta(days=30)
"""How long a city may write to the fund where the workflow has no appeal."""
SPOKEN_OF = frozenset({"application", "round", "reviews", "ledger", "today", "now"})
"""What a rule may look at to be told; checks of people, signatures and payments are none of these."""


def statement_of_reasons(ctx: EffectContext, language: str) -> dict[str, Any]:
    """Everything that the statement about this decision says."""
    step = ctx.workflow.find(ctx.transition)
    kind = (step.meeting if step is not None else None) or "other"
    amount = award(ctx) if kind == "award" else None
    return {
        **heading(ctx, "letter", "SR"),
        "kind": kind,
        "step": step.label.in_(language) if step is not None else "",
        "reason": (ctx.reason or "").strip(),
        "amount": plain(amount) if amount is not None else "",
        "rules": [] if step is None else list(_rules(ctx, step, language)),
        "scores": list(_scores(ctx, language)),
        "findings": answered(ctx, language, recommendation(ctx)).summary("long_text"),
        "appeal": _appeal(ctx, language) if kind in ("reject", "reserve", "later") else {"by": "", "until": ""},
    }


def _rules(ctx: EffectContext, step: Transition, language: str) -> Iterator[dict[str, Any]]:
    """Each rule with whether it was met: those of the decision and, where it is no award, those of the award."""
    seen: set[str] = set()
    for each, clauses in _decided(ctx, step):
        for when, clause in zip(each.when, clauses[len(clauses) - len(each.when) :], strict=True):
            says = _told(ctx, when, clause, language)
            if says and says not in seen:
                seen.add(says)
                yield {"says": says, "met": clause.holds}


def _decided(ctx: EffectContext, step: Transition) -> Iterator[tuple[Transition, tuple[Clause, ...]]]:
    yield step, ctx.decision.clauses if ctx.decision is not None else ()
    if step.meeting in (None, "award") or ctx.from_state is None:
        return
    for other in ctx.workflow.transitions_from(ctx.from_state):
        if other.meeting == "award":
            ctx.facts.load(reads(ctx.workflow, other.id))
            situation = ctx.facts.situation(ctx.now)._replace(state=ctx.from_state, has_ended=False)
            yield other, decide(ctx.workflow, other.id, situation).clauses


def _told(ctx: EffectContext, when: When, clause: Clause, language: str) -> str:
    """The rule in words; empty where it is none to tell the city."""
    if when.kind == "quorum":
        return clause.sentence(language)
    expression = when.expression
    if expression is None or not expression.roots or not _roots(expression.roots) <= SPOKEN_OF:
        return ""
    forms = read_by_the_team(ctx)
    known = {name for form in forms for name in ctx.workflow.forms[form].fields} | set(APPLICATION)
    answers = {path.split(".")[1] for path in expression.reads if path.startswith("application.")}
    if not answers <= known:
        return ""
    says = in_words(expression, language, _labels(ctx.workflow))
    return says[:1].upper() + says[1:] + "."


def _roots(roots: frozenset[str]) -> set[str]:
    return {root.partition(".")[0] for root in roots}


def _labels(workflow: Workflow) -> dict[str, Text]:
    labels: dict[str, Text] = {}
    for form in workflow.answer_forms.values():
        for name, field in form.fields.items():
            labels[f"application.{name}"] = Text({language: f"“{label}”" for language, label in field.label.items()})
            for option in field.options:
                labels[f"application.{name}.{option.id}"] = option.label
    for name, review in workflow.reviews.items():
        labels[f"reviews.{name}.score"] = review.label
    return labels


def _scores(ctx: EffectContext, language: str) -> Iterator[dict[str, Any]]:
    """What the members found together, for each review that took place: the whole figure, and the mean by criterion."""
    for plan in plans_of(ctx.workflow):
        entered = committees.entries_of(ctx.application, plan.state)
        found = places.of_generation(ctx.application.id, plan.name, max(entered, 1))
        sheets = [each for each in db.session.scalars(found) if each.is_sent and not each.is_recused]
        if len(sheets) < FEWEST:
            continue
        whole = scores.AGGREGATES[plan.review.aggregate]([each.score for each in sheets if each.score is not None])
        yield {
            "label": plan.review.label.in_(language),
            "score": _figure(whole),
            "scale": str(plan.review.scale),
            "sheets": len(sheets),
            "criteria": [
                {
                    "label": plan.form.fields[each.field].label.in_(language),
                    "score": _figure(_mean(each, [sheet.data for sheet in sheets])),
                    "scale": str(each.maximum.normalize().quantize(Decimal(1)))
                    if each.maximum == each.maximum.to_integral_value()
                    else str(each.maximum),
                    "weight": str(each.weight.normalize()) if plan.review.weights else "",
                }
                for each in plan.criteria()
            ],
        }


def _mean(criterion: scores.Criterion, sheets: list[dict[str, Any]]) -> Decimal | None:
    given = [
        figure for data in sheets if (figure := scores.figure(data.get(criterion.field), criterion.maximum)) is not None
    ]
    return scores.places(sum(map(Fraction, given), Fraction()) / len(given)) if len(given) >= FEWEST else None


def _figure(value: Decimal | None) -> str:
    return "" if value is None else str(value)


def _appeal(ctx: EffectContext, language: str) -> dict[str, str]:
    """How the city can appeal where this leads, and until which day."""
    for step in ctx.workflow.transitions_from(ctx.to_state or ""):
        by_the_city = any(ctx.workflow.roles[role].kind == "team" for role in step.by if role in ctx.workflow.roles)
        timer = ctx.workflow.timers.get(step.deadline or "")
        if by_the_city and timer is not None and timer.after is not None:
            until = ctx.workflow.after(timer.after, ctx.now)
            if timer.end_of_day:
                until = end_of_day(until, ctx.workflow.zone)
            return {"by": step.label.in_(language), "until": day(until.astimezone(ctx.workflow.zone).date())}
    return {"by": "", "until": day((ctx.now + TO_WRITE).astimezone(ctx.workflow.zone).date())}
