"""Lines over labels in their order, with bands."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fundflow.charts.chart import ENGLISH, Chart, Numbers, Series, Words, check
from fundflow.charts.marks import (
    SMALL,
    WIDTH,
    Scale,
    across,
    along,
    dash,
    drawing,
    legend,
    legend_rows,
    mark,
    width_of,
)


def lines(
    name: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    numbers: Numbers,
    *,
    heading: str,
    says: str = "",
    words: Words = ENGLISH,
) -> Chart:
    """Lines over labels in their order, each with its dashes, its mark and its name, and a band where it has one."""
    check(labels, series)
    ends = [value for each in series for value in (*each.values, *(each.high or ()), *(each.low or ()))]
    right = WIDTH - 16
    top = 14 + 22 * len(legend_rows(series))
    height = top + 240
    scale = Scale(min([0.0, *ends]), max([*ends, 0.0]), height - 34, top + 6)
    left = 14 + max(width_of(numbers.tick(tick), SMALL) for tick in scale.ticks)
    step = (right - left) / max(1, len(labels) - 1)
    xs = [left + step * n for n in range(len(labels))]
    parts = [legend(name, series, is_line=True), across(scale, left, right, numbers), along(labels, xs, height)]
    for number, each in enumerate(series):
        parts.append(f'<g class="chart-{number + 1}" data-series="{escape(each.label)}">')
        if each.low is not None and each.high is not None:
            there = [f"{x:.1f} {scale.at(v):.1f}" for x, v in zip(xs, each.high, strict=True)]
            back = [f"{x:.1f} {scale.at(v):.1f}" for x, v in zip(reversed(xs), reversed(each.low), strict=True)]
            parts.append(
                f'<path class="chart__band" d="M{"L".join([*there, *back])}Z" fill="currentColor" fill-opacity="0.14"/>'
            )
        points = "L".join(f"{x:.1f} {scale.at(v):.1f}" for x, v in zip(xs, each.values, strict=True))
        parts.append(
            f'<path class="chart__line" d="M{points}" fill="none" stroke="currentColor" stroke-width="2"'
            f' stroke-linejoin="round"{dash(number)}/>'
        )
        every = max(1, len(xs) // 12)
        for n, (x, value) in enumerate(zip(xs, each.values, strict=True)):
            shown = mark(number, x, scale.at(value)) if n % every == 0 or n == len(xs) - 1 else ""
            parts.append(
                f'<g class="chart__point" data-label="{escape(labels[n])}" data-value="{value:.6g}"'
                f' data-x="{x:.1f}" data-y="{scale.at(value):.1f}">{shown}'
                f"<title>{escape(words.pair(f'{labels[n]}, {each.label}', numbers(value)))}</title></g>"
            )
        parts.append("</g>")
    headings, rows = _line_rows(labels, series, numbers, words)
    svg = drawing(
        name, title, says or words.pair(title, f"{', '.join(each.label for each in series)}."), height, "".join(parts)
    )
    return Chart(title, svg, (heading, *headings), tuple(rows), words.data)


def _line_rows(
    labels: Sequence[str], series: Sequence[Series], numbers: Numbers, words: Words
) -> tuple[list[str], list[tuple[str, ...]]]:
    columns: list[tuple[str, Sequence[float]]] = []
    for each in series:
        columns.append((each.label, each.values))
        if each.low is not None and each.high is not None:
            columns += [
                (words.pair(each.label, words.low), each.low),
                (words.pair(each.label, words.high), each.high),
            ]
    rows = [(label, *(numbers(values[n]) for _, values in columns)) for n, label in enumerate(labels)]
    return [heading for heading, _ in columns], rows
