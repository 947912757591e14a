"""Charts say what is drawn: parsed, measured against their values, equal to their table, readable without colour."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import html5lib
import pytest

from fundflow import charts
from fundflow.charts import Bar, Chart, Numbers, Series, Words

SVG = "{http://www.w3.org/2000/svg}"
ITEMS = [Bar("Draft", 12.5, 10, 16), Bar("Review", 50, 41.5, 62), Bar("Nothing", 0, 0, 0)]
LABELS = ["January", "February", "March", "April"]
SERIES = [
    Series("Review", [1, 8, 4, 2], [0, 5, 2, 1], [3, 11, 6, 4]),
    Series("Signature", [0, 1, 3, 2]),
]


def every_kind() -> list[Chart]:
    numbers = Numbers("en", unit="days")
    return [
        charts.bars("one", "Time in each state", ITEMS, numbers, heading="State"),
        charts.intervals("two", "Time to decision", ITEMS, numbers, heading="State"),
        charts.stacked("three", "Ends", LABELS, SERIES, Numbers("fr", digits=0), heading="Month"),
        charts.lines("four", "In each state", LABELS, SERIES, Numbers("en"), heading="Month"),
    ]


def drawn(chart: Chart) -> ET.Element:
    return ET.fromstring(chart.svg)


def marks(root: ET.Element, **with_: str) -> list[ET.Element]:
    """What stands for a value, in order."""
    found = [each for each in root.iter(f"{SVG}g") if each.get("data-value") is not None]
    return [each for each in found if all(each.get(key.replace("_", "-")) == value for key, value in with_.items())]


@pytest.mark.parametrize("chart", every_kind(), ids=["bars", "intervals", "stacked", "lines"])
def test_a_chart_has_a_title_a_description_a_table_and_neither_script_nor_style(chart: Chart) -> None:
    root = drawn(chart)
    assert root.get("role") == "img"
    title, says = (root.find(f"{SVG}{tag}") for tag in ("title", "desc"))
    assert title is not None and title.text == chart.title
    assert says is not None and says.text and len(says.text) > len(chart.title)
    assert root.get("aria-labelledby") == f"{title.get('id')} {says.get('id')}"
    for element in root.iter():
        assert element.get("style") is None
        assert not element.tag.endswith(("script", "style"))
        assert not any(key.startswith("on") for key in element.attrib)
    html5lib.HTMLParser(strict=True).parseFragment(chart.figure())
    assert "style=" not in chart.figure()
    assert chart.figure().count("<table") == 1


@pytest.mark.parametrize("chart", every_kind(), ids=["bars", "intervals", "stacked", "lines"])
def test_nothing_leaves_the_drawing(chart: Chart) -> None:
    root = drawn(chart)
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x") or 0) >= 0
        assert float(rect.get("x") or 0) + float(rect.get("width") or 0) <= width
        assert float(rect.get("y") or 0) + float(rect.get("height") or 0) <= height
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x") or -1) <= width
        assert 0 <= float(text.get("y") or -1) <= height


def test_bars_are_as_long_as_their_values_and_whiskers_end_where_the_interval_does() -> None:
    chart = every_kind()[0]
    found = marks(drawn(chart))
    assert [float(each.get("data-value") or "nan") for each in found] == [12.5, 50, 0]
    widths = [float(next(each.iter(f"{SVG}rect")).get("width") or "nan") for each in found]
    a_day = widths[1] / 50
    assert widths[0] == pytest.approx(12.5 * a_day, abs=0.1)
    assert widths[2] == 0
    zero = float(next(found[1].iter(f"{SVG}rect")).get("x") or "nan")
    whisker = next(each for each in found[1].iter(f"{SVG}path") if each.get("class") == "chart__whisker")
    begins, ends = map(float, re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", whisker.get("d") or "")[0])
    assert begins - zero == pytest.approx(41.5 * a_day, abs=0.15)
    assert ends - zero == pytest.approx(62 * a_day, abs=0.15)


def test_the_table_holds_exactly_what_is_drawn() -> None:
    bars, intervals, stacked, lines = every_kind()
    assert bars.headings == ("State", "Value (days)", "From", "To")
    assert bars.rows[0] == ("Draft", "12.5", "10", "16")
    assert intervals.rows == bars.rows
    for chart in (stacked, lines):
        for label in LABELS:
            row = next(row for row in chart.rows if row[0] == label)
            for each in SERIES:
                column = chart.headings.index(each.label)
                in_drawing = [
                    mark.get("data-value")
                    for group in drawn(chart).iter(f"{SVG}g")
                    if group.get("data-series") == each.label
                    for mark in group.iter(f"{SVG}g")
                    if mark.get("data-label") == label and mark.get("data-value") is not None
                ]
                assert in_drawing == [row[column]]


def test_lines_pass_through_their_points() -> None:
    root = drawn(every_kind()[3])
    for each in SERIES:
        group = next(g for g in root.iter(f"{SVG}g") if g.get("data-series") == each.label)
        line = next(path for path in group.iter(f"{SVG}path") if path.get("class") == "chart__line")
        ends = [tuple(map(float, point.split())) for point in (line.get("d") or "")[1:].split("L")]
        assert ends == [(float(m.get("data-x") or 0), float(m.get("data-y") or 0)) for m in marks(group)]
        heights = [y for _, y in ends]
        assert sorted(range(4), key=lambda n: -heights[n]) == sorted(range(4), key=lambda n: each.values[n])


def test_series_differ_in_more_than_colour() -> None:
    _, _, stacked, lines = every_kind()
    hatched = [p.get("fill") for p in drawn(stacked).iter(f"{SVG}rect") if p.get("class") == "chart__hatch"]
    assert set(hatched) == {"url(#three-h1)"}
    dashes = {
        group.get("data-series"): next(
            path.get("stroke-dasharray") for path in group.iter(f"{SVG}path") if path.get("class") == "chart__line"
        )
        for group in drawn(lines).iter(f"{SVG}g")
        if group.get("data-series")
    }
    assert len(set(dashes.values())) == 2
    shapes = {
        (path.get("d") or "").split("m")[-1]
        for path in drawn(lines).iter(f"{SVG}path")
        if path.get("class") == "chart__mark"
    }
    assert len(shapes) == 2
    # No colour is named anywhere: a page's style decides, in the light and in the dark.
    assert not re.search(r"#[0-9a-fA-F]{3,8}\"|rgb\(", stacked.svg + lines.svg)


@pytest.mark.parametrize(
    ("numbers", "value", "written"),
    [
        (Numbers("en"), 1234.56, "1,234.6"),
        (Numbers("fr"), 1234.56, "1\u202f234,6"),
        (Numbers("de", digits=2), 0.5, "0,5"),
        (Numbers("en", is_share=True), 0.1234, "12.3%"),
        (Numbers("fr", is_share=True), 0.5, "50\u00a0%"),
        (Numbers("en", currency="EUR"), 1234.4, "€1,234"),
        (Numbers("fr", currency="EUR"), 1_500_000, "1\u202f500\u202f000\u00a0€"),
    ],
)
def test_numbers_are_written_by_locale(numbers: Numbers, value: float, written: str) -> None:
    assert numbers(value) == written


def test_words_are_the_callers_and_are_escaped() -> None:
    own = Words("Moyenne", "De", "À", "Données")
    chart = charts.bars("x", "A < B & “C”", [Bar("<b>", 1, 0, 2)], Numbers("fr"), heading="État", words=own)
    assert chart.headings == ("État", "Moyenne", "De", "À")
    assert "<b>" not in chart.figure() and "&lt;b&gt;" in chart.figure()
    assert "<summary>Données</summary>" in chart.figure()


def test_what_cannot_be_told_apart_or_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 5 series"):
        charts.lines("x", "X", ["a"], [Series(str(n), [1]) for n in range(6)], Numbers(), heading="A")
    with pytest.raises(ValueError, match="a value for every label"):
        charts.stacked("x", "X", ["a", "b"], [Series("one", [1])], Numbers(), heading="A")


@pytest.mark.parametrize("high", [0.0, 0.003, 1.0, 7, 99, 1234, 5e6])
def test_axes_have_few_round_ticks_that_hold_every_value(high: float) -> None:
    chart = charts.bars("x", "X", [Bar("a", high), Bar("b", high / 3)], Numbers(digits=4), heading="A")
    ticks = [t for t in drawn(chart).iter(f"{SVG}text") if t.get("class") == "chart__tick"]
    assert 2 <= len(ticks) <= 8
    last = float((ticks[-1].text or "").replace(",", ""))
    assert last >= high


def test_it_can_be_drawn_by_another_program() -> None:
    """A typesetter that knows nothing of our style sheet draws something in the ink of the page."""
    from weasyprint import HTML

    for chart in every_kind():
        pdf = HTML(string=f"<html><body>{chart.svg}</body></html>").write_pdf()
        assert pdf is not None and len(pdf) > 2_000
