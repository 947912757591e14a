"""Where the parts of a workflow's drawing stand: cards below each other in columns, words in lines, lanes between.

The wide shape puts the phases side by side, the tall one below each other, for a telephone. Nothing overlaps by the way
it is built: words stay in their cards, arrows in the lanes between the columns. Knows no SVG and no colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fundflow.workflow.cards import FLAT, Card, Column, Exit, Machine, Mark, Picture
from fundflow.workflow.lettering import Piece, Span, set_in, shortened
from fundflow.workflow.routing import Grid, Port, crossings, route

Shape = Literal["wide", "tall"]
CARD: Mapping[Shape, float] = {"wide": 256.0, "tall": 252.0}
INSET, MARGIN, GAP = 12.0, 16.0, 22.0
BESIDE: Mapping[Shape, tuple[float, float]] = {"wide": (6.0, 10.0), "tall": (-4.0, 0.0)}
"""The room in the frame of a child before its first lane and after its last; a telephone has none to spare."""
HEAD_LINE, LINE, NOTE_LINE = 18.0, 17.0, 15.0
MOST_COLUMNS = 4
"""Side by side where there are no phases."""
MOST_LOOKED_AT = 60
BADGE = 34.0
"""The room at the end of a card's first line, for a count or the sign of an end."""


@dataclass(slots=True)
class Lines:
    """Text that was set: its spans from (x, y), with the baseline of each line below the other."""

    x: float
    y: float
    step: float
    spans: list[Span]
    count: int

    @property
    def height(self) -> float:
        return self.count * self.step

    def baseline(self, line: int) -> float:
        return self.y + line * self.step + self.step * 0.74


@dataclass(slots=True)
class Row:
    """A way out in its card."""

    exit: Exit
    y: float
    height: float
    lines: Lines
    path: list[tuple[float, float]] = field(default_factory=list)
    """The corners of its arrow, from the card's edge to its tip; empty where it ends the application."""


