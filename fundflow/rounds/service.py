"""Changing windows and rounds: create, edit, publish, clone.

Refuses, in sentences, dates that contradict each other, wall times that do not exist in their zone, amounts out of
order, and whatever would take away from cities what a published round has promised them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from fundflow import clock
from fundflow.db import db
from fundflow.errors import Forbidden, Refused, Stale
from fundflow.lifecycle import definitions, proof, registry, timers
from fundflow.lifecycle.actor import Actor
from fundflow.money import Money
from fundflow.rounds import policy, queries
from fundflow.rounds.models import Round, Window
from fundflow.rounds.plans import (
    LONGEST,
    ClosesInThePast,
    NoSuchWorkflow,
    Plan,
    SlugTaken,
    WrongRound,
    name_of,
    plan_of,
    problems_of,
    workflow_named,
)
from fundflow.rounds.wall import WALL, SkippedWallTime, instant_of


class NotARoundMaker(Forbidden):
    """Only a fund manager of every round may make a new one; ask one of them."""


class NotOfThisRound(Forbidden):
    """Only a fund manager of this round may change it; ask one of them."""


class FixedAfterPublishing(Refused):
    """This is fixed since the round was published: cities rely on it."""

    status = 422


class NeverEarlier(Refused):
    """A published round may close later, never earlier: it closes at {closes}."""

    status = 422


class AlreadyPublished(Refused):
    """{round} is already published."""


class RoundChanged(Stale):
    """Somebody else changed this round after you opened it. Nothing of yours is lost: compare, then save again."""


def create_window(name: str, *, theme: str = "", text: str = "", donors: str = "") -> Window:
    """A themed part of the fund; the one of that name when it exists already."""
    existing = queries.window_named(name.strip())
    if existing is not None:
        return existing
    window = Window(name=name.strip(), theme=theme, text=text, donors=donors)
    db.session.add(window)
    db.session.flush()
    return window


def create_round(plan: Plan, *, actor: Actor) -> Round:
    """A draft round; WrongRound with every problem, NotARoundMaker for whoever does not manage every round."""
    if not (actor.is_system or policy.may_create(actor)):
        raise NotARoundMaker
    found = problems_of(plan)
    if found:
        raise WrongRound(found)
    round_ = Round(created_by=actor.id, **_columns(plan), definition_sha=_pinned(plan.workflow))
    db.session.add(round_)
    _flush(plan.slug)
    return round_


def edit_round(round_: Round, plan: Plan, *, revision: int, actor: Actor) -> Round:
    """Save a plan over a round that still stands as `revision` says, or RoundChanged.

    After publishing only the texts change, and the closing time to a later one, which moves every running deadline.
    """
    _may_change(round_, actor)
    if round_.revision != revision:
        raise RoundChanged
    found = problems_of(plan, of=round_)
    if round_.status == "published":
        found = {field: problem for field, problem in found.items() if field in (*LONGEST, "closes")}
        found |= _promises(round_, plan)
    if found:
        raise WrongRound(found)
    later = round_.status == "published" and instant_of(plan.closes_wall, plan.zone) > round_.closes_at
    for column, value in _columns(plan).items():
        setattr(round_, column, value)
    if round_.status == "draft":
        round_.definition_sha = _pinned(plan.workflow)
    _flush(plan.slug)
    if later:
        timers.rearm_round(round_.id)
    return round_


def _promises(round_: Round, plan: Plan) -> dict[str, Refused]:
    """What a published round may no longer change, by field."""
    kept = {
        "window": plan.window_id == round_.window_id,
        "slug": plan.slug == round_.slug,
        "zone": plan.zone == round_.zone,
        "opens": plan.opens_wall == round_.opens_wall,
        "currency": plan.currency == round_.currency,
        "floor": plan.floor == round_.floor,
        "cap": plan.cap == round_.cap,
        "budget": plan.budget == round_.budget,
        "countries": plan.countries == tuple(round_.countries),
        "workflow": plan.workflow == name_of(round_.definition_sha),
    }
    found: dict[str, Refused] = {field: FixedAfterPublishing() for field, same in kept.items() if not same}
    if "closes" not in found:
        try:
            closes_at = instant_of(plan.closes_wall, round_.zone)
        except Refused as problem:
            found["closes"] = problem
        else:
            if closes_at < round_.closes_at:
                found["closes"] = NeverEarlier(closes=f"{round_.closes_wall.replace('T', ' ')} ({round_.zone})")
    return found


def publish(round_: Round, *, actor: Actor, revision: int | None = None) -> Round:
    """Open the round to the public, pin the workflow as it is shipped now, and appropriate its budget. Not undone."""
    _may_change(round_, actor)
    if round_.status == "published":
        raise AlreadyPublished(round=round_.title)
    if revision is not None and round_.revision != revision:
        raise RoundChanged
    plan = plan_of(round_)
    found = problems_of(plan, of=round_)
    if not found and round_.closes_at <= clock.now():
        found = {"closes": ClosesInThePast(closes=f"{round_.closes_wall.replace('T', ' ')} ({round_.zone})")}
    if found:
        raise WrongRound(found)
    round_.definition_sha = _pinned(plan.workflow)
    round_.status, round_.published_at, round_.published_by = "published", clock.now(), actor.id
    # The zone database may have changed since the draft was saved: the wall time is the truth.
    round_.opens_at = instant_of(round_.opens_wall, round_.zone)
    round_.closes_at = instant_of(round_.closes_wall, round_.zone)
    _flush(round_.slug)
    registry.round_published(round_.id, round_.budget)
    return round_


def raise_budget(round_id: UUID, budget: Money) -> None:
    """The round was given more than it was published with; a budget never falls. The caller holds the round's lock."""
    round_ = db.session.get_one(Round, round_id)
    if budget > round_.budget:
        round_.budget_minor = budget.minor
        db.session.flush()


