"""Level charts, one row for each label: bars, intervals, and bars made of parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from fundflow.charts.chart import ENGLISH, Bar, Chart, Numbers, Series, Words, check
from fundflow.charts.marks import (
    WIDTH,
    Scale,
    box,
    drawing,
    hatches,
    legend,
    legend_rows,
    margin,
    mark,
    room,
    said,
    text,
    upright,
)


def bars(
    name: str,
    title: str,
    items: Sequence[Bar],
    numbers: Numbers,
    *,
    heading: str,
    says: str = "",
    words: Words = ENGLISH,
) -> Chart:
    """Level bars from zero, one under the other, with a whisker for an interval.

    `name` is unique on the page; `heading` says what the labels are, `says` what there is to see.
    """
    return _level(name, title, items, numbers, heading, says, words, is_bar=True)


def intervals(
    name: str,
    title: str,
    items: Sequence[Bar],
    numbers: Numbers,
    *,
    heading: str,
    says: str = "",
    words: Words = ENGLISH,
) -> Chart:
    """A mark for each value on a line for its interval, one under the other: for comparing what is uncertain."""
    return _level(name, title, items, numbers, heading, says, words, is_bar=False)


def stacked(
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
    """Level bars made of parts, with a legend; each series has a value for every label."""
    check(labels, series)
    totals = [sum(each.values[n] for each in series) for n in range(len(labels))]
    left = margin(labels)
    top = 14 + 22 * len(legend_rows(series))
    scale = Scale(0.0, max([*totals, 0.0]), left, WIDTH - room([numbers(total) for total in totals] + [numbers.unit]))
    height = top + 34 * len(labels) + 34
    parts = [legend(name, series, is_line=False), upright(scale, top, height - 28, numbers)]
    for row, label in enumerate(labels):
        y, x = top + 34 * row + 5, scale.at(0)
        parts.append(text(left - 10, y + 16, label, anchor="end"))
        for number, each in enumerate(series):
            width = scale.at(each.values[row]) - scale.at(0)
            parts.append(
                f'<g class="chart-{number + 1}" data-series="{escape(each.label)}" data-label="{escape(label)}"'
                f' data-value="{each.values[row]:.6g}">{box(name, number, x, y, width, 22)}'
                f"<title>{escape(words.pair(f'{label}, {each.label}', numbers(each.values[row])))}</title></g>"
            )
            x += width
        parts.append(text(x + 7, y + 16, numbers(totals[row]), kind="value"))
    rows = [(label, *(numbers(each.values[n]) for each in series)) for n, label in enumerate(labels)]
    svg = drawing(
        name,
        title,
        says or said(title, rows, [s.label for s in series]),
        height,
        hatches(name, len(series)) + "".join(parts),
    )
    return Chart(title, svg, (heading, *(each.label for each in series)), tuple(rows), words.data)


def _level(
    name: str,
    title: str,
    items: Sequence[Bar],
    numbers: Numbers,
    heading: str,
    says: str,
    words: Words,
    *,
    is_bar: bool,
) -> Chart:
    has_interval = any(item.low is not None and item.high is not None for item in items)
    ends = [end for item in items for end in (item.value, item.low, item.high) if end is not None]
    left = margin([item.label for item in items])
    scale = Scale(
        min([0.0, *ends]),
        max([*ends, 0.0]),
        left,
        WIDTH - room([numbers(item.value) for item in items] + [numbers.unit]),
    )
    height = 14 + 34 * len(items) + 34.0
    parts = [upright(scale, 10, height - 28, numbers)]
    for row, item in enumerate(items):
        y = 10 + 34 * row + 17.0
        zero, end = scale.at(0), scale.at(item.value)
        furthest = end
        parts.append(
            f'<g class="chart-1" data-label="{escape(item.label)}" data-value="{item.value:.6g}" data-x="{end:.1f}">'
        )
        if is_bar:
            parts.append(box(name, 0, min(zero, end), y - 11, abs(end - zero), 22))
        if item.low is not None and item.high is not None:
            low, high = scale.at(item.low), scale.at(item.high)
            furthest = max(furthest, high)
            parts.append(
                f'<path class="chart__whisker" data-low="{item.low:.6g}" data-high="{item.high:.6g}"'
                f' d="M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 5:.1f}v10M{high:.1f} {y - 5:.1f}v10" fill="none"'
                ' stroke="currentColor" stroke-width="1.75"/>'
            )
        if not is_bar:
            parts.append(mark(0, end, y))
        parts.append(f"<title>{escape(words.pair(item.label, numbers(item.value)))}</title></g>")
        parts.append(text(left - 10, y + 4.5, item.label, anchor="end"))
        parts.append(text(furthest + 7, y + 4.5, numbers(item.value), kind="value"))
    value = f"{words.value} ({numbers.unit})" if numbers.unit else words.value
    headings = (heading, value, words.low, words.high) if has_interval else (heading, value)
    rows = [
        (item.label, numbers(item.value))
        + ((_or_nothing(item.low, numbers), _or_nothing(item.high, numbers)) if has_interval else ())
        for item in items
    ]
    svg = drawing(name, title, says or said(title, rows, [value]), height, hatches(name, 1) + "".join(parts))
    return Chart(title, svg, headings, tuple(rows), words.data)


def _or_nothing(value: float | None, numbers: Callable[[float], str]) -> str:
    return "" if value is None else numbers(value)
