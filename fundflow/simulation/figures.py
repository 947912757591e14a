"""Figures of many runs: the mean, and between what nineteen of twenty runs lie.

The interval tells how different one round can be from another, which is what a fund plans for; `error` tells how
exactly the mean is known, which more runs make smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from fundflow.simulation.days import DAY, Days
from fundflow.simulation.log import Log
from fundflow.simulation.model import Model

Key = tuple[str, str, str]
"""What a figure is of: ``("state", "review", "p90")``. The report's tables say what each means."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity over the runs in which it could be measured; `low` and `high` hold 95 % of them."""

    mean: float
    low: float
    high: float
    error: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """At least one value is needed. Of fewer than forty, `low` and `high` are the least and the greatest."""
        ordered, count = sorted(values), len(values)
        mean = sum(ordered) / count
        spread = sum((value - mean) ** 2 for value in ordered) / (count - 1) if count > 1 else 0.0
        cut = count // 40
        return cls(mean, ordered[cut], ordered[count - 1 - cut], sqrt(spread / count), count)


_NEVER = {("end", "count"), ("state", "came"), ("state", "open"), ("state", "queue"), ("state", "queue_max")}
"""Counts of what may not happen at all in a run; then they are 0 there, not unknown."""


def filled(runs: Sequence[dict[Key, float]]) -> Sequence[dict[Key, float]]:
    """The runs, each with 0 for what others counted and it never saw."""
    counts = dict.fromkeys(key for run in runs for key in run if (key[0], key[2]) in _NEVER)
    for run in runs:
        for key in counts:
            run.setdefault(key, 0.0)
    return runs


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that this share of them does not pass."""
    return sorted(values)[max(0, ceil(share * len(values) - 1e-9) - 1)]


def figures(runs: Iterable[Mapping[Key, float]]) -> dict[Key, Figure]:
    """Each quantity over the runs that have it."""
    found: dict[Key, list[float]] = {}
    for run in runs:
        for key, value in run.items():
            found.setdefault(key, []).append(value)
    return {key: Figure.of(values) for key, values in found.items()}


def measured(model: Model, log: Log, days: Days) -> dict[Key, float]:
    """Everything that is reported of one run. Times are in days, work in hours, shares from 0 to 1."""
    found: dict[Key, float] = {}
    _of_states(model, log, found)
    _of_timers(model, log, found)
    _of_roles(model, log, days, found)
    _of_reviews(model, log, found)
    _of_round(model, log, found)
    return found


def _of_states(model: Model, log: Log, found: dict[Key, float]) -> None:
    for state, seen in zip(model.states, log.states, strict=True):
        if not seen.came or state.is_final:
            continue
        found["state", state.id, "came"] = seen.came
        found["state", state.id, "open"] = seen.here
        found["state", state.id, "queue_max"] = seen.most
        span = log.ended_at - (seen.first or 0.0)
        if seen.stays:
            ordered = sorted(seen.stays)
            found["state", state.id, "mean"] = sum(ordered) / len(ordered) / DAY
            found["state", state.id, "p50"] = quantile(ordered, 0.5) / DAY
            found["state", state.id, "p90"] = quantile(ordered, 0.9) / DAY
            if not seen.here:
                span = seen.since - (seen.first or 0.0)
        found["state", state.id, "queue"] = seen.area / span if span > 0 else 0.0
        counted = seen.limit_kept + seen.limit_missed
        if state.limit is not None and counted:
            found["limit", state.id, "share"] = seen.limit_missed / counted
            found["limit", state.id, "late"] = seen.limit_missed


def _of_timers(model: Model, log: Log, found: dict[Key, float]) -> None:
    for timer, (in_time, late) in zip(model.timers, log.timers, strict=True):
        if in_time + late:
            found["timer", timer.id, "share"] = late / (in_time + late)
            found["timer", timer.id, "late"] = late


def _of_roles(model: Model, log: Log, days: Days, found: dict[Key, float]) -> None:
    for desk, piles in zip(model.desks, log.desks, strict=True):
        busy = [pile for pile in piles if pile.first is not None]
        if not busy:
            continue
        worked = sum(pile.worked for pile in piles)
        first = min(pile.first for pile in busy if pile.first is not None)
        last = max(pile.last for pile in busy)
        ended = max(log.ended_at if any(p.waiting or p.free < p.people for p in piles) else p.ended for p in busy)
        found["role", desk.role, "hours"] = worked
        found["role", desk.role, "per_person"] = worked / desk.people
        there = days.capacity(first, ended, desk.hours) * desk.people
        if there > 0:
            # Hours of what is begun and not done at the end are counted in full: more than all cannot be.
            found["role", desk.role, "utilisation"] = min(1.0, worked / there)
        offered = days.capacity(first, last, desk.hours) * desk.people
        if offered >= desk.hours * desk.people:
            found["role", desk.role, "load"] = sum(pile.asked for pile in piles) / offered
        span = ended - first
        found["role", desk.role, "queue"] = sum(pile.area for pile in piles) / span if span > 0 else 0.0
        found["role", desk.role, "queue_max"] = (
            sum(pile.most for pile in piles) if len(piles) == 1 else max(pile.most for pile in piles)
        )


def _of_reviews(model: Model, log: Log, found: dict[Key, float]) -> None:
    for review, seen in zip(model.reviews, log.reviews, strict=True):
        piles = log.desks[review.desk] if review.desk >= 0 else []
        if not piles or not (seen.short or any(pile.assigned for pile in piles)):
            continue
        asked = [pile.assigned for pile in piles]
        found["review", review.id, "sheets"] = sum(asked) / len(asked)
        found["review", review.id, "sheets_max"] = max(asked)
        found["review", review.id, "hours"] = sum(pile.worked for pile in piles) / len(piles)
        found["review", review.id, "recused"] = seen.recused
        found["review", review.id, "short"] = seen.short
        if seen.turnarounds:
            found["review", review.id, "p50"] = quantile(seen.turnarounds, 0.5) / DAY
            found["review", review.id, "p90"] = quantile(seen.turnarounds, 0.9) / DAY
            if review.due is not None:
                found["review", review.id, "late"] = seen.late / len(seen.turnarounds)


def _of_round(model: Model, log: Log, found: dict[Key, float]) -> None:
    ended: dict[str, int] = {}
    for case in log.cases:
        if case.outcome is not None:
            ended[case.outcome] = ended.get(case.outcome, 0) + 1
    for state, seen in zip(model.states, log.states, strict=True):
        if state.is_final and seen.came:
            ended[state.id] = seen.came
    for name, count in ended.items():
        found["end", name, "count"] = count
    came = len(log.cases)
    found["round", "", "came"] = came
    found["round", "", "open"] = came - sum(ended.values())
    found["round", "", "endless"] = log.endless
    if log.decisions:
        found["round", "", "decided"] = len(log.decisions)
        found["round", "", "decision_p50"] = quantile(log.decisions, 0.5) / DAY
        found["round", "", "decision_p90"] = quantile(log.decisions, 0.9) / DAY
    if any(way.takes_money for state in model.states for way in state.ways):
        found["round", "", "awards"] = log.awards
        kept = max(0.0, round(log.awarded - log.released, 4))
        found["round", "", "awarded"] = kept
        found["round", "", "released"] = log.released
        found["round", "", "unfunded"] = log.unfunded
        if model.budget:
            found["round", "", "of_budget"] = kept / model.budget
