"""Where the parts of a workflow's drawing stand: states in columns by their longest way, arrows between and above them.

Knows no SVG and no colours; all figures are in the drawing's own units, with text widths estimated on the wide side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fundflow.workflow.definition import SYSTEM, Transition, Workflow
from fundflow.workflow.text import Text

BOX_HEIGHT, PILL_HEIGHT = 52, 24
MARGIN, LANE, ROW_GAP = 24, 46, 44
LABEL, SMALL = 12.5, 11.0
CALENDAR = Text({"en": "the calendar", "fr": "le calendrier"})
ITSELF = Text({"en": "by itself", "fr": "automatiquement"})
_NARROW, _WIDE = "iljtfrI.,:;'’ ()|!", "mwMWÉÀÔOQGD—"


def width_of(text: str, size: float) -> float:
    """About how wide a text is in a proportional font."""
    return size * sum(0.34 if c in _NARROW else 0.86 if c in _WIDE else 0.66 if c.isupper() else 0.56 for c in text)


def wrapped(text: str, longest: int) -> list[str]:
    """The text in lines of at most so many characters, broken between words."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= longest:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition from one state to another, with its words."""

    source: str
    target: str
    label: str
    who: str
    id: str


@dataclass(frozen=True, slots=True)
class End:
    """A transition from a state to an outcome."""

    outcome: str
    label: str
    who: str
    id: str


@dataclass(slots=True)
class Box:
    """A state: its place, and the outcomes that hang below it."""

    id: str
    label: list[str]
    column: int
    row: int = 0
    x: float = 0
    y: float = 0
    width: float = 0
    span: float = 0
    """How wide its column is, with all that hangs below its boxes."""
    ends: list[End] = field(default_factory=list)

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.y + BOX_HEIGHT / 2

    @property
    def center(self) -> float:
        return self.x + self.width / 2

    def end_y(self, number: int) -> float:
        """The top of the pill of this outcome."""
        return self.y + BOX_HEIGHT + 26 + number * (PILL_HEIGHT + 44)

    @property
    def height(self) -> float:
        return self.end_y(len(self.ends) - 1) + PILL_HEIGHT + 34 - self.y if self.ends else BOX_HEIGHT


@dataclass(slots=True)
class Layout:
    """A drawing: boxes by state, straight arrows between neighbouring columns, and arrows that go over the top."""

    boxes: dict[str, Box]
    beside: list[list[Arrow]]
    """Arrows to the next column, those with the same two ends together."""
    above: list[tuple[Arrow, int]]
    """Arrows over the top, each with its lane counted from the boxes up."""
    width: float = 0
    height: float = 0
    top: float = 0
    words: float = 0
    """How far the words on the arrows of the first row stand above its boxes."""

    @property
    def branching(self) -> frozenset[int]:
        """The columns that an arrow leaves for another row."""
        ends = [(self.boxes[group[0].source], self.boxes[group[0].target]) for group in self.beside]
        return frozenset(source.column for source, target in ends if source.row != target.row)

    def lane_y(self, lane: int) -> float:
        """Where an arrow of this lane runs."""
        return self.top - self.words - 26 - lane * LANE


def lay_out(workflow: Workflow, language: str) -> Layout:
    """Place everything, in the words of this language."""
    arrows, ends = _edges(workflow, language)
    columns = _columns(workflow, arrows)
    boxes = {
        name: Box(name, wrapped(state.label.in_(language), 18), columns[name], ends=ends.get(name, []))
        for name, state in workflow.states.items()
    }
    beside: dict[tuple[str, str], list[Arrow]] = {}
    over = []
    for arrow in arrows:
        if columns[arrow.target] == columns[arrow.source] + 1:
            beside.setdefault((arrow.source, arrow.target), []).append(arrow)
        else:
            over.append(arrow)
    layout = Layout(boxes, list(beside.values()), _lanes(over, columns))
    _rows(layout)
    _place(layout)
    return layout


def _edges(workflow: Workflow, language: str) -> tuple[list[Arrow], dict[str, list[End]]]:
    arrows, ends = [], dict[str, list[End]]()
    for t in workflow.transitions.values():
        label = t.label.in_(language)
        for source in t.sources:
            target = t.destination(source)
            if target is not None:
                arrows.append(Arrow(source, target, label, people(workflow, t, source, language), t.id))
            elif t.end is not None:
                outcome = workflow.outcomes[t.end].in_(language)
                ends.setdefault(source, []).append(End(outcome, label, people(workflow, t, source, language), t.id))
    return arrows, ends


