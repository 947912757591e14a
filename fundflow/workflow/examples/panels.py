"""A committee in memory: who is asked, who stands by, who recuses themselves, and what the sheets come to.

By the same plans and figures as the pages of reviews. Refuses what they refuse, with a kind in place of a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.workflow import scores
from fundflow.workflow.examples.account import Kept
from fundflow.workflow.examples.answering import completed
from fundflow.workflow.examples.world import Seat, World
from fundflow.workflow.plans import Plan

ALWAYS = frozenset({"same_organisation"})
"""What keeps somebody from a case whatever the workflow says."""


def figures(world: World, review: str) -> dict[str, Any]:
    """``reviews.<name>`` as expressions read it, and by when the first sheet that is owed should come."""
    plan, seats = world.plan(review), _seats(world, review)
    recused = sum(seat.conflict == "declared" for seat in seats)
    totals = [seat.score for seat in seats if seat.score is not None]
    needed = scores.needed(plan.review.quorum, plan.review.share, len(seats), recused)
    return {
        "assigned": len(seats),
        "submitted": len(totals),
        "recused": recused,
        "quorum_met": len(totals) >= needed,
        "score": scores.AGGREGATES[plan.review.aggregate](totals),
        "spread": scores.spread(totals),
        "discussed": is_discussed(world, plan),
        "owed": sum(s.score is None and s.conflict != "declared" and not s.is_closed for s in seats),
        "due": min((s.due for s in seats if s.score is None and s.conflict != "declared"), default=None),
    }


def is_discussed(world: World, plan: Plan) -> bool:
    """Whether the committee talked the case over since the application came to the review's state."""
    if plan.awaits(world.state):
        return False
    for event in reversed(world.events):
        if event.transition == "discuss" and event.subject == plan.name:
            return True
        if event.to_state == plan.state and event.subject is None and event.from_state != plan.state:
            return False
    return False


def ask(world: World, who: str, review: str, people: Sequence[str], reserve: Sequence[str]) -> None:
    """Ask people for a sheet, and have others stand by."""
    plan = world.plan(review)
    if not (plan.review.assigned_by & world.roles(who)) or world.members[who].duties:
        raise Kept("role", "Only those who choose the reviewers can do this.")
    if not plan.takes_assignments(world):
        raise Kept("state", "Nobody is asked to review at this stage.")
    seated, waiting = {seat.person for seat in _seats(world, review)}, _waiting(world, review)
    for name in (*people, *reserve):
        if not _may_be_asked(world, plan, name):
            raise Kept("conflict", f"{name} cannot review this application.")
        is_named_twice = name in people and name in reserve
        stands_by = name in reserve and any(seat.person == name for seat in waiting)
        is_of_group = plan.review.group in world.members[name].groups
        if not is_of_group or name in seated or is_named_twice or stands_by or _is_kept_apart(world, review, name):
            raise Kept("candidate", f"{name} cannot be asked.")
    generation = world.generation(review)
    left = tuple(seat for seat in world.standing_by.get(review, ()) if seat.person not in people)
    if sum(seat.generation == generation for seat in left) + len(reserve) > plan.review.reserve:
        raise Kept("reserve", f"The workflow provides for {plan.review.reserve} stand-bys.")
    world.seats[review] = (
        *world.seats.get(review, ()),
        *(Seat(name, generation, due=_due(world, plan)) for name in people),
    )
    world.standing_by[review] = (*left, *(Seat(name, generation) for name in reserve))


def score(world: World, who: str, review: str, given: Mapping[str, str] | str | None) -> None:
    """Declare to have no conflict, where that was not done yet, and send a sheet with these figures."""
    plan, seat = world.plan(review), _own(world, who, review)
    if seat.score is not None:
        raise Kept("sent", "The sheet was sent before.")
    _must_be_open(world, plan, seat)
    if not _may_be_asked(world, plan, who):
        raise Kept("conflict", f"{who} cannot review this application.")
    criteria = [criterion.field for criterion in plan.criteria()]
    figures_ = dict.fromkeys(criteria, given) if isinstance(given, str) else dict(given or {})
    data = completed(plan.form, figures_, world)
    if plan.missing(data) or (total := plan.total(data).value) is None:
        raise Kept("complete", "The sheet is not finished.")
    _put(world, review, seat, replace(seat, conflict="none", score=total))


