"""Where the elements of a BPMN model stand in its diagram: a band for each state, and lanes beside them.

Flows to another band run in a lane right of all bands and come back above their target, so that none runs through an
element.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Slot = Literal["start", "join", "state", "final", "split", "way", "end", "due", "tell", "told"]
LEFT: dict[Slot, float] = {"start": 60, "join": 130, "state": 210, "final": 210, "split": 370, "way": 460, "end": 630}
SIZES: dict[Slot, tuple[float, float]] = {
    "start": (36, 36),
    "join": (50, 50),
    "split": (50, 50),
    "end": (36, 36),
    "final": (36, 36),
    "due": (36, 36),
    "told": (36, 36),
}
TASK = (130.0, 64.0)
ROW, NOTICE, GAP, LANES, STEP = 96.0, 190.0, 56.0, 710.0, 9.0
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """An element to be placed: its band, its place in it, and its number among others of that place there."""

    id: str
    band: str
    slot: Slot
    number: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The bounds of an element."""

    id: str
    x: float
    y: float
    width: float
    height: float
    band: str = ""
    slot: Slot = "state"
    band_top: float = 0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def center(self) -> float:
        return self.x + self.width / 2


@dataclass(slots=True)
class Pool:
    """A pool with everything in it, by id, and how many lanes it needs."""

    whole: Shape
    shapes: dict[str, Shape]
    lanes: dict[str, int]


def placed(name: str, spots: Sequence[Spot], flows: Iterable[tuple[str, str]], top: float) -> Pool:
    """The shapes of one pool below `top`, bands in the order in which they first occur."""
    bands: dict[str, list[Spot]] = {}
    for spot in spots:
        bands.setdefault(spot.band, []).append(spot)
    shapes: dict[str, Shape] = {}
    y = top + GAP
    for band, own in bands.items():
        rows = max(1 + spot.number for spot in own if spot.slot in ("state", "final", "way", "start", "join", "end"))
        notices = any(spot.slot == "tell" for spot in own)
        below = y + max(rows * ROW, 130)
        for spot in own:
            shapes[spot.id] = _shape(spot, band, y, below)
        y = below + (TASK[1] + 20 if notices else 0) + GAP
    lanes: dict[str, int] = {}
    for source, target in flows:
        if shapes[source].band != shapes[target].band:
            lanes.setdefault(target, len(lanes))
    width = LANES + len(lanes) * STEP + 40
    return Pool(Shape(f"{name}-pool", 0, top, width, y - top), shapes, lanes)


def _shape(spot: Spot, band: str, y: float, below: float) -> Shape:
    width, height = SIZES.get(spot.slot, TASK)
    if spot.slot == "due":  # on the lower edge of its task
        at = (LEFT["state"] + 4 + spot.number * (width + 6), y + TASK[1] - height / 2)
    elif spot.slot in ("tell", "told"):
        at = (LEFT["state"] + spot.number * NOTICE, below)
        at = at if spot.slot == "tell" else (at[0] + TASK[0] + 14, below + (TASK[1] - height) / 2)
    else:
        row = spot.number if spot.slot in ("way", "end") else 0
        at = (LEFT[spot.slot], y + row * ROW + (TASK[1] - height) / 2)
    return Shape(spot.id, at[0], at[1], width, height, band, spot.slot, y)


def routed(pool: Pool, source: Shape, target: Shape) -> list[Point]:
    """The corners of a flow inside a pool."""
    begin, end = (source.x + source.width, source.middle), (target.x, target.middle)
    if source.slot == "due":
        foot = (source.center, source.y + source.height)
        if target.slot == "tell":
            above = target.y - 14
            return [foot, (foot[0], above), (target.center, above), (target.center, target.y)]
        return [foot, (foot[0], foot[1] + 10), (end[0] - 14, foot[1] + 10), (end[0] - 14, end[1]), end]
    if source.band == target.band and end[0] > begin[0]:
        if begin[1] == end[1]:
            return [begin, end]
        return [begin, (end[0] - 22, begin[1]), (end[0] - 22, end[1]), end]
    lane = LANES + pool.lanes.get(target.id, -1) * STEP
    above = target.band_top - 16
    back = target.x - 22
    return [begin, (lane, begin[1]), (lane, above), (back, above), (back, end[1]), end]


def message(pool: Pool, source: Shape, target: Shape, other: Pool) -> list[Point]:
    """The corners of a message from a task to what another pool begins with."""
    right = pool.whole.width - 16
    above = other.whole.y + 18
    foot = source.y + source.height
    return [
        (source.center, foot),
        (source.center, foot + 8),
        (right, foot + 8),
        (right, above),
        (target.center, above),
        (target.center, target.y),
    ]
