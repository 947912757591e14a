"""A workflow as a picture in SVG: phases, states with their ways out, clocks, money, children, and how it can end.

It stands alone with a `style`, or takes the rules of the page it is written into. It has no script and no style
attribute: classes for a page's rules, and plain attributes for when there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

from fundflow.workflow import cards
from fundflow.workflow.cards import Card, Machine, MarkKind, Picture, picture
from fundflow.workflow.definition import Workflow
from fundflow.workflow.layout import Box, Frame, Lines, Row, Shape, lay_out
from fundflow.workflow.lettering import ICON, PILL, SIZES, Piece, Span, wide
from fundflow.workflow.text import Text

FACE = "Public Sans Variable, system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
SIGNS: Mapping[MarkKind, str] = {
    "start": "M3 1.5l7 4.5-7 4.5z",
    "clock": "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10M6 3.2V6l2 1.4",
    "auto": "M7 1L2.5 7H6L5 11l4.5-6H6z",
    "money": "M1 3.5a5 2 0 1 0 10 0a5 2 0 1 0-10 0v5a5 2 0 0 0 10 0v-5M1 6a5 2 0 0 0 10 0",
    "children": "M2.5 1v6.5H6M6 5h5v5H6z",
    "check": "M2 2h8v8H2zM4 6l1.5 1.5L8 4.5",
    "sign": "M1 11h10M3 8.5L8 2l2 1.8-5 6-2.5.7z",
    "score": "M6 1l1.5 3.2 3.5.4-2.6 2.4.7 3.5L6 8.8l-3.1 1.7.7-3.5L1 4.6l3.5-.4z",
    "mask": "M1 6c2-4 8-4 10 0c-2 4-8 4-10 0M2 10.5l8-9",
    "end": "M2.5 2.5h7v7h-7z",
}
"""The signs, each in a square of twelve units; outlines, so that they take any colour."""
SAYS: Mapping[MarkKind, Text] = {
    "start": Text({"en": "where it begins", "fr": "où cela commence"}),
    "clock": Text({"en": "a deadline, or done by the calendar", "fr": "une échéance, ou fait par le calendrier"}),
    "auto": Text({"en": "happens by itself", "fr": "se fait automatiquement"}),
    "money": Text({"en": "moves money", "fr": "touche aux fonds"}),
    "children": Text({"en": "begins or moves what runs beside", "fr": "ouvre ou fait avancer ce qui court à côté"}),
    "check": Text({"en": "checks", "fr": "vérifications"}),
    "sign": Text({"en": "signatures", "fr": "signatures"}),
    "score": Text({"en": "scores", "fr": "notes"}),
    "mask": Text({"en": "stands for hidden states", "fr": "tient lieu d’étapes cachées"}),
    "end": Text({"en": "ends the application", "fr": "met fin à la candidature"}),
}
_DESCRIBED = Text(
    {
        "en": "{states} states. It begins in {initial}. {arrows}",
        "fr": "{states} états. Il commence par {initial}. {arrows}",
    }
)
_NOW = Text({"en": "Now: {state}.", "fr": "Maintenant : {state}."})


@dataclass(frozen=True, slots=True)
class Tally:
    """How many applications stand somewhere, how that is said in full, and where their list is."""

    number: int
    says: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Tallies:
    """The count of each state and each outcome, by id; what is missing is not counted."""

    states: Mapping[str, Tally] = field(default_factory=dict)
    outcomes: Mapping[str, Tally] = field(default_factory=dict)


def svg(
    workflow: Workflow,
    language: str,
    current: str | None = None,
    *,
    role: str | None = None,
    shape: Shape = "wide",
    tallies: Tallies | None = None,
    is_brief: bool = False,
    style: str | None = None,
) -> str:
    """The drawing; `current` is the state (or the outcome) to point out. Its classes begin with ``flow``.

    With `role`, what that role is shown. `is_brief` where the page has the same as a table; with `style`, it stands
    alone on paper of its own. KeyError for a role that the workflow does not have.
    """
    drawn = picture(workflow, language, role)
    layout = lay_out(drawn, shape, list(_legend(drawn)), cards.ENDS.in_(language), 30.0 if tallies else 0.0)
    named = "-".join(part for part in ("flow", workflow.id, language, role, shape) if part)
    is_linked = tallies is not None and any(t.href for t in (*tallies.states.values(), *tallies.outcomes.values()))
    w, h = f"{layout.width:.0f}", f"{layout.height:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow flow--{shape}{"" if role is None else " flow--role"}"'
        f' role="{"group" if is_linked else "img"}" aria-labelledby="{named}" aria-describedby="{named}-d"'
        f' viewBox="0 0 {w} {h}" width="{w}" height="{h}" font-family="{FACE}" fill="currentColor">',
        f'<title id="{named}">{escape(drawn.title)}</title>',
        f'<desc id="{named}-d">{escape(_description(workflow, drawn, language, current, is_brief=is_brief))}</desc>',
    ]
    if style is not None:
        parts.append(f'<style>{style}</style><rect class="flow-paper" width="{w}" height="{h}" fill="none"/>')
    counted = tallies or Tallies()
    parts += [_frame(frame, current, counted) for frame in layout.frames]
    for machine, box in layout.boxes:
        parts.append(_box(machine, box, current, counted, is_main=machine is drawn.machines[0]))
    return "".join(parts) + "</svg>\n"


def crossings(workflow: Workflow, language: str, shape: Shape = "wide") -> int:
    """How many arrows cross in the drawing."""
    return lay_out(picture(workflow, language), shape).crossings


def _legend(drawn: Picture) -> Iterable[Piece]:
    """The signs that the drawing uses, in words."""
    used: set[MarkKind] = {"end"} if drawn.outcomes else set()
    for machine in drawn.machines:
        for card in machine.cards.values():
            used |= {mark.kind for mark in card.notes}
            for each in card.exits:
                used |= {mark.kind for mark in each.marks}
                used |= {"auto"} if each.by == "auto" else {"clock"} if each.by == "clock" else set()
    return [Piece("note", SAYS[kind].in_(drawn.language), kind) for kind in SIGNS if kind in used]


def _description(workflow: Workflow, drawn: Picture, language: str, current: str | None, *, is_brief: bool) -> str:
    """The drawing in words, for whoever hears it."""
    main = drawn.machines[0]
    known = main.cards
    said = []
    for card in known.values() if not is_brief else ():
        for each in card.exits:
            to = known[each.target].label if each.target is not None else each.outcome_label
            money = [mark.text for mark in each.marks]
            said.append(f"{card.label}: {each.label} ({', '.join([each.who, *money])}) → {to}.")
    words = _DESCRIBED.in_(language).format(states=len(known), initial=known[main.initial].label, arrows=" ".join(said))
    if current is not None:
        label = workflow.states[current].label if current in workflow.states else workflow.outcomes.get(current)
        words = f"{_NOW.in_(language).format(state=label.in_(language) if label else current)} {words}"
    return words.strip()


def _frame(frame: Frame, current: str | None, tallies: Tallies) -> str:
    parts = [
        f'<g class="flow-frame flow-frame--{frame.kind}" data-frame="{escape(frame.id)}">'
        f'<rect x="{_n(frame.x)}" y="{_n(frame.y)}" width="{_n(frame.width)}" height="{_n(frame.height)}" rx="14"'
        f'{"" if frame.kind != "legend" else _NONE} fill-opacity="0.04"/>'
    ]
    parts += _spans(frame.title)
    if frame.kind == "legend":
        parts += [text for lines in frame.words for text in _spans(lines)]
    for name, (words, x, y, width) in frame.places.items():
        parts.append(_outcome(name, words, x, y, width, current, tallies.outcomes.get(name)))
    return "".join(parts) + "</g>"


_NONE = ' fill="none"'


def _outcome(name: str, label: str, x: float, y: float, width: float, current: str | None, tally: Tally | None) -> str:
    """The pill of an end, with its count where there is one."""
    is_current = " is-current" if name == current else ""
    body = _pill(Piece("end", label, "end", is_pill=True), x, y + 18, width)
    if tally is not None:
        body = _linked(tally, f"{body}{_badge(tally, x + width, y + 6.5, 15.5)}")
    return f'<g class="flow-outcome{is_current}" data-outcome="{escape(name)}">{body}</g>'


def _linked(tally: Tally, body: str) -> str:
    said = f' aria-label="{escape(tally.says)}"'
    if tally.href is None:
        return f'<g role="img"{said}>{body}</g>'
    return f'<a class="flow-link" href="{escape(tally.href)}"{said}>{body}</a>'


def _badge(tally: Tally, right: float, top: float, height: float = 20.0) -> str:
    """A count in a pill that ends at `right`."""
    words = str(tally.number)
    width = max(22.0, wide("who", words) + 12)
    kind = "flow-badge" if tally.number else "flow-badge is-none"
    return (
        f'<g class="{kind}"><rect x="{_n(right - width)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}"'
        f' rx="{_n(height / 2)}" fill-opacity="0.12"/>'
        f'<text x="{_n(right - width / 2)}" y="{_n(top + height / 2 + 4)}" font-size="11"'
        f' text-anchor="middle">{words}</text></g>'
    )


def _box(machine: Machine, box: Box, current: str | None, tallies: Tallies, *, is_main: bool) -> str:
    card = box.card
    classes = ["flow-state", *(["is-final", f"is-{card.final}"] if card.final else [])]
    classes += ["is-current"] if is_main and card.id == current else []
    classes += [] if card.is_seen else ["is-unseen"]
    name = card.id if is_main else f"{machine.id}.{card.id}"
    assert box.head is not None  # noqa: S101 - the layout gives every card its head
    parts = [
        f'<g class="{" ".join(classes)}" data-state="{escape(name)}">'
        f'<rect class="flow-card" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
        ' rx="9" stroke="currentColor" fill-opacity="0.04" stroke-opacity="0.6"/>'
    ]
    if card.final:
        parts.append(
            f'<rect class="flow-inner" x="{_n(box.x + 3)}" y="{_n(box.y + 3)}" width="{_n(box.width - 6)}"'
            f' height="{_n(box.height - 6)}" rx="6.5" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
        )
    head = "".join(_spans(box.head))
    tally = tallies.states.get(card.id) if is_main else None
    parts.append(head if tally is None else _linked(tally, f"{head}{_badge(tally, box.right - 8, box.y + 8)}"))
    if card.final and tally is None:
        parts.append(_final(card, box))
    for mark, lines in box.notes:
        parts.append(f'<g class="flow-note flow-note--{mark.kind}">{_sign(mark.kind, lines.x - 16, lines.y + 1.5)}')
        parts += [*_spans(lines), "</g>"]
    if box.rows:
        y = box.rows[0].y
        parts.append(
            f'<path class="flow-rule" d="M{_n(box.x)} {_n(y)}H{_n(box.right)}" stroke="currentColor"'
            ' stroke-opacity="0.25"/>'
        )
    parts += [_row(row, box) for row in box.rows]
    return "".join(parts) + "</g>"


def _final(card: Card, box: Box) -> str:
    """A tick for an end that is a success, a cross for one that is not."""
    d = "M1 6.5l3.5 3.5L11 2.5" if card.final == "success" else "M2 2l8 8M10 2l-8 8"
    return (
        f'<path class="flow-final" d="{d}" transform="translate({_n(box.right - 24)} {_n(box.y + 12)})" fill="none"'
        ' stroke="currentColor" stroke-width="2"/>'
    )


def _row(row: Row, box: Box) -> str:
    each = row.exit
    parts = [
        f'<g class="flow-exit{" is-own" if each.is_own else " is-other"}" data-transition="{escape(each.id)}"'
        f' data-from="{escape(each.source)}">'
        f'<rect class="flow-reach" x="{_n(box.x + 3)}" y="{_n(row.y + 1)}" width="{_n(box.width - 6)}"'
        f' height="{_n(row.height - 2)}" rx="5" fill="none"/>',
        *_spans(row.lines),
    ]
    if row.path:
        parts.append(_arrow(row.path))
    return "".join(parts) + "</g>"


def _arrow(corners: list[tuple[float, float]]) -> str:
    """A line with round corners and a tip: drawn, for a marker would not take the colour of its page."""
    radius = 6.0
    (x0, y0), (end_x, end_y) = corners[0], corners[-1]
    d = [f"M{_n(x0)} {_n(y0)}"]
    for (ax, ay), (bx, by), (cx, cy) in zip(corners, corners[1:], corners[2:], strict=False):
        one = min(radius, (abs(bx - ax) + abs(by - ay)) / 2)
        two = min(radius, (abs(cx - bx) + abs(cy - by)) / 2)
        r = min(one, two)
        before = (bx - _sign_of(bx - ax) * r, by - _sign_of(by - ay) * r)
        after = (bx + _sign_of(cx - bx) * r, by + _sign_of(cy - by) * r)
        d.append(f"L{_n(before[0])} {_n(before[1])}Q{_n(bx)} {_n(by)} {_n(after[0])} {_n(after[1])}")
    to_right = corners[-2][0] < end_x
    stop = end_x - 6 if to_right else end_x + 6
    d.append(f"L{_n(stop)} {_n(end_y)}")
    tip = "l-8 -4v8z" if to_right else "l8 -4v8z"
    return (
        f'<path class="flow-line" d="{"".join(d)}" fill="none" stroke="currentColor" stroke-opacity="0.6"'
        f' stroke-width="1.4"/><path class="flow-tip" d="M{_n(end_x)} {_n(end_y)}{tip}"/>'
    )


def _n(number: float) -> str:
    """A figure of the drawing to a tenth, as short as it can be written."""
    return f"{number:.1f}".removesuffix(".0")


def _sign_of(number: float) -> int:
    return (number > 0) - (number < 0)


def _spans(lines: Lines) -> list[str]:
    """Each line as it was set; words that follow each other are one text, so that a font sets its own spaces."""
    parts, run = list[str](), list[Span]()
    for span in lines.spans:
        piece = span.piece
        if run and (run[0].line != span.line or piece.is_pill or piece.icon):
            parts.append(_run(lines, run))
            run = []
        if piece.is_pill:
            parts.append(_pill(piece, lines.x + span.x, lines.baseline(span.line), piece.width))
            continue
        if piece.icon:
            parts.append(_sign(piece.icon, lines.x + span.x, lines.baseline(span.line) - 10.5))
        run.append(span)
    return [*parts, _run(lines, run)] if run else parts


def _run(lines: Lines, run: list[Span]) -> str:
    first, x = run[0], lines.x + run[0].x + (ICON if run[0].piece.icon else 0)
    y = lines.baseline(first.line)
    if len(run) == 1:
        return _text(first.piece.kind, x, y, first.piece.text)
    inside = " ".join(
        f'<tspan class="flow-{each.piece.kind}" font-size="{SIZES[each.piece.kind]}">{escape(each.piece.text)}</tspan>'
        for each in run
    )
    return f'<text x="{_n(x)}" y="{_n(y)}">{inside}</text>'


def _pill(piece: Piece, x: float, y: float, width: float) -> str:
    """Words in a pill, from x, on the baseline y."""
    return (
        f'<g class="flow-pill flow-pill--{piece.icon}"><rect x="{_n(x)}" y="{_n(y - 11.5)}" width="{_n(width)}"'
        f' height="15.5" rx="7.7" fill-opacity="0.09"/>{_sign(piece.icon, x + PILL - 2, y - 10)}'
        f"{_text(piece.kind, x + PILL + ICON - 1, y, piece.text)}</g>"
    )


def _sign(kind: str, x: float, y: float) -> str:
    d = next(path for name, path in SIGNS.items() if name == kind)
    return (
        f'<path class="flow-sign" d="{d}" transform="translate({_n(x)} {_n(y)})" fill="none" stroke="currentColor"'
        ' stroke-width="1.2"/>'
    )


def _text(kind: str, x: float, y: float, words: str) -> str:
    weight = ' font-weight="600"' if kind in ("head", "title") else ' font-weight="500"' if kind == "label" else ""
    return f'<text class="flow-{kind}" x="{_n(x)}" y="{_n(y)}" font-size="{SIZES[kind]}"{weight}>{escape(words)}</text>'