def clone_round(source: Round, *, actor: Actor) -> Round:
    """A draft with the same settings, a year later on the same wall clock, under an address of its own."""
    if not policy.may_create(actor):
        raise NotARoundMaker
    plan = plan_of(source)
    slug = next(
        each for each in (f"{source.slug[:76].rstrip('-')}-{n}" for n in range(2, 1000)) if not queries.slug_taken(each)
    )
    opens, closes = (_a_year_later(wall, source.zone) for wall in (source.opens_wall, source.closes_wall))
    copy = create_round(replace(plan, slug=slug, opens_wall=opens, closes_wall=closes), actor=actor)
    copy.cloned_from_id = source.id
    _flush(slug)
    return copy


def _a_year_later(wall: str, zone: str) -> str:
    """364 days on, so the weekday stays; an hour later where the clocks skip it that day."""
    local = datetime.strptime(wall, WALL) + timedelta(days=364)  # noqa: DTZ007
    try:
        instant_of(local.strftime(WALL), zone)
    except SkippedWallTime:
        local += timedelta(hours=1)
    return local.strftime(WALL)


def _columns(plan: Plan) -> dict[str, Any]:
    return {
        "window_id": plan.window_id or create_window(plan.new_window).id,
        "slug": plan.slug,
        "title": plan.title.strip(),
        "theme": plan.theme.strip(),
        "summary": plan.summary.strip(),
        "text": plan.text.strip(),
        "zone": plan.zone,
        "opens_wall": plan.opens_wall,
        "closes_wall": plan.closes_wall,
        "opens_at": instant_of(plan.opens_wall, plan.zone),
        "closes_at": instant_of(plan.closes_wall, plan.zone),
        "currency": plan.currency,
        "floor_minor": plan.floor.minor,
        "cap_minor": plan.cap.minor,
        "budget_minor": plan.budget.minor,
        "countries": list(plan.countries),
    }


def _pinned(name: str) -> str:
    workflow = workflow_named(name)
    if workflow is None:
        raise WrongRound({"workflow": NoSuchWorkflow(workflow=name)})
    # Proven anew for every round, though the text may be published already: the check has learnt since.
    proof.prove(workflow)
    return definitions.pin(workflow)


def _may_change(round_: Round, actor: Actor) -> None:
    if not (actor.is_system or policy.may_manage(actor, round_)):
        raise NotOfThisRound


def _flush(slug: str) -> None:
    """Send the change; the database's own answer on a lost race becomes the sentence it means."""
    try:
        db.session.flush()
    except StaleDataError:
        raise RoundChanged from None
    except IntegrityError as error:
        if "slug" in str(error.orig):
            raise WrongRound({"slug": SlugTaken(slug=slug)}) from None
        raise
