"""The pieces of a drawing: the axis and its lines, bars and their hatching, marks, legends and words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, log10

from fundflow.charts.chart import Numbers, Series

WIDTH = 720.0
SMALL, LABEL = 12.0, 13.0
_FACE = ' font-family="system-ui, -apple-system, Segoe UI, sans-serif"'
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4")


def said(title: str, rows: Sequence[tuple[str, ...]], headings: Sequence[str]) -> str:
    """The drawing in words, for whoever hears it: the values themselves, as far as they are few."""
    shown = [f"{row[0]}: {', '.join(row[1 : 1 + len(headings)])}" for row in rows[:12]]
    return f"{title}. {'; '.join(shown)}{'; …' if len(rows) > 12 else '.'}"


class Scale:
    """Values to places along an axis, with round ticks that hold all values."""

    def __init__(self, low: float, high: float, begins: float, ends: float) -> None:
        span = (high - low) or 1.0
        size = 10.0 ** floor(log10(span / 4))
        step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if span / (size * factor) <= 5)
        first, last = floor(low / step + 1e-9), -floor(-high / step + 1e-9)
        last = max(last, first + 1)
        self.ticks = [round(step * n, 10) for n in range(first, last + 1)]
        self.low, self.high, self.begins, self.ends = self.ticks[0], self.ticks[-1], begins, ends

    def at(self, value: float) -> float:
        return self.begins + (value - self.low) / (self.high - self.low) * (self.ends - self.begins)


def drawing(name: str, title: str, says: str, height: float, inner: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart__drawing" role="img" aria-labelledby="{escape(name)}-t'
        f' {escape(name)}-d" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" height="{height:.0f}"{_FACE}>'
        f'<title id="{escape(name)}-t">{escape(title)}</title><desc id="{escape(name)}-d">{escape(says)}</desc>'
        f"{inner}</svg>"
    )


def width_of(text: str, size: float) -> float:
    return size * sum(0.95 if ord(c) > 0x2E7F else 0.62 if c.isupper() else 0.54 for c in text)


def room(values: Sequence[str]) -> float:
    """How far from the right an axis ends, so that these fit beside it."""
    return 24 + max([width_of(value, LABEL) for value in values], default=0.0)


def margin(labels: Sequence[str]) -> float:
    return min(280.0, 22 + max([width_of(label, LABEL) for label in labels], default=0.0))


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "label") -> str:
    longest = 40
    shown = words if len(words) <= longest else words[: longest - 1] + "…"
    size = SMALL if kind == "tick" else LABEL
    faint = ' fill-opacity="0.75"' if kind == "tick" else ""
    return (
        f'<text class="chart__{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size:.0f}" text-anchor="{anchor}"'
        f' fill="currentColor"{faint}>{escape(shown)}</text>'
    )


def upright(scale: Scale, top: float, bottom: float, numbers: Numbers) -> str:
    """The lines of a level chart's axis, with their values below."""
    parts, x, tick = [], 0.0, 0.0
    for tick in scale.ticks:
        x = scale.at(tick)
        parts.append(
            f'<path class="chart__grid" d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="currentColor"'
            f' stroke-opacity="{0.55 if tick == 0 else 0.16}"/>'
        )
        parts.append(text(x, bottom + 16, numbers.tick(tick), anchor="middle", kind="tick"))
    if numbers.unit:
        parts.append(text(x + width_of(numbers.tick(tick), SMALL) / 2 + 5, bottom + 16, numbers.unit, kind="tick"))
    return "".join(parts)


def across(scale: Scale, left: float, right: float, numbers: Numbers) -> str:
    """The lines of an upright axis, with their values beside."""
    parts = []
    for tick in scale.ticks:
        y = scale.at(tick)
        parts.append(
            f'<path class="chart__grid" d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="currentColor"'
            f' stroke-opacity="{0.55 if tick == 0 else 0.16}"/>'
        )
        parts.append(text(left - 6, y + 4, numbers.tick(tick), anchor="end", kind="tick"))
    return "".join(parts)