@dataclass(slots=True)
class Box:
    """A card and everything in it, with absolute places."""

    card: Card
    x: float
    y: float
    width: float
    height: float = 0
    head: Lines | None = None
    notes: list[tuple[Mark, Lines]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    entry: float = 0
    """Where arrows arrive from the left; those from the right arrive `ASIDE` below, so that the two never meet."""

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(slots=True)
class Frame:
    """What holds cards together: a phase, a kind of child, the other ends or the signs that are used."""

    id: str
    kind: Literal["phase", "child", "ends", "legend"]
    x: float
    y: float
    width: float
    height: float
    title: Lines
    words: list[Lines] = field(default_factory=list)
    places: dict[str, tuple[str, float, float, float]] = field(default_factory=dict)
    """For the other ends: words, x, y and width of the pill of each outcome."""


@dataclass(slots=True)
class Layout:
    """A whole drawing."""

    boxes: list[tuple[Machine, Box]]
    frames: list[Frame]
    width: float
    height: float

    @property
    def crossings(self) -> int:
        """At how many places arrows cross; every pair is looked at."""
        return crossings([row.path for _, box in self.boxes for row in box.rows if row.path])


def lay_out(
    picture: Picture, shape: Shape = "wide", legend: Sequence[Piece] = (), ends: str = "", tail: float = 0
) -> Layout:
    """Place everything; the same picture always gives the same drawing. `tail` is the room for counts of the ends."""
    found = Layout([], [], 0, MARGIN)
    for number, machine in enumerate(picture.machines):
        _machine(found, machine, shape, is_child=number > 0)
    found.width = max([200.0, found.width, *(frame.x + frame.width for frame in found.frames)]) + MARGIN
    for frame in found.frames:
        if frame.kind == "child":
            frame.width = found.width - 2 * MARGIN
    if picture.outcomes:
        room = found.width - 2 * (MARGIN + INSET) - Piece("end", "", "end", is_pill=True, tail=tail).width
        labels = [shortened("end", label, room) for label in picture.outcomes.values()]
        pills = [Piece("end", label, "end", is_whole=True, is_pill=True, tail=tail) for label in labels]
        frame = _flow(found, "ends", Piece("title", ends), pills, 27)
        lines = frame.words[0]
        for name, span in zip(picture.outcomes, lines.spans, strict=True):
            frame.places[name] = (span.piece.text, lines.x + span.x, lines.y + span.line * lines.step, span.piece.width)
    if legend:
        _flow(found, "legend", None, [Piece(p.kind, p.text, p.icon, is_whole=True) for p in legend], 18)
    found.height += MARGIN - GAP
    return found


def _flow(
    found: Layout, kind: Literal["ends", "legend"], title: Piece | None, pieces: list[Piece], step: float
) -> Frame:
    """Pieces in lines over the whole width, below what is there."""
    x, y, room = MARGIN, found.height, found.width - 2 * MARGIN
    frame = Frame(kind, kind, x, y, room, 0, Lines(x + INSET, y + 9, HEAD_LINE, [], 0))
    if title is not None:
        spans, count = set_in([title], room - 2 * INSET)
        frame.title = Lines(x + INSET, y + 9, HEAD_LINE, spans, count)
    spans, count = set_in(pieces, room - 2 * INSET)
    lines = Lines(x + INSET, y + 9 + frame.title.height + (5 if title else 0), step, spans, count)
    frame.words = [lines]
    frame.height = lines.y + lines.height + 9 - y
    found.frames.append(frame)
    found.height = y + frame.height + GAP
    return frame


def _machine(found: Layout, machine: Machine, shape: Shape, *, is_child: bool) -> None:
    """One machine below what is there: its cards, its arrows, and the frames around them."""
    groups = machine.columns if shape == "wide" else [Column("all", "", [c for g in machine.columns for c in g.cards])]
    has_frames = not is_child and any(not column.id.startswith(FLAT) for column in machine.columns)
    top, title = found.height, None
    if is_child:
        title = Frame(machine.id, "child", MARGIN, top, 0, 0, Lines(MARGIN + INSET, top + 9, HEAD_LINE, [], 0))
        title.title.spans, title.title.count = set_in(
            [Piece("title", machine.heading)], CARD[shape] * (1 if shape == "tall" else 3) - 20
        )
        top += 9 + title.title.height + 10
    if not has_frames and shape == "wide":
        groups = _few(groups)
    columns = [[_box(card, shape) for card in column.cards] for column in groups]
    heads = {c.cards[0].id: c for c in machine.columns if c.cards} if has_frames else {}
    titles: dict[str, Lines] = {}
    lowest = top
    for boxes in columns:
        y = top
        for number, box in enumerate(boxes):
            if (group := heads.get(box.card.id)) is not None:
                y += 12 if number else 0
                spans, count = set_in([Piece("title", group.label)], CARD[shape])
                titles[group.id] = Lines(0, y + 9, HEAD_LINE, spans, count)
                y += 9 + count * HEAD_LINE + 8
            _move_down(box, y)
            y = box.bottom + GAP
        lowest = max(lowest, y - GAP)
    grid = Grid([[_ports(box) for box in boxes] for boxes in columns])
    before, after = BESIDE[shape]
    routed = route(grid, left=MARGIN + (before if is_child else 0), width=CARD[shape], top=top)
    for boxes, x in zip(columns, routed.columns, strict=True):
        for box in boxes:
            _move_right(box, x)
            found.boxes.append((machine, box))
            for row in box.rows:
                row.path = routed.paths.get((box.card.id, row.exit.id, row.exit.target or ""), [])
    shift = max(0.0, top - routed.top)
    if shift:  # arrows past a column run above the cards
        for boxes in columns:
            for box in boxes:
                _move_down(box, shift, by=True)
        for lines in titles.values():
            lines.y += shift
        lowest += shift
    found.width = max(found.width, routed.right)
    if has_frames:
        _phases(found, machine, shape, routed.spans, titles, lowest)
    found.height = lowest + (14 if has_frames or is_child else 0) + GAP
    if title is not None:
        title.width, title.height = routed.right + after - MARGIN, lowest + 14 - title.y
        found.frames.append(title)


def _few(columns: list[Column]) -> list[Column]:
    """Neighbouring columns together, those with least in them first, until there are few enough for a page.

    A great many are put together in equal parts before that, for then nobody follows them by eye.
    """
    some = -(-len(columns) // MOST_LOOKED_AT)
    found = [
        Column(columns[n].id, "", [card for column in columns[n : n + some] for card in column.cards])
        for n in range(0, len(columns), some)
    ]
    while len(found) > MOST_COLUMNS:
        sizes = [sum(3 + len(card.exits) for card in column.cards) for column in found]
        at = min(range(len(found) - 1), key=lambda n: sizes[n] + sizes[n + 1])
        found[at].cards += found.pop(at + 1).cards
    return found


def _phases(
    found: Layout,
    machine: Machine,
    shape: Shape,
    spans: list[tuple[float, float]],
    titles: dict[str, Lines],
    lowest: float,
) -> None:
    """A frame around each phase: all equally tall side by side, or each around its own cards."""
    own = {box.card.id: box for m, box in found.boxes if m is machine}
    for number, column in enumerate(machine.columns):
        if not column.cards:
            continue
        left, right = spans[number if shape == "wide" else 0]
        lines = titles[column.id]
        lines.x = own[column.cards[0].id].x
        bottom = lowest if shape == "wide" else own[column.cards[-1].id].bottom
        top = lines.y - 9
        found.frames.append(Frame(column.id, "phase", left, top, right - left, bottom + 12 - top, lines))


def _ports(box: Box) -> tuple[str, float, list[Port]]:
    """What a card asks of the lanes: its name, where arrows arrive, and where they leave for which target."""
    ports = [
        Port(row.exit.id, row.exit.target, row.lines.y + LINE / 2, row.height / 2 - 4)
        for row in box.rows
        if row.exit.target is not None
    ]
    return box.card.id, box.entry, ports


def _box(card: Card, shape: Shape) -> Box:
    """A card with its words in lines, its upper left corner at the origin."""
    width = CARD[shape]
    room = width - 2 * INSET
    box = Box(card, 0, 0, width)
    spans, count = set_in([Piece("head", card.label)], room, room - BADGE)
    box.head = Lines(INSET, 9, HEAD_LINE, spans, count)
    y = 9 + box.head.height
    box.entry = 13.0
    for mark in card.notes:
        spans, count = set_in([Piece("note", mark.text)], room - 16)
        lines = Lines(INSET + 16, y + 2, NOTE_LINE, spans, count)
        box.notes.append((mark, lines))
        y += 2 + lines.height
    y += 8
    for exit_ in card.exits:
        spans, count = set_in(_pieces(exit_), room)
        lines = Lines(INSET, y + 5, LINE, spans, count)
        box.rows.append(Row(exit_, y, lines.height + 10, lines))
        y += lines.height + 10
    box.height = y + (2 if card.exits else 0)
    return box


def _pieces(exit_: Exit) -> list[Piece]:
    """The words of a way out: what is done, by whom, what it causes, and which end it is."""
    pieces = [Piece("label", exit_.label)]
    if exit_.who:
        icon = {"auto": "auto", "clock": "clock"}.get(exit_.by, "")
        pieces.append(Piece("who", exit_.who, icon, is_whole=True))
    pieces += [Piece("mark", mark.text, mark.kind, is_whole=mark.is_whole, is_pill=True) for mark in exit_.marks]
    if exit_.outcome is not None:
        pieces.append(Piece("end", exit_.outcome_label, "end", is_whole=True, is_pill=True))
    return pieces


def _move_down(box: Box, y: float, *, by: bool = False) -> None:
    delta = y if by else y - box.y
    box.y += delta
    box.entry += delta
    for lines in _all_lines(box):
        lines.y += delta
    for row in box.rows:
        row.y += delta
        if by:
            row.path = [(px, py + delta) for px, py in row.path]


def _move_right(box: Box, x: float) -> None:
    delta = x - box.x
    box.x = x
    for lines in _all_lines(box):
        lines.x += delta


def _all_lines(box: Box) -> list[Lines]:
    assert box.head is not None  # noqa: S101 - `_box` gives every card its head
    return [box.head, *(lines for _, lines in box.notes), *(row.lines for row in box.rows)]