def recuse(world: World, who: str, review: str) -> None:
    """Declare a conflict: the place is left, and the first who stands by is called where one is missing."""
    plan, seat = world.plan(review), _own(world, who, review)
    if seat.conflict is not None:
        raise Kept("sent", "The declaration was made before.")
    _must_be_open(world, plan, seat)
    _put(world, review, seat, replace(seat, conflict="declared"))
    _call(world, plan)


def may_discuss(world: World, who: str, review: str) -> Kept | None:
    """What keeps a discussion from being recorded beside the decision on it."""
    plan = world.plan(review)
    own = next((seat for seat in _seats(world, review) if seat.person == who), None)
    if own is not None and (own.conflict != "none" or (own.score is None and plan.review.is_blind)):
        return Kept("sent", "Send your own sheet first.")
    if sum(seat.score is not None for seat in _seats(world, review)) < 2:
        return Kept("quorum", "Two sheets must be there to be talked over.")
    return None


def cancel(world: World, from_state: str | None) -> None:
    """Close the sheets still owed of whatever review ran in a state; nobody stands by for it any more."""
    for plan in world.plans:
        if from_state is None or not (from_state == plan.state or plan.awaits(from_state)):
            continue
        generation = plan.generation_in(from_state, world.entered(plan.state))
        world.seats[plan.name] = tuple(
            replace(seat, is_closed=True)
            if seat.generation == generation and seat.score is None and seat.conflict != "declared"
            else seat
            for seat in world.seats.get(plan.name, ())
        )
        world.standing_by[plan.name] = tuple(
            seat for seat in world.standing_by.get(plan.name, ()) if seat.generation != generation
        )


def _due(world: World, plan: Plan) -> str:
    return plan.proposed_due(world.now, ZoneInfo(world.round["zone"]))


def _seats(world: World, review: str) -> list[Seat]:
    generation = world.generation(review)
    return [seat for seat in world.seats.get(review, ()) if seat.generation == generation]


def _waiting(world: World, review: str) -> list[Seat]:
    generation = world.generation(review)
    return [seat for seat in world.standing_by.get(review, ()) if seat.generation == generation]


def _own(world: World, who: str, review: str) -> Seat:
    """The person's latest place; a place that was left is none any more."""
    own = [seat for seat in world.seats.get(review, ()) if seat.person == who]
    if not own:
        raise Kept("role", f"{who} was not asked to review this application.")
    if own[-1].conflict == "declared":
        raise Kept("conflict", f"{who} declared a conflict of interest.")
    return own[-1]


def _must_be_open(world: World, plan: Plan, seat: Seat) -> None:
    is_here = world.state == plan.state and not world.has_ended and not seat.is_closed
    if not (is_here and seat.generation == world.generation(plan.name)):
        raise Kept("state", "This review is closed.")


def _may_be_asked(world: World, plan: Plan, name: str) -> bool:
    """Whether the records show nothing between somebody and the city that counts here."""
    member = world.members[name]
    counts = ALWAYS | set(plan.review.conflicts)
    before = any(seat.person == name and seat.conflict == "declared" for seat in world.seats.get(plan.name, ()))
    return not (member.conflicts & counts or member.duties or before)


def _is_kept_apart(world: World, review: str, name: str) -> bool:
    """Whether `never_also` keeps what somebody would be on the panel from what they are beside."""
    roles = world.workflow.roles
    held = {role for role in roles if world.holds(name, role) or roles[role].review == review}
    return any(roles[one].never_also & held for one in held)


def _put(world: World, review: str, old: Seat, new: Seat) -> None:
    world.seats[review] = tuple(new if seat is old else seat for seat in world.seats[review])


def _call(world: World, plan: Plan) -> None:
    """Give a place that was left to the first stand-by whom nothing keeps from the case."""
    seats = _seats(world, plan.name)
    if not plan.takes_assignments(world) or sum(s.conflict != "declared" for s in seats) >= plan.review.count:
        return
    taken = {seat.person for seat in seats}
    for waiting in _waiting(world, plan.name):
        in_group = plan.review.group in world.members[waiting.person].groups
        if waiting.person not in taken and in_group and _may_be_asked(world, plan, waiting.person):
            world.standing_by[plan.name] = tuple(s for s in world.standing_by[plan.name] if s is not waiting)
            world.seats[plan.name] = (
                *world.seats[plan.name],
                Seat(waiting.person, waiting.generation, due=_due(world, plan)),
            )
            return
