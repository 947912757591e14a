"""Whom to ask, suggested: people without a conflict, so that everybody has as little to do as the conflicts allow.

It decides nothing and writes nothing; the same records give the same suggestion.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fundflow.reviews.committees import Candidate


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Whom to ask and who stands by, in order; fewer than wanted where nobody else is free."""

    people: tuple[UUID, ...]
    reserve: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """One application of a batch: how many people it wants and who may be asked, whoever is asked first on top."""

    id: UUID
    people: int
    reserve: int
    free: tuple[UUID, ...]


def order(candidates: Collection[Candidate]) -> list[Candidate]:
    """Those who may be asked: whoever was given least in this round first, then who owes least at all, then by name."""
    free = [each for each in candidates if each.is_free and not each.stands_by]
    return sorted(free, key=lambda each: (each.round_load, each.load, each.name.casefold(), str(each.id)))


def for_one(candidates: Collection[Candidate], people: int, reserve: int) -> Suggestion:
    """So many people of those who have least to do, and so many behind them as the reserve."""
    free = [each.id for each in order(candidates)]
    return Suggestion(tuple(free[:people]), tuple(free[people : people + reserve]))


def for_all(needs: Sequence[Need], load: Mapping[UUID, int]) -> dict[UUID, Suggestion]:
    """People for every application of a batch, each as many as it needs, balanced exactly.

    No other choice of people would give a smaller sum of squared loads, so no heaviest load can be made lighter: as
    long as somebody could hand one application on, directly or through others, to a person with at least two less to
    do, they do (Harvey, Ladner, Lovász and Tamir, Semi-matchings for bipartite graphs, 2006). The reserve comes after
    it, from those left over.
    """
    loads = dict(load)
    chosen: dict[UUID, list[UUID]] = {}
    for need in needs:
        ranked = sorted(need.free, key=lambda person: (loads[person], need.free.index(person)))
        chosen[need.id] = ranked[: need.people]
        for person in chosen[need.id]:
            loads[person] += 1
    while _lighten(needs, chosen, loads):
        pass
    found: dict[UUID, Suggestion] = {}
    standing = dict.fromkeys(loads, 0)
    for need in needs:
        left = [person for person in need.free if person not in chosen[need.id]]
        ranked = sorted(left, key=lambda person: (loads[person] + standing[person], need.free.index(person)))
        reserve = ranked[: need.reserve]
        for person in reserve:
            standing[person] += 1
        people = sorted(chosen[need.id], key=need.free.index)
        found[need.id] = Suggestion(tuple(people), tuple(reserve))
    return found


def _lighten(needs: Sequence[Need], chosen: Mapping[UUID, list[UUID]], loads: dict[UUID, int]) -> bool:
    """Hand applications on along one path from a person to one with at least two less to do; False without such."""
    for start in sorted(loads, key=lambda person: (-loads[person], str(person))):
        came: dict[UUID, tuple[UUID, UUID]] = {}
        waiting = deque([start])
        while waiting:
            giver = waiting.popleft()
            if loads[giver] <= loads[start] - 2:
                _hand_on(giver, start, came, chosen)
                loads[start] -= 1
                loads[giver] += 1
                return True
            for need in needs:
                if giver not in chosen[need.id]:
                    continue
                for taker in need.free:
                    if taker != start and taker not in came and taker not in chosen[need.id]:
                        came[taker] = (giver, need.id)
                        waiting.append(taker)
    return False


def _hand_on(
    last: UUID, start: UUID, came: Mapping[UUID, tuple[UUID, UUID]], chosen: Mapping[UUID, list[UUID]]
) -> None:
    """Along the path, let everybody take the application that led to them from whoever had it."""
    while last != start:
        giver, need = came[last]
        chosen[need].remove(giver)
        chosen[need].append(last)
        last = giver