def people(workflow: Workflow, transition: Transition, state: str, language: str) -> str:
    """Who may do this from the state, by the labels of their roles; the calendar for what only time does."""
    if transition.is_auto:
        return ITSELF.in_(language)
    by = transition.by_from(state)
    names = [role.label.in_(language) for role in workflow.roles.values() if role.id in by]
    return ", ".join(names) if names else CALENDAR.in_(language) if SYSTEM in by else ""


def _columns(workflow: Workflow, arrows: Iterable[Arrow]) -> dict[str, int]:
    """The longest way from the initial state, not counting arrows that lead back."""
    leads: dict[str, list[str]] = {name: [] for name in workflow.states}
    for arrow in arrows:
        leads[arrow.source].append(arrow.target)
    order: list[str] = []
    open_, done = set[str](), set[str]()
    forward: dict[str, list[str]] = {name: [] for name in workflow.states}

    def visit(name: str) -> None:
        open_.add(name)
        for target in leads[name]:
            if target in open_:
                continue
            forward[name].append(target)
            if target not in done:
                visit(target)
        open_.discard(name)
        done.add(name)
        order.append(name)

    for name in workflow.states:
        if name not in done:
            visit(name)
    columns = dict.fromkeys(workflow.states, 0)
    for name in reversed(order):
        for target in forward[name]:
            columns[target] = max(columns[target], columns[name] + 1)
    return columns


def _lanes(arrows: list[Arrow], columns: dict[str, int]) -> list[tuple[Arrow, int]]:
    """Short arrows low, long ones above them; no two that overlap share a lane."""
    taken: list[list[tuple[int, int]]] = []
    placed = []
    for arrow in sorted(arrows, key=lambda a: abs(columns[a.target] - columns[a.source])):
        first, last = sorted((columns[arrow.source], columns[arrow.target]))
        lane = 0
        while lane < len(taken) and any(first <= end and begin <= last for begin, end in taken[lane]):
            lane += 1
        if lane == len(taken):
            taken.append([])
        taken[lane].append((first, last))
        placed.append((arrow, lane))
    return placed


def _rows(layout: Layout) -> None:
    """Within a column, near to where the arrows come from."""
    by_column: dict[int, list[Box]] = {}
    for box in layout.boxes.values():
        by_column.setdefault(box.column, []).append(box)
    sources: dict[str, list[str]] = {}
    for group in layout.beside:
        sources.setdefault(group[0].target, []).append(group[0].source)
    for column in sorted(by_column):
        wishes = {
            box.id: sum(layout.boxes[s].row for s in sources.get(box.id, ())) / max(len(sources.get(box.id, ())), 1)
            for box in by_column[column]
        }
        for row, box in enumerate(sorted(by_column[column], key=lambda b: wishes[b.id])):
            box.row = row


def _place(layout: Layout) -> None:
    boxes = layout.boxes.values()
    last = max((box.column for box in boxes), default=0)
    widths = [0.0] * (last + 1)
    gaps = [64.0] * (last + 1)
    for box in boxes:
        box.width = max(112, max(width_of(line, 14.5) for line in box.label) + 36)
        below = [
            24 + max(width_of(end.outcome, LABEL) + 28, width_of(end.label, SMALL), width_of(end.who, SMALL))
            for end in box.ends
        ]
        widths[box.column] = max(widths[box.column], box.width, *below, 0)
    for group in layout.beside:
        column = layout.boxes[group[0].source].column
        words = max(max(width_of(line, LABEL) for line in (*wrapped(a.label, 16), a.who)) for a in group)
        spare = widths[column] - layout.boxes[group[0].source].width
        if column in layout.branching:  # words stand right of all that hangs below the boxes
            words, spare = words + 24, 0
        gaps[column] = max(gaps[column], words + 44 - min(spare, words * 0.6))
    lefts = [MARGIN + 30.0]
    for width, gap in zip(widths, gaps, strict=True):
        lefts.append(lefts[-1] + width + gap)
    lanes = max((lane for _, lane in layout.above), default=-1) + 1
    lines = [sum(len(wrapped(arrow.label, 16)) for arrow in group) for group in layout.beside]
    layout.words = max(0.0, max(lines, default=0) * 15 - 15)
    layout.top = MARGIN + layout.words + (lanes * LANE + 20 if lanes else 0)
    tallest = 0.0
    for column in range(last + 1):
        y = layout.top
        for box in sorted((b for b in boxes if b.column == column), key=lambda b: b.row):
            box.x, box.y, box.span = lefts[column], y, widths[column]
            y += box.height + ROW_GAP
        tallest = max(tallest, y - ROW_GAP)
    layout.width = lefts[last] + widths[last] + MARGIN
    layout.height = tallest + MARGIN
