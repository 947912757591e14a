"""A simulated round as real rows: applications, chained events, and the places and sheets of its reviewers."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.lifecycle.models import Application, Event
from fundflow.lifecycle.record import STARTED, Link
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round
from fundflow.simulation import run
from fundflow.simulation.assumptions import Scenario
from fundflow.simulation.log import Log
from fundflow.simulation.model import NONE, Model, compiled
from fundflow.workflow.definition import Workflow
from fundflow.workflow.durations import at_wall
from tests import factories


def kept(workflow: Workflow, scenario: Scenario, seed: int = 1, until: float | None = None) -> tuple[Round, Log]:
    """One simulated round, kept as far as it came by the hour `until`."""
    model = compiled(workflow, scenario)
    log = run.once(model, Random(seed), keeps_passes=True)
    zone = workflow.zone
    closes = datetime.combine(scenario.opening.closes, datetime.min.time()) + timedelta(hours=23, minutes=59)
    round_ = factories.a_round(
        workflow=workflow,
        opens_at=at_wall(model.opens, zone),
        closes_at=at_wall(closes, zone),
        zone=workflow.timezone,
        budget=int(scenario.opening.budget or 1_000_000),
        cap=1_000_000 if not scenario.opening.budget else int(scenario.opening.budget),
        floor=0,
        currency=workflow.currency,
    )
    user = factories.a_person()
    city = factories.a_city(focal_point=user)
    people = [factories.a_person() for _ in range(max((d.people for d in model.desks if d.is_personal), default=0))]
    horizon = float("inf") if until is None else until
    with transaction():
        ids = _events(model, log, workflow, round_, city.id, user, horizon)
        _reviews(model, log, workflow, ids, people, user, horizon)
    return round_, log


def _at(model: Model, workflow: Workflow, hour: float) -> datetime:
    return at_wall(model.opens + timedelta(hours=hour), workflow.zone)


def _events(
    model: Model, log: Log, workflow: Workflow, round_: Round, city: UUID, user: User, horizon: float
) -> dict[int, UUID]:
    assert log.passes is not None
    by_case: dict[int, list[tuple[str, int, float]]] = {}
    for number, name, state, hour in log.passes:
        if hour <= horizon:
            by_case.setdefault(number, []).append((name, state, hour))
    ids, rows, events = {}, [], []
    for number, steps in by_case.items():
        ids[number] = application_id = uuid4()
        head, here, outcome = "", None, None
        for seq, (name, state, hour) in enumerate(steps, 1):
            to_state = None if state == NONE else model.states[state].id
            outcome = workflow.transitions[name].end if to_state is None else None
            link = Link.of(
                application_id=application_id,
                seq=seq,
                at=_at(model, workflow, hour),
                actor_id=user.id,
                transition=name or STARTED,
                from_state=here,
                to_state=to_state,
                outcome=outcome,
                definition_sha=round_.definition_sha,
                body={"key": f"simulated:{number}:{seq}"},
            )
            prev, head = head, link.hash(head)
            events.append({c.key: getattr(link, c.key) for c in Event.__table__.c if c.key not in ("prev", "hash")})
            events[-1] |= {"prev": prev, "hash": head}
            here = to_state or here
        first, last = (_at(model, workflow, steps[n][2]) for n in (0, -1))
        rows.append(
            {
                "id": application_id,
                "created_at": first,
                "number": f"SIM-{round_.slug}-{number:04d}",
                "round_id": round_.id,
                "city_id": city,
                "definition_sha": round_.definition_sha,
                "state": here,
                "outcome": outcome,
                "state_since": last,
                "revision": len(steps),
                "head": head,
                "last_event_at": last,
                "title": "Simulated",
                "requested_minor": round(log.cases[number].amount * 100),
                "currency": workflow.currency,
                "created_by": user.id,
            }
        )
    db.session.execute(sa.insert(Application), rows)
    db.session.execute(sa.insert(Event), events)
    return ids


def _reviews(
    model: Model, log: Log, workflow: Workflow, ids: dict[int, UUID], people: list[User], user: User, horizon: float
) -> None:
    generations: dict[tuple[int, str], list[float]] = {}
    rows = []
    for paper in log.papers or ():
        if paper.asked > horizon:
            continue
        begun = generations.setdefault((paper.application, paper.review), [])
        if paper.asked not in begun:
            begun.append(paper.asked)
        asked = _at(model, workflow, paper.asked)
        sent = None if paper.sent is None or paper.sent > horizon else _at(model, workflow, paper.sent)
        is_declared = sent is not None or paper.is_recused
        rows.append(
            {
                "id": uuid4(),
                "created_at": asked,
                "application_id": ids[paper.application],
                "name": paper.review,
                "state": workflow.reviews[paper.review].state,
                "generation": len(begun),
                "reviewer_id": people[paper.reviewer].id,
                "assigned_by": user.id,
                "due_at": asked + timedelta(days=30),
                "due_wall": "2027-01-01T12:00",
                "due_zone": workflow.timezone,
                "conflict": "declared" if paper.is_recused else "none" if is_declared else None,
                "conflict_reason": "I worked there." if paper.is_recused else None,
                "declared_at": asked if is_declared else None,
                "data": {},
                "sent_at": sent,
                "score": Decimal("7.00") if sent else None,
            }
        )
    if rows:
        db.session.execute(sa.insert(Review), rows)
