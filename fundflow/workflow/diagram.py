"""A workflow as a picture: Mermaid text, and SVG that stands alone and takes the page's colours where it is inlined.

The SVG has no script and no inline style: classes for a page's own rules, and attributes for when there are none.
"""

from __future__ import annotations

from html import escape

from fundflow.workflow.definition import Workflow
from fundflow.workflow.layout import (
    BOX_HEIGHT,
    LABEL,
    PILL_HEIGHT,
    SMALL,
    Arrow,
    Box,
    Layout,
    lay_out,
    people,
    width_of,
    wrapped,
)
from fundflow.workflow.text import Text

ACCENT = "#1f5fbf"
_DESCRIBED = Text(
    {
        "en": "{states} states. It begins in {initial}. {arrows}",
        "fr": "{states} états. Il commence par {initial}. {arrows}",
    }
)
_NOW = Text({"en": "Now: {state}.", "fr": "Maintenant : {state}."})


def mermaid(workflow: Workflow, language: str) -> str:
    """A Mermaid state diagram, for documents that draw it themselves."""
    lines = ["stateDiagram-v2", "    direction LR"]
    for name, state in workflow.states.items():
        lines.append(f'    state "{_plain(state.label.in_(language))}" as s_{name}')
    lines.append(f"    [*] --> s_{workflow.initial}")
    for outcome, label in workflow.outcomes.items():
        lines.append(f'    state "{_plain(label.in_(language))}" as e_{outcome}')
    for t in workflow.transitions.values():
        for source in t.sources:
            target = t.destination(source)
            to = f"e_{t.end}" if target is None else f"s_{target}"
            who = people(workflow, t, source, language)
            words = f"{t.label.in_(language)}, {who}" if who else t.label.in_(language)
            lines.append(f"    s_{source} --> {to} : {_plain(words)}")
    for outcome in workflow.outcomes:
        lines.append(f"    e_{outcome} --> [*]")
    lines += [f"    s_{name} --> [*]" for name, state in workflow.states.items() if state.is_final]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Words in which Mermaid sees no signs of its own."""
    return "".join(f"#{ord(c)};" if c in '":;#<>{}[]()' else c for c in text)


def svg(workflow: Workflow, language: str, current: str | None = None) -> str:
    """The drawing; `current` is the state (or the outcome) to point out. Its classes begin with ``flow``."""
    layout = lay_out(workflow, language)
    title = workflow.title.in_(language)
    named = f"{workflow.id}-{language}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="img"'
        f' aria-labelledby="flow-{named} flow-{named}-d"',
        f' viewBox="0 0 {layout.width:.0f} {layout.height:.0f}" width="{layout.width:.0f}"',
        f' height="{layout.height:.0f}" font-family="system-ui, -apple-system, Segoe UI, sans-serif">',
        f'<title id="flow-{named}">{escape(title)}</title>',
        f'<desc id="flow-{named}-d">{escape(_description(workflow, language, current))}</desc>',
    ]
    first = layout.boxes[workflow.initial]
    parts.append(
        f'<g class="flow-start"><circle cx="{first.x - 28:.1f}" cy="{first.middle:.1f}" r="5" fill="currentColor"/>'
        f"{_line(f'M{first.x - 22:.1f} {first.middle:.1f}H{first.x - 6:.1f}', first.x - 1, first.middle)}</g>"
    )
    parts += [_over(layout, arrow, lane) for arrow, lane in layout.above]
    parts += [_beside(layout, group) for group in layout.beside]
    for box in layout.boxes.values():
        parts.append(_ends(workflow, box, current, language))
        parts.append(_state(workflow, box, current))
    return "".join(parts) + "</svg>\n"


def _description(workflow: Workflow, language: str, current: str | None) -> str:
    """The drawing in words, for whoever hears it."""
    said = []
    for t in workflow.transitions.values():
        sources = ", ".join(workflow.states[s].label.in_(language) for s in t.sources)
        targets = {t.destination(s) for s in t.sources}
        names = [workflow.states[n].label.in_(language) for n in sorted(n for n in targets if n is not None)]
        to = ", ".join(names) or (workflow.outcomes[t.end].in_(language) if t.end else "")
        said.append(f"{t.label.in_(language)}: {sources} → {to}.")
    words = _DESCRIBED.in_(language).format(
        states=len(workflow.states),
        initial=workflow.states[workflow.initial].label.in_(language),
        arrows=" ".join(said),
    )
    if current is not None:
        label = workflow.states[current].label if current in workflow.states else workflow.outcomes.get(current)
        words = f"{_NOW.in_(language).format(state=label.in_(language) if label else current)} {words}"
    return words


def _line(path: str, x: float, y: float, *, down: bool = False) -> str:
    """A line with its tip at (x, y): drawn, for a marker would not take the colour of its page."""
    tip = f"M{x:.1f} {y:.1f}l-9 -4 2.4 4 -2.4 4z" if not down else f"M{x:.1f} {y:.1f}l-4 -9 4 2.4 4 -2.4z"
    return (
        f'<path class="flow-line" d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.62"'
        f' stroke-width="1.5"/><path class="flow-tip" d="{tip}" fill="currentColor"/>'
    )


def _text(
    x: float, y: float, words: str, kind: str, *, size: float = LABEL, anchor: str = "middle", more: str = ""
) -> str:
    return (
        f'<text class="flow-{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
        f"{more or _INK[kind]}>{escape(words)}</text>"
    )


_INK = {
    "state-label": ' fill="currentColor" font-weight="600"',
    "label": ' fill="currentColor" font-weight="500"',
    "who": ' fill="currentColor" fill-opacity="0.66"',
    "outcome": ' fill="currentColor" font-weight="500"',
}


def _state(workflow: Workflow, box: Box, current: str | None) -> str:
    state = workflow.states[box.id]
    is_current = box.id == current
    classes = "flow-state" + (" is-current" if is_current else "") + (" is-final" if state.is_final else "")
    fill = f' fill="{ACCENT}" stroke="{ACCENT}"' if is_current else ' fill="currentColor" fill-opacity="0.05"'
    stroke = "" if is_current else ' stroke="currentColor" stroke-opacity="0.75"'
    parts = [
        f'<g class="{classes}" data-state="{box.id}">',
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{BOX_HEIGHT}" rx="12"{fill}{stroke}'
        ' stroke-width="1.5"/>',
    ]
    if state.is_final:
        ink = "#ffffff" if is_current else "currentColor"
        parts.append(
            f'<rect x="{box.x + 4:.1f}" y="{box.y + 4:.1f}" width="{box.width - 8:.1f}" height="{BOX_HEIGHT - 8}"'
            f' rx="9" fill="none" stroke="{ink}" stroke-opacity="0.5"/>'
        )
    ink = ' fill="#ffffff" font-weight="600"' if is_current else ""
    top = box.middle + 5 - (len(box.label) - 1) * 8.5
    for number, line in enumerate(box.label):
        parts.append(_text(box.center, top + number * 17, line, "state-label", size=14.5, more=ink))
    return "".join(parts) + "</g>"


def _ends(workflow: Workflow, box: Box, current: str | None, language: str) -> str:
    """The outcomes below a state, on a rail that leaves its lower left."""
    if not box.ends:
        return ""
    rail, parts = box.x + 14, ['<g class="flow-ends">']
    for number, end in enumerate(box.ends):
        y = box.end_y(number)
        middle, left = y + PILL_HEIGHT / 2, box.x + 30
        width = width_of(end.outcome, LABEL) + 24
        transition = workflow.transitions[end.id]
        is_current = current is not None and transition.end == current
        fill = f' fill="{ACCENT}"' if is_current else ' fill="currentColor" fill-opacity="0.09"'
        begin = box.y + BOX_HEIGHT if number == 0 else box.end_y(number - 1) + PILL_HEIGHT / 2 - 8
        path = f"M{rail:.1f} {begin:.1f}V{middle - 8:.1f}Q{rail:.1f} {middle:.1f} {rail + 8:.1f} {middle:.1f}"
        parts.append(
            f'<g class="flow-end{" is-current" if is_current else ""}" data-transition="{end.id}">'
            f"{_line(f'{path}H{left - 6:.1f}', left - 1, middle)}"
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{PILL_HEIGHT}" rx="{PILL_HEIGHT / 2}"'
            f"{fill}/>"
        )
        ink = ' fill="#ffffff" font-weight="600"' if is_current else ""
        parts.append(_text(left + width / 2, middle + 4.5, end.outcome, "outcome", more=ink))
        parts.append(_text(left, y + PILL_HEIGHT + 14, end.label, "label", size=SMALL, anchor="start"))
        parts.append(_text(left, y + PILL_HEIGHT + 27, end.who, "who", size=SMALL, anchor="start"))
        parts.append("</g>")
    return "".join(parts) + "</g>"


def _beside(layout: Layout, group: list[Arrow]) -> str:
    """An arrow to the next column, its words on the line: what above it, who below."""
    source, target = layout.boxes[group[0].source], layout.boxes[group[0].target]
    x1, x2, y1, y2 = source.right, target.x - 6, source.middle, target.middle
    column_ends, radius = source.x + source.span, 12
    left, y = column_ends if source.column in layout.branching else x1, y1
    path = f"M{x1:.1f} {y1:.1f}H{x2:.1f}"
    if source.row != target.row:
        # Down right behind the column, up right before the next one: its words have a level stretch of their own.
        is_down = y2 > y1
        knee, turn = (column_ends + 10, radius) if is_down else (target.x - 26, -radius)
        left, y = (knee, y2) if is_down else (column_ends, y1)
        path = (
            f"M{x1:.1f} {y1:.1f}H{knee - radius:.1f}Q{knee:.1f} {y1:.1f} {knee:.1f} {y1 + turn:.1f}"
            f"V{y2 - turn:.1f}Q{knee:.1f} {y2:.1f} {knee + radius:.1f} {y2:.1f}H{x2:.1f}"
        )
        x2 = x2 if is_down else knee
    x = (left + x2) / 2
    parts = [f'<g class="flow-arrow" data-transition="{group[0].id}">', _line(path, target.x - 1, y2)]
    above = [line for arrow in group for line in wrapped(arrow.label, 16)]
    for number, line in enumerate(reversed(above)):
        parts.append(_text(x, y - 9 - number * 15, line, "label"))
    for number, who in enumerate(dict.fromkeys(arrow.who for arrow in group)):
        parts.append(_text(x, y + 18 + number * 14, who, "who", size=SMALL))
    return "".join(parts) + "</g>"


def _over(layout: Layout, arrow: Arrow, lane: int) -> str:
    """An arrow back, or past a column: up, along its lane, and down again."""
    source, target = layout.boxes[arrow.source], layout.boxes[arrow.target]
    y = layout.lane_y(lane)
    going_right = target.column > source.column
    is_loop = source is target
    shift = 34 if is_loop else 18 if going_right else -18
    x1, x2 = source.center + shift, target.center - shift
    up, down = f"M{x1:.1f} {source.y:.1f}", f"V{target.y - 6:.1f}"
    tip = (x2, target.y - 1)
    if source.row:
        x1, leaves = source.right + 16, source.middle - 14
        up = f"M{source.right:.1f} {leaves:.1f}H{x1 - 8:.1f}Q{x1:.1f} {leaves:.1f} {x1:.1f} {leaves - 12:.1f}"
    if target.row:
        x2, arrives = target.x - 18, target.middle - 14
        down = f"V{arrives - 8:.1f}Q{x2:.1f} {arrives:.1f} {x2 + 8:.1f} {arrives:.1f}H{target.x - 6:.1f}"
        tip = (target.x - 1, arrives)
    radius = 12
    step = radius if x2 > x1 else -radius
    path = (
        f"{up}V{y + radius:.1f}Q{x1:.1f} {y:.1f} {x1 + step:.1f} {y:.1f}"
        f"H{x2 - step:.1f}Q{x2:.1f} {y:.1f} {x2:.1f} {y + radius:.1f}{down}"
    )
    x = (x1 + x2) / 2
    label = f"{arrow.label} · {arrow.who}" if is_loop else arrow.label
    who = "" if is_loop else _text(x, y + 15, arrow.who, "who", size=SMALL)
    return (
        f'<g class="flow-arrow" data-transition="{arrow.id}">{_line(path, *tip, down=not target.row)}'
        f"{_text(x, y - 7, label, 'label')}{who}</g>"
    )