def along(labels: Sequence[str], xs: Sequence[float], height: float) -> str:
    """As many labels under a level axis as have room; the last is always there."""
    room = max(width_of(label, SMALL) for label in labels) + 14
    every = max(1, round(room / (xs[1] - xs[0]) + 0.5) if len(xs) > 1 else 1)
    shown = [n for n in range(0, len(labels), every) if xs[-1] - xs[n] > room or n == len(labels) - 1]
    if shown[-1:] != [len(labels) - 1]:
        shown.append(len(labels) - 1)
    parts = []
    for n in shown:
        anchor = "start" if n == 0 else "end" if n == len(labels) - 1 else "middle"
        parts.append(text(xs[n], height - 12, labels[n], anchor=anchor, kind="tick"))
    return "".join(parts)


def legend_rows(series: Sequence[Series]) -> list[list[int]]:
    """The series by lines of the legend; none where there is only one to name."""
    rows: list[list[int]] = []
    used = WIDTH
    for number, each in enumerate(series if len(series) > 1 else ()):
        width = 44 + width_of(each.label, LABEL)
        if used + width > WIDTH - 16:
            rows.append([])
            used = 0
        rows[-1].append(number)
        used += width
    return rows


def legend(name: str, series: Sequence[Series], *, is_line: bool) -> str:
    parts = []
    for row, numbers in enumerate(legend_rows(series)):
        x, y = 8.0, 12.0 + 22 * row
        for number in numbers:
            sign = (
                f'<path class="chart__line" d="M{x:.1f} {y:.1f}h24" fill="none" stroke="currentColor" stroke-width="2"'
                f"{dash(number)}/>{mark(number, x + 12, y)}"
                if is_line
                else box(name, number, x, y - 8, 24, 15)
            )
            parts.append(f'<g class="chart-{number + 1} chart__key">{sign}</g>')
            parts.append(text(x + 31, y + 4.5, series[number].label))
            x += 44 + width_of(series[number].label, LABEL)
    return "".join(parts)


def dash(number: int) -> str:
    return f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""


def mark(number: int, x: float, y: float) -> str:
    """A circle, square, triangle, diamond or cross, so that lines are told apart without colour."""
    shape = (
        "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
        "m-4-4h8v8h-8z",
        "m0-5l5 9h-10z",
        "m0-5.5l5.5 5.5-5.5 5.5-5.5-5.5z",
        "m-4-4l8 8m0-8l-8 8",
    )[number]
    paint = 'stroke="currentColor" stroke-width="2"' if number == 4 else 'fill="currentColor"'
    return f'<path class="chart__mark" d="M{x:.1f} {y:.1f}{shape}" {paint}/>'


def box(name: str, number: int, x: float, y: float, width: float, height: float) -> str:
    """A bar, or a part of one: tinted, hatched in its own way, and outlined."""
    at = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{height:.0f}"'
    hatch = f'<rect class="chart__hatch" {at} fill="url(#{escape(name)}-h{number})"/>' if number else ""
    return (
        f'<rect class="chart__bar" {at} fill="currentColor" fill-opacity="0.28" stroke="currentColor"'
        f' stroke-opacity="0.8"/>{hatch}'
    )


def hatches(name: str, count: int) -> str:
    """Patterns of the second and later series: lines down, up, level, and dots."""
    shapes = ("M0 0L8 8M-2 6L2 10M6-2L10 2", "M0 8L8 0M-2 2L2-2M6 10L10 6", "M0 4H8", "M3 4h2")
    patterns = [
        f'<pattern id="{escape(name)}-h{number}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path d="{shapes[number - 1]}" stroke="currentColor" stroke-width="1.4" fill="none"/></pattern>'
        for number in range(1, count)
    ]
    return f"<defs>{''.join(patterns)}</defs>" if patterns else ""
