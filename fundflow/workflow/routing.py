"""The lanes between columns of cards in which arrows run, chosen so that few of them cross.

An arrow leaves a card beside its words, runs up or down in one lane and arrives at the head of its target; one that
goes past a column runs above all cards. Arrows to the same target from the same side share a lane, as they arrive
together. Knows cards only as places on a vertical line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import Literal

STEP, EDGE, BETWEEN = 11.0, 15.0, 13.0
"""Between two lanes, before the first beside a card, and beside those between two phases."""
ASIDE = 11.0
"""How far below those from the left arrows arrive from the right."""
MOST_TRIED = 6
"""So many lanes are tried in every order; more are ordered by their length."""
Zone = Literal["left", "right", "between", "above"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Port:
    """Where an arrow leaves a card, and by how much it may leave above or below."""

    id: str
    target: str
    y: float
    play: float


@dataclass(slots=True)
class Grid:
    """The cards by column: each its name, where arrows arrive, and its ports."""

    columns: list[list[tuple[str, float, list[Port]]]]


@dataclass(slots=True)
class Lane:
    """A vertical stretch in which arrows to one target run: what joins it from the left and from the right."""

    from_left: list[float] = field(default_factory=list)
    from_right: list[float] = field(default_factory=list)
    also: list[float] = field(default_factory=list)
    x: float = 0
    track: int = 0

    @property
    def span(self) -> tuple[float, float]:
        every = [*self.from_left, *self.from_right, *self.also]
        return min(every), max(every)

    @property
    def length(self) -> float:
        first, last = self.span
        return last - first


@dataclass(slots=True)
class Routed:
    """Where the columns stand, what each takes with its own lanes, and the corners of every arrow."""

    columns: list[float]
    spans: list[tuple[float, float]]
    paths: dict[tuple[str, str, str], list[Point]]
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class _Way:
    """An arrow on its way: the lanes it takes, from its card to its target."""

    key: tuple[str, str, str]
    leaves: tuple[int, Literal["left", "right"]]
    arrives: tuple[int, Literal["left", "right"]]
    y: float
    entry: float
    lanes: tuple[Lane, ...]
    above: int | None = None


def route(grid: Grid, *, left: float, width: float, top: float) -> Routed:
    """Choose lanes for every arrow, and place the columns between them; `top` is where the cards begin."""
    place = {name: (c, entry) for c, column in enumerate(grid.columns) for name, entry, _ in column}
    zones: dict[tuple[Zone, int], dict[str, Lane]] = defaultdict(dict)
    over: dict[str, int] = {}
    taken = _entries(grid)
    ways: list[_Way] = []
    for c, column in enumerate(grid.columns):
        for name, _, ports in column:
            for port in ports:
                ways.append(_way(name, c, port, place, zones, over, taken))
    height = len(over) * STEP + (10 if over else 0)
    for way in ways:
        if way.above is not None:
            y = top - 10 - way.above * STEP
            for lane in way.lanes:
                lane.also.append(y)
    for (zone, _), lanes in zones.items():
        _order(zone, list(lanes.values()))
    routed = _columns(zones, len(grid.columns), left, width)
    routed.top = top - height
    for way in ways:
        routed.paths[way.key] = _corners(way, routed.columns, width, top)
    return routed


def _entries(grid: Grid) -> dict[int, set[int]]:
    """The heights that are taken between two columns, by the arrivals on both sides."""
    taken: dict[int, set[int]] = defaultdict(set)
    for c, column in enumerate(grid.columns):
        for _, entry, _ in column:
            taken[c].add(round(entry))
            taken[c + 1].add(round(entry + ASIDE))
    return taken


def _way(
    name: str,
    c: int,
    port: Port,
    place: dict[str, tuple[int, float]],
    zones: dict[tuple[Zone, int], dict[str, Lane]],
    over: dict[str, int],
    taken: dict[int, set[int]],
) -> _Way:
    t, entry = place[port.target]
    key = (name, port.id, port.target)
    own_entry = place[name][1]
    goes_left = t < c or (t == c and entry <= own_entry)
    side: Literal["left", "right"] = "left" if goes_left else "right"
    gutter = c if goes_left else c + 1
    if (t == c and not goes_left) or t < c:
        entry += ASIDE
    y = _free(port, taken[gutter])
    if t == c:
        lane = zones[side, c].setdefault(port.target, Lane())
        (lane.from_right if goes_left else lane.from_left).extend((y, entry))
        return _Way(key, (c, side), (c, side), y, entry, (lane,))
    if abs(t - c) == 1:
        lane = zones["between", min(t, c)].setdefault(f"{side} {port.target}", Lane())
        (lane.from_right if goes_left else lane.from_left).append(y)
        (lane.from_left if goes_left else lane.from_right).append(entry)
        return _Way(key, (c, side), (t, "right" if goes_left else "left"), y, entry, (lane,))
    up, down = (c - 1, t) if goes_left else (c, t - 1)
    first = zones["between", up].setdefault(f"up {side} {port.target}", Lane())
    last = zones["between", down].setdefault(f"down {side} {port.target}", Lane())
    (first.from_right if goes_left else first.from_left).append(y)
    (last.from_left if goes_left else last.from_right).append(entry)
    above = over.setdefault(f"{side} {port.target}", len(over))
    return _Way(key, (c, side), (t, "right" if goes_left else "left"), y, entry, (first, last), above)


def _free(port: Port, taken: set[int]) -> float:
    """A height beside the words at which nothing else arrives or leaves."""
    for shift in (0.0, 4.0, -4.0, 7.0, -7.0, 10.0, -10.0):
        y = round(port.y + shift)
        if abs(shift) <= max(port.play, 4) and taken.isdisjoint(range(y - 3, y + 4)):
            taken.add(y)
            return float(y)
    taken.add(round(port.y))
    return port.y


def _order(zone: Zone, lanes: list[Lane]) -> None:
    """Give each lane its track, counted from the cards, or from the left where it lies between two columns."""
    if zone != "between":
        tracks: list[list[tuple[float, float]]] = []
        for lane in sorted(lanes, key=lambda each: (each.length, each.span)):
            first, last = lane.span
            number = 0
            while number < len(tracks) and any(first < b + 8 and a < last + 8 for a, b in tracks[number]):
                number += 1
            if number == len(tracks):
                tracks.append([])
            tracks[number].append((first, last))
            lane.track = number
        return
    best: Sequence[Lane] = sorted(lanes, key=lambda each: (each.length, each.span))
    if len(lanes) <= MOST_TRIED:
        best = min(permutations(lanes), key=_clashes)
    for number, lane in enumerate(best):
        lane.track = number


def _clashes(order: Sequence[Lane]) -> int:
    """How often arrows that join lanes in this order cross other lanes."""
    found = 0
    for number, lane in enumerate(order):
        for other in order[:number]:
            first, last = other.span
            found += sum(first < y < last for y in lane.from_left)
        for other in order[number + 1 :]:
            first, last = other.span
            found += sum(first < y < last for y in lane.from_right)
    return found


def _columns(zones: dict[tuple[Zone, int], dict[str, Lane]], count: int, left: float, width: float) -> Routed:
    """Place columns and lanes from left to right."""
    x, xs, spans = left, list[float](), list[tuple[float, float]]()
    for c in range(count):
        begin = x
        tracks = _tracks(zones.get(("left", c), {}).values())
        x += EDGE + max(tracks - 1, 0) * STEP + EDGE if tracks else EDGE
        for lane in zones.get(("left", c), {}).values():
            lane.x = x - EDGE - lane.track * STEP
        xs.append(x)
        x += width
        tracks = _tracks(zones.get(("right", c), {}).values())
        for lane in zones.get(("right", c), {}).values():
            lane.x = x + EDGE + lane.track * STEP
        x += EDGE + max(tracks - 1, 0) * STEP + EDGE if tracks else EDGE
        spans.append((begin, x))
        between = zones.get(("between", c), {})
        for lane in between.values():
            lane.x = x + BETWEEN + lane.track * STEP
        if c < count - 1:
            x += 2 * BETWEEN + max(_tracks(between.values()) - 1, 0) * STEP
    return Routed(xs, spans, {}, x, 0)


def _tracks(lanes: Iterable[Lane]) -> int:
    return max((lane.track for lane in lanes), default=-1) + 1


def _corners(way: _Way, columns: list[float], width: float, top: float) -> list[Point]:
    c, side = way.leaves
    start = columns[c] + (width if side == "right" else 0)
    t, arrives = way.arrives
    end = columns[t] + (width if arrives == "right" else 0)
    first, last = way.lanes[0].x, way.lanes[-1].x
    if way.above is None:
        return [(start, way.y), (first, way.y), (first, way.entry), (end, way.entry)]
    y = top - 10 - way.above * STEP
    return [(start, way.y), (first, way.y), (first, y), (last, y), (last, way.entry), (end, way.entry)]


def crossings(paths: list[list[Point]]) -> int:
    """At how many places arrows cross, as an eye counts them: not where they join on the way to one target.

    Those that run to a target together cross another once.
    """
    level: list[tuple[float, float, float, Point]] = []
    upright: list[tuple[float, float, float, Point]] = []
    for path in paths:
        for (x1, y1), (x2, y2) in pairwise(path):
            if y1 == y2:
                level.append((y1, min(x1, x2), max(x1, x2), path[-1]))
            else:
                upright.append((x1, min(y1, y2), max(y1, y2), path[-1]))
    return len(
        {
            (x, y)
            for y, a, b, one in level
            for x, low, high, other in upright
            if a < x < b and low < y < high and one != other
        }
    )
